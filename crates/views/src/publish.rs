//! Which records are published, and what topics see of them.

use monban_model::limits::{LABEL_VALUE_MAX, PUBLICATION_KEY_MAX};
use monban_model::{
    AlarmChange, AlarmState, Because, Decision, Event, Finding, HostFinding, Label, Login, Notice,
    Outcome, OutcomeResult, Publication, Record, Severity, Standing, Theme, Verdict,
};

/// What a record publishes, if it does. A decision takes its service from the finding that it
/// rests on.
pub fn publication(record: &Record, finding: Option<&Finding>) -> Option<Publication> {
    let told = match &record.event {
        Event::Entered(login) => of_login(login),
        Event::FoundHere(finding) => Told {
            theme: Theme::Finding,
            severity: finding.severity,
            standing: Standing::Once,
            key: found_key(finding),
            labels: found_labels(finding),
        },
        Event::Alarmed(change) => of_alarm(change),
        Event::Decided(decision) => of_decision(decision, finding)?,
        Event::Happened(outcome) => of_outcome(outcome)?,
        Event::Noticed(notice) => of_notice(notice)?,
        Event::Found(_) | Event::Ordered(_) => return None,
    };
    Some(Publication {
        seq: record.seq,
        time: record.time,
        theme: told.theme,
        severity: told.severity,
        standing: told.standing,
        // An alarm over alarms only follows them.
        repeats: matches!(&record.event, Event::Alarmed(change) if change.watched.is_some()),
        key: cut(told.key, PUBLICATION_KEY_MAX),
        labels: told.labels,
    })
}

/// What names a finding: its account, and for one about an origin its table in place of what a
/// stranger typed.
fn found_key(finding: &HostFinding) -> String {
    let of = match finding.key.as_str() {
        "origin-failure" => value_of(finding, "rule").unwrap_or_default(),
        _ => shown(finding.user.as_deref()),
    };
    format!("finding:{}:{of}", finding.key)
}

struct Told {
    theme: Theme,
    severity: Severity,
    standing: Standing,
    key: String,
    labels: Vec<(String, String)>,
}

fn of_login(login: &Login) -> Told {
    let severity = match login.failures > 0 || login.is_from_a_new_place() {
        true => Severity::Warning,
        false => Severity::Notice,
    };
    let key = match &login.by {
        Some(by) => format!("login:{}>{}", shown(Some(by)), shown(login.user.as_deref())),
        None => format!("login:{}", shown(login.user.as_deref())),
    };
    let standing = Standing::Once;
    Told { theme: Theme::Login, severity, standing, key, labels: login_labels(login) }
}

/// Each contributor's state is a thing of its own, which lasts while it is in `ALARM`.
fn of_alarm(change: &AlarmChange) -> Told {
    let standing = match (change.new, change.old) {
        (AlarmState::Alarm, _) => Standing::Firing,
        (_, AlarmState::Alarm) => Standing::Resolved,
        _ => Standing::Once,
    };
    // That there is no data, or there is again, is no alarm.
    let severity = if standing == Standing::Once { Severity::Info } else { change.severity };
    let key = alarm_key(change);
    Told { theme: Theme::Alarm, severity, standing, key, labels: alarm_labels(change) }
}

/// What names an alarm, or the state of one of its contributors.
pub(crate) fn alarm_key(change: &AlarmChange) -> String {
    let of = change.contributor.as_ref().map(|one| shown(Some(&one.value)));
    let of = of.map(|of| format!(":{of}")).unwrap_or_default();
    cut(format!("alarm:{}{of}", change.alarm), PUBLICATION_KEY_MAX)
}

/// What topics see of an alarm.
fn alarm_labels(change: &AlarmChange) -> Vec<(String, String)> {
    let contributor = change.contributor.as_ref().map(|one| shown(Some(&one.value)));
    let watched = change.watched.as_ref();
    let dimensions = watched.map_or(&[][..], |watched| &watched.dimensions);
    let service = dimensions.iter().find(|(name, _)| name == Label::Service.word());
    let service = service.map(|(_, service)| service.clone());
    sorted(vec![
        (Label::Alarm, Some(change.alarm.clone())),
        (Label::Contributor, contributor),
        (Label::Metric, watched.map(|watched| watched.metric.clone())),
        (Label::Service, service),
        (Label::State, Some(change.new.word().to_owned())),
    ])
}

/// What topics see of a login.
fn login_labels(login: &Login) -> Vec<(String, String)> {
    let place = if login.is_from_a_new_place() { "new" } else { "known" };
    let address = login.address.map(|address| address.to_string());
    sorted(vec![
        (Label::User, Some(shown(login.user.as_deref()))),
        (Label::By, login.by.as_deref().map(|by| shown(Some(by)))),
        (Label::Address, address),
        (Label::Service, Some(login.service.clone())),
        (Label::Method, login.method.as_deref().map(|method| shown(Some(method)))),
        (Label::Place, Some(place.to_owned())),
    ])
}

/// What topics see of a finding about this host.
fn found_labels(finding: &HostFinding) -> Vec<(String, String)> {
    sorted(vec![
        (Label::Address, value_of(finding, "address")),
        (Label::Finding, Some(finding.key.clone())),
        (Label::Origin, value_of(finding, "origin").map(|origin| without_comma(&origin))),
        (Label::Service, Some(finding.service.clone())),
        (Label::User, finding.user.as_deref().map(|user| shown(Some(user)))),
    ])
}

fn value_of(finding: &HostFinding, name: &str) -> Option<String> {
    let found = finding.values.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| shown(Some(value.as_bytes())))
}

fn of_decision(decision: &Decision, finding: Option<&Finding>) -> Option<Told> {
    let (theme, severity, word) = match (decision.verdict, &decision.because) {
        (Verdict::Block { .. }, _) => (Theme::Block, Severity::Info, "block"),
        (Verdict::Free, Because::Expired) => return None,
        (Verdict::Free, _) => (Theme::Block, Severity::Info, "free"),
        (Verdict::Nothing, Because::Administrator) => (Theme::Finding, Severity::Notice, "spared"),
        (Verdict::Nothing, Because::TooManyBlocks) => {
            (Theme::Finding, Severity::Critical, "spared")
        }
        (Verdict::Nothing, _) => return None,
    };
    Some(Told {
        theme,
        severity,
        standing: Standing::Once,
        key: format!("{word}:{}", decision.subject),
        labels: decision_labels(decision, finding),
    })
}

/// What topics see of a decision, and of the finding that it rests on.
fn decision_labels(decision: &Decision, finding: Option<&Finding>) -> Vec<(String, String)> {
    let origin = match &decision.because {
        Because::Origin(by) => Some(without_comma(&by.from.to_string())),
        _ => None,
    };
    sorted(vec![
        (Label::Origin, origin),
        (Label::Subject, Some(decision.subject.to_string())),
        (Label::Policy, Some(decision.policy.clone())),
        (Label::Because, Some(decision.because.word().to_owned())),
        (Label::Service, finding.map(|finding| finding.service.clone())),
    ])
}

/// In a condition that is typed a comma stands between values.
fn without_comma(origin: &str) -> String {
    origin.replace(", ", " ")
}

fn of_outcome(outcome: &Outcome) -> Option<Told> {
    let (word, _) = outcome.result.words();
    matches!(outcome.result, OutcomeResult::Failed(_) | OutcomeResult::Refused(_)).then(|| Told {
        theme: Theme::Notice,
        severity: Severity::Warning,
        standing: Standing::Once,
        key: format!("outcome:{word}"),
        labels: outcome_labels(outcome),
    })
}

/// What topics see of an order that was carried out, or not.
fn outcome_labels(outcome: &Outcome) -> Vec<(String, String)> {
    sorted(vec![(Label::Subject, Some(outcome.subject.to_string()))])
}

/// How urgent a notice of this key is, if a person is told of it at all.
pub(crate) fn notice_severity(key: &str) -> Option<Severity> {
    Some(match key {
        "firewall-broken" | "watcher-failed" | "ledger-damaged" => Severity::Critical,
        "firewall-changed" | "ledger-disk" | "disk-full" | "watcher-ended" | "restore-refused"
        | "restore-wide" => Severity::Warning,
        // Lines or logins that nobody looked at.
        "source-gone" | "source-failed" | "source-lost" | "journal-failed" | "hook-lost"
        | "hook-spool-failed" | "hook-socket-failed" | "hook-deaf" => Severity::Warning,
        // Messages that come late, or tell less. Each is told once until it is over.
        "courier-failed" | "runner-failed" | "geo-failed" => Severity::Warning,
        // Figures that others look at are not there.
        "aws-metrics-failing" | "aws-metrics-left-out" | "aws-metrics-dropped" => Severity::Warning,
        "aws-logs-failing" | "aws-logs-left-out" | "aws-logs-lost" | "aws-logs-unfit"
        | "aws-logs-too-many" => Severity::Warning,
        // Who is shut out, or not, by his place.
        "origin-failed"
        | "origin-no-database"
        | "origin-lacks-countries"
        | "origin-lacks-systems" => Severity::Warning,
        "disk-back" | "source-back" | "clock-set" | "evicted" | "aws-logs-works" => {
            Severity::Notice
        }
        _ => return None,
    })
}

/// What monban has to say about itself, as far as a person should hear of it.
fn of_notice(notice: &Notice) -> Option<Told> {
    let severity = notice_severity(&notice.key)?;
    let path = notice.values.iter().find(|(name, _)| name == "path").map(|(_, path)| path.clone());
    let about = path.as_deref().map(|path| format!(":{path}")).unwrap_or_default();
    Some(Told {
        theme: Theme::Notice,
        severity,
        standing: Standing::Once,
        key: format!("notice:{}{about}", notice.key),
        labels: sorted(vec![(Label::Notice, Some(notice.key.clone())), (Label::Path, path)]),
    })
}

fn sorted(labels: Vec<(Label, Option<String>)>) -> Vec<(String, String)> {
    let mut known: Vec<(String, String)> = labels
        .into_iter()
        .filter_map(|(name, value)| Some((name.word().to_owned(), cut(value?, LABEL_VALUE_MAX))))
        .collect();
    known.sort();
    known
}

fn shown(bytes: Option<&[u8]>) -> String {
    bytes.map(crate::printable).unwrap_or_default()
}

fn cut(mut text: String, most: usize) -> String {
    while text.len() > most {
        text.pop();
    }
    text
}

//! What happened in jails: as records of the ledger, and in words.

use monban_engine::Observation;
use monban_fail2ban::filter::Id;
use monban_jails::{News, Spared, Told, WhyFreed};
use monban_model::{
    Because, Decision, Evidence, Finding, FindingKind, JailJob, Notice, OrderId, Outcome,
    OutcomeResult, Scope, Stamp, Subject, Verdict,
};

use super::notice;

/// What happened to an address, as a record.
pub fn record_of(news: &News) -> Option<Observation<'static>> {
    let Some(Id::Net(net)) = &news.id else { return None };
    let subject = Subject::exactly(*net);
    let address = monban_model::Address::new(net.base());
    let policy = format!("jail {}", news.jail);
    let decision = |verdict, because, earlier| Decision {
        subject,
        verdict,
        scope: Scope::All,
        because,
        finding: None,
        policy: policy.clone(),
        earlier,
    };
    let stamp = |seconds: i64| Stamp(seconds.saturating_mul(1000));
    // The last second is still part of it.
    let block =
        |until: Option<i64>| Verdict::Block { until: until.map(|end| stamp(end).plus_ms(999)) };
    match &news.told {
        Told::Banned { times, within_s, failures, until, earlier, lines, by_operator, .. } => {
            let because = match by_operator {
                true => Because::Operator(String::new()),
                false => Because::Policy,
            };
            let finding = Finding {
                kind: FindingKind::BruteForce,
                subject,
                address,
                service: news.jail.clone(),
                user: None,
                method: None,
                policy: policy.clone(),
                failures: u32::try_from(*failures).unwrap_or(u32::MAX),
                window_s: u64::try_from(*within_s).unwrap_or(0),
                first: stamp(times.0),
                last: stamp(times.1),
                evidence: evidence(&news.jail, stamp(times.1), lines),
            };
            let finding = (!by_operator).then(|| Box::new(finding));
            Some(Observation::Jail {
                finding,
                decision: decision(block(*until), because, *earlier),
            })
        }
        Told::TakenOver { until, earlier } => {
            let decision = decision(block(*until), Because::TakenOver, *earlier);
            Some(Observation::Jail { finding: None, decision })
        }
        Told::Made { order, observed } => {
            let order = OrderId(*order);
            let result = if *observed { OutcomeResult::Observed } else { OutcomeResult::Applied };
            Some(Observation::Jailed(Outcome { order, subject, result }))
        }
        Told::Freed(why) => {
            let because = match why {
                WhyFreed::Over => Because::Expired,
                WhyFreed::Operator => Because::Operator(String::new()),
                WhyFreed::Named(name) => Because::Named(name.clone()),
                WhyFreed::Refused(why) => Because::from(*why),
            };
            Some(Observation::Jail { finding: None, decision: decision(Verdict::Free, because, 0) })
        }
        _ => None,
    }
}

fn evidence(jail: &str, time: Stamp, lines: &[String]) -> Vec<Evidence> {
    let last = lines.len().saturating_sub(monban_model::limits::EVIDENCE_LINES_MAX);
    let line = |line: &String| {
        let mut bytes = line.clone().into_bytes();
        bytes.truncate(monban_model::limits::EVIDENCE_TEXT_MAX);
        Evidence { time, rule: format!("fail2ban/{jail}"), weight: 1, line: bytes }
    };
    lines.iter().skip(last).map(line).collect()
}

/// Whether a flood brings it a thousand times a second.
pub const fn is_of_many(told: &Told) -> bool {
    matches!(told, Told::Found { .. } | Told::Bad { .. } | Told::Ignored(_))
}

/// A failure that was found, in words.
pub fn found_notice(news: &News) -> Notice {
    notice_of(news).map_or_else(|| notice("jail-found", &[]), |(notice, _)| notice)
}

/// What happened, in words, and whether it is kept in the ledger.
pub fn notice_of(news: &News) -> Option<(Notice, bool)> {
    let id = news.id.as_ref().map(ToString::to_string).unwrap_or_default();
    let who = [("jail", news.jail.clone()), ("id", id)];
    let with = |key: &str, more: &[(&str, String)]| notice(key, &[&who, more].concat());
    let number = |name: &'static str, value: i64| (name, value.to_string());
    if let Some((key, count, kept)) = counted(&news.told) {
        return Some((with(key, &[("count", count.to_string())]), kept));
    }
    Some(match &news.told {
        Told::Found { count, .. } => {
            let values = [("count", count.0.to_string()), ("needed", count.1.to_string())];
            // More than enough: it waits for its ban, or for the end of one.
            let key = if count.0 > count.1 { "jail-found-more" } else { "jail-found" };
            (with(key, &values), false)
        }
        Told::Bad { bans, counts, .. } => {
            let values = [("bans", bans.to_string()), ("counts", counts.to_string())];
            (with("jail-bad", &values), false)
        }
        Told::Ignored(by) => {
            let (key, net) = match by {
                Spared::Own => ("jail-ignored-own", None),
                Spared::Allowed(net) => ("jail-ignored-allowed", Some(net)),
                Spared::Address | Spared::Name => ("jail-ignored-list", None),
                Spared::Command => ("jail-ignored-command", None),
            };
            let net = net.map(|net| ("net", net.to_string()));
            (with(key, net.as_slice()), false)
        }
        Told::Restored => (with("jail-restored", &[]), false),
        Told::Banned { .. } => (with("jail-banned", &[]), true),
        Told::Freed(_) => (with("jail-freed", &[]), true),
        Told::Increased { until, .. } => {
            (with("jail-increased", &[("until", end_word(*until))]), false)
        }
        Told::Failed { job, failed } => {
            let key = if news.id.is_some() { "jail-failed" } else { "jail-failed-all" };
            let why: Vec<String> = failed.iter().map(ToString::to_string).collect();
            (with(key, &[("job", job_word(*job).to_owned()), ("why", why.join("; "))]), true)
        }
        Told::Refused { why, .. } => (with("jail-refused", &[("why", why.to_string())]), true),
        Told::Unheard { orders } => (with("jail-unheard", &[("count", orders.to_string())]), true),
        Told::TooMany => (with("jail-full", &[]), true),
        Told::Overrun => (with("jail-overrun", &[]), true),
        Told::Off { seconds } => (with("jail-off", &[number("seconds", *seconds)]), true),
        Told::Old { seconds } => (with("jail-old", &[number("seconds", *seconds)]), false),
        Told::Resolved { name, addresses } => {
            let values = [("name", name.clone()), ("addresses", addresses.clone())];
            (with("jail-resolved", &values), false)
        }
        Told::Started => (with("jail-started", &[]), true),
        Told::Stopped => (with("jail-stopped", &[]), true),
        Told::Idle => (with("jail-idle", &[]), true),
        Told::Awake { lines, lost } => {
            let values = [("lines", lines.to_string()), ("lost", lost.to_string())];
            (with(if *lost > 0 { "jail-awake-lost" } else { "jail-awake" }, &values), true)
        }
        // Records tell of these, or nothing does but fail2ban's own log.
        Told::TakenOver { .. } | Told::Made { .. } | Told::Parked => return None,
        Told::Already { .. } | Told::Attempt { .. } | Told::Expired | Told::Again => return None,
        // With their numbers, above.
        Told::Held { .. } | Told::Forgotten { .. } | Told::Repaired { .. } => return None,
        Told::Unasked { .. } | Told::Unanswered { .. } | Told::Cut { .. } => return None,
        Told::Unread { .. } | Told::Surplus { .. } => return None,
    })
}

/// What is told with its number: the key, the number, and whether it is kept in the ledger.
fn counted(told: &Told) -> Option<(&'static str, u64, bool)> {
    Some(match told {
        Told::Held { count } => ("jail-held", *count, false),
        Told::Forgotten { count } => ("jail-forgotten", *count, false),
        Told::Repaired { count } => ("jail-repaired", *count as u64, true),
        Told::Unasked { count } => ("jail-unasked", *count, true),
        Told::Unread { count } => ("jail-lines-lost", *count, true),
        Told::Surplus { count } => ("jail-surplus", *count, true),
        Told::Cut { count } => ("jail-cut", *count, true),
        Told::Unanswered { count } => ("jail-unanswered", *count, true),
        _ => return None,
    })
}

/// When a ban ends, as time of the world.
fn end_word(until: Option<i64>) -> String {
    let end = until.and_then(|end| jiff::Timestamp::from_second(end).ok());
    end.map_or_else(|| "forever".to_owned(), |end| end.to_string())
}

/// The option that holds the commands of a job.
pub const fn job_word(job: JailJob) -> &'static str {
    match job {
        JailJob::Start => "actionstart",
        JailJob::Stop => "actionstop",
        JailJob::Ban => "actionban",
        JailJob::Reload => "actionreload",
        JailJob::Reban { .. } => "actionreban",
        JailJob::Unban => "actionunban",
        JailJob::Prolong => "actionprolong",
        JailJob::Check => "actioncheck",
        JailJob::Flush { .. } => "actionflush",
    }
}

#[cfg(test)]
mod tests {
    use monban_views::{Say, Tongue};

    use super::*;

    #[test]
    fn a_failure_is_told_with_its_count_also_beyond_what_is_enough() {
        let told = |count, tongue| {
            let news = News {
                jail: "sshd".to_owned(),
                id: Some(Id::of_text("192.0.2.1")),
                told: Told::Found { time: 1_790_000_000, count },
            };
            Say::new(tongue).notice(&found_notice(&news))
        };
        let english = [
            ((1, 3), "[sshd] 192.0.2.1 failed (1 of 3)"),
            ((3, 3), "[sshd] 192.0.2.1 failed (3 of 3)"),
            (
                (4, 3),
                "[sshd] 192.0.2.1 failed once more (4 times by now; 3 failures are enough for a ban)",
            ),
            (
                (2, 1),
                "[sshd] 192.0.2.1 failed once more (2 times by now; 1 failure is enough for a ban)",
            ),
        ];
        for (count, text) in english {
            assert_eq!(told(count, Tongue::English), text);
        }
        let japanese = told((4, 3), Tongue::Japanese);
        assert_eq!(
            japanese,
            "[sshd] 192.0.2.1 がまた失敗しました（合わせて 4 回。3 回で遮断の対象です）"
        );
    }
}

//! The ledger as text that people review: one line a record, evidence below its finding.

use monban_model::{
    AlarmChange, Because, BlockRow, Decision, Earlier, Event, Evidence, Finding, FindingKind,
    HostFinding, Login, OrderAct, OutcomeResult, Record, Stamp, ToldBy, Verdict, show_duration,
};

/// All records, then the blocks that are in force.
pub fn dump(records: &[Record], blocks: &[BlockRow]) -> String {
    let mut out = String::new();
    for record in records {
        let text = match &record.event {
            Event::Found(finding) => found(finding),
            Event::Entered(login) => entered(login),
            Event::FoundHere(finding) => found_here(finding),
            Event::Decided(decision) => decided(decision, record.time),
            Event::Ordered(order) => match &order.act {
                OrderAct::Block { .. } => format!("order block {}", order.subject),
                OrderAct::Free => format!("order free {}", order.subject),
            },
            Event::Happened(outcome) => match &outcome.result {
                OutcomeResult::Applied => format!("applied {}", outcome.subject),
                OutcomeResult::Observed => format!("observed {}", outcome.subject),
                OutcomeResult::Refused(why) => format!("refused {}: {why}", outcome.subject),
                OutcomeResult::Failed(why) => format!("failed {}: {why}", outcome.subject),
            },
            Event::Noticed(notice) => {
                let values: Vec<String> =
                    notice.values.iter().map(|(name, value)| format!(" {name}={value}")).collect();
                format!("notice {}{}", notice.key, values.concat())
            }
            Event::Alarmed(change) => alarmed(change),
        };
        out.push_str(&format!("{} {text}\n", time(record.time)));
    }
    out.push_str("==== blocked\n");
    for block in blocks {
        let until = block.until.map_or_else(|| "forever".to_owned(), |end| end.to_string());
        out.push_str(&format!("{} until {until}\n", block.subject));
    }
    out
}

fn alarmed(change: &AlarmChange) -> String {
    let of = change.contributor.as_ref().map_or_else(String::new, |of| {
        format!(" [{} {}]", of.by, String::from_utf8_lossy(&of.value))
    });
    let again = change.again.map_or_else(String::new, |count| format!(" +{count}"));
    let states = format!("{} -> {}{again}", change.old.word(), change.new.word());
    let mut out = format!("alarm {}{of} {states}: {}", change.alarm, change.aws_reason());
    for (what, entries) in [("from", &change.addresses), ("user", &change.users)] {
        for entry in entries {
            let name = String::from_utf8_lossy(&entry.name);
            out.push_str(&format!("\n    {what} {name} x{}", entry.count));
        }
    }
    for line in &change.samples {
        out.push_str(&format!("\n    {}", String::from_utf8_lossy(&line.line)));
    }
    out
}

fn found(finding: &Finding) -> String {
    let kind = match finding.kind {
        FindingKind::BruteForce => "brute-force",
        FindingKind::SlowBruteForce => "slow brute-force",
        FindingKind::Unwanted => "unwanted",
    };
    let mut text = format!("found {kind} {} {}", finding.service, finding.address);
    if let Some(user) = &finding.user {
        text.push_str(&format!(" as {}", user.escape_ascii()));
    }
    if finding.failures > 0 {
        text.push_str(&format!(", {} failures", finding.failures));
    }
    if finding.window_s > 0 {
        text.push_str(&format!(" in {}", show_duration(finding.window_s)));
    }
    text + &lines(&finding.evidence)
}

fn lines(evidence: &[Evidence]) -> String {
    let shown = |line: &Evidence| {
        format!("\n    {} x{} {}", line.rule, line.weight, line.line.escape_ascii())
    };
    evidence.iter().map(shown).collect()
}

fn entered(login: &Login) -> String {
    let mut text = format!("login {}", login.service);
    let mut add = |word: &str, value: Option<String>| {
        if let Some(value) = value {
            text.push_str(&format!(" {word}{value}"));
        }
    };
    let shown =
        |bytes: &Option<Vec<u8>>| bytes.as_deref().map(|bytes| bytes.escape_ascii().to_string());
    add("", login.address.map(|address| address.to_string()));
    add("as ", shown(&login.user));
    add("by ", shown(&login.by));
    add("with ", shown(&login.method));
    add("key ", shown(&login.key));
    add("on ", shown(&login.terminal));
    let told_by = (login.told_by != ToldBy::Log).then(|| login.told_by.word().to_owned());
    add("told by ", told_by);
    if login.failures > 0 {
        add("after failures: ", Some(login.failures.to_string()));
    }
    let last = match login.earlier {
        Earlier { address: Some(time), .. } => format!("there last at {time}"),
        Earlier { network: Some(time), .. } => format!("near there last at {time}"),
        Earlier { ever: Some(time), .. } => format!("elsewhere last at {time}"),
        _ => "never before".to_owned(),
    };
    add("", Some(last));
    text + &lines(&login.evidence)
}

fn found_here(finding: &HostFinding) -> String {
    let user = finding.user.as_deref().unwrap_or_default().escape_ascii();
    let values: String =
        finding.values.iter().map(|(name, value)| format!(" {name}={value}")).collect();
    let severity = finding.severity.word();
    format!("found here {} ({severity}) {user}{values}{}", finding.key, lines(&finding.evidence))
}

fn decided(decision: &Decision, now: Stamp) -> String {
    let what = match decision.verdict {
        Verdict::Block { until: Some(end) } => {
            format!("block for {}", show_duration(end.since_s(now)))
        }
        Verdict::Block { until: None } => "block forever".to_owned(),
        Verdict::Free => "free".to_owned(),
        Verdict::Nothing => "nothing".to_owned(),
    };
    let why = match &decision.because {
        Because::Policy => format!("policy {}", decision.policy),
        Because::Allowed(net) => format!("{net} is allowed"),
        Because::TooWide => "a network too wide".to_owned(),
        Because::Administrator => "an administrator is there".to_owned(),
        Because::PolicyObserves => format!("policy {} observes", decision.policy),
        Because::AlreadyBlocked => "blocked already".to_owned(),
        Because::TooManyBlocks => "too many blocks".to_owned(),
        Because::Operator(why) => format!("operator: {why}"),
        Because::Expired => "its time is over".to_owned(),
        Because::Named(name) => format!("it is the address of {name}"),
        Because::TakenOver => "taken over from another fail2ban".to_owned(),
        Because::Origin(by) => format!("from {by}, policy {}", decision.policy),
    };
    format!("decided {} {what} ({why})", decision.subject)
}

/// `08-10 14:25:01`.
fn time(stamp: Stamp) -> String {
    let text = stamp.to_string();
    text.get(5..19).unwrap_or(&text).replace('T', " ")
}

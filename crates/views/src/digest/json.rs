//! A report for machines.

use monban_ledger::{Compared, DigestLogin};
use serde_json::{Value, json};

use super::bars::{Part, PartName};
use super::{Digest, Told};
use crate::{notice_json, printable, record_json, time_json};

/// The report: `report`, its time and the one `before`, `counts` each with `now` and `before`,
/// `bars` with the `blocks` of each hour or day by service, and what the text names.
pub fn digest_json(digest: &Digest) -> Value {
    let Digest { rows, span, .. } = digest;
    let counts = &rows.counts;
    let bars = &digest.bars;
    let bar = |at: usize| {
        let parts = bars.parts.iter().filter(|part| part.counts[at] > 0);
        let parts: serde_json::Map<String, Value> =
            parts.map(|part| (part_name(part), json!(part.counts[at]))).collect();
        json!({"start": time_json(bars.marks[at]), "blocks": parts})
    };
    json!({
        "report": digest.report.kind.word(),
        "start": time_json(span.start),
        "end": time_json(span.end),
        "before": time_json(span.before),
        "comparable": digest.is_comparable(),
        "observe": digest.is_observed(),
        "counts": {
            "blocks": compared(counts.blocks),
            "attackers": compared(counts.attackers),
            "findings": compared(counts.findings),
            "logins": compared(counts.logins),
            "alarms": compared(counts.alarms),
            "host_findings": compared(counts.here),
            "spared": compared(counts.spared),
            "unmade": compared(counts.unmade),
            "new_places": rows.new_places,
            "in_force": rows.in_force,
        },
        "bars": (0..bars.len()).map(bar).collect::<Vec<_>>(),
        "attackers": rows.attackers.iter().map(|one| json!({
            "subject": one.subject.to_string(),
            "address": one.address.to_string(),
            "tries": one.tries,
            "services": one.services,
            "place": digest.places.get(&one.address),
        })).collect::<Vec<_>>(),
        "names": rows.names.iter().map(|one| json!({
            "name": printable(&one.user),
            "attackers": one.attackers,
        })).collect::<Vec<_>>(),
        "logins": rows.logins.iter().map(login).collect::<Vec<_>>(),
        "logins_more": rows.logins_more,
        "alarms": told(&digest.alarms),
        "host_findings": told(&digest.here),
        "notices": digest.notices().zip(&digest.troubles).map(|(notice, told)| {
            let mut value = notice_json(notice);
            value["count"] = json!(told.count);
            value["last"] = time_json(told.record.time);
            value
        }).collect::<Vec<_>>(),
        "failing": digest.failing.iter().map(|one| json!({
            "subscription": one.subscription,
            "since": time_json(one.since),
            "why": one.why,
        })).collect::<Vec<_>>(),
        "ledger": {
            "bytes": rows.bytes,
            "oldest": rows.oldest.map(time_json),
            "dropped_records": rows.trimmed_records,
            "dropped_lines": rows.trimmed_evidence,
        },
    })
}

fn compared(count: Compared) -> Value {
    json!({"now": count.now, "before": count.before})
}

fn part_name(part: &Part) -> String {
    match &part.name {
        PartName::Service(name) => name.clone(),
        PartName::ByHand => "by-hand".to_owned(),
        PartName::Others => "others".to_owned(),
    }
}

fn login(login: &DigestLogin) -> Value {
    json!({
        "user": printable(&login.user),
        "by": login.by.as_deref().map(printable),
        "address": login.address.map(|address| address.to_string()),
        "service": login.service,
        "count": login.count,
        "last": time_json(login.last),
        "new": login.is_new,
        "failures": login.failures,
    })
}

fn told(all: &[Told]) -> Vec<Value> {
    let one = |told: &Told| json!({"count": told.count, "last": record_json(&told.record)});
    all.iter().map(one).collect()
}

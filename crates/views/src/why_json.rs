//! `monban why ADDRESS --json`.

use monban_model::wire::Mode;
use monban_model::{BlockRow, Origin, Verdict};
use serde_json::{Value, json};

use crate::bans::{is_of_jail, made};
use crate::json::{by_origin_json, decision_json, ended_json, evidence_json, finding_json};
use crate::{Why, WhyOrigin, block_json, jail_counts, time_json};

/// As JSON: `address`, `subject`, `mode` (`guard`, `observe`, or null if monban does not run),
/// `blocked`, `would_be_blocked` (where it is only observed), `blocks` (those of jails with `made`:
/// how many of the actions did it, `all`, `some` or `none`), `decisions` (each with its
/// `lines`, `lines_dropped`, how many of them the ledger no longer has, and `observed`, whether it
/// was no more than that), `ended` (when, and by whom or what, a block was ended), `open` counts,
/// `jails` (what they count), `spared` (what they did not count, and by which list), `history`,
/// `last_login`, `allowed`, `origin` (null without an `[[origin]]`; `country`, `as`, and where a
/// table is about it `rule`, `place`, `then`).
pub fn why_json(why: &Why) -> Value {
    let (ended, decided): (Vec<_>, Vec<_>) =
        why.decided().into_iter().partition(|(_, decision, _)| decision.verdict == Verdict::Free);
    let ended: Vec<Value> = ended
        .into_iter()
        .map(|(record, decision, _)| {
            let mut value = ended_json(decision);
            value["time"] = time_json(record.time);
            value
        })
        .collect();
    let decisions: Vec<Value> = decided
        .into_iter()
        .map(|(record, decision, finding)| {
            let mut value = decision_json(decision);
            if let (Value::Object(map), Some(finding)) = (&mut value, finding)
                && let Value::Object(found) = finding_json(finding)
            {
                map.extend(found.into_iter().filter(|(key, _)| key != "policy"));
            }
            value["time"] = time_json(record.time);
            value["lines_dropped"] = json!(why.dropped(decision));
            value["observed"] = json!(why.was_observed(record, decision));
            value
        })
        .collect();
    let observed = why.only_observed();
    json!({
        "address": why.address.to_string(),
        "subject": why.subject.to_string(),
        "mode": why.mode.map(Mode::name),
        "blocked": why.blocks.iter().any(|row| why.has_made(row)) && !observed,
        "would_be_blocked": !why.blocks.is_empty() && observed,
        "blocks": why.blocks.iter().map(|row| block(why, row)).collect::<Vec<_>>(),
        "decisions": decisions,
        "ended": ended,
        "open": open(why),
        "jails": jail_counts::counted_json(why),
        "spared": jail_counts::spared_json(why),
        "history": why.history.map(|past| json!({"blocks": past.blocks, "last": time_json(past.last)})),
        "last_login": why.success.map(|success| time_json(success.last)),
        "allowed": why.allowed.map(|net| net.to_string()),
        "origin": origin(&why.origin),
    })
}

/// Where it is, and what `[[origin]]` says of that; null if there is no such table.
fn origin(origin: &WhyOrigin) -> Value {
    let place = |from: &Origin| {
        let (country, asn) = (from.country, from.asn);
        json!({
            "country": country.map(|country| country.to_string()),
            "as": asn.map(|asn| asn.0),
        })
    };
    match origin {
        WhyOrigin::NotAsked => Value::Null,
        WhyOrigin::Unknown => place(&Origin::default()),
        WhyOrigin::Nothing(from) => place(from),
        WhyOrigin::Answered(act, by, services) => {
            let mut value = by_origin_json(by);
            value["then"] = json!(act.word());
            value["services"] = json!(services);
            value
        }
    }
}

/// A block, with what became of it if a jail made it.
fn block(why: &Why, row: &BlockRow) -> Value {
    let mut value = block_json(row);
    if is_of_jail(row) {
        value["made"] = json!(made(row, &why.unmade).word());
    }
    value
}

/// The counts of monban's own policies.
fn open(why: &Why) -> Vec<Value> {
    why.open()
        .map(|(tally, policy, count)| {
            json!({
                "policy": tally.policy,
                "in_window": count,
                "window_s": policy.window.length_s,
                "needed": policy.window.failures,
                "slow": policy.slow.map(|slow| json!({
                    "in_window": tally.marks.len(),
                    "window_s": slow.length_s,
                    "needed": slow.failures,
                })),
                "failures": tally.total,
                "first": time_json(tally.first),
                "last": time_json(tally.last),
                "lines": tally
                    .evidence
                    .iter()
                    .map(|line| evidence_json(&line.evidence))
                    .collect::<Vec<_>>(),
            })
        })
        .collect()
}

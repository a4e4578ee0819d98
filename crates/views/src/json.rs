//! Records as JSON. Names are stable; a new one may be added.

use monban_model::{
    Address, Because, BlockRow, ByOrigin, Decision, Event, Evidence, Finding, HostFinding, Login,
    Notice, Order, OrderAct, Outcome, Record, Scope, Stamp, Verdict,
};
use serde_json::{Value, json};

use crate::alarms_json::alarm_change_json;

/// RFC 3339 in UTC.
pub fn time_json(stamp: Stamp) -> Value {
    Value::String(stamp.to_string())
}

/// An address as text.
pub fn address_json(address: Address) -> Value {
    Value::String(address.to_string())
}

/// A block in force. What the actions of a `jail` shut out of is theirs: its `ports` are null.
pub fn block_json(row: &BlockRow) -> Value {
    json!({
        "subject": row.subject.to_string(),
        "jail": jail_of(&row.policy),
        "ports": ports_of(&row.policy, &row.scope),
        "since": time_json(row.since),
        "until": row.until.map(time_json),
        "policy": non_empty(&row.policy),
        "why": non_empty(&row.why),
    })
}

/// One record: `seq`, `time`, `event`, and what belongs to the event.
pub fn record_json(record: &Record) -> Value {
    let (event, mut fields) = match &record.event {
        Event::Found(finding) => ("finding", finding_json(finding)),
        Event::Entered(login) => ("login", login_json(login)),
        Event::FoundHere(finding) => ("finding", found_here_json(finding)),
        Event::Decided(decision) => ("decision", decision_json(decision)),
        Event::Ordered(order) => ("order", order_json(order)),
        Event::Happened(outcome) => ("outcome", outcome_json(outcome)),
        Event::Noticed(notice) => ("notice", notice_fields(notice)),
        Event::Alarmed(change) => ("alarm", alarm_change_json(change)),
    };
    if let Value::Object(map) = &mut fields {
        map.insert("seq".into(), json!(record.seq.0));
        map.insert("time".into(), time_json(record.time));
        map.insert("event".into(), json!(event));
    }
    fields
}

/// A notice that is no record: `event`, `notice` and its `values`.
pub fn notice_json(notice: &Notice) -> Value {
    let mut value = notice_fields(notice);
    value["event"] = json!("notice");
    value
}

fn notice_fields(notice: &Notice) -> Value {
    let values: serde_json::Map<String, Value> =
        notice.values.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({"notice": notice.key, "values": values})
}

pub(crate) fn evidence_json(line: &Evidence) -> Value {
    json!({
        "time": time_json(line.time),
        "rule": line.rule,
        "attempts": line.weight,
        "line": text(&line.line),
    })
}

pub(crate) fn finding_json(finding: &Finding) -> Value {
    json!({
        "finding": finding.kind.word(),
        "subject": finding.subject.to_string(),
        "address": finding.address.to_string(),
        "service": finding.service,
        "user": finding.user.as_deref().map(text),
        "method": finding.method.as_deref().map(text),
        "policy": non_empty(&finding.policy),
        "failures": finding.failures,
        "window_s": finding.window_s,
        "first": time_json(finding.first),
        "last": time_json(finding.last),
        "lines": finding.evidence.iter().map(evidence_json).collect::<Vec<_>>(),
    })
}

/// A login.
pub fn login_json(login: &Login) -> Value {
    let earlier = login.earlier;
    json!({
        "user": login.user.as_deref().map(text),
        "by": login.by.as_deref().map(text),
        "address": login.address.map(address_json),
        "subject": login.subject.map(|subject| subject.to_string()),
        "service": login.service,
        "method": login.method.as_deref().map(text),
        "key": login.key.as_deref().map(text),
        "terminal": login.terminal.as_deref().map(text),
        "told_by": login.told_by.word(),
        "first": login.is_from_a_new_place(),
        "last_login": earlier.ever.map(time_json),
        "last_from_network": earlier.network.map(time_json),
        "last_from_address": earlier.address.map(time_json),
        "failures": login.failures,
        "lines": login.evidence.iter().map(evidence_json).collect::<Vec<_>>(),
    })
}

fn found_here_json(finding: &HostFinding) -> Value {
    let values: serde_json::Map<String, Value> =
        finding.values.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({
        "finding": finding.key,
        "severity": finding.severity.word(),
        "service": finding.service,
        "user": finding.user.as_deref().map(text),
        "values": values,
        "lines": finding.evidence.iter().map(evidence_json).collect::<Vec<_>>(),
    })
}

pub(crate) fn decision_json(decision: &Decision) -> Value {
    let (verdict, until) = match decision.verdict {
        Verdict::Block { until } => ("block", until),
        Verdict::Free => ("free", None),
        Verdict::Nothing => ("nothing", None),
    };
    json!({
        "subject": decision.subject.to_string(),
        "verdict": verdict,
        "until": until.map(time_json),
        "forever": matches!(decision.verdict, Verdict::Block { until: None }),
        "ports": ports_of(&decision.policy, &decision.scope),
        "because": decision.because.word(),
        "detail": detail(&decision.because),
        "origin": origin_of(&decision.because),
        "finding": decision.finding.map(|seq| seq.0),
        "policy": non_empty(&decision.policy),
        "earlier_blocks": decision.earlier,
    })
}

/// Where somebody is, and the table of `[[origin]]` that is about that.
pub fn by_origin_json(by: &ByOrigin) -> Value {
    json!({
        "country": by.from.country.map(|country| country.to_string()),
        "as": by.from.asn.map(|asn| asn.0),
        "rule": by.number,
        "place": by.place,
    })
}

fn origin_of(because: &Because) -> Option<Value> {
    match because {
        Because::Origin(by) => Some(by_origin_json(by)),
        _ => None,
    }
}

/// The end of a block: whose, and why.
pub(crate) fn ended_json(decision: &Decision) -> Value {
    json!({
        "subject": decision.subject.to_string(),
        "because": decision.because.word(),
        "detail": detail(&decision.because),
    })
}

fn order_json(order: &Order) -> Value {
    let (act, ports, until) = match &order.act {
        OrderAct::Block { scope, until } => ("block", ports_json(scope), *until),
        OrderAct::Free => ("free", Value::Null, None),
    };
    json!({
        "order": order.id.0,
        "subject": order.subject.to_string(),
        "act": act,
        "ports": ports,
        "until": until.map(time_json),
    })
}

fn outcome_json(outcome: &Outcome) -> Value {
    let (result, why) = outcome.result.words();
    json!({
        "order": outcome.order.0,
        "subject": outcome.subject.to_string(),
        "result": result,
        "why": why,
    })
}

/// The network of the allow list or the operator's words.
fn detail(because: &Because) -> Option<String> {
    match because {
        Because::Allowed(net) => Some(net.to_string()),
        Because::Operator(text) | Because::Named(text) => Some(text.clone()),
        Because::Origin(by) => Some(by.to_string()),
        _ => None,
    }
}

/// The jail that a policy stands for.
pub(crate) fn jail_of(policy: &str) -> Option<&str> {
    policy.strip_prefix("jail ")
}

fn ports_of(policy: &str, scope: &Scope) -> Value {
    match jail_of(policy) {
        Some(_) => Value::Null,
        None => ports_json(scope),
    }
}

fn ports_json(scope: &Scope) -> Value {
    match scope {
        Scope::All => json!("all"),
        Scope::Ports(ports) => json!(ports),
    }
}

/// Bytes of a log as text: what is no UTF-8 becomes U+FFFD; JSON escapes the rest.
pub(crate) fn text(bytes: &[u8]) -> Value {
    Value::String(String::from_utf8_lossy(bytes).into_owned())
}

pub(crate) fn non_empty(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

//! Alarms as JSON. Names are stable; a new one may be added.

use monban_model::{
    AlarmChange, AlarmPoint, AlarmRow, AlarmSpec, Evidence, Per, Reason, TopEntry, Watch, Watched,
};
use serde_json::{Value, json};

use crate::AlarmView;
use crate::json::{evidence_json, non_empty, record_json, text, time_json};

/// What an alarm told.
pub fn alarm_change_json(change: &AlarmChange) -> Value {
    let looked_at = change.looked_at();
    json!({
        "alarm": change.alarm,
        "description": non_empty(&change.description),
        "severity": change.severity.word(),
        "semantics": change.semantics.word(),
        "contributor": change.contributor.as_ref().map(|of| json!({
            "by": of.by,
            "value": text(&of.value),
        })),
        "old": change.old.word(),
        "new": change.new.word(),
        "since": time_json(change.since),
        "again": change.again,
        "reason": change.aws_reason(),
        "reason_data": {
            "kind": kind(&change.reason),
            "query": looked_at.map(|(query, _)| time_json(query)),
            "start": looked_at.map(|(_, start)| time_json(start)),
            "evaluated": change.evaluated.iter().map(point_json).collect::<Vec<_>>(),
            "children": children_json(&change.reason),
        },
        "threshold": change.watched.as_ref().map(watched_json),
        "rule": non_empty(&change.rule),
        "count": change.count,
        "addresses": tops_json(&change.addresses),
        "users": tops_json(&change.users),
        "lines": change.samples.iter().map(evidence_json).collect::<Vec<_>>(),
    })
}

const fn kind(reason: &Reason) -> &'static str {
    match reason {
        Reason::Created => "created",
        Reason::Threshold { .. } => "threshold",
        Reason::Unknown { .. } => "unknown",
        Reason::Children(_) => "children",
        Reason::Evicted => "evicted",
        Reason::Removed => "removed",
    }
}

fn children_json(reason: &Reason) -> Option<Vec<Value>> {
    let Reason::Children(children) = reason else { return None };
    let child = |child: &monban_model::ChildState| {
        json!({
            "alarm": child.alarm,
            "state": child.state.word(),
            "since": time_json(child.since),
        })
    };
    Some(children.iter().map(child).collect())
}

fn point_json(point: &AlarmPoint) -> Value {
    json!({
        "time": time_json(point.time),
        "value": point.value.map(|value| value.0),
        "samples": point.samples,
    })
}

fn tops_json(entries: &[TopEntry]) -> Vec<Value> {
    let one = |entry: &TopEntry| {
        json!({
            "name": text(&entry.name),
            "count": entry.count,
            "at_least": entry.count.saturating_sub(entry.over),
            "exact": entry.over == 0,
        })
    };
    entries.iter().map(one).collect()
}

/// A metric and its threshold.
pub fn watched_json(watched: &Watched) -> Value {
    let dimensions: serde_json::Map<String, Value> =
        watched.dimensions.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({
        "metric": watched.metric,
        "dimensions": dimensions,
        "statistic": watched.statistic.to_string(),
        "comparison": watched.comparison.word(),
        "threshold": watched.threshold.0,
        "period_s": watched.period_s,
        "evaluation_periods": watched.evaluation_periods,
        "datapoints_to_alarm": watched.datapoints_to_alarm,
        "missing": watched.missing.word(),
        "ignore_low_samples": watched.ignore_low_samples,
        "unit": non_empty(&watched.unit),
    })
}

/// All alarms with all that is known of them.
pub fn alarms_json(alarms: &[AlarmView]) -> Value {
    json!({"alarms": alarms.iter().map(view_json).collect::<Vec<_>>()})
}

fn view_json(view: &AlarmView) -> Value {
    let own = view.own();
    let spec = view.spec.as_ref();
    let rule = spec.and_then(|spec| match &spec.watch {
        Watch::Rule(rule) => Some(rule.to_string()),
        Watch::Metric(_) => None,
    });
    json!({
        "alarm": view.name,
        "configured": spec.is_some(),
        "description": spec.and_then(|spec| non_empty(&spec.description)),
        "severity": spec.map(|spec| spec.severity.word()),
        "semantics": spec.map(|spec| spec.semantics.word()),
        "per": spec.filter(|spec| spec.per != Per::Nothing).map(|spec: &AlarmSpec| spec.per.word()),
        "state": own.map(|row| row.state.word()),
        "since": own.map(|row| time_json(row.since)),
        "threshold": view.watched().map(watched_json),
        "rule": rule,
        "values": own.map(|row| values_json(view, row)),
        "count": own.map(|row| row.memory.now.count.saturating_add(row.memory.before.count)),
        "addresses": own.map(|row| tops_json(&row.memory.now.addresses)),
        "users": own.map(|row| tops_json(&row.memory.now.users)),
        "lines": own.map(lines_json),
        "apart": view.apart().map(apart_json).collect::<Vec<_>>(),
        "history": view.history.iter().map(record_json).collect::<Vec<_>>(),
    })
}

/// The last values, slice by slice, oldest first.
fn values_json(view: &AlarmView, row: &AlarmRow) -> Vec<Value> {
    let Some(watched) = view.watched() else { return Vec::new() };
    let one = |slice: &monban_model::Slice| {
        let time = slice.number.saturating_mul(i64::from(row.memory.slice_ms));
        json!({
            "time": time_json(monban_model::Stamp(time)),
            "seconds": f64::from(row.memory.slice_ms) / 1000.0,
            "value": watched.statistic.of_slices(std::slice::from_ref(slice)).0,
            "samples": slice.count,
        })
    };
    row.memory.slices.iter().map(one).collect()
}

fn lines_json(row: &AlarmRow) -> Vec<Value> {
    let line = |line: &Evidence| json!({"time": time_json(line.time), "line": text(&line.line)});
    row.memory.first.iter().chain(&row.memory.last).map(line).collect()
}

fn apart_json(row: &AlarmRow) -> Value {
    json!({
        "contributor": row.contributor.as_deref().map(text),
        "state": row.state.word(),
        "since": time_json(row.since),
        "count": row.memory.now.count.saturating_add(row.memory.before.count),
        "lines": lines_json(row),
    })
}

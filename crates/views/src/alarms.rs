//! Alarms as people read them: what one told, and `monban alarms`.

use monban_model::{
    AlarmChange, AlarmRow, AlarmSpec, AlarmState, Amount, Event, Missing, Reason, Record,
    Semantics, Slice, Stamp, TopEntry, Watch, Watched,
};

use crate::{LocalClock, Say, printable, table};

/// Columns of a chart.
const COLUMNS: i64 = 60;

/// An alarm with all that is known of it.
#[derive(Clone, Debug, Default)]
pub struct AlarmView {
    /// Its name.
    pub name: String,
    /// As it was configured, if that is known.
    pub spec: Option<AlarmSpec>,
    /// Its own state, and those of contributors, the last that had a datapoint first.
    pub rows: Vec<AlarmRow>,
    /// What it told, the newest first.
    pub history: Vec<Record>,
}

impl AlarmView {
    /// Its own state.
    pub fn own(&self) -> Option<&AlarmRow> {
        self.rows.iter().find(|row| row.contributor.is_none())
    }

    /// States of contributors.
    pub fn apart(&self) -> impl Iterator<Item = &AlarmRow> {
        self.rows.iter().filter(|row| row.contributor.is_some())
    }

    /// Its metric and threshold, as configured or as it last told.
    pub fn watched(&self) -> Option<&Watched> {
        let of_spec = self.spec.as_ref().and_then(AlarmSpec::watched);
        of_spec.or_else(|| self.changes().next()?.1.watched.as_ref())
    }

    /// What it told, the newest first.
    pub fn changes(&self) -> impl Iterator<Item = (Stamp, &AlarmChange)> {
        self.history.iter().filter_map(|record| match &record.event {
            Event::Alarmed(change) => Some((record.time, &**change)),
            _ => None,
        })
    }
}

/// `ALARM name: OK -> ALARM, reason`.
pub fn alarm_line(say: &Say, clock: &LocalClock, change: &AlarmChange) -> String {
    alarm_line_since(say, &clock.when(change.since), change)
}

/// The same with the text of when the state began.
pub fn alarm_line_since(say: &Say, since: &str, change: &AlarmChange) -> String {
    let name = printable(change.alarm.as_bytes());
    let name = match &change.contributor {
        Some(of) => format!("{name} [{}]", printable(&of.value)),
        None => name,
    };
    let reason = alarm_reason(say, change);
    let values = [("name", name.as_str()), ("reason", &reason)];
    match change.again {
        Some(count) => {
            let count = count.to_string();
            let more = [("since", since), ("more", &count)];
            say.text("alarm-again", &[values.as_slice(), &more].concat())
        }
        None => {
            let more = [("old", change.old.word()), ("new", change.new.word())];
            say.text("alarm-changed", &[values.as_slice(), &more].concat())
        }
    }
}

/// Why an alarm has its state; with CloudWatch's rules in its words.
pub fn alarm_reason(say: &Say, change: &AlarmChange) -> String {
    if change.semantics == Semantics::Aws {
        return printable(change.aws_reason().as_bytes());
    }
    match (&change.reason, &change.watched) {
        (Reason::Created, _) => say.text("alarm-reason-created", &[]),
        (Reason::Evicted, _) => say.text("alarm-reason-evicted", &[]),
        (Reason::Removed, _) => say.text("alarm-reason-removed", &[]),
        (Reason::Children(children), _) => {
            let first = children.first();
            let name = first.map_or_else(String::new, |child| printable(child.alarm.as_bytes()));
            let state = first.map_or("", |child| child.state.word());
            say.text("alarm-reason-children", &[("name", &name), ("state", state)])
        }
        (Reason::Unknown { .. }, None) | (Reason::Threshold { .. }, None) => String::new(),
        (Reason::Unknown { .. }, Some(watched)) => of_periods(say, "alarm-reason-unknown", watched),
        (Reason::Threshold { points, count, breaching, .. }, Some(watched)) => {
            if points.is_empty() {
                return of_periods(say, "alarm-reason-silent", watched);
            }
            let list: Vec<String> =
                points.iter().take(5).filter_map(|point| Some(point.value?.to_string())).collect();
            let dots = if *count > 5 { ", ..." } else { "" };
            let values = [
                ("statistic", watched.statistic.to_string()),
                ("metric", printable(watched.metric.as_bytes())),
                ("values", list.join(", ") + dots),
                ("sign", watched.comparison.sign().to_owned()),
                ("threshold", watched.threshold.to_string()),
                ("within", count.to_string()),
                ("of", watched.evaluation_periods.to_string()),
                ("period", say.duration(u64::from(watched.period_s))),
            ];
            let values: Vec<(&str, &str)> = values.iter().map(|(n, v)| (*n, v.as_str())).collect();
            let key = match (breaching, watched.evaluation_periods) {
                (true, 1) => "alarm-reason-breach-one",
                (true, _) => "alarm-reason-breach",
                (false, 1) => "alarm-reason-fine-one",
                (false, _) => "alarm-reason-fine",
            };
            say.text(key, &values)
        }
    }
}

fn of_periods(say: &Say, key: &str, watched: &Watched) -> String {
    let treated = match watched.missing {
        Missing::Breaching => say.text("alarm-silent-breaching", &[]),
        _ => say.text("alarm-silent-fine", &[]),
    };
    let span = say.duration(u64::from(watched.period_s) * u64::from(watched.evaluation_periods));
    let metric = printable(watched.metric.as_bytes());
    say.text(key, &[("metric", &metric), ("within", &span), ("treated", &treated)])
}

/// When an alarm goes off, in a sentence.
pub fn alarm_threshold(say: &Say, watched: &Watched) -> String {
    let dimensions: Vec<String> =
        watched.dimensions.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let metric = match dimensions.is_empty() {
        true => watched.metric.clone(),
        false => format!("{} ({})", watched.metric, dimensions.join(", ")),
    };
    let values = [
        ("statistic", watched.statistic.to_string()),
        ("metric", printable(metric.as_bytes())),
        ("sign", watched.comparison.sign().to_owned()),
        ("threshold", watched.threshold.to_string()),
        ("needed", watched.datapoints_to_alarm.to_string()),
        ("of", watched.evaluation_periods.to_string()),
        ("period", say.duration(u64::from(watched.period_s))),
    ];
    let values: Vec<(&str, &str)> = values.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let key = if watched.evaluation_periods == 1 { "alarm-when-one" } else { "alarm-when" };
    say.text(key, &values)
}

/// All alarms as a table, those that are firing first.
pub fn alarms_text(say: &Say, clock: &LocalClock, alarms: &[AlarmView]) -> String {
    if alarms.is_empty() {
        return say.text("alarms-none", &[]) + "\n";
    }
    let state = |view: &AlarmView| view.own().map_or(AlarmState::Insufficient, |row| row.state);
    let mut sorted: Vec<&AlarmView> = alarms.iter().collect();
    sorted.sort_by_key(|view| (std::cmp::Reverse(state(view)), view.name.clone()));
    let mut rows = vec![say.text("alarms-head", &[])];
    for view in sorted {
        let since = view.own().map_or_else(|| "-".to_owned(), |row| clock.when(row.since));
        let name = printable(view.name.as_bytes());
        let what = about(say, view);
        rows.push(format!("{}\t{name}\t{since}\t{what}", state(view).word()));
        for row in view.apart().filter(|row| row.state == AlarmState::Alarm).take(10) {
            let of = row.contributor.as_deref().map_or_else(String::new, printable);
            rows.push(format!("{}\t  {of}\t{}", row.state.word(), clock.when(row.since)));
        }
    }
    table(&rows)
}

fn about(say: &Say, view: &AlarmView) -> String {
    match (view.watched(), view.spec.as_ref().map(|spec| &spec.watch)) {
        (Some(watched), _) => alarm_threshold(say, watched),
        (None, Some(Watch::Rule(rule))) => printable(rule.to_string().as_bytes()),
        _ => view.changes().next().map_or_else(String::new, |(_, change)| change.rule.clone()),
    }
}

/// One alarm with its values, contributors, lines and history. `blocks`: with block characters,
/// else in ASCII.
pub fn alarm_text(say: &Say, clock: &LocalClock, view: &AlarmView, blocks: bool) -> String {
    let mut lines = Vec::new();
    let own = view.own();
    let state = own.map_or(AlarmState::Insufficient, |row| row.state);
    let name = printable(view.name.as_bytes());
    let since = own.map_or_else(|| "-".to_owned(), |row| clock.when(row.since));
    let values = [("name", name.as_str()), ("state", state.word()), ("since", &since)];
    lines.push(say.text("alarm-head", &values));
    if let Some(spec) = view.spec.as_ref().filter(|spec| !spec.description.is_empty()) {
        lines.push(format!("  {}", printable(spec.description.as_bytes())));
    }
    lines.push(format!("  {}", about(say, view)));
    if let Some(row) = own {
        add_memory(say, clock, (view, row, blocks), &mut lines);
    }
    let apart: Vec<String> = view
        .apart()
        .take(20)
        .map(|row| {
            let of = row.contributor.as_deref().map_or_else(String::new, printable);
            format!("  {}\t{of}\t{}", row.state.word(), clock.when(row.since))
        })
        .collect();
    if !apart.is_empty() {
        lines.push(say.text("alarm-apart", &[]));
        lines.push(table(&apart).trim_end().to_owned());
    }
    lines.push(say.text("alarm-history", &[]));
    if view.history.is_empty() {
        lines.push(format!("  {}", say.text("alarm-history-none", &[])));
    }
    for (time, change) in view.changes() {
        lines.push(format!("  {}  {}", clock.when(time), alarm_line(say, clock, change)));
    }
    lines.join("\n") + "\n"
}

fn add_memory(
    say: &Say,
    clock: &LocalClock,
    (view, row, blocks): (&AlarmView, &AlarmRow, bool),
    lines: &mut Vec<String>,
) {
    let memory = &row.memory;
    if let (Some(watched), false) = (view.watched(), memory.slices.is_empty()) {
        let (values, from, to) = columns(watched, &memory.slices, i64::from(memory.slice_ms));
        let most = values.iter().flatten().copied().fold(f64::MIN, f64::max);
        let (from, to) = (clock.when(from), clock.when(to));
        let texts = [("from", from.as_str()), ("to", &to), ("most", &Amount(most).to_string())];
        lines.push(format!("  {}  {}", bars(&values, blocks), say.text("alarm-chart", &texts)));
    }
    for (key, now, before) in [
        ("alarm-addresses", &memory.now.addresses, &memory.before.addresses),
        ("alarm-users", &memory.now.users, &memory.before.users),
    ] {
        let told = sum(now, before);
        if !told.is_empty() {
            lines.push(format!("  {}", say.text(key, &[("list", &told)])));
        }
    }
    let samples: Vec<_> = memory.first.iter().chain(&memory.last).collect();
    if !samples.is_empty() {
        lines.push(say.text("alarm-lines", &[]));
        lines.extend(samples.iter().map(|line| format!("  {}", printable(&line.line))));
    }
}

/// The names of both, most first, with their counts; `<=` before one that is not exact.
fn sum(now: &[TopEntry], before: &[TopEntry]) -> String {
    let mut all: Vec<TopEntry> = now.to_vec();
    for entry in before {
        match all.iter_mut().find(|known| known.name == entry.name) {
            Some(known) => {
                (known.count, known.over) = (known.count + entry.count, known.over + entry.over)
            }
            None => all.push(entry.clone()),
        }
    }
    all.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.name.cmp(&other.name)));
    let texts: Vec<String> = all
        .iter()
        .take(5)
        .map(|entry| {
            let at_most = if entry.over > 0 { "<= " } else { "" };
            format!("{} ({at_most}{})", printable(&entry.name), entry.count)
        })
        .collect();
    texts.join(", ")
}

/// The slices in at most [`COLUMNS`] columns, with the time of the first and the end of the last.
fn columns(watched: &Watched, slices: &[Slice], slice_ms: i64) -> (Vec<Option<f64>>, Stamp, Stamp) {
    let (Some(first), Some(last)) = (slices.first(), slices.last()) else {
        return (Vec::new(), Stamp(0), Stamp(0));
    };
    let span = last.number.saturating_sub(first.number).saturating_add(1).max(1);
    let each = (span.saturating_add(COLUMNS - 1) / COLUMNS).max(1);
    let count = (span.saturating_add(each - 1) / each).clamp(1, COLUMNS);
    let value = |column: i64| {
        let from = first.number.saturating_add(column * each);
        let begin = slices.partition_point(|slice| slice.number < from);
        let end = slices.partition_point(|slice| slice.number < from.saturating_add(each));
        watched.statistic.of_slices(&slices[begin..end]).0
    };
    let time = |number: i64| Stamp(number.saturating_mul(slice_ms));
    ((0..count).map(value).collect(), time(first.number), time(last.number.saturating_add(1)))
}

/// Values as bars beside each other, one character each: a gap where there is none.
pub fn bars(values: &[Option<f64>], blocks: bool) -> String {
    const BLOCKS: [char; 8] = [
        '\u{2581}', '\u{2582}', '\u{2583}', '\u{2584}', '\u{2585}', '\u{2586}', '\u{2587}',
        '\u{2588}',
    ];
    const SIGNS: [char; 8] = ['.', ':', '-', '=', '+', '*', '%', '#'];
    let signs = if blocks { BLOCKS } else { SIGNS };
    let known = || values.iter().flatten().copied();
    let (least, most) = (known().fold(0.0, f64::min), known().fold(0.0, f64::max));
    let bar = |value: &Option<f64>| match value {
        None => ' ',
        Some(_) if most <= least => signs[0],
        Some(value) => {
            let part = (value - least) / (most - least);
            signs[((part * 7.0).round() as usize).min(7)]
        }
    };
    values.iter().map(bar).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Tongue;
    use monban_model::{AlarmPoint, Severity};

    pub(crate) fn change(semantics: Semantics) -> AlarmChange {
        let point = AlarmPoint { time: Stamp(0), value: Some(Amount(6.0)), samples: 6 };
        AlarmChange {
            alarm: "knocking\u{1b}".into(),
            description: String::new(),
            severity: Severity::Warning,
            semantics,
            contributor: None,
            old: AlarmState::Ok,
            new: AlarmState::Alarm,
            since: Stamp(0),
            again: None,
            reason: Reason::Threshold {
                points: vec![point],
                count: 1,
                breaching: true,
                missing: 0,
            },
            watched: Some(Watched {
                metric: "preauth".into(),
                threshold: Amount(1.0),
                period_s: 60,
                evaluation_periods: 1,
                datapoints_to_alarm: 1,
                ..Watched::default()
            }),
            rule: String::new(),
            evaluated: Vec::new(),
            count: 6,
            addresses: Vec::new(),
            users: Vec::new(),
            samples: Vec::new(),
        }
    }

    #[test]
    fn a_change_is_one_line_in_both_languages() {
        let clock = LocalClock::of_system();
        let said = |tongue, change: &AlarmChange| alarm_line(&Say::new(tongue), &clock, change);
        assert_eq!(
            said(Tongue::English, &change(Semantics::Monban)),
            "ALARM knocking\\x1b: OK -> ALARM, Sum of preauth was 6.0 (>= 1.0) within 1m"
        );
        assert_eq!(
            said(Tongue::Japanese, &change(Semantics::Monban)),
            "アラーム knocking\\x1b: OK -> ALARM、preauth の Sum が1分で 6.0 (>= 1.0)"
        );
        assert!(
            said(Tongue::Japanese, &change(Semantics::Aws)).contains("Threshold Crossed: 1 out")
        );
        let again = AlarmChange { again: Some(37), ..change(Semantics::Monban) };
        assert!(said(Tongue::English, &again).contains("still firing"));
        assert!(said(Tongue::English, &again).contains("+37"));
    }

    #[test]
    fn a_chart_has_a_sign_for_each_value() {
        let values = [Some(0.0), None, Some(1.0), Some(7.0)];
        assert_eq!(bars(&values, true), "\u{2581} \u{2582}\u{2588}");
        assert_eq!(bars(&values, false), ". :#");
        assert_eq!(bars(&[Some(0.0)], false), ".");
    }
}

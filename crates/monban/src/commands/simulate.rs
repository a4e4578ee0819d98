//! `monban alarm simulate`: alarms before they are trusted. It runs the engine itself.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use monban_config::{Bundle, SimulatedPoint, Simulation, SourceFile};
use monban_engine::{Effect, Engine, Observation, Saved, Setup, Uncounted};
use monban_model::limits::CONFIG_BYTES_MAX;
use monban_model::{
    AlarmChange, AlarmSpec, AlarmState, Datapoint, Event, Stamp, Watch, show_duration,
};
use monban_views::{Say, alarm_change_json, alarm_line_since, alarm_threshold, printable};
use serde_json::json;

use super::Context;
use crate::{out, problems};

/// When a simulation begins: a midnight, so that minutes and hours begin with it.
const BEGINNING: Stamp = Stamp::from_s(946_684_800);

/// The engine is told of the time so often.
const STEP_S: u64 = 30;

/// Columns of the line of states.
const COLUMNS: i64 = 60;

/// A change, and how long after the beginning.
struct Change {
    after: Stamp,
    change: AlarmChange,
}

/// Shows what the alarms of a file make of its datapoints.
pub fn simulate(context: &Context<'_>, file: &Path) -> Result<ExitCode, String> {
    let name = file.display().to_string();
    let text = read(file).map_err(|error| {
        let error = context.say.sentence(&error.to_string());
        context.say.text("no-access", &[("path", &name), ("error", &error)])
    })?;
    let simulation = Simulation::parse(&name, &text).map_err(|found| {
        let config = Some(SourceFile { file: name.clone(), text: text.clone() });
        problems::show(&found, Some(&Bundle { config, ..Bundle::default() }), context.say)
    })?;
    let (changes, uncounted) = run(&simulation);
    match context.json {
        true => out::json(&as_json(&simulation, &changes, uncounted)),
        false => out::write(&as_text(context.say, &simulation, &changes, uncounted)),
    }
    Ok(ExitCode::SUCCESS)
}

fn read(file: &Path) -> std::io::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    let limit = CONFIG_BYTES_MAX as u64 + 1;
    let size = std::fs::File::open(file)?.take(limit).read_to_string(&mut text)?;
    match size > CONFIG_BYTES_MAX {
        true => Err(std::io::ErrorKind::FileTooLarge.into()),
        false => Ok(text),
    }
}

/// Shows the datapoints to an engine.
fn run(simulation: &Simulation) -> (Vec<Change>, Uncounted) {
    let setup = Setup { alarms: simulation.alarms.clone(), ..Setup::default() };
    let mut engine = Engine::new(setup, Saved::default());
    let mut effects = Vec::new();
    let time = |after: Stamp| BEGINNING.plus_ms(after.0);
    engine.step(BEGINNING, Observation::Tick, &mut effects);
    let mut metrics: Vec<&str> = simulation
        .alarms
        .iter()
        .filter_map(|alarm| Some(alarm.watched()?.metric.as_str()))
        .collect();
    metrics.sort_unstable();
    metrics.dedup();
    let mut clock = BEGINNING;
    for point in simulation.points.iter().filter(|point| point.at <= simulation.end) {
        pass(&mut engine, &mut clock, time(point.at), &mut effects);
        let named = point.metric.as_deref();
        for metric in metrics.iter().filter(|metric| named.is_none_or(|named| named == **metric)) {
            show(&mut engine, time(point.at), metric, point, &mut effects);
        }
    }
    pass(&mut engine, &mut clock, time(simulation.end), &mut effects);
    let change = |effect| match effect {
        Effect::Record(record) => match record.event {
            Event::Alarmed(change) => {
                let after = record.time.plus_ms(-BEGINNING.0);
                Some(Change { after, change: *change })
            }
            _ => None,
        },
        _ => None,
    };
    (effects.into_iter().filter_map(change).collect(), engine.alarms_uncounted())
}

/// Time passes, and the engine is there all the time.
fn pass(engine: &mut Engine, clock: &mut Stamp, until: Stamp, effects: &mut Vec<Effect>) {
    while *clock < until {
        *clock = clock.plus_s(STEP_S).min(until);
        engine.step(*clock, Observation::Tick, effects);
    }
}

fn show(
    engine: &mut Engine,
    time: Stamp,
    metric: &str,
    point: &SimulatedPoint,
    effects: &mut Vec<Effect>,
) {
    let dimensions: Vec<(&str, &[u8])> =
        point.dimensions.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let shown = Datapoint {
        metric,
        time,
        value: point.value,
        count: 1,
        dimensions: &dimensions,
        address: point.address,
        user: point.user.as_deref().map(str::as_bytes),
        line: point.line.as_bytes(),
    };
    engine.step(time, Observation::Datapoint(&shown), effects);
}

fn as_json(simulation: &Simulation, changes: &[Change], uncounted: Uncounted) -> serde_json::Value {
    let seconds = |after: Stamp| after.0 as f64 / 1000.0;
    let change = |one: &Change| {
        let mut value = alarm_change_json(&one.change);
        value["at_s"] = json!(seconds(one.after));
        value
    };
    let state = |alarm: &AlarmSpec| {
        let last = of_alarm(alarm, changes).last();
        json!({
            "alarm": alarm.name,
            "state": last.map_or(alarm.first_state(), |one| one.change.new).word(),
            "since_s": last.map_or(0.0, |one| seconds(one.after)),
        })
    };
    json!({
        "end_s": seconds(simulation.end),
        "changes": changes.iter().map(change).collect::<Vec<_>>(),
        "states": simulation.alarms.iter().map(state).collect::<Vec<_>>(),
        "uncounted": {
            "late": uncounted.late,
            "ahead": uncounted.ahead,
            "evicted": uncounted.evicted,
        },
    })
}

fn of_alarm<'c>(
    alarm: &'c AlarmSpec,
    changes: &'c [Change],
) -> impl DoubleEndedIterator<Item = &'c Change> {
    changes.iter().filter(|one| one.change.alarm == alarm.name)
}

fn as_text(say: &Say, simulation: &Simulation, changes: &[Change], uncounted: Uncounted) -> String {
    let mut text = String::new();
    for alarm in &simulation.alarms {
        let when = match &alarm.watch {
            Watch::Metric(watched) => alarm_threshold(say, watched),
            Watch::Rule(rule) => printable(rule.to_string().as_bytes()),
        };
        let name = printable(alarm.name.as_bytes());
        let values = [("name", name.as_str()), ("threshold", &when)];
        let _ = writeln!(text, "{}", say.text("simulate-head", &values));
        let state = [("state", alarm.first_state().word())];
        let _ = writeln!(text, "  {}", say.text("simulate-begins", &state));
        if alarm.per == monban_model::Per::Nothing {
            let _ = writeln!(text, "  {}", states(alarm, changes, simulation.end));
        }
    }
    if changes.is_empty() {
        let _ = writeln!(text, "{}", say.text("simulate-unchanged", &[]));
    }
    let width = changes.iter().map(|one| after(one.after).len()).max().unwrap_or(0);
    for one in changes {
        let since = after(one.change.since.plus_ms(-BEGINNING.0));
        let line = alarm_line_since(say, &since, &one.change);
        let _ = writeln!(text, "{:>width$}  {line}", after(one.after));
    }
    if uncounted.late + uncounted.ahead > 0 {
        let (late, ahead) = (uncounted.late.to_string(), uncounted.ahead.to_string());
        let values = [("late", late.as_str()), ("ahead", &ahead)];
        let _ = writeln!(text, "{}", say.text("simulate-uncounted", &values));
    }
    text
}

/// `+1m 10s`: a state before the beginning is of the beginning.
fn after(stamp: Stamp) -> String {
    format!("+{}", show_duration(u64::try_from(stamp.as_s()).unwrap_or(0)))
}

/// The state at the end of each of some equal parts: `I` insufficient data, `O` OK, `A` alarm.
fn states(alarm: &AlarmSpec, changes: &[Change], end: Stamp) -> String {
    let period_s = alarm.watched().map_or(60, |watched| i64::from(watched.period_s));
    let end_s = end.as_s().max(1);
    // Whole periods, so that a column is one of them or some.
    let periods = (end_s / period_s.max(1)).max(1);
    let each_s = (periods + COLUMNS - 1) / COLUMNS * period_s;
    let mut columns = String::new();
    for column in 1..=(end_s / each_s).clamp(1, COLUMNS) {
        let upto = Stamp::from_s(column * each_s);
        let last = of_alarm(alarm, changes).take_while(|one| one.after <= upto).last();
        columns.push(match last.map_or(alarm.first_state(), |one| one.change.new) {
            AlarmState::Insufficient => 'I',
            AlarmState::Ok => 'O',
            AlarmState::Alarm => 'A',
        });
    }
    format!("{columns}  ({} / column)", show_duration(each_s.unsigned_abs()))
}

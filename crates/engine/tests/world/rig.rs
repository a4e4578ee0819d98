//! An engine with alarms that is fed by the second.

use monban_engine::{Effect, Engine, Observation, Saved, Setup};
use monban_model::*;

/// Midnight, so that minutes are easy to read.
pub const START_S: i64 = 1_790_985_600;

pub struct Rig {
    pub engine: Engine,
    pub effects: Vec<Effect>,
    pub setup: Setup,
    /// What a ledger would hold.
    pub rows: super::Rows,
    /// Whether it is killed and started again after each step.
    pub kills: bool,
}

pub fn watched(metric: &str) -> Watched {
    Watched {
        metric: metric.into(),
        threshold: Amount(1.0),
        period_s: 60,
        evaluation_periods: 1,
        datapoints_to_alarm: 1,
        ..Watched::default()
    }
}

pub fn alarm(name: &str, watch: Watch) -> AlarmSpec {
    AlarmSpec {
        name: name.into(),
        description: String::new(),
        severity: Severity::Warning,
        semantics: Semantics::Monban,
        watch,
        per: Per::Nothing,
        repeat_s: None,
        samples: 10,
    }
}

pub fn rule(text: &str) -> Watch {
    Watch::Rule(AlarmRule::parse(text).expect("a rule"))
}

impl Rig {
    pub fn new(alarms: Vec<AlarmSpec>) -> Self {
        let setup = Setup { alarms, ..super::setup() };
        let engine = Engine::new(setup.clone(), Saved::default());
        Self { engine, effects: Vec::new(), setup, rows: super::Rows::default(), kills: false }
    }

    pub fn tell(&mut self, second: i64, seen: Observation<'_>) {
        self.tell_ms(second * 1000, seen);
    }

    pub fn tell_ms(&mut self, ms: i64, seen: Observation<'_>) {
        self.engine.step(Stamp::from_s(START_S).plus_ms(ms), seen, &mut self.effects);
        if self.kills {
            self.restart();
        }
    }

    pub fn put(&mut self, second: i64, metric: &str, value: f64) {
        self.put_from(second, metric, value, "192.0.2.1");
    }

    pub fn put_from(&mut self, second: i64, metric: &str, value: f64, address: &str) {
        let line = format!("line of {second}");
        let point = Datapoint {
            metric,
            time: Stamp::from_s(START_S + second),
            value,
            count: 1,
            dimensions: &[],
            address: address.parse().ok(),
            user: Some(b"root"),
            line: line.as_bytes(),
        };
        self.tell(second, Observation::Datapoint(&point));
    }

    /// A datapoint of `heartbeat`, at its own time.
    pub fn beat_ms(&mut self, ms: i64) {
        self.late_beat_ms(ms, ms);
    }

    /// The same, read later.
    pub fn late_beat_ms(&mut self, ms: i64, now_ms: i64) {
        let point = Datapoint {
            metric: "heartbeat",
            time: Stamp::from_s(START_S).plus_ms(ms),
            value: 1.0,
            count: 1,
            dimensions: &[],
            address: None,
            user: None,
            line: &[],
        };
        self.tell_ms(now_ms, Observation::Datapoint(&point));
    }

    pub fn tick(&mut self, second: i64) {
        self.tell(second, Observation::Tick);
    }

    /// Lets time pass as the daemon does: it wakes when the engine wants to be woken.
    pub fn wait_ms(&mut self, from: i64, to: i64) {
        let mut now = from;
        while now < to {
            let wake = self.engine.wake_at().map_or(to, |wake| wake.0 - START_S * 1000);
            now = wake.clamp(now + 1, to);
            self.tell_ms(now, Observation::Tick);
        }
    }

    /// The end of the process and another start.
    pub fn restart(&mut self) {
        self.rows.apply(self.engine.take_changes());
        let (next_seq, next_order) = self.engine.next_numbers();
        let saved = self.rows.saved(next_seq, next_order);
        self.engine = Engine::new(self.setup.clone(), saved);
    }

    pub fn changes(&self) -> Vec<(i64, &AlarmChange)> {
        self.changes_ms().into_iter().map(|(ms, change)| (ms.div_euclid(1000), change)).collect()
    }

    pub fn changes_ms(&self) -> Vec<(i64, &AlarmChange)> {
        let changes = self.effects.iter().filter_map(|effect| match effect {
            Effect::Record(Record { time, event: Event::Alarmed(change), .. }) => {
                Some((time.0 - START_S * 1000, &**change))
            }
            _ => None,
        });
        changes.collect()
    }

    pub fn told(&self) -> Vec<String> {
        let line = |(second, change): &(i64, &AlarmChange)| {
            let of = change.contributor.as_ref();
            let of = of
                .map_or_else(String::new, |of| format!("[{}]", String::from_utf8_lossy(&of.value)));
            let again = change.again.map_or_else(String::new, |count| format!(" +{count}"));
            format!(
                "{second} {}{of} {} -> {}{again}",
                change.alarm,
                change.old.word(),
                change.new.word()
            )
        };
        self.changes().iter().map(line).collect()
    }
}

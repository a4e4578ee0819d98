//! A datapoint through the engine: `cargo bench -p monban-engine --bench alarms`.
//!
//! * `unwatched`: no alarm is about its metric.
//! * `of_one_state`: an alarm over all of them, by its statistic.
//! * `apart`: a state for each address, with so many of them in turn; beyond the bound each was
//!   forgotten meanwhile.

use divan::Bencher;
use monban_engine::{Engine, Observation, Saved, Setup};
use monban_model::{
    Address, AlarmSpec, Amount, Datapoint, Per, Semantics, Severity, Stamp, Statistic, Watch,
    Watched,
};

fn main() {
    divan::main();
}

#[divan::bench]
fn unwatched(bencher: Bencher<'_, '_>) {
    let mut world = World::new("Sum", Per::Nothing);
    bencher.bench_local(|| world.put("other", 1));
}

#[divan::bench(args = ["Sum", "p99", "TM(10%:90%)"])]
fn of_one_state(bencher: Bencher<'_, '_>, statistic: &str) {
    let mut world = World::new(statistic, Per::Nothing);
    let mut number = 0;
    bencher.bench_local(|| {
        number = (number + 1) % 1000;
        world.put("m", number);
    });
}

#[divan::bench(args = [10, 1_000, 1_000_000])]
fn apart(bencher: Bencher<'_, '_>, addresses: u32) {
    let mut world = World::new("Sum", Per::Address);
    for number in 0..addresses.min(10_000) {
        world.put("m", number);
    }
    let mut number = 0;
    bencher.bench_local(|| {
        number = (number + 1) % addresses;
        world.put("m", number);
    });
}

struct World {
    engine: Engine,
    effects: Vec<monban_engine::Effect>,
    points: i64,
}

impl World {
    fn new(statistic: &str, per: Per) -> Self {
        let watched = Watched {
            metric: "m".into(),
            statistic: Statistic::parse(statistic).unwrap_or_default(),
            threshold: Amount(1e12),
            period_s: 60,
            evaluation_periods: 1,
            datapoints_to_alarm: 1,
            ..Watched::default()
        };
        let alarm = AlarmSpec {
            name: "a".into(),
            description: String::new(),
            severity: Severity::Warning,
            semantics: Semantics::Monban,
            watch: Watch::Metric(watched),
            per,
            repeat_s: None,
            samples: 10,
        };
        let setup = Setup { alarms: vec![alarm], ..Setup::default() };
        let engine = Engine::new(setup, Saved::default());
        Self { engine, effects: Vec::new(), points: 0 }
    }

    /// A thousand of them come in a second.
    fn put(&mut self, metric: &str, number: u32) {
        self.points += 1;
        let now = Stamp(1_790_985_600_000 + self.points);
        let point = Datapoint {
            metric,
            time: now,
            value: f64::from(number),
            count: 1,
            dimensions: &[],
            address: Some(Address::new(std::net::Ipv4Addr::from(number).into())),
            user: Some(b"root"),
            line: b"Failed password for root from 192.0.2.5 port 4001 ssh2",
        };
        self.engine.step(now, Observation::Datapoint(&point), &mut self.effects);
        self.effects.clear();
    }
}

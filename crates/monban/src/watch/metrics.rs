//! Metrics: which of them a log's lines are looked at for, and what their patterns read there.

use std::collections::HashMap;

use glob::Pattern;
use monban_config::Config;
use monban_engine::{Effect, Engine, Observation};
use monban_model::{Datapoint, Line, MetricSpec, Problem, Sighting, SourceId, Stamp};
use monban_rules::{MetricPattern, MetricReader, MetricReading, MetricScratch, MetricSet, ValueOf};
use toml::de::DeTable;

use super::minutes::Minutes;

/// The compiled metrics of a configuration.
#[derive(Debug, Default)]
pub struct Metrics {
    all: Vec<Compiled>,
    /// Which of them are for all lines of a source, by its number.
    of_source: HashMap<SourceId, Chosen>,
    /// Which of them are for the lines of a service besides.
    of_service: HashMap<String, Chosen>,
    scratch: MetricScratch,
    skipped: u64,
}

#[derive(Debug)]
struct Compiled {
    name: String,
    reader: MetricReader,
    /// Files and patterns of them; services are the others.
    paths: Vec<Pattern>,
    services: Vec<String>,
    everywhere: bool,
}

/// Some of the metrics, read together.
#[derive(Debug)]
struct Chosen {
    numbers: Vec<usize>,
    set: MetricSet,
}

/// What is known of a line beside its text.
pub struct Told<'a> {
    /// The log that it stands in.
    pub path: &'a str,
    /// The service whose line it is.
    pub service: Option<&'a str>,
    /// Its time.
    pub time: Stamp,
    /// What a rule read out of it.
    pub sighting: Option<&'a Sighting<'a>>,
}

impl Metrics {
    /// Compiles the metrics of a configuration; `text` is its file's, for places.
    ///
    /// # Errors
    /// All that is wrong with their patterns, values and dimensions.
    pub fn compile(config: &Config, file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let (mut all, mut problems) = (Vec::new(), Vec::new());
        for (number, spec) in config.metrics.iter().enumerate() {
            match reader(spec) {
                Ok(reader) => all.push(compiled(spec, reader, config)),
                Err((key, error)) => {
                    let what = format!("[[metric]] `{}`: {}", spec.name, error.message);
                    let why = "the metric would have no datapoints";
                    let problem = Problem::of_file(file, what, why).hint(error.hint);
                    problems.push(match place(text, number, key) {
                        Some(at) => problem.at(text, at + error.offset),
                        None => problem,
                    });
                }
            }
        }
        match problems.is_empty() {
            true => Ok(Self { all, ..Self::default() }),
            false => Err(problems),
        }
    }

    /// Whether there are any.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Lines that matched and had no value.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Another path is read under this number than before.
    pub fn forget(&mut self, source: SourceId) {
        self.of_source.remove(&source);
    }

    /// Gives the engine the datapoints of a line, and adds them to those that leave.
    pub fn line(
        &mut self,
        line: &Line<'_>,
        told: &Told<'_>,
        minutes: &mut Minutes,
        engine: &mut Engine,
        effects: &mut Vec<Effect>,
    ) {
        let all = &self.all;
        let of_path = |one: &Compiled| {
            one.everywhere || one.paths.iter().any(|pattern| pattern.matches(told.path))
        };
        let of_source =
            self.of_source.entry(line.source).or_insert_with(|| Chosen::of(all, of_path));
        let mut give = |numbers: &[usize], at: usize, reading: MetricReading<'_>| {
            let (value, dimensions) = match &reading {
                MetricReading::Value { value, dimensions } => (*value, dimensions.pairs()),
                MetricReading::Default(value) => (*value, &[][..]),
                MetricReading::Skipped => return self.skipped += 1,
                MetricReading::Nothing => return,
            };
            let point = Datapoint {
                metric: &all[numbers[at]].name,
                time: told.time,
                value,
                count: told.sighting.map_or(1, |seen| seen.weight.max(1)),
                dimensions,
                address: told.sighting.and_then(|seen| seen.address),
                user: told.sighting.and_then(|seen| seen.user),
                line: line.bytes,
            };
            minutes.add(&point);
            engine.step(line.arrival, Observation::Datapoint(&point), effects);
        };
        let scratch = &mut self.scratch;
        of_source.set.read(line.bytes, scratch, &mut |at, reading| {
            give(&of_source.numbers, at, reading);
        });
        let Some(service) = told.service else { return };
        if !self.of_service.contains_key(service) {
            let named = |one: &Compiled| one.services.iter().any(|known| known == service);
            self.of_service.insert(service.to_owned(), Chosen::of(all, named));
        }
        let Some(chosen) = self.of_service.get(service) else { return };
        chosen.set.read(line.bytes, scratch, &mut |at, reading| {
            // One that names both the file and the service counts the line once.
            if !of_source.numbers.contains(&chosen.numbers[at]) {
                give(&chosen.numbers, at, reading);
            }
        });
    }
}

impl Chosen {
    fn of(all: &[Compiled], is_meant: impl Fn(&Compiled) -> bool) -> Self {
        let numbers: Vec<usize> = (0..all.len()).filter(|number| is_meant(&all[*number])).collect();
        let readers = numbers.iter().map(|number| all[*number].reader.clone()).collect();
        Self { numbers, set: MetricSet::new(readers) }
    }
}

/// The reader of a metric, or the key of the configuration that is wrong.
fn reader(spec: &MetricSpec) -> Result<MetricReader, (&'static str, monban_rules::PatternError)> {
    let pattern = MetricPattern::parse(&spec.pattern).map_err(|error| ("pattern", error))?;
    let value = ValueOf::parse(&spec.value).map_err(|error| ("value", error))?;
    let default = spec.default.map(|amount| amount.0);
    MetricReader::new(pattern, value, default, &spec.dimensions).map_err(|error| ("value", error))
}

fn compiled(spec: &MetricSpec, reader: MetricReader, config: &Config) -> Compiled {
    let mut compiled = Compiled {
        name: spec.name.clone(),
        reader,
        paths: Vec::new(),
        services: Vec::new(),
        everywhere: spec.sources.is_empty(),
    };
    for name in config.sources_of(spec) {
        match name.starts_with('/') {
            true => compiled.paths.extend(Pattern::new(name).ok()),
            false => compiled.services.push(name.to_owned()),
        }
    }
    compiled
}

/// Where a key of the n-th `[[metric]]` has its value; inside its quotes.
fn place(text: &str, number: usize, key: &str) -> Option<usize> {
    let (root, _) = DeTable::parse_recoverable(text);
    let root = root.get_ref();
    let metrics = root.get("metric")?.get_ref().as_array()?;
    let value = metrics.get(number)?.get_ref().as_table()?.get(key)?;
    Some(value.span().start + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use monban_engine::{Saved, Setup};
    use monban_model::Event;

    const TEXT: &str = r#"
[[metric]]
name = "preauth"
sources = ["sshd"]
pattern = '"[preauth]"'

[[metric]]
name = "slow"
sources = ["/var/log/*.log"]
pattern = "[..., ms]"
value = "$ms"

[[alarm]]
name = "knocking"
metric = "preauth"
threshold = 2
"#;

    #[test]
    fn lines_of_a_source_become_datapoints_and_an_alarm() {
        let config = Config::parse("m.toml", TEXT).unwrap();
        let mut metrics = Metrics::compile(&config, "m.toml", TEXT).unwrap();
        let setup = Setup { alarms: config.alarms.clone(), ..Setup::default() };
        let mut engine = Engine::new(setup, Saved::default());
        let mut effects = Vec::new();
        let now = Stamp::from_s(1_700_000_000);
        for service in [Some("sshd"), Some("cron"), Some("sshd")] {
            let bytes = b"Connection closed by 203.0.113.9 [preauth]";
            let line = Line { bytes, source: SourceId(0), position: 0, arrival: now };
            let told = Told { path: "/var/log/auth.txt", service, time: now, sighting: None };
            metrics.line(&line, &told, &mut Minutes::default(), &mut engine, &mut effects);
        }
        let changes = effects.iter().filter_map(|effect| match effect {
            Effect::Record(record) => match &record.event {
                Event::Alarmed(change) => Some(change.samples.len()),
                _ => None,
            },
            _ => None,
        });
        assert_eq!(changes.max(), Some(2), "{effects:?}");
    }

    #[test]
    fn a_wrong_pattern_has_its_place() {
        let text = TEXT.replace("[..., ms]", "[..., ms, ...]");
        let config = Config::parse("m.toml", &text).unwrap();
        let problems = Metrics::compile(&config, "m.toml", &text).unwrap_err();
        assert_eq!((problems.len(), problems[0].line), (1, 10), "{problems:?}");
    }
}

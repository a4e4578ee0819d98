//! `monban scan`: old logs through the very same engine.

mod crew;
mod density;
mod logs;
mod merge;
mod page;
mod progress;
mod report;
mod show;
#[cfg(test)]
mod tests;

pub use show::skipped_text;

use std::fs::File;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use jiff::civil::{Date, DateTime};
use monban_config::{Bundle, Config};
use monban_engine::{Effect, Engine, Observation, Saved, Setup};
use monban_model::Stamp;
use monban_sources::archive::{Meter, expand};
use monban_views::Say;
use serde_json::json;

use crate::cli::{Common, ScanArgs};
use crate::place::Place;
use crate::roles::sandbox;
use crate::watch::Origins;
use crate::{out, problems, shipped};
use crew::Size;
use merge::Step;
use progress::Progress;
use report::Report;

/// Reads logs and reports. Fails if a file could not be read to its end; the others are reported.
pub fn main(common: &Common, args: &ScanArgs, say: &Say) -> ExitCode {
    match scan(common, args, say) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(text) => {
            if common.json {
                out::json(&json!({"error": text}));
            } else {
                eprintln!("{}", text.trim_end());
            }
            ExitCode::FAILURE
        }
    }
}

/// Whether everything that was named was read to its end.
fn scan(common: &Common, args: &ScanArgs, say: &Say) -> Result<bool, String> {
    let place = Place::of(common);
    let bundle = Bundle::read(&place.config, place.config_named)
        .map_err(|found| problems::show(&found, None, say))?;
    let loaded = shipped::load(&bundle, false)
        .map_err(|found| problems::show(&found, Some(&bundle), say))?;
    let range = Range {
        since: args.since.as_deref().map(|text| read_time(text, say)).transpose()?,
        until: args.until.as_deref().map(|text| read_time(text, say)).transpose()?,
    };
    let database = database(args, &loaded.config, &place)?;
    // From here on strangers' bytes are read and unpacked.
    sandbox::lock_reading().map_err(|error| error.to_string())?;
    let origins = origins(&loaded.config, database, say);
    let (families, skipped) = expand(&args.paths);
    if families.is_empty() {
        let told: Vec<String> =
            skipped.iter().map(|skipped| show::skipped_text(skipped, say)).collect();
        return Err(told.join("\n"));
    }
    let total: u64 = families.iter().flat_map(|f| &f.files).map(|file| file.size).sum();
    let meter = Meter::default();
    let started = Instant::now();
    let setup = Setup {
        catalog: loaded.rules.catalog().clone(),
        policies: loaded.config.policies.clone(),
        origins: loaded.config.origins.clone(),
        ..Setup::default()
    };
    let mut reader = Reader {
        engine: Engine::new(setup, Saved::default()),
        now: Stamp::default(),
        range,
        origins,
        report: Report::new(loaded.rules.catalog().clone()),
        effects: Vec::new(),
    };
    let allow = Observation::Allow(loaded.config.allow.clone());
    reader.engine.step(Stamp::default(), allow, &mut reader.effects);
    let mut progress = Progress::new(say, total, meter.clone());
    let outcome = crew::read(&loaded.rules, families, &meter, Size::default(), &mut |step| {
        reader.take(step);
        if let Step::Lines { .. } = step {
            progress.at(reader.report.lines);
        }
    });
    progress.done();
    let mut report = reader.report;
    report.files = outcome.files;
    report.misplaced = outcome.misplaced;
    report.echoes = outcome.echoes;
    report.disbelieved = outcome.disbelieved;
    report.skipped = [skipped, outcome.skipped].concat();
    if common.json {
        out::json(&show::AsJson(&report));
    } else {
        out::write(&show::as_text(&report, say, args.top, started.elapsed()));
    }
    if report.files == 0 {
        // "Nobody failed" would be no news of a log.
        return Err(say.text("scan-nothing", &[]));
    }
    let is_whole = !report.skipped.iter().any(|skipped| skipped.why.is_failure());
    // The process ends: nobody needs what a million addresses take, piece by piece.
    std::mem::forget((loaded, reader.engine, report));
    Ok(is_whole)
}

/// The database of places, if a table of `[[origin]]` asks for one.
fn database(args: &ScanArgs, config: &Config, place: &Place) -> Result<Option<File>, String> {
    if config.origins.is_empty() {
        return Ok(None);
    }
    let usual = config.geo.clone().map_or_else(|| place.geo(), PathBuf::from);
    let path = args.geo.clone().unwrap_or(usual);
    match File::open(&path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if args.geo.is_none() && error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

/// Reads it, and says what is wrong with it.
fn origins(config: &Config, database: Option<File>, say: &Say) -> Origins {
    let mut origins = Origins::default();
    origins.set_up(&config.origins);
    if let Some(told) = origins.take(database) {
        eprintln!("{}", say.notice(&told));
    }
    origins
}

/// Which lines count.
#[derive(Clone, Copy, Debug, Default)]
struct Range {
    since: Option<Stamp>,
    until: Option<Stamp>,
}

impl Range {
    fn holds(self, time: Stamp) -> bool {
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
    }
}

struct Reader {
    engine: Engine,
    /// The largest event time so far.
    now: Stamp,
    range: Range,
    origins: Origins,
    report: Report,
    effects: Vec<Effect>,
}

impl Reader {
    fn take(&mut self, step: &Step<'_>) {
        let sighting = match step {
            Step::Sighting(sighting) if self.range.holds(sighting.time) => sighting,
            Step::Sighting(_) => return,
            Step::Lines { count, bytes } => {
                self.report.lines += count;
                self.report.bytes += bytes;
                return;
            }
        };
        self.report.sightings += 1;
        self.now = self.now.max(sighting.time);
        let seen = match self.engine.asks_where(sighting) {
            None => Observation::Sighting(sighting),
            Some(address) => Observation::SightingFrom(sighting, self.origins.of(address)),
        };
        self.engine.step(self.now, seen, &mut self.effects);
        if !self.effects.is_empty() {
            self.report.take(&mut self.effects, sighting);
        }
    }
}

/// A date or a date with a time, in local time.
fn read_time(text: &str, say: &Say) -> Result<Stamp, String> {
    let civil: DateTime = match text.parse::<Date>() {
        Ok(date) if text.len() <= 10 => date.to_datetime(jiff::civil::Time::midnight()),
        _ => text.parse().map_err(|_| say.text("scan-no-time", &[("text", text)]))?,
    };
    let zoned = civil.to_zoned(monban_zone::of_the_process()).map_err(|error| error.to_string())?;
    Ok(Stamp(zoned.timestamp().as_millisecond()))
}

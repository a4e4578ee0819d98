//! `monban scan`: old logs through the very same engine.

mod merge;
mod progress;
mod report;
mod show;

use std::process::ExitCode;
use std::time::Instant;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use monban_config::Bundle;
use monban_engine::{Effect, Engine, Observation, Saved, Setup};
use monban_model::Stamp;
use monban_rules::RuleSet;
use monban_sources::archive::{Meter, Skipped, expand};
use monban_views::Say;
use serde_json::json;

use crate::cli::{Common, ScanArgs};
use crate::place::Place;
use crate::roles::sandbox;
use crate::{out, problems, shipped};
use merge::{Merged, Step};
use progress::Progress;
use report::Report;

/// Reads logs and reports.
pub fn main(common: &Common, args: &ScanArgs, say: &Say) -> ExitCode {
    match scan(common, args, say) {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            if common.json {
                out::line(json!({"error": text}));
            } else {
                eprintln!("{}", text.trim_end());
            }
            ExitCode::FAILURE
        }
    }
}

fn scan(common: &Common, args: &ScanArgs, say: &Say) -> Result<(), String> {
    let place = Place::of(common);
    let bundle = Bundle::read(&place.config, place.config_named)
        .map_err(|found| problems::show(&found, None))?;
    let loaded =
        shipped::load(&bundle, false).map_err(|found| problems::show(&found, Some(&bundle)))?;
    let range = Range {
        since: args.since.as_deref().map(read_time).transpose()?,
        until: args.until.as_deref().map(read_time).transpose()?,
    };
    // From here on strangers' bytes are read and unpacked.
    sandbox::lock_reading().map_err(|error| error.to_string())?;
    let (families, skipped) = expand(&args.paths);
    if families.is_empty() {
        let missing = |s: &Skipped| format!("{}: {}", s.path.display(), s.why);
        return Err(skipped.iter().map(missing).collect::<Vec<_>>().join("\n"));
    }
    let total: u64 = families.iter().flat_map(|f| &f.files).map(|file| file.size).sum();
    let meter = Meter::default();
    let started = Instant::now();
    let setup =
        Setup { catalog: loaded.rules.catalog().clone(), policies: loaded.config.policies.clone() };
    let mut reader = Reader {
        rules: &loaded.rules,
        engine: Engine::new(setup, Saved::default()),
        now: Stamp::default(),
        range,
        report: Report::default(),
        effects: Vec::new(),
    };
    let mut merged = Merged::new(&loaded.rules, families, &meter);
    let mut progress = Progress::new(say, total, meter);
    merged.read(&mut |step| {
        reader.take(step);
        progress.at(reader.report.lines);
    });
    progress.done();
    let mut report = reader.report;
    report.files = merged.read_files();
    let all = skipped.iter().chain(merged.skipped());
    report.skipped = all.map(|s| (s.path.display().to_string(), s.why.clone())).collect();
    if common.json {
        out::line(show::as_json(&report));
    } else {
        out::write(&show::as_text(&report, say, args.top, started.elapsed()));
    }
    Ok(())
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

struct Reader<'r> {
    rules: &'r RuleSet,
    engine: Engine,
    /// The largest event time so far.
    now: Stamp,
    range: Range,
    report: Report,
    effects: Vec<Effect>,
}

impl Reader<'_> {
    fn take(&mut self, step: &Step<'_>) {
        self.report.lines += 1;
        self.report.bytes += step.bytes;
        let Some(sighting) = step.sighting else { return };
        if sighting.means_nothing() || !self.range.holds(sighting.time) {
            return;
        }
        self.report.sightings += 1;
        self.now = self.now.max(sighting.time);
        self.engine.step(self.now, Observation::Sighting(sighting), &mut self.effects);
        if !self.effects.is_empty() {
            let service = self.rules.catalog().service(sighting.service);
            self.report.take(&mut self.effects, &sighting, service);
        }
    }
}

/// A date or a date with a time, in local time.
fn read_time(text: &str) -> Result<Stamp, String> {
    let civil: DateTime = match text.parse::<Date>() {
        Ok(date) if text.len() <= 10 => date.to_datetime(jiff::civil::Time::midnight()),
        _ => text.parse().map_err(|_| {
            format!("`{text}` is no time; write 2026-11-01 or \"2026-11-01 12:00\"")
        })?,
    };
    let zoned = civil.to_zoned(TimeZone::system()).map_err(|error| error.to_string())?;
    Ok(Stamp(zoned.timestamp().as_millisecond()))
}

//! `monban metric test`: how a filter pattern is read, and what it makes of lines.

mod explain;
mod report;
mod show;

use std::path::Path;
use std::process::ExitCode;

use monban_rules::{MetricPattern, MetricReader, MetricScratch, PatternError, ValueOf};
use monban_sources::archive::{BLOCK_BYTES, Block, Blocks, Fault, LogFile, Meter, Skipped};
use monban_views::Say;

use crate::cli::{Common, MetricAction, MetricTestArgs};
use crate::out;
use crate::roles::sandbox;
use crate::scan::skipped_text;
use report::Report;

/// The exit code for what was written wrongly, as clap's for a wrong command line.
const WRONG: u8 = 2;

/// Runs `monban metric ...`.
pub fn main(common: &Common, action: &MetricAction, say: &Say) -> ExitCode {
    let MetricAction::Test(args) = action;
    let reader = match reader(args) {
        Ok(reader) => reader,
        Err(wrong) => {
            match common.json {
                true => out::json(&show::wrong_json(&wrong, say)),
                false => eprint!("{}", show::wrong_text(&wrong, args, say)),
            }
            return ExitCode::from(WRONG);
        }
    };
    let mut report = Report::new(args, common.json);
    let fault = test(&reader, &args.input, &mut report, say);
    let fault = fault.err().map(|why| match why {
        Failure::File(why) => skipped_text(&Skipped { path: args.input.clone(), why }, say),
        Failure::Lock(error) => error,
    });
    match (common.json, &fault) {
        (true, _) => report.end_json(&reader, fault.as_deref(), say),
        (false, fault) => {
            // Without a line there is nothing to show but why.
            if fault.is_none() || report.lines > 0 {
                out::write(&show::text(&report, &reader, say));
            }
            fault.iter().for_each(|text| eprintln!("{text}"));
        }
    }
    if fault.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// What was written wrongly: the pattern itself, or what is to be taken from its lines.
pub enum Wrong {
    /// The error has a place in the pattern.
    Pattern(PatternError),
    /// It is about a value, a default or a dimension.
    Transformation(PatternError),
}

/// Why the lines were not read, or not to their end.
enum Failure {
    File(Fault),
    Lock(String),
}

/// Puts together what was asked for.
fn reader(args: &MetricTestArgs) -> Result<MetricReader, Wrong> {
    let pattern = MetricPattern::parse(&args.pattern).map_err(Wrong::Pattern)?;
    let wrong = |message: &str, hint: &str| {
        let message = format!("Invalid metric transformation: {message}");
        Wrong::Transformation(PatternError { message, offset: 0, hint: hint.to_owned() })
    };
    let value = ValueOf::parse(&args.value).map_err(Wrong::Transformation)?;
    let default = args.default.as_deref().map(|text| {
        let number = ValueOf::parse(text).ok().and_then(|value| value.number());
        number.ok_or_else(|| wrong("default value must be a valid number", ""))
    });
    let dimensions = args.dimensions.iter().map(|text| match text.split_once('=') {
        Some((name, selector)) => Ok((name.to_owned(), selector.to_owned())),
        None => Err(wrong(
            "dimension value must be valid selector",
            "write the name of the dimension, = and a selector, such as Service=$.service",
        )),
    });
    let dimensions = dimensions.collect::<Result<Vec<_>, _>>()?;
    MetricReader::new(pattern, value, default.transpose()?, &dimensions)
        .map_err(Wrong::Transformation)
}

/// Reads all lines, with no more rights than to read.
fn test(
    reader: &MetricReader,
    input: &Path,
    report: &mut Report,
    say: &Say,
) -> Result<(), Failure> {
    // From here on strangers' bytes are read.
    let locked = sandbox::lock_reading();
    locked.map_err(|error| Failure::Lock(say.sentence(&error.to_string())))?;
    let file = LogFile { path: input.to_owned(), modified: None, size: 0 };
    let missing = input.as_os_str() != "-" && !input.exists();
    let opened = match missing {
        true => Err(Fault::Missing),
        false => Blocks::open(&file, &Meter::default()),
    };
    let mut blocks = opened.map_err(Failure::File)?;
    let mut block = Block::new(BLOCK_BYTES);
    let mut scratch = MetricScratch::default();
    let mut bytes = 0;
    loop {
        match blocks.read(&mut block) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => {
                let (error, lines) = (error.to_string(), report.lines);
                return Err(Failure::File(Fault::Damaged { error, lines, bytes }));
            }
        }
        for line in block.lines() {
            bytes += line.len() as u64 + 1;
            report.take(reader, line, &mut scratch);
        }
    }
}

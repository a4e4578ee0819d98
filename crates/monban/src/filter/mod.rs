//! `monban filter test`: what a fail2ban filter makes of lines.

mod chosen;
mod report;
mod show;

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use monban_fail2ban::dates::Zone;
use monban_fail2ban::filter::{Filter, When};
use monban_model::limits::LINE_MAX;
use monban_views::{Say, printable};
use serde_json::json;

use crate::cli::{Common, FilterAction, FilterTestArgs};
use crate::out;
use crate::roles::sandbox;
use report::Report;

/// Runs `monban filter ...`.
pub fn main(common: &Common, action: &FilterAction, say: &Say) -> ExitCode {
    let FilterAction::Test(args) = action;
    match test(common, args, say) {
        Ok(()) => ExitCode::SUCCESS,
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

fn test(common: &Common, args: &FilterTestArgs, say: &Say) -> Result<(), String> {
    let real_now = now();
    let clock = args.now.unwrap_or(real_now);
    let zone = Zone::of_the_process();
    let (mut filter, facts) = chosen::filter(args, real_now, &zone, say)?;
    let mut input = open(&args.input, say)?;
    // From here on strangers' bytes are read.
    sandbox::lock_reading().map_err(|error| error.to_string())?;
    let mut zone = zone;
    let mut report = Report::new(facts, args.show);
    let mut bytes = Vec::new();
    while next_line(&mut *input, &mut bytes).map_err(|error| error.to_string())? {
        let text = String::from_utf8_lossy(&bytes);
        let line = text.trim_end_matches(['\r', '\n']);
        let reading = read(&mut filter, line, args.journal, clock);
        if common.json {
            out::json(&show::line_json(report.lines + 1, &reading, &mut zone));
        }
        report.take(line, &reading, &mut zone);
    }
    if !common.json {
        report.finish(&filter);
        out::write(&show::text(&report, say));
    }
    Ok(())
}

fn read(
    filter: &mut Filter,
    line: &str,
    journal: bool,
    clock: i64,
) -> monban_fail2ban::filter::Reading {
    match journal {
        true => filter.read_at(line, clock, clock, When::Ever),
        false => filter.read(line, clock),
    }
}

/// The input: a file, standard input, or the one line that was given.
fn open(input: &str, say: &Say) -> Result<Box<dyn BufRead>, String> {
    // A log line has a blank somewhere.
    let is_path = input.starts_with(['/', '.'])
        || input.contains('/') && !input.contains(char::is_whitespace);
    if input == "-" {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    match File::open(Path::new(input)) {
        Ok(file) => Ok(Box::new(BufReader::new(file))),
        Err(error) if is_path && error.kind() == io::ErrorKind::NotFound => {
            Err(say.text("filter-no-input", &[("path", &printable(input.as_bytes()))]))
        }
        Err(error) if is_path => Err(format!("{input}: {error}")),
        Err(_) => Ok(Box::new(io::Cursor::new(input.as_bytes().to_vec()))),
    }
}

/// Reads a line, of which at most [`LINE_MAX`] bytes are kept. False at the end.
fn next_line(input: &mut dyn BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let mut any = false;
    loop {
        let part = input.fill_buf()?;
        if part.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = part.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(part.len(), |at| at + 1);
        let room = LINE_MAX.saturating_sub(line.len());
        line.extend_from_slice(&part[..taken.min(room)]);
        input.consume(taken);
        if end.is_some() {
            return Ok(true);
        }
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

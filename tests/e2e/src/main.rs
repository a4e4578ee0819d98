//! `monban-e2e [--full] [--list] [--binary PATH] [--but NAME]... [NAME...]`: runs the checks whose
//! names begin so and not so, prints a line for each, and closes with `N passed, N failed, N
//! skipped`. `monban-e2e --soak MINUTES [--series FILE] [--binary PATH]`: a soak of that length,
//! with a line a minute and a verdict; its samples go into the file.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use monban_e2e::checks::ALL;
use monban_e2e::runner::{Setting, Size, run};
use monban_e2e::soak;

fn main() -> ExitCode {
    // The manifest of this package lies two folders below the root of the repository.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.ancestors().nth(2).unwrap_or(here);
    let corpus = std::env::var_os("MONBAN_CORPUS").map(PathBuf::from);
    let mut setting = Setting {
        size: Size::Short,
        binary: root.join("target/release/monban"),
        corpus: corpus.unwrap_or_else(|| root.join("../shared/corpus")),
    };
    let (mut names, mut but) = (Vec::new(), Vec::new());
    let (mut minutes, mut series) = (None, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--full" => setting.size = Size::Full,
            "--list" => {
                for check in ALL {
                    println!("{:<18} {}", check.name, check.about);
                }
                return ExitCode::SUCCESS;
            }
            "--binary" => match arguments.next() {
                Some(path) => setting.binary = PathBuf::from(path),
                None => return usage(),
            },
            "--but" => match arguments.next() {
                Some(name) => but.push(name),
                None => return usage(),
            },
            "--soak" => match arguments.next().and_then(|minutes| minutes.parse().ok()) {
                Some(number) => minutes = Some(number),
                None => return usage(),
            },
            "--series" => match arguments.next() {
                Some(path) => series = Some(PathBuf::from(path)),
                None => return usage(),
            },
            option if option.starts_with('-') => return usage(),
            _ => names.push(argument),
        }
    }
    if let Some(minutes) = minutes {
        return soak_for(&setting, minutes, series.as_deref());
    }
    let totals = run(&setting, &names, &but);
    println!("{} passed, {} failed, {} skipped", totals.passed, totals.failed, totals.left_out);
    if totals.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A soak of so many minutes, with a line for each of them.
fn soak_for(setting: &Setting, minutes: f64, file: Option<&Path>) -> ExitCode {
    let mut told = 0.0;
    let tell = |sample: &soak::Sample| {
        if sample.at_s >= told + 60.0 {
            told += 60.0;
            println!("{sample}");
        }
    };
    let series = match soak::run(setting, Duration::from_secs_f64(minutes * 60.0), tell) {
        Ok(series) => series,
        Err(trouble) => {
            eprintln!("FAILED    soak: {trouble}");
            return ExitCode::FAILURE;
        }
    };
    if let Some(file) = file
        && let Err(error) = std::fs::write(file, series.csv())
    {
        eprintln!("{}: {error}", file.display());
        return ExitCode::FAILURE;
    }
    let (flat, text) = series.verdict();
    println!("{}\n{text}{}", series.summary(), if flat { "flat" } else { "NOT flat" });
    if flat { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn usage() -> ExitCode {
    eprintln!(
        "usage: monban-e2e [--full] [--list] [--binary PATH] [--but NAME]... [NAME...]\n       \
         monban-e2e --soak MINUTES [--series FILE] [--binary PATH]"
    );
    ExitCode::from(2)
}

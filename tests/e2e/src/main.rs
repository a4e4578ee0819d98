//! `monban-e2e [--full] [--list] [--binary PATH] [--but NAME]... [NAME...]`: runs the checks whose
//! names begin so and not so, prints a line for each, and closes with `N passed, N failed, N
//! skipped`.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use monban_e2e::checks::ALL;
use monban_e2e::runner::{Setting, Size, run};

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
            option if option.starts_with('-') => return usage(),
            _ => names.push(argument),
        }
    }
    let totals = run(&setting, &names, &but);
    println!("{} passed, {} failed, {} skipped", totals.passed, totals.failed, totals.left_out);
    if totals.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn usage() -> ExitCode {
    eprintln!("usage: monban-e2e [--full] [--list] [--binary PATH] [--but NAME]... [NAME...]");
    ExitCode::from(2)
}

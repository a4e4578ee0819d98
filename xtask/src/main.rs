//! `cargo xtask test`: everything that has to hold for a change. `cargo xtask show NAME`: a
//! capability, with its full counts and figures (docs/shows/NAME.md says what is shown).
//! `cargo xtask compare`: monban's costs beside those of its peers. `cargo xtask cost`:
//! instructions for a line, against bounds. `cargo xtask growth`: plots of what a line costs as
//! rules and attackers become more. `cargo xtask soak --minutes N`: mixed logs at full speed for so
//! long, and whether all stays flat.
#![forbid(unsafe_code)]

mod compare;
mod cost;
mod fail2ban;
mod growth;
mod moto;
mod packages;
mod part;
mod plan;
mod unprivileged;
mod usage;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::cost::Keep;
use crate::part::Report;

const USAGE: &str = "\
usage: cargo xtask test
       cargo xtask show guard | fail2ban | messages
       cargo xtask compare [--short] [--log FILE] [--lines N] [--runs N]
       cargo xtask cost [--accept]
       cargo xtask growth
       cargo xtask soak --minutes N";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut report = Report::new(root());
    match words[..] {
        ["test"] => plan::test(&mut report),
        // Of this program itself: it starts what it measures this way.
        ["measured", ref words @ ..] => return usage::measured(words),
        ["compare", ref words @ ..] if let Some(options) = compare::Options::read(words) => {
            plan::compare(&mut report, &options);
        }
        ["cost"] => plan::cost(&mut report, Keep::Figures),
        ["cost", "--accept"] => plan::cost(&mut report, Keep::Bounds),
        ["growth"] => plan::growth(&mut report),
        ["show", "guard"] => plan::show_guard(&mut report),
        ["show", "fail2ban"] => plan::show_fail2ban(&mut report),
        ["show", "messages"] => plan::show_messages(&mut report),
        ["soak", "--minutes", minutes] => plan::soak(&mut report, minutes),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    }
    if report.close() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn root() -> PathBuf {
    // The manifest of this package lies one folder below it.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

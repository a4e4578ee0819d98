//! Compiles the rule files that are named and runs all their checks:
//! `cargo run -p monban-rules --example check -- rules/sshd.toml`.

use std::process::ExitCode;

use monban_rules::{RuleSet, RuleText};

fn main() -> ExitCode {
    let mut failed = false;
    for file in std::env::args().skip(1) {
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) => {
                eprintln!("{file}: {error}");
                failed = true;
                continue;
            }
        };
        match RuleSet::compile(&[RuleText { file: file.clone(), text }]) {
            Ok(set) => println!("{file}: {} rules hold", set.catalog().rules.len()),
            Err(problems) => {
                failed = true;
                for problem in problems {
                    println!("{problem}");
                }
            }
        }
    }
    ExitCode::from(u8::from(failed))
}

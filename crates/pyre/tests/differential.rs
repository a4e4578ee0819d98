//! Generated patterns on generated texts: what CPython finds is found, and what it refuses is
//! refused. `MONBAN_PYRE_PATTERNS` says how many patterns (with ten texts each), and
//! `MONBAN_PYRE_SEED` which.
#![forbid(unsafe_code)]

#[path = "oracle/doubts.rs"]
mod doubts;
#[path = "oracle/generate.rs"]
mod generate;
mod oracle;

use doubts::Doubt;
use generate::Chance;
use monban_pyre::{EngineKind, Hint, Options, Regex};
use oracle::{Oracle, byte_of, in_chars};
use serde_json::Value;

const TEXTS: usize = 10;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn options(chance: &mut Chance) -> Options {
    let mut one_in = |count| chance.below(count) == 0;
    Options { multiline: one_in(5), ignore_case: one_in(4), dot_all: one_in(6), ascii: one_in(6) }
}

/// Names of characters are not known here; of `(?( 1)` CPython 3.11 only warns.
fn is_known(pattern: &str, error: &monban_pyre::Error) -> bool {
    error.hint == Some(Hint::WriteCode)
        || (error.message.starts_with("bad character in group name") && pattern.contains("(?("))
}

#[derive(Default, Debug)]
struct Tally {
    patterns: usize,
    linear: usize,
    refused: usize,
    doubtful: usize,
    pairs: usize,
    matches: usize,
    slow: usize,
    broken: usize,
    overruns: usize,
    differences: Vec<String>,
}

impl Tally {
    fn compare(
        &mut self,
        oracle: &mut Oracle,
        pattern: &str,
        options: Options,
        chance: &mut Chance,
    ) {
        let texts: Vec<(String, usize)> = (0..TEXTS)
            .map(|_| {
                let start = if chance.below(4) == 0 { chance.below(4) } else { 0 };
                (generate::text(chance), start)
            })
            .collect();
        let answer = oracle.ask(pattern, options, &texts);
        self.patterns += 1;
        let regex = match (Regex::new(pattern, options), answer.get("error")) {
            (Ok(regex), None) => regex,
            (Ok(_), Some(wanted)) => {
                return self.differences.push(format!("{pattern:?} is accepted, not {wanted}"));
            }
            (Err(error), _) if is_known(pattern, &error) => return,
            (Err(error), Some(wanted)) => {
                self.refused += 1;
                return self.compare_refusal(pattern, &error, wanted);
            }
            (Err(error), None) => {
                return self.differences.push(format!("{pattern:?} is refused: {error}"));
            }
        };
        let ast = monban_pyre::parse(pattern, options).expect("it was parsed");
        let doubt = doubts::of(&ast.root);
        self.doubtful += usize::from(doubt != Doubt::None);
        if doubt == Doubt::Everything {
            return;
        }
        self.linear += usize::from(regex.engine() == EngineKind::Linear);
        for ((text, start), wanted) in texts.iter().zip(answer.as_array().expect("a list")) {
            self.pairs += 1;
            if wanted.is_string() {
                self.slow += usize::from(wanted == "slow");
                self.broken += usize::from(wanted == "broken");
                continue;
            }
            match regex.search_at(text, byte_of(text, *start)) {
                Err(_) => {
                    self.overruns += 1;
                    if number("MONBAN_SHOW", 0) > 0 {
                        println!("overrun: {pattern:?} {options:?} on {text:?}");
                    }
                }
                Ok(found) => {
                    self.matches += usize::from(found.is_some());
                    let got = in_chars(text, &regex, found.as_ref());
                    let same = match doubt {
                        Doubt::Groups => got[0] == wanted[0],
                        _ => got == *wanted,
                    };
                    if !same {
                        self.differences.push(format!(
                            "{:?} {pattern:?} {options:?} on {text:?} from {start}: {got}, not {wanted}",
                            regex.engine()
                        ));
                    }
                }
            }
        }
    }

    fn compare_refusal(&mut self, pattern: &str, error: &monban_pyre::Error, wanted: &Value) {
        let (message, position) = (wanted[0].as_str().unwrap_or(""), wanted[1].as_u64());
        let same_place = position.is_none_or(|at| at == error.offset as u64);
        // Names are quoted in Python's way, which differs for quotes and control characters.
        let plain = |text: &str| text.split('\'').next().unwrap_or("").to_owned();
        if !same_place || plain(message) != plain(&error.message) {
            self.differences.push(format!("{pattern:?}: {error}, not {wanted}"));
        }
    }

    fn report(&self, what: &str) {
        let Self {
            patterns,
            linear,
            refused,
            doubtful,
            pairs,
            matches,
            slow,
            broken,
            overruns,
            differences,
        } = self;
        println!(
            "{what}: {patterns} patterns ({linear} linear, {refused} refused by both, {doubtful} with doubtful groups), {pairs} pairs, \
             {matches} matches, {slow} too slow for CPython, {broken} bugs of it, {overruns} overruns, {} differences",
            differences.len()
        );
        let shown: Vec<&str> = differences.iter().take(25).map(String::as_str).collect();
        assert!(differences.is_empty(), "{}", shown.join("\n"));
    }
}

#[test]
fn generated_patterns_find_what_cpython_finds() {
    let Some(mut oracle) = Oracle::start() else {
        return;
    };
    let mut chance = Chance::new(number("MONBAN_PYRE_SEED", 1));
    let mut tally = Tally::default();
    for _ in 0..number("MONBAN_PYRE_PATTERNS", 4000) {
        let pattern = generate::pattern(&mut chance);
        let options = options(&mut chance);
        tally.compare(&mut oracle, &pattern, options, &mut chance);
    }
    tally.report("generated");
}

#[test]
fn junk_is_refused_where_cpython_refuses_it() {
    let Some(mut oracle) = Oracle::start() else {
        return;
    };
    let mut chance = Chance::new(number("MONBAN_PYRE_SEED", 1) + 1);
    let mut tally = Tally::default();
    for _ in 0..number("MONBAN_PYRE_PATTERNS", 4000) {
        let pattern = generate::junk(&mut chance);
        let options = options(&mut chance);
        tally.compare(&mut oracle, &pattern, options, &mut chance);
    }
    tally.report("junk");
}

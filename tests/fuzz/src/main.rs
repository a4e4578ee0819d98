//! `monban-fuzz [TARGET..] [--executions N] [--seed S] [--seconds T] [--findings DIR] [--input
//! FILE]`: texts by
//! chance for the readers of fail2ban's configuration and of strangers' lines (ini, regex, dates,
//! filter). It finds panics, answers that are no answers, inputs that take long, answers that are
//! another the second time, and expressions that CPython understands otherwise. Without a target
//! each has its turn.
#![forbid(unsafe_code)]

mod chance;
#[path = "../../../crates/pyre/tests/oracle/doubts.rs"]
mod doubts;
mod oracle;
mod seeds;
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use chance::Chance;
use oracle::Judged;
use targets::Target;

/// An input that takes longer is a finding: it is one line, or one file, of a stranger.
const SLOW: Duration = Duration::from_millis(2000);

/// Cases that are asked of CPython at once.
const BATCH: usize = 2000;

/// Findings of one target after which it ends.
const FINDINGS_MAX: usize = 20;

fn main() -> ExitCode {
    let asked = match Asked::read(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err(why) => {
            eprintln!(
                "{why}\nusage: monban-fuzz [TARGET] [--executions N] [--seed S] [--seconds T] [--findings DIR] [--input FILE]"
            );
            return ExitCode::from(2);
        }
    };
    let mut findings = 0;
    for name in &asked.targets {
        let Some(target) = Target::named(name) else {
            eprintln!("no target {name}: there are ini, regex, dates, filter");
            return ExitCode::from(2);
        };
        findings += Session::new(name, &asked).run(&target);
    }
    println!("{} passed, {findings} failed", asked.targets.len());
    if findings == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What the command line asks for.
struct Asked {
    targets: Vec<String>,
    executions: u64,
    seed: u64,
    time: Duration,
    findings: Option<PathBuf>,
    /// A finding, to be seen again: nothing else is tried.
    input: Option<String>,
}

impl Asked {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let (targets, time) = (Vec::new(), Duration::MAX);
        let mut asked =
            Self { targets, executions: 10_000, seed: 1, time, findings: None, input: None };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} wants a value"));
            let number = |text: String| text.parse().map_err(|_| format!("{text} is no number"));
            match word.as_str() {
                "--executions" => asked.executions = number(value()?)?,
                "--seed" => asked.seed = number(value()?)?,
                "--seconds" => asked.time = Duration::from_secs(number(value()?)?),
                "--input" => {
                    let path = value()?;
                    let text = std::fs::read(&path).map_err(|error| format!("{path}: {error}"))?;
                    asked.input = Some(String::from_utf8_lossy(&text).into_owned());
                    asked.executions = 1;
                }
                "--findings" => asked.findings = Some(PathBuf::from(value()?)),
                option if option.starts_with('-') => return Err(format!("no option {option}")),
                target => asked.targets.push(target.to_owned()),
            }
        }
        if asked.targets.is_empty() {
            asked.targets = ["ini", "regex", "dates", "filter"].map(str::to_owned).to_vec();
        }
        Ok(asked)
    }
}

/// One target's turn.
struct Session<'a> {
    name: &'a str,
    asked: &'a Asked,
    findings: usize,
    slowest: (Duration, String),
    judged: Judged,
    cases: Vec<oracle::Case>,
    has_python: bool,
}

impl<'a> Session<'a> {
    fn new(name: &'a str, asked: &'a Asked) -> Self {
        let slowest = (Duration::ZERO, String::new());
        let (judged, cases) = (Judged::default(), Vec::new());
        Self { name, asked, findings: 0, slowest, judged, cases, has_python: true }
    }

    /// How many findings there were.
    fn run(mut self, target: &Target) -> usize {
        let corpus = target.corpus();
        let mut chance = Chance::new(self.asked.seed);
        let started = Instant::now();
        let mut executions = 0;
        while executions < self.asked.executions
            && started.elapsed() < self.asked.time
            && self.findings < FINDINGS_MAX
        {
            let chosen = self.asked.input.clone();
            let input = chosen.unwrap_or_else(|| corpus.input(&mut chance));
            self.attempt(target, &input);
            executions += 1;
        }
        self.ask_python();
        let (took, Judged { same, refused, undecided }) = (started.elapsed(), self.judged);
        println!(
            "fuzz {}: seed {}, {} seeds, {executions} executions in {:.1} s, {} findings, slowest {:?}",
            self.name,
            self.asked.seed,
            corpus.seeds.len(),
            took.as_secs_f64(),
            self.findings,
            self.slowest.0
        );
        println!("  slowest input: {}", shortened(&self.slowest.1));
        self.keep("slowest", &self.slowest.1);
        if same + refused + undecided > 0 {
            println!("  as CPython: {same} same, {refused} refused by us, {undecided} undecided");
        } else if !self.has_python {
            println!("left out: CPython's re: no python3");
        }
        self.findings
    }

    /// An input, twice.
    fn attempt(&mut self, target: &Target, input: &str) {
        let started = used();
        let once = || catch_unwind(AssertUnwindSafe(|| target.run(input)));
        let first = once();
        let took = used().saturating_sub(started);
        if took > self.slowest.0 {
            self.slowest = (took, input.to_owned());
        }
        match (first, once()) {
            (Err(_), _) | (_, Err(_)) => self.tell("panic", input),
            (Ok(Err(why)), _) => self.tell(&why, input),
            (Ok(first), Ok(second)) if first != second => {
                self.tell("another answer the second time", input);
            }
            _ if took > SLOW => self.tell(&format!("slow: {took:?}"), input),
            _ => {
                self.cases.extend(target.case(input));
                if self.cases.len() >= BATCH {
                    self.ask_python();
                }
            }
        }
    }

    fn ask_python(&mut self) {
        let cases = std::mem::take(&mut self.cases);
        if cases.is_empty() || !self.has_python {
            return;
        }
        let Some((judged, differ)) = oracle::judge(&cases) else {
            self.has_python = false;
            return;
        };
        self.judged.same += judged.same;
        self.judged.refused += judged.refused;
        self.judged.undecided += judged.undecided;
        for difference in differ {
            self.tell("CPython differs", &difference);
        }
    }

    fn tell(&mut self, what: &str, input: &str) {
        println!("FOUND in {}: {what}: {}", self.name, shortened(input));
        self.keep(&self.findings.to_string(), input);
        self.findings += 1;
    }

    fn keep(&self, which: &str, input: &str) {
        if let Some(folder) = &self.asked.findings {
            let file = folder.join(format!("{}-{which}", self.name));
            let _ = std::fs::create_dir_all(folder);
            let _ = std::fs::write(file, input);
        }
    }
}

/// Processor time of this thread: other work on this machine makes no input slow.
fn used() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.try_into().unwrap_or_default()
}

fn shortened(text: &str) -> String {
    let shown: String = text.chars().take(300).collect();
    format!("{} characters: {shown:?}", text.chars().count())
}

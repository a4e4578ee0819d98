//! Parts of a run: a command, its time, and what its output counts.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a whole run found.
pub struct Report {
    root: PathBuf,
    parts: Vec<Part>,
    left_out: Vec<String>,
}

/// What one part found.
struct Part {
    name: String,
    took: Duration,
    counts: Counts,
}

/// Tests or checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: usize,
    failed: usize,
}

impl Report {
    /// An empty one, for the repository at `root`.
    pub fn new(root: PathBuf) -> Self {
        Self { root, parts: Vec::new(), left_out: Vec::new() }
    }

    /// The root of the repository.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Says that something is not done, and why.
    pub fn leave_out(&mut self, what: &str, why: &str) {
        println!("left out: {what}: {why}");
        self.left_out.push(format!("{what}: {why}"));
    }

    /// Runs a command as a part and shows what it prints. Its closing lines are counted; a part
    /// without any counts as one. It is ended when its time is over.
    pub fn run(&mut self, name: &str, at_most: Duration, command: Command) {
        println!("== {name}");
        let start = Instant::now();
        let (counts, left_out) = follow(&mut limited(command, at_most));
        self.left_out.extend(left_out);
        self.parts.push(Part { name: name.to_owned(), took: start.elapsed(), counts });
    }

    /// Keeps whether a check of ours holds, and says why not.
    pub fn judge(&mut self, name: &str, took: Duration, verdict: Result<(), String>) {
        let is_good = verdict.is_ok();
        if let Err(why) = verdict {
            println!("{name}: {why}");
        }
        let counts = Counts { passed: usize::from(is_good), failed: usize::from(!is_good) };
        self.parts.push(Part { name: name.to_owned(), took, counts });
    }

    /// Prints a line per part, what was left out, and the closing line; whether all is well.
    pub fn close(mut self) -> bool {
        println!("== summary");
        let mut all = Counts::default();
        for part in &self.parts {
            all.add(part.counts);
            println!(
                "{:<22} {:7.1} s  {} passed, {} failed",
                part.name,
                part.took.as_secs_f64(),
                part.counts.passed,
                part.counts.failed
            );
        }
        self.left_out.sort();
        self.left_out.dedup();
        for what in &self.left_out {
            println!("left out: {what}");
        }
        println!("{} passed, {} failed", all.passed, all.failed);
        all.failed == 0
    }
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// The command under `timeout`, which also ends what the command has started.
pub fn limited(command: Command, at_most: Duration) -> Command {
    let mut limited = Command::new("timeout");
    limited.arg("--kill-after=20").arg(at_most.as_secs().to_string());
    limited.arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        limited.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    limited
}

fn follow(command: &mut Command) -> (Counts, Vec<String>) {
    let mut counts = Counts::default();
    let mut left_out = Vec::new();
    let failed = |mut counts: Counts| {
        // A part that fails without a failed test has failed as a whole.
        counts.failed = counts.failed.max(1);
        counts
    };
    let mut child = match command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => {
            println!("{}: {error}", command.get_program().to_string_lossy());
            return (failed(counts), left_out);
        }
    };
    if let Some(out) = child.stdout.take() {
        // Tests with hostile names may print bytes that are no text.
        for line in BufReader::new(out).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            if let Some(closing) = closing_line(&line) {
                counts.add(closing);
            }
            left_out.extend(line.strip_prefix("left out: ").map(str::to_owned));
        }
    }
    let is_good = child.wait().is_ok_and(|status| status.success());
    if !is_good {
        counts = failed(counts);
    } else if counts == Counts::default() {
        counts.passed = 1;
    }
    (counts, left_out)
}

/// `test result: ok. 3 passed; 0 failed; ...` of cargo test, `3 passed, 0 failed, ...`, or
/// `TOTAL 3/4 verdicts, ...` of a judge.
fn closing_line(line: &str) -> Option<Counts> {
    if let Some((passed, rest)) = line.strip_prefix("TOTAL ").and_then(|l| l.split_once('/')) {
        let (all, _) = rest.split_once(" verdicts")?;
        let (passed, all): (usize, usize) = (passed.parse().ok()?, all.parse().ok()?);
        return Some(Counts { passed, failed: all.checked_sub(passed)? });
    }
    let words: Vec<&str> = match line.strip_prefix("test result: ") {
        Some(rest) => rest.split_whitespace().skip(1).collect(),
        None => line.split_whitespace().collect(),
    };
    let [passed, passed_word, failed, failed_word, ..] = words[..] else {
        return None;
    };
    let is = |word: &str, name: &str| word.trim_end_matches([',', ';']) == name;
    let closes = is(passed_word, "passed") && is(failed_word, "failed");
    closes.then_some(())?;
    Some(Counts { passed: passed.parse().ok()?, failed: failed.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> (Counts, Vec<String>) {
        follow(Command::new("sh").args(["-c", script]))
    }

    #[test]
    fn closing_lines_are_read() {
        let cargo = "test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured";
        assert_eq!(closing_line(cargo), Some(Counts { passed: 3, failed: 1 }));
        let ours = "3 passed, 1 failed, 2 skipped";
        assert_eq!(closing_line(ours), Some(Counts { passed: 3, failed: 1 }));
        let judge = "TOTAL 1367/1368 verdicts, 99.92 %, 45 of 46 files perfect";
        assert_eq!(closing_line(judge), Some(Counts { passed: 1367, failed: 1 }));
        assert_eq!(closing_line("TOTAL x/1368 verdicts"), None);
        assert_eq!(closing_line("the 3 passed; 1 failed"), None);
        assert_eq!(closing_line("3 passed, none failed"), None);
    }

    #[test]
    fn a_part_counts_its_lines_or_as_one() {
        assert_eq!(sh("true").0, Counts { passed: 1, failed: 0 });
        assert_eq!(sh("false").0, Counts { passed: 0, failed: 1 });
        assert_eq!(sh("echo '2 passed, 0 failed'").0, Counts { passed: 2, failed: 0 });
        let broken = sh("echo '2 passed, 0 failed'; echo 'left out: x: y'; exit 1");
        assert_eq!(broken, (Counts { passed: 2, failed: 1 }, vec!["x: y".to_owned()]));
    }

    #[test]
    fn a_part_that_does_not_end_is_ended() {
        let mut sleep = Command::new("sleep");
        sleep.arg("60");
        let start = Instant::now();
        let (counts, _) = follow(&mut limited(sleep, Duration::from_secs(1)));
        assert_eq!(counts.failed, 1);
        assert!(start.elapsed() < Duration::from_secs(30));
    }
}

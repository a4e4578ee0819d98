//! What the kernel accounted to a whole process and all that it waited for.
//!
//! Each run has a small parent of its own (this program once more, verb `measured`), because
//! `getrusage` adds up all children that a process has ever had, and because the peak of a child
//! begins with what its parent held when it was forked.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

/// What one run cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Processor seconds in user mode.
    pub user_s: f64,
    /// Processor seconds in the kernel.
    pub system_s: f64,
    /// From its start to its end.
    pub wall_s: f64,
    /// Largest resident set of one of its processes; of a daemon, of all together.
    pub peak_kib: f64,
}

impl Usage {
    /// Processor seconds in all.
    pub fn cpu_s(&self) -> f64 {
        self.user_s + self.system_s
    }
}

/// Where a program reads and writes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ends<'a> {
    /// Its standard input; nothing if absent.
    pub input: Option<&'a Path>,
    /// Its standard output; thrown away if absent.
    pub output: Option<&'a Path>,
}

/// Runs a program to its end. Its exit code must be one of `good`.
pub fn measure(command: &Command, ends: Ends<'_>, good: &[i32]) -> io::Result<Usage> {
    let mut parent = Command::new(std::env::current_exe()?);
    parent.arg("measured").arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => parent.env(name, value),
            None => parent.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        parent.current_dir(folder);
    }
    parent.stdin(match ends.input {
        Some(path) => Stdio::from(fs::File::open(path)?),
        None => Stdio::null(),
    });
    // The program's own output goes to a file; what the parent says comes through stderr.
    parent.stdout(match ends.output {
        Some(path) => Stdio::from(fs::File::create(path)?),
        None => Stdio::null(),
    });
    let told = parent.stderr(Stdio::piped()).output()?.stderr;
    let told = String::from_utf8_lossy(&told);
    let (usage, code) = told
        .lines()
        .last()
        .and_then(read)
        .ok_or_else(|| wrong(format!("{command:?} was not measured: {told}")))?;
    if !good.contains(&code) {
        return Err(wrong(format!("{command:?} ended with {code}: {told}")));
    }
    Ok(usage)
}

/// The verb `measured`: runs the words and tells what they cost as the last line of stderr.
pub fn measured(words: &[&str]) -> ExitCode {
    let [program, arguments @ ..] = words else { return ExitCode::from(2) };
    let start = Instant::now();
    let status = match Command::new(program).args(arguments).status() {
        Ok(status) => status,
        Err(error) => {
            eprintln!("{program}: {error}");
            return ExitCode::from(2);
        }
    };
    let wall_s = start.elapsed().as_secs_f64();
    match getrusage(UsageWho::RUSAGE_CHILDREN) {
        Ok(spent) => {
            let (user_s, system_s) = (seconds(spent.user_time()), seconds(spent.system_time()));
            let code = status.code().unwrap_or(-1);
            eprintln!("\nmeasured {user_s} {system_s} {wall_s} {} {code}", spent.max_rss());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("getrusage: {error}");
            ExitCode::from(2)
        }
    }
}

fn seconds(time: TimeVal) -> f64 {
    time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6
}

fn read(line: &str) -> Option<(Usage, i32)> {
    let mut words = line.strip_prefix("measured ")?.split(' ');
    let mut number = || words.next()?.parse::<f64>().ok();
    let usage =
        Usage { user_s: number()?, system_s: number()?, wall_s: number()?, peak_kib: number()? };
    Some((usage, words.next()?.parse().ok()?))
}

/// Something that went wrong, in words.
pub fn wrong(text: impl Into<String>) -> io::Error {
    io::Error::other(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_the_parent_is_read() {
        let (usage, code) = read("measured 0.5 0.25 1 2048 1").unwrap();
        assert_eq!(code, 1);
        assert_eq!((usage.cpu_s(), usage.wall_s, usage.peak_kib), (0.75, 1.0, 2048.0));
        assert_eq!(read("measured 0.5 0.25 1"), None);
        assert_eq!(read("something else"), None);
    }
}

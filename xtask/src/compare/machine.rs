//! What a measurement was made on, for the head of its file.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::stamps::{Civil, now_s};

/// Names and values: time, commit, processor, kernel.
pub fn notes(root: &Path) -> Vec<(String, String)> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let processors = read("/proc/cpuinfo");
    let model = value_after(&processors, "model name");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = read("/proc/meminfo");
    let distribution = read("/etc/os-release");
    let distribution = distribution.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let changes = said("git", &["status", "--porcelain", "--untracked-files=no"], root);
    let commit = said("git", &["rev-parse", "HEAD"], root);
    let changed = if changes.is_empty() { "" } else { " with changes" };
    let notes = [
        ("date (UTC)", Civil::of(now_s()).iso()),
        ("commit", format!("{commit}{changed}")),
        ("processor", model.to_owned()),
        ("cores", cores.to_string()),
        ("memory", value_after(&memory, "MemTotal").to_owned()),
        ("kernel", read("/proc/sys/kernel/osrelease").trim().to_owned()),
        ("distribution", distribution.unwrap_or_default().trim_matches('"').to_owned()),
        ("load before (1, 5, 15 minutes)", read("/proc/loadavg").trim().to_owned()),
    ];
    notes.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

/// The first line that a program prints, without the space around it; empty if there is none.
pub fn said(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str], folder: &Path) -> String {
    let output = Command::new(program).args(arguments).current_dir(folder).output();
    let text = output.map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines().next().unwrap_or_default().trim().to_owned()
}

fn value_after<'a>(text: &'a str, name: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.map_or("", |rest| rest.trim_start_matches([' ', '\t', ':']).trim_end())
}

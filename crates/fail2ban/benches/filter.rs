//! Nanoseconds of processor time for a line, and the memory of all filters:
//! `cargo bench -p monban-fail2ban --bench filter`. The filters and their samples are those below
//! `MONBAN_CORPUS`; without it nothing is measured.

use std::hint::black_box;
use std::path::{Path, PathBuf};

use monban_fail2ban::config::{Complaints, Version, read_filter};
use monban_fail2ban::dates::{DateFinder, Zone};
use monban_fail2ban::filter::{Filter, Texts, Use, UseDns};
use rustix::time::{ClockId, clock_gettime};

/// The clock of the samples, and that of the machine, which says which years there are.
const NOW_S: i64 = 1_124_013_600;
const REAL_NOW_S: i64 = 1_795_340_000;

/// What is measured: a line, its date alone, or both.
#[derive(Clone, Copy)]
enum What {
    Line,
    Date,
}

fn main() {
    let Some(corpus) = std::env::var_os("MONBAN_CORPUS").map(PathBuf::from) else {
        println!("left out: MONBAN_CORPUS names no folder");
        return;
    };
    let folder = corpus.join("fail2ban/config");
    let foreign = lines(&corpus.join("loghub/OpenSSH_2k.log"));
    for name in ["sshd", "dovecot", "postfix", "apache-auth"] {
        let own = lines(&corpus.join("fail2ban/logs").join(name));
        for (log, lines) in [("its samples", &own), ("sshd's log", &foreign)] {
            let (line, hits) = measure(&folder, name, lines, What::Line);
            let (date, _) = measure(&folder, name, lines, What::Date);
            println!(
                "{name}, {log}: {line:.0} ns a line, {date:.0} of it for the date; {hits} hits"
            );
        }
    }
    memory(&folder);
}

fn lines(path: &Path) -> Vec<String> {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

fn compiled(folder: &Path, name: &str) -> Option<(Filter, Option<String>)> {
    let mut odd = Complaints::default();
    let spec = read_filter(folder, name, "auto", Version::default(), &mut odd).ok()?;
    let texts = |list: &[monban_fail2ban::config::Sourced<String>]| -> Vec<String> {
        list.iter().map(|text| text.value.clone()).collect()
    };
    let (failregex, ignoreregex) = (texts(&spec.failregex), texts(&spec.ignoreregex));
    if failregex.is_empty() {
        return None;
    }
    let pattern = spec.datepattern.map(|text| text.value);
    let texts = Texts {
        prefregex: spec.prefregex.as_ref().map(|text| text.value.as_str()),
        failregex: &failregex,
        ignoreregex: &ignoreregex,
        maxlines: spec.maxlines.value as usize,
        usedns: UseDns::Warn,
    };
    let filter = Filter::new(&texts, dates(pattern.as_deref())?, Use::default()).ok()?;
    Some((filter, pattern))
}

fn dates(pattern: Option<&str>) -> Option<DateFinder> {
    DateFinder::new(pattern, REAL_NOW_S, Zone::utc(), None).ok()
}

/// The best of some runs, so that other work on the machine counts little.
fn measure(folder: &Path, name: &str, lines: &[String], what: What) -> (f64, usize) {
    let Some((mut filter, pattern)) = compiled(folder, name) else { return (f64::NAN, 0) };
    let Some(mut finder) = dates(pattern.as_deref()) else { return (f64::NAN, 0) };
    let rounds = 20_000_usize.div_ceil(lines.len().max(1));
    let (mut best, mut hits) = (f64::MAX, 0);
    for _ in 0..8 {
        hits = 0;
        let start = processor_ns();
        for line in std::iter::repeat_n(lines, rounds).flatten() {
            hits += match what {
                What::Line => filter.read(black_box(line), NOW_S).hits.len(),
                What::Date => usize::from(finder.find(black_box(line), NOW_S).is_some()),
            };
        }
        let took = (processor_ns() - start) / (rounds * lines.len()).max(1) as f64;
        best = best.min(took);
    }
    (best, hits / rounds)
}

fn processor_ns() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// What all filters of a folder hold, compiled, and after a line each.
fn memory(folder: &Path) {
    let mut names: Vec<String> = std::fs::read_dir(folder.join("filter.d"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.path().file_stem()?.to_str().map(str::to_owned))
        .collect();
    names.sort();
    let before = resident_kib();
    let start = processor_ns();
    let mut filters: Vec<Filter> =
        names.iter().filter_map(|name| Some(compiled(folder, name)?.0)).collect();
    let took = (processor_ns() - start) / 1e6;
    let empty = resident_kib().saturating_sub(before);
    for filter in &mut filters {
        let line = "Aug 14 09:59:58 host sshd[1]: Failed password for root from 192.0.2.1 port 22";
        black_box(filter.read(line, NOW_S));
    }
    let used = resident_kib().saturating_sub(before);
    println!("{} filters: {took:.0} ms, {empty} KiB; {used} KiB after a line each", filters.len());
}

/// What the process holds in memory, in KiB; 0 where there is no /proc.
fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

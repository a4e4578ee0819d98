//! `cargo xtask growth`: what a line costs as rules and attackers become more, as plots in
//! docs/shows and as data in benches/runs.

mod plot;
pub mod written;

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::compare::{machine_notes, table};
use crate::part::Report;
use crate::usage::{Ends, Usage, measure};
use plot::{Curve, Plot};

/// How many rules there are.
const RULES: [u64; 7] = [10, 30, 100, 200, 300, 500, 1_000];

/// How many attackers there are.
const ATTACKERS: [u64; 7] = [10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// Lines that are read, where there are not more attackers.
const LINES: u64 = 1_000_000;

/// How often each is measured; the best counts, as all else only adds to it.
const RUNS: u32 = 5;

const OWN_RULES: &str = "rules of the log's service";
const OTHER_RULES: &str = "rules of other services";
const BY_ATTACKERS: &str = "attackers";

/// One point to be measured.
struct Job {
    curve: &'static str,
    at: u64,
    lines: u64,
    config: PathBuf,
    log: PathBuf,
}

/// One measured point.
struct Point {
    curve: &'static str,
    at: u64,
    lines: u64,
    /// The best processor time of a log with one line.
    start_s: f64,
    /// The best processor time of the whole log.
    whole_s: f64,
    /// Of the whole log.
    peak_kib: f64,
}

impl Point {
    fn ns(&self) -> f64 {
        (self.whole_s - self.start_s) * 1e9 / self.lines as f64
    }
}

/// Measures, and writes data and plots.
pub fn run(report: &mut Report, binary: &Path, folder: &Path) {
    let start = Instant::now();
    let verdict = all(report.root(), binary, folder).map_err(|error| error.to_string());
    report.judge("growth", start.elapsed(), verdict);
}

fn all(root: &Path, binary: &Path, folder: &Path) -> io::Result<()> {
    let jobs = jobs(folder)?;
    let points = measured(binary, &jobs)?;
    let mut data = "curve\tat\tlines\tstart_s\twhole_s\tpeak_kib\tns_a_line\n".to_owned();
    for one in &points {
        println!(
            "{:<26} {:>9}: {:>6.0} ns a line, peak {:.1} MiB, start {:.0} ms",
            one.curve,
            one.at,
            one.ns(),
            one.peak_kib / 1024.0,
            one.start_s * 1e3
        );
        let _ = writeln!(
            data,
            "{}\t{}\t{}\t{:.6}\t{:.6}\t{:.0}\t{:.1}",
            one.curve,
            one.at,
            one.lines,
            one.start_s,
            one.whole_s,
            one.peak_kib,
            one.ns()
        );
    }
    let path = table::store(root, "growth", &machine_notes(root), &data)?;
    println!("data: {}", path.strip_prefix(root).unwrap_or(&path).display());
    for plot in plots(&points) {
        fs::write(root.join("docs/shows").join(plot.file), plot.svg())?;
        println!("plot: docs/shows/{}", plot.file);
    }
    // Gigabytes that nobody needs again.
    fs::remove_dir_all(folder)
}

/// Writes all logs and rules.
fn jobs(folder: &Path) -> io::Result<Vec<Job>> {
    fs::create_dir_all(folder)?;
    let mut jobs = Vec::new();
    let log = written::rules_log(&folder.join("rules.log"), LINES)?;
    for (curve, own) in [(OWN_RULES, true), (OTHER_RULES, false)] {
        for at in RULES {
            let config = written::rules(&folder.join(format!("rules-{own}-{at}")), at, own)?;
            jobs.push(Job { curve, at, lines: LINES, config, log: log.clone() });
        }
    }
    for at in ATTACKERS {
        let lines = LINES.max(at);
        let log = written::attackers_log(&folder.join(format!("{at}.log")), at, lines)?;
        let config = written::rules(&folder.join("shipped"), 0, true)?;
        jobs.push(Job { curve: BY_ATTACKERS, at, lines, config, log });
    }
    Ok(jobs)
}

/// All of them in turn, several times, so that what else happens on the machine meets all.
fn measured(binary: &Path, jobs: &[Job]) -> io::Result<Vec<Point>> {
    let point = |job: &Job| Point {
        curve: job.curve,
        at: job.at,
        lines: job.lines,
        start_s: f64::MAX,
        whole_s: f64::MAX,
        peak_kib: 0.0,
    };
    let mut points: Vec<Point> = jobs.iter().map(point).collect();
    for run in 1..=RUNS {
        println!("round {run} of {RUNS}");
        for (job, point) in jobs.iter().zip(&mut points) {
            // What takes minutes is measured twice: little of it is chance.
            if job.lines > LINES && run > 2 {
                continue;
            }
            let start = scan(binary, &job.config, &first_line(&job.log)?)?;
            let whole = scan(binary, &job.config, &job.log)?;
            point.start_s = point.start_s.min(start.cpu_s());
            point.whole_s = point.whole_s.min(whole.cpu_s());
            point.peak_kib = point.peak_kib.max(whole.peak_kib);
        }
    }
    Ok(points)
}

fn scan(binary: &Path, config: &Path, log: &Path) -> io::Result<Usage> {
    let mut command = Command::new(binary);
    command.arg("scan").arg(log).arg("--config").arg(config).env("TZ", "UTC");
    measure(&command, Ends::default(), &[0])
}

/// A log of the first line of a log.
fn first_line(log: &Path) -> io::Result<PathBuf> {
    let mut line = String::new();
    io::BufRead::read_line(&mut io::BufReader::new(fs::File::open(log)?), &mut line)?;
    let path = log.with_extension("one");
    fs::write(&path, line)?;
    Ok(path)
}

fn plots(points: &[Point]) -> [Plot; 3] {
    let curve = |name: &'static str, value: fn(&Point) -> f64| Curve {
        name,
        points: points
            .iter()
            .filter(|point| point.curve == name)
            .map(|point| (point.at as f64, value(point)))
            .collect(),
    };
    [
        Plot {
            file: "growth-rules.svg",
            title: "Processor time of a line, by rules beside those that are shipped",
            x: "rules",
            y: "ns a line",
            curves: vec![curve(OWN_RULES, Point::ns), curve(OTHER_RULES, Point::ns)],
        },
        Plot {
            file: "growth-attackers.svg",
            title: "Processor time of a line, by attackers",
            x: "attackers",
            y: "ns a line",
            curves: vec![curve(BY_ATTACKERS, Point::ns)],
        },
        Plot {
            file: "growth-memory.svg",
            title: "Peak memory of a scan, by attackers",
            x: "attackers",
            y: "MiB",
            curves: vec![curve(BY_ATTACKERS, |point| point.peak_kib / 1024.0)],
        },
    ]
}

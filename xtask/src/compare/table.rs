//! Raw runs to a table, and to a file.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::stamps::{Civil, now_s};
use crate::usage::Usage;

/// Whose costs the others' are divided by.
pub const OURS: &str = "monban";

/// One run of one program.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The work.
    pub row: &'static str,
    /// Who did it.
    pub who: String,
    /// The first is 1.
    pub run: u32,
    /// Lines of its input.
    pub lines: u64,
    /// Bytes of its input, unpacked.
    pub bytes: u64,
    /// What it cost.
    pub usage: Usage,
}

/// What a cost has to be.
#[derive(Clone, Copy, Debug)]
pub struct Must {
    /// Against whom.
    pub who: &'static str,
    /// What is compared.
    pub of: Cost,
    /// The largest quotient, ours by theirs; of memory the largest value.
    pub at_most: f64,
}

/// What something costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// Processor seconds a line.
    Cpu,
    /// Seconds of a clock a line.
    Wall,
    /// The most memory at once, in MiB.
    PeakMib,
}

/// The columns of one program.
struct Summary {
    who: String,
    lines: u64,
    runs: usize,
    cpu_s: f64,
    spread: f64,
    wall_s: f64,
    cpu_per_million_s: f64,
    wall_per_million_s: f64,
    bytes: u64,
    peak_mib: f64,
}

/// The table of one row, as it is printed and kept in the page of the show.
pub fn show(samples: &[Sample], musts: &[Must]) -> String {
    let all = summaries(samples);
    let ours = all.iter().find(|one| one.who == OURS);
    let mut text = String::new();
    let head = [
        "who",
        "lines",
        "runs",
        "CPU s",
        "spread",
        "wall s",
        "CPU s/M lines",
        "M lines/s/core",
        "GB/s/core",
        "peak MiB",
        "CPU / monban's",
    ];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    for one in &all {
        let ratio = ours.map_or(f64::NAN, |ours| one.cpu_per_million_s / ours.cpu_per_million_s);
        lines.push(vec![
            one.who.clone(),
            one.lines.to_string(),
            one.runs.to_string(),
            format!("{:.3}", one.cpu_s),
            format!("{:.0} %", 100.0 * one.spread),
            format!("{:.3}", one.wall_s),
            format!("{:.3}", one.cpu_per_million_s),
            format!("{:.3}", 1.0 / one.cpu_per_million_s),
            format!("{:.3}", one.bytes as f64 / 1e9 / one.cpu_s),
            format!("{:.1}", one.peak_mib),
            format!("{ratio:.2}"),
        ]);
    }
    push_table(&mut text, &lines);
    for (line, is_reached) in judged(&all, musts) {
        let verdict = if is_reached { "reached" } else { "not reached" };
        let _ = writeln!(text, "{line}: {verdict}");
    }
    text
}

/// What is not reached of a row, one behind the other; empty if all is.
pub fn missed(samples: &[Sample], musts: &[Must]) -> String {
    let judged = judged(&summaries(samples), musts);
    let missed = judged.into_iter().filter(|(_, is_reached)| !is_reached);
    missed.map(|(line, _)| line).collect::<Vec<_>>().join("; ")
}

/// What each must came to, and whether it is reached; nothing of those whose peer is not here.
fn judged(all: &[Summary], musts: &[Must]) -> Vec<(String, bool)> {
    let find = |who: &str| all.iter().find(|one| one.who == who);
    let judge = |must: &Must| {
        let (ours, theirs) = (find(OURS)?, find(must.who)?);
        let (cost, name) = match must.of {
            Cost::Cpu => (ours.cpu_per_million_s / theirs.cpu_per_million_s, "CPU, monban / "),
            Cost::Wall => (ours.wall_per_million_s / theirs.wall_per_million_s, "wall, monban / "),
            Cost::PeakMib => (theirs.peak_mib, "peak MiB, "),
        };
        let (who, at_most) = (must.who, must.at_most);
        let line = format!("{name}{who}: {cost:.4} (must: <= {at_most:.4})");
        Some((line, cost <= at_most))
    };
    musts.iter().filter_map(judge).collect()
}

/// A table for a page of Markdown that is also straight in a terminal.
fn push_table(text: &mut String, lines: &[Vec<String>]) {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for (number, line) in lines.iter().enumerate() {
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let _ = match column {
                0 => write!(text, "| {cell:<width$} |"),
                _ => write!(text, " {cell:>width$} |"),
            };
        }
        text.push('\n');
        if number == 0 {
            for (column, width) in widths.iter().enumerate() {
                let dashes = "-".repeat(*width);
                text.push_str(&if column == 0 {
                    format!("| {dashes} |")
                } else {
                    format!(" {}: |", &dashes[1..])
                });
            }
            text.push('\n');
        }
    }
}

fn summaries(samples: &[Sample]) -> Vec<Summary> {
    let mut names: Vec<&str> = Vec::new();
    for sample in samples {
        if !names.contains(&sample.who.as_str()) {
            names.push(&sample.who);
        }
    }
    names.iter().filter_map(|who| summary(samples, who)).collect()
}

fn summary(samples: &[Sample], who: &str) -> Option<Summary> {
    let of: Vec<&Sample> = samples.iter().filter(|sample| sample.who == who).collect();
    let first = of.first()?;
    let all = |value: fn(&Usage) -> f64| of.iter().map(|s| value(&s.usage)).collect::<Vec<f64>>();
    let cpu = all(Usage::cpu_s);
    let (cpu_s, wall_s) = (median(&cpu), median(&all(|usage| usage.wall_s)));
    let most = cpu.iter().copied().fold(0.0, f64::max);
    let least = cpu.iter().copied().fold(f64::MAX, f64::min);
    let millions = first.lines as f64 / 1e6;
    Some(Summary {
        who: who.to_owned(),
        lines: first.lines,
        runs: of.len(),
        cpu_s,
        spread: (most - least) / cpu_s,
        wall_s,
        cpu_per_million_s: cpu_s / millions,
        wall_per_million_s: wall_s / millions,
        bytes: first.bytes,
        peak_mib: median(&all(|usage| usage.peak_kib)) / 1024.0,
    })
}

/// The middle one; of an even number the mean of the two in the middle.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.len() % 2, sorted.get(middle), sorted.get(middle.wrapping_sub(1))) {
        (1, Some(one), _) => *one,
        (0, Some(high), Some(low)) => f64::midpoint(*low, *high),
        _ => f64::NAN,
    }
}

/// Writes a file of raw data below `benches/runs`, with notes on its head; where it is.
pub fn store(
    root: &Path,
    name: &str,
    notes: &[(String, String)],
    data: &str,
) -> io::Result<PathBuf> {
    let folder = root.join("benches/runs");
    fs::create_dir_all(&folder)?;
    let stamp = Civil::of(now_s()).iso().replace(' ', "-").replace(':', "");
    let path = folder.join(format!("{stamp}-{name}.tsv"));
    let head: String = notes.iter().map(|(key, value)| format!("# {key}: {value}\n")).collect();
    fs::write(&path, head + data)?;
    Ok(path)
}

/// Every run as a line of a file.
pub fn raw(samples: &[Sample]) -> String {
    let mut text = "row\twho\trun\tlines\tbytes\tuser_s\tsystem_s\twall_s\tpeak_kib\n".to_owned();
    for sample in samples {
        let Usage { user_s, system_s, wall_s, peak_kib } = sample.usage;
        let _ = writeln!(
            text,
            "{}\t{}\t{}\t{}\t{}\t{user_s:.6}\t{system_s:.6}\t{wall_s:.6}\t{peak_kib:.0}",
            sample.row, sample.who, sample.run, sample.lines, sample.bytes
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(who: &str, lines: u64, cpu_s: f64) -> Sample {
        let usage = Usage { user_s: cpu_s, system_s: 0.0, wall_s: cpu_s, peak_kib: 1024.0 };
        Sample { row: "scan", who: who.to_owned(), run: 1, lines, bytes: lines * 100, usage }
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn ratios_are_per_line() {
        let samples = [
            sample("monban", 1_000_000, 0.5),
            sample("monban", 1_000_000, 0.7),
            sample("monban", 1_000_000, 0.6),
            sample("slow", 100_000, 6.0),
        ];
        let must = Must { who: "slow", of: Cost::Cpu, at_most: 0.005 };
        let text = show(&samples, &[must]);
        let slow = text.lines().find(|line| line.starts_with("| slow")).unwrap();
        assert!(slow.ends_with(" 100.00 |"), "{text}");
        assert!(text.contains("monban / slow: 0.0100 (must: <= 0.0050): not reached"), "{text}");
        assert_eq!(raw(&samples).lines().count(), 5);
    }
}

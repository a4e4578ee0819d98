//! What was measured in a soak, and whether it stayed flat.

use std::fmt::{self, Write};

/// One look at a running monban.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sample {
    /// Seconds since the start.
    pub at_s: f64,
    /// Lines that were written.
    pub written: u64,
    /// Lines that the ledger says were read.
    pub read: u64,
    /// All roles together, shared pages divided among their users.
    pub pss_mib: f64,
    /// All roles together, shared pages counted for each.
    pub rss_mib: f64,
    /// Open descriptors of all roles.
    pub descriptors: u64,
    /// The ledger with its log.
    pub ledger_mib: f64,
    /// Processor time of all roles.
    pub cpu_s: f64,
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at_s, written, read, pss_mib, rss_mib, descriptors, ledger_mib, cpu_s } = self;
        let (millions, lag) = (*read as f64 / 1e6, written.saturating_sub(*read));
        write!(
            f,
            "{at_s:6.0} s {millions:7.1} M lines, lag {lag:7}, PSS {pss_mib:5.1} MiB, RSS \
             {rss_mib:5.1} MiB, {descriptors:3} descriptors, ledger {ledger_mib:5.1} MiB, CPU \
             {cpu_s:.0} s"
        )
    }
}

/// All samples of a run.
#[derive(Clone, Debug, Default)]
pub struct Series {
    samples: Vec<Sample>,
    /// How often a log was rotated.
    pub rotations: u64,
}

/// A value of a sample, and its name.
type Named = (&'static str, fn(&Sample) -> f64);

/// Growth of the second half that is still called flat, of what was there in the mean.
const FLAT: f64 = 0.03;

impl Series {
    /// One more.
    pub fn add(&mut self, sample: Sample) {
        self.samples.push(sample);
    }

    /// The largest value.
    pub fn peak(&self, of: impl Fn(&Sample) -> f64) -> f64 {
        self.samples.iter().map(of).fold(0.0, f64::max)
    }

    /// How much a value grows in 10 million lines, by the line of least squares through the
    /// second half of the lines; and the growth over that half as a part of the mean.
    pub fn growth(&self, of: impl Fn(&Sample) -> f64) -> (f64, f64) {
        let last = self.samples.last().map_or(0, |sample| sample.read);
        let half: Vec<(f64, f64)> = self
            .samples
            .iter()
            .filter(|sample| sample.read >= last / 2)
            .map(|sample| (sample.read as f64, of(sample)))
            .collect();
        let count = half.len().max(1) as f64;
        let mean =
            |values: &dyn Fn(&(f64, f64)) -> f64| half.iter().map(values).sum::<f64>() / count;
        let (x, y) = (mean(&|point| point.0), mean(&|point| point.1));
        let both: f64 = half.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
        let spread: f64 = half.iter().map(|point| (point.0 - x).powi(2)).sum();
        let slope = if spread > 0.0 { both / spread } else { 0.0 };
        (slope * 1e7, slope * last as f64 / 2.0 / y.max(1e-9))
    }

    /// Whether memory and descriptors are flat, with the figures of why.
    pub fn verdict(&self) -> (bool, String) {
        let mut all_flat = true;
        let mut text = String::new();
        let values: [Named; 3] = [
            ("PSS (MiB)", |sample| sample.pss_mib),
            ("RSS (MiB)", |sample| sample.rss_mib),
            ("descriptors", |sample| sample.descriptors as f64),
        ];
        for (name, of) in values {
            let (per_10m, part) = self.growth(of);
            let flat = part <= FLAT;
            all_flat &= flat;
            let word = if flat { "flat" } else { "GROWS" };
            // A String takes whatever is written.
            let _ = writeln!(
                text,
                "{name}: {word}, {per_10m:+.3} per 10 M lines ({:+.1} % over the second half), \
                 peak {:.1}",
                part * 100.0,
                self.peak(of)
            );
        }
        (all_flat, text)
    }

    /// All of it in a line.
    pub fn summary(&self) -> String {
        let last = self.samples.last().copied().unwrap_or_default();
        let millions = last.read as f64 / 1e6;
        let lag = self.peak(|sample| sample.written.saturating_sub(sample.read) as f64);
        format!(
            "{millions:.1} M lines in {:.0} s ({:.0} a second), {} rotations: peak PSS {:.1} MiB, \
             descriptors {:.0}, ledger {:.1} MiB, lag {lag:.0} lines; {:.2} CPU s per M lines",
            last.at_s,
            last.read as f64 / last.at_s.max(1e-9),
            self.rotations,
            self.peak(|sample| sample.pss_mib),
            self.peak(|sample| sample.descriptors as f64),
            self.peak(|sample| sample.ledger_mib),
            last.cpu_s / millions.max(1e-9),
        )
    }

    /// The samples as comma separated values, with their names in the first line.
    pub fn csv(&self) -> String {
        let mut text =
            "at_s,written,read,pss_mib,rss_mib,descriptors,ledger_mib,cpu_s\n".to_owned();
        for sample in &self.samples {
            let Sample { at_s, written, read, pss_mib, rss_mib, descriptors, ledger_mib, cpu_s } =
                sample;
            let _ = writeln!(
                text,
                "{at_s:.1},{written},{read},{pss_mib:.2},{rss_mib:.2},{descriptors},\
                 {ledger_mib:.2},{cpu_s:.2}"
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(pss_mib: impl Fn(u64) -> f64) -> Series {
        let mut series = Series::default();
        for at in 0..100 {
            let (read, pss_mib) = (at * 1_000_000, pss_mib(at));
            series.add(Sample {
                at_s: at as f64,
                read,
                written: read,
                pss_mib,
                ..Sample::default()
            });
        }
        series
    }

    #[test]
    fn growth_is_that_of_the_second_half() {
        let flat = series(|at| if at < 40 { at as f64 } else { 40.0 + (at % 2) as f64 * 0.1 });
        let (per_10m, part) = flat.growth(|sample| sample.pss_mib);
        assert!(per_10m.abs() < 0.01 && part.abs() < 0.01, "{per_10m} {part}");
        assert!(flat.verdict().0);
        let grows = series(|at| 20.0 + at as f64 * 0.2);
        let (per_10m, _) = grows.growth(|sample| sample.pss_mib);
        assert!((per_10m - 2.0).abs() < 0.01, "{per_10m}");
        assert!(!grows.verdict().0);
    }

    #[test]
    fn a_series_is_written_with_its_names() {
        let text = series(|_| 1.0).csv();
        let mut lines = text.lines();
        assert_eq!(lines.next().unwrap().split(',').count(), 8);
        assert_eq!(lines.next().unwrap(), "0.0,0,0,1.00,0.00,0,0.00,0.00");
        assert_eq!(text.lines().count(), 101);
    }
}

//! What is made of the values of a period.
//!
//! Percentiles are exact: the value of the sample at the nearest rank (the smallest value that is
//! not below that share of all samples). CloudWatch takes them from a histogram whose steps are
//! about a tenth.

use std::fmt;

/// A statistic, as CloudWatch names them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Statistic {
    /// How many samples there are.
    SampleCount,
    /// Their sum.
    #[default]
    Sum,
    /// Their mean.
    Average,
    /// The least.
    Minimum,
    /// The greatest.
    Maximum,
    /// `p99.9`: the value at this rank.
    Percentile(Edge),
    /// `TM(10%:90%)`, `tm90`, `WM(:95%)`, `TC(1:5)`, `PR(:300)`: of the values within bounds.
    Within(Measure, Bounds),
    /// `IQM`: the mean of the middle half.
    InterquartileMean,
}

/// What is made of the values within bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Measure {
    /// `tm`, `TM`: their mean, without those outside.
    TrimmedMean,
    /// `wm`, `WM`: the mean of all, with those outside moved to the nearest within.
    WinsorizedMean,
    /// `tc`, `TC`: how many there are.
    TrimmedCount,
    /// `ts`, `TS`: their sum.
    TrimmedSum,
    /// `PR`: how many they are of a hundred.
    PercentileRank,
}

impl Measure {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] = [
        Self::TrimmedMean,
        Self::WinsorizedMean,
        Self::TrimmedCount,
        Self::TrimmedSum,
        Self::PercentileRank,
    ];

    /// Its two letters before parentheses.
    pub const fn word(self) -> &'static str {
        match self {
            Self::TrimmedMean => "TM",
            Self::WinsorizedMean => "WM",
            Self::TrimmedCount => "TC",
            Self::TrimmedSum => "TS",
            Self::PercentileRank => "PR",
        }
    }
}

/// A bound, or a rank: its number times 10^10, so that it is exact, has an order and can be a key.
/// CloudWatch takes as many digits behind the point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edge(pub i64);

/// How many parts an [`Edge`] has.
const PARTS: f64 = 1e10;

impl Edge {
    /// Its number.
    pub fn number(self) -> f64 {
        self.0 as f64 / PARTS
    }

    fn read(text: &str) -> Option<Self> {
        let is_plain =
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let number: f64 = text.parse().ok().filter(|_| is_plain && text.len() <= 20)?;
        (number <= 900_000_000.0).then(|| Self((number * PARTS).round() as i64))
    }

    fn percent(text: &str) -> Option<Self> {
        Self::read(text).filter(|edge| edge.number() <= 100.0)
    }
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number())
    }
}

/// The bounds of values: by share of all samples, or by value. A lower bound itself is outside,
/// an upper one within.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bounds {
    /// Shares in percent, from `.0` to `.1`.
    Percent(Edge, Edge),
    /// Values; a side that is `None` is open.
    Values(Option<Edge>, Option<Edge>),
}

/// The whole of it, in percent.
const WHOLE: Edge = Edge(1_000_000_000_000);

impl Statistic {
    /// Reads `Sum`, `p99.9`, `tm90`, `TM(10%:90%)`, `PR(:300)`, `IQM` and the like.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let plain = match text {
            "SampleCount" => Some(Self::SampleCount),
            "Sum" => Some(Self::Sum),
            "Average" => Some(Self::Average),
            "Minimum" => Some(Self::Minimum),
            "Maximum" => Some(Self::Maximum),
            "IQM" => Some(Self::InterquartileMean),
            _ => None,
        };
        let read = || plain.or_else(|| Self::short(text)).or_else(|| Self::bounded(text));
        read().ok_or_else(|| {
            format!(
                "`{text}` is no statistic; write one of Sum, SampleCount, Average, Minimum, \
                 Maximum, p99, tm90, TM(10%:90%), WM(..), TC(..), TS(..), PR(:300), IQM"
            )
        })
    }

    /// Whether it needs each value, not only their count, sum, least and greatest.
    pub const fn needs_values(self) -> bool {
        matches!(self, Self::Percentile(_) | Self::Within(..) | Self::InterquartileMean)
    }

    /// How many samples a percentile needs to say something, by CloudWatch's rule: 10 in the
    /// smaller part. 0 for other statistics.
    pub fn samples_needed(self) -> u64 {
        let Self::Percentile(rank) = self else { return 0 };
        let share = rank.number() / 100.0;
        let part = if share >= 0.5 { 1.0 - share } else { share };
        if part <= 0.0 { 0 } else { (10.0 / part - 1e-9).ceil() as u64 }
    }

    /// Its value for samples in ascending order, each with how often it was there; `None` if there
    /// is none, or a mean of nothing.
    pub fn of(self, samples: &[(f64, u64)]) -> Option<f64> {
        let count: u64 = samples.iter().map(|(_, times)| times).sum();
        let (first, last) = (samples.first()?, samples.last()?);
        let sum = |samples: &[(f64, u64)]| -> f64 {
            samples.iter().map(|(value, times)| value * *times as f64).sum()
        };
        match self {
            Self::SampleCount => Some(count as f64),
            Self::Sum => Some(sum(samples)),
            Self::Average => Some(sum(samples) / count as f64),
            Self::Minimum => Some(first.0),
            Self::Maximum => Some(last.0),
            Self::Percentile(rank) => Some(at_rank(samples, upper_rank(rank, count).max(1))),
            Self::Within(measure, bounds) => within(measure, bounds, samples, count),
            Self::InterquartileMean => {
                let middle = Bounds::Percent(Edge(WHOLE.0 / 4), Edge(WHOLE.0 / 4 * 3));
                within(Measure::TrimmedMean, middle, samples, count)
            }
        }
    }

    /// `p99`, `tm90`, `wm95.5`, `tc90`, `ts90`.
    fn short(text: &str) -> Option<Self> {
        if let Some(rank) = text.strip_prefix('p') {
            return Edge::percent(rank).map(Self::Percentile);
        }
        let (word, upper) = text.split_at_checked(2)?;
        let lower_case = |one: &Measure| one.word().to_ascii_lowercase() == word;
        let measure = Measure::ALL.into_iter().find(lower_case)?;
        let upper = Edge::percent(upper)?;
        (measure != Measure::PercentileRank)
            .then_some(Self::Within(measure, Bounds::Percent(Edge(0), upper)))
    }

    /// `TM(10%:90%)`, `TC(1.5:)`, `PR(:300)`.
    fn bounded(text: &str) -> Option<Self> {
        let (word, rest) = text.split_once('(')?;
        let (lower, upper) = rest.strip_suffix(')')?.split_once(':')?;
        let measure = Measure::ALL.into_iter().find(|one| one.word() == word)?;
        let is_percent = lower.ends_with('%') || upper.ends_with('%');
        if lower.is_empty() && upper.is_empty() {
            return None;
        }
        let bounds = if is_percent {
            let side = |text: &str, open| match text {
                "" => Some(open),
                _ => Edge::percent(text.strip_suffix('%')?),
            };
            let (lower, upper) = (side(lower, Edge(0))?, side(upper, WHOLE)?);
            // A rank is asked of values, and a share of shares is itself.
            if lower >= upper || measure == Measure::PercentileRank {
                return None;
            }
            Bounds::Percent(lower, upper)
        } else {
            let side = |text: &str| match text {
                "" => Some(None),
                _ => Edge::read(text).map(Some),
            };
            let (lower, upper) = (side(lower)?, side(upper)?);
            if lower.zip(upper).is_some_and(|(lower, upper)| lower >= upper) {
                return None;
            }
            Bounds::Values(lower, upper)
        };
        Some(Self::Within(measure, bounds))
    }
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |edge: &Option<Edge>| edge.map_or_else(String::new, |edge| edge.to_string());
        match self {
            Self::SampleCount => f.write_str("SampleCount"),
            Self::Sum => f.write_str("Sum"),
            Self::Average => f.write_str("Average"),
            Self::Minimum => f.write_str("Minimum"),
            Self::Maximum => f.write_str("Maximum"),
            Self::InterquartileMean => f.write_str("IQM"),
            Self::Percentile(rank) => write!(f, "p{rank}"),
            Self::Within(measure, Bounds::Percent(Edge(0), upper))
                if *measure != Measure::PercentileRank && *upper != WHOLE =>
            {
                write!(f, "{}{upper}", measure.word().to_ascii_lowercase())
            }
            Self::Within(measure, Bounds::Percent(lower, upper)) => {
                write!(f, "{}({lower}%:{upper}%)", measure.word())
            }
            Self::Within(measure, Bounds::Values(lower, upper)) => {
                write!(f, "{}({}:{})", measure.word(), side(lower), side(upper))
            }
        }
    }
}

/// The rank up to which samples belong to a share, from 1; 0 is before all.
fn upper_rank(share: Edge, count: u64) -> u64 {
    let parts = u128::from(count) * share.0.unsigned_abs() as u128;
    u64::try_from(parts.div_ceil(WHOLE.0 as u128)).unwrap_or(count).min(count)
}

fn lower_rank(share: Edge, count: u64) -> u64 {
    let parts = u128::from(count) * share.0.unsigned_abs() as u128;
    u64::try_from(parts / WHOLE.0 as u128).unwrap_or(count).min(count)
}

/// The sample with this number, from 1.
fn at_rank(samples: &[(f64, u64)], rank: u64) -> f64 {
    let mut seen = 0;
    for (value, times) in samples {
        seen += times;
        if seen >= rank {
            return *value;
        }
    }
    samples.last().map_or(0.0, |(value, _)| *value)
}

fn within(measure: Measure, bounds: Bounds, samples: &[(f64, u64)], count: u64) -> Option<f64> {
    // Ranks (lower, upper]: after the one, up to the other.
    let (lower, upper) = match bounds {
        Bounds::Percent(lower, upper) => (lower_rank(lower, count), upper_rank(upper, count)),
        Bounds::Values(lower, upper) => {
            let up_to = |edge: Edge| -> u64 {
                let inside = samples.iter().take_while(|(value, _)| *value <= edge.number());
                inside.map(|(_, times)| times).sum()
            };
            (lower.map_or(0, up_to), upper.map_or(count, up_to))
        }
    };
    let inside = upper.saturating_sub(lower);
    let mut sum = 0.0;
    let mut seen = 0;
    for (value, times) in samples {
        let (from, to) = (seen, seen + times);
        seen = to;
        sum += value * to.min(upper).saturating_sub(from.max(lower)) as f64;
    }
    match measure {
        Measure::TrimmedCount => Some(inside as f64),
        Measure::TrimmedSum => Some(sum),
        Measure::PercentileRank => Some(inside as f64 / count as f64 * 100.0),
        _ if inside == 0 => None,
        Measure::TrimmedMean => Some(sum / inside as f64),
        Measure::WinsorizedMean => {
            let moved = at_rank(samples, lower + 1) * lower as f64
                + at_rank(samples, upper) * (count - upper) as f64;
            Some((sum + moved) / count as f64)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_the_same_way() {
        let same = "Sum SampleCount Average Minimum Maximum p0 p50 p99.9 p99.99 p100 tm90 wm95.5 \
                    tc90 ts99 TM(10%:90%) WM(25%:100%) TC(0.005:0.03) TS(80%:100%) PR(:300) \
                    PR(100:2000) TC(150:) IQM";
        for text in same.split_whitespace() {
            let read = Statistic::parse(text).unwrap();
            assert_eq!(read.to_string(), text);
            assert_eq!(Statistic::parse(&read.to_string()), Ok(read));
        }
        assert_eq!(Statistic::parse("TM(:90%)"), Statistic::parse("tm90"));
        assert_eq!(Statistic::parse("TM(80%:)"), Statistic::parse("TM(80%:100%)"));
    }

    #[test]
    fn what_is_none_is_refused() {
        let wrong = "sum p p101 p-1 pNaN p1e1 tm tm101 pr90 PR(1%:2%) TM(:) TM(90%:10%) TM(5:5) \
                     TM(10%:90) XX(1:2) TM(1:2 TM1:2) p99.99.99 p0x10 \u{e9}90 tm\u{ff11}";
        for text in wrong.split_whitespace().chain(["", "p99999999999999999999999"]) {
            assert!(Statistic::parse(text).is_err(), "{text}");
        }
    }

    fn of(text: &str, values: &[f64]) -> Option<f64> {
        let mut sorted: Vec<(f64, u64)> = values.iter().map(|value| (*value, 1)).collect();
        sorted.sort_by(|one, other| one.0.total_cmp(&other.0));
        Statistic::parse(text).unwrap().of(&sorted)
    }

    #[test]
    fn statistics_of_ten_values() {
        let ten = [10.0, 1.0, 2.0, 9.0, 3.0, 8.0, 4.0, 7.0, 5.0, 6.0];
        let cases = [
            ("SampleCount", 10.0),
            ("Sum", 55.0),
            ("Average", 5.5),
            ("Minimum", 1.0),
            ("Maximum", 10.0),
            ("p0", 1.0),
            ("p10", 1.0),
            ("p11", 2.0),
            ("p50", 5.0),
            ("p90", 9.0),
            ("p99", 10.0),
            ("p100", 10.0),
            ("tm90", 5.0),
            ("TM(10%:90%)", 5.5),
            ("TM(2:5)", 4.0),
            ("TC(2:5)", 3.0),
            ("TC(80%:)", 2.0),
            ("TS(80%:)", 19.0),
            ("PR(:3)", 30.0),
            ("PR(3:5)", 20.0),
            ("wm90", 5.4),
            ("IQM", 5.5),
        ];
        for (text, value) in cases {
            assert_eq!(of(text, &ten), Some(value), "{text}");
        }
        assert_eq!(of("TM(100:200)", &ten), None, "the mean of nothing");
        assert_eq!(of("TC(100:200)", &ten), Some(0.0));
        assert_eq!(of("p99", &[]), None);
        assert_eq!(of("IQM", &[4.0]), Some(4.0));
    }

    #[test]
    fn a_percentile_needs_ten_samples_in_its_smaller_part() {
        let needed = |text| Statistic::parse(text).unwrap().samples_needed();
        assert_eq!(
            [needed("p90"), needed("p99"), needed("p50"), needed("p10")],
            [100, 1000, 20, 100]
        );
        assert_eq!([needed("Sum"), needed("p100"), needed("p0")], [0, 0, 0]);
    }
}

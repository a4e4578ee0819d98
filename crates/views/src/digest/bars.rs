//! Blocks by hours or days, and by services.

use monban_ledger::{DigestBlocks, QUARTER_MS};
use monban_model::Stamp;
use monban_model::limits::DIGEST_SERVICES_MAX;

/// A bar for each hour or day, of parts for services.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bars {
    /// Where each begins, and the end of the last.
    pub(super) marks: Vec<Stamp>,
    /// The services, the one with most first, and what is left together.
    pub(super) parts: Vec<Part>,
}

/// A service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Whose it is.
    pub(super) name: PartName,
    /// Its count in each bar.
    pub(super) counts: Vec<u64>,
}

/// Whose a part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PartName {
    /// A service's, or a jail's.
    Service(String),
    /// An operator's.
    ByHand,
    /// All others'.
    Others,
}

impl Bars {
    /// Bars between these marks, of blocks that are counted from `start`.
    pub(super) fn new(marks: Vec<Stamp>, blocks: &[DigestBlocks], start: Stamp) -> Self {
        let count = marks.len().saturating_sub(1);
        let mut parts: Vec<Part> = Vec::new();
        for row in blocks {
            let quarter = i64::try_from(row.quarter).unwrap_or(i64::MAX);
            let time = start.plus_ms(quarter.saturating_mul(QUARTER_MS));
            let bar = marks.partition_point(|mark| *mark <= time);
            let Some(bar) = bar.checked_sub(1).filter(|bar| *bar < count) else { continue };
            let name = match row.service.as_str() {
                "" => PartName::ByHand,
                service => PartName::Service(service.to_owned()),
            };
            let known = parts.iter().position(|part| part.name == name);
            let at = known.unwrap_or_else(|| {
                parts.push(Part { name, counts: vec![0; count] });
                parts.len() - 1
            });
            parts[at].counts[bar] += row.count;
        }
        parts.sort_by_key(|part| std::cmp::Reverse(part.total()));
        if parts.len() > DIGEST_SERVICES_MAX {
            let mut others = Part { name: PartName::Others, counts: vec![0; count] };
            for part in parts.drain(DIGEST_SERVICES_MAX - 1..) {
                others.counts.iter_mut().zip(part.counts).for_each(|(sum, count)| *sum += count);
            }
            parts.push(others);
        }
        Self { marks, parts }
    }

    /// How many bars there are.
    pub(super) fn len(&self) -> usize {
        self.marks.len().saturating_sub(1)
    }

    /// The height of each bar.
    pub(super) fn totals(&self) -> Vec<u64> {
        let total = |bar| self.parts.iter().map(|part| part.counts[bar]).sum();
        (0..self.len()).map(total).collect()
    }

    /// The highest bar, the first of several.
    pub(super) fn highest(&self) -> Option<(usize, u64)> {
        let all = self.totals().into_iter().enumerate().filter(|(_, total)| *total > 0);
        all.max_by_key(|(at, total)| (*total, std::cmp::Reverse(*at)))
    }

    /// What the top line of the picture stands for: the next of 1, 2 or 5 times a power of ten.
    pub(super) fn top(&self) -> u64 {
        let highest = self.highest().map_or(1, |(_, total)| total);
        let mut step = 1_u64;
        loop {
            for top in [step, step.saturating_mul(2), step.saturating_mul(5)] {
                if top >= highest {
                    return top;
                }
            }
            step = step.saturating_mul(10);
        }
    }
}

impl Part {
    /// All of it.
    pub(super) fn total(&self) -> u64 {
        self.counts.iter().sum()
    }
}

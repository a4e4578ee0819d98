//! What was found in one line, for all finders of it: most of their forms are the same.

use super::line::Line;
use super::scan::{Hit, Scan};
use super::starts::Starts;

/// The memory of one line.
#[derive(Clone, Default)]
pub struct LineMemo {
    starts: Starts,
    /// By the number of a form at a place, as bits: it was looked for.
    tried: u64,
    /// What was found of them.
    hits: Vec<(u8, Hit)>,
    /// Which years were looked for.
    decade_max: u16,
}

impl LineMemo {
    /// Forgets the line before.
    pub fn clear(&mut self) {
        self.starts.clear();
        self.hits.clear();
        self.tried = 0;
    }

    /// The leftmost place in the whole line where this form fits.
    pub fn search(&mut self, scan: Scan, line: Line, decade_max: u16) -> Option<Hit> {
        if self.decade_max != decade_max {
            self.decade_max = decade_max;
            self.hits.clear();
            self.tried = 0;
        }
        let bit = 1_u64 << (scan.number & 63);
        if self.tried & bit != 0 {
            let known = self.hits.iter().find(|(number, _)| *number == scan.number);
            return known.map(|(_, hit)| hit.clone());
        }
        self.tried |= bit;
        let hit = scan.search(line, 0, decade_max, &mut self.starts)?;
        self.hits.push((scan.number, hit.clone()));
        Some(hit)
    }
}

//! What was found in one line, for all finders of it: most of their forms are the same.

use std::sync::Arc;

use super::line::Line;
use super::scan::{Hit, Scan};
use super::starts::Starts;
use super::template::Expression;

/// What an expression found; `Err` if it went back and forth too much.
pub type Searched = Result<Option<Hit>, monban_pyre::Overrun>;

/// The memory of one line.
#[derive(Clone, Default)]
pub struct LineMemo {
    starts: Starts,
    /// By the number of a form at a place, as bits: it was looked for.
    tried: u64,
    /// What was found of them.
    hits: Vec<(u8, Hit)>,
    /// By the same number: it was looked for in vain.
    absent: u64,
    /// Expressions that fit, and where in the whole line.
    fitted: Vec<(Arc<Expression>, Hit)>,
    /// Which years were looked for.
    decade_max: u16,
}

impl LineMemo {
    /// Forgets the line before.
    pub fn clear(&mut self) {
        self.starts.clear();
        self.hits.clear();
        self.fitted.clear();
        (self.tried, self.absent) = (0, 0);
    }

    /// The leftmost place in the whole line where an expression fits.
    pub fn search_expression(
        &mut self,
        expression: &Arc<Expression>,
        line: Line,
        decade_max: u16,
    ) -> Searched {
        let known = self.fitted.iter().find(|(known, _)| known.is_alike(expression));
        if let Some((_, hit)) = known {
            return Ok(Some(hit.clone()));
        }
        let found = expression.search(line, 0, decade_max);
        if let Ok(Some(hit)) = &found {
            self.fitted.push((expression.clone(), hit.clone()));
        }
        found
    }

    /// Whether it is known that this form fits nowhere.
    #[inline]
    pub fn lacks(&self, scan: Scan, decade_max: u16) -> bool {
        self.absent >> (scan.number & 63) & 1 == 1 && self.decade_max == decade_max
    }

    /// The leftmost place in the whole line where this form fits.
    pub fn search(&mut self, scan: Scan, line: Line, decade_max: u16) -> Option<Hit> {
        if self.decade_max != decade_max {
            self.decade_max = decade_max;
            self.hits.clear();
            (self.tried, self.absent) = (0, 0);
        }
        let own = 1_u64 << (scan.number & 63);
        let scan = scan.alike_in(line);
        let bit = 1_u64 << (scan.number & 63);
        if self.tried & bit != 0 {
            self.absent |= if self.absent & bit != 0 { own } else { 0 };
            let known = self.hits.iter().find(|(number, _)| *number == scan.number);
            return known.map(|(_, hit)| hit.clone());
        }
        self.tried |= bit;
        self.absent |= bit | own;
        let hit = scan.search(line, 0, decade_max, &mut self.starts)?;
        self.absent &= !(bit | own);
        self.hits.push((scan.number, hit.clone()));
        Some(hit)
    }
}

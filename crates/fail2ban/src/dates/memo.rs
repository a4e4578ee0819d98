//! What was found in one line, for all finders of it: most of their forms are the same.

use std::sync::Arc;

use super::beginnings::refused_scans;
use super::line::Line;
use super::scan::{Hit, Scan};
use super::starts::Starts;
use super::template::Expression;
use super::usual::{Layout, Written};

/// What an expression found; `Err` if it went back and forth too much.
pub type Searched = Result<Option<Hit>, monban_pyre::Overrun>;

/// Dates as they are mostly written that were read in one line, or in a beginning of it.
#[derive(Clone, Default)]
pub struct Readings(Vec<Known>);

#[derive(Clone)]
struct Known {
    layout: Layout,
    at: usize,
    decade_max: u16,
    /// How long the line was, and the date.
    line: usize,
    length: usize,
    written: Written,
}

impl Readings {
    /// How long the date is that begins at this byte, and what it says.
    #[inline(always)]
    pub fn read(
        &mut self,
        layout: Layout,
        line: Line,
        at: usize,
        decade_max: u16,
    ) -> Option<(usize, Written)> {
        let whole = line.bytes().len();
        let is_same = |known: &&Known| {
            // What comes behind it makes no difference where the line ends with it.
            (known.layout, known.at, known.decade_max) == (layout, at, decade_max)
                && (known.line == whole || known.line > whole && at + known.length == whole)
        };
        if let Some(known) = self.0.iter().find(is_same) {
            return Some((known.length, known.written));
        }
        self.read_new(layout, line, at, decade_max)
    }

    #[inline(never)]
    fn read_new(
        &mut self,
        layout: Layout,
        line: Line,
        at: usize,
        decade_max: u16,
    ) -> Option<(usize, Written)> {
        let (length, written) = layout.read(line.bytes().get(at..)?, decade_max)?;
        self.0.push(Known { layout, at, decade_max, line: line.bytes().len(), length, written });
        Some((length, written))
    }
}

/// The memory of one line.
#[derive(Clone, Default)]
pub struct LineMemo {
    /// Whether the line is all ASCII.
    ascii: bool,
    starts: Starts,
    pub readings: Readings,
    /// By the number of a form at a place, as bits: it was looked for.
    tried: u64,
    /// What was found of them.
    hits: Vec<(u8, Hit)>,
    /// By the same number: it was looked for in vain.
    absent: u64,
    /// By the same number: the line does not begin as it would have to.
    refused: u64,
    /// Expressions that fit, and where in the whole line.
    fitted: Vec<(Arc<Expression>, Hit)>,
    /// Which years were looked for.
    decade_max: u16,
}

impl LineMemo {
    /// Forgets the line before.
    pub fn begin(&mut self, line: &str) {
        self.ascii = line.is_ascii();
        self.starts.clear();
        self.readings.0.clear();
        self.hits.clear();
        self.fitted.clear();
        (self.tried, self.absent) = (0, 0);
        self.refused = 0;
    }

    /// Takes in what the first bytes of the line tell, before anything is looked for that it may
    /// not have.
    pub fn look_at_begin(&mut self, line: &str) {
        self.refused = refused_scans(line);
    }

    /// The line of this memory; this is its text.
    pub fn line<'l>(&self, text: &'l str) -> Line<'l> {
        Line::known(text, self.ascii)
    }

    /// The default forms, by their numbers as bits, that fit nowhere as the line begins otherwise.
    pub fn refused(&self) -> u64 {
        self.refused
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
        let found = expression.search(line, 0, decade_max, &mut self.readings);
        if let Ok(Some(hit)) = &found {
            self.fitted.push((expression.clone(), hit.clone()));
        }
        found
    }

    /// Whether it is known that this form fits nowhere.
    #[inline]
    pub fn lacks(&self, scan: Scan, decade_max: u16) -> bool {
        let is_absent = self.absent & scan.bit() != 0 && self.decade_max == decade_max;
        is_absent || self.refused & scan.bit() != 0
    }

    /// The leftmost place in the whole line where this form fits.
    pub fn search(&mut self, scan: Scan, line: Line, decade_max: u16) -> Option<Hit> {
        if self.decade_max != decade_max {
            self.decade_max = decade_max;
            self.hits.clear();
            (self.tried, self.absent) = (0, 0);
        }
        let own = scan.bit();
        if self.refused & own != 0 {
            return None;
        }
        let scan = scan.alike_in(line);
        let bit = scan.bit();
        if self.tried & bit != 0 {
            self.absent |= if self.absent & bit != 0 { own } else { 0 };
            let known = self.hits.iter().find(|(number, _)| *number == scan.number);
            return known.map(|(_, hit)| hit.clone());
        }
        self.tried |= bit;
        self.absent |= bit | own;
        let hit = scan.search(line, 0, decade_max, (&mut self.starts, &mut self.readings))?;
        self.absent &= !(bit | own);
        self.hits.push((scan.number, hit.clone()));
        Some(hit)
    }
}

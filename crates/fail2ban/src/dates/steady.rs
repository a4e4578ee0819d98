//! Finders that see alike as long as one form goes on to stand at the beginning of the lines, or
//! the date of the only template where it is looked for first: the work of a line is done once for
//! all of them, and each makes up for it when it is asked again.

use super::finder::{DateFinder, Found, Last, within_years};
use super::line::Line;
use super::memo::{LineMemo, Readings};
use super::scan::Scan;
use super::template::{Template, read};
use super::usual::{Sight, Usual};
use super::value::{NoDate, Now};
use super::zone::Zone;

/// What such finders have in common.
pub struct Steady {
    /// The form, if it is one for all of them.
    scan: Option<Scan>,
    /// The dates that all of them find.
    usual: Option<Usual>,
    decade_max: u16,
    log_offset_min: Option<i64>,
    zone: Zone,
    /// Lines so far.
    lines: u64,
    /// When the last one was read.
    now_s: i64,
    /// Where the last date was.
    last: Option<Last>,
}

impl Steady {
    /// How many lines were read.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Finds the date of the next line; `None`, and nothing is changed, if the finders may differ.
    pub fn find(&mut self, line: &str, now_s: i64, memo: &mut LineMemo) -> Option<Found> {
        u32::try_from(line.len()).ok()?;
        let now_s = within_years(now_s);
        let line = memo.line(line);
        let mut now =
            Now { epoch_s: now_s, zone: &mut self.zone, log_offset_min: self.log_offset_min };
        let last = self.last.as_ref();
        let sight = |usual: Usual| at_once(usual, last, line, self.decade_max, &mut memo.readings);
        let (cut, full, moment) = match self.usual.and_then(sight) {
            Some(sight) => (sight.cut, sight.full, sight.written.read(&mut now)),
            None => {
                let hit = memo.search(self.scan?, line, self.decade_max)?;
                let cut = hit.cut.filter(|(from, to)| from < to)?;
                (cut, hit.full, read(line, &hit, &mut now))
            }
        };
        self.last = Some(Last::of(line, 0, full)?);
        self.lines += 1;
        self.now_s = now_s;
        Some(Found {
            cut,
            full,
            epoch: moment.ok(),
            stumbles: moment == Err(NoDate::Stumble),
            template: 0,
        })
    }
}

/// The date of a line that is tried first; `None` if it is not known whether it is there.
fn at_once(
    usual: Usual,
    last: Option<&Last>,
    line: Line,
    decade_max: u16,
    readings: &mut Readings,
) -> Option<Sight> {
    let as_before = last.filter(|last| usual.is_anywhere() && last.looks_same(line));
    let Some(last) = as_before else { return usual.find(line, 0, decade_max, readings) };
    let (from, end) = (line.byte_of(last.start), line.byte_of(last.end));
    usual.find(line.until(end), from, decade_max, readings)
}

impl DateFinder {
    /// Whether its last date was of a form at the beginning of the line, which is tried first and
    /// ends the search, or of its only template.
    pub(crate) fn is_steady(&self) -> bool {
        let is_steady = |last: &Template| last.anchored_scan().is_some() || self.usual().is_some();
        self.last_template().is_some_and(is_steady)
    }

    /// The dates that its last template mostly finds, where no other template is asked.
    fn usual(&self) -> Option<Usual> {
        let last = self.last_template().filter(|last| last.anchored || self.templates.len() == 1);
        last.and_then(Template::usual)
    }

    /// What this finder has in common with others, if it is steady.
    pub(crate) fn steady(&self) -> Option<Steady> {
        let last = self.last_template()?;
        let (scan, usual) = (last.anchored_scan(), self.usual());
        self.is_steady().then(|| Steady {
            scan,
            usual,
            decade_max: self.decade_max,
            log_offset_min: self.log_offset_min,
            zone: self.zone.clone(),
            lines: 0,
            now_s: 0,
            last: self.last.clone(),
        })
    }

    /// Whether this finder goes on alike, before any line. If it does so for the usual dates only,
    /// those are all that is found from now on.
    pub(crate) fn goes_on_as(&self, steady: &mut Steady) -> bool {
        let Some(last) = self.last_template() else { return false };
        let number = |scan: Option<Scan>| scan.map(|scan| scan.number);
        let same_scan = number(last.anchored_scan()) == number(steady.scan);
        // Where it may stand anywhere, it is looked for where it was.
        let same_dates = self.usual() == steady.usual
            && (self.last == steady.last || !steady.usual.is_some_and(Usual::is_anywhere));
        let is_alike = same_dates
            && (same_scan || steady.usual.is_some())
            && (self.decade_max, self.log_offset_min) == (steady.decade_max, steady.log_offset_min)
            && self.zone.is_alike(&steady.zone);
        if is_alike && !same_scan {
            steady.scan = None;
        }
        is_alike
    }

    /// Makes up for the lines that were read for it.
    pub(crate) fn catch_up(&mut self, steady: &Steady, lines: u64) {
        let (Some(last), Some(own)) = (&steady.last, &mut self.last) else { return };
        if lines == 0 {
            return;
        }
        let place = own.place;
        *own = Last { place, ..last.clone() };
        let (start, number) = (own.start, self.order.slots().get(place).map(|slot| slot.template));
        self.order.won_often(place, lines, steady.now_s, start);
        if let Some(template) = number.and_then(|number| self.templates.get_mut(number)) {
            template.fits += lines;
        }
        self.zone = steady.zone.clone();
    }
}

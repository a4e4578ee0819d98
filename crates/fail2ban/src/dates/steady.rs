//! Finders that see alike as long as one form goes on to stand at the beginning of the lines: the
//! work of a line is done once for all of them, and each makes up for it when it is asked again.

use super::finder::{DateFinder, Found, Last, within_years};
use super::memo::LineMemo;
use super::scan::Scan;
use super::template::read;
use super::usual::Usual;
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
    /// When the last one was read, and its date.
    now_s: i64,
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
        let usual =
            self.usual.and_then(|usual| usual.find(line, 0, self.decade_max, &mut memo.readings));
        let hit = match usual {
            Some(hit) => hit,
            None => memo.search(self.scan?, line, self.decade_max)?,
        };
        let cut = hit.cut.filter(|(from, to)| from < to)?;
        self.last = Some(Last::of(line, 0, &hit)?);
        self.lines += 1;
        self.now_s = now_s;
        let mut now =
            Now { epoch_s: now_s, zone: &mut self.zone, log_offset_min: self.log_offset_min };
        let moment = read(line, &hit, &mut now);
        Some(Found {
            cut,
            full: hit.full,
            epoch: moment.ok(),
            stumbles: moment == Err(NoDate::Stumble),
            template: 0,
        })
    }
}

impl DateFinder {
    /// Whether its last date was of a form at the beginning of the line, which is tried first and
    /// ends the search.
    pub(crate) fn is_steady(&self) -> bool {
        self.last_template()
            .is_some_and(|last| last.anchored_scan().is_some() || last.usual().is_some())
    }

    /// What this finder has in common with others, if its last date was of a form at the beginning
    /// of the line.
    pub(crate) fn steady(&self) -> Option<Steady> {
        let last = self.last_template()?;
        let (scan, usual) = (last.anchored_scan(), last.usual());
        self.is_steady().then(|| Steady {
            scan,
            usual,
            decade_max: self.decade_max,
            log_offset_min: self.log_offset_min,
            zone: self.zone.clone(),
            lines: 0,
            now_s: 0,
            last: None,
        })
    }

    /// Whether this finder goes on alike, before any line. If it does so for the usual dates only,
    /// those are all that is found from now on.
    pub(crate) fn goes_on_as(&self, steady: &mut Steady) -> bool {
        let Some(last) = self.last_template() else { return false };
        let number = |scan: Option<Scan>| scan.map(|scan| scan.number);
        let same_scan = number(last.anchored_scan()) == number(steady.scan);
        let same_dates = last.usual() == steady.usual;
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

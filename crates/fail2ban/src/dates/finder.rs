//! The search for the date of a line, with its history.

use std::fmt;
use std::sync::Arc;

use super::beginnings::Beginning;
use super::characters::is_alphanumeric;
use super::civil::{DAY_S, FIRST_S, LAST_S, date_of};
use super::custom;
use super::glance::Glance;
use super::line::Line;
use super::memo::LineMemo;
use super::order::{Order, Slot};
use super::scan::{Hit, Scan, Value};
use super::template::{Template, read};
use super::value::{NoDate, Now, zone_offset};
use super::zone::Zone;

/// Finds the dates of one filter's lines.
#[derive(Clone)]
pub struct DateFinder {
    pub(super) templates: Vec<Template>,
    pub(super) order: Order,
    pub(super) zone: Zone,
    pub(super) log_offset_min: Option<i64>,
    pub(super) decade_max: u16,
    pub(super) last: Option<Last>,
    /// What a line with a date begins with; made for the first line.
    beginning: Option<Arc<Beginning>>,
    /// Kept for its room.
    memo: LineMemo,
}

/// Where the date of the last line was that had one.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Last {
    /// Its template's place in the order.
    pub place: usize,
    /// Characters before the date, and before its end.
    pub start: usize,
    pub end: usize,
    /// The character before the date, its first, its last and the one behind it.
    pub before: Option<char>,
    pub first: Option<char>,
    pub last: Option<char>,
    pub behind: Option<char>,
}

/// What was found in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The bytes of the line that are cut out of it. If it is empty, the pattern accepts lines
    /// without a date: `epoch` is `None`, and the time is that of the line before or now.
    pub cut: (usize, usize),
    /// The bytes that the template took as a whole; what is outside of `cut` stays.
    pub full: (usize, usize),
    /// Seconds since 1970, without their fraction. `None` if what was found is no date.
    pub epoch: Option<i64>,
    /// fail2ban stumbles over this date (a zone that it does not know, a year beyond 9999) and
    /// drops the line, instead of taking it as one without a date.
    pub stumbles: bool,
    /// The number of the template: its place in the list before any hit.
    pub template: usize,
}

/// A template and how often it won.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateInfo<'a> {
    /// Its name in fail2ban's messages.
    pub name: &'a str,
    /// How many lines had their date from it.
    pub hits: u64,
    /// Its number, as in `Found`.
    pub template: usize,
}

/// Why a `datepattern` or `logtimezone` cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What is wrong, with the pattern.
    pub message: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl DateFinder {
    /// The finder of a filter with this `datepattern` (several patterns stand one on a line).
    /// `real_now_s` is the time of the machine, in seconds since 1970, whatever the filter takes
    /// as now: `%ExY` accepts the years from 2000 to the end of its decade, or of the one in
    /// three years. `zone` is for dates without one, unless the filter has a `log_timezone`:
    /// letters such as `CET`, an offset such as `+02:00`, or both.
    pub fn new(
        datepattern: Option<&str>,
        real_now_s: i64,
        zone: Zone,
        log_timezone: Option<&str>,
    ) -> Result<Self, Error> {
        let mut zone = zone;
        let real_now_s = within_years(real_now_s);
        let (year, _, _) = date_of(zone.local(real_now_s).div_euclid(DAY_S));
        let decade_max = u16::try_from((year + 3).clamp(2003, 9999) / 10).unwrap_or(999);
        let log_offset_min = match log_timezone {
            Some(text) => Some(zone_offset(text).map_err(|_| Error {
                message: format!("logtimezone: `{text}` is no zone that fail2ban knows"),
            })?),
            None => None,
        };
        let templates: Vec<Template> = match datepattern {
            None => Scan::all().map(Template::of_scan).collect(),
            Some(pattern) => {
                custom::templates(pattern, decade_max).map_err(|message| Error { message })?
            }
        };
        let slots = templates.iter().enumerate();
        let slots = slots.map(|(number, template)| Slot::unused(number, template.weight)).collect();
        Ok(Self {
            templates,
            order: Order::new(slots),
            zone,
            log_offset_min,
            decade_max,
            last: None,
            beginning: None,
            memo: LineMemo::default(),
        })
    }

    /// The templates in the order in which the next line tries them.
    pub fn templates(&self) -> impl Iterator<Item = TemplateInfo<'_>> {
        self.order.slots().iter().filter_map(|slot| {
            let name = self.templates.get(slot.template)?.name.as_str();
            Some(TemplateInfo { name, hits: slot.hits, template: slot.template })
        })
    }

    /// Whether this finder and another one find the same in every line from now on.
    pub(crate) fn is_alike(&self, other: &Self) -> bool {
        let templates = self.templates.iter().zip(&other.templates);
        self.templates.len() == other.templates.len()
            && templates.into_iter().all(|(one, other)| one.is_alike(other))
            && (&self.order, &self.last) == (&other.order, &other.last)
            && (self.decade_max, self.log_offset_min) == (other.decade_max, other.log_offset_min)
            && self.zone.is_alike(&other.zone)
    }

    /// The template of the last line that had a date.
    pub(super) fn last_template(&self) -> Option<&Template> {
        let place = self.last.as_ref()?.place;
        self.templates.get(self.order.slots().get(place)?.template)
    }

    /// How many searches were given up because an expression of the filter's `datepattern` went
    /// back and forth too much.
    pub fn overruns(&self) -> u64 {
        self.templates.iter().map(|template| template.overruns).sum()
    }

    /// Finds the date of the next line. `now_s`, seconds since 1970, is what a date without a
    /// year or day is read by, and by what templates that were not used for long are told.
    /// A line of 4 GiB or more has no date.
    pub fn find(&mut self, line: &str, now_s: i64) -> Option<Found> {
        let mut memo = std::mem::take(&mut self.memo);
        memo.begin(line);
        memo.look_at_begin(line);
        let found = self.find_with(line, now_s, &mut memo);
        self.memo = memo;
        found
    }

    /// The same for one of several finders of a line: the memo is for this line alone, and keeps
    /// what the others found.
    pub(crate) fn find_with(
        &mut self,
        line: &str,
        now_s: i64,
        memo: &mut LineMemo,
    ) -> Option<Found> {
        u32::try_from(line.len()).ok()?;
        if !self.beginning().admits(line, memo.refused()) {
            return None;
        }
        let now_s = within_years(now_s);
        let line = memo.line(line);
        let (place, hit) = self.winner(line, memo)?;
        let template = self.order.slots().get(place)?.template;
        // A group that took no part cuts nothing, before the last character.
        let last = || line.text().char_indices().next_back().map_or(0, |(at, _)| at);
        let cut = hit.cut.unwrap_or_else(|| (last(), last()));
        let full = hit.full;
        if !self.remember(line, place, &hit, now_s) {
            return Some(Found { cut, full, epoch: None, stumbles: true, template });
        }
        let mut now =
            Now { epoch_s: now_s, zone: &mut self.zone, log_offset_min: self.log_offset_min };
        let moment = match cut.0 == cut.1 && !matches!(hit.value, Value::NoGroup) {
            true => Err(NoDate::Impossible),
            false => read(line, &hit, &mut now),
        };
        Some(Found {
            cut,
            full,
            epoch: moment.ok(),
            stumbles: moment == Err(NoDate::Stumble),
            template,
        })
    }

    /// What a line with a date begins with.
    pub(crate) fn beginning(&mut self) -> &Beginning {
        self.beginning.get_or_insert_with(|| Arc::new(Beginning::of(&self.templates)))
    }

    /// Whether a glance tells that no template fits in the line.
    pub(crate) fn lacks(&self, text: &str, memo: &LineMemo) -> bool {
        let line = memo.line(text);
        // Those that share a glance stand one behind the other.
        let mut known: Option<(&Glance, bool)> = None;
        self.templates.iter().all(|template| {
            let Some(glance) = &template.glance else {
                return template.lacks(line, self.decade_max, memo);
            };
            let admits = match known {
                Some((known, admits)) if known.is_alike(glance) => admits,
                _ => glance.admits(text),
            };
            known = Some((glance, admits));
            !admits || template.lacks(line, self.decade_max, memo)
        })
    }

    /// The place in the order of the template that wins, and what it found.
    fn winner(&mut self, line: Line, memo: &mut LineMemo) -> Option<(usize, Hit)> {
        let mut spare: Option<(usize, Hit, usize)> = None;
        let mut tried = None;
        if let Some(last) = &self.last {
            let place = last.place;
            let (template, hit, whole) = self.search_as_before(line, memo)?;
            if whole {
                tried = Some(place);
            }
            if let Some(hit) = hit {
                let start = line.count_before(hit.full.0);
                let same = self.last.as_ref().is_some_and(|last| {
                    start == last.start && line.count_before(hit.full.1) == last.end
                });
                if self.templates.len() == 1 || self.templates[template].anchored || same {
                    return Some((place, hit));
                }
                spare = Some((place, hit, start));
            }
        }
        let count = self.order.slots().len();
        for place in (0..count).filter(|place| Some(*place) != tried) {
            let slot = self.order.slots()[place];
            let template = &mut self.templates[slot.template];
            if template.is_absent(self.decade_max, memo) {
                continue;
            }
            let Some(hit) = template.search(line, self.decade_max, memo) else { continue };
            if place + 1 >= count || template.anchored {
                return Some((place, hit));
            }
            let start = line.count_before(hit.full.0);
            let next = self.order.slots()[place + 1].template;
            if start == 0 && slot.hits > 0 && self.templates[next].fits == 0 {
                return Some((place, hit));
            }
            // Further right than before: this may be text of a stranger. Look for a better one.
            let last_start = self.last.as_ref().map_or(1, |last| last.start);
            if start > slot.distance || start > last_start {
                if spare.as_ref().is_none_or(|(_, _, best)| start < *best) {
                    spare = Some((place, hit, start));
                }
                continue;
            }
            return Some((place, hit));
        }
        spare.map(|(place, hit, _)| (place, hit))
    }

    /// Tries the template of the last line: within the same part of the line if what surrounds
    /// it looks the same, else in all of it (then the third is true).
    fn search_as_before(
        &mut self,
        line: Line,
        memo: &mut LineMemo,
    ) -> Option<(usize, Option<Hit>, bool)> {
        let last = self.last.as_ref()?;
        let number = self.order.slots().get(last.place)?.template;
        let template = self.templates.get_mut(number)?;
        if template.anchored || !last.looks_same(line) {
            let hit = template.search(line, self.decade_max, memo);
            return Some((number, hit, true));
        }
        let (from, end) = (line.byte_of(last.start), line.byte_of(last.end));
        let hit = template.search_part(line.until(end), from, self.decade_max, &mut memo.readings);
        Some((number, hit, false))
    }

    /// False if nothing begins where the date does, as in an empty line: fail2ban stumbles.
    fn remember(&mut self, line: Line, place: usize, hit: &Hit, now_s: i64) -> bool {
        self.order.won(place, now_s, line.count_before(hit.full.0));
        let Some(mut found) = Last::of(line, place, hit.full) else { return false };
        if self.last.as_ref().is_none_or(|last| last.place != place) {
            found.place = self.order.bubble_up(place);
        }
        self.last = Some(found);
        true
    }
}

/// A clock that is set to no year between 2 and 9998 is taken as the nearest.
pub(super) fn within_years(now_s: i64) -> i64 {
    now_s.clamp(FIRST_S + 366 * DAY_S, LAST_S - 366 * DAY_S)
}

impl Last {
    /// Where a date is; `None` if nothing begins there.
    #[inline(always)]
    pub(super) fn of(line: Line, place: usize, full: (usize, usize)) -> Option<Self> {
        let start = line.count_before(full.0);
        let end = line.count_before(full.1);
        let first = Some(line.nth(start)?);
        Some(Self {
            place,
            start,
            end,
            before: start.checked_sub(1).and_then(|index| line.nth(index)),
            first,
            last: match end.checked_sub(1) {
                Some(index) => line.nth(index),
                None => line.text().chars().next_back(),
            },
            behind: line.nth(end),
        })
    }

    /// Whether the bounds of the date are as in the last line: outside the same character, or
    /// inside the same one if it is a bracket or the like.
    pub(super) fn looks_same(&self, line: Line) -> bool {
        let sign = |character: Option<char>| character.is_none_or(|c| !is_alphanumeric(c));
        let before = self.start.checked_sub(1).and_then(|index| line.nth(index));
        let last = self.end.checked_sub(1).and_then(|index| line.nth(index));
        (before == self.before || (line.nth(self.start) == self.first && sign(self.first)))
            && (line.nth(self.end) == self.behind || (last == self.last && sign(self.last)))
    }
}

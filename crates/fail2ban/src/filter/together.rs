//! Filters that read the same lines: the date of a line is found once for all that see dates
//! alike, and one pass over the line tells which of them it concerns at all.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::{Rc, Weak};

use monban_pyre::Opening;

use super::buffer::Cut;
use super::dated::{Dating, Leader, Seen, changes};
use super::idle::Idle;
use super::search::Shape;
use super::sieve::Sieve;
use super::{Filter, Odd, Reading, When};
use crate::dates::{Beginnings, LineMemo, bits};

/// Filters that read the same lines from now on, numbered from 0.
pub struct Together {
    sieve: Sieve,
    members: Vec<Member>,
    groups: Vec<Group>,
    /// What sees the lines for those groups that are led.
    leads: Vec<Lead>,
    /// The groups that see lines alone.
    awake: Vec<usize>,
    /// What those see that are asleep.
    blank: Seen,
    /// Those of the first 64 that are asleep, as bits, and how lines begin that wake them.
    asleep: u64,
    beginnings: Beginnings,
    /// The next line wakes them, whatever it begins with.
    all_wake: bool,
    /// The members by expression.
    owners: Vec<u32>,
    /// Members whom a line may concern without any text in it.
    ever: Vec<Ever>,
    /// Those whom the last line concerns.
    called: Vec<usize>,
    /// By member: the last line for which it was called.
    calls: Vec<u64>,
    line: u64,
    memo: LineMemo,
    /// Where dates are cut out of the last line; kept for its room.
    cuts: Vec<(usize, usize)>,
    /// The count of changes for which all this holds.
    changes: u64,
}

struct Member {
    group: usize,
    expressions: Range<usize>,
    shape: Shape,
}

/// A member whom a line may concern without any text in it.
struct Ever {
    number: usize,
    group: usize,
    expressions: Range<usize>,
    /// What that line begins with behind its date, each way; unknown if there is none.
    openings: Vec<Opening>,
    /// Where lines are kept for it.
    idle: Option<Rc<RefCell<Idle>>>,
}

/// Members that see dates alike.
struct Group {
    /// The filters own it, so that it is known which of them share it.
    dating: Weak<RefCell<Dating>>,
    /// Changes when a filter ceases to share it.
    parted: u32,
    way: Way,
    /// What it sees alone.
    seen: Seen,
}

/// How a group sees lines.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Alone,
    /// It saw no date yet, and only lines that begin in a certain way may have one.
    Asleep,
    /// By the leader with this number.
    Led(usize),
}

struct Lead {
    leader: Rc<RefCell<Leader>>,
    seen: Seen,
    /// It saw the last line.
    sees: bool,
}

/// A filter has read other lines meanwhile: they have to be put together again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parted;

impl Together {
    /// For these filters, each with the number of its kin: those of one kin are going to read the
    /// same lines here and elsewhere, and share the search for dates where they see them alike,
    /// until one of them reads a line of its own after all.
    pub fn new(filters: &mut [(&mut Filter, usize)]) -> Self {
        let groups = grouped(filters);
        let shared = filters.iter().map(|(filter, _)| {
            let is_of = |group: &Group| group.dating.as_ptr() == Rc::as_ptr(&filter.dating);
            groups.iter().position(is_of).unwrap_or_default()
        });
        let (mut members, mut owners) = (Vec::new(), Vec::new());
        for (number, ((filter, _), group)) in (0..).zip(filters.iter().zip(shared)) {
            let begin = owners.len();
            owners.resize(begin + filter.expressions().count(), number);
            let expressions = begin..owners.len();
            members.push(Member { group, expressions, shape: filter.shape() });
        }
        let beginnings = beginnings(&groups);
        let expressions = filters.iter().flat_map(|(filter, _)| filter.expressions());
        let sieve = Sieve::with(expressions, beginnings.needed());
        let ever = members.iter().zip(filters.iter()).enumerate();
        let ever = ever.filter_map(|(number, (member, (filter, _)))| {
            let may = &sieve.may()[member.expressions.clone()];
            if !member.shape.several && !member.shape.may_change(may) {
                return None;
            }
            let openings = if member.shape.several { None } else { filter.openings() };
            let openings = openings.unwrap_or_default();
            let (group, expressions) = (member.group, member.expressions.clone());
            Some(Ever { number, group, expressions, openings, idle: filter.idle.clone() })
        });
        let ever = ever.collect();
        let calls = vec![0; members.len()];
        Self {
            sieve,
            members,
            groups,
            leads: Vec::new(),
            awake: Vec::new(),
            blank: Seen::default(),
            asleep: 0,
            beginnings,
            all_wake: true,
            owners,
            ever,
            called: Vec::new(),
            calls,
            line: 0,
            memo: LineMemo::default(),
            cuts: Vec::new(),
            changes: changes().wrapping_sub(1),
        }
    }

    /// Looks at the next line; `live` if it was written just now. Every filter that is called
    /// then has to read it.
    ///
    /// # Errors
    /// A filter has read other lines meanwhile; nothing is done.
    pub fn look(&mut self, line: &str, now: i64, live: bool) -> Result<(), Parted> {
        if self.changes != changes() {
            self.take_changes()?;
        }
        self.memo.begin(line);
        self.sieve.look(line.as_bytes());
        self.see(line, now, live);
        self.look_at_joints(line);
        self.call(line, live);
        Ok(())
    }

    /// Something has changed that groups share with others.
    fn take_changes(&mut self) -> Result<(), Parted> {
        let is_whole = |group: &Group| {
            group.dating.upgrade().is_some_and(|dating| dating.borrow().parted == group.parted)
        };
        if !self.groups.iter().all(is_whole) {
            return Err(Parted);
        }
        self.all_wake = true;
        for group in self.groups.iter_mut().filter(|group| !matches!(group.way, Way::Led(_))) {
            group.way = Way::Alone;
        }
        self.changes = changes();
        Ok(())
    }

    /// Sees the date of the line, for every group.
    fn see(&mut self, line: &str, now: i64, live: bool) {
        self.blank = Seen::blank(now, live);
        for lead in &mut self.leads {
            let mut leader = lead.leader.borrow_mut();
            lead.sees = !leader.left && leader.see(line, now, live, &mut self.memo, &mut lead.seen);
            if !lead.sees {
                lead.seen = Seen::default();
            }
        }
        if self.leads.iter().any(|lead| !lead.sees) {
            for group in &mut self.groups {
                if matches!(group.way, Way::Led(lead) if !self.leads[lead].sees) {
                    group.way = Way::Alone;
                }
            }
            self.all_wake = true;
        }
        let mut awake = std::mem::take(&mut self.awake);
        if std::mem::take(&mut self.all_wake) {
            let is_led = |number: &usize| matches!(self.groups[*number].way, Way::Led(_));
            awake.clear();
            awake.extend((0..self.groups.len()).filter(|number| !is_led(number)));
            self.asleep = 0;
        }
        if awake.is_empty() && self.asleep == 0 {
            self.awake = awake;
            return;
        }
        self.memo.look_at_begin(line);
        let blank = awake.iter().fold(self.asleep, |bits, number| bits | bit_of(*number));
        let has_needed = &self.sieve.may()[self.owners.len()..];
        let admitted = self.beginnings.admitted(blank, line, self.memo.refused(), has_needed);
        awake.extend(bits(self.asleep & admitted));
        self.asleep &= !admitted;
        awake.retain(|number| {
            self.see_alone(*number, admitted, line, (now, live));
            self.groups[*number].way == Way::Alone
        });
        self.awake = awake;
    }

    /// Has a group see the date of the line that is not led; it may fall asleep, or be led from now
    /// on.
    fn see_alone(&mut self, number: usize, admitted: u64, line: &str, (now, live): (i64, bool)) {
        let group = &mut self.groups[number];
        let Some(dating) = group.dating.upgrade() else { return };
        let mut dating = dating.borrow_mut();
        group.way = Way::Alone;
        if dating.is_blank() {
            let bit = bit_of(number);
            if bit & !admitted != 0 {
                group.way = Way::Asleep;
                self.asleep |= bit;
                return;
            }
            if dating.lacks(line, &self.memo) {
                group.seen = self.blank;
                return;
            }
        }
        group.seen = dating.see(line, now, live, &mut self.memo);
        if group.seen.cut.is_some()
            && dating.may_be_led()
            && let Some(lead) = lead_for(&mut self.leads, &mut dating)
        {
            self.leads[lead].seen = group.seen;
            group.way = Way::Led(lead);
        }
    }

    fn seen(&self, group: usize) -> Option<&Seen> {
        let group = self.groups.get(group)?;
        match group.way {
            Way::Alone => Some(&group.seen),
            Way::Asleep => Some(&self.blank),
            Way::Led(lead) => self.leads.get(lead).map(|lead| &lead.seen),
        }
    }

    /// What was seen of the last line, each way at least once.
    fn each_seen(&self) -> impl Iterator<Item = &Seen> {
        let alone = self.awake.iter().map(|number| &self.groups[*number].seen);
        self.leads.iter().map(|lead| &lead.seen).chain(alone)
    }

    /// Where a date is cut out, texts come together that stood apart.
    fn look_at_joints(&mut self, line: &str) {
        self.cuts.clear();
        for lead in &self.leads {
            joint(&mut self.sieve, line, lead.seen.cut, &mut self.cuts);
        }
        for number in &self.awake {
            joint(&mut self.sieve, line, self.groups[*number].seen.cut, &mut self.cuts);
        }
    }

    fn call(&mut self, line: &str, live: bool) {
        self.line += 1;
        self.called.clear();
        for ever in &self.ever {
            let may = &self.sieve.may()[ever.expressions.clone()];
            let Some(seen) = self.seen(ever.group) else { continue };
            let is_called = match &ever.idle {
                None => {
                    let Cut { before, behind, .. } = Cut::of(line, seen);
                    let begins = |opening: &Opening| {
                        opening.admits_parts(before.as_bytes(), behind.as_bytes())
                    };
                    ever.openings.is_empty() || ever.openings.iter().any(begins)
                }
                Some(idle) => {
                    let mut idle = idle.borrow_mut();
                    let is_plain = !seen.carries && !seen.stumbles();
                    let is_idle = live && is_plain && !idle.waits && !may.contains(&true);
                    if is_idle {
                        idle.push(line, seen.cut);
                    }
                    !is_idle
                }
            };
            if is_called {
                self.calls[ever.number] = self.line;
                self.called.push(ever.number);
            }
        }
        for expression in self.sieve.marked() {
            // Behind those of members come what dates need.
            let Some(number) = self.owners.get(*expression as usize) else { continue };
            let number = *number as usize;
            let member = &self.members[number];
            if self.calls[number] == self.line || member.shape.several {
                continue;
            }
            if member.shape.may_change(&self.sieve.may()[member.expressions.clone()]) {
                self.calls[number] = self.line;
                self.called.push(number);
            }
        }
        self.called.sort_unstable();
    }

    /// The filters that have to read the last line, in their order.
    pub fn called(&self) -> &[usize] {
        &self.called
    }

    /// Whether a filter may have found the time of the last line odd.
    pub fn may_be_odd(&self, live: bool) -> bool {
        !live || self.each_seen().any(|seen| seen.odd.is_some())
    }

    /// What is odd about the time of the last line for one of the filters.
    pub fn odd(&self, number: usize, now: i64, when: When) -> Option<Odd> {
        self.seen(self.members.get(number)?.group)?.odd_within(now, when)
    }

    /// Has a filter read the last line, once: one that was called, or one that has to tell what is
    /// odd about the time.
    pub fn read(
        &self,
        number: usize,
        filter: &mut Filter,
        line: &str,
        now: i64,
        when: When,
    ) -> Reading {
        let Some(member) = self.members.get(number) else { return Reading::default() };
        let Some(seen) = self.seen(member.group) else { return Reading::default() };
        let may = &self.sieve.may()[member.expressions.clone()];
        if let Some(idle) = filter.idle.as_ref().filter(|_| self.calls[number] != self.line) {
            idle.borrow_mut().take_back();
        }
        filter.read_seen(line, seen, may, now, when)
    }
}

/// Looks at a line where its date is cut out, once for each place.
fn joint(
    sieve: &mut Sieve,
    line: &str,
    cut: Option<(usize, usize)>,
    cuts: &mut Vec<(usize, usize)>,
) {
    if let Some(cut) = cut.filter(|cut| !cuts.contains(cut)) {
        cuts.push(cut);
        sieve.look_without(line.as_bytes(), cut);
    }
}

/// The bit of a group; none if its number is too high.
fn bit_of(number: usize) -> u64 {
    u32::try_from(number).ok().and_then(|number| 1_u64.checked_shl(number)).unwrap_or(0)
}

/// How lines begin in which the groups see dates.
fn beginnings(groups: &[Group]) -> Beginnings {
    let mut beginnings = Beginnings::default();
    for (number, group) in groups.iter().enumerate() {
        let bit = bit_of(number);
        if let Some(dating) = group.dating.upgrade().filter(|_| bit != 0) {
            beginnings.add(bit, dating.borrow_mut().beginning());
        }
    }
    beginnings
}

/// The leader that sees the lines from the next one on as this does, if there can be one.
fn lead_for(leads: &mut Vec<Lead>, dating: &mut Dating) -> Option<usize> {
    let known = leads.iter().position(|lead| lead.sees && dating.follow(&lead.leader));
    if known.is_some() {
        return known;
    }
    let leader = Rc::new(RefCell::new(dating.leader()?));
    if !dating.follow(&leader) {
        return None;
    }
    let lead = Lead { leader, seen: Seen::default(), sees: true };
    match leads.iter().position(|lead| !lead.sees) {
        Some(at) => {
            leads[at] = lead;
            Some(at)
        }
        None => {
            leads.push(lead);
            Some(leads.len() - 1)
        }
    }
}

/// What filters know of dates that see them alike.
type Shared = Rc<RefCell<Dating>>;

/// Lets filters that see dates alike share that.
fn grouped(filters: &mut [(&mut Filter, usize)]) -> Vec<Group> {
    let mut groups: Vec<(Shared, usize, usize)> = Vec::new();
    for (filter, kin) in filters.iter() {
        match groups.iter_mut().find(|(dating, ..)| Rc::ptr_eq(dating, &filter.dating)) {
            Some((_, _, count)) => *count += 1,
            None => groups.push((filter.dating.clone(), *kin, 1)),
        }
    }
    // Those shared with a filter that does not read these lines are copied.
    let mut own: Vec<(Shared, Shared)> = Vec::new();
    let mut kept: Vec<(Shared, usize)> = Vec::new();
    for (dating, kin, count) in groups {
        let is_alike =
            |other: &RefCell<Dating>| other.borrow_mut().is_alike(&mut dating.borrow_mut());
        let known = kept.iter().find(|(other, of)| *of == kin && is_alike(other));
        let new = match known {
            Some((known, _)) => known.clone(),
            None if Rc::strong_count(&dating) > count + 1 => {
                Rc::new(RefCell::new(dating.borrow_mut().copy()))
            }
            None => dating.clone(),
        };
        if !Rc::ptr_eq(&new, &dating) {
            dating.borrow_mut().note_parted();
        }
        if known.is_none() {
            kept.push((new.clone(), kin));
        }
        own.push((dating, new));
    }
    for (filter, _) in filters.iter_mut() {
        let new = own.iter().find(|(old, _)| Rc::ptr_eq(old, &filter.dating));
        if let Some((_, new)) = new {
            filter.dating = new.clone();
        }
    }
    let group = |(dating, _): (Shared, usize)| {
        let parted = dating.borrow().parted;
        Group { dating: Rc::downgrade(&dating), parted, way: Way::Alone, seen: Seen::default() }
    };
    kept.into_iter().map(group).collect()
}

//! Filters that read the same lines: the date of a line is found once for all that see dates
//! alike, and one pass over the line tells which of them it concerns at all.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::{Rc, Weak};

use super::dated::{Dating, Leader, Seen};
use super::search::Shape;
use super::sieve::Sieve;
use super::{Filter, Odd, Reading, When};
use crate::dates::LineMemo;

/// Filters that read the same lines from now on, numbered from 0.
pub struct Together {
    sieve: Sieve,
    members: Vec<Member>,
    groups: Vec<Group>,
    /// What sees the lines for those groups that follow.
    leader: Option<Rc<RefCell<Leader>>>,
    /// The members by expression.
    owners: Vec<u32>,
    /// Members whom a line may concern without any text in it.
    ever: Vec<usize>,
    /// Those whom the last line concerns.
    called: Vec<usize>,
    /// By member: the last line for which it was called.
    calls: Vec<u64>,
    line: u64,
    memo: LineMemo,
}

struct Member {
    group: usize,
    expressions: Range<usize>,
    shape: Shape,
}

/// Members that see dates alike.
struct Group {
    /// The filters own it, so that it is known which of them share it.
    dating: Weak<RefCell<Dating>>,
    /// Changes when a filter ceases to share it.
    parted: u32,
    seen: Seen,
    /// The leader sees the lines for it.
    follows: bool,
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
        let sieve = Sieve::new(filters.iter().flat_map(|(filter, _)| filter.expressions()));
        let may = |member: &Member| {
            member.shape.several
                || member.shape.may_change(&sieve.may()[member.expressions.clone()])
        };
        let ever = members.iter().enumerate().filter(|(_, member)| may(member));
        let ever = ever.map(|(number, _)| number).collect();
        let calls = vec![0; members.len()];
        let (called, memo) = (Vec::new(), LineMemo::default());
        let leader = None;
        Self { sieve, members, groups, leader, owners, ever, called, calls, line: 0, memo }
    }

    /// Looks at the next line; `live` if it was written just now. Every filter that is called
    /// then has to read it.
    ///
    /// # Errors
    /// A filter has read other lines meanwhile; nothing is done.
    pub fn look(&mut self, line: &str, now: i64, live: bool) -> Result<(), Parted> {
        let is_whole = |group: &Group| {
            group.dating.upgrade().is_some_and(|dating| dating.borrow().parted == group.parted)
        };
        if !self.groups.iter().all(is_whole) {
            return Err(Parted);
        }
        self.memo.clear();
        self.sieve.clear();
        self.sieve.look(line.as_bytes());
        let led = self.lead(line, now, live);
        for group in &mut self.groups {
            if let Some(seen) = &led
                && group.follows
            {
                group.seen = *seen;
            } else if let Some(dating) = group.dating.upgrade() {
                group.follows = false;
                let mut dating = dating.borrow_mut();
                group.seen = match dating.is_blank(line) {
                    true => Seen::blank(now, live),
                    false => dating.see(line, now, live, &mut self.memo),
                };
            }
        }
        if led.is_none() {
            self.choose_leader();
        }
        self.look_at_joints(line);
        self.call();
        Ok(())
    }

    /// The date of the line, for all who follow.
    fn lead(&mut self, line: &str, now: i64, live: bool) -> Option<Seen> {
        let mut leader = self.leader.as_ref()?.borrow_mut();
        (!leader.left).then(|| leader.see(line, now, live, &mut self.memo)).flatten()
    }

    /// Lets those follow a leader from the next line on that see it alike; nobody does yet.
    fn choose_leader(&mut self) {
        self.leader = None;
        for group in &mut self.groups {
            let Some(dating) = group.dating.upgrade() else { continue };
            if self.leader.is_none() {
                let leader = dating.borrow_mut().leader();
                self.leader = leader.map(|leader| Rc::new(RefCell::new(leader)));
            }
            let leader = self.leader.as_ref();
            group.follows = leader.is_some_and(|leader| dating.borrow_mut().follow(leader));
        }
    }

    /// Where a date is cut out, texts come together that stood apart.
    fn look_at_joints(&mut self, line: &str) {
        let mut known = None;
        for group in &self.groups {
            if group.seen.cut != known
                && let Some((start, end)) = group.seen.cut
            {
                self.sieve.look_at_joint(&line.as_bytes()[..start], &line.as_bytes()[end..]);
                known = group.seen.cut;
            }
        }
    }

    fn call(&mut self) {
        self.line += 1;
        self.called.clone_from(&self.ever);
        for member in &self.ever {
            self.calls[*member] = self.line;
        }
        for expression in self.sieve.marked() {
            let number = self.owners[*expression as usize] as usize;
            if self.calls[number] == self.line {
                continue;
            }
            let member = &self.members[number];
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
        !live || self.groups.iter().any(|group| group.seen.odd.is_some())
    }

    /// What is odd about the time of the last line for one of the filters.
    pub fn odd(&self, number: usize, now: i64, when: When) -> Option<Odd> {
        self.groups[self.members.get(number)?.group].seen.odd_within(now, when)
    }

    /// Has a filter that was called read the last line.
    pub fn read(
        &self,
        number: usize,
        filter: &mut Filter,
        line: &str,
        now: i64,
        when: When,
    ) -> Reading {
        let Some(member) = self.members.get(number) else { return Reading::default() };
        let may = &self.sieve.may()[member.expressions.clone()];
        filter.read_seen(line, &self.groups[member.group].seen, may, now, when)
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
            let parted = dating.borrow().parted.wrapping_add(1);
            dating.borrow_mut().parted = parted;
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
        Group { dating: Rc::downgrade(&dating), parted, seen: Seen::default(), follows: false }
    };
    kept.into_iter().map(group).collect()
}

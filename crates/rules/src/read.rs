//! From a line to what it tells.

use monban_model::limits::{ATTEMPTS_PER_LINE_MAX, LINE_MAX};
use monban_model::{ConnectionKey, Details, Line, ServiceId, Sighting, Stamp};

use crate::clock::Clock;
use crate::details::has_details;
use crate::field::Slot;
use crate::found::Found;
use crate::gist::{Gist, Told};
use crate::head::{self, Head};
use crate::key;
use crate::scratch::Scratch;
use crate::set::RuleSet;
use crate::shape;

/// What a line tells.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// The line's own time, if it has one.
    pub time: Option<Stamp>,
    /// The host of its head, or empty.
    pub host: &'a [u8],
    /// The program of its head, or empty.
    pub program: &'a [u8],
    /// The process of its head, or empty.
    pub pid: &'a [u8],
    /// The message behind the head; the whole line if it has none.
    pub message: &'a [u8],
    /// How many times its message happened: 1, or what `message repeated N times` says. The
    /// sighting's weight holds it already.
    pub times: u32,
    /// Whether the syslog daemon says here that the line before it in the same log, from the
    /// same host, happened `times` times more. The line has no sighting of its own.
    pub repeats_last: bool,
    /// Whether a service and a rule know it.
    pub seen: Seen,
    /// The key of its message: equal messages have equal keys in this process, whichever lines they
    /// stand in, and others hardly ever (64 bits). It means nothing without program or sighting.
    pub key: u64,
    /// What a rule read out of it, unless it is harmless and says nothing of its connection.
    pub sighting: Option<Sighting<'a>>,
}

/// Whether a line is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A rule of this service saw it.
    Known(ServiceId),
    /// It is a line of this service, and none of its rules sees it.
    Unknown(ServiceId),
    /// It belongs to no loaded service.
    Foreign,
}

/// What is read of a line: it is cut at [`LINE_MAX`], and its end may be that of another system.
#[inline(always)]
pub(crate) fn as_read(line: &[u8]) -> &[u8] {
    match &line[..line.len().min(LINE_MAX)] {
        [before @ .., b'\r'] => before,
        whole => whole,
    }
}

impl RuleSet {
    /// Reads one line. `scratch` holds the texts of JSON lines and what was said of the messages
    /// before; nothing else is allocated, but for the rules of a service whose first line comes.
    ///
    /// The sighting's time is the line's own, or its arrival. Lines longer than [`LINE_MAX`] are
    /// cut there.
    #[inline(always)]
    pub fn read<'a>(
        &self,
        line: &Line<'a>,
        clock: &mut Clock,
        scratch: &'a mut Scratch,
    ) -> Reading<'a> {
        let bytes = as_read(line.bytes);
        let Scratch { texts, last_tag, memo } = scratch;
        let head = head::split(bytes, texts, last_tag);
        let (message, times) = head::unrepeated(&head);
        let shaped;
        // A line with a program has no other shape.
        let ((told, key), date) = if head.program.is_empty() {
            shaped = self.told_by_shape(message, head.date);
            ((&shaped.0, 0), shaped.1)
        } else {
            let services = last_tag.services(self, &head);
            let ask = |number| self.told_by(services, message, number);
            (memo.told(self.number, services, message, ask), head.date)
        };
        let time = clock.read(date);
        let repeats = match told.seen {
            Seen::Foreign => head::repeats_last(bytes, &head),
            _ => None,
        };
        let (host, repeated) = repeats.unwrap_or((head.host, times));
        let sighting = match &told.gist {
            Some(gist) => {
                let time = time.unwrap_or(line.arrival);
                Some(self.sighting(gist, &head, message, (time, times), line.bytes))
            }
            None => None,
        };
        Reading {
            time,
            host,
            program: head.program,
            pid: head.pid,
            message,
            times: repeated,
            repeats_last: repeats.is_some(),
            seen: told.seen,
            key,
            sighting,
        }
    }

    /// The time of [`RuleSet::read`], without the rest of it.
    pub fn time<'a>(
        &self,
        line: &Line<'a>,
        clock: &mut Clock,
        scratch: &'a mut Scratch,
    ) -> Option<Stamp> {
        let bytes = as_read(line.bytes);
        let head = head::split(bytes, &mut scratch.texts, &mut scratch.last_tag);
        match head.program {
            // In which service's lines a date stands is its rules' affair.
            [] => self.read(line, clock, scratch).time,
            _ => clock.read(head.date),
        }
    }

    /// What a message tells that stands behind no program, and the date of its line.
    #[inline(never)]
    fn told_by_shape<'a>(&self, message: &'a [u8], date: &'a [u8]) -> (Told, &'a [u8]) {
        let Some((shape, shape_date)) = shape::detect(message) else {
            return (Told::NOTHING, date);
        };
        let mut found = Found::none(message);
        let told = self.told_of(self.shaped(shape), &mut found);
        let own = found.get(Slot::Date);
        let date = if own.is_some() || date.is_empty() { own.unwrap_or(shape_date) } else { date };
        (told, date)
    }

    /// What a message of these services tells, and whether another number than the one that stands
    /// there would change nothing.
    #[inline(never)]
    fn told_by(
        &self,
        services: &[ServiceId],
        message: &[u8],
        number: Option<(usize, usize)>,
    ) -> (Told, bool) {
        let mut found = Found::none(message);
        let told = self.told_of(services, &mut found);
        let any_number =
            number.is_some_and(|(start, _)| found.any_number && found.captures.end_before(start));
        (told, any_number)
    }

    #[inline]
    fn told_of(&self, services: &[ServiceId], found: &mut Found<'_>) -> Told {
        let seen = self.first_found(services, found);
        let Seen::Known(id) = seen else { return Told { seen, gist: None } };
        let service = &self.services[usize::from(id.0)];
        let rule = &service.rules[found.index];
        let gist = (!rule.means_nothing()).then(|| Gist::of(id, service, rule, found));
        Told { seen, gist }
    }

    /// Lets services look at the message in turn.
    #[inline]
    fn first_found(&self, services: &[ServiceId], found: &mut Found<'_>) -> Seen {
        for &service in services {
            if self.read_into(service, found) {
                return Seen::Known(service);
            }
        }
        services.first().map_or(Seen::Foreign, |first| Seen::Unknown(*first))
    }

    #[inline(always)]
    fn sighting<'a>(
        &self,
        gist: &Gist,
        head: &Head<'a>,
        message: &'a [u8],
        (time, repeated): (Stamp, u32),
        line: &'a [u8],
    ) -> Sighting<'a> {
        let number = usize::from(gist.service.0);
        // Neither is typed by an attacker: the pid is the head's, and a pattern in which
        // {session} could be moved is refused.
        let (sort, name) = match gist.session.and_then(|session| session.of(message)) {
            Some(session) => (1, session),
            None if self.services[number].pid_is_connection => (2, head.pid),
            None => (2, &[][..]),
        };
        let connection = if name.is_empty() {
            None
        } else {
            let host = key::hash(self.seeds[number].wrapping_add(sort), head.host);
            Some(ConnectionKey(key::hash(host, name).max(1)))
        };
        Sighting {
            kind: gist.kind,
            time,
            address: gist.address,
            user: gist.user.and_then(|user| user.of(message)),
            method: gist.method.and_then(|method| method.of(message)),
            details: match has_details(gist.kind) {
                true => self.details_of(gist, message),
                false => Details::default(),
            },
            service: gist.service,
            connection,
            witness: gist.witness,
            also: gist.also,
            rule: gist.rule,
            weight: gist.times.saturating_mul(repeated).min(ATTEMPTS_PER_LINE_MAX),
            line,
        }
    }

    /// What else a line tells of who came in.
    #[cold]
    fn details_of<'a>(&self, gist: &Gist, message: &'a [u8]) -> Details<'a> {
        let service = usize::from(gist.service.0);
        let index = gist.rule.0.wrapping_sub(self.first_rule[service]);
        let rule = self.services[service].rules.get(usize::from(index));
        let Some(rule) = rule else { return Details::default() };
        rule.details.as_ref().map_or_else(Details::default, |pattern| pattern.read(message))
    }
}

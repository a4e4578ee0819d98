//! From a line to what it tells.

use monban_model::limits::{ATTEMPTS_PER_LINE_MAX, LINE_MAX};
use monban_model::{ConnectionKey, Line, ServiceId, Sighting, Stamp};

use crate::clock::Clock;
use crate::field::Slot;
use crate::found::Found;
use crate::head::{self, Head};
use crate::key;
use crate::scratch::Scratch;
use crate::service::Rule;
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

impl RuleSet {
    /// Reads one line. Nothing is allocated; `scratch` holds the texts of JSON lines.
    ///
    /// The sighting's time is the line's own, or its arrival. Lines longer than [`LINE_MAX`] are
    /// cut there.
    pub fn read<'a>(
        &self,
        line: &Line<'a>,
        clock: &mut Clock,
        scratch: &'a mut Scratch,
    ) -> Reading<'a> {
        let bytes = &line.bytes[..line.bytes.len().min(LINE_MAX)];
        let bytes = match bytes {
            [before @ .., b'\r'] => before,
            _ => bytes,
        };
        let Scratch { texts, last_tag, last_program, memo } = scratch;
        let headed = head::split(bytes, texts, last_tag);
        let head = headed.unwrap_or(Head { message: bytes, ..Head::default() });
        let (message, times) = head::unrepeated(&head);
        let mut date = head.date;
        let services = self.programs.services(head.program, last_program);
        let mut found = Found::none(message);
        let mut seen =
            memo.said(self.number, services, &mut found, |found| self.first_found(services, found));
        // A line with a program has no other shape.
        if head.program.is_empty()
            && let Some((shape, shape_date)) = shape::detect(message)
        {
            seen = self.first_found(self.shaped(shape), &mut found);
            let own = found.get(Slot::Date);
            if own.is_some() || date.is_empty() {
                date = own.unwrap_or(shape_date);
            }
        }
        let time = clock.read(date);
        let rule = match seen {
            Seen::Known(service) => {
                let rule = &self.services[usize::from(service.0)].rules[found.index];
                (!rule.means_nothing()).then_some((service, rule))
            }
            _ => None,
        };
        let repeats = match seen {
            Seen::Foreign => head::repeats_last(bytes, &head),
            _ => None,
        };
        let (host, told) = repeats.unwrap_or((head.host, times));
        Reading {
            time,
            host,
            program: head.program,
            pid: head.pid,
            message,
            times: told,
            repeats_last: repeats.is_some(),
            seen,
            sighting: rule.map(|(service, rule)| {
                let time = time.unwrap_or(line.arrival);
                self.sighting(service, rule, &found, &head, (time, times), line.bytes)
            }),
        }
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

    #[inline]
    fn sighting<'a>(
        &self,
        service: ServiceId,
        rule: &Rule,
        found: &Found<'a>,
        head: &Head<'a>,
        (time, repeated): (Stamp, u32),
        line: &'a [u8],
    ) -> Sighting<'a> {
        let number = usize::from(service.0);
        let known = &self.services[number];
        // Neither is typed by an attacker: the pid is the head's, and a pattern in which
        // {session} could be moved is refused.
        let (sort, name) = match found.get(Slot::Session) {
            Some(session) => (1, session),
            None if known.pid_is_connection => (2, head.pid),
            None => (2, &[][..]),
        };
        let connection = (!name.is_empty()).then(|| {
            let host = key::hash(self.seeds[number].wrapping_add(sort), head.host);
            ConnectionKey(key::hash(host, name).max(1))
        });
        Sighting {
            kind: rule.kind,
            time,
            address: found.address(),
            user: found.user_of(known),
            method: found.get(Slot::Method),
            service,
            connection,
            witness: rule.witness,
            also: rule.also,
            rule: found.rule,
            weight: found.times().saturating_mul(repeated).min(ATTEMPTS_PER_LINE_MAX),
            line,
        }
    }
}

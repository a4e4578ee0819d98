//! What operators want, and whom nothing may block.

use monban_model::wire::Command;
use monban_model::{
    Address, Because, BlockRow, Decision, Event, Net, Notice, OrderId, Scope, Stamp, Subject,
    Verdict,
};

use super::Engine;
use crate::judge::Overlap;
use crate::observation::Effect;

impl Engine {
    pub(super) fn command(&mut self, now: Stamp, id: u32, command: Command, out: &mut Vec<Effect>) {
        let first = self.next_order;
        let (done, notices) = match command {
            Command::Ban { subject, for_s, why } => self.ban(now, subject, for_s, why, out),
            Command::Free { subject } => self.free_within(now, subject, out),
            Command::FreeAll => self.free_all(now, out),
            Command::Allowed { net } => (true, self.lift(now, net, out)),
            // The answer leaves after the commit, as every answer does.
            // Messages to people are none of the engine's business.
            Command::Commit | Command::Notify(_) => (true, Vec::new()),
        };
        // Whoever gave the command hears what the kernel made of it.
        let orders = (first..self.next_order).map(OrderId).collect();
        self.underway.answer_after(orders, (id, done, notices), out);
    }

    fn ban(
        &mut self,
        now: Stamp,
        subject: Subject,
        for_s: Option<u64>,
        why: String,
        out: &mut Vec<Effect>,
    ) -> (bool, Vec<Notice>) {
        match self.protected.shields(subject) {
            Some(Because::Allowed(net)) => {
                let values = [("subject", subject.to_string()), ("net", net.to_string())];
                return (false, vec![notice("ban-refused-allowed", values)]);
            }
            Some(_) => {
                let values = [("subject", subject.to_string())];
                return (false, vec![notice("ban-refused-administrator", values)]);
            }
            None => {}
        }
        if self.blocks.is_full() {
            return (
                false,
                vec![notice("ban-refused-full", [("count", self.blocks.len().to_string())])],
            );
        }
        let until = for_s.map(|length_s| now.plus_s(length_s));
        let mut notices = match self.make_room(now, subject, (until, &why), out) {
            Ok(notices) => notices,
            Err(refused) => return (false, vec![refused]),
        };
        let decision = Decision {
            subject,
            verdict: Verdict::Block { until },
            scope: Scope::All,
            because: Because::Operator(why.clone()),
            finding: None,
            policy: String::new(),
            earlier: 0,
        };
        self.record(now, Event::Decided(decision), out);
        // An operator's word replaces what policy said, also a longer time by a shorter one.
        if let Some(before) = self.blocks.remove(subject) {
            self.end_early(now, subject);
            if ends_after(before.until, until) {
                let end = before.until.map_or_else(|| "forever".to_owned(), |end| end.to_string());
                notices.push(notice("ban-replaced", [("until", end)]));
            }
        }
        self.remember_operators_block(subject, until.unwrap_or(now));
        let row =
            BlockRow { subject, scope: Scope::All, since: now, until, policy: String::new(), why };
        self.block(now, row, out);
        let until = until.map_or_else(|| "forever".to_owned(), |end| end.to_string());
        notices.insert(0, notice("banned", [("subject", subject.to_string()), ("until", until)]));
        (true, notices)
    }

    /// The kernel's set of networks takes no overlaps: a wider block replaces those inside it, if
    /// it lasts as long as they do.
    fn make_room(
        &mut self,
        now: Stamp,
        subject: Subject,
        (until, why): (Option<Stamp>, &str),
        out: &mut Vec<Effect>,
    ) -> Result<Vec<Notice>, Notice> {
        if subject.is_single() {
            return Ok(Vec::new());
        }
        let refused = |key, net: Subject| {
            notice(key, [("subject", subject.to_string()), ("net", net.to_string())])
        };
        let inner = match self.blocks.overlap(subject) {
            Overlap::Free => return Ok(Vec::new()),
            Overlap::Inside(net) => return Err(refused("ban-refused-inside", net)),
            Overlap::Covers(inner) => inner,
        };
        let lasts_longer = |net: &&Subject| {
            let end = self.blocks.get(**net).map(|row| row.until);
            end.is_some_and(|end| ends_after(end, until))
        };
        if let Some(longer) = inner.iter().find(lasts_longer) {
            return Err(refused("ban-refused-longer", *longer));
        }
        for net in &inner {
            self.free(now, *net, Because::Operator(why.to_owned()), out);
        }
        Ok(vec![notice("ban-covers", [("count", inner.len().to_string())])])
    }

    fn remember_operators_block(&mut self, subject: Subject, last: Stamp) {
        let earlier = self.history.get(&subject).map_or(0, |past| past.blocks);
        self.remember_block(subject, earlier, last);
    }

    fn free_within(
        &mut self,
        now: Stamp,
        subject: Subject,
        out: &mut Vec<Effect>,
    ) -> (bool, Vec<Notice>) {
        let freed = self.blocks.within(subject.net());
        if freed.is_empty() {
            let (key, net) = match self.blocks.overlap(subject) {
                Overlap::Inside(net) => ("free-inside", net.to_string()),
                _ => ("free-none", String::new()),
            };
            let values = [("subject", subject.to_string()), ("net", net)];
            return (false, vec![notice(key, values)]);
        }
        for subject in &freed {
            // Whoever is freed by hand starts anew: no doubled block for what was an error.
            self.history.remove(subject);
            self.free(now, *subject, Because::Operator(String::new()), out);
        }
        let mut notices = freed_notices(&freed);
        if let Overlap::Inside(net) = self.blocks.overlap(subject) {
            let values = [("subject", subject.to_string()), ("net", net.to_string())];
            notices.push(notice("free-inside", values));
        }
        (true, notices)
    }

    fn free_all(&mut self, now: Stamp, out: &mut Vec<Effect>) -> (bool, Vec<Notice>) {
        let all: Vec<Subject> = self.blocks.subjects().collect();
        for subject in &all {
            self.history.remove(subject);
            self.free(now, *subject, Because::Operator(String::new()), out);
        }
        (true, vec![notice("freed-all", [("count", all.len().to_string())])])
    }

    /// Ends the blocks that the allow list covers now.
    fn lift(&mut self, now: Stamp, net: Net, out: &mut Vec<Effect>) -> Vec<Notice> {
        let lifted = self.blocks.touching(net);
        for subject in &lifted {
            self.free(now, *subject, Because::Allowed(net), out);
        }
        freed_notices(&lifted)
    }

    pub(super) fn allow(&mut self, now: Stamp, nets: Vec<Net>, out: &mut Vec<Effect>) {
        self.protected.allow = nets;
        let shielded: Vec<(Subject, Because)> = self
            .blocks
            .subjects()
            .filter_map(|subject| Some((subject, self.protected.shields(subject)?)))
            .collect();
        for (subject, because) in shielded {
            self.free(now, subject, because, out);
        }
    }

    /// An administrator is never locked out: a block of where he is now ends.
    pub(super) fn present(
        &mut self,
        now: Stamp,
        administrators: Vec<Address>,
        guests: Vec<Address>,
        out: &mut Vec<Effect>,
    ) {
        let met = |subject: &Subject| administrators.iter().any(|a| subject.contains(*a));
        let blocked: Vec<Subject> = self.blocks.subjects().filter(met).collect();
        self.protected.administrators = administrators;
        self.protected.guests = guests;
        for subject in blocked {
            self.free(now, subject, Because::Administrator, out);
        }
    }
}

/// Whether a block with the first end outlasts one with the second; `None` is forever.
fn ends_after(one: Option<Stamp>, other: Option<Stamp>) -> bool {
    match (one, other) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(one), Some(other)) => one > other,
    }
}

fn notice<const N: usize>(key: &str, values: [(&str, String); N]) -> Notice {
    let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Notice { key: key.to_owned(), values }
}

/// At most ten are named one by one.
fn freed_notices(freed: &[Subject]) -> Vec<Notice> {
    let mut notices: Vec<Notice> = freed
        .iter()
        .take(10)
        .map(|subject| notice("freed", [("subject", subject.to_string())]))
        .collect();
    if freed.len() > 10 {
        notices.push(notice("freed-more", [("count", (freed.len() - 10).to_string())]));
    }
    notices
}

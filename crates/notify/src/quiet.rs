//! Silences and inhibition: what is not told for a time.

use monban_model::{Inhibition, Matcher, Publication, Silence};

use crate::router::Router;

/// Why something is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quiet {
    Silenced,
    Inhibited,
}

impl Router {
    /// Why something is not told now; `None` if it is.
    pub(crate) fn why_quiet(&self, publication: &Publication) -> Option<Quiet> {
        let now = self.at.now;
        let is_active = |silence: &&Silence| {
            silence.from <= now && silence.until.is_none_or(|until| now < until)
        };
        let asked = self.silences.iter().map(|(_, silence)| silence);
        let mut silences = self.written.iter().chain(asked).filter(is_active);
        if silences.any(|silence| all_hold(&silence.matchers, publication)) {
            return Some(Quiet::Silenced);
        }
        let mut inhibitions = self.inhibitions.iter().zip(&self.inhibiting).enumerate();
        let is_inhibited = inhibitions.any(|(at, (inhibition, sources))| {
            *sources > 0
                && all_hold(&inhibition.target, publication)
                && self.has_source(at, inhibition, publication)
        });
        is_inhibited.then_some(Quiet::Inhibited)
    }

    /// Whether something is not told now; it is counted.
    pub(crate) fn is_quiet(&mut self, publication: &Publication) -> bool {
        let why = self.why_quiet(publication);
        match why {
            Some(Quiet::Silenced) => self.own.counters.silenced += 1,
            Some(Quiet::Inhibited) => self.own.counters.inhibited += 1,
            None => {}
        }
        why.is_some()
    }

    /// Whether something lasts that keeps it quiet. Nothing keeps itself quiet.
    fn has_source(&self, at: usize, inhibition: &Inhibition, target: &Publication) -> bool {
        self.firing.iter().any(|(key, firing)| {
            let equal =
                |label: &String| label_of(&firing.publication, label) == label_of(target, label);
            firing.inhibits >> at & 1 == 1
                && *key != target.key
                && inhibition.equal.iter().all(equal)
        })
    }

    /// A bit for each inhibition that something is a source of.
    pub(crate) fn inhibits(&self, publication: &Publication) -> u32 {
        let sources = self.inhibitions.iter().enumerate();
        let holds = sources.filter(|(_, it)| all_hold(&it.source, publication));
        holds.fold(0, |mask, (at, _)| mask | 1_u32.checked_shl(at as u32).unwrap_or(0))
    }

    /// Tells what is not quiet any more, and forgets silences that are over.
    pub(crate) fn look_at_quiet(&mut self) {
        self.tell_waiting();
        let now = self.at.now;
        let is_over = |silence: &Silence| silence.until.is_some_and(|until| until <= now);
        let over: Vec<u32> =
            self.silences.iter().filter(|it| is_over(it.1)).map(|it| *it.0).collect();
        for number in over {
            self.silences.remove(&number);
        }
        self.recheck = None;
        self.find_recheck();
    }

    /// Looks again when the next silence ends.
    pub(crate) fn find_recheck(&mut self) {
        let now = self.at.now;
        let waiting = self.has_waiting();
        let written = self.written.iter().filter(|_| waiting).filter_map(|it| it.until);
        let asked = self.silences.iter().filter_map(|(_, silence)| silence.until);
        let next = written.chain(asked).filter(|until| *until > now).min();
        self.recheck = [self.recheck, next].into_iter().flatten().min();
    }
}

/// Whether all conditions hold.
pub(crate) fn all_hold(matchers: &[Matcher], publication: &Publication) -> bool {
    matchers.iter().all(|matcher| matcher.holds(label_of(publication, &matcher.label)))
}

/// The value of a label; empty if it is not there.
pub(crate) fn label_of<'a>(publication: &'a Publication, name: &str) -> &'a str {
    match name {
        "key" => &publication.key,
        "theme" => publication.theme.word(),
        "severity" => publication.severity.word(),
        "standing" => publication.standing.word(),
        _ => {
            let found = publication.labels.iter().find(|(label, _)| label == name);
            found.map_or("", |(_, value)| value)
        }
    }
}

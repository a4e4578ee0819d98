//! Nobody answered: somebody else is told.

use monban_model::limits::AWAITING_MAX;
use monban_model::{Severity, Standing};

use crate::bunch::Item;
use crate::effect::Reason;
use crate::firing::bunch_of;
use crate::offer::Parcel;
use crate::router::Router;
use crate::subscriber::Awaiting;

/// So often something is passed on at most: two that escalate to each other come to an end.
const DEPTH_MAX: u8 = 4;

impl Router {
    /// What a subscription is told begins to wait for an answer, unless its thread does already.
    pub(crate) fn await_answer(&mut self, at: usize, parcel: &Parcel) {
        let is_new = matches!(parcel.reason, Reason::First | Reason::More | Reason::Escalated);
        let Some(escalation) = self.subs[at].config.escalation.as_ref().filter(|_| is_new) else {
            return;
        };
        let due = self.at.now.plus_s(escalation.after_s);
        let severity = parcel.bunch.severity();
        let last = parcel.bunch.named().filter(|item| item.severity == severity).last();
        let Some(Item { seq, .. }) = last.or_else(|| parcel.bunch.named().last()) else { return };
        let (thread, theme, since) = (parcel.thread.clone(), parcel.theme, parcel.since);
        let depth = parcel.depth;
        let sub = self.sub(at);
        if depth >= DEPTH_MAX || sub.awaiting.iter().any(|it| it.thread == thread) {
            return;
        }
        if sub.awaiting.len() >= AWAITING_MAX {
            sub.figures.unescalated += 1;
            // What is less urgent makes room.
            let least = sub.awaiting.iter().enumerate().min_by_key(|(_, it)| it.severity);
            match least.filter(|(_, it)| it.severity < severity).map(|(place, _)| place) {
                Some(place) => sub.awaiting.remove(place),
                None => return,
            };
        }
        sub.wake = sub.wake.min(due);
        sub.awaiting.push(Awaiting { thread, seq, severity, theme, since, due, depth });
    }

    /// Passes on what waited for long enough.
    pub(crate) fn escalate(&mut self, at: usize) {
        let now = self.at.now;
        let Some(escalation) = self.subs[at].config.escalation.clone() else { return };
        if self.subs[at].awaiting.iter().all(|it| it.due > now) {
            return;
        }
        let Some(to) = self.find_sub(&escalation.to) else { return };
        let sub = self.sub(at);
        let due: Vec<Awaiting> = sub.awaiting.extract_if(.., |it| it.due <= now).collect();
        sub.figures.escalated += due.len() as u64;
        for awaiting in due {
            let lasts = self.firing.get(&awaiting.thread).is_some();
            let parcel = Parcel {
                bunch: bunch_of(awaiting.seq, awaiting.severity),
                reason: Reason::Escalated,
                thread: awaiting.thread,
                standing: if lasts { Standing::Firing } else { Standing::Once },
                theme: awaiting.theme,
                since: awaiting.since,
                depth: awaiting.depth + 1,
                passed_on: false,
                least: Severity::Info,
                service: None,
            };
            self.offer(to, &parcel);
        }
    }
}

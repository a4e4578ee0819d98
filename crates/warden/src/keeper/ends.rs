//! Answers that wait until jails have ended with all that their actions did: that of a stop and
//! that of a reload.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use monban_model::Notice;
use monban_model::limits::JAILS_END_S;
use monban_model::wire::Reply;

use super::Keeper;
use super::clients::Clients;

/// What an answer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// The outcome of an order.
    Order(u64),
    /// The jails that went with the table of a reload.
    Table(u32),
}

/// An answer that waits.
pub(super) struct Held {
    reply: Reply,
    file: Option<OwnedFd>,
    awaits: Ends,
    until: Instant,
}

impl Clients {
    /// Answers a question when what it awaits is over, or [`JAILS_END_S`] have passed.
    pub(super) fn answer_after(
        &mut self,
        id: u32,
        reply: Reply,
        file: Option<OwnedFd>,
        awaits: Option<Ends>,
    ) {
        match awaits {
            None => self.reply_with(id, &reply, file),
            Some(awaits) if self.is_connected(id) => {
                let until = Instant::now() + Duration::from_secs(JAILS_END_S);
                self.held.insert(id, Held { reply, file, awaits, until });
            }
            Some(_) => {}
        }
    }

    /// This is over.
    pub(super) fn release(&mut self, over: Ends) {
        self.release_where(|held| held.awaits == over, None);
    }

    /// Nobody is there any more who could end anything.
    pub(super) fn release_all(&mut self) {
        self.release_where(|_| true, None);
    }

    /// Answers whoever has waited for long enough, and says so.
    pub(super) fn release_stale(&mut self) {
        let now = Instant::now();
        let seconds = JAILS_END_S.to_string();
        let told = super::notice("jails-still-end", vec![("seconds", seconds)]);
        self.release_where(|held| held.until <= now, Some(&told));
    }

    /// The time of all that wait is over.
    #[cfg(test)]
    pub(super) fn hasten_held(&mut self) {
        self.held.values_mut().for_each(|held| held.until = Instant::now());
    }

    fn release_where(&mut self, is_over: impl Fn(&Held) -> bool, told: Option<&Notice>) {
        let over: Vec<(u32, Held)> = self.held.extract_if(.., |_, held| is_over(held)).collect();
        for (id, Held { mut reply, file, .. }) in over {
            if let (Reply::Done { notices, .. }, Some(told)) = (&mut reply, told) {
                notices.push(told.clone());
            }
            self.reply_with(id, &reply, file);
        }
    }
}

impl Keeper<'_> {
    /// Passes on the watcher's answer to the words of an operator, without a look at it.
    pub(super) fn answer_words(&mut self, id: u32, after: Option<u64>, answer: Option<OwnedFd>) {
        if answer.is_none() {
            return self.clients.fail(id);
        }
        let awaits = after.filter(|order| self.staff.is_open(*order)).map(Ends::Order);
        self.clients.answer_after(id, Reply::Words, answer, awaits);
    }
}

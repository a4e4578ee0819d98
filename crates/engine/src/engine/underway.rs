//! Orders that are on their way, and the answers to operators that wait for what becomes of them.

use std::collections::{BTreeMap, BTreeSet};

use monban_model::{Notice, OrderId, Outcome, OutcomeResult, Subject};

use crate::observation::Effect;

/// Orders without an outcome yet. Their outcomes come in the order of the orders.
#[derive(Debug, Default)]
pub(super) struct Underway {
    newest: BTreeMap<Subject, OrderId>,
    answers: Vec<Waiting>,
}

/// An operator who waits.
#[derive(Debug)]
struct Waiting {
    id: u32,
    orders: BTreeSet<OrderId>,
    done: bool,
    notices: Vec<Notice>,
}

/// Outcomes that are told one by one to the operator who waits for them.
const TOLD_MAX: usize = 10;

impl Underway {
    /// An order leaves.
    pub(super) fn leaves(&mut self, subject: Subject, order: OrderId) {
        self.newest.insert(subject, order);
    }

    /// The operator's answer leaves when these orders have their outcomes.
    pub(super) fn answer_after(
        &mut self,
        orders: BTreeSet<OrderId>,
        (id, done, notices): (u32, bool, Vec<Notice>),
        out: &mut Vec<Effect>,
    ) {
        if orders.is_empty() {
            out.push(Effect::Answer { id, done, notices });
        } else {
            self.answers.push(Waiting { id, orders, done, notices });
        }
    }

    /// An order has its outcome. False if a newer order for the subject is on its way: then only
    /// that one's outcome says how the subject stands.
    pub(super) fn arrived(&mut self, outcome: &Outcome, out: &mut Vec<Effect>) -> bool {
        for waiting in &mut self.answers {
            waiting.hear(outcome);
        }
        for waiting in self.answers.extract_if(.., |waiting| waiting.orders.is_empty()) {
            let Waiting { id, done, notices, .. } = waiting;
            out.push(Effect::Answer { id, done, notices });
        }
        match self.newest.get(&outcome.subject) {
            Some(newest) if *newest != outcome.order => false,
            _ => {
                self.newest.remove(&outcome.subject);
                true
            }
        }
    }
}

impl Waiting {
    fn hear(&mut self, outcome: &Outcome) {
        if !self.orders.remove(&outcome.order) {
            return;
        }
        let (key, error) = match &outcome.result {
            OutcomeResult::Applied | OutcomeResult::Observed => return,
            OutcomeResult::Refused(why) => ("order-refused", why),
            OutcomeResult::Failed(error) => ("order-failed", error),
        };
        self.done = false;
        let subject = outcome.subject.to_string();
        // What was said of this subject, or of all of them, is not so.
        self.notices.retain(|notice| {
            let about = notice.values.iter().find(|(name, _)| name == "subject");
            about.map_or(notice.key != "freed-all", |(_, of)| *of != subject)
        });
        if self.notices.len() < TOLD_MAX {
            let values =
                vec![("subject".to_owned(), subject), ("error".to_owned(), error.to_owned())];
            self.notices.push(Notice { key: key.to_owned(), values });
        }
    }
}

//! Findings are answered, orders leave, and what became of them comes back.

use monban_model::limits::EVENT_AGE_MAX_S;
use monban_model::{
    Address, Because, BlockRow, Decision, Event, Order, OrderAct, OriginAct, Outcome,
    OutcomeResult, Scope, Seq, Stamp, Subject, Verdict,
};

use super::{Engine, TallyKey};
use crate::judge::{Fit, Overlap, Past, block_length_s};
use crate::observation::Effect;

/// The first wait before a failed order is tried again; it doubles with each try.
const RETRY_FIRST_S: u64 = 1;

/// The longest wait between two tries.
const RETRY_LONGEST_S: u64 = 60;

/// Entries that one tick forgets at most, so that no tick takes long.
const FORGET_PER_TICK: usize = 1000;

impl Engine {
    /// Answers the finding `about`: a policy's window is full.
    pub(super) fn judge(
        &mut self,
        now: Stamp,
        time: Stamp,
        key: TallyKey,
        about: Seq,
        fit: Option<Fit>,
        out: &mut Vec<Effect>,
    ) {
        let subject = key.1;
        let mut policy = self.policy_at(key.0).clone();
        let act = fit.map(|fit| self.origins.rule(fit.0).then);
        let origin = fit.filter(|_| act != Some(OriginAct::Alarm)).map(|fit| self.because_of(fit));
        if let Some((at, _)) = fit.filter(|_| act == Some(OriginAct::Block)) {
            let rule = self.origins.rule(at);
            policy.backoff.first_s = rule.first_s.unwrap_or(policy.backoff.first_s);
            policy.scope = rule.scope.clone().unwrap_or(policy.scope);
        }
        let (allowed, because) = match act {
            Some(OriginAct::Allow) => (origin, Because::Policy),
            _ => (None, origin.unwrap_or(Because::Policy)),
        };
        let past = self.history.get(&subject).copied().unwrap_or_default();
        let earlier = past.remembered(time, policy.backoff.forget_s);
        let mut decision = Decision {
            subject,
            verdict: Verdict::Nothing,
            scope: policy.scope.clone(),
            because,
            finding: Some(about),
            policy: policy.name.clone(),
            earlier,
        };
        // Only of lines that come late; a live one was written after a block that was lifted.
        let was_blocked = past.last > time && now.since_s(time) > EVENT_AGE_MAX_S;
        let spared = self.spared(subject, (policy.blocks, allowed), was_blocked);
        if let Some(because) = spared {
            let again = because == Because::AlreadyBlocked;
            decision.because = because;
            self.record(time, Event::Decided(decision), out);
            // It came through although it is blocked: perhaps the kernel lost it.
            if let (true, Some(row)) = (again, self.blocks.get(subject)) {
                self.order_block(now, &row, out);
            }
            return;
        }
        let until = block_length_s(&policy.backoff, earlier).map(|length_s| time.plus_s(length_s));
        decision.verdict = Verdict::Block { until };
        self.record(time, Event::Decided(decision), out);
        self.remember_block(subject, earlier, until.unwrap_or(time));
        // A block that is over already (old lines are being read) only counts for the next one.
        if until.is_none_or(|end| end > now) {
            let row = BlockRow {
                subject,
                scope: policy.scope,
                since: time,
                until,
                policy: policy.name,
                why: String::new(),
            };
            self.block(now, row, out);
        }
    }

    /// Why a subject that policy would block is not blocked.
    ///
    /// `was_blocked`: at the time of the event a block was in force that is over now, because old
    /// lines are being read.
    fn spared(
        &self,
        subject: Subject,
        (policy_blocks, allowed): (bool, Option<Because>),
        was_blocked: bool,
    ) -> Option<Because> {
        if let Some(because) = self.protected.shields(subject) {
            return Some(because);
        }
        let whole = Subject::of(Address::new(subject.net().base()));
        if was_blocked
            || self.blocks.is_blocked(subject)
            || self.blocks.is_blocked(whole)
            || matches!(self.blocks.overlap(subject), Overlap::Inside(_))
        {
            return Some(Because::AlreadyBlocked);
        }
        if allowed.is_some() {
            return allowed;
        }
        if !policy_blocks {
            return Some(Because::PolicyObserves);
        }
        self.blocks.is_full().then_some(Because::TooManyBlocks)
    }

    pub(super) fn remember_block(&mut self, subject: Subject, earlier: u32, last: Stamp) {
        let past = self.history.entry(subject);
        *past = Past { blocks: earlier.saturating_add(1), last: last.max(past.last) };
    }

    /// Puts a block in force and orders it.
    pub(super) fn block(&mut self, now: Stamp, row: BlockRow, out: &mut Vec<Effect>) {
        let row = self.blocks.put(row);
        self.feed_block(now, row.subject, &row.policy, out);
        self.order_block(now, &row, out);
    }

    fn order_block(&mut self, now: Stamp, row: &BlockRow, out: &mut Vec<Effect>) {
        let act = OrderAct::Block { scope: row.scope.clone(), until: row.until };
        self.order(now, row.subject, act, out);
    }

    /// Ends a block and orders that. The decision is recorded with its reason.
    pub(super) fn free(
        &mut self,
        now: Stamp,
        subject: Subject,
        because: Because,
        out: &mut Vec<Effect>,
    ) {
        let Some(row) = self.blocks.remove(subject) else { return };
        self.failed.remove(&subject);
        self.end_early(now, subject);
        self.decide_free(now, &row, because, out);
        self.order(now, subject, OrderAct::Free, out);
    }

    /// A block ends before its time: what comes from now on is not said to be blocked.
    pub(super) fn end_early(&mut self, now: Stamp, subject: Subject) {
        if let Some(past) = self.history.get_mut(&subject) {
            past.last = past.last.min(now);
        }
    }

    fn order(&mut self, now: Stamp, subject: Subject, act: OrderAct, out: &mut Vec<Effect>) {
        let order = Order { id: self.order_id(), subject, act };
        self.underway.leaves(subject, order.id);
        self.record(now, Event::Ordered(order.clone()), out);
        out.push(Effect::Order(order));
    }

    fn decide_free(&mut self, now: Stamp, row: &BlockRow, because: Because, out: &mut Vec<Effect>) {
        let decision = Decision {
            subject: row.subject,
            verdict: Verdict::Free,
            scope: row.scope.clone(),
            because,
            finding: None,
            policy: row.policy.clone(),
            earlier: 0,
        };
        self.record(now, Event::Decided(decision), out);
    }

    /// Blocks whose time is over. The kernel ended them by itself at the same moment.
    pub(super) fn end_blocks(&mut self, now: Stamp, out: &mut Vec<Effect>) {
        while let Some(row) = self.blocks.next_ended(now) {
            self.failed.remove(&row.subject);
            let end = row.until.unwrap_or(now);
            self.decide_free(end, &row, Because::Expired, out);
        }
    }

    /// What became of an order.
    pub(super) fn outcome(&mut self, now: Stamp, outcome: Outcome, out: &mut Vec<Effect>) {
        let subject = outcome.subject;
        if !self.underway.arrived(&outcome, out) {
            self.record(now, Event::Happened(outcome), out);
            return;
        }
        match &outcome.result {
            OutcomeResult::Applied | OutcomeResult::Observed => {
                self.failed.remove(&subject);
            }
            OutcomeResult::Refused(_) => {
                // The warden has the last word: there is no such block.
                self.failed.remove(&subject);
                self.blocks.remove(subject);
                self.end_early(now, subject);
            }
            OutcomeResult::Failed(_) => {
                let tries = self.failed.get(&subject).map_or(0, |(_, tries)| *tries);
                let wait_s = RETRY_FIRST_S.saturating_mul(1 << tries.min(6)).min(RETRY_LONGEST_S);
                self.failed.insert(subject, (now.plus_s(wait_s), tries.saturating_add(1)));
            }
        }
        self.record(now, Event::Happened(outcome), out);
    }

    /// Time has passed: failed orders are tried again, what is old is forgotten.
    pub(super) fn tick(&mut self, now: Stamp, out: &mut Vec<Effect>) {
        self.tell_hooked(now, out);
        self.block_entered(now, out);
        self.tell_held(now, out);
        let due: Vec<Subject> =
            self.failed.iter().filter(|(_, (when, _))| *when <= now).map(|(s, _)| *s).collect();
        for subject in due {
            match self.blocks.get(subject) {
                Some(row) => self.order_block(now, &row, out),
                None => self.order(now, subject, OrderAct::Free, out),
            }
            // The next outcome sets the next try; until then it is not tried twice.
            if let Some((when, _)) = self.failed.get_mut(&subject) {
                *when = now.plus_s(RETRY_LONGEST_S);
            }
        }
        self.forget(now);
    }

    fn forget(&mut self, now: Stamp) {
        let windows = self.setup.policies.iter();
        let longest_s = windows
            .map(|policy| policy.slow.map_or(0, |slow| slow.length_s).max(policy.window.length_s))
            .max()
            .unwrap_or(0);
        let forget_s =
            self.setup.policies.iter().map(|policy| policy.backoff.forget_s).max().unwrap_or(0);
        for _ in 0..FORGET_PER_TICK {
            match self.tallies.oldest() {
                Some((key, tally)) if now.since_s(tally.last) > longest_s => {
                    let (key, bytes) = (*key, tally.evidence_bytes());
                    self.evidence_bytes = self.evidence_bytes.saturating_sub(bytes);
                    self.tallies.remove(&key);
                }
                _ => break,
            }
        }
        let idle_s = monban_model::limits::CONNECTION_IDLE_S;
        for _ in 0..FORGET_PER_TICK {
            match self.connections.oldest() {
                Some((key, connection)) if now.since_s(connection.last()) > idle_s => {
                    let key = *key;
                    self.connections.remove(&key);
                }
                _ => break,
            }
        }
        while let Some((subject, past)) = self.history.oldest()
            && now.since_s(past.last) > forget_s
        {
            let subject = *subject;
            self.history.remove(&subject);
        }
    }

    /// Blocks in force, as orders for a warden that has just started.
    pub fn standing_orders(&self) -> impl Iterator<Item = (Subject, Scope, Option<Stamp>)> {
        self.blocks.rows().map(|row| (row.subject, row.scope, row.until))
    }
}

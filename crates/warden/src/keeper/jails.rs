//! What jails want of the warden.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use monban_model::wire::ToWatcher;
use monban_model::{JailJob, JailOrder, JailResult, Refusal, Subject};

use super::Keeper;
use super::actor::outcome;

/// The wait before jails are looked after again.
const CHECK_AGAIN: Duration = Duration::from_secs(5);

/// After so long the kernel has reported what a check repaired.
const CHECK_SETTLES: Duration = Duration::from_millis(200);

/// The longest such wait.
const CHECK_AGAIN_MAX: Duration = Duration::from_secs(600);

/// Jails are looked after.
#[derive(Debug, Default)]
pub(super) struct Checks {
    /// Orders for that whose outcome did not come yet.
    open: BTreeSet<u64>,
    /// When the last of them was done.
    done: Option<Instant>,
    /// When somebody's removal last led to it, and how long it then rests.
    last: Option<(Instant, Duration)>,
    /// Something was removed since.
    waits: bool,
    /// All of that while jails were looked after: an action that repairs itself in vain must not
    /// go on so for ever.
    is_own: bool,
}

impl Checks {
    pub(super) fn begin(&mut self, order: u64) {
        self.open.insert(order);
    }

    pub(super) fn end(&mut self, order: u64) {
        if self.open.remove(&order) {
            self.done = Some(Instant::now());
        }
    }

    pub(super) fn end_all(&mut self) {
        self.open.clear();
    }

    /// Whether jails are to be looked after now; `removed` says whether something was.
    fn is_due(&mut self, removed: bool, now: Instant) -> bool {
        if removed {
            let after = self.done.map(|done| now.saturating_duration_since(done));
            let is_own = !self.open.is_empty() || after.is_some_and(|after| after < CHECK_SETTLES);
            self.is_own = is_own && (self.is_own || !self.waits);
            self.waits = true;
        }
        let rests = |(at, wait): &(Instant, Duration)| now.saturating_duration_since(*at) < *wait;
        if !self.waits || self.last.as_ref().is_some_and(rests) {
            return false;
        }
        let wait = match self.last {
            Some((_, wait)) if self.is_own => wait.saturating_mul(2).min(CHECK_AGAIN_MAX),
            _ => CHECK_AGAIN,
        };
        self.last = Some((now, wait));
        (self.waits, self.is_own) = (false, false);
        true
    }
}

impl Keeper<'_> {
    /// Hands orders on to the actor, but no ban that the warden's own eyes stand against. An order
    /// that names no address (a jail may ban users) has nothing to compare; the actor sees to it
    /// that it bans no address.
    pub(super) fn carry_out_jails(&mut self, reload: u32, orders: Vec<JailOrder>) {
        if !self.acts() {
            let observed = orders.iter().map(|order| outcome(order, JailResult::Observed));
            return self.tell_outcomes(observed.collect());
        }
        self.look_if_stale();
        let (mut wanted, mut outcomes) = (Vec::with_capacity(orders.len()), Vec::new());
        for order in orders {
            match self.jail_refusal(&order) {
                Some(why) => outcomes.push(outcome(&order, JailResult::Refused(why))),
                None => wanted.push(order),
            }
        }
        self.hand_on(reload, wanted, outcomes);
    }

    /// Has the jails looked after when somebody removed something that may be theirs. Containers
    /// that come and go do that all day: it is done at once, and then not again for a moment.
    pub(super) fn check_jails(&mut self) {
        let Ok(wall) = &mut self.wall else { return };
        let removed = wall.take_removed_elsewhere();
        if self.acts() && self.staff.checks.is_due(removed, Instant::now()) {
            self.post(&ToWatcher::CheckJails, None);
        }
    }

    fn jail_refusal(&self, order: &JailOrder) -> Option<Refusal> {
        match order.job {
            JailJob::Ban | JailJob::Reban { .. } | JailJob::Prolong => {
                self.refusal_of(Subject::exactly(order.address?))
            }
            JailJob::Start
            | JailJob::Stop
            | JailJob::Unban
            | JailJob::Check
            | JailJob::Reload
            | JailJob::Flush { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removals_are_looked_after_at_once_then_now_and_then_and_own_ones_ever_less() {
        let (mut checks, start) = (Checks::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        assert!(!checks.is_due(false, start));
        assert!(checks.is_due(true, start));
        assert!(!checks.is_due(true, after(1)));
        assert!(!checks.is_due(false, after(4)));
        assert!(checks.is_due(false, after(5)), "it is not forgotten");
        assert!(!checks.is_due(false, after(20)));
        // An action that removes something each time it is looked after.
        let (mut now, mut count) = (20, 0);
        while now < 3620 {
            checks.begin(7);
            count += u32::from(checks.is_due(true, after(now)));
            now += 1;
        }
        assert!((6..=13).contains(&count), "{count} times in an hour");
        checks.end_all();
        assert!(checks.is_due(true, after(now + 600)));
        assert!(checks.is_due(true, after(now + 605)), "somebody else's");
    }
}

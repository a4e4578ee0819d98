//! What jails want of the warden.

use std::time::{Duration, Instant};

use monban_model::wire::ToWatcher;
use monban_model::{JailJob, JailOrder, JailResult, Refusal, Subject};

use super::Keeper;
use super::actor::outcome;

/// The wait before jails are looked after again.
const CHECK_AGAIN: Duration = Duration::from_secs(5);

impl Keeper<'_> {
    /// Hands orders on to the actor, but no ban that the warden's own eyes stand against. An order
    /// that names no address (a jail may ban users) has nothing to compare; the actor sees to it
    /// that it bans no address.
    pub(super) fn carry_out_jails(&mut self, orders: Vec<JailOrder>) {
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
        self.hand_on(wanted, outcomes);
    }

    /// Has the jails looked after when somebody removed something that may be theirs. Containers
    /// that come and go do that all day: it is done at once, and then not again for a moment.
    pub(super) fn check_jails(&mut self) {
        if !self.acts() || self.staff.checked.is_some_and(|last| last.elapsed() < CHECK_AGAIN) {
            return;
        }
        let Ok(wall) = &mut self.wall else { return };
        if wall.take_removed_elsewhere() {
            self.staff.checked = Some(Instant::now());
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

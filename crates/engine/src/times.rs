//! The time of an event: the line's own, as far as it can be believed.

use monban_model::limits::{EVENT_AGE_MAX_S, EVENT_AHEAD_MAX_S};
use monban_model::{BySource, SourceId, Stamp};

/// Which of a line's two times was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clamp {
    /// The line's own.
    Own,
    /// Its arrival: it has no time of its own.
    Absent,
    /// Its arrival: its own is too old or ahead of the clock.
    Disbelieved,
}

/// Turns the times of lines into event times, per source.
///
/// An attacker may be able to write a date into a log, and a server's clock may be wrong. A
/// line that has just arrived therefore happened now, give or take; only while old lines are
/// caught up with do their own times count without a lower bound.
#[derive(Debug, Default)]
pub struct Times {
    last: BySource<Stamp>,
    disbelieved: u64,
}

impl Times {
    /// The event time of a line. Within a source it never goes backwards, unless the clock did.
    ///
    /// While old lines are caught up with, a line without a time that can be true happened when
    /// the line before it did: its arrival says nothing.
    pub fn event(
        &mut self,
        source: SourceId,
        own: Option<Stamp>,
        arrival: Stamp,
        catching_up: bool,
    ) -> (Stamp, Clamp) {
        let newest = Stamp(arrival.0.saturating_add(EVENT_AHEAD_MAX_S as i64 * 1000));
        let oldest = Stamp(arrival.0.saturating_sub(EVENT_AGE_MAX_S as i64 * 1000));
        let clamp = match own {
            None => Clamp::Absent,
            Some(own) if own > newest || (own < oldest && !catching_up) => {
                self.disbelieved += 1;
                Clamp::Disbelieved
            }
            Some(_) => Clamp::Own,
        };
        let place = self.last.place(source);
        let last = place.as_deref().copied().flatten().filter(|last| *last <= newest);
        let time = match (clamp, own) {
            (Clamp::Own, Some(own)) => own,
            _ if catching_up => return (last.unwrap_or(arrival), clamp),
            _ => arrival,
        };
        let time = last.map_or(time, |last| last.max(time));
        if let Some(place) = place {
            *place = Some(time);
        }
        (time, clamp)
    }

    /// Another log is read under this number from now on.
    pub fn forget(&mut self, source: SourceId) {
        self.last.remove(source);
    }

    /// Lines whose own time was not believed, since the start.
    pub fn disbelieved(&self) -> u64 {
        self.disbelieved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Stamp = Stamp(1_000_000_000);

    fn event(own_s: i64, catching_up: bool) -> (i64, Clamp) {
        let own = Stamp(NOW.0 + own_s * 1000);
        let (time, clamp) = Times::default().event(SourceId(0), Some(own), NOW, catching_up);
        ((time.0 - NOW.0) / 1000, clamp)
    }

    #[test]
    fn a_fresh_line_is_believed_within_a_minute() {
        assert_eq!(event(-60, false), (-60, Clamp::Own));
        assert_eq!(event(-61, false), (0, Clamp::Disbelieved));
        assert_eq!(event(1, false), (1, Clamp::Own));
        assert_eq!(event(2, false), (0, Clamp::Disbelieved));
    }

    #[test]
    fn an_old_line_is_believed_while_catching_up_but_never_one_of_the_future() {
        assert_eq!(event(-86_400, true), (-86_400, Clamp::Own));
        assert_eq!(event(3600, true), (0, Clamp::Disbelieved));
    }

    #[test]
    fn one_line_without_a_time_does_not_date_the_backlog_now() {
        let mut times = Times::default();
        let mut at = |own| times.event(SourceId(0), own, NOW, true).0;
        assert_eq!(at(Some(Stamp(5000))), Stamp(5000));
        assert_eq!(at(None), Stamp(5000));
        assert_eq!(at(Some(Stamp(NOW.0 * 2))), Stamp(5000), "a time of the future");
        assert_eq!(at(Some(Stamp(7000))), Stamp(7000));
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_freeze_time() {
        let mut times = Times::default();
        let mut at = |now: i64| times.event(SourceId(0), Some(Stamp(now)), Stamp(now), false).0;
        assert_eq!(at(90_000_000), Stamp(90_000_000));
        assert_eq!(at(3_600_000), Stamp(3_600_000));
    }

    #[test]
    fn time_does_not_go_backwards_within_a_source() {
        let mut times = Times::default();
        let mut at = |source, own| times.event(SourceId(source), Some(own), NOW, true).0;
        assert_eq!(at(0, Stamp(5000)), Stamp(5000));
        assert_eq!(at(0, Stamp(3000)), Stamp(5000));
        assert_eq!(at(1, Stamp(3000)), Stamp(3000));
        times.forget(SourceId(0));
        let (time, _) = times.event(SourceId(0), Some(Stamp(2000)), NOW, true);
        assert_eq!(time, Stamp(2000), "another log under the number");
    }
}

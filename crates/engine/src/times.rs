//! The time of an event: the line's own, as far as it can be believed.

use std::collections::HashMap;

use monban_model::limits::{EVENT_AGE_MAX_S, EVENT_AHEAD_MAX_S};
use monban_model::{SourceId, Stamp};

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
    last: HashMap<SourceId, Stamp>,
    disbelieved: u64,
}

impl Times {
    /// The event time of a line. Within a source it never goes backwards.
    pub fn event(
        &mut self,
        source: SourceId,
        own: Option<Stamp>,
        arrival: Stamp,
        catching_up: bool,
    ) -> (Stamp, Clamp) {
        let newest = Stamp(arrival.0.saturating_add(EVENT_AHEAD_MAX_S as i64 * 1000));
        let oldest = Stamp(arrival.0.saturating_sub(EVENT_AGE_MAX_S as i64 * 1000));
        let (time, clamp) = match own {
            None => (arrival, Clamp::Absent),
            Some(own) if own > newest || (own < oldest && !catching_up) => {
                self.disbelieved += 1;
                (arrival, Clamp::Disbelieved)
            }
            Some(own) => (own, Clamp::Own),
        };
        let last = self.last.entry(source).or_insert(time);
        *last = time.max(*last);
        (*last, clamp)
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
    fn time_does_not_go_backwards_within_a_source() {
        let mut times = Times::default();
        let mut at = |source, own| times.event(SourceId(source), Some(own), NOW, true).0;
        assert_eq!(at(0, Stamp(5000)), Stamp(5000));
        assert_eq!(at(0, Stamp(3000)), Stamp(5000));
        assert_eq!(at(1, Stamp(3000)), Stamp(3000));
    }
}

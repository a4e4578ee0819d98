//! What is to be sent again after a failure: each event arrives at least once, and none holds up
//! the others for ever.

use super::batcher::LogBatch;
use super::fault::{Cause, Fault};
use super::logs::Accepted;

/// What becomes of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum After {
    /// It arrived: everything up to this mark is done with.
    Done {
        /// The mark of the batch.
        upto: u64,
    },
    /// The same once more, whole, after this many milliseconds. What of it had arrived already
    /// arrives twice.
    Again {
        /// The batch.
        batch: LogBatch,
        /// How long to wait.
        wait_ms: u64,
    },
    /// In two halves, at once: AWS refuses the batch, and one event of it may be the reason.
    Halves(LogBatch, LogBatch),
    /// One event that AWS refuses for itself. It is given up, counted and said; everything up to
    /// the mark is done with.
    Refused {
        /// The mark of the batch.
        upto: u64,
        /// How many events.
        events: u64,
    },
}

/// The first wait after something that passes, in milliseconds; it doubles with each try.
const FIRST_WAIT_MS: u64 = 1000;
/// The longest wait.
const LONGEST_WAIT_MS: u64 = 300_000;

/// What becomes of a batch that was tried `tries` times, counting this one. `chance` is any number:
/// it spreads the waits of hosts that fail at the same time over half of their length.
pub fn after(batch: LogBatch, result: &Result<Accepted, Fault>, tries: u32, chance: u64) -> After {
    let fault = match result {
        Ok(_) => return After::Done { upto: batch.upto },
        Err(fault) => fault,
    };
    match (fault.transient, fault.cause) {
        (false, Cause::Unfit) if batch.events.len() > 1 => halves(batch),
        (false, Cause::Unfit) => {
            After::Refused { upto: batch.upto, events: batch.events.len() as u64 }
        }
        (true, _) => {
            let wait_ms = wait(FIRST_WAIT_MS << tries.saturating_sub(1).min(16), chance);
            After::Again { batch, wait_ms }
        }
        // Missing rights, keys, a wrong name: an administrator puts that right, and the log waits.
        (false, _) => After::Again { batch, wait_ms: wait(LONGEST_WAIT_MS, chance) },
    }
}

fn wait(wait_ms: u64, chance: u64) -> u64 {
    let wait_ms = wait_ms.min(LONGEST_WAIT_MS);
    wait_ms / 2 + chance % (wait_ms / 2 + 1)
}

/// The first half is done with before the second is: it carries no mark beyond its own events'.
fn halves(mut batch: LogBatch) -> After {
    let rest = batch.events.split_off(batch.events.len() / 2);
    let second = LogBatch { upto: batch.upto, events: rest };
    // Events are in the order of time, not of marks: the first half is done with only up to what
    // stands before everything in the second.
    let least = second.events.iter().map(|event| event.mark).min().unwrap_or(batch.upto);
    let marks = batch.events.iter().map(|event| event.mark);
    batch.upto = marks.filter(|mark| *mark < least).max().unwrap_or(0);
    After::Halves(batch, second)
}

#[cfg(test)]
mod tests {
    use monban_model::Stamp;

    use super::*;
    use crate::aws::LogEvent;

    fn batch(marks: &[u64]) -> LogBatch {
        let event = |mark: &u64| LogEvent { time: Stamp(0), message: "a".to_owned(), mark: *mark };
        let upto = marks.iter().copied().max().unwrap_or(0);
        LogBatch { events: marks.iter().map(event).collect(), upto }
    }

    fn fault(cause: Cause, transient: bool) -> Result<Accepted, Fault> {
        Err(Fault { cause, transient, text: String::new() })
    }

    #[test]
    fn what_arrived_is_done_with() {
        let result = Ok(Accepted::default());
        assert_eq!(after(batch(&[3, 9]), &result, 1, 0), After::Done { upto: 9 });
    }

    #[test]
    fn what_passes_is_tried_again_whole_and_ever_more_rarely() {
        let waits = (1..=12).map(|tries| {
            let result = fault(Cause::Throttled, true);
            match after(batch(&[1]), &result, tries, u64::MAX) {
                After::Again { batch: same, wait_ms } if same == batch(&[1]) => wait_ms,
                other => panic!("{other:?}"),
            }
        });
        let waits: Vec<u64> = waits.collect();
        assert!(waits.iter().all(|wait| (500..=300_000).contains(wait)), "{waits:?}");
        assert!(waits[3] > waits[0] && waits[11] >= 150_000, "{waits:?}");
    }

    #[test]
    fn missing_rights_lose_nothing() {
        for cause in [Cause::Denied, Cause::Credentials, Cause::Missing, Cause::Invalid] {
            let next = after(batch(&[1, 2]), &fault(cause, false), 100, 7);
            assert!(matches!(next, After::Again { wait_ms, .. } if wait_ms >= 150_000));
        }
    }

    #[test]
    fn one_event_that_is_refused_costs_only_itself() {
        let wrong = fault(Cause::Unfit, false);
        let poison = 5;
        let good = Ok(Accepted::default());
        let (mut todo, mut done, mut refused) = (vec![batch(&[4, 1, 2, 5, 3])], Vec::new(), 0);
        while let Some(next) = todo.pop() {
            let is_bad = next.events.iter().any(|event| event.mark == poison);
            let sent: Vec<u64> = next.events.iter().map(|event| event.mark).collect();
            match after(next, if is_bad { &wrong } else { &good }, 1, 0) {
                After::Done { .. } => done.extend(sent),
                After::Halves(first, second) => todo.extend([second, first]),
                After::Refused { events, .. } => refused += events,
                After::Again { .. } => panic!("again"),
            }
        }
        done.sort_unstable();
        assert_eq!((done, refused), (vec![1, 2, 3, 4], 1));
    }

    #[test]
    fn the_first_half_is_done_with_up_to_what_the_second_still_holds() {
        let next = after(batch(&[4, 1, 2, 3]), &fault(Cause::Unfit, false), 1, 0);
        let After::Halves(first, second) = next else { panic!("{next:?}") };
        assert_eq!((first.upto, second.upto), (1, 4));
    }
}

//! Notices when the clock is set, and when the machine slept.

use rustix::time::{ClockId, Timespec, clock_gettime};

/// A clock that drifts is corrected by less than this at a time.
const STEP_MS: i64 = 1000;

/// What happened to the clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The clock was set forward by so many milliseconds, or back.
    Set(i64),
    /// The machine slept: the kernel's timeouts stood still, the clock did not.
    Slept,
}

/// How the three clocks stood to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// The time of day minus the time since boot.
    day: i64,
    /// The time since boot minus the time since boot without sleep.
    sleep: i64,
}

impl Clocks {
    /// As they stand now.
    pub fn look() -> Self {
        let boot = ms(clock_gettime(ClockId::Boottime));
        Self {
            day: ms(clock_gettime(ClockId::Realtime)) - boot,
            sleep: boot - ms(clock_gettime(ClockId::Monotonic)),
        }
    }

    /// Takes over how they stand now and tells what happened since.
    pub fn turn(&mut self, now: Self) -> Option<Turn> {
        let (set, slept) = (now.day - self.day, now.sleep - self.sleep);
        // Small steps add up to one: what was known stays until then.
        if set.abs() >= STEP_MS {
            *self = now;
            return Some(Turn::Set(set));
        }
        if slept.abs() >= STEP_MS {
            self.sleep = now.sleep;
            return Some(Turn::Slept);
        }
        None
    }
}

fn ms(time: Timespec) -> i64 {
    time.tv_sec.saturating_mul(1000).saturating_add(time.tv_nsec / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_runs_is_not_set() {
        let mut clocks = Clocks::look();
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert_eq!(clocks.turn(Clocks::look()), None);
    }

    #[test]
    fn steps_are_told_once_and_small_ones_add_up() {
        let mut clocks = Clocks { day: 5000, sleep: 0 };
        assert_eq!(clocks.turn(Clocks { day: 5600, sleep: 0 }), None);
        assert_eq!(clocks.turn(Clocks { day: 6200, sleep: 0 }), Some(Turn::Set(1200)));
        assert_eq!(clocks.turn(Clocks { day: 6200, sleep: 0 }), None);
        assert_eq!(clocks.turn(Clocks { day: -900, sleep: 0 }), Some(Turn::Set(-7100)));
        assert_eq!(clocks.turn(Clocks { day: -900, sleep: 4000 }), Some(Turn::Slept));
        assert_eq!(clocks.turn(Clocks { day: -900, sleep: 4000 }), None);
    }
}

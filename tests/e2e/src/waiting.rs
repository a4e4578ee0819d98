//! Waiting for something, with an end.

use std::thread;
use std::time::{Duration, Instant};

use crate::trouble::{Tried, Trouble};

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Looks until `look` finds something; the time it took comes with it.
pub fn until<T>(
    what: &str,
    at_most: Duration,
    mut look: impl FnMut() -> Tried<Option<T>>,
) -> Tried<(T, Duration)> {
    let start = Instant::now();
    loop {
        if let Some(found) = look()? {
            return Ok((found, start.elapsed()));
        }
        if start.elapsed() > at_most {
            return Err(Trouble(format!("{what}: not within {} s", at_most.as_secs())));
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// Looks until the condition holds; how long it took.
pub fn until_true(
    what: &str,
    at_most: Duration,
    mut look: impl FnMut() -> Tried<bool>,
) -> Tried<Duration> {
    until(what, at_most, || Ok(look()?.then_some(()))).map(|(_, took)| took)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_ends() {
        assert!(until_true("never", Duration::from_millis(50), || Ok(false)).is_err());
        let mut looks = 0;
        let at_once = until("soon", Duration::from_secs(5), || {
            looks += 1;
            Ok((looks == 3).then_some(looks))
        });
        assert_eq!(at_once.unwrap().0, 3);
    }
}

//! Reads back whether the kernel has what it was told.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use crate::placed::held_in;
use crate::plan::{Wish, targets};
use crate::read::find;
use crate::socket::Socket;
use crate::target::{Key, SETS, Target};
use crate::{Change, FirewallError};

/// How far the time that is left may be from what was wished to count as the same.
const LEFT_TOLERANCE: Duration = Duration::from_secs(2);

/// True for each change that the kernel has. `ports` are where a freed subject is looked for;
/// `late` is how much time may have gone since the changes were given.
pub(crate) fn verify(
    socket: &mut Socket,
    ports: &BTreeSet<u16>,
    changes: &[Change],
    late: Duration,
) -> Result<Vec<bool>, FirewallError> {
    let start = Instant::now();
    let mut answers = vec![true; changes.len()];
    let mut single = Vec::new();
    let mut networks: HashMap<usize, HashMap<Target, Option<Duration>>> = HashMap::new();
    for ((index, change), answer) in changes.iter().enumerate().zip(&mut answers) {
        let Ok(targets) = targets(change, ports.iter().copied()) else {
            *answer = false;
            continue;
        };
        for (target, wish) in targets {
            let set = target.set();
            let Some(spec) = SETS.get(set).copied() else {
                continue;
            };
            if !spec.is_ranges() {
                let (address, _) = target.bounds();
                let key = Key::new(spec, address, target.port.unwrap_or(0));
                single.push((index, wish, (spec, key)));
                continue;
            }
            let held = match networks.entry(set) {
                Entry::Occupied(held) => held.into_mut(),
                Entry::Vacant(place) => {
                    let held = held_in(socket, spec)?;
                    place.insert(held.iter().map(|held| (held.target, held.left)).collect())
                }
            };
            let there = held.get(&target).copied();
            *answer &= is_so(wish, there, late + start.elapsed());
        }
    }
    let wanted: Vec<_> = single.iter().map(|(_, _, wanted)| *wanted).collect();
    let found = find(socket, &wanted)?;
    let late = late + start.elapsed();
    for ((index, wish, _), found) in single.iter().zip(found) {
        let so = is_so(*wish, found.map(|element| element.left), late);
        if let Some(answer) = answers.get_mut(*index) {
            *answer &= so;
        }
    }
    Ok(answers)
}

/// Whether an element is as wished; `there` has the time that is left if it is there.
fn is_so(wish: Wish, there: Option<Option<Duration>>, late: Duration) -> bool {
    match (wish, there) {
        (Wish::Gone, there) => there.is_none(),
        (Wish::Held(wished), Some(left)) => match (wished, left) {
            (None, None) => true,
            (Some(wished), Some(left)) => {
                left <= wished + LEFT_TOLERANCE && left + late + LEFT_TOLERANCE >= wished
            }
            _ => false,
        },
        (Wish::Held(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_counts_as_the_same_within_two_seconds() {
        let s = |seconds| Some(Duration::from_secs(seconds));
        let is_so = |wish, there| is_so(wish, there, Duration::from_secs(5));
        assert!(is_so(Wish::Held(s(600)), Some(s(602))));
        assert!(!is_so(Wish::Held(s(600)), Some(s(603))));
        assert!(is_so(Wish::Held(s(600)), Some(s(593))));
        assert!(!is_so(Wish::Held(s(600)), Some(s(592))));
        assert!(!is_so(Wish::Held(None), Some(s(600))));
        assert!(!is_so(Wish::Held(s(600)), Some(None)));
        assert!(!is_so(Wish::Held(None), None));
        assert!(is_so(Wish::Held(None), Some(None)));
        assert!(is_so(Wish::Gone, None));
        assert!(!is_so(Wish::Gone, Some(None)));
    }
}

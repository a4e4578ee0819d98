//! Lines of one connection: the address may stand in one and the failure in another.
//!
//! The rules are fail2ban's: a line that gained access clears what was pending, unless more than
//! one user was tried; a line that is no failure by itself is kept until there is one.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use super::failure::{Failure, Lines, Split};
use super::groups::Value;

/// Connections that are remembered at once; the oldest make room.
pub const CONNECTIONS_MAX: usize = 100;

/// How long one is remembered after its first line, in seconds.
pub const REMEMBERED_S: i64 = 300;

/// The connections of one filter.
#[derive(Debug, Default)]
pub struct Connections {
    known: HashMap<Arc<str>, (Failure, i64)>,
    /// The same keys, oldest first.
    order: VecDeque<Arc<str>>,
}

/// A failure that was merged with its connection, and whether it is to be remembered.
#[derive(Clone, Debug)]
pub struct Merged {
    /// What is known now.
    pub failure: Failure,
    /// Whether the connection was known.
    pub joined: bool,
    /// Under which key and until when.
    remember: Option<(Arc<str>, i64)>,
}

impl Merged {
    /// Whether the connection goes on.
    pub fn is_kept(&self) -> bool {
        self.remember.is_some()
    }
}

impl Connections {
    /// Merges a failure with what is known of its connection. [`Connections::keep`] has to follow.
    pub fn merge(
        &mut self,
        key: &Arc<str>,
        mut now: Failure,
        lines: &[Arc<Split>],
        clock: i64,
    ) -> Merged {
        let gained = now.has("mlfgained");
        if gained && !now.has("nofail") {
            let value = now.groups.get("mlfgained").cloned().unwrap_or(Value::None);
            now.groups.insert("nofail", value);
        }
        let mut quiet = gained || now.has("nofail");
        let mut gained = gained;
        let forget = now.take("mlfforget");
        let mut remember = None;
        let known = self.take(key, clock);
        let joined = known.is_some();
        let mut failure = match known {
            Some((key, known, until)) => {
                match forget {
                    true => self.leave_order(&key),
                    false => remember = Some((key, until)),
                }
                join(known, now, gained)
            }
            None => {
                if !forget {
                    let user = now.text("user").map(str::to_owned);
                    add_user(&mut now.users, user);
                    remember = Some((key.clone(), clock + REMEMBERED_S));
                }
                now
            }
        };
        let several = failure.users.as_ref().is_some_and(|users| users.len() > 1);
        if std::mem::take(&mut failure.pending) || several {
            failure.take("nofail");
            failure.take("mlfgained");
            (quiet, gained) = (false, false);
        }
        if !quiet {
            let mut matches = std::mem::take(&mut failure.quiet_matches);
            matches.append(std::mem::take(&mut failure.matches));
            if !gained {
                matches.extend(lines);
            }
            failure.matches = matches;
        } else if !forget {
            failure.quiet_matches.extend(lines);
        }
        Merged { failure, joined, remember }
    }

    /// Remembers what is known now, unless the connection is over.
    pub fn keep(&mut self, merged: Merged, clock: i64) {
        let Some((key, until)) = merged.remember else { return };
        // One that was known has its place in the order.
        if !merged.joined {
            if self.order.len() >= CONNECTIONS_MAX {
                self.make_room(clock);
            }
            self.order.push_back(key.clone());
        }
        self.known.insert(key, (merged.failure, until));
    }

    /// The connection under the key that it has in both lists.
    fn take(&mut self, key: &str, clock: i64) -> Option<(Arc<str>, Failure, i64)> {
        let (key, (failure, until)) = self.known.remove_entry(key)?;
        if until > clock {
            return Some((key, failure, until));
        }
        self.leave_order(&key);
        None
    }

    /// Takes a key out of the order, in which it is once; mostly it is a young one.
    fn leave_order(&mut self, key: &Arc<str>) {
        let place = self.order.iter().rposition(|known| Arc::ptr_eq(known, key));
        place.and_then(|place| self.order.remove(place));
    }

    /// The oldest goes, and those before it that are over anyway.
    fn make_room(&mut self, clock: i64) {
        while let Some(key) = self.order.pop_front() {
            let until = self.known.remove(&key).map_or(i64::MIN, |(_, until)| until);
            if until > clock && self.order.len() < CONNECTIONS_MAX {
                break;
            }
        }
    }
}

/// The connection as it is with one line more.
fn join(mut known: Failure, now: Failure, gained: bool) -> Failure {
    let user = now.text("user").map(str::to_owned);
    add_user(&mut known.users, user);
    // Whether it is a failure is told by the last line alone.
    let was_quiet = known.take("nofail") | known.take("mlfgained");
    if gained {
        known.pending = false;
    }
    // Lines that were handed out with a failure before are not handed out again.
    if !was_quiet && !known.pending {
        known.matches = Lines::default();
    }
    known.groups.take_told(now.groups);
    known
}

fn add_user(users: &mut Option<BTreeSet<String>>, user: Option<String>) {
    if let Some(user) = user.filter(|user| !user.is_empty()) {
        users.get_or_insert_default().insert(user);
    }
}

//! One monban a state folder.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use monban_model::wire::Request;
use monban_views::Say;
use rustix::fs::FlockOperation;

use super::control::short_path;
use crate::commands::exchange;
use crate::place::{LOCK, Place};

/// A monban that is not ending answers within this time.
const ANSWERS_IN: Duration = Duration::from_secs(3);

/// Locks the state folder. A start waits for the end of the run before, which does not answer any
/// more; `None` if that runs on.
///
/// # Errors
/// If the lock cannot be made: `NotFound` where another start has taken the folder back.
pub fn only_one(place: &Place, say: &Say) -> io::Result<Option<OwnedFd>> {
    let path = place.state.join(LOCK);
    let lock: OwnedFd = File::create(&path)?.into();
    if rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        let folder = File::open(&place.state)?;
        let answer = exchange(&short_path(&folder), &Request::Status, None, ANSWERS_IN);
        if matches!(answer, Ok(Some(_))) {
            return Ok(None);
        }
        let path = path.display().to_string();
        eprintln!("{}", say.text("running-before", &[("path", &path)]));
        rustix::fs::flock(&lock, FlockOperation::LockExclusive)?;
    }
    Ok(Some(lock))
}

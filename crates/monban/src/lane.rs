//! What courier and runner have in common: reports are kept for a while, so that nothing that was
//! delivered is delivered again for a watcher that did not hear of it.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use monban_model::wire::{Report, Taken};
use monban_warden::Channel;
use rustix::event::{PollFd, PollFlags};

/// Reports that are kept.
const KEPT: usize = 4096;

/// Deliveries that were taken, by their ids.
#[derive(Debug, Default)]
pub struct Finished {
    taken: HashMap<String, Taken>,
    order: VecDeque<String>,
}

impl Finished {
    /// Keeps that a message was taken; what failed may be tried again.
    pub fn keep(&mut self, report: &Report) {
        if matches!(report.taken, Taken::No { .. }) {
            return;
        }
        if self.taken.insert(report.id.clone(), report.taken.clone()).is_none() {
            self.order.push_back(report.id.clone());
        }
        if self.order.len() > KEPT
            && let Some(old) = self.order.pop_front()
        {
            self.taken.remove(&old);
        }
    }

    /// The report of a message that was taken before.
    pub fn get(&self, id: &str) -> Option<Report> {
        let taken = self.taken.get(id)?.clone();
        Some(Report { id: id.to_owned(), taken, dialogue: String::new() })
    }
}

/// Waits until somebody speaks, the bell rings or the time is over, and silences the bell.
///
/// # Errors
/// If the kernel fails.
pub fn wait_for<const N: usize>(
    channels: [Option<&Channel>; N],
    bell: &UnixStream,
    time: Duration,
) -> io::Result<()> {
    let mut fds = vec![PollFd::new(bell, PollFlags::IN)];
    for channel in channels.into_iter().flatten() {
        let out = if channel.is_behind() { PollFlags::OUT } else { PollFlags::empty() };
        fds.push(PollFd::from_borrowed_fd(channel.as_fd(), PollFlags::IN | out));
    }
    let time = time.try_into().map_err(io::Error::other)?;
    match rustix::event::poll(&mut fds, Some(&time)) {
        Err(rustix::io::Errno::INTR) | Ok(_) => {}
        Err(error) => return Err(error.into()),
    }
    let mut bytes = [0; 64];
    while rustix::io::read(bell, &mut bytes).is_ok_and(|count| count > 0) {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_is_remembered_for_a_while_and_what_failed_is_not() {
        let mut finished = Finished::default();
        let report =
            |id: usize, taken| Report { id: id.to_string(), taken, dialogue: "long".to_owned() };
        let no = Taken::No { permanent: false, retry_after_s: None, why: String::new() };
        finished.keep(&report(0, no));
        assert_eq!(finished.get("0"), None);
        for id in 1..=2 * KEPT {
            finished.keep(&report(id, Taken::Yes { said: "250 ok".to_owned() }));
        }
        assert_eq!(finished.get(&KEPT.to_string()), None);
        assert!(
            finished.get(&(KEPT + 1).to_string()).is_some_and(|report| report.dialogue.is_empty())
        );
        assert!(finished.taken.len() <= KEPT);
    }
}

//! What the hook in PAM tells: the watcher has its socket; what the hook had to write down
//! meanwhile is taken from there and passed on.
//!
//! A spool is removed when the watcher had the time to commit what was in it. One that dies before
//! leaves it to the next; what comes twice is told apart by its number.

use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use monban_model::Address;
use monban_model::wire::{HookState, PamEvent, ToWatcher};

use super::Keeper;
use crate::pam::{Spool, Taken};

/// After so long everything that was passed on is committed.
const COMMITTED_AFTER: Duration = Duration::from_secs(5);

/// The hook's socket and spool, where this guard has them.
#[derive(Debug, Default)]
pub(super) struct Hook {
    socket: Option<OwnedFd>,
    spool: Option<Spool>,
    /// What was passed on, when, and to the how manieth watcher.
    taken: Option<(Taken, Instant, u32)>,
    /// Why there is no socket, until it is told.
    failed: Option<String>,
    /// That the spool cannot be read was told.
    told: bool,
    /// How it stood at the last look.
    state: Option<HookState>,
}

impl Hook {
    /// The socket, and the folder of the spool; or why they are missing.
    pub(super) fn new(hook: Result<Option<(OwnedFd, PathBuf)>, String>) -> Self {
        match hook {
            Ok(Some((socket, folder))) => {
                Self { socket: Some(socket), spool: Some(Spool::of(&folder)), ..Self::default() }
            }
            Ok(None) => Self::default(),
            Err(why) => Self { failed: Some(why), ..Self::default() },
        }
    }
}

impl Keeper<'_> {
    /// A new watcher gets the socket, and the first one hears why there is none.
    pub(super) fn pass_hook(&mut self) {
        if let Some(error) = self.hook.failed.take() {
            self.note("hook-socket-failed", vec![("error", error)]);
        }
        let socket = self.hook.socket.as_ref();
        if let Some(Ok(socket)) = socket.map(|socket| socket.as_fd().try_clone_to_owned()) {
            self.post(&ToWatcher::PamSocket, Some(socket));
        }
        if let Some(state) = self.hook.state.clone() {
            self.post(&ToWatcher::HookState(Box::new(state)), None);
        }
        self.take_spool();
    }

    /// Passes on how the hook stands, if that is known anew.
    pub(super) fn look_at_hook(&mut self) {
        let found = self.host.hook_state().filter(|state| self.hook.state.as_ref() != Some(state));
        if let Some(state) = found {
            self.hook.state = Some(state.clone());
            self.post(&ToWatcher::HookState(Box::new(state)), None);
        }
    }

    /// Somebody came in with a key: its comment stands in a file of the account.
    pub(super) fn ask_keys(&mut self, user: String, address: Option<Address>) {
        let names = self.host.key_file_names(&user, address);
        let pipe = self.keys.read(&user, names);
        self.post(&ToWatcher::Keys { user }, pipe);
    }

    /// Passes on what was written down, and removes what is committed.
    pub(super) fn take_spool(&mut self) {
        let Some(spool) = self.hook.spool.clone() else { return };
        if let Some((taken, since, watcher)) = self.hook.taken.take() {
            match (watcher == self.starts, since.elapsed() >= COMMITTED_AFTER) {
                (true, true) => {
                    // What cannot be removed is taken again, and known then.
                    let _ = taken.done();
                }
                (true, false) => self.hook.taken = Some((taken, since, watcher)),
                (false, _) => {}
            }
        }
        if self.hook.taken.is_some() || self.watcher.is_none() {
            return;
        }
        match spool.take() {
            Ok(None) => {}
            Ok(Some(taken)) => {
                let lost = taken.spooled.dropped + taken.spooled.damaged;
                if lost > 0 {
                    self.note("hook-lost", vec![("count", lost.to_string())]);
                }
                let events: Vec<PamEvent> = taken.spooled.events.clone();
                for event in events {
                    self.post(&ToWatcher::Hooked(Box::new(event)), None);
                }
                self.hook.taken = Some((taken, Instant::now(), self.starts));
            }
            Err(error) if !self.hook.told => {
                self.hook.told = true;
                self.note("hook-spool-failed", vec![("error", error.to_string())]);
            }
            Err(_) => {}
        }
    }
}

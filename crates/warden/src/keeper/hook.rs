//! What the hook in PAM tells: the watcher has its socket; what the hook had to write down
//! meanwhile is taken from there and passed on.
//!
//! A spool is removed when the watcher says that the ledger has what was in it. One that dies
//! before, or whose disk is full, leaves it to the next; what comes twice is told apart by its
//! number.

use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use monban_model::Address;
use monban_model::wire::{HookState, PamEvent, ToWatcher};

use super::Keeper;
use crate::pam::{PamSocket, Spool, Taken};

/// The hook's socket and spool, where this guard has them.
#[derive(Debug, Default)]
pub(super) struct Hook {
    /// The folder of both.
    folder: Option<PathBuf>,
    socket: Option<OwnedFd>,
    /// What was passed on, and to the how manieth watcher.
    taken: Option<(Taken, u32)>,
    /// Why there is no socket, until it is told.
    failed: Option<String>,
    /// That the spool cannot be read was told.
    told: bool,
    /// That the socket cannot be made was told.
    told_socket: bool,
    /// How it stood at the last look.
    state: Option<HookState>,
}

impl Hook {
    /// The socket, and the folder of the spool; or why they are missing.
    pub(super) fn new(hook: Option<(PathBuf, Result<OwnedFd, String>)>) -> Self {
        match hook {
            Some((folder, Ok(socket))) => {
                Self { folder: Some(folder), socket: Some(socket), ..Self::default() }
            }
            // It is tried again, and what was written down is taken meanwhile.
            Some((folder, Err(why))) => Self {
                folder: Some(folder),
                failed: Some(why),
                told_socket: true,
                ..Self::default()
            },
            None => Self::default(),
        }
    }

    /// Nobody hears the socket any more: the hook writes down what it has to tell.
    pub(super) fn close(&mut self) {
        self.socket = None;
    }
}

impl Keeper<'_> {
    /// A new watcher gets the socket, and the first one hears why there is none.
    pub(super) fn pass_hook(&mut self) {
        if let Some(error) = self.hook.failed.take() {
            self.note("hook-socket-failed", vec![("error", error)]);
        }
        self.pass_socket();
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
        let pipe = self.takes_descriptors().then(|| self.keys.read(&user, names)).flatten();
        self.post(&ToWatcher::Keys { user }, pipe);
    }

    /// Makes the socket anew that was closed.
    pub(super) fn reopen_hook(&mut self) {
        let Some(folder) = self.hook.folder.as_ref().filter(|_| self.hook.socket.is_none()) else {
            return;
        };
        match PamSocket::bind(folder) {
            Ok(socket) => {
                (self.hook.socket, self.hook.told_socket) = (Some(socket.into_fd()), false);
                self.pass_socket();
            }
            Err(error) if !self.hook.told_socket => {
                self.hook.told_socket = true;
                self.note("hook-socket-failed", vec![("error", error.to_string())]);
            }
            Err(_) => {}
        }
    }

    fn pass_socket(&mut self) {
        let socket = self.hook.socket.as_ref();
        if let Some(Ok(socket)) = socket.map(|socket| socket.as_fd().try_clone_to_owned()) {
            self.post(&ToWatcher::PamSocket, Some(socket));
        }
    }

    /// The ledger has what this watcher was passed.
    pub(super) fn drop_spool(&mut self) {
        if let Some((taken, watcher)) = self.hook.taken.take()
            && watcher == self.starts
        {
            let lost = taken.spooled.dropped + taken.spooled.damaged;
            if lost > 0 {
                self.note("hook-lost", vec![("count", lost.to_string())]);
            }
            // What cannot be removed is taken again, and known then.
            let _ = taken.done();
        }
    }

    /// Passes on what was written down.
    pub(super) fn take_spool(&mut self) {
        // One that ended before it had kept all leaves it to the next.
        self.hook.taken.take_if(|(_, watcher)| *watcher != self.starts);
        let Some(folder) = &self.hook.folder else { return };
        if self.hook.taken.is_some() || self.watcher.is_none() {
            return;
        }
        match Spool::of(folder).take() {
            Ok(None) => {}
            Ok(Some(taken)) => {
                let events: Vec<PamEvent> = taken.spooled.events.clone();
                self.hook.taken = Some((taken, self.starts));
                for event in events {
                    self.post(&ToWatcher::Hooked(Box::new(event)), None);
                }
                self.post(&ToWatcher::SpoolEnds, None);
            }
            Err(error) if !self.hook.told => {
                self.hook.told = true;
                self.note("hook-spool-failed", vec![("error", error.to_string())]);
            }
            Err(_) => {}
        }
    }
}

//! What the hook in PAM tells, from its socket or from what it wrote down.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use monban_engine::{Hooked, Observation};
use monban_model::Address;
use monban_model::wire::{PamEvent, PamType};
use monban_warden::pam::PamSocket;

use super::{Watch, now};

/// Events that are remembered, to know one that comes by socket and spool.
const REMEMBERED: usize = 4096;

/// Datagrams that are taken in a turn.
const A_TURN: usize = 256;

/// The hook's socket, and what it told.
#[derive(Default)]
pub struct Hook {
    socket: Option<PamSocket>,
    seen: VecDeque<(u64, u32)>,
}

impl Hook {
    /// The socket, to be waited for.
    pub fn socket(&self) -> Option<&PamSocket> {
        self.socket.as_ref()
    }

    /// Datagrams that were not believed: not from root, or no frame.
    pub fn refused(&self) -> u64 {
        self.socket.as_ref().map_or(0, |socket| socket.refused() + socket.damaged())
    }

    fn is_new(&mut self, event: &PamEvent) -> bool {
        let name = (event.boot_ns, event.pid);
        if self.seen.contains(&name) {
            return false;
        }
        if self.seen.len() >= REMEMBERED {
            self.seen.pop_front();
        }
        self.seen.push_back(name);
        true
    }
}

impl Watch {
    /// The warden has the hook's socket.
    pub(super) fn take_hook(&mut self, socket: OwnedFd) {
        self.hook.socket = Some(PamSocket::over(socket));
    }

    /// Takes what the hook sent.
    pub(super) fn hear_hook(&mut self) {
        for _ in 0..A_TURN {
            let Some(socket) = &mut self.hook.socket else { return };
            match socket.receive() {
                Ok(Some((event, _))) => self.hooked(&event),
                Ok(None) => return,
                Err(_) => self.hook.socket = None,
            }
        }
    }

    /// A session was opened.
    pub(super) fn hooked(&mut self, event: &PamEvent) {
        if event.kind != PamType::OpenSession || !self.hook.is_new(event) {
            return;
        }
        let some = |text: &str| (!text.is_empty()).then(|| text.as_bytes().to_vec());
        let clock = now();
        let address = event.rhost.parse::<Address>().ok();
        let hooked = Hooked {
            origin: self.mind.origin_of(address),
            time: event.time.min(clock),
            service: event.service.clone(),
            user: event.user.clone().into_bytes(),
            by: some(&event.ruser),
            address,
            // sshd opens the session before there is a terminal.
            terminal: some(&event.tty).filter(|tty| tty != b"ssh"),
        };
        self.mind.observe(clock, Observation::Hooked(hooked));
        self.collect();
    }
}

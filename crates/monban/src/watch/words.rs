//! Commands of `fail2ban-client`.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};

use monban_fail2ban::client;
use monban_model::limits::WORDS_BYTES_MAX;
use monban_model::wire::ToWarden;

use super::{Watch, now};

impl Watch {
    /// Answers a command. Whoever asks the ledger afterwards finds what it did.
    pub(super) fn words(&mut self, id: u32, fd: OwnedFd) -> io::Result<()> {
        let mut bytes = Vec::new();
        File::from(fd).take(WORDS_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
        let jails = self.jail_side.jails();
        // Bans end and begin by this clock.
        jails.tick(now());
        let answer = client::answer(&bytes, jails);
        let level = jails.log_level().to_owned();
        self.jail_side.log.set_level(&level);
        let after = self.jail_side.jails().stopping();
        self.serve_jails()?;
        self.commit();
        let file = monban_warden::memory_file(&answer)?;
        self.channel.send(&ToWarden::Words { id, after }, Some(file.as_fd()))
    }
}

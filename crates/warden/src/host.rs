//! What the warden needs of the program around it: how roles are started, where the
//! configuration comes from, and how people are told.

use std::io;
use std::os::fd::OwnedFd;
use std::process::Child;

use monban_model::wire::{HookState, Refusal};
use monban_model::{Address, Net, Notice, Stamp};

use crate::{Gate, KeyFileNames, Wall};

/// A configuration, as far as the warden needs it.
#[derive(Clone, Debug, Default)]
pub struct Load {
    /// Its files, for the watcher.
    pub bundle: Vec<u8>,
    /// Log files, with wildcards.
    pub patterns: Vec<String>,
    /// Those of them that only metrics name: nothing else is looked for in them.
    pub counted: Vec<String>,
    /// Log files that are sent to CloudWatch Logs, watched or not.
    pub sent: Vec<String>,
    /// Another number wherever it is configured otherwise how logs are sent: then all are passed
    /// to the watcher again.
    pub sent_by: u64,
    /// Those of them that a person named: it is said if nothing is there.
    pub named: Vec<String>,
    /// Never blocked.
    pub allow: Vec<Net>,
    /// The database of places, if it is not the installed one.
    pub geo: Option<std::path::PathBuf>,
    /// Block nobody.
    pub observe: bool,
    /// Jails of a fail2ban configuration run: their actions need an actor.
    pub jails: bool,
    /// The log that is written in fail2ban's form, if one is.
    pub jail_log: Option<std::path::PathBuf>,
    /// The database that fail2ban kept the bans of these jails in, if there is one.
    pub jail_database: Option<std::path::PathBuf>,
    /// What the courier needs to deliver messages, as [`monban_model::wire::encode_equipment`]
    /// writes it: with passwords in it. Empty if it delivers nothing.
    pub courier: Vec<u8>,
    /// The same of the programs that the runner may start.
    pub runner: Vec<u8>,
    /// Read the systemd journal.
    pub journal: bool,
    /// The folder with its files, if it is not this system's own.
    pub journal_folder: Option<String>,
}

impl Load {
    /// Whether the log at a path is there for more than metrics.
    pub(crate) fn judges(&self, path: &str) -> bool {
        let is_judged = |pattern: &&String| !self.counted.contains(pattern);
        self.counted.is_empty()
            || self.patterns.iter().filter(is_judged).any(|pattern| Gate::matches(pattern, path))
    }
}

/// The program around the warden.
pub trait Host {
    /// A watcher that has started, and our end of the channel that it speaks over.
    ///
    /// # Errors
    /// If it cannot be started.
    fn start_watcher(&mut self) -> io::Result<(Child, OwnedFd)>;

    /// Starts a courier that speaks over `channel`. One that `delivers` may reach any port, and
    /// not only name servers.
    ///
    /// # Errors
    /// If it cannot be started.
    fn start_courier(&mut self, channel: OwnedFd, delivers: bool) -> io::Result<Child>;

    /// Starts a runner, which starts the administrator's programs, that speaks over `channel`.
    ///
    /// # Errors
    /// If it cannot be started.
    fn start_runner(&mut self, channel: OwnedFd) -> io::Result<Child>;

    /// An actor that has started, and our end of the channel that it speaks over. `again`: one
    /// before it may have left its bans in the kernel.
    ///
    /// # Errors
    /// If it cannot be started.
    fn start_actor(&mut self, again: bool) -> io::Result<(Child, OwnedFd)>;

    /// Starts `journalctl` at a cursor or, without one, at a time, for this system's journal or for
    /// the one in a folder, and hands out its standard output.
    ///
    /// # Errors
    /// If it cannot be started.
    fn start_journal(
        &mut self,
        folder: Option<&str>,
        cursor: Option<&str>,
        since: Option<Stamp>,
    ) -> io::Result<(Child, OwnedFd)>;

    /// Opens the firewall.
    ///
    /// # Errors
    /// Why this machine cannot be guarded, as text for people.
    fn open_wall(&mut self) -> Result<Wall, String>;

    /// Reads the configuration.
    ///
    /// # Errors
    /// Its problems.
    fn load(&mut self) -> Result<Load, Refusal>;

    /// What is to be said if another program does the same work as the jails that act here.
    fn rival(&mut self) -> Option<Notice>;

    /// The database of places that a configuration names, or the installed one, if it is there.
    fn open_geo(&mut self, load: &Load) -> Option<OwnedFd>;

    /// How the hook in PAM stands, if it was looked at since the last call. This is called each
    /// second and must not wait.
    fn hook_state(&mut self) -> Option<HookState>;

    /// Which files have the keys of an account that came from an address, in sshd's words. It is
    /// asked for at once and worked out on another thread.
    fn key_file_names(&mut self, user: &str, address: Option<Address>) -> KeyFileNames;

    /// Tells people something about the warden itself.
    fn tell(&mut self, notice: &Notice);
}

//! What the warden asks of the program around it: roles are started, files opened, people told.

use std::io::{self, IsTerminal};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use monban_model::wire::{HookState, Refusal};
use monban_model::{Address, Notice, Stamp};
use monban_sources::journal::journalctl_arguments;
use monban_views::{json_line, notice_json, printable_lines};
use monban_warden::{Channel, Host, KeyFileNames, Load, Wall};
use rustix::fs::{FileType, Mode, OFlags};

use super::Program;
use crate::discover;
use crate::place::{COURIER_UID, JOURNAL_UID, is_root};
use crate::roles::ahead::Running;

impl Program {
    pub(super) fn new_watcher(&self) -> io::Result<Running> {
        let (here, channel) = Channel::pair()?;
        let mut command = role("watcher");
        command.arg("--state").arg(&self.place.state);
        command.arg("--lang").arg(self.say.tongue().name());
        if self.common.json {
            command.arg("--json");
        }
        if io::stdout().is_terminal() {
            command.arg("--terminal");
        }
        if let Some(uid) = self.uid {
            command.arg("--uid").arg(uid.to_string());
        }
        // Lines have a heap, and what is beside them another: who reads lines must not wait for
        // the ledger's thread, which asks for memory all the time.
        command.env("MALLOC_ARENA_MAX", "2");
        // What was large goes back to the kernel at once, also after the first time.
        command.env("MALLOC_MMAP_THRESHOLD_", "131072").env("MALLOC_TRIM_THRESHOLD_", "131072");
        // It begins a session of its own, which the leader of a process group could not.
        Ok((command.stdin(Stdio::from(channel)).spawn()?, here))
    }

    pub(super) fn new_actor(&self, again: bool) -> io::Result<Running> {
        let (here, channel) = Channel::pair()?;
        let mut command = Command::new("/proc/self/exe");
        command.arg("actor");
        if again {
            command.arg("--again");
        }
        // Commands of fail2ban's actions have the environment of the whole, as fail2ban's have. It
        // begins a session of its own. That it is root's gives it all rights at its start.
        Ok((command.stdin(Stdio::from(channel)).spawn()?, here))
    }
}

impl Host for Program {
    fn start_watcher(&mut self) -> io::Result<(Child, OwnedFd)> {
        self.ahead.watcher.take().map_or_else(|| self.new_watcher(), Ok)
    }

    fn start_runner(&mut self, channel: OwnedFd) -> io::Result<Child> {
        role("runner").stdin(Stdio::from(channel)).spawn()
    }

    fn start_courier(&mut self, channel: OwnedFd, delivers: bool) -> io::Result<Child> {
        let mut command = role("courier");
        if delivers {
            command.arg("--delivers");
        }
        if is_root() {
            command.arg("--uid").arg(COURIER_UID.to_string());
        }
        // The C library asks each name server so often and waits so long.
        command.env("RES_OPTIONS", "timeout:2 attempts:2");
        command.stdin(Stdio::from(channel)).spawn()
    }

    fn start_actor(&mut self, again: bool) -> io::Result<(Child, OwnedFd)> {
        match self.ahead.actor.take() {
            Some((running, told)) if told == again => Ok(running),
            other => {
                self.ahead.actor = other;
                self.ahead.end_actor()?;
                self.new_actor(again)
            }
        }
    }

    fn start_journal(
        &mut self,
        folder: Option<&str>,
        cursor: Option<&str>,
        since: Option<Stamp>,
    ) -> io::Result<(Child, OwnedFd)> {
        let mut command = without_keys(Command::new(discover::journalctl()));
        command.args(journalctl_arguments(folder, cursor, since));
        if is_root() {
            let group = std::fs::read_to_string("/etc/group").unwrap_or_default();
            let gid = group.lines().find_map(|line| {
                line.strip_prefix("systemd-journal:")?.split(':').nth(1)?.parse().ok()
            });
            command.uid(JOURNAL_UID).gid(gid.unwrap_or(JOURNAL_UID));
        }
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0).spawn()?;
        let output = child.stdout.take().ok_or_else(|| io::Error::other("no output"))?;
        Ok((child, output.into()))
    }

    fn open_geo(&mut self, load: &Load) -> Option<OwnedFd> {
        let path = load.geo.clone().unwrap_or_else(|| self.place.geo());
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = rustix::fs::open(&path, flags, Mode::empty()).ok()?;
        let is_file = rustix::fs::fstat(&file)
            .is_ok_and(|found| FileType::from_raw_mode(found.st_mode).is_file());
        is_file.then_some(file)
    }

    fn open_wall(&mut self) -> Result<Wall, String> {
        Wall::open().map_err(|error| self.no_wall(error))
    }

    fn load(&mut self) -> Result<Load, Refusal> {
        let own = self.own()?;
        self.whole(own)
    }

    fn hook_state(&mut self) -> Option<HookState> {
        self.watched.as_mut()?.poll()
    }

    fn key_file_names(&mut self, user: &str, address: Option<Address>) -> KeyFileNames {
        self.key_files.of(user, address)
    }

    fn rival(&mut self) -> Option<Notice> {
        self.theirs.notice()
    }

    fn tell(&mut self, notice: &Notice) {
        match self.common.json {
            true => eprintln!("{}", json_line(&notice_json(notice))),
            false => eprintln!("{}", printable_lines(&self.say.notice(notice))),
        }
    }
}

fn role(name: &str) -> Command {
    let mut command = without_keys(Command::new("/proc/self/exe"));
    command.arg(name);
    command
}

/// Keys for AWS may stand in the environment. Whoever needs them is given them by the warden; the
/// others read what strangers write.
fn without_keys(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"AWS_") {
            command.env_remove(&name);
        }
    }
    command
}

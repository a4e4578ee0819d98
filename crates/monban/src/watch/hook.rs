//! What the hook in PAM tells, from its socket or from what it wrote down.

mod event;

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::os::fd::OwnedFd;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use monban_engine::{Hooked, Observation};
use monban_model::limits::PAM_SPOOL_RECORDS_MAX;
use monban_model::wire::{
    HookFlaw, HookState, PamEvent, PamType, ToWarden, decode_entries, encode_entries,
};
use monban_model::{EntryRow, HostFinding, Severity};
use monban_warden::pam::PamSocket;

use super::{Watch, notice, now};

/// Events that are remembered, to know one that comes by socket and spool.
const REMEMBERED: usize = 4096;

/// Datagrams that are taken in a turn.
const A_TURN: usize = 256;

/// Where the ledger keeps which flaws of the hook were told, as a list in JSON: over a restart none
/// is told again.
pub const FLAWS_META: &str = "hook.flaws";

/// Where it keeps which events of the spool it has: the spool is removed later, and may come again
/// after a kill.
const SPOOLED_META: &str = "hook.spooled";

/// Where it keeps the logins of which one witness told.
const ENTRIES_META: &str = "hook.entries";

/// The hook's socket, and what it told.
#[derive(Default)]
pub struct Hook {
    socket: Option<PamSocket>,
    /// That the socket failed was told, and nothing was heard since.
    is_deaf: bool,
    seen: VecDeque<Name>,
    /// Those that came from the spool.
    spooled: VecDeque<Name>,
    /// How far it is with the spool that was passed on last.
    spool: Spooled,
    /// The engine was told that the lines from before the start are read.
    is_caught_up: bool,
    /// Flaws that were told.
    flaws: BTreeSet<String>,
}

/// What names an event for good: when it was, in nanoseconds since the machine's start, and the
/// hook's process.
type Name = (u64, u32);

/// What became of a spool that was passed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Spooled {
    /// There is none, or the warden was told that it can go.
    #[default]
    Nothing,
    /// All of it came.
    Came,
    /// The batch that is being written has all of it.
    Writing,
}

impl Hook {
    /// A hook of which the ledger knows this.
    pub fn of(meta: &[(String, String)]) -> Self {
        let known = meta.iter().find(|(name, _)| name == FLAWS_META);
        let flaws = known.and_then(|(_, text)| serde_json::from_str(text).ok());
        let spooled = meta.iter().find(|(name, _)| name == SPOOLED_META);
        let spooled = spooled.and_then(|(_, text)| serde_json::from_str(text).ok());
        let spooled: VecDeque<Name> = spooled.unwrap_or_default();
        let flaws = flaws.unwrap_or_default();
        Self { flaws, seen: spooled.clone(), spooled, ..Self::default() }
    }

    /// The logins of which one witness told, by the ledger.
    pub fn entries_of(meta: &[(String, String)]) -> Vec<EntryRow> {
        let known = meta.iter().find(|(name, _)| name == ENTRIES_META);
        let bytes = known.and_then(|(_, text)| STANDARD.decode(text).ok());
        bytes.and_then(|bytes| decode_entries(&bytes).ok()).unwrap_or_default()
    }

    /// Whether there is something to be kept or told, whatever else there is.
    pub fn is_news(&self) -> bool {
        self.spool == Spooled::Came
    }

    /// What the ledger keeps, in a batch with all that was told until now.
    pub fn meta(&mut self, entries: Option<&[EntryRow]>) -> Vec<(String, String)> {
        let mut meta = vec![(FLAWS_META.to_owned(), serde_json::json!(self.flaws).to_string())];
        let entries = entries.map(|rows| STANDARD.encode(encode_entries(rows)));
        meta.extend(entries.map(|text| (ENTRIES_META.to_owned(), text)));
        if self.spool == Spooled::Came {
            self.spool = Spooled::Writing;
            let text = serde_json::json!(self.spooled).to_string();
            meta.push((SPOOLED_META.to_owned(), text));
        }
        meta
    }

    /// What is to be told, now that it stands like this: each flaw that is new, or that all is
    /// well again.
    fn stands(&mut self, state: &HookState) -> Vec<HostFinding> {
        let names: BTreeSet<String> = state.flaws.iter().map(name_of).collect();
        let before = std::mem::replace(&mut self.flaws, names);
        if !state.is_installed {
            // It was taken out by `pam remove`, or never put in.
            return Vec::new();
        }
        let is_new = |flaw: &&HookFlaw| !before.contains(&name_of(flaw));
        let mut told: Vec<HostFinding> = state.flaws.iter().filter(is_new).map(finding).collect();
        if state.flaws.is_empty() && !before.is_empty() {
            told.push(HostFinding {
                key: "pam-well".to_owned(),
                severity: Severity::Notice,
                service: "pam".to_owned(),
                user: None,
                values: Vec::new(),
                evidence: Vec::new(),
            });
        }
        told
    }

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
        let is_new = !self.seen.contains(&name);
        if is_new {
            keep(&mut self.seen, name, REMEMBERED);
        }
        is_new
    }
}

fn keep(names: &mut VecDeque<Name>, name: Name, most: usize) {
    if names.len() >= most {
        names.pop_front();
    }
    names.push_back(name);
}

impl Watch {
    /// The warden has the hook's socket.
    pub(super) fn take_hook(&mut self, socket: OwnedFd) {
        self.hook.socket = Some(PamSocket::over(socket));
    }

    /// Takes what the hook sent. A socket that fails is given up, and the warden makes another;
    /// meanwhile the hook writes down what it has to tell.
    pub(super) fn hear_hook(&mut self) -> io::Result<()> {
        for _ in 0..A_TURN {
            let Some(socket) = &mut self.hook.socket else { return Ok(()) };
            match socket.receive() {
                Ok(Some((event, _))) => {
                    self.hook.is_deaf = false;
                    self.hooked(&event);
                }
                Ok(None) => return Ok(()),
                Err(error) => return self.lose_hook(&error),
            }
        }
        Ok(())
    }

    fn lose_hook(&mut self, error: &io::Error) -> io::Result<()> {
        self.hook.socket = None;
        if !std::mem::replace(&mut self.hook.is_deaf, true) {
            let told = notice("hook-deaf", &[("error", error.to_string())]);
            self.observe(Observation::Notice(told));
        }
        self.channel.send(&ToWarden::HookDeaf, None)
    }

    /// The lines from before the start are read, or those of the journal are not yet.
    pub(super) fn tell_caught_up(&mut self) {
        let is_caught_up = self.stage.has_started() && !self.stage.journal_is_catching_up();
        if is_caught_up != self.hook.is_caught_up {
            self.hook.is_caught_up = is_caught_up;
            self.observe(Observation::CatchingUp(!is_caught_up));
        }
    }

    /// What the hook wrote down while nobody took it.
    pub(super) fn hooked_before(&mut self, event: &PamEvent) {
        let name = (event.boot_ns, event.pid);
        if !self.hook.spooled.contains(&name) {
            keep(&mut self.hook.spooled, name, PAM_SPOOL_RECORDS_MAX);
        }
        self.hooked(event);
    }

    /// All of that came.
    pub(super) fn spool_ends(&mut self) {
        self.hook.spool = Spooled::Came;
        self.pending.hurry();
    }

    /// A batch was written.
    pub(super) fn hook_is_kept(&mut self) {
        if self.hook.spool == Spooled::Writing {
            self.hook.spool = Spooled::Nothing;
            // If the warden is gone, its channel says so soon enough.
            let _ = self.channel.send(&ToWarden::SpoolKept, None);
        }
    }

    /// How it stands: what changed is told, and whose logins it is to confirm.
    pub(super) fn hook_stands(&mut self, state: &HookState) {
        self.observe(Observation::Hooks(state.services.clone()));
        for finding in self.hook.stands(state) {
            self.observe(Observation::FoundHere(Box::new(finding)));
        }
        self.pending.touch();
    }

    /// A session was opened.
    pub(super) fn hooked(&mut self, event: &PamEvent) {
        if event.kind != PamType::OpenSession || !self.hook.is_new(event) {
            return;
        }
        let clock = now();
        let hooked = event::hooked(event, clock);
        let hooked = Hooked { origin: self.mind.origin_of(hooked.address), ..hooked };
        self.mind.observe(clock, Observation::Hooked(hooked));
        self.collect();
        // Nobody can send it again.
        self.pending.hurry();
    }
}

/// What makes a flaw the same as before: all of it, since another line or program is another one.
fn name_of(flaw: &HookFlaw) -> String {
    let values = flaw.told.values.iter().map(|(name, value)| format!(" {name}={value}"));
    format!("{} {}{}", flaw.told.key, flaw.service, values.collect::<String>())
}

fn finding(flaw: &HookFlaw) -> HostFinding {
    HostFinding {
        key: flaw.told.key.clone(),
        severity: flaw.severity,
        service: flaw.service.clone(),
        user: None,
        values: flaw.told.values.clone(),
        evidence: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use monban_model::Notice;

    use super::*;

    fn flaw(key: &str, line: &str) -> HookFlaw {
        let values = vec![("file".to_owned(), line.to_owned())];
        let told = Notice { key: key.to_owned(), values };
        HookFlaw { severity: Severity::Critical, service: "sshd".to_owned(), told }
    }

    #[test]
    fn a_flaw_is_told_once_also_over_a_restart_and_that_all_is_well() {
        let mut hook = Hook::default();
        let mut stands = |flaws: Vec<HookFlaw>, is_installed| {
            // Every time after a restart.
            hook = Hook::of(&hook.meta(None));
            let told = hook.stands(&HookState { is_installed, services: Vec::new(), flaws });
            told.into_iter().map(|one| one.key).collect::<Vec<_>>()
        };
        assert_eq!(stands(vec![], true), [""; 0]);
        assert_eq!(stands(vec![flaw("a", "1")], true), ["a"]);
        assert_eq!(stands(vec![flaw("a", "1")], true), [""; 0]);
        assert_eq!(stands(vec![flaw("a", "1"), flaw("b", "1")], true), ["b"]);
        assert_eq!(stands(vec![flaw("a", "2")], true), ["a"]);
        assert_eq!(stands(vec![], true), ["pam-well"]);
        assert_eq!(stands(vec![], true), [""; 0]);
        assert_eq!(stands(vec![flaw("a", "2")], true), ["a"]);
        assert_eq!(stands(vec![], false), [""; 0]);
        assert_eq!(stands(vec![], true), [""; 0]);
    }
}

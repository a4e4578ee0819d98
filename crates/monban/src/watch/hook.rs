//! What the hook in PAM tells, from its socket or from what it wrote down.

use std::collections::{BTreeSet, VecDeque};
use std::os::fd::OwnedFd;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use monban_engine::{Hooked, Observation};
use monban_model::wire::{AuthMethod, HookFlaw, HookState, PamEvent, PamType};
use monban_model::{Address, HostFinding, Severity};
use monban_warden::pam::PamSocket;

use super::tell::keys::fingerprint_of;
use super::{Watch, now};

/// Events that are remembered, to know one that comes by socket and spool.
const REMEMBERED: usize = 4096;

/// Datagrams that are taken in a turn.
const A_TURN: usize = 256;

/// Where the ledger keeps which flaws of the hook were told, as a list in JSON: over a restart none
/// is told again.
pub const FLAWS_META: &str = "hook.flaws";

/// The hook's socket, and what it told.
#[derive(Default)]
pub struct Hook {
    socket: Option<PamSocket>,
    seen: VecDeque<(u64, u32)>,
    /// Flaws that were told.
    flaws: BTreeSet<String>,
}

impl Hook {
    /// A hook of which the ledger knows this.
    pub fn of(meta: &[(String, String)]) -> Self {
        let known = meta.iter().find(|(name, _)| name == FLAWS_META);
        let flaws = known.and_then(|(_, text)| serde_json::from_str(text).ok());
        Self { flaws: flaws.unwrap_or_default(), ..Self::default() }
    }

    /// What the ledger keeps.
    pub fn meta(&self) -> (String, String) {
        (FLAWS_META.to_owned(), serde_json::json!(self.flaws).to_string())
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
        let some = |text: &str| (!text.is_empty()).then(|| text.as_bytes().to_vec());
        let clock = now();
        let address = event.rhost.parse::<Address>().ok();
        let methods: Vec<AuthMethod<'_>> = event.auth_methods().collect();
        let how: Vec<&str> = methods.iter().map(|one| one.method).collect();
        let hooked = Hooked {
            origin: self.mind.origin_of(address),
            time: event.time.min(clock),
            service: event.service.clone(),
            user: event.user.clone().into_bytes(),
            by: some(&event.ruser),
            address,
            // sshd opens the session before there is a terminal.
            terminal: some(&event.tty).filter(|tty| tty != b"ssh"),
            method: some(&how.join(",")),
            key: methods.iter().find_map(key_of),
        };
        self.mind.observe(clock, Observation::Hooked(hooked));
        self.collect();
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

/// The kind and fingerprint of a key, in the words of sshd's log.
fn key_of(method: &AuthMethod<'_>) -> Option<Vec<u8>> {
    let blob = STANDARD.decode(method.key).ok().filter(|blob| !blob.is_empty())?;
    let kind = match method.key_type.split('@').next().unwrap_or_default() {
        "ssh-ed25519" => "ED25519",
        "ssh-rsa" => "RSA",
        "ssh-dss" => "DSA",
        "sk-ssh-ed25519" => "ED25519-SK",
        "sk-ecdsa-sha2-nistp256" => "ECDSA-SK",
        other if other.starts_with("ecdsa-") && !other.contains("-cert-") => "ECDSA",
        // A certificate's fingerprint is that of the key in it.
        _ => return None,
    };
    Some(format!("{kind} SHA256:{}", fingerprint_of(&blob)).into_bytes())
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
            hook = Hook::of(&[hook.meta()]);
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

    #[test]
    fn a_key_of_the_hook_has_the_fingerprint_of_the_log() {
        let key = "AAAAC3NzaC1lZDI1NTE5AAAAICfxQtogL1CODfK4xQ+Y68q3KKQD4IOdWOG21a3OGCMS";
        let of = |key_type, key| key_of(&AuthMethod { method: "publickey", key_type, key });
        let expected = b"ED25519 SHA256:9JjjX/gq6eoE2M6FqqbmqbesaO2HhKxYKWuUUfLIlIY";
        assert_eq!(of("ssh-ed25519", key).as_deref(), Some(&expected[..]));
        assert_eq!(of("ssh-ed25519-cert-v01@openssh.com", key), None);
        assert_eq!(of("ssh-ed25519", "no base64!"), None);
        assert_eq!(of("", ""), None);
    }
}

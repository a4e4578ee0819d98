//! Somebody came in, became another user, or tried to.

use monban_model::{
    Address, Event, Evidence, HostFinding, Login, Severity, Sighting, Stamp, Subject, ToldBy,
};

use super::Engine;
use super::attempts::line_told;
use super::originating::Entered;
use crate::observation::{Effect, Hooked};
use crate::watch::{EvidenceLine, Line, Met, family, is_of_root};

/// Services of PAM whose session is a login at a console or desktop.
const CONSOLES: &[&[u8]] = &[
    b"login",
    b"remote",
    b"gdm-password",
    b"lightdm",
    b"sddm",
    b"xdm",
    b"cockpit",
    b"xrdp-sesman",
];

/// Who becomes somebody else needs no right that he does not have: his `su` in a timer is no news.
const ROOT: &[u8] = b"root";

/// What sudo was told to run, if that is a shell without a command of its own.
const SHELLS: &[&str] =
    &["sh", "bash", "dash", "zsh", "ksh", "mksh", "fish", "csh", "tcsh", "ash", "busybox"];

impl Engine {
    /// A session was opened: at a console that is all that tells of a login.
    pub(super) fn session(&mut self, now: Stamp, seen: &Sighting<'_>, out: &mut Vec<Effect>) {
        let Some(service) = seen.details.service.filter(|one| CONSOLES.contains(one)) else {
            return;
        };
        let service = String::from_utf8_lossy(service).into_owned();
        let login = Login {
            user: seen.user.map(<[u8]>::to_vec),
            evidence: vec![self.line_of(seen)],
            ..nobody(service)
        };
        self.enter(now, seen.time, login, out);
    }

    /// Somebody took the rights of another account.
    pub(super) fn used(&mut self, now: Stamp, seen: &Sighting<'_>, out: &mut Vec<Effect>) {
        let service = self.setup.catalog.service(seen.service).to_owned();
        let Some(by) = seen.user.filter(|by| *by != ROOT) else { return };
        if self.places.take_mistyped(&service, by, seen.time) {
            let key = format!("{service}-mistyped");
            self.found_here(now, seen, (key, Severity::Notice), 0, out);
        }
        let target = seen.details.target.unwrap_or(ROOT);
        let is_shell = seen.details.command.is_none_or(is_shell);
        if is_shell {
            let login = Login {
                user: Some(target.to_vec()),
                by: Some(by.to_vec()),
                terminal: seen.details.terminal.map(<[u8]>::to_vec),
                evidence: vec![self.line_of(seen)],
                ..nobody(service)
            };
            self.enter(now, seen.time, login, out);
            return;
        }
        // What `sudo -i COMMAND` opens is no login either.
        let line = Line {
            time: seen.time,
            service: service.clone(),
            user: Some(target.to_vec()),
            address: None,
            evidence: None,
        };
        let _ = self.entries.line(now, line);
        let earlier = self.places.enter(&service, &became(by, target), None, seen.time);
        if earlier.ever.is_none() {
            let key = format!("{service}-first");
            self.found_here(now, seen, (key, Severity::Notice), 0, out);
        }
    }

    /// Somebody was refused the rights of another account.
    pub(super) fn refused(&mut self, now: Stamp, seen: &Sighting<'_>, out: &mut Vec<Effect>) {
        let service = self.setup.catalog.service(seen.service).to_owned();
        let user = seen.user.unwrap_or_default();
        // Of those this line tells itself.
        let _ = self.places.take_mistyped(&service, user, seen.time);
        let Some(held) = self.places.refuse(&service, user, seen.time) else { return };
        let key = format!("{service}-refused");
        self.found_here(now, seen, (key, Severity::Warning), held, out);
    }

    /// PAM refused a password that sudo asked for. sudo itself has no word of it if a right one
    /// follows; so it is told with what the account is let do then.
    pub(super) fn mistyped(&mut self, seen: &Sighting<'_>) {
        let Some(user) = seen.user.filter(|_| seen.address.is_none()) else { return };
        let service = self.setup.catalog.service(seen.service);
        if service == "sudo" {
            self.places.mistype(service, user, seen.time);
        }
    }

    /// The hook in PAM told of a session.
    pub(super) fn hooked(&mut self, now: Stamp, hooked: Hooked, out: &mut Vec<Effect>) {
        // sudo's session is one of each command; whether it is a shell is told by the log.
        if hooked.service != "sudo" {
            self.entries.hooked(now, hooked);
        } else if !is_of_root(&hooked) {
            self.entries.confirm(&hooked);
        }
        self.tell_hooked(now, out);
    }

    /// Tells of logins that nobody but the hook told of.
    pub(super) fn tell_hooked(&mut self, now: Stamp, out: &mut Vec<Effect>) {
        for hooked in self.entries.alone(now) {
            let (time, subject) = (hooked.time, hooked.address.map(Subject::of));
            let (address, from) = (hooked.address, hooked.origin);
            let entered = Entered {
                time,
                service: family(&hooked.service).to_owned(),
                user: Some(hooked.user.clone()),
                method: None,
                evidence: Vec::new(),
            };
            let login = Login {
                user: Some(hooked.user),
                by: hooked.by,
                address: hooked.address,
                subject,
                terminal: hooked.terminal,
                method: hooked.method,
                key: hooked.key,
                told_by: ToldBy::Hook,
                ..nobody(family(&hooked.service).to_owned())
            };
            self.note_login(now, time, login, out);
            if let Some(address) = address {
                self.originate_login(now, address, from, entered, out);
            }
        }
        self.tell_alone(now, out);
    }

    /// Tells of logins of which one witness told and the other, who is there, did not.
    fn tell_alone(&mut self, now: Stamp, out: &mut Vec<Effect>) {
        for line in self.entries.unconfirmed(now) {
            let found = Alone {
                key: "login-unconfirmed",
                service: line.service,
                user: line.user,
                address: line.address,
                evidence: line.evidence,
            };
            self.found_alone(now, line.time, found, out);
        }
        for hooked in self.entries.unlogged(now) {
            let service = family(&hooked.service).to_owned();
            if !self.places.has_lines(&service) {
                continue;
            }
            let (address, evidence) = (hooked.address, None);
            let user = Some(hooked.user);
            let found = Alone { key: "login-unlogged", service, user, address, evidence };
            self.found_alone(now, hooked.time, found, out);
        }
    }

    fn found_alone(&mut self, now: Stamp, time: Stamp, found: Alone, out: &mut Vec<Effect>) {
        let Some(held) = self.places.tell_alone(&found.service, found.key, time) else { return };
        let address = found.address.map(|address| ("address".to_owned(), address.to_string()));
        let more = (held > 0).then(|| ("more".to_owned(), held.to_string()));
        let finding = HostFinding {
            key: found.key.to_owned(),
            severity: Severity::Warning,
            service: found.service,
            user: found.user,
            values: address.into_iter().chain(more).collect(),
            evidence: found.evidence.into_iter().collect(),
        };
        self.record(now, Event::FoundHere(Box::new(finding)), out);
    }

    /// The line of a login that is no news: the hook's word of it is none either.
    pub(super) fn enter_quietly(&mut self, now: Stamp, address: Address, seen: &Sighting<'_>) {
        let service = self.setup.catalog.service(seen.service);
        if self.entries.expects_hook(service, seen.time) {
            let service = service.to_owned();
            let user = seen.user.map(<[u8]>::to_vec);
            let address = Some(address);
            let line = Line { time: seen.time, service, user, address, evidence: None };
            let _ = self.entries.line(now, line);
        }
    }

    /// A line told of a login: it is said at once, with what the hook said before, unless it was
    /// said already. Gives whether it is said now.
    pub(super) fn enter(
        &mut self,
        now: Stamp,
        time: Stamp,
        mut login: Login,
        out: &mut Vec<Effect>,
    ) -> bool {
        // Of sudo's sessions, one of each command, the hook's word may have come and gone before.
        let is_expected =
            login.service != "sudo" && self.entries.expects_hook(&login.service, time);
        let line = Line {
            time,
            service: login.service.clone(),
            user: login.user.clone(),
            address: login.address,
            evidence: login.evidence.first().filter(|_| is_expected).cloned(),
        };
        self.places.note_line(family(&login.service), time);
        match self.entries.line(now, line) {
            Met::Nothing => {}
            Met::Told => return false,
            Met::Hook(hooked) => {
                login.told_by = ToldBy::Both;
                login.terminal = login.terminal.or(hooked.terminal);
                login.method = login.method.or(hooked.method);
                login.key = login.key.or(hooked.key);
                login.user = login.user.or(Some(hooked.user));
            }
        }
        self.note_login(now, time, login, out);
        true
    }

    fn note_login(&mut self, now: Stamp, time: Stamp, mut login: Login, out: &mut Vec<Effect>) {
        let user = login.user.as_deref().unwrap_or_default();
        let account = match &login.by {
            Some(by) => became(by, user),
            None => user.to_vec(),
        };
        login.earlier = self.places.enter(&login.service, &account, login.address, time);
        self.record(now.min(time), Event::Entered(Box::new(login)), out);
    }

    fn found_here(
        &mut self,
        now: Stamp,
        seen: &Sighting<'_>,
        (key, severity): (String, Severity),
        held: u64,
        out: &mut Vec<Effect>,
    ) {
        let shown = |bytes: Option<&[u8]>| {
            bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
        };
        let mut values = vec![
            ("target".to_owned(), shown(seen.details.target)),
            ("command".to_owned(), shown(seen.details.command)),
            ("terminal".to_owned(), shown(seen.details.terminal)),
        ];
        if held > 0 {
            values.push(("more".to_owned(), held.to_string()));
        }
        values.retain(|(_, value)| !value.is_empty());
        let finding = HostFinding {
            key,
            severity,
            service: self.setup.catalog.service(seen.service).to_owned(),
            user: seen.user.map(<[u8]>::to_vec),
            values,
            evidence: vec![self.line_of(seen)],
        };
        self.record(now.min(seen.time), Event::FoundHere(Box::new(finding)), out);
    }

    pub(super) fn line_of(&self, seen: &Sighting<'_>) -> Evidence {
        EvidenceLine::of(line_told(&self.rules, seen, 1)).into_evidence()
    }

    /// What is told of a login over a network.
    pub(super) fn login_from(
        &self,
        (subject, address): (Subject, Address),
        failures: u32,
        seen: &Sighting<'_>,
    ) -> Login {
        // A service that names the key may leave out the method.
        let by_key = seen.details.key.map(|_| &b"publickey"[..]);
        Login {
            user: seen.user.map(<[u8]>::to_vec),
            address: Some(address),
            subject: Some(subject),
            method: seen.method.or(by_key).map(<[u8]>::to_vec),
            key: seen.details.key.map(<[u8]>::to_vec),
            terminal: seen.details.terminal.map(<[u8]>::to_vec),
            failures,
            evidence: vec![self.line_of(seen)],
            ..nobody(self.setup.catalog.service(seen.service).to_owned())
        }
    }
}

/// A login of which one witness told.
struct Alone {
    key: &'static str,
    service: String,
    user: Option<Vec<u8>>,
    address: Option<Address>,
    evidence: Option<Evidence>,
}

/// A login of which only the service is known, by a line.
fn nobody(service: String) -> Login {
    Login {
        user: None,
        by: None,
        address: None,
        subject: None,
        service,
        method: None,
        key: None,
        terminal: None,
        told_by: ToldBy::Log,
        earlier: Default::default(),
        failures: 0,
        evidence: Vec::new(),
    }
}

/// Whose rights were taken by whom, as one account: `alice>root`.
fn became(by: &[u8], target: &[u8]) -> Vec<u8> {
    [by, b">", target].concat()
}

/// Whether a command is a shell that waits for commands: one with `-c` or a script is not.
fn is_shell(command: &[u8]) -> bool {
    let text = String::from_utf8_lossy(command);
    let mut words = text.split_ascii_whitespace();
    let program = words.next().unwrap_or_default();
    let name = program.rsplit('/').next().unwrap_or_default();
    SHELLS.contains(&name) && words.all(|word| matches!(word, "-l" | "-i" | "--login"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_is_told_from_a_command() {
        for shell in ["/bin/bash", "/bin/sh -l", "/usr/bin/zsh --login", "bash -i"] {
            assert!(is_shell(shell.as_bytes()), "{shell}");
        }
        for other in ["/bin/bash -c id", "/bin/sh /srv/x.sh", "/usr/bin/id", "", "/bin/bashful"] {
            assert!(!is_shell(other.as_bytes()), "{other}");
        }
    }
}

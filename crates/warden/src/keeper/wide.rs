//! Networks that are too wide for a watcher to block by itself.
//!
//! A watcher in a stranger's hands may shut out single addresses and what is as good as one; whole
//! countries only if an operator named exactly that network to the warden. What operators named is
//! kept in the state folder, where the watcher cannot write: so their blocks come back after a
//! restart of the machine as well.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use monban_model::Subject;

use crate::replace::replace;

/// Networks that are remembered at most; the one that was named first makes room.
const WIDE_MAX: usize = 256;

/// The shortest prefixes of what a watcher may block by itself.
const PREFIX_IPV4: u8 = 16;
const PREFIX_IPV6: u8 = 32;

/// The wide networks that operators had blocked.
#[derive(Debug)]
pub(super) struct Wide {
    file: PathBuf,
    named: Vec<Subject>,
    /// Refused at the last restore.
    refused: usize,
}

impl Wide {
    /// What the state folder remembers; nothing if it cannot be read: then such blocks are refused
    /// and said.
    pub(super) fn open(state: &Path) -> Self {
        let file = state.join("wide");
        let text = fs::read_to_string(&file).unwrap_or_default();
        let named = text.lines().filter_map(|line| line.parse().ok()).take(WIDE_MAX).collect();
        Self { file, named, refused: 0 }
    }

    /// Whether a block of this subject may be carried out.
    pub(super) fn permits(&self, subject: Subject) -> bool {
        !is_wide(subject) || self.named.contains(&subject)
    }

    /// Whether it is to be told that so many were refused: not at every restore again.
    pub(super) fn is_news(&mut self, refused: usize) -> bool {
        std::mem::replace(&mut self.refused, refused) != refused && refused > 0
    }

    /// An operator wants this subject blocked.
    ///
    /// # Errors
    /// If it will be forgotten at the next start.
    pub(super) fn name(&mut self, subject: Subject) -> io::Result<()> {
        if self.permits(subject) {
            return Ok(());
        }
        if self.named.len() >= WIDE_MAX {
            self.named.remove(0);
        }
        self.named.push(subject);
        self.save()
    }

    /// An operator wants nothing within this subject blocked any more; `None` is everything.
    pub(super) fn forget(&mut self, freed: Option<Subject>) {
        let before = self.named.len();
        self.named.retain(|named| freed.is_some_and(|freed| !freed.net().covers(named.net())));
        if self.named.len() < before {
            // If this fails, the watcher may block the network once more: no harm by itself.
            let _ = self.save();
        }
    }

    fn save(&self) -> io::Result<()> {
        let text: String = self.named.iter().map(|subject| format!("{subject}\n")).collect();
        replace(&self.file, &text)
    }
}

fn is_wide(subject: Subject) -> bool {
    let net = subject.net();
    let narrowest = match net.base() {
        IpAddr::V4(_) => PREFIX_IPV4,
        IpAddr::V6(_) => PREFIX_IPV6,
    };
    net.prefix() < narrowest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(text: &str) -> Subject {
        text.parse().unwrap()
    }

    #[test]
    fn wide_networks_are_blocked_only_at_an_operators_word() {
        let folder = tempfile::tempdir().unwrap();
        let mut wide = Wide::open(folder.path());
        for narrow in ["203.0.113.5", "203.0.0.0/16", "2001:db8::/64", "2001:db8::/32"] {
            assert!(wide.permits(subject(narrow)), "{narrow}");
        }
        for net in ["0.0.0.0/0", "203.0.0.0/15", "::/0", "2001:d00::/31"] {
            assert!(!wide.permits(subject(net)), "{net}");
        }
        wide.name(subject("203.0.0.0/8")).unwrap();
        let mut wide = Wide::open(folder.path());
        assert!(wide.permits(subject("203.0.0.0/8")));
        assert!(!wide.permits(subject("203.0.0.0/9")), "only exactly what was named");
        wide.forget(Some(subject("203.0.113.5")));
        assert!(wide.permits(subject("203.0.0.0/8")));
        wide.forget(None);
        assert!(!Wide::open(folder.path()).permits(subject("203.0.0.0/8")));
    }

    #[test]
    fn only_so_many_are_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let mut wide = Wide::open(folder.path());
        let nets: Vec<Subject> = (0..=WIDE_MAX)
            .map(|at| subject(&format!("{}.{}.0.0/15", at / 100 + 10, at % 100 * 2)))
            .collect();
        for net in &nets {
            wide.name(*net).unwrap();
        }
        assert!(!wide.permits(nets[0]));
        assert!(wide.permits(nets[WIDE_MAX]));
    }
}

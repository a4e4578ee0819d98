//! The comment of the key that somebody came in with: which of his keys it was, in his own words.
//!
//! It stands in a file of the account (`authorized_keys`), which the warden has opened with the
//! account's rights and sends as bytes. What is in it is the account's word: a line counts only
//! if it has a key with the fingerprint that sshd told, and its comment is shown as all that
//! strangers type. A message waits a moment for it and then goes without.

use std::collections::HashMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use monban_model::limits::{
    AUTHORIZED_KEYS_BYTES_MAX, AUTHORIZED_KEYS_FILES_MAX, AUTHORIZED_KEYS_LINE_MAX,
    KEY_COMMENT_MAX, KEYS_ASKED_MAX,
};
use monban_model::{Address, Event, Login, Record};
use monban_notify::Deliver;
use monban_views::printable;
use ring::digest::{SHA256, digest};

/// A message waits so long at most: sshd is asked for its configuration meanwhile.
const PATIENCE: Duration = Duration::from_millis(150);

/// Files that do not come in this time are not waited for any more.
const FILES_PATIENCE: Duration = Duration::from_secs(5);

/// Nobody is asked about the same key again before this.
const AGAIN: Duration = Duration::from_secs(60);

/// Keys that are kept.
const KEPT: usize = 256;

/// Accounts whose files are awaited at one time.
const OPEN_MAX: usize = 2 * KEYS_ASKED_MAX;

/// Bytes of all files of an account.
const BYTES_MAX: usize = AUTHORIZED_KEYS_FILES_MAX * (AUTHORIZED_KEYS_BYTES_MAX + 1);

/// An account, and what its log line says of the key.
type Key = (Vec<u8>, Vec<u8>);

/// Questions about keys.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// Since when, and the comment if it is known.
    asked: HashMap<Key, (Instant, Option<String>)>,
    questions: Vec<(String, Option<Address>)>,
    /// Accounts whose files were asked for, or come just now.
    open: Vec<Open>,
    held: Vec<(Deliver, Vec<Vec<u8>>, Instant)>,
}

#[derive(Debug)]
struct Open {
    user: Vec<u8>,
    pipe: Option<File>,
    bytes: Vec<u8>,
    until: Instant,
}

impl Keys {
    /// A login that will be told: its key is asked about.
    pub(super) fn ask(&mut self, login: &Login) {
        let Some(key) = key_of(login) else { return };
        if self.asked.get(&key).is_some_and(|(since, _)| since.elapsed() < AGAIN) {
            return;
        }
        if self.asked.len() >= KEPT {
            let oldest = self.asked.iter().min_by_key(|(_, (since, _))| *since);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.asked.remove(&oldest);
            }
        }
        let user = key.0.clone();
        self.asked.insert(key, (Instant::now(), None));
        let is_underway = self.open.iter().any(|one| one.user == user && one.bytes.is_empty());
        if is_underway || self.open.len() >= OPEN_MAX {
            return;
        }
        if let Ok(name) = String::from_utf8(user.clone()) {
            self.questions.push((name, login.address));
            let until = Instant::now() + FILES_PATIENCE;
            self.open.push(Open { user, pipe: None, bytes: Vec::new(), until });
        }
    }

    /// Accounts whose files are wanted.
    pub(super) fn questions(&mut self) -> Vec<(String, Option<Address>)> {
        std::mem::take(&mut self.questions)
    }

    /// The files of an account come through this pipe, or not at all.
    pub(super) fn come(&mut self, user: &str, pipe: Option<OwnedFd>) {
        let waits = |open: &Open| open.user == user.as_bytes() && open.pipe.is_none();
        let Some(at) = self.open.iter().position(waits) else { return };
        match pipe {
            Some(pipe) => self.open[at].pipe = Some(pipe.into()),
            None => {
                self.open.remove(at);
            }
        }
    }

    /// The pipes, to be waited for.
    pub(super) fn pipes(&self) -> impl Iterator<Item = &File> {
        self.open.iter().filter_map(|open| open.pipe.as_ref())
    }

    /// Reads what has come.
    pub(super) fn read(&mut self) {
        let now = Instant::now();
        let done: Vec<Open> =
            self.open.extract_if(.., |open| open.is_done() || open.until <= now).collect();
        for open in done {
            let mut unknown: HashMap<&str, &mut Option<String>> = HashMap::new();
            for ((user, key), (_, comment)) in &mut self.asked {
                if *user == open.user && comment.is_none() {
                    unknown.extend(fingerprint(key).map(|key| (key, comment)));
                }
            }
            // Once for all of them: a local user may make the files long, and the keys many.
            for (print, comment) in keys_in(&open.bytes) {
                if let Some(unknown) = unknown.remove(print.as_str()) {
                    *unknown = Some(comment);
                }
                if unknown.is_empty() {
                    break;
                }
            }
        }
    }

    /// The message, if it may go now.
    pub(super) fn hold(&mut self, deliver: Deliver, records: &[Record]) -> Option<Deliver> {
        let users = records.iter().filter_map(login_of).filter_map(key_of).map(|(user, _)| user);
        let awaited: Vec<Vec<u8>> = users.filter(|user| self.is_open(user)).collect();
        if awaited.is_empty() {
            return Some(deliver);
        }
        self.held.push((deliver, awaited, Instant::now() + PATIENCE));
        None
    }

    fn is_open(&self, user: &[u8]) -> bool {
        self.open.iter().any(|open| open.user == user)
    }

    /// Messages that wait no longer.
    pub(super) fn due(&mut self) -> Vec<Deliver> {
        let now = Instant::now();
        let open = &self.open;
        let is_due = |(_, users, until): &mut (Deliver, Vec<Vec<u8>>, Instant)| {
            *until <= now || !users.iter().any(|user| open.iter().any(|one| one.user == *user))
        };
        self.held.extract_if(.., is_due).map(|(deliver, ..)| deliver).collect()
    }

    /// When a message waits no longer.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.held.iter().map(|(_, _, until)| *until).min()
    }

    /// The comments of keys in these records, by what the log says of the key.
    pub(super) fn comments(&self, records: &[Record]) -> HashMap<Vec<u8>, String> {
        let keys = records.iter().filter_map(login_of).filter_map(key_of);
        keys.filter_map(|key| {
            let comment = self.asked.get(&key)?.1.clone()?;
            Some((key.1, comment))
        })
        .collect()
    }
}

impl Open {
    /// Whether all has come; what is too long is left.
    fn is_done(&mut self) -> bool {
        let Some(pipe) = &mut self.pipe else { return false };
        let mut piece = [0; 64 * 1024];
        loop {
            match pipe.read(&mut piece) {
                Ok(0) => return true,
                Ok(count) => self.bytes.extend(&piece[..count]),
                Err(error) => return error.kind() != ErrorKind::WouldBlock,
            }
            if self.bytes.len() > BYTES_MAX {
                return true;
            }
        }
    }
}

fn login_of(record: &Record) -> Option<&Login> {
    match &record.event {
        Event::Entered(login) => Some(login),
        _ => None,
    }
}

fn key_of(login: &Login) -> Option<Key> {
    let key = login.key.clone().filter(|key| fingerprint(key).is_some())?;
    Some((login.user.clone()?, key))
}

/// The fingerprint in what a log says of a key: `ED25519 SHA256:...`.
fn fingerprint(key: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(key).ok()?;
    text.split(' ').find_map(|word| word.strip_prefix("SHA256:")).filter(|it| !it.is_empty())
}

/// The fingerprint of a key's bytes, as sshd writes it behind `SHA256:`.
pub(in crate::watch) fn fingerprint_of(blob: &[u8]) -> String {
    STANDARD_NO_PAD.encode(digest(&SHA256, blob).as_ref())
}

/// The fingerprints of keys in files of them, and their comments as they may be shown.
fn keys_in(files: &[u8]) -> impl Iterator<Item = (String, String)> {
    files.split(|byte| *byte == b'\n').filter_map(|line| {
        if line.len() > AUTHORIZED_KEYS_LINE_MAX {
            return None;
        }
        let (blob, comment) = key_in(line)?;
        let comment: String = printable(comment).chars().take(KEY_COMMENT_MAX).collect();
        (!comment.is_empty()).then(|| (fingerprint_of(&blob), comment))
    })
}

/// The bytes and the comment of the key in a line of `authorized_keys`, which may have options
/// before it (sshd(8), AUTHORIZED_KEYS FILE FORMAT).
fn key_in(line: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let line = line.trim_ascii();
    if line.is_empty() || line.starts_with(b"#") {
        return None;
    }
    key_at(line).or_else(|| key_at(behind_options(line)?))
}

/// What stands behind options: a space in double quotes does not end them, `\"` is no quote.
fn behind_options(line: &[u8]) -> Option<&[u8]> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let end = line.iter().position(|byte| {
        let was_escaped = std::mem::replace(&mut is_escaped, *byte == b'\\');
        if *byte == b'"' && !was_escaped {
            is_quoted = !is_quoted;
        }
        matches!(byte, b' ' | b'\t') && !is_quoted
    })?;
    Some(line[end..].trim_ascii_start())
}

/// `TYPE BASE64 COMMENT`, where the bytes name the same type.
fn key_at(line: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (kind, rest) = word(line)?;
    let (encoded, comment) = word(rest)?;
    let blob = STANDARD.decode(encoded).ok()?;
    let length = u32::from_be_bytes(blob.get(..4)?.try_into().ok()?) as usize;
    let named = blob.get(4..4usize.checked_add(length)?)?;
    (named == kind).then_some((blob, comment))
}

/// The first word, and what follows behind the space.
fn word(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = line.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(line.len());
    (end > 0).then(|| (&line[..end], line[end..].trim_ascii()))
}

#[cfg(test)]
mod tests;

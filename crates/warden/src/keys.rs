//! The files with the keys that an account may log in with, for whoever shows the comment of one.
//!
//! They are the account's own, so they are opened with its rights and not with those of the
//! warden: a link to another file leads to what the account can read itself. A thread does it, for
//! a home on a server that does not answer would hold up everything. Nothing of them is read here
//! but their bytes, which go to the watcher by a pipe.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use monban_model::limits::{
    AUTHORIZED_KEYS_BYTES_MAX, AUTHORIZED_KEYS_FILES_MAX, KEYS_ASKED_MAX, PAM_NAME_MAX,
};
use rustix::fs::{Mode, OFlags};
use rustix::pipe::PipeFlags;
use rustix::process::{Gid, Uid};
use rustix::thread::{CapabilitySet, CapabilitySets};

/// Where accounts are. One that is elsewhere (LDAP) has no comments of keys in its messages.
const PASSWD: &str = "/etc/passwd";

/// What a thread needs that starts a program and reads a file.
const STACK_BYTES: usize = 512 * 1024;

/// Reads files with keys, a bounded number at one time.
#[derive(Debug, Default)]
pub(crate) struct KeyFiles(Arc<AtomicUsize>);

/// Names files with keys as sshd's configuration does: `.ssh/authorized_keys`, `%h/keys/%u`.
pub type KeyFileNames = Box<dyn FnOnce() -> Vec<String> + Send>;

impl KeyFiles {
    /// A pipe through which the files of an account come; nothing if there are too many already,
    /// or it cannot be one.
    pub(crate) fn read(&self, user: &str, names: KeyFileNames) -> Option<OwnedFd> {
        if !is_account(user) || self.0.load(Ordering::Relaxed) >= KEYS_ASKED_MAX {
            return None;
        }
        let (here, there) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).ok()?;
        rustix::fs::fcntl_setfl(&here, OFlags::NONBLOCK).ok()?;
        let (user, open) = (user.to_owned(), Arc::clone(&self.0));
        open.fetch_add(1, Ordering::Relaxed);
        let work = move || {
            // What could not be read or written is a comment less.
            let _ = send(&user, names, File::from(there));
            open.fetch_sub(1, Ordering::Relaxed);
        };
        match thread::Builder::new().stack_size(STACK_BYTES).spawn(work) {
            Ok(_) => Some(here),
            Err(_) => {
                self.0.fetch_sub(1, Ordering::Relaxed);
                None
            }
        }
    }
}

/// Whether this can be the name of an account: nothing that means anything to a program.
fn is_account(name: &str) -> bool {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !name.is_empty()
        && name.len() <= PAM_NAME_MAX
        && !name.starts_with(['-', '.'])
        && name.chars().all(is_fine)
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Account {
    name: String,
    uid: u32,
    gid: u32,
    home: PathBuf,
}

impl Account {
    /// The account of a line of `/etc/passwd` (passwd(5)).
    fn of(passwd: &str, name: &str) -> Option<Self> {
        passwd.lines().find_map(|line| {
            let [found, _, uid, gid, _, home, _] = line.split(':').collect::<Vec<_>>()[..] else {
                return None;
            };
            let home = PathBuf::from(home);
            let (uid, gid) = (uid.parse().ok()?, gid.parse().ok()?);
            (found == name && home.is_absolute()).then(|| {
                let name = name.to_owned();
                Self { name, uid, gid, home }
            })
        })
    }

    /// The path that a name of sshd's configuration stands for (sshd_config(5), TOKENS).
    fn path(&self, name: &str) -> Option<PathBuf> {
        let mut path = String::new();
        let mut rest = name.chars();
        while let Some(c) = rest.next() {
            match (c, if c == '%' { rest.next() } else { None }) {
                ('%', Some('%')) => path.push('%'),
                ('%', Some('h')) => path.push_str(self.home.to_str()?),
                ('%', Some('u')) => path.push_str(&self.name),
                ('%', Some('U')) => path.push_str(&self.uid.to_string()),
                ('%', _) => return None,
                (c, _) => path.push(c),
            }
        }
        (name != "none").then(|| self.home.join(path))
    }

    /// Gives this thread the rights of the account to open files, and no others. Its real and
    /// saved uid stay root's: the account cannot send it a signal.
    fn become_it(&self) -> io::Result<()> {
        if !rustix::process::geteuid().is_root() {
            return match rustix::process::geteuid().as_raw() == self.uid {
                true => Ok(()),
                false => Err(io::ErrorKind::PermissionDenied.into()),
            };
        }
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        rustix::thread::set_thread_groups(&[gid])?;
        rustix::thread::set_thread_res_gid(None, gid, None)?;
        rustix::thread::set_thread_res_uid(None, uid, None)?;
        let none = CapabilitySet::empty();
        let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
        Ok(rustix::thread::set_capabilities(None, sets)?)
    }

    /// Opens a file that sshd would believe (`StrictModes`): the account's or root's, and with all
    /// folders above it writable for nobody else. A link in its place is not followed, nothing
    /// but a regular file is read, and opening it waits for no writer.
    fn open(&self, path: &Path) -> io::Result<File> {
        let is_fine = |uid: u32, mode: u32| (uid == 0 || uid == self.uid) && mode & 0o022 == 0;
        let no = || io::Error::from(io::ErrorKind::PermissionDenied);
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
        let facts = file.metadata()?;
        if !facts.is_file() || !is_fine(facts.uid(), facts.mode()) {
            return Err(no());
        }
        for folder in path.ancestors().skip(1) {
            let facts = fs::metadata(folder)?;
            if !is_fine(facts.uid(), facts.mode()) {
                return Err(no());
            }
            if folder == self.home {
                break;
            }
        }
        Ok(file)
    }
}

/// Sends the files of an account, each with a line's end behind it.
fn send(user: &str, names: KeyFileNames, mut to: File) -> io::Result<()> {
    let passwd = fs::read_to_string(PASSWD)?;
    let account = Account::of(&passwd, user).ok_or(io::ErrorKind::NotFound)?;
    let paths: Vec<PathBuf> = names().iter().filter_map(|name| account.path(name)).collect();
    account.become_it()?;
    for path in paths.iter().take(AUTHORIZED_KEYS_FILES_MAX) {
        let Ok(file) = account.open(path) else { continue };
        let mut bytes = Vec::new();
        file.take(AUTHORIZED_KEYS_BYTES_MAX as u64).read_to_end(&mut bytes)?;
        bytes.push(b'\n');
        to.write_all(&bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;

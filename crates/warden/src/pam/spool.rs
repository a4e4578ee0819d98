//! The spool: what the hook told while nobody took it.
//!
//! A record is a mark, a length, a sum over both and the frame, filled up with zeros to a whole
//! number of blocks of [`PAM_SPOOL_BLOCK`] bytes, so the bound on bytes is one on records, and
//! after a damaged record the next one is found at a block's beginning. Whoever writes or takes
//! holds a lock (`flock`) for as long as that lasts, some microseconds; the hook asks for it a few
//! times and waits no longer. What found no room is counted by the length of a second file.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use monban_model::limits::{
    PAM_DROPPED_MAX, PAM_FRAME_MAX, PAM_SPOOL_BLOCK, PAM_SPOOL_BYTES_MAX, PAM_SPOOL_RECORDS_MAX,
};
use monban_model::wire::{PamEvent, decode};
use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::Errno;
use rustix::process::geteuid;

/// What begins a record.
const MARK: [u8; 4] = *b"pam\x01";
/// Mark, length and sum.
const HEAD: usize = 12;

/// How long the hook asks for the lock: 20 ms in all.
const HOOK_TRIES: u32 = 40;
const HOOK_PAUSE: Duration = Duration::from_micros(500);
/// How long the guard does, for a hook that writes just now: 1 s in all.
const GUARD_TRIES: u32 = 200;
const GUARD_PAUSE: Duration = Duration::from_millis(5);

/// The spool of a folder.
#[derive(Clone, Debug)]
pub struct Spool {
    /// What the hook appends to.
    file: PathBuf,
    /// The same, taken and not done with.
    taken: PathBuf,
    /// One byte for each record that found no room.
    dropped: PathBuf,
    /// The same, taken and not done with.
    dropped_taken: PathBuf,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It lies in the spool.
    Spooled,
    /// There was no room, and that is counted.
    Dropped,
    /// It is lost: neither spool nor count can be written to.
    Lost,
}

/// What was read from a spool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spooled {
    /// The events, in the order in which they were written.
    pub events: Vec<PamEvent>,
    /// Places where something else than a whole record stood.
    pub damaged: u64,
    /// Records that had found no room, since the spool was last taken. At [`PAM_DROPPED_MAX`]
    /// there may have been more.
    pub dropped: u64,
}

/// A spool that was taken. It stays on disk until [`Taken::done`], so that an end in between loses
/// nothing.
#[derive(Debug)]
pub struct Taken {
    /// What was in it.
    pub spooled: Spooled,
    files: [PathBuf; 2],
}

impl Spool {
    /// That of a folder.
    pub fn of(folder: &Path) -> Self {
        Self {
            file: folder.join("pam.spool"),
            taken: folder.join("pam.spool.taken"),
            dropped: folder.join("pam.dropped"),
            dropped_taken: folder.join("pam.dropped.taken"),
        }
    }

    /// Appends a frame: the hook's side. It waits 20 ms at most, and that only for somebody who
    /// holds the lock.
    pub fn append(&self, frame: &[u8]) -> Kept {
        // Taken away between opening and locking it, at most this often.
        for _ in 0..3 {
            match self.try_append(frame) {
                Ok(Some(())) => return Kept::Spooled,
                Ok(None) => {}
                Err(_) => break,
            }
        }
        if self.count_dropped().is_ok() { Kept::Dropped } else { Kept::Lost }
    }

    /// Takes what is there and reads it; `None` if there is nothing. Costs two looks at the file
    /// system while there is nothing.
    ///
    /// # Errors
    /// If the spool is something else than a file that only its owner could write to, if a hook
    /// holds its lock, or if the disk fails; what lies there stays.
    pub fn take(&self) -> io::Result<Option<Taken>> {
        let has_records = set_aside(&self.file, &self.taken)?;
        let has_dropped = set_aside(&self.dropped, &self.dropped_taken)?;
        let mut spooled = Spooled::default();
        if has_records {
            let file = open_own(&self.taken, OFlags::RDONLY)?;
            lock(&file, GUARD_TRIES, GUARD_PAUSE)?;
            let mut bytes = Vec::new();
            file.take(PAM_SPOOL_BYTES_MAX as u64).read_to_end(&mut bytes)?;
            spooled = read(&bytes);
        }
        if has_dropped {
            let file = open_own(&self.dropped_taken, OFlags::RDONLY)?;
            spooled.dropped = file.metadata()?.len().min(PAM_DROPPED_MAX);
        }
        let files = [self.taken.clone(), self.dropped_taken.clone()];
        Ok((has_records || has_dropped).then_some(Taken { spooled, files }))
    }

    /// `None` if the file was taken away meanwhile.
    fn try_append(&self, frame: &[u8]) -> io::Result<Option<()>> {
        let file = open_own(&self.file, OFlags::RDWR | OFlags::APPEND | OFlags::CREATE)?;
        lock(&file, HOOK_TRIES, HOOK_PAUSE)?;
        let (held, named) = (rustix::fs::fstat(&file)?, rustix::fs::lstat(&self.file));
        if !named.is_ok_and(|named| (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)) {
            return Ok(None);
        }
        let length = u64::try_from(held.st_size).unwrap_or(u64::MAX);
        // What an earlier hook left when it was killed or the disk was full.
        let whole = length - length % PAM_SPOOL_BLOCK as u64;
        if whole != length {
            file.set_len(whole)?;
        }
        let record = record(frame);
        if whole.saturating_add(record.len() as u64) > PAM_SPOOL_BYTES_MAX as u64 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        match rustix::io::write(&file, &record) {
            Ok(written) if written == record.len() => Ok(Some(())),
            result => {
                file.set_len(whole)?;
                result?;
                Err(io::ErrorKind::WriteZero.into())
            }
        }
    }

    fn count_dropped(&self) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE;
        let file = open_own(&self.dropped, flags)?;
        if file.metadata()?.len() < PAM_DROPPED_MAX {
            rustix::io::write(&file, b".")?;
        }
        Ok(())
    }
}

impl Taken {
    /// Removes what was taken, once it is kept elsewhere.
    ///
    /// # Errors
    /// If it cannot be removed; it is taken again then.
    pub fn done(self) -> io::Result<()> {
        for file in &self.files {
            match fs::remove_file(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Renames what hooks write to, so that they begin anew, unless what was set aside before is still
/// there: that comes first. Says whether there is anything.
fn set_aside(file: &Path, taken: &Path) -> io::Result<bool> {
    if fs::symlink_metadata(taken).is_ok() {
        return Ok(true);
    }
    match fs::rename(file, taken) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        result => result.map(|()| true),
    }
}

/// Opens a file of this user's that nobody else may write to, and follows no link. A pipe or
/// device in its place makes nobody wait.
fn open_own(path: &Path, flags: OFlags) -> io::Result<File> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = File::from(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?);
    let facts = rustix::fs::fstat(&file)?;
    let is_file = rustix::fs::FileType::from_raw_mode(facts.st_mode).is_file();
    let is_own = facts.st_uid == geteuid().as_raw() && facts.st_mode & 0o022 == 0;
    // A second name would be somebody's way to have root write into another file.
    if is_file && is_own && facts.st_nlink <= 1 { Ok(file) } else { Err(Errno::PERM.into()) }
}

fn lock(file: &File, tries: u32, pause: Duration) -> io::Result<()> {
    for attempt in 1.. {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK | Errno::INTR) if attempt < tries => thread::sleep(pause),
            result => return Ok(result?),
        }
    }
    Ok(())
}

/// A frame as it stands in the spool.
fn record(frame: &[u8]) -> Vec<u8> {
    let mut record = Vec::with_capacity((HEAD + frame.len()).next_multiple_of(PAM_SPOOL_BLOCK));
    let length = u32::try_from(frame.len()).unwrap_or(u32::MAX).to_le_bytes();
    record.extend_from_slice(&MARK);
    record.extend_from_slice(&length);
    record.extend_from_slice(&sum(frame).to_le_bytes());
    record.extend_from_slice(frame);
    record.resize(record.len().next_multiple_of(PAM_SPOOL_BLOCK), 0);
    record
}

/// Every record that is whole.
fn read(bytes: &[u8]) -> Spooled {
    let mut spooled = Spooled::default();
    let (mut at, mut was_damaged) = (0, false);
    while at < bytes.len() && spooled.events.len() < PAM_SPOOL_RECORDS_MAX {
        match read_one(&bytes[at..]) {
            Some((event, length)) => {
                spooled.events.push(event);
                at += length;
                was_damaged = false;
            }
            None => {
                // Blocks without a beginning are one place that is damaged.
                spooled.damaged += u64::from(!was_damaged);
                was_damaged = true;
                at += PAM_SPOOL_BLOCK;
            }
        }
    }
    spooled
}

/// The record at the beginning of these bytes, and how many bytes it takes.
fn read_one(bytes: &[u8]) -> Option<(PamEvent, usize)> {
    let rest = bytes.strip_prefix(&MARK)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (wanted, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let frame = rest.get(..length).filter(|_| length <= PAM_FRAME_MAX)?;
    let is_whole = sum(frame) == u32::from_le_bytes(*wanted);
    let event = decode(frame).ok().filter(|_| is_whole)?;
    Some((event, (HEAD + length).next_multiple_of(PAM_SPOOL_BLOCK)))
}

/// FNV-1a: it tells torn records, and nobody but root writes any.
fn sum(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(0x811c_9dc5, |sum: u32, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests;

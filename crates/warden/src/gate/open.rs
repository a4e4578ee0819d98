//! Opening a file that somebody else may have put there.

use std::fmt;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;

use rustix::fs::{FileType, Mode, OFlags};

/// Why a path is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The rights are missing.
    Permission,
    /// It is a directory, FIFO, socket or device.
    NotRegular,
    /// A symlink of a user other than root leads to a file of somebody else.
    ForeignLink,
    /// What the system says.
    Other(String),
}

impl Why {
    pub(super) fn of(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::PermissionDenied => Self::Permission,
            _ => Self::Other(error.to_string()),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Permission => f.write_str("permission denied"),
            Self::NotRegular => f.write_str("not a regular file"),
            Self::ForeignLink => f.write_str("a symlink of a user to a file of somebody else"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

pub(super) enum Refused {
    Missing,
    Because(Why),
}

pub(super) struct Stat {
    pub(super) dev: u64,
    pub(super) ino: u64,
    pub(super) size: u64,
}

/// Device and inode of the file that a path leads to.
pub(super) fn key_of(path: &str) -> io::Result<(u64, u64)> {
    let data = fs::metadata(path)?;
    Ok((data.dev(), data.ino()))
}

/// Opens a regular file for reading. What it is, is asked of the descriptor, so that nobody can
/// exchange it in between; opening a FIFO or device does not block and takes no terminal.
pub(super) fn open(path: &str) -> Result<(OwnedFd, Stat), Refused> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let link_owner = match rustix::fs::open(path, flags | OFlags::NOFOLLOW, Mode::empty()) {
        Ok(fd) => return check(fd, None),
        Err(rustix::io::Errno::LOOP) => match fs::symlink_metadata(path) {
            Ok(data) => data.uid(),
            Err(error) => return Err(refused(&error)),
        },
        Err(error) => return Err(refused(&error.into())),
    };
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(fd) => check(fd, Some(link_owner).filter(|uid| *uid != 0)),
        Err(error) => Err(refused(&error.into())),
    }
}

fn check(fd: OwnedFd, owner: Option<u32>) -> Result<(OwnedFd, Stat), Refused> {
    let stat = rustix::fs::fstat(fd.as_fd()).map_err(|error| refused(&error.into()))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Refused::Because(Why::NotRegular));
    }
    if owner.is_some_and(|uid| uid != stat.st_uid) {
        return Err(Refused::Because(Why::ForeignLink));
    }
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    Ok((fd, Stat { dev: stat.st_dev, ino: stat.st_ino, size }))
}

fn refused(error: &io::Error) -> Refused {
    match error.kind() {
        io::ErrorKind::NotFound => Refused::Missing,
        // A socket cannot be opened at all.
        _ if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => {
            Refused::Because(Why::NotRegular)
        }
        _ => Refused::Because(Why::of(error)),
    }
}

//! A fail2ban that ran here since the last start: its bans are taken over, and reading goes on
//! where it stopped.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::UNIX_EPOCH;

use md5::{Digest, Md5};
use monban_fail2ban::filter::Id;
use monban_jails::{Earlier, EarlierLog, Jails, ReadLog};
use monban_ledger::{Fail2banBan, Fail2banBans, Fail2banError, Fail2banLength};
use monban_model::limits::{
    FAIL2BAN_DATABASE_BYTES_MAX, JAIL_BANS_MAX, JAIL_KNOWN_MAX, POSITIONS_MAX,
};
use sha1::Sha1;

use super::{Watch, notice, now};

/// The copy that is read, in the watcher's own folder: the original is for root alone, and SQLite
/// opens paths only.
const COPY: &str = "fail2ban.copy";

/// Sums of one line, each by another method.
type Sums = Vec<String>;

/// Longest first line that is compared, in bytes.
const FIRST_LINE_MAX: usize = 64 << 10;

/// No line is read while the database is awaited: it says which were judged.
#[derive(Debug, Default)]
pub struct Awaited {
    /// Whether it was asked for.
    asked: bool,
    /// When the database was last written that was taken over, until the lines behind its
    /// positions are read.
    taken: Option<u64>,
    /// The first lines of files that were opened meanwhile, by path.
    opened: Option<HashMap<String, Sums>>,
}

impl Awaited {
    /// Whether the database is to be asked for: once in a run, unless [`Awaited::ask_again`] says
    /// otherwise. Then it is waited for.
    pub fn wait(&mut self) -> bool {
        let wants = !std::mem::replace(&mut self.asked, true) && !self.is_awaited();
        if wants {
            self.opened = Some(HashMap::new());
        }
        wants
    }

    /// The database is to be asked for once more: who was observed is settled with it.
    pub fn ask_again(&mut self) {
        self.asked = false;
    }

    /// Whether the answer has not come yet.
    pub fn is_awaited(&self) -> bool {
        self.opened.is_some()
    }

    /// A file was opened.
    pub fn opened(&mut self, path: &str, file: &File, jails: &mut Jails) {
        if jails.leaves_out(path) {
            jails.opened(path, &sums_of_first_line(file));
        } else if let Some(opened) = &mut self.opened {
            opened.insert(path.to_owned(), sums_of_first_line(file));
        }
    }
}

impl Watch {
    /// Takes over what the database holds, if there is one that was written since the last time:
    /// then a fail2ban ran. Lines that strangers wrote are in it; this process may do nothing with
    /// them but read.
    pub(super) fn take_database(&mut self, fd: Option<OwnedFd>) -> io::Result<()> {
        let opened = self.earlier.opened.take().unwrap_or_default();
        let written = fd.as_ref().and_then(written_ms);
        let (false, Some(fd)) = (self.jail_side.knows_database(written), fd) else {
            return self.serve_jails();
        };
        let copy = self.folder.join(COPY);
        let read = copied(fd, &copy)
            .and_then(|()| read(&copy).map_err(|error| io::Error::other(error.to_string())));
        let _ = std::fs::remove_file(&copy);
        match read {
            Ok((bans, logs)) => {
                self.earlier.taken = written;
                let jails = self.jail_side.jails();
                jails.leave_out(logs);
                for (path, first_line) in opened {
                    jails.opened(&path, &first_line);
                }
                let count = jails.take_earlier(bans, now());
                if count > 0 {
                    self.tell(notice("jail-taken-over", &[("count", count.to_string())]));
                }
            }
            Err(error) => {
                self.tell(notice("jail-not-taken-over", &[("error", error.to_string())]));
            }
        }
        self.serve_jails()
    }

    /// The files are read to their ends: what was taken over is our own now.
    pub(super) fn earlier_is_read(&mut self) {
        if let Some(taken) = self.earlier.taken.take() {
            self.jail_side.keep_database(taken);
            self.pending.touch();
        }
        self.jail_side.jails().caught_up();
    }
}

/// The sums of the first line with its end, as versions of fail2ban name a file; an empty one if
/// there is no such line.
fn sums_of_first_line(file: &File) -> Sums {
    let mut bytes = vec![0; FIRST_LINE_MAX];
    let count = file.read_at(&mut bytes, 0).unwrap_or(0);
    let end = bytes[..count].iter().position(|byte| *byte == b'\n');
    let Some(end) = end else { return vec![String::new()] };
    let (md5, sha1) = (Md5::digest(&bytes[..=end]), Sha1::digest(&bytes[..=end]));
    [md5.as_slice(), sha1.as_slice()].map(hexadecimal).into()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// When a file was last written, in milliseconds since 1970.
fn written_ms(fd: &OwnedFd) -> Option<u64> {
    let file = File::from(fd.try_clone().ok()?);
    let since = file.metadata().ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since.as_millis()).ok()
}

fn copied(fd: OwnedFd, to: &Path) -> io::Result<()> {
    let most = FAIL2BAN_DATABASE_BYTES_MAX;
    let mut out = File::create(to)?;
    let copied = io::copy(&mut File::from(fd).take(most + 1), &mut out)?;
    match copied > most {
        true => Err(io::Error::other(format!("it has more than {most} bytes"))),
        false => Ok(()),
    }
}

fn read(path: &Path) -> Result<(Vec<Earlier>, Vec<EarlierLog>), Fail2banError> {
    let database = Fail2banBans::open(path)?;
    Ok((bans(&database)?, logs(&database)?))
}

fn logs(database: &Fail2banBans) -> Result<Vec<EarlierLog>, Fail2banError> {
    let mut found = Vec::new();
    database.logs(&mut |log| {
        if found.len() < POSITIONS_MAX {
            let read = match log.path {
                "systemd-journal" => ReadLog::Journal((log.position * 1e6).round() as u64),
                path => ReadLog::File {
                    path: path.to_owned(),
                    first_line: log.first_line.to_owned(),
                    position: log.position as u64,
                },
            };
            found.push(EarlierLog { jail: log.jail.to_owned(), log: read });
        }
    })?;
    Ok(found)
}

fn bans(database: &Fail2banBans) -> Result<Vec<Earlier>, Fail2banError> {
    let mut found = Vec::new();
    let mut take = |ban: Fail2banBan<'_>| {
        if found.len() >= JAIL_BANS_MAX + JAIL_KNOWN_MAX {
            return;
        }
        found.push(Earlier {
            jail: ban.jail.to_owned(),
            id: Id::of_text(ban.ip),
            time_s: ban.time_s,
            seconds: match ban.length {
                Fail2banLength::Seconds(seconds) => Some(seconds),
                Fail2banLength::Forever => Some(-1),
                Fail2banLength::OfJail => None,
            },
            count: ban.count,
        });
    };
    match database.has_last()? {
        true => database.last(&mut take)?,
        // The forms before 0.11 have all bans, the newest first.
        false => database.all(&mut take)?,
    };
    Ok(found)
}

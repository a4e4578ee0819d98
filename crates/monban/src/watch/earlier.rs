//! The bans of the fail2ban that ran here before, taken over once.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::Path;

use monban_fail2ban::filter::Id;
use monban_jails::Earlier;
use monban_ledger::{Fail2banBan, Fail2banBans, Fail2banError, Fail2banLength};
use monban_model::limits::{FAIL2BAN_DATABASE_BYTES_MAX, JAIL_BANS_MAX, JAIL_KNOWN_MAX};

use super::{Watch, notice, now};

/// The copy that is read, in the watcher's own folder: the original is for root alone, and SQLite
/// opens paths only.
const COPY: &str = "fail2ban.copy";

impl Watch {
    /// Takes over what the database holds. Lines that strangers wrote are in it; this process may
    /// do nothing with them but read.
    pub(super) fn take_database(&mut self, fd: OwnedFd) -> io::Result<()> {
        let copy = self.folder.join(COPY);
        let read = copied(fd, &copy)
            .and_then(|()| bans(&copy).map_err(|error| io::Error::other(error.to_string())));
        let _ = std::fs::remove_file(&copy);
        match read {
            Ok(earlier) => {
                let count = self.jail_side.jails().take_earlier(earlier, now());
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

fn bans(path: &Path) -> Result<Vec<Earlier>, Fail2banError> {
    let database = Fail2banBans::open(path)?;
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

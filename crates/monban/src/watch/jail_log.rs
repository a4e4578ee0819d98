//! The log in fail2ban's form, for whatever reads that: recidive, logwatch, exporters.

use std::fs::File;
use std::io::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use monban_fail2ban::config::Version;
use monban_fail2ban::filter::Id;
use monban_fail2ban::log_line::{Event, IgnoredBy, Level};
use monban_jails::{Jails, News, Spared, Told};
use monban_model::Notice;
use monban_views::{Say, Tongue};

/// The log.
pub struct JailLog {
    file: Option<File>,
    zone: TimeZone,
    level: Level,
    /// Whether a file will be opened: then lines wait for it.
    expects: bool,
    /// Lines that are not written yet.
    waiting: String,
    /// Lines that the disk did not take.
    lost: u64,
}

/// Bytes that wait for the disk at most.
const WAITING_MAX: usize = 256 << 10;

/// Bytes that wait until the file is open: at a start with as many bans as there may be, each is
/// told before that.
const OPENING_MAX: usize = 16 << 20;

impl JailLog {
    /// A log that is not open yet.
    pub fn new(zone: TimeZone) -> Self {
        Self {
            file: None,
            zone,
            level: Level::INFO,
            expects: false,
            waiting: String::new(),
            lost: 0,
        }
    }

    /// A file will be opened: what happens until then waits for it.
    pub fn expect(&mut self) {
        self.expects = true;
    }

    /// No file can be opened; one that is open goes on.
    pub fn expect_none(&mut self) {
        self.expects = false;
        if self.file.is_none() {
            self.waiting = String::new();
        }
    }

    /// Writes to this file from now on; `other` is its path if it is another than before.
    pub fn open(&mut self, file: File, other: Option<&str>) {
        if other.is_some() {
            self.flush();
        }
        self.file = Some(file);
        if let Some(path) = other {
            let version = Version::default();
            let version = version.text();
            let text = format!("Changed logging target to {path} for Fail2ban v{version}");
            self.write(&Event::Note { level: Level::INFO, text: &text });
        }
        self.flush();
        if self.lost > 0 {
            let text = format!("{} lines of this log were lost", std::mem::take(&mut self.lost));
            self.write(&Event::Note { level: Level::WARNING, text: &text });
            self.flush();
        }
    }

    /// `loglevel`.
    pub fn set_level(&mut self, name: &str) {
        self.level = Level::parse(name).unwrap_or(Level::INFO);
    }

    /// Writes what of the configuration does not run, in English as all of this log is.
    pub fn lacks(&mut self, lack: &Notice) {
        if self.file.is_some() || self.expects {
            let text = Say::new(Tongue::English).notice(lack);
            self.write(&Event::Note { level: Level::ERROR, text: &text });
        }
    }

    /// Writes what happened.
    pub fn tell(&mut self, news: &News) {
        let wanted = self.file.is_some() || self.expects;
        if !wanted {
            return;
        }
        let jail = &news.jail;
        let word = |job| super::jail_news::job_word(job).trim_start_matches("action");
        // What is no action's is monban's own.
        let own = "monban";
        if let Told::Failed { job, failed } = &news.told {
            for one in failed {
                let action = one.action.as_deref().unwrap_or(own);
                self.write(&Event::ActionFailed {
                    jail,
                    action,
                    job: word(*job),
                    why: &one.said(),
                });
            }
        } else if let Told::Refused { job, why } = &news.told {
            let why = why.to_string();
            self.write(&Event::ActionFailed { jail, action: own, job: word(*job), why: &why });
        } else if let Told::Repaired { count } = &news.told {
            let values = [("jail", news.jail.as_str()), ("count", &count.to_string())];
            let text = Say::new(Tongue::English).text("jail-repaired", &values);
            self.write(&Event::Note { level: Level::WARNING, text: &text });
        } else if let Some(event) = event_of(news) {
            self.write(&event);
        }
    }

    /// The jails end, and their bans with them until the next start.
    pub fn end(&mut self, jails: &Jails) {
        for (jail, ids) in jails.in_force() {
            for id in ids {
                self.write(&Event::Unban { jail, id });
            }
            self.write(&Event::JailStopped { jail });
        }
        self.flush();
    }

    fn write(&mut self, event: &Event<'_>) {
        if event.level() < self.level {
            return;
        }
        let most = if self.file.is_some() { WAITING_MAX } else { OPENING_MAX };
        if self.waiting.len() >= most {
            self.flush();
        }
        if self.waiting.len() >= most {
            self.lost += 1;
            return;
        }
        let line = event.line(Timestamp::now(), &self.zone, std::process::id());
        self.waiting.push_str(&line);
        self.waiting.push('\n');
    }

    /// Writes what waits, in one piece: others may append to the file, too.
    pub fn flush(&mut self) {
        let Some(file) = self.file.as_mut().filter(|_| !self.waiting.is_empty()) else { return };
        let lines = std::mem::take(&mut self.waiting);
        if file.write_all(lines.as_bytes()).is_err() {
            self.lost += lines.lines().count() as u64;
        }
    }
}

fn event_of(news: &News) -> Option<Event<'_>> {
    let jail = news.jail.as_str();
    let nobody = |told: &Told| match told {
        Told::Started => Some(Event::JailStarted { jail }),
        Told::Stopped => Some(Event::JailStopped { jail }),
        _ => None,
    };
    let Some(id) = &news.id else { return nobody(&news.told) };
    of_somebody(jail, id, &news.told)
}

fn of_somebody<'n>(jail: &'n str, id: &'n Id, told: &'n Told) -> Option<Event<'n>> {
    Some(match told {
        Told::Found { time, .. } => Event::Found { jail, id, time_s: *time },
        Told::Bad { time, bans, counts, capped, enough } => Event::FoundBad {
            jail,
            id,
            time_s: *time,
            bans: *bans,
            counts: u64::from(*counts),
            capped: *capped,
            banned: *enough,
        },
        Told::Attempt { time } => Event::Attempt { jail, id, time_s: *time },
        Told::Ignored(by) => Event::Ignore {
            jail,
            id,
            by: match by {
                Spared::Own => IgnoredBy::Own,
                Spared::Address | Spared::Allowed(_) => IgnoredBy::Ip,
                Spared::Name => IgnoredBy::Dns,
                Spared::Command => IgnoredBy::Command,
            },
        },
        Told::Banned { .. } => Event::Ban { jail, id, restored: false },
        Told::Restored | Told::TakenOver { .. } => Event::Ban { jail, id, restored: true },
        Told::Increased { count, seconds, until } => Event::IncreaseBan {
            jail,
            id,
            count: *count,
            bantime_s: *seconds,
            end_s: until.unwrap_or(i64::MAX),
        },
        Told::Already { after_s } => Event::AlreadyBanned { jail, id, late_s: *after_s },
        Told::Expired => Event::Expired { jail, id },
        Told::Again => Event::Reban { jail, id, action: None },
        Told::Freed(_) | Told::Parked => Event::Unban { jail, id },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use monban_model::{ActionFailure, JailJob, Refusal};

    use super::*;

    #[test]
    fn each_action_that_failed_is_named_in_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = JailLog::new(TimeZone::UTC);
        log.open(File::create(&path).unwrap(), None);
        let failure = |action: Option<&str>, what: &str, how: Option<&str>| ActionFailure {
            action: action.map(str::to_owned),
            what: what.to_owned(),
            how: how.map(str::to_owned),
        };
        let failed = vec![
            failure(Some("a; x: y"), "actionban failed", None),
            failure(Some("b"), "actionban failed", Some("exit code 1: no (really): x; z")),
            failure(None, "the role ended", None),
        ];
        let job = JailJob::Ban;
        let refused = Told::Refused { job, why: Refusal::Administrator };
        for told in [Told::Failed { job, failed }, refused] {
            log.tell(&News { jail: "j".to_owned(), id: Some(Id::of_text("192.0.2.1")), told });
        }
        log.flush();
        let text = std::fs::read_to_string(path).unwrap();
        let said =
            text.lines().filter_map(|line| line.split_once(" action ")).map(|(_, said)| said);
        let expected = [
            "'a; x: y': actionban failed",
            "'b': actionban failed (exit code 1: no (really): x; z)",
            "'monban': the role ended",
            "'monban': an administrator is logged in from there",
        ];
        assert_eq!(said.collect::<Vec<_>>(), expected);
    }
}

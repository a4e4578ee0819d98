//! fail2ban's own log, line by line: other programs read it, as the jail `recidive` does.
//!
//! A line is one line whatever stands in it, and who it is about cannot be forged: an id that a
//! stranger wrote has no brackets, no white space and no control characters in it.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::action::quoted;
use crate::client::shown::{escaped, is_unsafe, time};
use crate::filter::Id;

/// How much a line matters. Lines below the `loglevel` are not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(u16);

impl Level {
    /// Nothing goes on.
    pub const CRITICAL: Self = Self(50);
    /// Something was not done.
    pub const ERROR: Self = Self(40);
    /// Something may be wrong.
    pub const WARNING: Self = Self(30);
    /// Somebody is banned, or is not any more.
    pub const NOTICE: Self = Self(25);
    /// Somebody failed.
    pub const INFO: Self = Self(20);
    /// An answer to a command.
    pub const MSG: Self = Self(18);
    /// For those who look for a mistake.
    pub const DEBUG: Self = Self(10);

    /// Reads a `loglevel`: a name in capital letters, or a number.
    pub fn parse(text: &str) -> Option<Self> {
        let named = [
            ("CRITICAL", 50),
            ("FATAL", 50),
            ("ERROR", 40),
            ("WARNING", 30),
            ("WARN", 30),
            ("NOTICE", 25),
            ("INFO", 20),
            ("MSG", 18),
            ("DEBUG", 10),
            ("TRACEDEBUG", 7),
            ("HEAVYDEBUG", 5),
            ("NOTSET", 0),
        ];
        let found = named.into_iter().find(|(name, _)| *name == text).map(|(_, level)| level);
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        found.or_else(|| text.parse().ok().filter(|_| is_number)).map(Self)
    }

    const fn name(self) -> &'static str {
        match self.0 {
            50.. => "CRITICAL",
            40.. => "ERROR",
            30.. => "WARNING",
            25.. => "NOTICE",
            20.. => "INFO",
            18.. => "MSG",
            _ => "DEBUG",
        }
    }
}

/// Something that is told in the log. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'e> {
    /// The filter of a jail found a failure.
    Found {
        /// The jail.
        jail: &'e str,
        /// Who failed.
        id: &'e Id,
        /// When, by the line's own date.
        time_s: i64,
    },
    /// As `Found`, of somebody who was banned before: it counts more than once.
    FoundBad {
        /// The jail.
        jail: &'e str,
        /// Who failed.
        id: &'e Id,
        /// When, by the line's own date.
        time_s: i64,
        /// Earlier bans.
        bans: u32,
        /// For how many failures it counts: half of 2 to the power of the bans, and one.
        counts: u64,
        /// Whether that was more than `maxretry`, which it is now. It has no point then.
        capped: bool,
        /// Whether it leads to a ban.
        banned: bool,
    },
    /// An operator told of a failure (`set JAIL attempt`).
    Attempt {
        /// The jail.
        jail: &'e str,
        /// Who failed.
        id: &'e Id,
        /// When.
        time_s: i64,
    },
    /// A failure of somebody who is spared.
    Ignore {
        /// The jail.
        jail: &'e str,
        /// Who is spared.
        id: &'e Id,
        /// Why.
        by: IgnoredBy,
    },
    /// Somebody is banned.
    Ban {
        /// The jail.
        jail: &'e str,
        /// Who.
        id: &'e Id,
        /// Whether it is a ban of before a restart.
        restored: bool,
    },
    /// A ban that would have ended already.
    Expired {
        /// The jail.
        jail: &'e str,
        /// Who.
        id: &'e Id,
    },
    /// Somebody was to be banned who is.
    AlreadyBanned {
        /// The jail.
        jail: &'e str,
        /// Who.
        id: &'e Id,
        /// Seconds from the ban to the failure that led to this one.
        late_s: i64,
    },
    /// Somebody is banned anew, as the firewall had lost it.
    Reban {
        /// The jail.
        jail: &'e str,
        /// Who.
        id: &'e Id,
        /// With this action alone.
        action: Option<&'e str>,
    },
    /// A ban became longer, as it is not the first one.
    IncreaseBan {
        /// The jail.
        jail: &'e str,
        /// Who.
        id: &'e Id,
        /// Which ban it is, counted from 1.
        count: u32,
        /// How long it is now in seconds; below zero is for ever.
        bantime_s: i64,
        /// When it ends.
        end_s: i64,
    },
    /// A ban ended.
    Unban {
        /// The jail.
        jail: &'e str,
        /// Who.
        id: &'e Id,
    },
    /// An operator wanted to end a ban that is none.
    NotBanned {
        /// Who.
        id: &'e Id,
    },
    /// All bans of an action end at once.
    Flush {
        /// The jail.
        jail: &'e str,
        /// The action.
        action: &'e str,
    },
    /// A command of an action failed.
    ActionFailed {
        /// The jail.
        jail: &'e str,
        /// The action.
        action: &'e str,
        /// What it was to do: `ban`, `unban`, `start`, ..
        job: &'e str,
        /// What it said.
        why: &'e str,
    },
    /// A jail runs.
    JailStarted {
        /// Its name.
        jail: &'e str,
    },
    /// A jail ended.
    JailStopped {
        /// Its name.
        jail: &'e str,
    },
    /// A jail has its new configuration.
    JailReloaded {
        /// Its name.
        jail: &'e str,
    },
    /// A log file is read.
    LogAdded {
        /// Its path.
        path: &'e str,
    },
    /// A log file is not read any more.
    LogRemoved {
        /// Its path.
        path: &'e str,
    },
    /// The server starts; its version.
    ServerStarted {
        /// The version.
        version: &'e str,
    },
    /// The server ends.
    ServerStopped,
    /// The configuration is taken over anew.
    Reload,
    /// That is done.
    ReloadFinished,
    /// The log file was opened anew.
    Rollover {
        /// Its path.
        path: &'e str,
    },
    /// What the client complains about, on its standard error.
    OfClient {
        /// What is wrong.
        text: &'e str,
    },
    /// Anything else, of the whole server.
    Note {
        /// How much it matters.
        level: Level,
        /// What is told.
        text: &'e str,
    },
}

/// Why somebody is spared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IgnoredBy {
    /// It is an address of this machine.
    Own,
    /// `ignoreip` has it, or a network around it.
    Ip,
    /// A name of `ignoreip` has this address.
    Dns,
    /// `ignorecommand` says so.
    Command,
}

impl Event<'_> {
    /// How much it matters.
    pub fn level(&self) -> Level {
        match self {
            Self::Ban { .. }
            | Self::Reban { .. }
            | Self::IncreaseBan { .. }
            | Self::Unban { .. }
            | Self::Flush { .. } => Level::NOTICE,
            Self::AlreadyBanned { late_s, .. } => match late_s {
                ..3 => Level::DEBUG,
                3..60 => Level::NOTICE,
                60.. => Level::WARNING,
            },
            Self::NotBanned { .. } => Level::MSG,
            Self::ActionFailed { .. } | Self::OfClient { .. } => Level::ERROR,
            Self::Note { level, .. } => *level,
            _ => Level::INFO,
        }
    }

    /// Which part of fail2ban says it.
    fn part(&self) -> &'static str {
        match self {
            Self::Found { .. }
            | Self::Attempt { .. }
            | Self::Ignore { .. }
            | Self::LogAdded { .. }
            | Self::LogRemoved { .. } => "fail2ban.filter",
            Self::FoundBad { .. } | Self::IncreaseBan { .. } => "fail2ban.observer",
            Self::JailStarted { .. } | Self::JailStopped { .. } => "fail2ban.jail",
            Self::JailReloaded { .. }
            | Self::ServerStarted { .. }
            | Self::ServerStopped
            | Self::Reload
            | Self::ReloadFinished
            | Self::Rollover { .. }
            | Self::Note { .. } => "fail2ban.server",
            Self::OfClient { .. } => "fail2ban",
            _ => "fail2ban.actions",
        }
    }

    /// What is told, in one line.
    pub fn text(&self, zone: &TimeZone) -> String {
        let clock = |epoch_s: i64| time(epoch_s, zone);
        match self {
            Self::Found { jail, id, time_s } => {
                format!("[{jail}] Found {} - {}", safe(id), clock(*time_s))
            }
            Self::FoundBad { jail, id, time_s, bans, counts, capped, banned } => {
                let point = if *capped { "" } else { ".0" };
                let ban = if *banned { ", Ban" } else { "" };
                let (id, at) = (safe(id), clock(*time_s));
                format!("[{jail}] Found {id}, bad - {at}, {bans} # -> {counts}{point}{ban}")
            }
            Self::Attempt { jail, id, time_s } => {
                format!("[{jail}] Attempt {} - {}", safe(id), clock(*time_s))
            }
            Self::Ignore { jail, id, by } => {
                format!("[{jail}] Ignore {} by {}", safe(id), by.name())
            }
            Self::Ban { jail, id, restored } => {
                let restore = if *restored { "Restore " } else { "" };
                format!("[{jail}] {restore}Ban {}", safe(id))
            }
            Self::Expired { jail, id } => format!("[{jail}] Ignore {}, expired bantime", safe(id)),
            Self::AlreadyBanned { jail, id, .. } => {
                format!("[{jail}] {} already banned", safe(id))
            }
            Self::Reban { jail, id, action } => {
                let with = action.map(|name| format!(", action {}", quoted(name)));
                format!("[{jail}] Reban {}{}", safe(id), with.unwrap_or_default())
            }
            Self::IncreaseBan { jail, id, count, bantime_s, end_s } => {
                let (length, end) = match *bantime_s {
                    ..0 => ("permanent".to_owned(), "infinite".to_owned()),
                    seconds => (length(seconds), clock(*end_s)),
                };
                format!("[{jail}] Increase Ban {} ({count} # {length} -> {end})", safe(id))
            }
            Self::Unban { jail, id } => format!("[{jail}] Unban {}", safe(id)),
            Self::NotBanned { id } => format!("{} is not banned", safe(id)),
            Self::Flush { jail, action } => format!("[{jail}] Flush ticket(s) with {action}"),
            Self::ActionFailed { jail, action, job, why } => {
                let why = one_line(why);
                format!("Failed to execute {job} jail '{jail}' action '{action}': {why}")
            }
            Self::JailStarted { jail } => format!("Jail {} started", quoted(jail)),
            Self::JailStopped { jail } => format!("Jail {} stopped", quoted(jail)),
            Self::JailReloaded { jail } => format!("Jail {} reloaded", quoted(jail)),
            Self::LogAdded { path } => format!("Added logfile: {}", quoted(path)),
            Self::LogRemoved { path } => format!("Removed logfile: {}", quoted(path)),
            Self::ServerStarted { version } => format!("Starting Fail2ban v{version}"),
            Self::ServerStopped => "Exiting Fail2ban".to_owned(),
            Self::Reload => "Reload all jails".to_owned(),
            Self::ReloadFinished => "Reload finished.".to_owned(),
            Self::Rollover { path } => format!("rollover performed on {}", one_line(path)),
            Self::OfClient { text } => (*text).to_owned(),
            Self::Note { text, .. } => one_line(text),
        }
    }

    /// The whole line, without its end, in the zone of this machine or another.
    pub fn line(&self, now: Timestamp, zone: &TimeZone, pid: u32) -> String {
        let clock = now.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S");
        let ms = now.as_millisecond().rem_euclid(1000);
        format!("{clock},{ms:03} {}", self.without_time(zone, pid, 24, 7))
    }

    /// The line as it goes to syslog, which knows the time itself.
    pub fn syslog_line(&self, zone: &TimeZone, pid: u32) -> String {
        self.without_time(zone, pid, 0, 0)
    }

    fn without_time(&self, zone: &TimeZone, pid: u32, wide: usize, narrow: usize) -> String {
        let level = self.level().name();
        format!("{:<wide$}[{pid}]: {level:<narrow$} {}", self.part(), self.text(zone))
    }
}

impl IgnoredBy {
    const fn name(self) -> &'static str {
        match self {
            Self::Own => "ignoreself rule",
            Self::Ip => "ip",
            Self::Dns => "dns",
            Self::Command => "command",
        }
    }
}

/// An id that cannot be taken for more than one word of the line.
fn safe(id: &Id) -> String {
    match id {
        Id::Net(net) => net.to_string(),
        Id::Name(text) | Id::Text(text) => {
            escaped(text, |c| is_unsafe(c) || c.is_whitespace() || matches!(c, '[' | ']' | '\\'))
        }
    }
}

fn one_line(text: &str) -> String {
    escaped(text, is_unsafe)
}

/// A length of time in at most three units; the longer it is, the coarser.
pub fn length(seconds: i64) -> String {
    let units: (i64, &[(i64, &str)]) = match seconds {
        31_536_000.. => (86_400, &[(365, "y"), (7, "w"), (1, "d")]),
        604_800.. => (3600, &[(168, "w"), (24, "d"), (1, "h")]),
        86_400.. => (60, &[(1440, "d"), (60, "h"), (1, "m")]),
        3595.. => (10, &[(360, "h"), (6, "m")]),
        _ => (1, &[(60, "m"), (1, "s")]),
    };
    let mut left = rounded(seconds.max(0), units.0);
    let mut parts = Vec::new();
    for (size, name) in units.1 {
        // The first unit of a long time is there in any case.
        if left >= *size || (parts.is_empty() && units.0 > 1) {
            parts.push(format!("{}{name}", left / size));
        }
        left %= size;
    }
    if parts.is_empty() { "0".to_owned() } else { parts.join(" ") }
}

/// To the nearest; what lies in the middle to the even one.
fn rounded(value: i64, by: i64) -> i64 {
    let (whole, rest) = (value / by, value % by);
    let up = rest * 2 > by || (rest * 2 == by && whole % 2 == 1);
    whole + i64::from(up)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_id_forges_nothing() {
        let id = Id::Text("x\n2024-01-02 03:04:05,678 a] Ban 192.0.2.1 [".to_owned());
        let line = Event::Ban { jail: "web", id: &id, restored: false };
        let line = line.line(Timestamp::UNIX_EPOCH, &TimeZone::UTC, 7);
        let expected = "1970-01-01 00:00:00,000 fail2ban.actions        [7]: NOTICE  [web] Ban \
             x\\x0a2024-01-02\\x2003:04:05,678\\x20a\\x5d\\x20Ban\\x20192.0.2.1\\x20\\x5b";
        assert_eq!(line, expected);
    }

    #[test]
    fn a_line_for_syslog_is_not_padded() {
        let id = Id::of_text("192.0.2.1");
        let line = Event::Unban { jail: "web", id: &id }.syslog_line(&TimeZone::UTC, 7);
        assert_eq!(line, "fail2ban.actions[7]: NOTICE [web] Unban 192.0.2.1");
    }

    #[test]
    fn levels_are_read_as_names_and_numbers() {
        assert_eq!(Level::parse("INFO"), Some(Level::INFO));
        assert_eq!(Level::parse("25"), Some(Level::NOTICE));
        for wrong in ["info", "LOUD", "", "+5", "-1", "99999"] {
            assert_eq!(Level::parse(wrong), None, "{wrong}");
        }
        assert!(Level::DEBUG < Level::INFO);
    }
}

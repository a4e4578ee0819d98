//! `set`: settings of the server, and what is done to its jails.

use crate::config::{Seconds, is_yes, whole_number};
use crate::filter::Id;
use crate::log_line::Level;

use super::dispatch::{settings, unban_in, word};
use super::error::ClientError;
use super::get::{of_jail, of_server};
use super::server::{Change, GlobalChange, Server};
use super::set_filter::set_filter;
use super::settings::{IgnoreCache, JailSettings, ignored, no_number, no_time};
use super::shown::id_of;
use super::value::Value;

pub(super) fn set(words: &[String], server: &mut dyn Server) -> Result<Value, ClientError> {
    let name = word(words, 0)?;
    if let Some(answer) = set_server(name, words, server) {
        return answer;
    }
    let option = word(words, 1)?;
    let rest = &words[2..];
    match option {
        "banip" => {
            settings(name, server)?;
            let ids: Vec<Id> = rest.iter().map(|word| id_of(word)).collect();
            server.ban(name, &ids).map(Value::count)
        }
        "unbanip" => unban(name, rest, server),
        "attempt" => attempt(name, rest, server),
        "addaction" | "delaction" | "action" => {
            word(rest, 0)?;
            settings(name, server)?;
            Err(ClientError::not_here("change actions"))
        }
        _ => set_jail(name, option, rest, server),
    }
}

/// Reads a whole number.
pub(super) fn int(text: &str) -> Result<i64, ClientError> {
    whole_number(text).ok_or_else(|| ClientError::new(no_number(text)))
}

fn seconds(text: &str) -> Result<Seconds, ClientError> {
    Seconds::parse(text).map_err(|_| ClientError::new(no_time(text)))
}

/// A setting of the server; `None` if it is none.
fn set_server(
    name: &str,
    words: &[String],
    server: &mut dyn Server,
) -> Option<Result<Value, ClientError>> {
    let is_one = of_server(name, &server.globals()).is_some() || name == "allowipv6";
    is_one.then(|| {
        let value = word(words, 1)?;
        let mut after = server.globals();
        let is_off = after.dbfile.is_none();
        let change = match name {
            "loglevel" => {
                let level = value.to_uppercase();
                if Level::parse(&level).is_none() {
                    let shown = Value::text(level).repr();
                    return Err(ClientError::new(format!("Invalid log level {shown}")));
                }
                after.loglevel = level;
                GlobalChange::LogLevel
            }
            "logtarget" => {
                after.logtarget = value.split('[').next().unwrap_or_default().to_owned();
                GlobalChange::LogTarget
            }
            "syslogsocket" => {
                after.syslogsocket = value.to_owned();
                GlobalChange::SyslogSocket
            }
            "dbfile" if is_off && value.to_lowercase() == "none" => return Ok(Value::None),
            "dbfile" if after.dbfile.as_deref() == Some(value) => return Ok(Value::from(value)),
            "dbfile" => {
                let text = "Cannot change database when there are jails present";
                return Err(ClientError::new(text));
            }
            "dbmaxmatches" | "dbpurgeage" if is_off => return Ok(Value::None),
            "dbmaxmatches" => {
                after.dbmaxmatches = int(value)?;
                GlobalChange::DbMaxMatches
            }
            "dbpurgeage" => {
                after.dbpurgeage_s = seconds(value)?.whole();
                GlobalChange::DbPurgeAge
            }
            _ => return Err(ClientError::not_here(&format!("set {name}"))),
        };
        if after != server.globals() {
            server.change_globals(change, after)?;
        }
        Ok(of_server(name, &server.globals()).unwrap_or(Value::None))
    })
}

fn unban(jail: &str, rest: &[String], server: &mut dyn Server) -> Result<Value, ClientError> {
    let reports = word(rest, 0)? == "--report-absent";
    let names = if reports { &rest[1..] } else { rest };
    settings(jail, server)?;
    let (count, missed) = unban_in(jail, names, server)?;
    if reports && !missed.is_empty() {
        let missed = Value::texts(missed).repr();
        return Err(ClientError::new(format!("not banned: {missed}")));
    }
    Ok(Value::count(count))
}

fn attempt(jail: &str, rest: &[String], server: &mut dyn Server) -> Result<Value, ClientError> {
    settings(jail, server)?;
    let Some((id, lines)) = rest.split_first() else {
        let text = "Filter.addAttempt() missing 1 required positional argument: 'ip'";
        return Err(ClientError::new(text));
    };
    server.attempt(jail, &id_of(id), lines)?;
    Ok(Value::Int(1))
}

/// A setting of a jail. The value is looked at first, and then whether there is such a jail.
fn set_jail(
    jail: &str,
    option: &str,
    rest: &[String],
    server: &mut dyn Server,
) -> Result<Value, ClientError> {
    let shown = match option {
        "addignoreip" | "delignoreip" => "ignoreip",
        "addlogpath" | "dellogpath" => "logpath",
        "addjournalmatch" | "deljournalmatch" => "journalmatch",
        "addfailregex" | "delfailregex" => "failregex",
        "addignoreregex" | "delignoreregex" => "ignoreregex",
        "idle" | "ignoreself" | "ignorecommand" | "ignorecache" | "logencoding" | "prefregex"
        | "usedns" | "findtime" | "datepattern" | "logtimezone" | "maxmatches" | "maxretry"
        | "maxlines" | "bantime" => option,
        _ if option.starts_with("bantime.") => option,
        _ => {
            let option = Value::text(option).repr();
            let text = format!("Invalid command {option} (no set action or not yet implemented)");
            return Err(ClientError::new(text));
        }
    };
    // These three take any number of words, also none.
    let value = match option {
        "addignoreip" | "addjournalmatch" | "deljournalmatch" => "",
        _ => word(rest, 0)?,
    };
    check(option, rest)?;
    let before = settings(jail, server)?;
    let mut after = before.clone();
    let change = match option {
        "addfailregex" | "delfailregex" | "addignoreregex" | "delignoreregex" | "prefregex"
        | "usedns" | "datepattern" | "logtimezone" | "logencoding" | "maxlines" => {
            set_filter(option, value, &mut after)?;
            Some(Change::Filter)
        }
        "addlogpath" | "dellogpath" => logs(option, rest, &mut after),
        "addjournalmatch" | "deljournalmatch" => {
            journal(option, rest, &mut after)?;
            Some(Change::Journal)
        }
        _ => Some(plain(option, rest, value, &mut after)?),
    };
    if let Some(change) = change.filter(|_| after != before) {
        server.change(jail, &change, after)?;
    }
    Ok(of_jail(shown, &settings(jail, server)?))
}

/// What is wrong with the words whatever the jail is.
fn check(option: &str, rest: &[String]) -> Result<(), ClientError> {
    let value = rest.first().map_or("", String::as_str);
    match (option, rest.len()) {
        ("idle", _) if !matches!(value, "on" | "off") => {
            Err(ClientError::new("Invalid idle option, must be 'on' or 'off'"))
        }
        ("addlogpath", 2) if !matches!(rest[1].to_lowercase().as_str(), "tail" | "head") => {
            Err(ClientError::new("File option must be 'head' or 'tail'"))
        }
        ("addlogpath", 3..) => Err(ClientError::new("Only one file can be added at a time")),
        ("maxmatches" | "maxretry" | "maxlines" | "delfailregex" | "delignoreregex", _) => {
            int(value).map(|_| ())
        }
        _ => Ok(()),
    }
}

fn logs(option: &str, rest: &[String], after: &mut JailSettings) -> Option<Change> {
    let path = rest.first()?.clone();
    let is_there = after.logpath.contains(&path);
    if after.is_journal() || is_there == (option == "addlogpath") {
        return None;
    }
    if is_there {
        after.logpath.retain(|known| *known != path);
        return Some(Change::RemoveLog { path });
    }
    after.logpath.push(path.clone());
    let tail = rest.get(1).is_some_and(|word| word.to_lowercase() == "tail");
    Some(Change::AddLog { path, tail })
}

fn journal(option: &str, rest: &[String], after: &mut JailSettings) -> Result<(), ClientError> {
    if !after.is_journal() {
        return Ok(());
    }
    if option == "addjournalmatch" {
        after.add_journal_match(rest);
        return Ok(());
    }
    let Some(at) = after.journalmatch.iter().position(|known| known == rest) else {
        let shown = Value::texts(rest).repr();
        return Err(ClientError::new(format!("Match {shown} not found")));
    };
    after.journalmatch.remove(at);
    Ok(())
}

/// Settings that are one value each, and `ignoreip`.
fn plain(
    option: &str,
    rest: &[String],
    value: &str,
    after: &mut JailSettings,
) -> Result<Change, ClientError> {
    Ok(match option {
        "idle" => {
            after.idle = value == "on";
            Change::Idle
        }
        "ignoreself" => {
            after.ignoreself = is_yes(value);
            Change::Ignore
        }
        "addignoreip" => {
            for text in rest {
                after.add_ignored(text);
            }
            Change::Ignore
        }
        "delignoreip" => {
            let id = ignored(value);
            let Some(at) = after.ignoreip.iter().position(|known| *known == id) else {
                return Err(ClientError::new("list.remove(x): x not in list"));
            };
            after.ignoreip.remove(at);
            Change::Ignore
        }
        "ignorecommand" => {
            after.ignorecommand = Some(value.to_owned());
            Change::Ignore
        }
        "ignorecache" => {
            after.ignorecache = IgnoreCache::parse(value).map_err(ClientError::new)?;
            Change::Ignore
        }
        "findtime" => {
            after.findtime = seconds(value)?;
            Change::Counting
        }
        "maxmatches" => {
            after.maxmatches = int(value)?;
            Change::Counting
        }
        "maxretry" => {
            after.maxretry = int(value)?;
            Change::Counting
        }
        "bantime" => {
            after.bantime_s = seconds(value)?.whole();
            Change::BanTime
        }
        other => {
            let extra = other.strip_prefix("bantime.").unwrap_or(other);
            after.set_extra(extra, Value::from(value)).map_err(ClientError::new)?;
            Change::BanTime
        }
    })
}

//! The server's side: what is answered to the words of a command.

use monban_model::{Address, Net};

use super::error::ClientError;
use super::get::get;
use super::server::Server;
use super::set::set;
use super::settings::JailSettings;
use super::shown::{banned_ids, id_of};
use super::status::status;
use super::value::Value;

/// Does what the words say, and gives back what is answered.
///
/// `reload`, `restart`, and `start` and `stop` without a jail are the caller's: they are about the
/// process and its configuration.
///
/// # Errors
/// Why it is not done, as fail2ban would say it.
pub fn dispatch(words: &[String], server: &mut dyn Server) -> Result<Value, ClientError> {
    let (name, rest) = words.split_first().ok_or_else(ClientError::missing)?;
    match name.as_str() {
        "ping" => Ok(Value::from("pong")),
        "add" => add(rest, server),
        "start" => {
            let jail = known(word(rest, 0)?, server)?;
            server.start_jail(jail).map(|()| Value::None)
        }
        "stop" => stop(rest, server),
        "unban" if !rest.is_empty() => unban(rest, server),
        "banned" => Ok(banned(rest, server)),
        "echo" => Ok(Value::texts(rest)),
        "server-status" => Ok(Value::from("Server ready")),
        "flushlogs" => flush_logs(server),
        "get" => get(rest, server),
        "set" => set(rest, server),
        "status" => status(rest, server),
        "stats" | "statistic" | "statistics" => {
            status(&["--all".to_owned(), "stats".to_owned()], server)
        }
        "version" => Ok(Value::from(server.version().text())),
        _ => Err(ClientError::new("Invalid command")),
    }
}

/// A word that must be there.
pub(super) fn word(words: &[String], at: usize) -> Result<&str, ClientError> {
    words.get(at).map(String::as_str).ok_or_else(ClientError::missing)
}

/// The settings of a jail that must be there.
pub(super) fn settings(jail: &str, server: &dyn Server) -> Result<JailSettings, ClientError> {
    server.settings(jail).ok_or_else(|| ClientError::unknown_jail(jail))
}

/// The name of a jail that must be there.
pub(super) fn known<'w>(jail: &'w str, server: &dyn Server) -> Result<&'w str, ClientError> {
    settings(jail, server).map(|_| jail)
}

/// A jail cannot be made of words alone.
fn add(rest: &[String], server: &dyn Server) -> Result<Value, ClientError> {
    let jail = word(rest, 0)?;
    if jail == "--all" {
        return Err(ClientError::new("Reserved name '--all'"));
    }
    match server.settings(jail) {
        Some(_) => Err(ClientError::duplicate_jail(jail)),
        None => Err(ClientError::not_here("add a jail")),
    }
}

fn stop(rest: &[String], server: &mut dyn Server) -> Result<Value, ClientError> {
    match word(rest, 0)? {
        "--all" => {
            for jail in server.jails() {
                server.stop_jail(&jail)?;
            }
        }
        jail => server.stop_jail(known(jail, server)?)?,
    }
    Ok(Value::None)
}

fn unban(rest: &[String], server: &mut dyn Server) -> Result<Value, ClientError> {
    let mut count: u64 = 0;
    for jail in server.jails() {
        let ended = match rest {
            [all] if all == "--all" => server.unban_all(&jail)?,
            _ => unban_in(&jail, rest, server)?.0,
        };
        count = count.saturating_add(ended);
    }
    Ok(Value::count(count))
}

/// Ends bans in one jail: of those that are named, and of all that a named network contains.
/// Gives back how many there were, and who was not banned at all.
pub(super) fn unban_in<'w>(
    jail: &str,
    names: &'w [String],
    server: &mut dyn Server,
) -> Result<(u64, Vec<&'w str>), ClientError> {
    use crate::filter::Id;
    let (mut count, mut missed) = (0u64, Vec::new());
    for name in names {
        let id = id_of(name);
        let mut ended = server.unban(jail, std::slice::from_ref(&id))?;
        // One address holds no other.
        let is_wide = |net: &Net| Net::host(Address::new(net.base())) != *net;
        if let (0, Id::Net(net)) = (ended, &id)
            && is_wide(net)
        {
            let is_inside =
                |id: &Id| matches!(id, Id::Net(inner) if inner != net && net.covers(*inner));
            let inside: Vec<Id> =
                server.bans(jail).into_iter().map(|ban| ban.id).filter(is_inside).collect();
            if !inside.is_empty() {
                ended = server.unban(jail, &inside)?;
            }
        }
        if ended == 0 {
            missed.push(name.as_str());
        }
        count = count.saturating_add(ended);
    }
    Ok((count, missed))
}

/// Without names the banned of each jail, else for each name the jails where it is banned.
fn banned(names: &[String], server: &dyn Server) -> Value {
    let jails = server.jails();
    if names.is_empty() {
        let of = |jail: &String| Value::Dict(vec![(jail.clone(), banned_ids(jail, server))]);
        return Value::List(jails.iter().map(of).collect());
    }
    let of = |name: &String| {
        let id = id_of(name);
        Value::texts(jails.iter().filter(|jail| server.is_banned(jail, &id)))
    };
    Value::List(names.iter().map(of).collect())
}

fn flush_logs(server: &mut dyn Server) -> Result<Value, ClientError> {
    server.flush_logs()?;
    let target = server.globals().logtarget;
    let is_stream = ["STDERR", "STDOUT", "SYSLOG", "SYSTEMD-JOURNAL"].contains(&target.as_str());
    Ok(Value::from(if is_stream { "flushed" } else { "rolled over" }))
}

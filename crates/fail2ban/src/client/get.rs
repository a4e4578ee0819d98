//! `get`: settings of the server and of its jails.

use monban_model::Net;

use crate::dates::{DateFinder, Zone};
use crate::filter;

use super::dispatch::{known, settings, word};
use super::error::ClientError;
use super::server::{Globals, Server};
use super::settings::{ActionSettings, JailSettings};
use super::shown::{banned_ids, id_of, shown, time};
use super::value::Value;

pub(super) fn get(words: &[String], server: &dyn Server) -> Result<Value, ClientError> {
    let name = word(words, 0)?;
    if let Some(value) = of_server(name, &server.globals()) {
        return Ok(value);
    }
    let option = word(words, 1)?;
    match option {
        "banned" => return is_banned(name, &words[2..], server),
        "banip" => return ban_list(name, words.get(2).map(String::as_str), server),
        "action" | "actionproperties" | "actionmethods" => return action(name, words, server),
        _ => {}
    }
    if !is_known(option) {
        let text = "Invalid command (no get action or not yet implemented)";
        return Err(ClientError::new(text));
    }
    Ok(of_jail(option, &settings(name, server)?))
}

/// The value of one of the server's settings.
pub(super) fn of_server(name: &str, globals: &Globals) -> Option<Value> {
    let kept = |value: Value| if globals.dbfile.is_some() { value } else { Value::None };
    Some(match name {
        "loglevel" => Value::from(globals.loglevel.as_str()),
        "logtarget" => Value::from(globals.logtarget.as_str()),
        "syslogsocket" => Value::from(globals.syslogsocket.as_str()),
        "dbfile" => globals.dbfile.as_deref().map_or(Value::None, Value::from),
        "dbmaxmatches" => kept(Value::Int(globals.dbmaxmatches)),
        "dbpurgeage" => kept(Value::Int(globals.dbpurgeage_s)),
        // The size is the system's.
        "thread" => Value::Dict(vec![("stacksize".to_owned(), Value::Int(0))]),
        _ => return None,
    })
}

fn is_known(option: &str) -> bool {
    const KNOWN: &[&str] = &[
        "logpath",
        "logencoding",
        "journalmatch",
        "ignoreself",
        "ignoreip",
        "ignorecommand",
        "ignorecache",
        "prefregex",
        "failregex",
        "ignoreregex",
        "usedns",
        "findtime",
        "datepattern",
        "logtimezone",
        "maxmatches",
        "maxretry",
        "maxlines",
        "bantime",
        "actions",
    ];
    KNOWN.contains(&option) || option.starts_with("bantime.")
}

/// The value of one of a jail's settings, which is also what `set` answers.
pub(super) fn of_jail(option: &str, of: &JailSettings) -> Value {
    let dns = of.usedns;
    let expanded =
        |list: &[String]| Value::texts(list.iter().map(|text| filter::expanded(text, dns)));
    match option {
        "idle" => Value::Bool(of.idle),
        "logpath" => Value::texts(&of.logpath),
        "logencoding" => Value::from(match of.logencoding.to_lowercase().as_str() {
            "auto" => "UTF-8",
            _ => &of.logencoding,
        }),
        "journalmatch" => Value::List(of.journalmatch.iter().map(Value::texts).collect()),
        "ignoreself" => Value::Bool(of.ignoreself),
        "ignoreip" => ignored(of),
        "ignorecommand" => of.ignorecommand.as_deref().map_or(Value::Bool(false), Value::from),
        "ignorecache" => of.ignorecache.as_ref().map_or(Value::None, |cache| {
            let time = Value::of_seconds(cache.max_time);
            Value::List(vec![Value::from(cache.key.as_str()), Value::Int(cache.max_count), time])
        }),
        "prefregex" => Value::from(filter::expanded(&of.prefregex, dns)),
        "failregex" => expanded(&of.failregex),
        "ignoreregex" => expanded(&of.ignoreregex),
        "usedns" => Value::from(of.usedns.name()),
        "findtime" => Value::of_seconds(of.findtime),
        "datepattern" => date_pattern(of.datepattern.as_deref()),
        "logtimezone" => of.logtimezone.as_deref().map_or(Value::None, Value::from),
        "maxmatches" => Value::Int(of.maxmatches),
        "maxretry" => Value::Int(of.maxretry),
        "maxlines" => Value::Int(of.maxlines),
        "bantime" => Value::Int(of.bantime_s),
        "actions" => Value::texts(of.actions.iter().map(|action| action.name.as_str())),
        other => {
            let option = other.strip_prefix("bantime.").unwrap_or(other);
            let found = of.bantime_extra.iter().find(|(name, _)| name == option);
            found.map_or(Value::None, |(_, value)| value.clone())
        }
    }
}

/// Networks and names in the order in which they were added, then single addresses.
fn ignored(of: &JailSettings) -> Value {
    let is_single = |id: &&filter::Id| matches!(id, filter::Id::Net(net) if is_host(net));
    let (single, wide): (Vec<_>, Vec<_>) = of.ignoreip.iter().partition(is_single);
    Value::texts(wide.into_iter().chain(single).map(shown))
}

fn is_host(net: &Net) -> bool {
    net.prefix() == if net.base().is_ipv4() { 32 } else { 128 }
}

/// The pattern and its name, where there are at most two of them.
fn date_pattern(pattern: Option<&str>) -> Value {
    let whole = |pattern: Value, name: &str| Value::Tuple(vec![pattern, Value::from(name)]);
    let all = || whole(Value::None, "Default Detectors");
    let Some(pattern) = pattern else { return all() };
    let Ok(finder) = DateFinder::new(Some(pattern), 0, Zone::utc(), None) else { return all() };
    let templates: Vec<_> = finder.templates().collect();
    let first = pattern.lines().map(str::trim).find(|line| !line.is_empty());
    let (Some(first), [template] | [template, _]) = (first, templates.as_slice()) else {
        return all();
    };
    let bare = first.trim_start_matches("{^LN-BEG}").trim_start_matches(['^', '*']);
    let bare = bare.trim_start_matches('{').trim_end_matches('}');
    let shown = match (first, bare) {
        (_, "EPOCH" | "LEPOCH" | "TAI64N") => Value::None,
        ("{NONE}", _) => Value::from("{UNB}^"),
        _ => Value::from(first),
    };
    whole(shown, template.name)
}

fn is_banned(jail: &str, names: &[String], server: &dyn Server) -> Result<Value, ClientError> {
    let jail = known(jail, server)?;
    let one = |name: &String| Value::Int(i64::from(server.is_banned(jail, &id_of(name))));
    Ok(match names {
        [] => banned_ids(jail, server),
        [name] => one(name),
        several => Value::List(several.iter().map(one).collect()),
    })
}

/// All that are banned, by the ends of their bans.
fn ban_list(jail: &str, how: Option<&str>, server: &dyn Server) -> Result<Value, ClientError> {
    let jail = known(jail, server)?;
    let mut bans = server.bans(jail);
    bans.sort_by_key(super::Ban::end_s);
    if how != Some("--with-time") {
        return Ok(Value::texts(bans.iter().map(|ban| shown(&ban.id))));
    }
    let zone = server.zone();
    Ok(Value::texts(bans.iter().map(|ban| {
        let (from, to) = (time(ban.time_s, &zone), time(ban.end_s(), &zone));
        format!("{} \t{from} + {} = {to}", shown(&ban.id), ban.bantime_s)
    })))
}

fn action(jail: &str, words: &[String], server: &dyn Server) -> Result<Value, ClientError> {
    let name = word(words, 2)?;
    let property = if words[1] == "action" { word(words, 3)? } else { "" };
    let of = settings(jail, server)?;
    let action = of.actions.iter().find(|action| action.name == name);
    let action = action.ok_or_else(|| ClientError::key(format!("Invalid Action name: {name}")))?;
    match words[1].as_str() {
        "action" => value_of(action, property),
        "actionproperties" => Ok(Value::texts(action.properties.iter().map(|(name, _)| name))),
        // None can be called.
        _ => Ok(Value::List(Vec::new())),
    }
}

fn value_of(action: &ActionSettings, property: &str) -> Result<Value, ClientError> {
    let found = action.properties.iter().find(|(name, _)| name == property);
    found.map(|(_, value)| value.clone()).ok_or_else(|| {
        let class = if action.runs_commands { "CommandAction" } else { "Action" };
        ClientError::new(format!("'{class}' object has no attribute '{property}'"))
    })
}

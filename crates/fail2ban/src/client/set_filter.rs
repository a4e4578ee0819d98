//! `set` for what a filter is made of.

use crate::config::UseDns;
use crate::dates::{DateFinder, Zone};
use crate::filter::{Pattern, Problem, expanded};

use super::error::ClientError;
use super::set::int;
use super::settings::JailSettings;
use super::value::Value;

/// Changes the settings, or says why a filter cannot be made of the value.
pub(super) fn set_filter(
    option: &str,
    value: &str,
    after: &mut JailSettings,
) -> Result<(), ClientError> {
    match option {
        "addfailregex" => {
            let pattern = compiled(value, after)?;
            let prefix = Pattern::new(&after.prefregex, after.usedns, false);
            let by_prefix = prefix.is_ok_and(|prefix| prefix.names_somebody());
            if !by_prefix && !pattern.names_somebody() {
                return Err(unusable(value, after, &Problem::NamesNobody));
            }
            after.failregex.push(value.to_owned());
        }
        "addignoreregex" => {
            compiled(value, after)?;
            after.ignoreregex.push(value.to_owned());
        }
        "delfailregex" => remove(int(value)?, &mut after.failregex),
        "delignoreregex" => remove(int(value)?, &mut after.ignoreregex),
        "prefregex" => {
            if !value.is_empty() {
                compiled(value, after)?;
            }
            after.prefregex = value.to_owned();
        }
        "usedns" => after.usedns = UseDns::from_name(value).unwrap_or(UseDns::No),
        "datepattern" => {
            dates(Some(value), after.logtimezone.as_deref())?;
            after.datepattern = Some(value.to_owned());
        }
        "logtimezone" => {
            if dates(None, Some(value)).is_err() {
                let shown = Value::text(value).repr();
                let text = format!("Unknown or unsupported time zone: {shown}");
                return Err(ClientError::new(text));
            }
            after.logtimezone = Some(value.to_owned());
        }
        "logencoding" => {
            if !is_encoding(value) {
                return Err(ClientError::new(format!("unknown encoding: {value}")));
            }
            after.logencoding = value.to_owned();
        }
        _ => {
            let lines = int(value)?;
            if lines <= 0 {
                return Err(ClientError::new("maxlines must be integer greater than zero"));
            }
            after.maxlines = lines;
        }
    }
    Ok(())
}

fn compiled(text: &str, of: &JailSettings) -> Result<Pattern, ClientError> {
    let pattern = Pattern::new(text, of.usedns, of.maxlines > 1);
    pattern.map_err(|problem| unusable(text, of, &problem))
}

fn unusable(text: &str, of: &JailSettings, problem: &Problem) -> ClientError {
    let expanded = expanded(text, of.usedns);
    ClientError::new(match problem {
        Problem::Empty => "Cannot add empty regex".to_owned(),
        Problem::NamesNobody => format!("No failure-id group in '{expanded}'"),
        Problem::Regex(error) => {
            format!("Unable to compile regular expression '{expanded}':\n{error}")
        }
    })
}

fn dates(pattern: Option<&str>, zone: Option<&str>) -> Result<(), ClientError> {
    let finder = DateFinder::new(pattern.filter(|p| !p.is_empty()), 0, Zone::utc(), zone);
    finder.map(|_| ()).map_err(|error| ClientError::new(error.to_string()))
}

/// Takes one out of a list; a number below zero counts from its end. Where there is none, nothing
/// is said.
fn remove(at: i64, list: &mut Vec<String>) {
    let length = i64::try_from(list.len()).unwrap_or(i64::MAX);
    let at = if at < 0 { at.saturating_add(length) } else { at };
    if let Some(at) = usize::try_from(at).ok().filter(|at| *at < list.len()) {
        list.remove(at);
    }
}

/// Encodings that monban reads a log in: all of them hold ASCII as it is.
fn is_encoding(name: &str) -> bool {
    let plain = name.to_lowercase().replace(['-', '_', ' '], "");
    let known = ["auto", "utf8", "ascii", "usascii", "latin1", "iso88591", "cp1252", "windows1252"];
    known.contains(&plain.as_str())
}

//! What a person sees of an answer.

use super::stats::table;
use super::value::Value;

/// The text for an answer to these words, without a line end behind it.
pub fn beautify(words: &[String], answer: &Value) -> String {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let told = match words.as_slice() {
        [] => return answer.shown(),
        ["status", of @ ..] => status(of, answer),
        ["stats" | "statistic" | "statistics", ..] => stats(answer),
        [first, rest @ ..] => match by_first(first, rest, answer) {
            Some(told) => told,
            None => by_setting(&words, answer),
        },
    };
    // What does not fit the words is shown twice, as fail2ban does.
    told.unwrap_or_else(|| answer.repr().repeat(2))
}

/// Text that is there, or that could not be made of this answer.
type Told = Option<String>;

/// `None` where the first word alone does not say how it is shown.
fn by_first(first: &str, rest: &[&str], answer: &Value) -> Option<Told> {
    Some(match (first, answer) {
        ("ping", Value::Str(text)) => Some(format!("Server replied: {text}")),
        ("version", _) => Some(answer.shown()),
        ("start", _) => Some("Jail started".to_owned()),
        ("stop", Value::None) if rest.is_empty() => Some("Shutdown successful".to_owned()),
        ("stop", Value::None) => Some("Jail stopped".to_owned()),
        ("stop", _) => Some(answer.shown()),
        ("add", Value::Str(jail)) => Some(format!("Added jail {jail}")),
        ("flushlogs", Value::Str(text)) => Some(format!("logs: {text}")),
        ("echo", Value::List(items)) => joined(items, " "),
        ("ping" | "add" | "flushlogs" | "echo", _) => None,
        _ => return None,
    })
}

/// Settings are named by the second word, those of a jail by the third.
fn by_setting(words: &[&str], answer: &Value) -> Told {
    let as_it_is = Some(answer.shown());
    let second = match words.get(1) {
        Some(second) => *second,
        None => return as_it_is,
    };
    match second {
        "syslogsocket" => Some(format!("Current syslog socket is:\n`- {}", text(answer)?)),
        "logtarget" => Some(format!("Current logging target is:\n`- {}", text(answer)?)),
        "loglevel" => Some(format!("Current logging level is {}", answer.repr())),
        "dbfile" | "dbpurgeage" if *answer == Value::None => {
            Some("Database currently disabled".to_owned())
        }
        "dbfile" => Some(format!("Current database file is:\n`- {}", text(answer)?)),
        "dbpurgeage" => match answer {
            Value::Int(age) => Some(format!("Current database purge age is:\n`- {age}seconds")),
            _ => None,
        },
        _ if words.len() < 3 => as_it_is,
        _ => of_jail(words, answer),
    }
}

fn of_jail(words: &[&str], answer: &Value) -> Told {
    let as_it_is = Some(answer.shown());
    let (jail, action) = (words[1], words.get(3).copied());
    match words[2] {
        "logpath" | "addlogpath" | "dellogpath" => {
            let head = "Current monitored log file(s):";
            tree(answer, "No file is currently monitored", head)
        }
        "logencoding" => Some(format!("Current log encoding is set to:\n{}", text(answer)?)),
        "journalmatch" | "addjournalmatch" | "deljournalmatch" => journal(list(answer)?),
        "datepattern" => date_pattern(answer),
        "ignoreip" | "addignoreip" | "delignoreip" => {
            let head = "These IP addresses/networks are ignored:";
            tree(answer, "No IP address/network is ignored", head)
        }
        "failregex" | "addfailregex" | "delfailregex" | "ignoreregex" | "addignoreregex"
        | "delignoreregex" => {
            let numbered = list(answer)?
                .iter()
                .enumerate()
                .map(|(number, regex)| Some(Value::Str(format!("[{number}]: {}", text(regex)?))));
            let numbered = Value::List(numbered.collect::<Option<_>>()?);
            let head = "The following regular expression are defined:";
            tree(&numbered, "No regular expression is defined", head)
        }
        "actions" => match list(answer)? {
            [] => Some(format!("No actions for jail {jail}")),
            all => {
                let head = format!("The jail {jail} has the following actions:\n");
                Some(head + &joined(all, ", ")?)
            }
        },
        what @ ("actionproperties" | "actionmethods") => {
            let what = &what["action".len()..];
            match list(answer)? {
                [] => Some(format!("No {what} for jail {jail} action {}", action?)),
                all => Some(format!(
                    "The jail {jail} action {} has the following {what}:\n{}",
                    action?,
                    joined(all, ", ")?
                )),
            }
        }
        "banip" if words[0] == "get" => match answer {
            Value::List(all) => joined(
                all,
                match action {
                    None => " ",
                    Some("--with-time") => "\n",
                    Some(between) => between,
                },
            ),
            _ => as_it_is,
        },
        _ => as_it_is,
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Str(text) => Some(text),
        _ => None,
    }
}

fn list(value: &Value) -> Option<&[Value]> {
    match value {
        Value::List(items) | Value::Tuple(items) => Some(items),
        _ => None,
    }
}

fn joined(items: &[Value], between: &str) -> Told {
    let texts: Vec<&str> = items.iter().map(text).collect::<Option<_>>()?;
    Some(texts.join(between))
}

/// A list as the branches below a head.
fn tree(answer: &Value, empty: &str, head: &str) -> Told {
    let Some((last, others)) = list(answer)?.split_last() else { return Some(empty.to_owned()) };
    let mut out = format!("{head}\n");
    for other in others {
        out.push_str(&format!("|- {}\n", text(other)?));
    }
    Some(out + "`- " + text(last)?)
}

fn journal(matches: &[Value]) -> Told {
    if matches.is_empty() {
        return Some("No journal match filter set".to_owned());
    }
    let words = matches.iter().map(|words| joined(list(words)?, " "));
    let words: Vec<String> = words.collect::<Option<_>>()?;
    Some(format!("Current match filter:\n{}", words.join(" + ")))
}

fn date_pattern(answer: &Value) -> Told {
    let told = match answer {
        Value::None => "Not set/required".to_owned(),
        _ => match list(answer)? {
            [Value::None, name] => name.shown(),
            [pattern, name] => format!("{} ({})", pattern.shown(), name.shown()),
            _ => return None,
        },
    };
    Some(format!("Current date pattern set to: {told}"))
}

/// `status` of the server, of a jail, or of all (`--all`, as fail2ban 1.1 shows it).
fn status(of: &[&str], answer: &Value) -> Told {
    let mut lines = Vec::new();
    match of.first() {
        Some(jail) if *jail != "--all" => {
            lines.push(format!("Status for the jail: {jail}"));
            jail_tree(answer, "", &mut lines)?;
        }
        first => {
            lines.push("Status".to_owned());
            if let (Some(_), Value::Dict(_)) = (first, answer) {
                return None;
            }
            let (own, jails) = match list(answer)?.split_last() {
                Some((Value::Dict(jails), own)) => (own, jails.as_slice()),
                _ => (list(answer)?, &[][..]),
            };
            for (number, item) in own.iter().enumerate() {
                let is_last = jails.is_empty() && number + 1 == own.len();
                lines.push(format!("{} {}", branch(is_last), leaf(item)?));
            }
            if !jails.is_empty() {
                lines.push("`- Status for the jails:".to_owned());
            }
            for (number, (jail, of)) in jails.iter().enumerate() {
                let is_last = number + 1 == jails.len();
                lines.push(format!("   {} Jail: {jail}", branch(is_last)));
                jail_tree(of, if is_last { "      " } else { "   |  " }, &mut lines)?;
            }
        }
    }
    Some(lines.join("\n"))
}

fn branch(is_last: bool) -> &'static str {
    if is_last { "`-" } else { "|-" }
}

/// A name with its value; a list with blanks between.
fn leaf(pair: &Value) -> Told {
    let [name, value] = list(pair)? else { return None };
    let value = match value {
        Value::List(items) => items.iter().map(Value::shown).collect::<Vec<_>>().join(" "),
        other => other.shown(),
    };
    Some(format!("{}:\t{value}", name.shown()))
}

fn jail_tree(answer: &Value, before: &str, lines: &mut Vec<String>) -> Option<()> {
    let groups = list(answer)?;
    for (number, group) in groups.iter().enumerate() {
        let [name, items] = list(group)? else { return None };
        let is_last = number + 1 == groups.len();
        lines.push(format!("{before}{} {}", branch(is_last), name.shown()));
        let stem = if is_last { "   " } else { "|  " };
        let items = list(items)?;
        for (number, item) in items.iter().enumerate() {
            let is_last = number + 1 == items.len();
            lines.push(format!("{before}{stem}{} {}", branch(is_last), leaf(item)?));
        }
    }
    Some(())
}

fn stats(answer: &Value) -> Told {
    let Value::Dict(jails) = answer else { return None };
    if jails.is_empty() {
        return Some("No jails found.".to_owned());
    }
    let row = |(name, of): &(String, Value)| {
        let [backend, filter, actions] = list(of)? else { return None };
        let [failed, failed_total] = list(filter)? else { return None };
        let [banned, banned_total] = list(actions)? else { return None };
        let numbers = [failed, failed_total, banned, banned_total];
        let numbers = numbers.map(Value::shown);
        let [a, b, c, d] = numbers;
        Some([name.clone(), backend.shown(), a, b, c, d])
    };
    Some(table(&jails.iter().map(row).collect::<Option<Vec<_>>>()?))
}

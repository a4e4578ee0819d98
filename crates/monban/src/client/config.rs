//! `-t` and `-d`: what a configuration comes to, without a daemon.

use std::path::Path;

use monban_fail2ban::client::Value;
use monban_fail2ban::config::{Configuration, Reading, Severity, Word};
use monban_views::{Say, printable_lines};

use super::options::Dump;
use super::pretty::pretty;
use crate::fail2ban::complaints;
use crate::out;

/// Prints the commands that fail2ban's client would send to its server.
pub fn dump(folder: &Path, how: Dump, say: &Say) -> bool {
    let found = read(folder);
    for command in found.commands() {
        let command = Value::List(command.iter().map(value).collect());
        out::line(match how {
            Dump::Plain => command.repr(),
            Dump::Pretty => pretty(&command),
        });
    }
    is_good(&found, say)
}

/// Whether nothing is wrong with it; says what is.
pub fn test(folder: &Path, say: &Say) -> bool {
    is_good(&read(folder), say)
}

fn read(folder: &Path) -> Configuration {
    Configuration::read(folder, &Reading::default())
}

fn is_good(found: &Configuration, say: &Say) -> bool {
    let mut wrong = complaints::render_all(found, say);
    wrong.retain(|one| one.severity == Severity::Error);
    if !wrong.is_empty() {
        eprintln!("{}", printable_lines(&complaints::show(&wrong, found.complaints.more, say)));
    }
    wrong.is_empty()
}

fn value(word: &Word) -> Value {
    match word {
        Word::Text(text) => Value::text(text),
        Word::Number(number) => Value::Int(*number),
        Word::Yes(yes) => Value::Bool(*yes),
        Word::List(words) => Value::List(words.iter().map(value).collect()),
        Word::Table(pairs) => {
            Value::Dict(pairs.iter().map(|(key, word)| (key.clone(), value(word))).collect())
        }
    }
}

//! The installed fail2ban as a child that answers over JSON lines.

#[path = "../python/mod.rs"]
mod python;

use monban_fail2ban::dates::Found;
use python::{Python, script};
use serde_json::{Value, json};

/// How a detector is set up.
#[derive(Clone, Debug)]
pub struct Setting {
    pub pattern: Option<String>,
    pub zone: String,
    pub log_zone: Option<String>,
}

/// What both sides do.
#[derive(Clone, Debug)]
pub enum Order {
    New(Setting),
    Line { line: String, now_s: i64 },
}

/// What they say.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Names(Vec<String>),
    Refused(String),
    Nothing,
    /// Offsets in characters.
    Found {
        cut: (i64, i64),
        full: (i64, i64),
        epoch: Option<i64>,
        template: usize,
    },
    /// An exception that drops the line.
    Stumbles,
}

impl Answer {
    pub fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Refused(_), Self::Refused(_)) => true,
            _ => self == other,
        }
    }
}

pub fn ours_of(line: &str, found: Option<Found>) -> Answer {
    let Some(found) = found else { return Answer::Nothing };
    if found.stumbles {
        return Answer::Stumbles;
    }
    let count = |at: usize| i64::try_from(line[..at].chars().count()).expect("a short line");
    Answer::Found {
        cut: (count(found.cut.0), count(found.cut.1)),
        full: (count(found.full.0), count(found.full.1)),
        epoch: found.epoch,
        template: found.template,
    }
}

fn theirs_of(answer: &Value) -> Answer {
    if let Some(names) = answer.get("names").and_then(Value::as_array) {
        return Answer::Names(names.iter().map(|n| n.as_str().unwrap_or("").to_owned()).collect());
    }
    if let Some(error) = answer.get("error") {
        return Answer::Refused(error.to_string());
    }
    if answer.get("stumbles").is_some() {
        return Answer::Stumbles;
    }
    let Some(template) = answer.get("template").and_then(Value::as_u64) else {
        return Answer::Nothing;
    };
    let pair = |key: &str, index: usize| answer[key][index].as_i64().unwrap_or(-7);
    Answer::Found {
        cut: (pair("cut", 0), pair("cut", 1)),
        full: (pair("full", 0), pair("full", 1)),
        epoch: answer.get("epoch").and_then(Value::as_i64),
        template: usize::try_from(template).expect("a small number"),
    }
}

/// fail2ban's answers, or `None` with a sentence if it is not installed.
pub fn ask(orders: &[Order]) -> Option<Vec<Answer>> {
    let fail2ban = Python::start(script("oracle/dates.py")?, |first| !first.contains("absent"))?;
    let json = |order: &Order| match order {
        Order::New(Setting { pattern, zone, log_zone }) => {
            json!({"new": {"pattern": pattern, "zone": zone, "log_zone": log_zone}}).to_string()
        }
        Order::Line { line, now_s } => json!({"line": line, "now": now_s}).to_string(),
    };
    let answers = fail2ban.ask_all(orders.iter().map(json)).into_iter();
    Some(answers.map(|line| theirs_of(&serde_json::from_str(&line).expect("JSON"))).collect())
}

//! The installed fail2ban as a child that answers questions over JSON lines.

use std::time::Duration;

use monban_fail2ban::action::{
    Execute, Hostnames, JailActions, Merged, Request, Shell, Table, Ticket, Time,
};
use monban_fail2ban::config::{Jail, Word, of_jail};
use monban_fail2ban::filter::Id;
use monban_model::JailJob;
use serde_json::{Value, json};

use super::python::{Python, script};
use super::values::COUNTERS;

/// When all of it happens.
pub const NOW: f64 = 1_700_000_100.5;

pub fn hostnames() -> Hostnames {
    Hostnames::new("guard", "guard.example.org")
}

/// What is done, with whom, and which commands of the whole row fail.
#[derive(Clone, Debug)]
pub struct Row {
    pub steps: Vec<(JailJob, Ticket)>,
    pub fails: Vec<bool>,
}

/// What came of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub commands: Vec<Vec<String>>,
    pub failed: Vec<String>,
    pub singly: Vec<String>,
    pub epoch: u64,
}

/// fail2ban itself.
pub struct Oracle(Python);

impl Oracle {
    /// Starts it; says so if it is not here.
    pub fn start() -> Option<Self> {
        let python = script("actions/oracle.py")?;
        Python::start(python, |first| first.contains("here")).map(Self)
    }

    pub fn ask(&mut self, jail: &Jail, row: &Row) -> Vec<Answer> {
        let steps: Vec<Value> = row.steps.iter().map(|(job, ticket)| step(*job, ticket)).collect();
        let question = json!({
            "hostnames": {"full": hostnames().full(), "short": hostnames().short()},
            "now": NOW,
            "jail": jail.name,
            "bantime": jail.bantime.value.seconds as i64,
            "counters": {
                "banned": COUNTERS.banned, "banned_total": COUNTERS.banned_total,
                "found": COUNTERS.found, "found_total": COUNTERS.found_total,
            },
            "fails": row.fails,
            "actions": actions(jail),
            "steps": steps,
        });
        let line = self.0.ask(&question.to_string());
        let answers: Value = serde_json::from_str(&line).expect("JSON");
        answers.as_array().expect("a list").iter().map(answer).collect()
    }
}

/// What we make of the same.
pub fn ours(jail: &Jail, row: &Row) -> Vec<Answer> {
    let jails = std::slice::from_ref(jail);
    let table = Table::new(jails, &hostnames(), true);
    let templates = table.templates(0).expect("a jail");
    let mut at_work = JailActions::default();
    let mut recorder = Recorder { commands: Vec::new(), fails: row.fails.clone().into() };
    let name = |number: u32| templates[number as usize].actname.clone();
    let steps = row.steps.iter().map(|(job, ticket)| {
        let request = Request { jail: 0, actions: Vec::new(), job: *job, ticket: ticket.clone() };
        let done = at_work.perform(templates, &request, Time::Fraction(NOW), &mut recorder);
        Answer {
            commands: std::mem::take(&mut recorder.commands),
            failed: done.failed.iter().map(|(number, _)| name(*number)).collect(),
            singly: done.singly.iter().map(|number| name(*number)).collect(),
            epoch: done.epoch,
        }
    });
    steps.collect()
}

/// Compares; gives back how many commands were equal.
pub fn compare(oracle: &mut Oracle, jail: &Jail, row: &Row) -> usize {
    let (ours, theirs) = (ours(jail, row), oracle.ask(jail, row));
    assert_eq!(ours.len(), theirs.len());
    for (at, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        let (job, ticket) = &row.steps[at];
        if ours != theirs {
            let short =
                |answer: &Answer| format!("{answer:?}").chars().take(4000).collect::<String>();
            let (ours, theirs) = (short(ours), short(theirs));
            panic!("{} step {at}: {job:?} {:?}\n{ours}\n{theirs}", jail.name, ticket.id);
        }
    }
    ours.iter().map(|answer| answer.commands.len()).sum()
}

struct Recorder {
    commands: Vec<Vec<String>>,
    fails: std::collections::VecDeque<bool>,
}

impl Execute for Recorder {
    fn execute(&mut self, shell: &Shell, _: Duration) -> bool {
        let mut command = vec![shell.text.clone()];
        command.extend(shell.values.iter().cloned());
        self.commands.push(command);
        !self.fails.pop_front().unwrap_or(false)
    }
}

/// The actions of a jail as fail2ban's server gets them.
fn actions(jail: &Jail) -> Vec<Value> {
    let mut found = Vec::new();
    for command in of_jail(jail) {
        let words: Vec<Value> = command.iter().map(value).collect();
        if words.len() > 3 && words[2] == "action" {
            let pairs = match &words[4] {
                Value::Array(pairs) => pairs.clone(),
                one => vec![json!([one, words[5]])],
            };
            found.push(json!({"name": words[3], "pairs": pairs}));
        }
    }
    found
}

fn value(word: &Word) -> Value {
    match word {
        Word::Text(text) => Value::from(text.as_str()),
        Word::Number(number) => Value::from(*number),
        Word::Yes(yes) => Value::from(*yes),
        Word::List(words) => words.iter().map(value).collect(),
        Word::Table(_) => Value::Null,
    }
}

fn step(job: JailJob, ticket: &Ticket) -> Value {
    // No program takes a NUL, and fail2ban falls over it: it is compared without.
    let plain = |text: &str| text.replace('\0', "");
    let lines = |lines: &[String]| lines.iter().map(|line| plain(line)).collect::<Vec<_>>();
    let merged = |of: &Option<Merged>| {
        of.as_ref().map(|of| json!({"matches": lines(&of.matches), "failures": of.failures}))
    };
    let id = |id: &Id| plain(&id.to_string());
    let captures: Vec<(String, String)> =
        ticket.captures.iter().map(|(name, value)| (name.clone(), plain(value))).collect();
    let time = match ticket.time {
        Time::Whole(seconds) => json!(seconds),
        Time::Fraction(seconds) => json!(seconds),
    };
    let name = format!("{job:?}");
    json!({
        "job": name.split(' ').next(),
        "stopping": job == JailJob::Flush { stopping: true },
        "ticket": {
            "id": id(&ticket.id),
            "ip": ticket.ip.as_ref().map(id),
            "time": time,
            "bantime": ticket.bantime_s,
            "bancount": ticket.bancount,
            "failures": ticket.failures,
            "matches": lines(&ticket.matches),
            "restored": ticket.restored,
            "captures": captures,
            "host": ticket.host.as_ref().map(|host| plain(host)),
            "of_ip": merged(&ticket.of_ip),
            "of_jail": merged(&ticket.of_ip_in_jail),
        },
    })
}

fn answer(answer: &Value) -> Answer {
    let texts = |value: &Value| -> Vec<String> {
        let texts = value.as_array().expect("a list").iter();
        texts.map(|text| text.as_str().expect("a text").to_owned()).collect()
    };
    let command = |value: &Value| repaired(texts(value));
    Answer {
        commands: answer["commands"].as_array().expect("a list").iter().map(command).collect(),
        failed: texts(&answer["failed"]),
        singly: texts(&answer["singly"]),
        epoch: answer["epoch"].as_u64().expect("a number"),
    }
}

/// The eleventh value and those after it: fail2ban writes `$10`, which a shell reads as `$1` and a
/// zero. We write `${10}`.
fn repaired(mut command: Vec<String>) -> Vec<String> {
    if command.len() > 11
        && let Some((head, rest)) = command[0].split_once('\n')
    {
        let word = |word: &str| match word.split_once("=$") {
            Some((name, number)) if number.len() > 1 => format!("{name}=${{{number}}}"),
            _ => word.to_owned(),
        };
        let head: Vec<String> = head.split(' ').map(word).collect();
        command[0] = format!("{}\n{rest}", head.join(" "));
    }
    command
}

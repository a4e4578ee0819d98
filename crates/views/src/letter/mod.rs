//! Records as messages: complete, in the reader's language, without the form of a mail yet.
//!
//! Whatever a stranger typed goes through [`crate::printable`] here and is escaped once more by
//! whoever gives the letter its form.

mod alarm;
mod block;
mod found;
mod login;
mod many;
mod service;

use std::collections::HashMap;

use monban_model::{
    Address, Event, Evidence, Fact, Finding, Letter, Passage, Record, Seq, Setting, Severity,
    Stamp, Standing, Theme,
};

use crate::{LocalClock, Say, json_line, printable, record_json};

pub use service::Code;

/// What is known of an address beside what the logs tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whereabouts {
    /// The country's code, such as `JP`.
    pub country: String,
    /// The name of the network or its holder.
    pub network: String,
    /// The number of the autonomous system.
    pub asn: Option<u32>,
    /// Its host name by reverse lookup.
    pub name: String,
    /// Where abuse is to be reported.
    pub abuse: String,
}

impl Whereabouts {
    /// `JP, OCN`, as far as it is known.
    fn short(&self) -> String {
        let parts = [&self.country, &self.network];
        let known: Vec<&str> =
            parts.into_iter().filter(|part| !part.is_empty()).map(String::as_str).collect();
        printable(known.join(", ").as_bytes())
    }
}

/// What of a message is not in the records.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// See [`Letter::id`].
    pub id: String,
    /// See [`Letter::thread`].
    pub thread: String,
    /// The topic.
    pub topic: String,
    /// How urgent it is.
    pub severity: Severity,
    /// Whether it lasts.
    pub standing: Standing,
    /// How many more there are than the records that are given.
    pub more: u64,
}

/// Writes letters in one language.
#[derive(Debug)]
pub struct LetterWriter {
    pub(crate) say: Say,
    pub(crate) clock: LocalClock,
    host: String,
    /// The country that the host's people are in; empty if nobody said.
    home: String,
    origins: HashMap<Address, Whereabouts>,
    /// Findings that decisions rest on.
    findings: HashMap<Seq, Box<Finding>>,
}

impl LetterWriter {
    /// A writer for a host of this name.
    pub fn new(say: Say, host: String, home: String) -> Self {
        let clock = LocalClock::of_system();
        Self { say, clock, host, home, origins: HashMap::new(), findings: HashMap::new() }
    }

    /// What is known of an address, from here on.
    pub fn learn(&mut self, address: Address, origin: Whereabouts) {
        self.origins.insert(address, origin);
    }

    /// What decisions that it will tell of rest on.
    pub fn rest_on(&mut self, findings: &[Record]) {
        for record in findings {
            if let Event::Found(finding) = &record.event {
                self.findings.insert(record.seq, finding.clone());
            }
        }
    }

    /// Forgets what is known of addresses and findings.
    pub fn forget(&mut self) {
        self.origins.clear();
        self.findings.clear();
    }

    /// The letter that tells of these records, oldest first.
    pub fn write(&self, records: &[Record], envelope: &Envelope, now: Stamp) -> Letter {
        let mut letter = match records {
            [one] if envelope.more == 0 => self.one(one, envelope),
            many => self.many(many, envelope, now),
        };
        let json: Vec<String> =
            records.iter().map(|record| json_line(&record_json(record))).collect();
        letter.data = format!("[{}]", json.join(","));
        letter.clip();
        letter
    }

    fn one(&self, record: &Record, envelope: &Envelope) -> Letter {
        let blank = self.blank(envelope, record.time);
        match &record.event {
            Event::Entered(login) => self.login(record.time, login, blank),
            Event::FoundHere(finding) => self.found_here(record.time, finding, blank),
            Event::Alarmed(change) => self.alarm(record.time, change, blank),
            Event::Found(_) | Event::Decided(_) | Event::Ordered(_) | Event::Happened(_) => {
                self.about_a_block(record, blank)
            }
            Event::Noticed(notice) => {
                let text = self.say.notice(notice);
                let lead = text.clone();
                Letter { theme: Theme::Notice, lead, ..self.titled(&text, blank) }
            }
        }
    }

    /// A letter without content.
    pub(crate) fn blank(&self, envelope: &Envelope, time: Stamp) -> Letter {
        Letter {
            id: envelope.id.clone(),
            thread: envelope.thread.clone(),
            topic: envelope.topic.clone(),
            theme: Theme::Service,
            severity: envelope.severity,
            standing: envelope.standing,
            time,
            since: time,
            host: self.host.clone(),
            lang: self.say.tongue().name().to_owned(),
            subject: String::new(),
            lead: String::new(),
            facts: Vec::new(),
            passages: Vec::new(),
            labels: Vec::new(),
            picture: None,
            data: String::new(),
        }
    }

    /// The same letter with a subject: the host stands in front.
    pub(crate) fn titled(&self, text: &str, letter: Letter) -> Letter {
        let line = text.lines().next().unwrap_or_default();
        Letter { subject: format!("[{}] {line}", self.host), ..letter }
    }

    fn fact(&self, key: &str, value: impl Into<String>) -> Fact {
        Fact { label: self.say.text(key, &[]), value: value.into() }
    }

    /// The time as people there read it, and in UTC.
    fn time_fact(&self, time: Stamp) -> Fact {
        self.fact("letter-time", format!("{} ({time})", self.clock.date_time(time)))
    }

    fn log(&self, evidence: &[Evidence]) -> Option<Passage> {
        let lines: Vec<String> = evidence.iter().map(|line| printable(&line.line)).collect();
        let title = self.say.text("letter-lines", &[]);
        (!lines.is_empty()).then_some(Passage { title, setting: Setting::Log, lines })
    }

    /// What the reader can do now.
    fn next(&self, key: &str, commands: Vec<String>) -> Passage {
        let title = self.say.text(key, &[]);
        Passage { title, setting: Setting::Commands, lines: commands }
    }

    fn origin(&self, address: Address) -> Option<&Whereabouts> {
        self.origins.get(&address)
    }

    /// `203.0.113.9 (JP, OCN)`.
    fn place(&self, address: Address) -> String {
        match self.origin(address).map(Whereabouts::short).filter(|known| !known.is_empty()) {
            Some(known) => format!("{address} ({known})"),
            None => address.to_string(),
        }
    }

    /// What is known of an address, one fact each.
    fn origin_facts(&self, address: Address) -> Vec<Fact> {
        let Some(origin) = self.origin(address) else { return Vec::new() };
        let network = match origin.asn {
            Some(asn) => format!("{} (AS{asn})", origin.network),
            None => origin.network.clone(),
        };
        let all = [
            ("letter-name", &origin.name),
            ("letter-country", &origin.country),
            ("letter-network", &network),
            ("letter-abuse", &origin.abuse),
        ];
        let known = all.into_iter().filter(|(_, value)| !value.is_empty());
        known.map(|(key, value)| self.fact(key, printable(value.as_bytes()))).collect()
    }

    /// What to do about an address: abroad it is shut out, at home its provider is told.
    fn address_commands(&self, address: Address) -> Vec<String> {
        let country = self.origin(address).map(|origin| origin.country.as_str()).unwrap_or("");
        let is_home = !self.home.is_empty() && self.home.eq_ignore_ascii_case(country);
        let why = format!("monban why {address}");
        match is_home {
            true => vec![why, format!("monban report {address}")],
            false => vec![why, format!("monban ban {address} --for 7d")],
        }
    }
}

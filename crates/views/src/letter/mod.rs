//! Records as messages: complete, in the reader's language, without the form of a mail yet.
//!
//! Whatever a stranger typed goes through [`crate::printable`] here and is escaped once more by
//! whoever gives the letter its form.

mod alarm;
mod block;
mod data;
mod found;
mod known;
mod login;
mod many;
mod service;

use monban_model::{
    Address, Country, Event, Evidence, Fact, Letter, Passage, Record, Setting, Severity, Stamp,
    Standing, Theme,
};

use crate::next::{Side, next_step};
use crate::who::reverse_name;
use crate::{LocalClock, Say, printable, publication};
use data::data;

pub use known::{Known, Whereabouts, named_addresses};
pub use service::Code;

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
    /// Whether it was told before and still lasts.
    pub again: bool,
}

/// The host that letters come from.
#[derive(Clone, Debug)]
pub struct Here {
    /// Its name, as people call it.
    pub host: String,
    /// The country that its people live in, if they said.
    pub home: Option<Country>,
    /// Whether monban shuts people out there, and does not only observe.
    pub guards: bool,
}

/// Writes letters in one language.
#[derive(Debug)]
pub struct LetterWriter {
    pub(crate) say: Say,
    pub(crate) clock: LocalClock,
    here: Here,
}

impl LetterWriter {
    /// A writer of this host.
    pub fn new(say: Say, here: Here) -> Self {
        Self { say, clock: LocalClock::of_system(), here }
    }

    /// The letter that tells of these records, oldest first.
    pub fn write(
        &self,
        records: &[Record],
        envelope: &Envelope,
        known: &Known,
        now: Stamp,
    ) -> Letter {
        let mut letter = match records {
            [one] if envelope.more == 0 => self.one(one, envelope, known),
            many => self.many(many, envelope, known, now),
        };
        letter.data = data(records);
        letter.clip();
        letter
    }

    /// A letter about one thing has the theme and the labels by which topics chose it.
    fn one(&self, record: &Record, envelope: &Envelope, known: &Known) -> Letter {
        let mut blank = self.blank(envelope, record.time);
        if let Some(told) = publication(record, known.finding_of(record)) {
            (blank.theme, blank.labels) = (told.theme, told.labels);
        }
        match &record.event {
            Event::Entered(login) => self.login(record.time, login, known, blank),
            Event::FoundHere(finding) => self.found_here(record.time, finding, known, blank),
            Event::Alarmed(change) => self.alarm(record.time, change, known, envelope.again, blank),
            Event::Found(_) | Event::Decided(_) | Event::Ordered(_) | Event::Happened(_) => {
                self.about_a_block(record, known, blank)
            }
            Event::Noticed(notice) => {
                let lead = self.say.notice(notice);
                let facts = vec![self.time_fact(record.time)];
                self.titled(&lead.clone(), Letter { lead, facts, ..blank })
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
            host: self.here.host.clone(),
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
        Letter { subject: format!("[{}] {line}", self.here.host), ..letter }
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

    /// What is known of an address, one fact each.
    fn origin_facts(&self, known: &Known, address: Address) -> Vec<Fact> {
        let Some(place) = known.places.get(&address) else { return Vec::new() };
        let asn = place.origin.asn.map(|asn| format!("({asn})")).unwrap_or_default();
        let all = [
            ("letter-name", reverse_name(&self.say, &place.name, place.name_confirmed)),
            ("letter-country", place.origin.country.map(|it| it.to_string()).unwrap_or_default()),
            ("letter-network", format!("{} {asn}", printable(place.network.as_bytes()))),
            ("letter-abuse", printable(place.abuse.as_bytes())),
        ];
        let told = all.into_iter().filter(|(_, value)| !value.trim().is_empty());
        told.map(|(key, value)| self.fact(key, value.trim())).collect()
    }

    /// The commands of the next step against an address.
    fn next_step(&self, known: &Known, address: Address, may_ban: bool) -> Vec<String> {
        let country = known.places.get(&address).and_then(|place| place.origin.country);
        next_step(address, Side::of(self.here.home, country), may_ban)
    }
}

//! Several things in one letter: what was held back, or came at once.

use monban_model::{Address, Event, Letter, Passage, Record, Setting, Stamp, Theme};

use super::{Envelope, Known, LetterWriter, named_addresses};

/// The next step is named against so many addresses.
const STEPS_OF_MANY: usize = 3;

impl LetterWriter {
    pub(super) fn many(
        &self,
        records: &[Record],
        envelope: &Envelope,
        known: &Known,
        now: Stamp,
    ) -> Letter {
        let first = records.first().map_or(now, |record| record.time);
        let last = records.last().map_or(now, |record| record.time);
        let blank = self.blank(envelope, last);
        let count = (records.len() as u64).saturating_add(envelope.more).to_string();
        let mut kinds: Vec<(&str, u64)> = Vec::new();
        for record in records {
            let kind = kind_of(&record.event);
            match kinds.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, count)) => *count += 1,
                None => kinds.push((kind, 1)),
            }
        }
        let parts: Vec<String> = kinds
            .iter()
            .map(|(kind, count)| self.say.text(kind, &[("count", &count.to_string())]))
            .collect();
        let comma = self.say.text("letter-comma", &[]);
        let mut title = parts.join(&comma);
        if envelope.more > 0 {
            let more = envelope.more.to_string();
            title.push_str(&self.say.text("letter-and-more", &[("more", &more)]));
        }
        let (from, until) = (self.clock.date_time(first), self.clock.date_time(last));
        let values = [("count", count.as_str()), ("from", &from), ("until", &until)];
        let lead = self.say.text("letter-many", &values);
        let line = |record: &Record| {
            format!("{}  {}", self.clock.date_time(record.time), self.line(record, known))
        };
        let lines: Vec<String> = records.iter().map(line).collect();
        let mut passages = Vec::new();
        if !lines.is_empty() {
            let title = self.say.text("letter-what-happened", &[]);
            passages.push(Passage { title, setting: Setting::List, lines });
        }
        let steps = self.after_many(records, known);
        passages.extend((!steps.is_empty()).then(|| self.next("letter-next", steps)));
        if envelope.more > 0 {
            let commands = vec!["monban feed --last 1000".to_owned()];
            passages.push(self.next("letter-all-of-it", commands));
        }
        let letter = Letter { theme: Theme::Digest, since: first, lead, passages, ..blank };
        self.titled(&title, letter)
    }

    /// The next step against the first few addresses. Those of blocks are shut out, or must not be.
    fn after_many(&self, records: &[Record], known: &Known) -> Vec<String> {
        let mut addresses: Vec<(Address, bool)> = Vec::new();
        for record in records {
            let may_ban = !matches!(record.event, Event::Decided(_) | Event::Happened(_));
            for address in named_addresses(record) {
                match addresses.iter_mut().find(|(one, _)| *one == address) {
                    Some((_, all)) => *all &= may_ban,
                    None => addresses.push((address, may_ban)),
                }
            }
        }
        let steps = addresses.into_iter().take(STEPS_OF_MANY);
        steps.flat_map(|(address, may_ban)| self.next_step(known, address, may_ban)).collect()
    }

    /// A record in a line, with where an address is.
    fn line(&self, record: &Record, known: &Known) -> String {
        match &record.event {
            Event::Entered(login) => {
                let from = login.address.map(|address| known.place(address)).unwrap_or_default();
                self.say.login_from(login, &from)
            }
            Event::Decided(_) | Event::Happened(_) => {
                let place = |address: &Address| known.whereabouts(*address);
                let place = named_addresses(record).iter().find_map(place);
                let place = place.map(|place| format!(" · {place}")).unwrap_or_default();
                format!("{}{place}", self.sentence(record, known))
            }
            _ => self.sentence(record, known),
        }
    }
}

/// What it is called, with its count.
fn kind_of(event: &Event) -> &'static str {
    match event {
        Event::Entered(_) => "letter-logins",
        Event::FoundHere(_) => "letter-findings",
        Event::Noticed(_) => "letter-notices",
        Event::Alarmed(_) => "letter-alarms",
        Event::Found(_) | Event::Decided(_) | Event::Ordered(_) | Event::Happened(_) => {
            "letter-blocks"
        }
    }
}

//! Somebody was shut out or let in again, or that failed.

use monban_model::{Event, Finding, Letter, Record, Subject, Theme};

use super::LetterWriter;
use crate::Narrator;

impl LetterWriter {
    pub(super) fn about_a_block(&self, record: &Record, blank: Letter) -> Letter {
        let text = self.narrated(record);
        let mut facts = vec![self.time_fact(record.time)];
        let finding = self.finding_of(record);
        let lines = finding.map_or(&[][..], |finding| &finding.evidence);
        let mut passages = Vec::from_iter(self.log(lines));
        if let Some(finding) = finding {
            facts.extend(self.origin_facts(finding.address));
        }
        if let Some(subject) = subject_of(&record.event) {
            facts.insert(0, self.fact("letter-subject", subject.to_string()));
            let commands = vec![format!("monban why {subject}"), format!("monban free {subject}")];
            passages.push(self.next("letter-next", commands));
        }
        let labels = subject_of(&record.event)
            .map(|subject| ("subject".to_owned(), subject.to_string()))
            .into_iter()
            .collect();
        let lead = text.clone();
        let letter = Letter { theme: Theme::Block, lead, facts, passages, labels, ..blank };
        self.titled(&text, letter)
    }

    /// What a decision rests on.
    fn finding_of(&self, record: &Record) -> Option<&Finding> {
        let Event::Decided(decision) = &record.event else { return None };
        self.findings.get(&decision.finding?).map(|finding| &**finding)
    }

    /// The record in a sentence, without its time.
    pub(super) fn narrated(&self, record: &Record) -> String {
        let mut narrator = Narrator::new(self.say.clone(), true);
        if let (Some(finding), Event::Decided(decision)) = (self.finding_of(record), &record.event)
        {
            let seq = decision.finding.unwrap_or_default();
            let event = Event::Found(Box::new(finding.clone()));
            narrator.tell(&Record { seq, time: record.time, event });
        }
        let line = narrator.tell(record).unwrap_or_default();
        line.split_once("  ").map_or(line.clone(), |(_, text)| text.to_owned())
    }
}

fn subject_of(event: &Event) -> Option<Subject> {
    match event {
        Event::Found(finding) => Some(finding.subject),
        Event::Decided(decision) => Some(decision.subject),
        Event::Ordered(order) => Some(order.subject),
        Event::Happened(outcome) => Some(outcome.subject),
        Event::Entered(_) | Event::FoundHere(_) | Event::Noticed(_) | Event::Alarmed(_) => None,
    }
}

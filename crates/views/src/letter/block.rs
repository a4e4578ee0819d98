//! Somebody was shut out or let in again, or that failed.

use monban_model::{Address, Event, Letter, Record, Subject, Verdict};

use super::known::address_of;
use super::{Known, LetterWriter};
use crate::Narrator;

impl LetterWriter {
    pub(super) fn about_a_block(&self, record: &Record, known: &Known, blank: Letter) -> Letter {
        let text = self.sentence(record, known);
        let finding = known.finding_of(record);
        let subject = subject_of(&record.event);
        let address = finding.map(|one| one.address).or_else(|| address_of(subject?));
        let mut facts: Vec<_> = subject
            .map(|subject| self.fact("letter-subject", subject.to_string()))
            .into_iter()
            .collect();
        facts.push(self.time_fact(record.time));
        facts.extend(address.into_iter().flat_map(|address| self.origin_facts(known, address)));
        let lines = finding.map_or(&[][..], |finding| &finding.evidence);
        let mut passages = Vec::from_iter(self.log(lines));
        if let Some(subject) = subject {
            let commands = self.after_a_block(&record.event, subject, address, known);
            passages.push(self.next("letter-next", commands));
        }
        let lead = text.clone();
        self.titled(&text, Letter { lead, facts, passages, ..blank })
    }

    /// What the reader can do now: look why, undo it, and tell the provider. Whoever was spared
    /// cannot be shut out by hand either.
    fn after_a_block(
        &self,
        event: &Event,
        subject: Subject,
        address: Option<Address>,
        known: &Known,
    ) -> Vec<String> {
        let mut commands = vec![format!("monban why {subject}")];
        let Event::Decided(decision) = event else { return commands };
        if matches!(decision.verdict, Verdict::Block { .. }) && self.here.guards {
            commands.push(format!("monban free {subject}"));
        }
        if decision.verdict != Verdict::Free {
            let next = address.map(|address| self.next_step(known, address, false));
            commands.extend(next.into_iter().flatten());
        }
        commands
    }

    /// The record in a sentence, without its time.
    pub(super) fn sentence(&self, record: &Record, known: &Known) -> String {
        let mut narrator = Narrator::new(self.say.clone(), self.here.guards);
        if let Some(finding) = known.finding_of(record) {
            narrator.rest_on(Box::new(finding.clone()));
        }
        narrator.sentence(record).unwrap_or_default()
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

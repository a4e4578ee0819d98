//! An alarm changed its state, or is still firing.

use monban_model::{Address, AlarmChange, AlarmState, Letter, Passage, Setting, Stamp, TopEntry};

use super::known::address_in;
use super::{Known, LetterWriter};
use crate::alarms::{alarm_line_since, alarm_reason, alarm_threshold};
use crate::printable;

/// Addresses that the next step is named for: those with the most.
const STEPS_MAX: usize = 3;

impl LetterWriter {
    /// Name, description, change of state, reason and time stand in the order in which CloudWatch's
    /// mail has them; lines and contributors follow.
    pub(super) fn alarm(
        &self,
        time: Stamp,
        change: &AlarmChange,
        known: &Known,
        again: bool,
        blank: Letter,
    ) -> Letter {
        let name = printable(change.alarm.as_bytes());
        let change_of_state = format!("{} -> {}", change.old.word(), change.new.word());
        let mut facts = vec![self.fact("letter-alarm", name.as_str())];
        if !change.description.is_empty() {
            let description = printable(change.description.as_bytes());
            facts.push(self.fact("letter-description", description));
        }
        facts.push(self.fact("letter-state-change", change_of_state));
        facts.push(self.fact("letter-reason", alarm_reason(&self.say, change)));
        facts.push(self.time_fact(time));
        if let Some(contributor) = &change.contributor {
            facts.push(self.fact("letter-contributor", shown(&contributor.value, known)));
        }
        if let Some(watched) = &change.watched {
            facts.push(self.fact("letter-threshold", alarm_threshold(&self.say, watched)));
        }
        if !change.rule.is_empty() {
            facts.push(self.fact("letter-rule", printable(change.rule.as_bytes())));
        }
        let mut passages = Vec::from_iter(self.log(&change.samples));
        passages.extend(self.top("letter-top-addresses", &change.addresses, known));
        passages.extend(self.top("letter-top-users", &change.users, known));
        passages.push(self.next("letter-next", self.after_an_alarm(change, known)));
        let since = self.clock.date_time(change.since);
        let lead = alarm_line_since(&self.say, &since, change);
        let since = if change.new == AlarmState::Alarm { time } else { change.since };
        let letter = Letter { since, lead, facts, passages, ..blank };
        let title = match change.again {
            Some(more) => {
                let values = [("alarm", name.as_str()), ("more", &more.to_string())];
                self.say.text("letter-alarm-again", &values)
            }
            None if again => self.say.text("letter-alarm-still", &[("alarm", &name)]),
            None => {
                let values = [("alarm", name.as_str()), ("state", change.new.word())];
                self.say.text("letter-alarm-changed", &values)
            }
        };
        self.titled(&title, letter)
    }

    /// What the reader can do now. What is over needs no step against anybody.
    fn after_an_alarm(&self, change: &AlarmChange, known: &Known) -> Vec<String> {
        let mut commands =
            vec![format!("monban alarms {}", shell_word(&printable(change.alarm.as_bytes())))];
        if change.new != AlarmState::Alarm {
            return commands;
        }
        let key = printable(crate::publish::alarm_key(change).as_bytes());
        // There `*` and `?` stand for any text, and a contributor's name is a stranger's.
        if !key.contains(['*', '?']) {
            commands.push(format!("monban notify acknowledge {}", shell_word(&key)));
        }
        let contributor = change.contributor.iter().map(|of| of.value.as_slice());
        let top = change.addresses.iter().map(|entry| entry.name.as_slice());
        let mut addresses: Vec<Address> = Vec::new();
        for address in contributor.chain(top).filter_map(address_in) {
            if addresses.len() < STEPS_MAX && !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        let steps = addresses.into_iter().map(|address| self.next_step(known, address, true));
        commands.extend(steps.flatten());
        commands
    }

    fn top(&self, key: &str, entries: &[TopEntry], known: &Known) -> Option<Passage> {
        let line = |entry: &TopEntry| {
            let name = shown(&entry.name, known);
            match entry.over {
                0 => format!("{}  {name}", entry.count),
                over => format!("{}-{}  {name}", entry.count.saturating_sub(over), entry.count),
            }
        };
        let lines: Vec<String> = entries.iter().map(line).collect();
        let title = self.say.text(key, &[]);
        (!lines.is_empty()).then_some(Passage { title, setting: Setting::List, lines })
    }
}

/// A contributor, with where it is if it is an address.
fn shown(name: &[u8], known: &Known) -> String {
    address_in(name).map_or_else(|| printable(name), |address| known.place(address))
}

/// A name as one word of a shell.
fn shell_word(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-:".contains(c);
    match !name.is_empty() && name.chars().all(plain) {
        true => name.to_owned(),
        false => format!("'{}'", name.replace('\'', "'\\''")),
    }
}

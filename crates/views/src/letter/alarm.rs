//! An alarm changed its state, or is still firing.

use monban_model::{AlarmChange, AlarmState, Letter, Passage, Setting, Stamp, Theme, TopEntry};

use super::LetterWriter;
use crate::alarms::{alarm_line_since, alarm_reason, alarm_threshold};
use crate::printable;

impl LetterWriter {
    /// Name, description, change of state, reason and time stand in the order in which CloudWatch's
    /// mail has them; lines and contributors follow.
    pub(super) fn alarm(&self, time: Stamp, change: &AlarmChange, blank: Letter) -> Letter {
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
            let value = printable(&contributor.value);
            facts.push(self.fact("letter-contributor", value));
        }
        if let Some(watched) = &change.watched {
            facts.push(self.fact("letter-threshold", alarm_threshold(&self.say, watched)));
        }
        if !change.rule.is_empty() {
            facts.push(self.fact("letter-rule", printable(change.rule.as_bytes())));
        }
        let mut passages = Vec::from_iter(self.log(&change.samples));
        passages.extend(self.top("letter-top-addresses", &change.addresses));
        passages.extend(self.top("letter-top-users", &change.users));
        let mut commands = vec![format!("monban alarms {}", quoted(&name))];
        if change.new == AlarmState::Alarm {
            let key = printable(crate::publish::alarm_key(change).as_bytes());
            commands.push(format!("monban notify acknowledge {}", quoted(&key)));
        }
        passages.push(self.next("letter-next", commands));
        let since = self.clock.date_time(change.since);
        let lead = alarm_line_since(&self.say, &since, change);
        let letter = Letter {
            theme: Theme::Alarm,
            since: if change.new == AlarmState::Alarm { time } else { change.since },
            lead,
            facts,
            passages,
            labels: crate::publish::alarm_labels(change),
            ..blank
        };
        let title = match change.again {
            Some(more) => {
                let values = [("alarm", name.as_str()), ("more", &more.to_string())];
                self.say.text("letter-alarm-again", &values)
            }
            None => format!("{}: {name}", change.new.word()),
        };
        self.titled(&title, letter)
    }

    fn top(&self, key: &str, entries: &[TopEntry]) -> Option<Passage> {
        let line = |entry: &TopEntry| {
            let name = printable(&entry.name);
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

/// A name as one word of a shell.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-:".contains(c);
    match !name.is_empty() && name.chars().all(plain) {
        true => name.to_owned(),
        false => format!("'{}'", name.replace('\'', "'\\''")),
    }
}

//! A finding about this host.

use monban_model::{HostFinding, Letter, Passage, Setting, Stamp};

use super::known::finding_address;
use super::{Known, LetterWriter};
use crate::{printable, quoted};

impl LetterWriter {
    pub(super) fn found_here(
        &self,
        time: Stamp,
        found: &HostFinding,
        known: &Known,
        blank: Letter,
    ) -> Letter {
        let title = self.say.found_here(found);
        let mut facts = Vec::new();
        facts.extend(found.user.as_deref().map(|user| self.fact("letter-user", quoted(user))));
        facts.push(self.fact("letter-service", &*found.service));
        // What is wrong with the hook in PAM has its values in its sentences.
        let is_of_hook = found.key.starts_with("pam-");
        for (name, value) in &found.values {
            if !is_of_hook || name == "file" {
                facts.push(self.fact(&format!("letter-{name}"), printable(value.as_bytes())));
            }
        }
        let address = finding_address(found);
        facts.extend(address.map(|it| self.origin_facts(known, it)).unwrap_or_default());
        facts.push(self.time_fact(time));
        let mut lead = self.say.text("letter-sentence", &[("text", &title)]);
        if let Some(why) = self.say.find_of(found, "why") {
            lead = self.say.text("letter-sentences", &[("first", &lead), ("second", &why)]);
        }
        let mut passages = Vec::from_iter(self.log(&found.evidence));
        passages.extend(self.say.find_of(found, "hint").map(|hint| {
            let hint = self.next("letter-next", vec![hint]);
            // Of the hook in PAM it is a sentence, and no line for a shell.
            Passage { setting: if is_of_hook { Setting::List } else { hint.setting }, ..hint }
        }));
        let steps = address.map(|it| self.next_step(known, it, true)).unwrap_or_default();
        passages.extend((!steps.is_empty()).then(|| self.next("letter-next", steps)));
        self.titled(&title, Letter { lead, facts, passages, ..blank })
    }
}

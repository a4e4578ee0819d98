//! A finding about this host.

use monban_model::{HostFinding, Letter, Stamp};

use super::LetterWriter;
use crate::{printable, quoted};

impl LetterWriter {
    pub(super) fn found_here(&self, time: Stamp, found: &HostFinding, blank: Letter) -> Letter {
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
        facts.push(self.time_fact(time));
        let why = self.say.find_of(found, "why").map(|why| format!(" {why}"));
        let lead = format!("{title}.{}", why.unwrap_or_default());
        let mut passages = Vec::from_iter(self.log(&found.evidence));
        let hint = self.say.find_of(found, "hint");
        passages.extend(hint.map(|hint| self.next("letter-next", vec![hint])));
        self.titled(&title, Letter { lead, facts, passages, ..blank })
    }
}

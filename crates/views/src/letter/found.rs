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
        for (name, value) in &found.values {
            facts.push(self.fact(&format!("letter-{name}"), printable(value.as_bytes())));
        }
        facts.push(self.time_fact(time));
        let lead = match self.say.find(&format!("{}-why", found.key), &[]) {
            Some(why) => format!("{title}. {why}"),
            None => format!("{title}."),
        };
        let passages = Vec::from_iter(self.log(&found.evidence));
        self.titled(&title, Letter { lead, facts, passages, ..blank })
    }
}

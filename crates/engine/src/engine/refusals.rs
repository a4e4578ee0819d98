//! What was refused so often that not each was told.

use monban_model::{Event, HostFinding, Severity, Stamp};

use super::Engine;
use crate::observation::Effect;

impl Engine {
    /// Tells of refusals that nobody was told of, as no other one followed that would say it.
    pub(super) fn tell_held(&mut self, now: Stamp, out: &mut Vec<Effect>) {
        for held in self.places.take_held(now) {
            let finding = HostFinding {
                key: format!("{}-refused", held.service),
                severity: Severity::Warning,
                service: held.service,
                user: Some(held.user).filter(|user| !user.is_empty()),
                values: vec![("more".to_owned(), held.count.to_string())],
                evidence: Vec::new(),
            };
            self.record(now.min(held.last), Event::FoundHere(Box::new(finding)), out);
        }
    }
}

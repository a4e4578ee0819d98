//! Mail addresses for reports of abuse, the best first.

use monban_model::limits::WHO_CONTACTS_MAX;
use monban_model::{AbuseFrom, Who};

use super::registries::registry_at;

/// Addresses that were found, and what names them.
#[derive(Debug, Default)]
pub(super) struct Contacts {
    found: Vec<(AbuseFrom, String)>,
}

impl Contacts {
    /// One more. A registry's own address is nobody's who could stop an attack: APNIC writes
    /// JPNIC's there for all of Japan.
    pub(super) fn add(&mut self, from: AbuseFrom, mail: String) {
        let domain = mail.rsplit('@').next().unwrap_or_default();
        let known = self.found.iter().any(|(_, other)| *other == mail);
        if !known && registry_at(domain).is_none() && self.found.len() < 8 * WHO_CONTACTS_MAX {
            self.found.push((from, mail));
        }
    }

    /// Puts the best of them down.
    pub(super) fn give(mut self, who: &mut Who) {
        self.found.sort_by_key(|(from, _)| *from);
        who.abuse_from = self.found.first().map(|(from, _)| *from);
        who.abuse = self.found.into_iter().map(|(_, mail)| mail).take(WHO_CONTACTS_MAX).collect();
    }
}

//! Who announces an address, from Team Cymru's service over DNS: what RDAP does not tell.
//!
//! `160.63.102.94.origin.asn.cymru.com` has the text `29073 | 94.102.48.0/20 | NL | ripencc |
//! 2008-08-04`, and `AS29073.asn.cymru.com` has `29073 | NL | ripencc | 2003-05-27 | ECATEL, NL`.

use std::time::Instant;

use monban_model::{Asn, Net, Who};

use super::dns::{NameServers, reverse};
use super::text::clean;

/// Fills in the autonomous system, if nothing else told it, and the country.
pub(super) fn fill(names: &NameServers, who: &mut Who, until: Instant) {
    if who.asn.is_none() {
        let name = reverse(who.address, "origin.asn.cymru.com", "origin6.asn.cymru.com");
        let Ok(texts) = names.texts_of(&name, until) else { return };
        let routes = texts.iter().filter_map(|text| route(text));
        let around = routes.filter(|(_, net, _)| net.contains(who.address));
        if let Some((asn, net, country)) = around.max_by_key(|(_, net, _)| net.prefix()) {
            (who.asn, who.route) = (Some(asn), Some(net));
            who.country = who.country.or(country.parse().ok());
        }
    }
    if let Some(asn) = who.asn.filter(|_| who.as_name.is_empty()) {
        let texts = names.texts_of(&format!("{asn}.asn.cymru.com"), until).unwrap_or_default();
        let name = texts.iter().find_map(|text| text.split('|').nth(4)).map(clean);
        who.as_name = name.unwrap_or_default();
    }
}

/// Several systems may announce the same network; the first of them is taken.
fn route(text: &str) -> Option<(Asn, Net, &str)> {
    let mut fields = text.split('|').map(str::trim);
    let asn = fields.next()?.split(' ').next()?.parse().ok()?;
    Some((asn, fields.next()?.parse().ok()?, fields.next()?))
}

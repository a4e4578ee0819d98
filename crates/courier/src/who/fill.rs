//! One answer filled in from another.

use monban_model::Who;
use monban_model::limits::WHO_CONTACTS_MAX;

/// Fills in from an earlier or later answer what is open. Of another network only what holds for
/// both is taken.
pub(super) fn fill(who: &mut Who, other: &Who) {
    let same = who.net.is_none() || who.net == other.net;
    who.net = who.net.or(other.net);
    who.country = who.country.or(other.country);
    if who.asn.is_none() {
        who.asn = other.asn;
        who.route = other.route;
    }
    if who.asn == other.asn && who.as_name.is_empty() {
        who.as_name.clone_from(&other.as_name);
    }
    if who.abuse.is_empty() || other.abuse_from < who.abuse_from && other.abuse_from.is_some() {
        let mut abuse = other.abuse.clone();
        abuse.extend(who.abuse.iter().filter(|one| !other.abuse.contains(one)).cloned());
        abuse.truncate(WHO_CONTACTS_MAX);
        who.abuse = abuse;
        who.abuse_from = other.abuse_from;
    }
    if same {
        for (mine, theirs) in [(&mut who.netname, &other.netname), (&mut who.org, &other.org)] {
            if mine.is_empty() {
                mine.clone_from(theirs);
            }
        }
        who.registry = who.registry.or(other.registry);
        if who.source.is_empty() {
            who.source.clone_from(&other.source);
        }
    }
}

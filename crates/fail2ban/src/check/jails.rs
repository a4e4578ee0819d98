//! What is odd about a jail as a whole.

use monban_model::limits::JAIL_MATCHES_MAX;

use crate::config::{Complaint, Jail, Place, Sourced, Span, UseDns};
use crate::encoding::Encoding;

use super::{Reason, Verdict};

/// Complains of one jail.
pub(crate) fn complain(jail: &Jail, complaints: &mut Vec<Complaint>) {
    let bantime = &jail.bantime;
    let of = |kind, from: &Place| Complaint::warning(kind, from.clone()).with("jail", &jail.name);
    if bantime.value.is_forever() {
        complaints.push(of("bans-forever", &bantime.from));
    } else if bantime.value.seconds < 1.0 {
        complaints.push(of("bans-not-at-all", &bantime.from));
    }
    if jail.findtime.value.seconds < 1.0 {
        complaints.push(of("finds-nothing", &jail.findtime.from));
    }
    let most = jail.increment.maxtime.as_ref().filter(|_| jail.increment.enabled.value);
    if let Some(most) = most.filter(|most| is_shorter(most, bantime)) {
        complaints.push(of("maxtime-short", &most.from));
    }
    let is_journal = jail.backend.value.name == "systemd";
    if is_journal && jail.filter.journalmatch.is_empty() {
        complaints.push(of("whole-journal", &jail.backend.from).with("filter", &jail.filter.name));
    }
}

/// What a jail does otherwise here, whatever its filter and actions do.
pub(crate) fn differences(jail: &Jail) -> (Verdict, Vec<Reason>) {
    let mut reasons = Vec::new();
    let encoding = &jail.logencoding.value;
    if Encoding::named(encoding).is_none() {
        return (Verdict::Cannot, vec![Reason::new("encoding").with("encoding", encoding)]);
    }
    if !jail.ignoreself.value {
        reasons.push(Reason::new("own-addresses"));
    }
    let most = jail.maxmatches.value;
    if usize::try_from(most).is_ok_and(|most| most > JAIL_MATCHES_MAX) {
        let limit = JAIL_MATCHES_MAX.to_string();
        reasons.push(Reason::new("maxmatches").with("limit", limit));
    }
    let backend = &jail.backend.value;
    if backend.name == "systemd" && backend.params.iter().next().is_some() {
        reasons.push(Reason::new("journal-arguments"));
    }
    let verdict = if reasons.is_empty() { Verdict::Native } else { Verdict::Differs };
    (verdict, reasons)
}

fn is_shorter(most: &Sourced<Span>, bantime: &Sourced<Span>) -> bool {
    most.value.seconds >= 0.0 && most.value.seconds < bantime.value.seconds
}

/// One complaint for all jails that take a name for an address, by the line that says so.
pub(crate) fn complain_of_names<'a>(
    jails: impl Iterator<Item = (&'a Jail, bool)>,
    complaints: &mut Vec<Complaint>,
) {
    let mut found: Vec<(&Sourced<UseDns>, &Place, Vec<&str>)> = Vec::new();
    for (jail, takes_names) in jails.filter(|(_, takes_names)| *takes_names) {
        let usedns = &jail.filter.usedns;
        if !matches!(usedns.value, UseDns::Yes | UseDns::Warn) || !takes_names {
            continue;
        }
        match found.iter_mut().find(|(known, ..)| *known == usedns) {
            Some((.., names)) => names.push(&jail.name),
            None => found.push((usedns, &jail.place, vec![&jail.name])),
        }
    }
    for (usedns, first_place, names) in found {
        let first: Vec<&str> = names.iter().copied().take(NAMED_MAX).collect();
        let more = names.len().saturating_sub(NAMED_MAX);
        let more = if more > 0 { format!(" +{more}") } else { String::new() };
        // Where nobody wrote it, it is shown at the first of the jails.
        let at = if usedns.from.is_built_in() { first_place } else { &usedns.from };
        let complaint = Complaint::warning("takes-names", at.clone())
            .with("usedns", usedns.value.name())
            .with("jails", first.join(", ") + &more);
        complaints.push(complaint);
    }
}

/// Jails that a complaint names.
const NAMED_MAX: usize = 8;

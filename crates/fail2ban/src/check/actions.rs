//! How an action would run.

use crate::action::{Hostnames, LESS_KNOWN, Template};
use crate::config::{ActionKind, ActionSpec, Complaint, Sourced};

use super::{Reason, Verdict};

/// The files of fail2ban's actions whose bans are made many at a time, where nobody changed their
/// commands.
const NATIVE: &[&str] = &[
    "iptables",
    "iptables-allports",
    "iptables-ipset",
    "iptables-ipset-proto6",
    "iptables-ipset-proto6-allports",
    "iptables-multiport",
    "iptables-multiport-log",
    "iptables-new",
    "nftables",
    "nftables-allports",
    "nftables-multiport",
];

/// How it runs, and why so.
pub(crate) fn verdict(action: &ActionSpec) -> (Verdict, Vec<Reason>) {
    if action.is_mail() {
        return (Verdict::Native, Vec::new());
    }
    if action.kind == ActionKind::Python {
        let reason = Reason::new("python").with("action", action.name.as_str());
        return (Verdict::Cannot, vec![reason]);
    }
    let template = Template::new(action, "", 0, &Hostnames::default(), true);
    let asks = |tag: &&str| template.as_ref().is_some_and(|template| template.asks(tag));
    let asked: Vec<&str> = LESS_KNOWN.iter().copied().filter(asks).collect();
    if !asked.is_empty() {
        let tags: Vec<String> = asked.iter().map(|tag| format!("<{tag}>")).collect();
        return (Verdict::Differs, vec![Reason::new("tags").with("tags", tags.join(" "))]);
    }
    let is_native = template.is_some_and(|template| template.is_native());
    match changed(action).filter(|_| NATIVE.contains(&action.name.as_str())) {
        _ if is_native => (Verdict::Native, Vec::new()),
        Some(place) => (
            Verdict::Shell,
            vec![Reason::new("changed-command").with("place", place.from.to_string())],
        ),
        None => (Verdict::Shell, Vec::new()),
    }
}

/// The first command that is not the one of the family: written elsewhere, or with another
/// program.
fn changed(action: &ActionSpec) -> Option<&Sourced<String>> {
    let bans = [&action.ban, &action.unban].into_iter().flatten();
    let others = [&action.start, &action.stop, &action.check, &action.flush];
    let others = others.into_iter().flatten();
    let is_foreign = |command: &&Sourced<String>| {
        let file = command.from.file.rsplit('/').next().unwrap_or_default();
        let stem = file.strip_suffix(".conf");
        !stem.is_some_and(|stem| NATIVE.contains(&stem))
    };
    let is_other = |command: &&Sourced<String>| {
        let first = command.value.split_whitespace().next().unwrap_or_default();
        let known = ["iptables", "ip6tables", "ipset", "nft", "<iptables>", "<nftables>"];
        !known.contains(&first)
    };
    bans.clone().find(is_other).or_else(|| bans.chain(others).find(is_foreign))
}

/// What an action lacks.
pub(crate) fn complain(action: &ActionSpec, complaints: &mut Vec<Complaint>) {
    let is_empty = action.ban.as_ref().is_none_or(|ban| ban.value.trim().is_empty());
    if action.kind == ActionKind::Shell && is_empty {
        let complaint = Complaint::warning("action-without-ban", action.from.clone());
        complaints.push(complaint.with("action", &action.name));
    }
}

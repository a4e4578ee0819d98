//! How an action would run.

use crate::config::{ActionKind, ActionSpec, Complaint, Sourced};

use super::{Reason, Verdict};

/// Actions that write into the firewall what monban writes itself, by the names of their files.
/// `iptables-xt_recent-echo` is none: it writes to a file of the kernel.
const NATIVE: &[&str] = &[
    "iptables",
    "iptables-allports",
    "iptables-ipset",
    "iptables-ipset-proto4",
    "iptables-ipset-proto6",
    "iptables-ipset-proto6-allports",
    "iptables-multiport",
    "iptables-multiport-log",
    "iptables-new",
    "nftables",
    "nftables-allports",
    "nftables-multiport",
];

/// The one action of Python whose work has a place here: it sends mail.
const MAIL: &str = "smtp.py";

/// How it runs, and why so.
pub(crate) fn verdict(action: &ActionSpec) -> (Verdict, Vec<Reason>) {
    if action.kind == ActionKind::Python {
        let name = action.name.as_str();
        let kind = if name == MAIL { "mail-absent" } else { "python" };
        return (Verdict::Cannot, vec![Reason::new(kind).with("action", name)]);
    }
    if !NATIVE.contains(&action.name.as_str()) {
        return (Verdict::Shell, Vec::new());
    }
    match changed(action) {
        Some(place) => (
            Verdict::Shell,
            vec![Reason::new("changed-command").with("place", place.from.to_string())],
        ),
        None => (Verdict::Native, Vec::new()),
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

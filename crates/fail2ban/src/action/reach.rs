//! What a ban of an action shuts out of, as far as its commands tell.

use crate::config::ActionSpec;

use super::template::native_start;

/// What a ban of one action shuts out of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The action's name in its jail.
    pub action: String,
    /// Its `protocol`, as written; `None` where it is not known whether that is all.
    pub protocol: Option<String>,
    /// Its ports.
    pub ports: Ports,
}

/// Which ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ports {
    /// Every port of the protocol.
    All,
    /// These: the action's `port`, as written.
    These(String),
    /// The action bans by commands of its own, or not at all.
    Unknown,
}

/// Other words by which a rule is about ports.
const OTHER_PORTS: [&str; 6] = ["sport", "--sport", "--sports", "--port", "--ports", "service"];

/// The reach of an action. A native one bans in a set or chain of its own; the rules that lead
/// there are in its start.
pub fn reach(spec: &ActionSpec) -> Reach {
    let start = native_start(spec).unwrap_or_default();
    let written = |key: &str| {
        let value = spec.params.get(key).or_else(|| spec.options.get(key))?.as_str();
        has_word(&start, value).then(|| value.to_owned())
    };
    let has = |words: &[&str]| start.split_whitespace().any(|word| words.contains(&word));
    let ports = match has(&["dport", "--dport", "--dports"]) {
        true => written("port").map_or(Ports::Unknown, Ports::These),
        // Rules without a port, and nothing of other ways to name one.
        false if has(&["l4proto", "-p"]) && !has(&OTHER_PORTS) => Ports::All,
        false => Ports::Unknown,
    };
    let protocol = written("protocol").filter(|_| ports != Ports::Unknown);
    Reach { action: spec.actname.clone(), protocol, ports }
}

/// Whether a text has this word, and not as a part of another.
fn has_word(text: &str, word: &str) -> bool {
    let is_inner = |c: char| c.is_alphanumeric() || matches!(c, ',' | ':' | '-' | '_');
    let ends = |at: usize| {
        let after = text[at + word.len()..].chars().next();
        !text[..at].ends_with(is_inner) && !after.is_some_and(is_inner)
    };
    !word.is_empty() && text.match_indices(word).any(|(at, _)| ends(at))
}

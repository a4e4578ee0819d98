//! Lines of monban's own rules that no filter may take for a failure.

use monban_config::Bundle;
use monban_fail2ban::check::GoodLine;
use monban_model::{Kind, ServiceId};
use monban_rules::{RuleSet, Service};

use crate::shipped;

/// The lines of the shipped rules. There are none only if the rules do not compile, which a test
/// of theirs excludes.
pub fn lines() -> Vec<GoodLine> {
    shipped::with_examples(&Bundle::default()).map(|rules| of(&rules)).unwrap_or_default()
}

fn of(rules: &RuleSet) -> Vec<GoodLine> {
    let mut lines = Vec::new();
    for (number, service) in (0..).zip(rules.services()) {
        let examples = service.rules.iter().flat_map(|rule| rule.sees.iter().chain(&rule.not));
        for example in examples {
            let message = example.message.as_str();
            let Some(is_success) = success(rules, ServiceId(number), message) else { continue };
            let line = with_head(service, message);
            lines.push(GoodLine { line, is_success, service: service.name.clone() });
        }
    }
    lines.dedup_by(|a, b| a.line == b.line);
    lines
}

/// Whether the rules read a success out of a message; `None` if it is neither that nor harmless.
fn success(rules: &RuleSet, service: ServiceId, message: &str) -> Option<bool> {
    let found = rules.read_message(service, message.as_bytes())?;
    let service = rules.services().nth(usize::from(service.0))?;
    match service.rules.get(found.index)?.kind {
        Kind::LoginAccepted | Kind::SessionOpened | Kind::SessionClosed | Kind::PrivilegeUsed => {
            Some(true)
        }
        Kind::Harmless => (!tells_of_refusal(message)).then_some(false),
        _ => None,
    }
}

/// Whether a line tells that something was refused. The rules call many such lines harmless, as
/// another line of the same attempt counts, or as the administrator's own set-up refuses: a filter
/// may count them with good reason.
fn tells_of_refusal(message: &str) -> bool {
    let words = [
        "fail",
        "refus",
        "denied",
        "invalid",
        "illegal",
        "error",
        "not found",
        "unable",
        "limiting",
        "mismatch",
        "unknown user",
        "not allowed",
        "not exist",
        "unauthor",
        "attack",
        "bad ",
        " 401 ",
        " 403 ",
    ];
    let message = message.to_lowercase();
    words.iter().any(|word| message.contains(word))
}

/// A message as syslog writes it; services with a form of their own write whole lines.
fn with_head(service: &Service, message: &str) -> String {
    if service.shape.is_some() {
        return message.to_owned();
    }
    let program = service.programs.first().map_or(service.name.as_str(), String::as_str);
    let program = program.trim_end_matches(['*', '(']);
    format!("Aug 10 14:25:01 host {program}[123]: {message}")
}

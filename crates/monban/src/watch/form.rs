//! The form of a log file. One server writes one form; a line of another form in its file was
//! put there by whoever talks to that server.

use monban_rules::{Reading, RuleSet, Seen, ShapeName};

/// What the lines of a file look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// They have a syslog head, or are JSON.
    Headed,
    /// They have the shape of a web server's log.
    Shaped(ShapeName),
}

impl Form {
    /// The form of a line, if it tells.
    pub fn of(reading: &Reading<'_>, rules: &RuleSet) -> Option<Self> {
        if !reading.program.is_empty() {
            return Some(Self::Headed);
        }
        let service = match reading.seen {
            Seen::Known(service) | Seen::Unknown(service) => usize::from(service.0),
            Seen::Foreign => return None,
        };
        rules.services().nth(service).and_then(|service| service.shape).map(Self::Shaped)
    }
}

//! What an operator wants of messages to people.

use super::{FrameError, Reader, Wire, Writer};
use crate::limits::{LETTER_THREAD_MAX, WHY_MAX};

/// Conditions of a silence at most, as they are written.
const CONDITIONS_MAX: usize = 16;

/// Bytes of one of them.
const CONDITION_MAX: usize = 512;

/// Bytes of a name or code.
const NAME_MAX: usize = 64;

/// What an operator wants of messages to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotifyRequest {
    /// Say how it stands.
    List,
    /// Confirm the subscription of this code.
    Confirm {
        /// The code, as it was typed.
        code: String,
    },
    /// End the subscription of this code.
    Leave {
        /// The code, as it was typed.
        code: String,
        /// Really; without it only say what would be.
        yes: bool,
    },
    /// Send a new code.
    Resend {
        /// The subscription.
        subscription: String,
    },
    /// Tell nothing of what fits.
    Silence {
        /// `label=value` and `label!=value`, where `*` and `?` stand for any text and letter.
        conditions: Vec<String>,
        /// For how many seconds; `None` is until it is taken away.
        for_s: Option<u64>,
        /// Why.
        comment: String,
    },
    /// End a silence.
    EndSilence {
        /// Its number.
        number: u32,
    },
    /// Somebody looks after it: no repeats, no escalation.
    Acknowledge {
        /// Its key, with `*` and `?`.
        key: String,
    },
    /// A subscription is quiet, but for what is critical.
    Mute {
        /// The subscription.
        subscription: String,
        /// For how many seconds; `None` ends it.
        for_s: Option<u64>,
    },
    /// Send a test.
    Test {
        /// To the subscriptions of this topic; `None` is to all.
        topic: Option<String>,
    },
}

/// A condition of a silence.
struct Condition(String);

impl Wire for Condition {
    fn put(&self, out: &mut Writer) {
        out.text(&self.0, CONDITION_MAX);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        from.text(CONDITION_MAX).map(Self)
    }
}

impl Wire for NotifyRequest {
    fn put(&self, out: &mut Writer) {
        match self {
            Self::List => out.byte(1),
            Self::Confirm { code } => {
                out.byte(2);
                out.text(code, NAME_MAX);
            }
            Self::Leave { code, yes } => {
                out.byte(3);
                out.text(code, NAME_MAX);
                yes.put(out);
            }
            Self::Resend { subscription } => {
                out.byte(4);
                out.text(subscription, NAME_MAX);
            }
            Self::Silence { conditions, for_s, comment } => {
                out.byte(5);
                let written = conditions.iter().take(CONDITIONS_MAX).cloned().map(Condition);
                out.list(&written.collect::<Vec<_>>());
                for_s.put(out);
                out.text(comment, WHY_MAX);
            }
            Self::EndSilence { number } => {
                out.byte(6);
                number.put(out);
            }
            Self::Acknowledge { key } => {
                out.byte(7);
                out.text(key, LETTER_THREAD_MAX);
            }
            Self::Mute { subscription, for_s } => {
                out.byte(8);
                out.text(subscription, NAME_MAX);
                for_s.put(out);
            }
            Self::Test { topic } => {
                out.byte(9);
                out.text(topic.as_deref().unwrap_or_default(), NAME_MAX);
            }
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(match from.byte()? {
            1 => Self::List,
            2 => Self::Confirm { code: from.text(NAME_MAX)? },
            3 => Self::Leave { code: from.text(NAME_MAX)?, yes: bool::take(from)? },
            4 => Self::Resend { subscription: from.text(NAME_MAX)? },
            5 => {
                let conditions: Vec<Condition> = from.list(CONDITIONS_MAX)?;
                let conditions = conditions.into_iter().map(|Condition(text)| text).collect();
                let for_s = Wire::take(from)?;
                Self::Silence { conditions, for_s, comment: from.text(WHY_MAX)? }
            }
            6 => Self::EndSilence { number: u32::take(from)? },
            7 => Self::Acknowledge { key: from.text(LETTER_THREAD_MAX)? },
            8 => Self::Mute { subscription: from.text(NAME_MAX)?, for_s: Wire::take(from)? },
            9 => Self::Test { topic: Some(from.text(NAME_MAX)?).filter(|topic| !topic.is_empty()) },
            _ => return Err(FrameError::Unknown),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{decode, encode};
    use super::*;

    #[test]
    fn every_request_reads_back() {
        let all = [
            NotifyRequest::List,
            NotifyRequest::Confirm { code: "k3mh-9xwt-p2ra".to_owned() },
            NotifyRequest::Leave { code: "a".to_owned(), yes: true },
            NotifyRequest::Resend { subscription: "me".to_owned() },
            NotifyRequest::Silence {
                conditions: vec!["user=backup*".to_owned()],
                for_s: Some(7200),
                comment: "nightly".to_owned(),
            },
            NotifyRequest::EndSilence { number: 3 },
            NotifyRequest::Acknowledge { key: "alarm:*".to_owned() },
            NotifyRequest::Mute { subscription: "me".to_owned(), for_s: None },
            NotifyRequest::Test { topic: None },
            NotifyRequest::Test { topic: Some("ops".to_owned()) },
        ];
        for one in all {
            assert_eq!(decode::<NotifyRequest>(&encode(&one)), Ok(one));
        }
    }
}

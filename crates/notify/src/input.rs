//! What the router is told: the list is closed.

use monban_model::{CodeHash, Publication, ReportId, Silence, Stamp};

/// The time of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The clock.
    pub now: Stamp,
    /// How far the local time is ahead of UTC, in seconds: quiet times and digests go by it.
    pub offset_s: i32,
}

/// What the router is told.
#[derive(Clone, Debug)]
pub enum Input {
    /// Something happened.
    Publish(Publication, Telling),
    /// What became of a delivery; late and repeated ones do no harm.
    Outcome {
        /// The name of the delivery.
        id: String,
        /// What became of it.
        outcome: Outcome,
    },
    /// A code was made for a subscription: for [`crate::Service::Confirm`] when its letter is
    /// made, for [`Purpose::Leave`] when [`crate::Effect::LeaveCodeWanted`] asks for it.
    Code {
        /// The subscription.
        subscription: String,
        /// What it is for.
        purpose: Purpose,
        /// The hash of the code.
        hash: CodeHash,
    },
    /// A report is due, to the subscriptions of this topic. One that was told, or is older than the
    /// last one of its kind, is not told again; neither is the very first: nobody waited for it.
    Report(ReportId, String),
    /// The clock was set forward by so many milliseconds, or back: what waits keeps waiting as long
    /// as it would have. One that was set between two runs is noticed if it went back.
    ClockSet(i64),
    /// An operator wants this; the answer carries the number.
    Command(u32, Command),
    /// Time has passed.
    Tick,
}

/// Whether a publication is told at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Telling {
    /// As the topics say.
    #[default]
    Now,
    /// In the digest of the day.
    Digest,
    /// Not at all; it is counted.
    Not,
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Somebody accepted it.
    Delivered,
    /// It may work later.
    Later {
        /// What was answered.
        why: String,
        /// How many seconds the server asked to wait (`Retry-After`).
        after_s: Option<u64>,
    },
    /// It will never work: no such mailbox, 4xx but 408 and 429.
    Never {
        /// What was answered.
        why: String,
    },
}

/// What a code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It confirms a subscription.
    Confirm,
    /// It ends one.
    Leave,
}

/// What an operator wants.
#[derive(Clone, Debug)]
pub enum Command {
    /// Confirm the subscription that this code belongs to.
    Confirm(CodeHash),
    /// End the subscription that this code belongs to.
    Leave {
        /// The hash of the code.
        hash: CodeHash,
        /// Whether it is really ended; without it the answer only says what would be.
        yes: bool,
    },
    /// Send a new code to a subscription that is not confirmed; one that was left begins anew.
    Resend(String),
    /// Tell nothing of what fits.
    Silence(Silence),
    /// End a silence that an operator made.
    EndSilence(u32),
    /// Somebody looks after it: it is not repeated and does not escalate.
    Acknowledge(String),
    /// Tell a subscription nothing until then, but what is critical; `None` ends it.
    Mute(String, Option<Stamp>),
    /// Send a test to the subscriptions of a topic, or to all.
    Test(Option<String>),
}

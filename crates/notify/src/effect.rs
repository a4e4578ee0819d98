//! What the router wants done: the list is closed.

use monban_model::{Notice, ReportId, Seq, Severity, Stamp, Standing, Theme};

/// What the router wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// To be sent now; the answer is an [`crate::Outcome`].
    Deliver(Deliver),
    /// To be recorded and said on this host: `notify-failing` (`subscription`, `why`),
    /// `notify-works` (`subscription`), `notify-dark` (`topic`), `notify-left` (`subscription`),
    /// `notify-confirmed` (`subscription`), `notify-given-up` (`subscription`, `delivery`, `why`,
    /// `records`), `notify-full` (`subscription`).
    Notice(Notice),
    /// The subscription has no code by which its reader can leave it: make one that the letters
    /// to it can carry, and tell its hash.
    LeaveCodeWanted(String),
    /// To be answered to the operator.
    Answer {
        /// The command's number.
        id: u32,
        /// What was done, or why not.
        answer: Result<Answer, Refused>,
    },
}

/// A message that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deliver {
    /// Names it for good, over every try and restart: letters, digits and `-`.
    pub id: String,
    /// The subscription.
    pub subscription: String,
    /// The topic of the subscription.
    pub topic: String,
    /// The records that it tells of, oldest first; at most
    /// [`monban_model::limits::DELIVERY_ITEMS_MAX`].
    pub items: Vec<Seq>,
    /// So many more are not named.
    pub more: u64,
    /// Why it is sent.
    pub reason: Reason,
    /// What belongs together: the same for all that is told of an alarm.
    pub thread: String,
    /// The highest of what it tells.
    pub severity: Severity,
    /// Whether what it tells of lasts.
    pub standing: Standing,
    /// What it is about.
    pub theme: Theme,
    /// When it was made.
    pub made: Stamp,
    /// When what it tells of began.
    pub since: Stamp,
    /// Which try it is, from 1.
    pub attempt: u32,
    /// What a message of [`Reason::Service`] is.
    pub service: Option<Service>,
}

/// Why something is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It is new.
    First,
    /// More of what was told.
    More,
    /// It still lasts.
    Repeat,
    /// What was held back.
    Digest,
    /// What was told is over.
    Resolved,
    /// Nobody answered another.
    Escalated,
    /// Of monban itself.
    Service,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::First,
        Self::More,
        Self::Repeat,
        Self::Digest,
        Self::Resolved,
        Self::Escalated,
        Self::Service,
    ];

    /// Its word in ledger and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::More => "more",
            Self::Repeat => "repeat",
            Self::Digest => "digest",
            Self::Resolved => "resolved",
            Self::Escalated => "escalated",
            Self::Service => "service",
        }
    }
}

/// What monban itself says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Service {
    /// The code that confirms the subscription. Whoever writes the letter makes it, the same one
    /// for each try: the router keeps hashes only.
    Confirm,
    /// A test.
    Test,
    /// Another subscription was left by its reader.
    Left(String),
    /// Another subscription cannot be delivered to.
    Failing {
        /// Its name.
        subscription: String,
        /// What was answered.
        why: String,
    },
    /// No subscription of a topic can be delivered to.
    Dark(String),
    /// The report of a day or week.
    Report(ReportId),
}

/// What was done for an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// This subscription is confirmed.
    Confirmed(String),
    /// This subscription would be left.
    WouldLeave(String),
    /// This subscription was left.
    Left(String),
    /// A code is on its way to this subscription.
    Resent(String),
    /// The number of the silence.
    Silenced(u32),
    /// The silence is over.
    SilenceEnded,
    /// So many things wait for nobody now.
    Acknowledged(usize),
    /// The subscription is quiet, or not any more.
    Muted,
    /// Tests are on their way under these names of deliveries, with their subscriptions; the
    /// subscriptions behind them get none, as they are not confirmed or were left.
    Testing(Vec<(String, String)>, Vec<String>),
}

/// Why something was not done for an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// No subscription has this code, or it is too old. So many more tries are allowed this hour.
    WrongCode(u32),
    /// There were too many wrong codes; until then all are refused.
    TooManyGuesses(Stamp),
    /// There is no such subscription, topic, silence, or nothing with this key.
    Unknown,
    /// The subscription is confirmed already.
    NotPending,
    /// A code was sent less than a minute ago.
    JustSent,
    /// There are as many silences as there may be.
    Full,
    /// A silence has no condition, too many, or ends before it begins.
    Silence,
}

//! A message as a person gets it, before it has the form of a mail, a web hook or a line of syslog.

mod clip;

use crate::Stamp;

/// How urgent something is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Good to know, nothing to do.
    #[default]
    Info,
    /// Worth a look: somebody logged in.
    Notice,
    /// Something is likely wrong.
    Warning,
    /// Somebody should act now.
    Critical,
}

impl Severity {
    /// All of them, the least first.
    pub const ALL: [Self; 4] = [Self::Info, Self::Notice, Self::Warning, Self::Critical];

    /// Its word in configuration, ledger and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// Whether something lasts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It happened, and that is all.
    #[default]
    Once,
    /// It began and goes on: an alarm in the state `ALARM`.
    Firing,
    /// It was firing and is over.
    Resolved,
}

impl Standing {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Once, Self::Firing, Self::Resolved];

    /// Its word in ledger and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Theme {
    /// Somebody came in, or became another user.
    Login,
    /// An alarm changed its state.
    Alarm,
    /// Somebody was blocked or freed.
    Block,
    /// A detector concluded something else.
    Finding,
    /// monban itself has something to say: a log is gone, the firewall fails.
    Notice,
    /// What was held back, or the report of a day or week.
    Digest,
    /// A person asked for it: a test, a code that confirms a subscription.
    Service,
}

impl Theme {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Login,
        Self::Alarm,
        Self::Block,
        Self::Finding,
        Self::Notice,
        Self::Digest,
        Self::Service,
    ];

    /// Its word in configuration, ledger and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Alarm => "alarm",
            Self::Block => "block",
            Self::Finding => "finding",
            Self::Notice => "notice",
            Self::Digest => "digest",
            Self::Service => "service",
        }
    }
}

/// One line `label: value`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fact {
    /// What it is, in the language of the reader.
    pub label: String,
    /// Its value; may hold what a stranger typed.
    pub value: String,
}

/// How a passage is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Setting {
    /// A list, one thing a line.
    #[default]
    List,
    /// Lines of a log, in letters of one width.
    Log,
    /// Commands that the reader may copy.
    Commands,
}

/// A heading and lines under it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passage {
    /// Its heading, in the language of the reader.
    pub title: String,
    /// How it is set.
    pub setting: Setting,
    /// Its lines; may hold what a stranger typed, without control characters.
    pub lines: Vec<String>,
}

/// A picture in a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// A PNG file.
    pub png: Vec<u8>,
    /// What it shows, for whoever sees no pictures.
    pub alt: String,
}

/// A message, complete, in the language of its reader. Everything in it is data: whoever gives it
/// the form of a mail, of JSON or of a chat message escapes all of it for that form. At most
/// [`crate::limits::LETTER_BYTES_MAX`] bytes as a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Names this message on this host for good, over every try to deliver it: letters, digits, `-`
    /// and `.`; at most 64 bytes.
    pub id: String,
    /// What belongs together: the same for all messages of an alarm and contributor; may hold what
    /// a stranger typed; at most 255 bytes.
    pub thread: String,
    /// The topic it was published to.
    pub topic: String,
    /// What it is about.
    pub theme: Theme,
    /// How urgent it is.
    pub severity: Severity,
    /// Whether it lasts.
    pub standing: Standing,
    /// When it happened.
    pub time: Stamp,
    /// When what lasts began; the same as `time` for what does not.
    pub since: Stamp,
    /// The name of the host that says it.
    pub host: String,
    /// The language of its texts, as `en` or `ja`.
    pub lang: String,
    /// One line that can be read on a phone, with the host in front; no control characters.
    pub subject: String,
    /// What happened, in a sentence or two.
    pub lead: String,
    /// The facts, most important first.
    pub facts: Vec<Fact>,
    /// Log lines, contributors, what to do next.
    pub passages: Vec<Passage>,
    /// The same for machines: names and values to group, silence and route by; sorted by name, each
    /// name once, of letters, digits and `_`.
    pub labels: Vec<(String, String)>,
    /// A picture.
    pub picture: Option<Picture>,
    /// The records it tells of as one JSON text, as `--json` prints them; empty if there is none.
    pub data: String,
}

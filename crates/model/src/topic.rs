//! Who is told what: topics, subscriptions, silences, inhibition, and which logins are told.

use crate::{Endpoint, Matcher, Net, Severity, Stamp, Theme};

/// All that a configuration says of messages to people. Names in it are checked: each subscription
/// names a topic that is there, each fallback and escalation a subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notify {
    /// At most [`crate::limits::TOPICS_MAX`], with different names.
    pub topics: Vec<Topic>,
    /// At most [`crate::limits::SUBSCRIPTIONS_MAX`], with different names.
    pub subscriptions: Vec<Subscription>,
    /// Those that are written down; others come by command.
    pub silences: Vec<Silence>,
    /// What keeps what quiet.
    pub inhibitions: Vec<Inhibition>,
    /// Which logins are told.
    pub logins: Logins,
}

/// Something that people can subscribe to: it takes in publications and puts what belongs together
/// into groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// What is told at once.
    pub themes: Vec<Theme>,
    /// What is only told once a day, with all others of that day.
    pub daily: Vec<Theme>,
    /// What is less urgent is not taken in.
    pub severity: Severity,
    /// All of these hold for what is taken in.
    pub matchers: Vec<Matcher>,
    /// Labels whose values make a group. Empty: what happened is grouped by its key and
    /// `address`, what lasts by its key, so that each login from elsewhere is told by itself.
    pub group_by: Vec<String>,
    /// How long the first message of a group waits for more, in seconds.
    pub group_wait_s: u64,
    /// How long further ones of a group are gathered, in seconds.
    pub group_interval_s: u64,
    /// After how many seconds what still lasts is told again, if it has no repeat of its own;
    /// `None` is never.
    pub repeat_s: Option<u64>,
}

/// At most so many messages in a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// In how many seconds.
    pub window_s: u64,
}

/// A time in which a subscription is quiet, in the local time of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MuteWindow {
    /// From one minute of each day to another, which may be on the next day.
    Hours {
        /// The first minute, counted from midnight.
        from_min: u16,
        /// The minute after the last.
        until_min: u16,
    },
    /// Whole days of the week: bit 0 is Monday.
    Days(u8),
}

/// Who is told when nobody answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escalation {
    /// After how many seconds without an `acknowledge`.
    pub after_s: u64,
    /// The subscription that is told.
    pub to: String,
}

/// Somebody who is told what a topic takes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Its name: letters, digits, `-`, `_` and `.`. Its state is kept under it.
    pub name: String,
    /// The name of its topic.
    pub topic: String,
    /// Where messages go.
    pub endpoint: Endpoint,
    /// What is less urgent is not told.
    pub severity: Severity,
    /// The language of its messages, as `en` or `ja`; `None` is the host's.
    pub lang: Option<String>,
    /// At most so many messages; `None` is without a limit.
    pub rate: Option<Rate>,
    /// Told only once in so many seconds; `None` is at once.
    pub digest_s: Option<u64>,
    /// When it is quiet. What is critical is told all the same.
    pub mute: Vec<MuteWindow>,
    /// Whether even what is critical waits for the end of a quiet time.
    pub mute_critical: bool,
    /// Who is told when nobody answered.
    pub escalation: Option<Escalation>,
    /// The subscription that gets what this one cannot deliver.
    pub fallback: Option<String>,
    /// Whether nothing is told before the reader confirmed it by a code.
    pub confirm: bool,
    /// Whether the end of what was told is told, too.
    pub resolved: bool,
}

/// What is not told for a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// All of these hold for what is not told; at least one.
    pub matchers: Vec<Matcher>,
    /// From when.
    pub from: Stamp,
    /// Until when; what still lasts then is told. `None` is until it is taken away.
    pub until: Option<Stamp>,
    /// Why.
    pub comment: String,
}

/// What lasts and keeps other things quiet meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inhibition {
    /// What keeps quiet while it is firing.
    pub source: Vec<Matcher>,
    /// What is kept quiet.
    pub target: Vec<Matcher>,
    /// Labels that have the same value in both.
    pub equal: Vec<String>,
}

/// Which logins are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tell {
    /// All of them.
    #[default]
    All,
    /// Those from a place the user never came from, the others in the digest of a day.
    New,
    /// All in the digest of a day.
    Digest,
    /// None of them.
    None,
}

impl Tell {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::All, Self::New, Self::Digest, Self::None];

    /// Its word in the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::New => "new",
            Self::Digest => "digest",
            Self::None => "none",
        }
    }
}

/// `[logins]`: which logins are told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logins {
    /// Where no rule fits.
    pub tell: Tell,
    /// The first that fits is the one; at most [`crate::limits::LOGIN_RULES_MAX`].
    pub rules: Vec<LoginRule>,
}

/// What holds for some logins. A list that is empty fits all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoginRule {
    /// Users, with `*` and `?`.
    pub users: Vec<String>,
    /// Services, with `*` and `?`.
    pub services: Vec<String>,
    /// Networks that they come from; a login without an address is in none.
    pub networks: Vec<Net>,
    /// Which of them are told.
    pub tell: Tell,
}

/// A hash of a code that confirms or ends a subscription. The code itself is never kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CodeHash(pub [u8; 32]);

/// What a row of the state of notifications is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotifyRowKind {
    /// A subscription: confirmed or not, what it holds back, whether it fails. The row with an
    /// empty name is what belongs to none.
    Subscription,
    /// Something that is to be delivered.
    Delivery,
    /// A group of a topic.
    Group,
    /// Something that lasts.
    Firing,
    /// A silence that an operator made.
    Silence,
}

impl NotifyRowKind {
    /// All kinds, to read a word back.
    pub const ALL: [Self; 5] =
        [Self::Subscription, Self::Delivery, Self::Group, Self::Firing, Self::Silence];

    /// Its word in the ledger.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Subscription => "subscription",
            Self::Delivery => "delivery",
            Self::Group => "group",
            Self::Firing => "firing",
            Self::Silence => "silence",
        }
    }
}

/// A change of the state of notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifyRow {
    /// What it is.
    pub kind: NotifyRowKind,
    /// Names it among its kind; may hold what a stranger typed.
    pub id: String,
    /// The row; `None` if it is to be forgotten.
    pub content: Option<NotifyContent>,
}

/// The columns of such a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifyContent {
    /// What it belongs to: the subscription of a delivery, the topic of a group.
    pub of: String,
    /// How it stands, in one word.
    pub word: String,
    /// Since when, or for a delivery when it is tried next.
    pub time: Stamp,
    /// All that is known, in the router's own form; at most
    /// [`crate::limits::NOTIFY_ROW_BYTES_MAX`] bytes.
    pub data: Vec<u8>,
}

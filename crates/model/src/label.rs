//! The names by which conditions, groups and inhibition ask for something of a publication.

/// What a publication says of itself by name. There are no others: a condition on a name that
/// nothing has holds never, or always.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label {
    /// Its key: `login:alice`.
    Key,
    /// Its theme: `login`.
    Theme,
    /// Its severity: `warning`.
    Severity,
    /// Whether it lasts: `firing`.
    Standing,
    /// Where a login came from.
    Address,
    /// The alarm.
    Alarm,
    /// Why somebody was shut out or let in.
    Because,
    /// Who became somebody else by su or sudo.
    By,
    /// Whose state an alarm with several tells.
    Contributor,
    /// The finding about this host: `sudo-refused`.
    Finding,
    /// How a login was made: `publickey`.
    Method,
    /// The metric of an alarm.
    Metric,
    /// What monban says of itself: `source-gone`.
    Notice,
    /// Where somebody is whom an `[[origin]]` is about: `CN AS4134`.
    Origin,
    /// The file that such a notice is about.
    Path,
    /// `new` for a login from where this account never came from, else `known`.
    Place,
    /// The policy that shut somebody out.
    Policy,
    /// The service: of a login, of a finding, of the lines that a block rests on, of an alarm that
    /// looks at one.
    Service,
    /// The state of an alarm: `ALARM`.
    State,
    /// Who was shut out or let in: an address or a network.
    Subject,
    /// Who logged in, or whom a finding is about.
    User,
}

impl Label {
    /// All of them: first those that each publication has, then the others by their words.
    pub const ALL: [Self; 21] = [
        Self::Key,
        Self::Theme,
        Self::Severity,
        Self::Standing,
        Self::Address,
        Self::Alarm,
        Self::Because,
        Self::By,
        Self::Contributor,
        Self::Finding,
        Self::Method,
        Self::Metric,
        Self::Notice,
        Self::Origin,
        Self::Path,
        Self::Place,
        Self::Policy,
        Self::Service,
        Self::State,
        Self::Subject,
        Self::User,
    ];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Theme => "theme",
            Self::Severity => "severity",
            Self::Standing => "standing",
            Self::Address => "address",
            Self::Alarm => "alarm",
            Self::Because => "because",
            Self::By => "by",
            Self::Contributor => "contributor",
            Self::Finding => "finding",
            Self::Method => "method",
            Self::Metric => "metric",
            Self::Notice => "notice",
            Self::Origin => "origin",
            Self::Path => "path",
            Self::Place => "place",
            Self::Policy => "policy",
            Self::Service => "service",
            Self::State => "state",
            Self::Subject => "subject",
            Self::User => "user",
        }
    }

    /// The label of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|label| label.word() == word)
    }
}

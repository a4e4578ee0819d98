//! The commands that an action can have.

/// What an action has a command for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// `actionstart`: before the first ban, or when the jail starts.
    Start,
    /// `actionstop`: when the jail stops.
    Stop,
    /// `actioncheck`: whether what was started is still there; run after a failed command only.
    Check,
    /// `actionban`.
    Ban,
    /// `actionunban`.
    Unban,
    /// `actionflush`: unban all at once.
    Flush,
    /// `actionprolong`: a ban that is in force lasts longer now.
    Prolong,
    /// `actionreban`: ban again what was lost; the command of a ban where there is none.
    Reban,
    /// `actionrepair`: bring back what the check missed, instead of stop and start.
    Repair,
    /// `actionreload`.
    Reload,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Start,
        Self::Stop,
        Self::Check,
        Self::Ban,
        Self::Unban,
        Self::Flush,
        Self::Prolong,
        Self::Reban,
        Self::Repair,
        Self::Reload,
    ];

    /// The key in a file.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Start => "actionstart",
            Self::Stop => "actionstop",
            Self::Check => "actioncheck",
            Self::Ban => "actionban",
            Self::Unban => "actionunban",
            Self::Flush => "actionflush",
            Self::Prolong => "actionprolong",
            Self::Reban => "actionreban",
            Self::Repair => "actionrepair",
            Self::Reload => "actionreload",
        }
    }
}

//! What is said between roles about fail2ban's jails.

use std::fmt;

use crate::{Address, Because, Net};

/// What a jail's actions are asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JailJob {
    /// The jail begins: `actionstart`, where it is not left until the first ban.
    Start,
    /// The jail ends: `actionstop`.
    Stop,
    /// Ban.
    Ban,
    /// Ban again what was lost: by the actions that were repaired since; by all if none was.
    Reban {
        /// Repairs of the jail's actions when the ban was made.
        after: u64,
    },
    /// End a ban.
    Unban,
    /// A ban that is in force lasts longer now.
    Prolong,
    /// The configuration was read again, and the jail goes on.
    Reload,
    /// Is what was started still there? What is not is repaired.
    Check,
    /// End all bans at once; those of actions that cannot do that are asked for one by one.
    Flush {
        /// Whether the jail ends with it.
        stopping: bool,
    },
}

/// An order to the actions of a jail. As other orders it may come twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JailOrder {
    /// Its number; it grows over restarts.
    pub id: u64,
    /// The number of the jail in the configuration in force.
    pub jail: u32,
    /// What to do.
    pub job: JailJob,
    /// Which of the jail's actions, by their numbers; empty for all of them.
    pub actions: Vec<u32>,
    /// Whom, if it is about an address: the warden compares it with its allow list, and the actor
    /// takes it and not what the ticket says.
    pub address: Option<Net>,
    /// The values for the commands; only the actor reads them. At most
    /// [`crate::limits::TICKET_BYTES_MAX`].
    pub ticket: Vec<u8>,
}

/// What became of an order to a jail's actions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JailOutcome {
    /// The number of the order.
    pub order: u64,
    /// See [`JailOrder::jail`].
    pub jail: u32,
    /// What was asked for.
    pub job: JailJob,
    /// What happened.
    pub result: JailResult,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JailResult {
    /// Every action did it. After a [`JailJob::Flush`]: these actions cannot, and their bans are to
    /// be ended one by one. After a repair some bans may be lost: those of earlier epochs.
    Done {
        /// Numbers of actions.
        singly: Vec<u32>,
        /// Repairs.
        repairs: JailRepairs,
    },
    /// The warden refused.
    Refused(Refusal),
    /// It was not done, or not by every action.
    Failed {
        /// What failed, in the order in which it did; never empty.
        failed: Vec<ActionFailure>,
        /// After a [`JailJob::Flush`]: these actions did not flush, and their bans are to be ended
        /// one by one; empty for all actions.
        singly: Vec<u32>,
        /// Repairs, as other actions may have been repaired; `None` if it reached no action.
        repairs: Option<JailRepairs>,
    },
    /// The jail was ended before its turn came: what it would have made is not there.
    Ended,
    /// Whoever runs the actions ended, or is not there yet: it is to be asked for again when it is
    /// known which actions are started. Part of it may have been done.
    Lost,
    /// monban only observes.
    Observed,
}

/// What repairs of a jail's actions came to by the time of an outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JailRepairs {
    /// How often the actions were repaired so far.
    pub epoch: u64,
    /// Bans that were lost and that a repair put back by itself since it was last told.
    pub mended: u32,
}

/// An action of a jail that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionFailure {
    /// Its name; `None` where the order reached no action.
    pub action: Option<String>,
    /// What failed.
    pub what: String,
    /// How it did, where that is known: the end of the command, and what it said.
    pub how: Option<String>,
}

impl JailResult {
    /// An order that reached no action, and why.
    pub fn failed(why: impl Into<String>) -> Self {
        let failed = vec![ActionFailure { action: None, what: why.into(), how: None }];
        Self::Failed { failed, singly: Vec::new(), repairs: None }
    }
}

impl ActionFailure {
    /// What failed, and how.
    pub fn said(&self) -> String {
        match &self.how {
            Some(how) => format!("{} ({how})", self.what),
            None => self.what.clone(),
        }
    }
}

impl fmt::Display for ActionFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(action) = &self.action {
            write!(f, "{action}: ")?;
        }
        f.write_str(&self.said())
    }
}

/// Why the warden does not shut somebody out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// This network on its allow list has the address, or a part of it.
    Allowed(Net),
    /// An administrator is logged in from there.
    Administrator,
    /// A network so wide has to be named to the warden by an operator.
    TooWide,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allowed(net) => write!(f, "allowed by {net}"),
            Self::Administrator => f.write_str("an administrator is logged in from there"),
            Self::TooWide => f.write_str("no operator asked for a network as wide as this"),
        }
    }
}

impl From<Refusal> for Because {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Allowed(net) => Self::Allowed(net),
            Refusal::Administrator => Self::Administrator,
            Refusal::TooWide => Self::TooWide,
        }
    }
}

/// An answer to a question of a jail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JailAnswer {
    /// What `ignorecommand` said.
    Ignored(bool),
    /// Nobody could ask it just now: it is to be asked again.
    Lost,
    /// The addresses of a name; empty if it has none, or nobody could be asked.
    Addresses(Vec<Address>),
}

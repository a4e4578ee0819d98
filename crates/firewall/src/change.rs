//! What is asked of the firewall, and what it answers.

use std::time::Duration;

use monban_model::{Scope, Subject};

use crate::{FirewallError, Target};

/// One change of the kernel's state. The same change twice is the same as once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Drop what the subject sends, on all ports or on some.
    Block {
        /// Whose packets.
        subject: Subject,
        /// To which ports.
        scope: Scope,
        /// The time that the block still has; `None` has no end. At most
        /// [`monban_model::limits::DURATION_MAX_S`]; less than a millisecond counts as one.
        /// A block of the same subject and port that is there gets this time instead of its own.
        left: Option<Duration>,
    },
    /// End every block of the subject, on all ports. One that is not blocked is no error.
    Free {
        /// Whose blocks.
        subject: Subject,
    },
}

impl Change {
    /// About whom it is.
    pub const fn subject(&self) -> Subject {
        match self {
            Self::Block { subject, .. } | Self::Free { subject } => *subject,
        }
    }
}

/// A change that the firewall did not take, while it took the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its place among the changes that were given, from 0.
    pub index: usize,
    /// Why.
    pub error: FirewallError,
}

/// One element of our sets, read back from the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Whose packets to which port are dropped.
    pub target: Target,
    /// The time that is left; `None` has no end.
    pub left: Option<Duration>,
}

/// What the firewall found when it was opened or repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// The table was there as it should be.
    AsItWas,
    /// There was no table; a new one was made.
    Created,
    /// Chains, rules or sets were not as they should be and were made anew in one transaction.
    /// The sets that were good stayed with what they hold; one of another form lost it.
    Mended,
    /// The table could not be mended and was replaced in one transaction.
    Replaced {
        /// Elements that were taken over.
        kept: usize,
    },
}

/// That nftables can be used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Whether a table `inet monban` is there already.
    pub table_present: bool,
}

/// What our rules dropped since they were made (they are made anew by a repair).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Packets.
    pub packets: u64,
    /// Bytes of these packets, with their IP header.
    pub bytes: u64,
}

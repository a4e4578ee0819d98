//! What is concluded, decided, ordered and done: the records of the ledger.

use crate::{Address, AlarmChange, ByOrigin, HostFinding, Login, Scope, Stamp, Subject};

/// The number of a record; it grows by one with each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

/// The number of an order; it grows over restarts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId(pub u64);

/// One line that a finding rests on, as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The event's time.
    pub time: Stamp,
    /// `service/rule` that read it.
    pub rule: String,
    /// How many attempts it stands for; 0 if another witness had told of it already.
    pub weight: u32,
    /// The line, cut at [`crate::limits::EVIDENCE_TEXT_MAX`].
    pub line: Vec<u8>,
}

/// What a detector concluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FindingKind {
    /// A policy's window is full.
    BruteForce,
    /// A policy's slow window is full, and the address never logged in.
    SlowBruteForce,
    /// Somebody failed from where nobody is wanted.
    Unwanted,
}

impl FindingKind {
    /// All kinds, to read a word back.
    pub const ALL: [Self; 3] = [Self::BruteForce, Self::SlowBruteForce, Self::Unwanted];

    /// Its word in the ledger and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::BruteForce => "brute-force",
            Self::SlowBruteForce => "slow-brute-force",
            Self::Unwanted => "unwanted",
        }
    }
}

/// What a detector concludes from sightings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// Who is counted.
    pub subject: Subject,
    /// The exact address of the last sighting.
    pub address: Address,
    /// The service of the last sighting.
    pub service: String,
    /// The user of the last sighting, if one was named.
    pub user: Option<Vec<u8>>,
    /// How a login was tried (`password`, `publickey`), where the last sighting told.
    pub method: Option<Vec<u8>>,
    /// The policy that counted.
    pub policy: String,
    /// Failures counted.
    pub failures: u32,
    /// The window they were counted in, in seconds.
    pub window_s: u64,
    /// The first and last of them.
    pub first: Stamp,
    /// See `first`.
    pub last: Stamp,
    /// The last lines it rests on, oldest first.
    pub evidence: Vec<Evidence>,
}

/// Why a finding was not answered with a block, or why a block was made or ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Because {
    /// The policy says so.
    Policy,
    /// The subject is on the allow list, in this network.
    Allowed(crate::Net),
    /// An administrator is logged in from there.
    Administrator,
    /// It is a network so wide that only an operator may have it blocked.
    TooWide,
    /// The policy only finds.
    PolicyObserves,
    /// It is blocked already.
    AlreadyBlocked,
    /// [`crate::limits::BLOCKS_MAX`] is reached.
    TooManyBlocks,
    /// An operator said so, with this reason.
    Operator(String),
    /// The time of the block was over.
    Expired,
    /// It has turned out to be the address of this name, which the jail spares.
    Named(String),
    /// Another fail2ban made it, before monban took its place.
    TakenOver,
    /// A table of `[[origin]]` says so of where the address is.
    Origin(Box<ByOrigin>),
}

impl Because {
    /// Its word in the ledger and in JSON; the network, the operator's text or the name stands
    /// beside it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Allowed(_) => "allowed",
            Self::Administrator => "administrator",
            Self::TooWide => "too-wide",
            Self::PolicyObserves => "policy-observes",
            Self::AlreadyBlocked => "already-blocked",
            Self::TooManyBlocks => "too-many-blocks",
            Self::Operator(_) => "operator",
            Self::Expired => "expired",
            Self::Named(_) => "named",
            Self::TakenOver => "taken-over",
            Self::Origin(_) => "origin",
        }
    }
}

/// What policy answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Block until then; `None` is forever.
    Block {
        /// The end of the block.
        until: Option<Stamp>,
    },
    /// End a block.
    Free,
    /// Nothing.
    Nothing,
}

/// What policy answers to a finding or an operator, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// About whom.
    pub subject: Subject,
    /// The answer.
    pub verdict: Verdict,
    /// Which ports, for a block.
    pub scope: Scope,
    /// Why.
    pub because: Because,
    /// The finding it answers, if any.
    pub finding: Option<Seq>,
    /// The policy, or empty.
    pub policy: String,
    /// How many blocks of this subject came before and are not forgotten.
    pub earlier: u32,
}

/// What a role is told to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderAct {
    /// Block until then; `None` is forever.
    Block {
        /// Which ports.
        scope: Scope,
        /// The end of the block.
        until: Option<Stamp>,
    },
    /// End every block of the subject.
    Free,
}

/// A decision made concrete for the warden. Orders are idempotent: the same order twice leaves
/// the kernel as it was after the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its number.
    pub id: OrderId,
    /// About whom.
    pub subject: Subject,
    /// What to do.
    pub act: OrderAct,
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutcomeResult {
    /// The kernel has it, read back.
    Applied,
    /// Nothing was to be done in the kernel: monban only observes.
    Observed,
    /// The warden refused: its own allow list holds the subject.
    Refused(String),
    /// The firewall failed; it is tried again.
    Failed(String),
}

impl OutcomeResult {
    /// Its word in the ledger and in JSON, and its reason if it has one.
    pub fn words(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Applied => ("applied", None),
            Self::Observed => ("observed", None),
            Self::Refused(why) => ("refused", Some(why)),
            Self::Failed(why) => ("failed", Some(why)),
        }
    }
}

/// What really happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Which order.
    pub order: OrderId,
    /// About whom.
    pub subject: Subject,
    /// What happened.
    pub result: OutcomeResult,
}

/// What the operator should know and what is about no single subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its key in the message tables, such as `source-gone`.
    pub key: String,
    /// Its values, in the order of names.
    pub values: Vec<(String, String)>,
}

/// The content of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Something was concluded.
    Found(Box<Finding>),
    /// Somebody came in.
    Entered(Box<Login>),
    /// Something was concluded about this host itself.
    FoundHere(Box<HostFinding>),
    /// Something was decided.
    Decided(Decision),
    /// Something was ordered.
    Ordered(Order),
    /// Something happened.
    Happened(Outcome),
    /// Something is to be known.
    Noticed(Notice),
    /// An alarm changed its state, or is still firing.
    Alarmed(Box<AlarmChange>),
}

/// One row of the ledger. All views read records only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number.
    pub seq: Seq,
    /// The event's time.
    pub time: Stamp,
    /// Its content.
    pub event: Event,
}

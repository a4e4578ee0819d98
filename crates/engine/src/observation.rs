//! What goes into the engine and what comes out: both lists are closed.

use monban_model::wire::Command;
use monban_model::{
    Address, Datapoint, Decision, Finding, HostFinding, Kind, Net, Notice, Order, Origin, Outcome,
    Record, Sighting, Stamp, Subject,
};

/// What the engine is told.
#[derive(Clone, Debug)]
pub enum Observation<'a> {
    /// A rule read this out of a line; its time is already the event's time (see [`crate::Times`]).
    Sighting(&'a Sighting<'a>),
    /// The same, with where the address is that [`crate::Engine::asks_where`] asked for.
    SightingFrom(&'a Sighting<'a>, Origin),
    /// An order was carried out, or not.
    Outcome(Outcome),
    /// An operator wants this; the answer carries the number.
    Command(u32, Command),
    /// The whole allow list.
    Allow(Vec<Net>),
    /// Where people are logged in from at this moment.
    Present {
        /// Sessions of accounts that may become root.
        administrators: Vec<Address>,
        /// Other sessions.
        guests: Vec<Address>,
    },
    /// The clock was set forward by so many milliseconds, or back. Everything that is open keeps
    /// its age, and blocks keep the time they have left, as in the kernel, whose deadlines do not
    /// follow the clock.
    ClockSet {
        /// Milliseconds; negative: back.
        ms: i64,
    },
    /// Something to be recorded as it is.
    Notice(Notice),
    /// What a jail of fail2ban concluded and decided by itself: it is recorded, and nothing else
    /// follows from it here.
    Jail {
        /// What was concluded, if anything.
        finding: Option<Box<Finding>>,
        /// What was decided.
        decision: Decision,
    },
    /// What became of an order that a jail gave: it is recorded as it is.
    Jailed(Outcome),
    /// monban's hook in PAM told of a session.
    Hooked(Hooked),
    /// The hook tells of sessions of these services of PAM, and all others do without it.
    Hooks(Vec<String>),
    /// Lines are read that were written before the start, or no longer.
    CatchingUp(bool),
    /// What was found out about this host elsewhere: it is recorded as it is.
    FoundHere(Box<HostFinding>),
    /// A metric has a datapoint.
    Datapoint(&'a Datapoint<'a>),
    /// Time has passed.
    Tick,
}

/// What the hook in PAM tells of a session that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hooked {
    /// When.
    pub time: Stamp,
    /// The service by PAM's name: `sshd`, `login`, `su-l`.
    pub service: String,
    /// The account that was entered.
    pub user: Vec<u8>,
    /// The account that was left for it.
    pub by: Option<Vec<u8>>,
    /// From where; `None` at a console, or where PAM was given a name.
    pub address: Option<Address>,
    /// The terminal.
    pub terminal: Option<Vec<u8>>,
    /// Where the address is, if [`crate::Engine::has_origins`] and it is known.
    pub origin: Origin,
    /// How, where the service told PAM's modules: `password`, `publickey`.
    pub method: Option<Vec<u8>>,
    /// The key that was shown: its kind and fingerprint.
    pub key: Option<Vec<u8>>,
}

/// One attempt more: what a person sees on the way to a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// When.
    pub time: Stamp,
    /// Who, exactly.
    pub address: Address,
    /// Who is counted.
    pub subject: Subject,
    /// How many attempts the sighting added; at least 1.
    pub attempts: u32,
    /// Attempts that are in the policy's window now.
    pub in_window: u32,
    /// Attempts that fill it.
    pub needed: u32,
    /// What was counted: the sighting's kind, or the failed logins that its line settled.
    pub kind: Kind,
}

/// What the engine wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Said at a terminal and added up by `monban scan`; never stored.
    Counted(Counted),
    /// To be written.
    Record(Record),
    /// To be carried out now.
    Order(Order),
    /// To be answered to the operator.
    Answer {
        /// The command's number.
        id: u32,
        /// Whether it was done.
        done: bool,
        /// What to tell.
        notices: Vec<Notice>,
    },
}

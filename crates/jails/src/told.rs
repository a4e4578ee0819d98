//! What is to be told of jails: for a log in fail2ban's form, the ledger and the terminal.

use monban_fail2ban::filter::Id;
use monban_model::{ActionFailure, JailJob, Net, Refusal};

/// Why a failure is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spared {
    /// It is an address of this machine.
    Own,
    /// This network is on monban's own allow list.
    Allowed(Net),
    /// `ignoreip` has its address, or a network with it.
    Address,
    /// `ignoreip` has a name with its address.
    Name,
    /// `ignorecommand` says so.
    Command,
}

/// Why a ban ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhyFreed {
    /// Its time was over.
    Over,
    /// An operator said so.
    Operator,
    /// It is the address of this name, which `ignoreip` has.
    Named(String),
    /// The warden does not have it.
    Refused(Refusal),
}

/// Something that happened in a jail. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// A failure is counted.
    Found {
        /// When.
        time: i64,
        /// The number so far, and that which leads to a ban.
        count: (u32, u32),
    },
    /// It counts more, since the address was banned before.
    Bad {
        /// When.
        time: i64,
        /// Earlier bans.
        bans: u32,
        /// It counts as so many.
        counts: u32,
        /// Whether that would have been more than `maxretry`, which it is now.
        capped: bool,
        /// Whether it leads to a ban by itself.
        enough: bool,
    },
    /// It is not counted.
    Ignored(Spared),
    /// It came from an operator.
    Attempt {
        /// When.
        time: i64,
    },
    /// A ban.
    Banned {
        /// The first and the last failure.
        times: (i64, i64),
        /// `findtime`, in seconds.
        within_s: i64,
        /// Failures.
        failures: u64,
        /// Its last second; `None` for ever.
        until: Option<i64>,
        /// Earlier bans.
        earlier: u32,
        /// The lines it rests on.
        lines: Vec<String>,
        /// An operator said so.
        by_operator: bool,
    },
    /// The actions of a jail have made a ban, if only to see it.
    Made {
        /// The number of the order.
        order: u64,
        /// Nothing was done: monban only observes.
        observed: bool,
    },
    /// A ban of an earlier run goes on.
    Restored,
    /// A ban of another fail2ban goes on here.
    TakenOver {
        /// Its last second; `None` for ever.
        until: Option<i64>,
        /// Earlier bans.
        earlier: u32,
    },
    /// It is longer than the jail's, since the address was banned before.
    Increased {
        /// The how manieth ban it is.
        count: u32,
        /// For how long, in seconds; negative for ever.
        seconds: i64,
        /// Its last second; `None` for ever.
        until: Option<i64>,
    },
    /// Somebody who is banned failed again, so many seconds after the ban began.
    Already {
        /// Seconds.
        after_s: i64,
    },
    /// A ban would be over already.
    Expired,
    /// There is no room for more bans.
    TooMany,
    /// Bans of an earlier run, or of another fail2ban, do not go on: there is no room for them.
    Surplus {
        /// How many.
        count: u64,
    },
    /// A ban is made again.
    Again,
    /// What the jail's actions had made was gone, and they have made it anew.
    Repaired {
        /// So many bans are made again.
        count: usize,
    },
    /// A ban ended.
    Freed(WhyFreed),
    /// Commands of the jail's actions failed.
    Failed {
        /// What was asked for.
        job: JailJob,
        /// Which of them, and what they said.
        failed: Vec<ActionFailure>,
    },
    /// The warden refused.
    Refused {
        /// What was asked for.
        job: JailJob,
        /// Why.
        why: Refusal,
    },
    /// Nothing was heard of orders to the jail's actions for minutes. They are waited for.
    Unheard {
        /// How many.
        orders: usize,
    },
    /// A search reached its bound; what it would have found is not known.
    Overrun,
    /// The date of a line was so many seconds off, and not believed. Said once a day.
    Off {
        /// Seconds; negative: in the past.
        seconds: i64,
    },
    /// A line that is too old is left out. Said once a day.
    Old {
        /// `findtime`.
        seconds: i64,
    },
    /// A name was resolved.
    Resolved {
        /// The name.
        name: String,
        /// Its addresses.
        addresses: String,
    },
    /// Too many questions wait for their answer: failures are not counted. Said every ten minutes
    /// at most.
    Unasked {
        /// So many since that was said last.
        count: u64,
    },
    /// `ignorecommand` has not answered: failures are counted as not spared. Said every ten minutes
    /// at most.
    Unanswered {
        /// So many since that was said last.
        count: u64,
    },
    /// Captures of failures were too long for the commands of actions, and are cut. Said every ten
    /// minutes at most.
    Cut {
        /// Of so many failures since that was said last.
        count: u64,
    },
    /// The jail is not there, and these bans of it are over: they do not come back with it.
    Forgotten {
        /// How many.
        count: u64,
    },
    /// These bans waited until the names of `ignoreip` were known.
    Held {
        /// How many, those who are spared now among them.
        count: u64,
    },
    /// The jail is idle: what is written from now on waits.
    Idle,
    /// It is idle no more, and reads what waited.
    Awake {
        /// So many lines.
        lines: usize,
        /// So many had no room.
        lost: u64,
    },
    /// Lines that waited for the jail are not read: it was stopped, or is gone, or there was no
    /// room for them.
    Unread {
        /// How many.
        count: u64,
    },
    /// The jail begins its work.
    Started,
    /// A ban ended with its jail, and waits for the return of that.
    Parked,
    /// The jail is no more.
    Stopped,
}

/// What happened, in which jail and to whom.
#[derive(Clone, Debug, PartialEq)]
pub struct News {
    /// The name of the jail.
    pub jail: String,
    /// Who it is about, if anybody.
    pub id: Option<Id>,
    /// What happened.
    pub told: Told,
}

//! The open state of the engine and the positions of the sources, as rows.
//!
//! They are committed in one transaction with the records that were made from the same lines, so
//! that an end at any instant loses nothing and counts nothing twice.

use crate::{
    Address, AlarmRow, AwsSum, ConnectionKey, Evidence, Net, NotifyRow, Scope, Stamp, Subject,
    WITNESSES,
};

/// The open count of one policy and subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TallyRow {
    /// The policy's name.
    pub policy: String,
    /// Who is counted.
    pub subject: Subject,
    /// The first failure that is remembered, and the last.
    pub first: Stamp,
    /// See `first`.
    pub last: Stamp,
    /// All failures since `first`, also those that left the windows.
    pub total: u64,
    /// The failures that may still be in a window: time and connection (0: none), oldest first.
    pub marks: Vec<(Stamp, u64)>,
    /// The last lines, oldest first.
    pub evidence: Vec<TallyLine>,
}

/// A line of evidence of an open count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TallyLine {
    /// The line.
    pub evidence: Evidence,
    /// The connection and account that it tells of, as in [`TallyRow::marks`]; 0: none.
    pub connection: u64,
    /// The service's own line, which no other witness's line is better than.
    pub main: bool,
}

/// A line of evidence where it stands, see [`TallyLine`].
#[derive(Clone, Copy, Debug)]
pub struct TallyLineRef<'a> {
    /// When.
    pub time: Stamp,
    /// The name of the rule that read it.
    pub rule: &'a str,
    /// The attempts that it tells of.
    pub weight: u32,
    /// The line.
    pub line: &'a [u8],
    /// See [`TallyLine::connection`].
    pub connection: u64,
    /// See [`TallyLine::main`].
    pub main: bool,
}

impl TallyLine {
    /// It, where it stands.
    pub fn as_ref(&self) -> TallyLineRef<'_> {
        let Evidence { time, rule, weight, line } = &self.evidence;
        let (connection, main) = (self.connection, self.main);
        TallyLineRef { time: *time, rule, weight: *weight, line, connection, main }
    }
}

impl TallyLineRef<'_> {
    /// A copy.
    pub fn to_line(self) -> TallyLine {
        let (rule, line) = (self.rule.to_owned(), self.line.to_vec());
        let evidence = Evidence { time: self.time, rule, weight: self.weight, line };
        TallyLine { evidence, connection: self.connection, main: self.main }
    }
}

/// An open count without its marks and lines, see [`TallyRow`].
#[derive(Clone, Copy, Debug)]
pub struct TallyHead<'a> {
    /// The policy's name.
    pub policy: &'a str,
    /// Who is counted.
    pub subject: Subject,
    /// The first failure that is remembered.
    pub first: Stamp,
    /// The last.
    pub last: Stamp,
    /// All failures.
    pub total: u64,
}

/// One open connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionRow {
    /// Its key.
    pub key: ConnectionKey,
    /// Its address, as soon as a line told it.
    pub address: Option<Address>,
    /// Attempts told by each witness.
    pub told: [u32; WITNESSES],
    /// Attempts told while the address was not known yet; they count once it is.
    pub pending: u32,
    /// Its last line.
    pub last: Stamp,
}

/// A block in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockRow {
    /// Who.
    pub subject: Subject,
    /// Which ports.
    pub scope: Scope,
    /// Since when.
    pub since: Stamp,
    /// Until when; `None` is forever.
    pub until: Option<Stamp>,
    /// The policy, or empty for an operator's.
    pub policy: String,
    /// The operator's reason, or empty.
    pub why: String,
}

/// The earlier blocks of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryRow {
    /// Who.
    pub subject: Subject,
    /// How many, without a quiet time between that forgets them.
    pub blocks: u32,
    /// The end of the last one, or its last failure if that is later.
    pub last: Stamp,
}

/// The last successful login from an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SuccessRow {
    /// From where.
    pub address: Address,
    /// When.
    pub last: Stamp,
    /// When by key, if ever: such an address needs twice the failures for a day.
    pub by_key: Option<Stamp>,
}

/// The last bytes before a position, to notice that a file was replaced under its inode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tail(pub Vec<u8>);

/// How far a file was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PositionRow {
    /// The path under which it was found.
    pub path: String,
    /// Device and inode.
    pub dev: u64,
    /// See `dev`.
    pub ino: u64,
    /// Offset of the first byte that is not counted yet: always the start of a line.
    pub offset: u64,
    /// The last bytes before `offset` (at most 64).
    pub tail: Tail,
    /// A hash of the first bytes, and how many it covers (at most 1024).
    pub head: (u64, u32),
    /// Lines and sightings read from this path so far.
    pub lines: u64,
    /// See `lines`.
    pub sightings: u64,
    /// The event time of the last line.
    pub last: Stamp,
    /// For a journal: its cursor. For a file: words of the feed.
    pub cursor: String,
}

impl PositionRow {
    /// A source of which nothing was read yet.
    pub fn unread(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            dev: 0,
            ino: 0,
            offset: 0,
            tail: Tail::default(),
            head: (0, 0),
            lines: 0,
            sightings: 0,
            last: Stamp::default(),
            cursor: String::new(),
        }
    }
}

/// What a row of a jail is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JailRowKind {
    /// Failures that have not led to a ban.
    Ticket,
    /// A ban in force.
    Ban,
    /// Earlier bans.
    Known,
    /// Failures that were not counted.
    Spared,
}

impl JailRowKind {
    /// All kinds, to read a word back.
    pub const ALL: [Self; 4] = [Self::Ticket, Self::Ban, Self::Known, Self::Spared];

    /// Its word in the ledger.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ticket => "ticket",
            Self::Ban => "ban",
            Self::Known => "known",
            Self::Spared => "spared",
        }
    }
}

/// Something of the state of a jail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JailRow {
    /// The name of the jail.
    pub jail: String,
    /// What it is.
    pub kind: JailRowKind,
    /// Who it is about: an address, a network, or a text that is neither.
    pub id: String,
    /// What everybody may read of a ban.
    pub ban: Option<JailBan>,
    /// What is known, for the jail to read back; `None` if that is to be forgotten.
    pub data: Option<Vec<u8>>,
}

/// A ban of a jail as everybody may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JailBan {
    /// Since when.
    pub since: Stamp,
    /// Until when; `None` is forever.
    pub until: Option<Stamp>,
    /// How many bans of the same came before in that jail.
    pub earlier: u32,
    /// What the actions of the jail made of it.
    pub made: Made,
}

/// What the actions of a jail made of a ban, as far as they told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Made {
    /// None of them failed with it.
    #[default]
    Whole,
    /// Some of them failed: it may not be in force.
    Partly,
    /// All of them failed, or there is none: it is not in force.
    Not,
}

impl Made {
    /// All of them, the best first.
    pub const ALL: [Self; 3] = [Self::Whole, Self::Partly, Self::Not];

    /// Its name for machines.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Whole => "all",
            Self::Partly => "some",
            Self::Not => "none",
        }
    }
}

/// From where an account came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceRow {
    /// The service.
    pub service: String,
    /// The account; for `su` and `sudo` the one that was left, `>`, and the one that was entered.
    pub user: Vec<u8>,
    /// An address, a network, or `None` for anywhere.
    pub origin: Option<Net>,
    /// The first time.
    pub first: Stamp,
    /// The last time.
    pub last: Stamp,
    /// How often.
    pub count: u64,
}

/// A change of the open state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateRow {
    /// Write this tally.
    Tally(TallyRow),
    /// Forget this tally.
    NoTally(String, Subject),
    /// Write this connection.
    Connection(ConnectionRow),
    /// Forget this connection.
    NoConnection(ConnectionKey),
    /// Write this block.
    Block(BlockRow),
    /// Forget the block of this subject and scope.
    NoBlock(Subject, Scope),
    /// Write this history.
    History(HistoryRow),
    /// Forget this history.
    NoHistory(Subject),
    /// Write this success.
    Success(SuccessRow),
    /// Forget this success.
    NoSuccess(Address),
    /// Write this place.
    Place(PlaceRow),
    /// Forget this place: service, account and origin.
    NoPlace(String, Vec<u8>, Option<Net>),
    /// Write or forget this row of a jail.
    Jail(JailRow),
    /// Write or forget this row of what people are told.
    Notify(NotifyRow),
    /// Write this state of an alarm.
    Alarm(AlarmRow),
    /// Forget the state of an alarm: its own, or the one of this contributor.
    NoAlarm(String, Option<Vec<u8>>),
    /// Write the datapoints of a metric in a minute.
    Sum(AwsSum),
    /// Forget those of this number: CloudWatch has them.
    NoSum(u64),
}

/// Takes changes of the open state, one after the other. Open counts are handed over where they
/// stand: there may be thousands between two commits, each with a dozen lines.
pub trait TakeChanges {
    /// An open count, with its marks and lines, oldest first.
    fn tally<'a>(
        &mut self,
        head: TallyHead<'_>,
        marks: impl ExactSizeIterator<Item = (Stamp, u64)>,
        lines: impl ExactSizeIterator<Item = TallyLineRef<'a>>,
    );

    /// Any other change.
    fn row(&mut self, row: StateRow);
}

impl TakeChanges for Vec<StateRow> {
    fn tally<'a>(
        &mut self,
        head: TallyHead<'_>,
        marks: impl ExactSizeIterator<Item = (Stamp, u64)>,
        lines: impl ExactSizeIterator<Item = TallyLineRef<'a>>,
    ) {
        self.push(StateRow::Tally(TallyRow {
            policy: head.policy.to_owned(),
            subject: head.subject,
            first: head.first,
            last: head.last,
            total: head.total,
            marks: marks.collect(),
            evidence: lines.map(TallyLineRef::to_line).collect(),
        }));
    }

    fn row(&mut self, row: StateRow) {
        self.push(row);
    }
}

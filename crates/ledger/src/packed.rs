//! Open counts and connections on their way into the file, in about as many bytes as they take
//! there. Of other rows there are few; of these tens of thousands may change between two commits,
//! and as [`StateRow`]s they would take several times the room.

use monban_model::{Stamp, StateRow, Subject, TakeChanges, TallyHead, TallyLine, TallyLineRef};
use rusqlite::{CachedStatement, Connection};

use crate::codec::{put_evidence, put_marks, put_number, put_text, take_number, take_text};
use crate::shards::{self, Changes, put_entry};
use crate::{Batch, LedgerError};

/// Changed counts and connections; the newer of two with the same key is the later one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    bytes: Vec<u8>,
}

/// The kinds of rows, as the byte before each.
const NO_CONNECTION: u8 = shards::FORGOTTEN;
const CONNECTION: u8 = shards::KEPT;
const TALLY: u8 = 2;
const NO_TALLY: u8 = 3;

const PUT_TALLY: &str =
    "INSERT INTO tallies VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (subject, policy)
     DO UPDATE SET first = excluded.first, last = excluded.last, total = excluded.total,
     marks = excluded.marks, evidence = excluded.evidence";
const DROP_TALLY: &str = "DELETE FROM tallies WHERE subject = ? AND policy = ?";

impl TakeChanges for Batch {
    fn tally<'a>(
        &mut self,
        head: TallyHead<'_>,
        marks: impl ExactSizeIterator<Item = (Stamp, u64)>,
        lines: impl ExactSizeIterator<Item = TallyLineRef<'a>>,
    ) {
        self.packed.tally(head, marks, lines);
    }

    fn row(&mut self, row: StateRow) {
        self.state.extend(self.packed.push(row));
    }
}

impl Packed {
    /// Adds a row; gives back what is neither a count nor a connection.
    pub(crate) fn push(&mut self, row: StateRow) -> Option<StateRow> {
        let out = &mut self.bytes;
        match row {
            StateRow::Tally(row) => {
                let (policy, subject) = (row.policy.as_str(), row.subject);
                let (first, last, total) = (row.first, row.last, row.total);
                let head = TallyHead { policy, subject, first, last, total };
                let lines = row.evidence.iter().map(TallyLine::as_ref);
                self.tally(head, row.marks.iter().copied(), lines);
            }
            StateRow::NoTally(policy, subject) => {
                out.push(NO_TALLY);
                put_name(out, &policy, subject);
            }
            StateRow::Connection(row) => {
                out.push(CONNECTION);
                put_entry(out, &row);
            }
            StateRow::NoConnection(key) => {
                out.push(NO_CONNECTION);
                out.extend(key.0.to_le_bytes());
            }
            other => return Some(other),
        }
        None
    }

    fn tally<'a>(
        &mut self,
        head: TallyHead<'_>,
        marks: impl ExactSizeIterator<Item = (Stamp, u64)>,
        lines: impl ExactSizeIterator<Item = TallyLineRef<'a>>,
    ) {
        let out = &mut self.bytes;
        out.push(TALLY);
        put_name(out, head.policy, head.subject);
        put_number(out, head.first.0.cast_unsigned());
        put_number(out, head.last.0.cast_unsigned());
        put_number(out, head.total);
        put_column(out, |out| put_marks(out, marks));
        put_column(out, |out| put_evidence(out, lines));
    }

    /// Whether it has no row.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Writes all of them within the transaction that is open.
    pub(crate) fn write(&self, db: &Connection) -> Result<(), LedgerError> {
        if self.is_empty() {
            return Ok(());
        }
        let mut statements = Statements::new(db)?;
        let mut connections = Changes::new(&self.bytes);
        let mut rest = self.bytes.as_slice();
        let broken = || LedgerError::Unreadable("a row on its way into the ledger".to_owned());
        while let Some((kind, after)) = rest.split_first() {
            if matches!(*kind, CONNECTION | NO_CONNECTION) {
                connections.take(&mut rest).ok_or_else(broken)?;
                continue;
            }
            rest = after;
            statements.run(&Row::take(*kind, &mut rest).ok_or_else(broken)?)?;
        }
        connections.write(db)
    }
}

fn put_name(out: &mut Vec<u8>, policy: &str, subject: Subject) {
    put_text(out, subject.to_string().as_bytes());
    put_text(out, policy.as_bytes());
}

/// A column, with its length before it.
fn put_column(out: &mut Vec<u8>, put: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend([0; 4]);
    put(out);
    let length = u32::try_from(out.len() - at - 4).unwrap_or(u32::MAX);
    out[at..at + 4].copy_from_slice(&length.to_le_bytes());
}

/// A row, as the columns that are written.
enum Row<'a> {
    Tally { name: Name<'a>, times: [i64; 2], total: i64, marks: &'a [u8], lines: &'a [u8] },
    NoTally { name: Name<'a> },
}

/// The subject and the policy of a count.
type Name<'a> = (&'a str, &'a str);

impl<'a> Row<'a> {
    fn take(kind: u8, rest: &mut &'a [u8]) -> Option<Self> {
        Some(match kind {
            TALLY => Self::Tally {
                name: take_name(rest)?,
                times: [take_number(rest)?.cast_signed(), take_number(rest)?.cast_signed()],
                total: take_number(rest)?.cast_signed(),
                marks: take_column(rest)?,
                lines: take_column(rest)?,
            },
            NO_TALLY => Self::NoTally { name: take_name(rest)? },
            _ => return None,
        })
    }
}

fn take_name<'a>(rest: &mut &'a [u8]) -> Option<Name<'a>> {
    let mut text = || std::str::from_utf8(take_text(rest)?).ok();
    Some((text()?, text()?))
}

fn take_column<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (column, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(column)
}

/// The statements, looked up once for all rows.
struct Statements<'a> {
    put_tally: CachedStatement<'a>,
    drop_tally: CachedStatement<'a>,
}

impl<'a> Statements<'a> {
    fn new(db: &'a Connection) -> Result<Self, LedgerError> {
        Ok(Self {
            put_tally: db.prepare_cached(PUT_TALLY)?,
            drop_tally: db.prepare_cached(DROP_TALLY)?,
        })
    }

    fn run(&mut self, row: &Row<'_>) -> Result<(), LedgerError> {
        match *row {
            Row::Tally { name: (subject, policy), times: [first, last], total, marks, lines } => {
                self.put_tally.execute((subject, policy, first, last, total, marks, lines))?;
            }
            Row::NoTally { name } => {
                self.drop_tally.execute(name)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use monban_model::{ConnectionKey, ConnectionRow};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_there_may_be_much_of_is_packed_and_the_newer_of_two_stays() {
        let mut packed = Packed::default();
        let connection = |key| {
            let (address, told, last) = (None, [1; monban_model::WITNESSES], Stamp(7));
            let key = ConnectionKey(key);
            StateRow::Connection(ConnectionRow { key, address, told, pending: 0, last })
        };
        for row in [
            connection(u64::MAX),
            StateRow::NoTally("default".to_owned(), "192.0.2.7".parse().unwrap()),
            connection(1),
            StateRow::NoConnection(ConnectionKey(u64::MAX)),
            connection(3),
            StateRow::NoConnection(ConnectionKey(2)),
            connection(2),
        ] {
            assert_eq!(packed.push(row), None);
        }
        let block = StateRow::NoBlock("192.0.2.7".parse().unwrap(), monban_model::Scope::All);
        assert_eq!(packed.push(block.clone()), Some(block));
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(include_str!("schema/1.sql")).unwrap();
        db.execute_batch(include_str!("schema/4.sql")).unwrap();
        packed.write(&db).unwrap();
        let mut keys = Vec::new();
        let mut statement = db.prepare(shards::SHARDS).unwrap();
        let mut found = statement.query([]).unwrap();
        while let Some(shard) = found.next().unwrap() {
            shards::read(shard.get_ref(0).unwrap().as_blob().unwrap(), |row| keys.push(row.key.0));
        }
        assert_eq!(keys, [1, 2, 3]);
    }

    proptest! {
        #[test]
        fn other_bytes_are_no_rows_and_end(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let mut rest = bytes.as_slice();
            while let Some((kind, after)) = rest.split_first() {
                rest = after;
                if Row::take(*kind, &mut rest).is_none() {
                    break;
                }
            }
        }
    }
}

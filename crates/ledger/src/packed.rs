//! Open counts and connections on their way into the file, in about as many bytes as they take
//! there. Of other rows there are few; of these tens of thousands may change between two commits,
//! and as [`StateRow`]s they would take several times the room.

use std::net::IpAddr;

use monban_model::{
    Address, ConnectionRow, Stamp, StateRow, Subject, TakeChanges, TallyHead, TallyLine,
    TallyLineRef, WITNESSES,
};
use rusqlite::{CachedStatement, Connection};

use crate::codec::{put_evidence, put_marks, put_number, put_text, take_number, take_text};
use crate::{Batch, LedgerError};

/// Changed counts and connections; the newer of two with the same key is the later one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    bytes: Vec<u8>,
}

/// The kinds of rows, as the byte before each.
const TALLY: u8 = 0;
const NO_TALLY: u8 = 1;
const CONNECTION: u8 = 2;
const NO_CONNECTION: u8 = 3;

const PUT_TALLY: &str =
    "INSERT INTO tallies VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (subject, policy)
     DO UPDATE SET first = excluded.first, last = excluded.last, total = excluded.total,
     marks = excluded.marks, evidence = excluded.evidence";
const DROP_TALLY: &str = "DELETE FROM tallies WHERE subject = ? AND policy = ?";
const PUT_CONNECTION: &str = "INSERT OR REPLACE INTO connections VALUES (?, ?, ?, ?, ?)";
const DROP_CONNECTION: &str = "DELETE FROM connections WHERE key = ?";

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
            StateRow::Connection(row) => put_connection(out, &row),
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
        let mut rest = self.bytes.as_slice();
        while let Some((kind, after)) = rest.split_first() {
            rest = after;
            let row = Row::take(*kind, &mut rest).ok_or_else(|| {
                LedgerError::Unreadable("a row on its way into the ledger".to_owned())
            })?;
            statements.run(&row)?;
        }
        Ok(())
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

fn put_connection(out: &mut Vec<u8>, row: &ConnectionRow) {
    out.push(CONNECTION);
    out.extend(row.key.0.to_le_bytes());
    match row.address.map(Address::ip) {
        None => put_text(out, b""),
        Some(IpAddr::V4(ip)) => put_text(out, &ip.octets()),
        Some(IpAddr::V6(ip)) => put_text(out, &ip.octets()),
    }
    for number in row.told {
        put_number(out, u64::from(number));
    }
    put_number(out, u64::from(row.pending));
    put_number(out, row.last.0.cast_unsigned());
}

/// A row, as the columns that are written.
enum Row<'a> {
    Tally {
        name: Name<'a>,
        times: [i64; 2],
        total: i64,
        marks: &'a [u8],
        lines: &'a [u8],
    },
    NoTally {
        name: Name<'a>,
    },
    Connection {
        key: i64,
        address: Option<Address>,
        told: [u32; WITNESSES],
        pending: u32,
        last: i64,
    },
    NoConnection {
        key: i64,
    },
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
            CONNECTION => {
                let key = take_key(rest)?;
                let address = take_address(rest)?;
                let mut told = [0; WITNESSES];
                for one in &mut told {
                    *one = u32::try_from(take_number(rest)?).ok()?;
                }
                Self::Connection {
                    key,
                    address,
                    told,
                    pending: u32::try_from(take_number(rest)?).ok()?,
                    last: take_number(rest)?.cast_signed(),
                }
            }
            NO_CONNECTION => Self::NoConnection { key: take_key(rest)? },
            _ => return None,
        })
    }
}

fn take_name<'a>(rest: &mut &'a [u8]) -> Option<Name<'a>> {
    let mut text = || std::str::from_utf8(take_text(rest)?).ok();
    Some((text()?, text()?))
}

fn take_address(rest: &mut &[u8]) -> Option<Option<Address>> {
    let octets = take_text(rest)?;
    let ip = match (<[u8; 4]>::try_from(octets), <[u8; 16]>::try_from(octets)) {
        (Ok(octets), _) => IpAddr::from(octets),
        (_, Ok(octets)) => IpAddr::from(octets),
        _ => return octets.is_empty().then_some(None),
    };
    Some(Some(Address::new(ip)))
}

fn take_key(rest: &mut &[u8]) -> Option<i64> {
    let (key, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(i64::from_le_bytes(*key))
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
    put_connection: CachedStatement<'a>,
    drop_connection: CachedStatement<'a>,
}

impl<'a> Statements<'a> {
    fn new(db: &'a Connection) -> Result<Self, LedgerError> {
        Ok(Self {
            put_tally: db.prepare_cached(PUT_TALLY)?,
            drop_tally: db.prepare_cached(DROP_TALLY)?,
            put_connection: db.prepare_cached(PUT_CONNECTION)?,
            drop_connection: db.prepare_cached(DROP_CONNECTION)?,
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
            Row::Connection { key, address, told, pending, last } => {
                let address = address.map(|address| address.to_string());
                let [a, b, c, d, e] = told;
                let told = format!("{a},{b},{c},{d},{e}");
                self.put_connection.execute((key, address, told, pending, last))?;
            }
            Row::NoConnection { key } => {
                self.drop_connection.execute([key])?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn connection(key: u64, address: Option<&str>) -> StateRow {
        let (told, last) = ([1, 0, u32::MAX, 0, 7], Stamp(i64::MIN));
        let address = address.map(|text| text.parse().unwrap());
        StateRow::Connection(ConnectionRow {
            key: monban_model::ConnectionKey(key),
            address,
            told,
            pending: 3,
            last,
        })
    }

    #[test]
    fn rows_come_out_as_they_went_in() {
        let mut packed = Packed::default();
        for row in [
            connection(u64::MAX, Some("192.0.2.1")),
            connection(0, Some("2001:db8::1")),
            connection(1, None),
            StateRow::NoConnection(monban_model::ConnectionKey(u64::MAX - 1)),
            StateRow::NoTally("default".to_owned(), "192.0.2.7".parse().unwrap()),
        ] {
            assert_eq!(packed.push(row), None);
        }
        let mut rest = packed.bytes.as_slice();
        let mut told = Vec::new();
        while let Some((kind, after)) = rest.split_first() {
            rest = after;
            told.push(match Row::take(*kind, &mut rest).unwrap() {
                Row::Connection { key, address, told, pending, last } => {
                    assert_eq!((told, pending, last), ([1, 0, u32::MAX, 0, 7], 3, i64::MIN));
                    format!("{key} {}", address.map_or("none".to_owned(), |one| one.to_string()))
                }
                Row::NoConnection { key } => format!("no {key}"),
                Row::NoTally { name } => format!("no {name:?}"),
                Row::Tally { .. } => "tally".to_owned(),
            });
        }
        assert_eq!(
            told,
            ["-1 192.0.2.1", "0 2001:db8::1", "1 none", "no -2", "no (\"192.0.2.7\", \"default\")",]
        );
        let block = StateRow::NoBlock("192.0.2.7".parse().unwrap(), monban_model::Scope::All);
        assert_eq!(packed.push(block.clone()), Some(block), "not what there may be much of");
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

//! Open connections in the file: those whose keys begin with the same byte stand in one row.
//!
//! An entry is the key (8 bytes), the address (a length and its octets), the attempts by witness,
//! the pending ones, and the time; the numbers are LEB128. Entries stand in the order of their keys
//! as signed numbers.

use std::net::IpAddr;

use monban_model::{Address, ConnectionKey, ConnectionRow, Stamp, WITNESSES};
use rusqlite::{CachedStatement, Connection, OptionalExtension};

use crate::codec::{put_number, put_text, take_number, take_text};
use crate::{LedgerError, state};

/// All shards, in the order of the keys.
pub(crate) const SHARDS: &str = "SELECT rows FROM open_connections ORDER BY shard";

const SHARD: &str = "SELECT rows FROM open_connections WHERE shard = ?";
const PUT_SHARD: &str = "INSERT OR REPLACE INTO open_connections VALUES (?, ?, ?)";
const DROP_SHARD: &str = "DELETE FROM open_connections WHERE shard = ?";

/// What becomes of connections: in `bytes`, each as the byte [`KEPT`] and its entry, or as the byte
/// [`FORGOTTEN`] and a key. There may be tens of thousands, so no more is kept of each than where
/// it begins.
#[derive(Debug)]
pub(crate) struct Changes<'a> {
    bytes: &'a [u8],
    begins: Vec<u32>,
}

/// The byte before an entry, and the one before a key.
pub(crate) const KEPT: u8 = 1;
/// See [`KEPT`].
pub(crate) const FORGOTTEN: u8 = 0;

impl<'a> Changes<'a> {
    /// None yet.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, begins: Vec::new() }
    }

    /// One more, which begins at this place; none if nothing such stands there.
    pub(crate) fn take(&mut self, rest: &mut &'a [u8]) -> Option<()> {
        let begin = u32::try_from(self.bytes.len() - rest.len()).ok()?;
        let (kind, after) = rest.split_first()?;
        *rest = after;
        match *kind {
            KEPT => take_entry(rest).map(drop)?,
            _ => take_key(rest).map(drop)?,
        }
        self.begins.push(begin);
        Some(())
    }

    fn key(&self, begin: u32) -> i64 {
        take_key(&mut self.bytes.get(begin as usize + 1..).unwrap_or_default()).unwrap_or_default()
    }

    fn entry(&self, begin: u32) -> Option<&'a [u8]> {
        let (kind, mut rest) = self.bytes.get(begin as usize..)?.split_first()?;
        (*kind == KEPT).then(|| take_entry(&mut rest))?.map(|(_, entry)| entry)
    }

    /// Writes them within the transaction that is open; of two of one key the later one counts.
    pub(crate) fn write(mut self, db: &Connection) -> Result<(), LedgerError> {
        if self.begins.is_empty() {
            return Ok(());
        }
        let mut begins = std::mem::take(&mut self.begins);
        begins.sort_unstable_by_key(|begin| (self.key(*begin), *begin));
        let mut find = db.prepare_cached(SHARD)?;
        let mut put = db.prepare_cached(PUT_SHARD)?;
        let mut rows = Vec::new();
        let shard_of = |begin: &u32| self.key(*begin) >> 56;
        for begins in begins.chunk_by(|one, next| shard_of(one) == shard_of(next)) {
            let shard = shard_of(&begins[0]);
            match self.merge(&mut find, shard, begins, &mut rows)? {
                0 => state::run(db, DROP_SHARD, &[&shard])?,
                count => put.execute((shard, count, &rows)).map(drop)?,
            }
        }
        Ok(())
    }

    /// What a shard holds after its changes; how many connections.
    fn merge(
        &self,
        find: &mut CachedStatement<'_>,
        shard: i64,
        begins: &[u32],
        rows: &mut Vec<u8>,
    ) -> Result<u32, LedgerError> {
        rows.clear();
        let mut count = 0;
        let mut add = |entry: &[u8]| {
            rows.extend_from_slice(entry);
            count += 1;
        };
        let of_key = begins.chunk_by(|one, next| self.key(*one) == self.key(*next));
        let last = of_key.filter_map(|of_key| of_key.last());
        let mut changes = last.map(|begin| (self.key(*begin), self.entry(*begin))).peekable();
        find.query_row([shard], |row| {
            // What cannot be understood was told of at the start, and stays away.
            let mut rest = row.get_ref(0)?.as_blob().unwrap_or_default();
            while let Some((key, entry)) = take_entry(&mut rest) {
                while let Some((_, earlier)) = changes.next_if(|(changed, _)| *changed < key) {
                    earlier.into_iter().for_each(&mut add);
                }
                if changes.peek().is_none_or(|(changed, _)| *changed != key) {
                    add(entry);
                }
            }
            Ok(())
        })
        .optional()?;
        changes.filter_map(|(_, entry)| entry).for_each(add);
        Ok(count)
    }
}

/// Adds an entry.
pub(crate) fn put_entry(out: &mut Vec<u8>, row: &ConnectionRow) {
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

/// Takes an entry and its key; `None` for anything that [`put_entry`] does not write.
pub(crate) fn take_entry<'a>(rest: &mut &'a [u8]) -> Option<(i64, &'a [u8])> {
    let before = *rest;
    let key = take_key(rest)?;
    take_text(rest)?;
    for _ in 0..WITNESSES + 2 {
        take_number(rest)?;
    }
    Some((key, &before[..before.len() - rest.len()]))
}

/// Takes a key.
pub(crate) fn take_key(rest: &mut &[u8]) -> Option<i64> {
    let (key, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(i64::from_le_bytes(*key))
}

/// The connection of an entry.
fn take_row(rest: &mut &[u8]) -> Option<ConnectionRow> {
    let key = ConnectionKey(take_key(rest)?.cast_unsigned());
    let octets = take_text(rest)?;
    let ip = match (<[u8; 4]>::try_from(octets), <[u8; 16]>::try_from(octets)) {
        (Ok(octets), _) => Some(IpAddr::from(octets)),
        (_, Ok(octets)) => Some(IpAddr::from(octets)),
        _ if octets.is_empty() => None,
        _ => return None,
    };
    let mut told = [0; WITNESSES];
    for one in &mut told {
        *one = u32::try_from(take_number(rest)?).ok()?;
    }
    Some(ConnectionRow {
        key,
        address: ip.map(Address::new),
        told,
        pending: u32::try_from(take_number(rest)?).ok()?,
        last: Stamp(take_number(rest)?.cast_signed()),
    })
}

/// Hands out the connections of a shard. False if what follows them cannot be understood.
pub(crate) fn read(mut rest: &[u8], mut give: impl FnMut(ConnectionRow)) -> bool {
    while !rest.is_empty() {
        match take_row(&mut rest) {
            Some(row) => give(row),
            None => return false,
        }
    }
    true
}

/// Brings the connections of the forms before the fourth over.
pub(crate) fn move_rows(db: &Connection) -> Result<u64, LedgerError> {
    let (rows, left_out) = old_rows(db)?;
    write_all(db, &rows)?;
    db.execute_batch("DROP TABLE connections")?;
    Ok(left_out)
}

fn old_rows(db: &Connection) -> Result<(Vec<u8>, u64), LedgerError> {
    let (mut bytes, mut left_out) = (Vec::new(), 0);
    let mut statement = db.prepare(state::OLD_CONNECTIONS)?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        match state::read_old_connection(row) {
            Ok(row) => {
                bytes.push(KEPT);
                put_entry(&mut bytes, &row);
            }
            Err(_) => left_out += 1,
        }
    }
    Ok((bytes, left_out))
}

fn write_all(db: &Connection, bytes: &[u8]) -> Result<(), LedgerError> {
    let mut rest = bytes;
    let mut changes = Changes::new(bytes);
    while changes.take(&mut rest).is_some() {}
    changes.write(db)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn row(key: u64, address: Option<&str>, pending: u32) -> ConnectionRow {
        ConnectionRow {
            key: ConnectionKey(key),
            address: address.map(|text| text.parse().unwrap()),
            told: [1, 0, u32::MAX, 0, 7],
            pending,
            last: Stamp(i64::MIN),
        }
    }

    fn tables() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(include_str!("schema/1.sql")).unwrap();
        db.execute_batch(include_str!("schema/4.sql")).unwrap();
        db
    }

    fn all(db: &Connection) -> Vec<ConnectionRow> {
        let mut found = Vec::new();
        let mut statement = db.prepare(SHARDS).unwrap();
        let mut shards = statement.query([]).unwrap();
        while let Some(shard) = shards.next().unwrap() {
            assert!(read(shard.get_ref(0).unwrap().as_blob().unwrap(), |row| found.push(row)));
        }
        found
    }

    #[test]
    fn connections_of_an_older_form_are_brought_over() {
        let db = tables();
        db.execute_batch(
            "INSERT INTO connections VALUES (-1, '2001:db8::1', '1,0,4294967295,0,7', 3,
             -9223372036854775808), (5, NULL, '1,0,4294967295,0,7', 4, -9223372036854775808),
             (6, 'nobody', '', 0, 0)",
        )
        .unwrap();
        move_rows(&db).unwrap();
        assert_eq!(all(&db), [row(u64::MAX, Some("2001:db8::1"), 3), row(5, None, 4)]);
        assert!(db.prepare("SELECT * FROM connections").is_err());
    }

    #[test]
    fn what_cannot_be_understood_ends_a_shard_and_stays_away() {
        let db = tables();
        let mut rows = Vec::new();
        put_entry(&mut rows, &row(1, Some("192.0.2.1"), 0));
        let whole = rows.len();
        rows.extend([7; 12]);
        assert!(!read(&rows, |_| ()));
        db.execute("INSERT INTO open_connections VALUES (0, 2, ?)", [&rows]).unwrap();
        let mut change = vec![KEPT];
        put_entry(&mut change, &row(2, None, 1));
        write_all(&db, &change).unwrap();
        assert_eq!(all(&db), [row(1, Some("192.0.2.1"), 0), row(2, None, 1)]);
        assert_eq!(whole, change.len() - 1 + 4);
    }

    proptest! {
        #[test]
        fn shards_hold_what_a_simple_map_holds(
            batches in prop::collection::vec(
                prop::collection::vec((0..12_u64, 0..4_u64, prop::option::of(any::<u32>())), 0..30),
                0..6,
            ),
        ) {
            let db = tables();
            let mut model = BTreeMap::new();
            for batch in batches {
                let mut bytes = Vec::new();
                for (low, high, pending) in batch {
                    let key = low | high << 62;
                    match pending.map(|pending| row(key, Some("192.0.2.1"), pending)) {
                        Some(row) => {
                            bytes.push(KEPT);
                            put_entry(&mut bytes, &row);
                            model.insert(key.cast_signed(), row);
                        }
                        None => {
                            bytes.push(FORGOTTEN);
                            bytes.extend(key.to_le_bytes());
                            model.remove(&key.cast_signed());
                        }
                    }
                }
                write_all(&db, &bytes).unwrap();
                prop_assert_eq!(all(&db), model.values().cloned().collect::<Vec<_>>());
                let count: i64 = db
                    .query_row("SELECT coalesce(sum(count), 0) FROM open_connections", [], |row| {
                        row.get(0)
                    })
                    .unwrap();
                prop_assert_eq!(count, model.len() as i64);
            }
        }

        #[test]
        fn other_bytes_are_no_entries_and_end(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let mut rows = 0;
            read(&bytes, |_| rows += 1);
            prop_assert!(rows * (9 + WITNESSES + 2) <= bytes.len());
        }
    }
}

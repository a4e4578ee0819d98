//! From where accounts came in while the ledger did not keep that: told from its logins.

use std::cmp::Reverse;
use std::collections::HashMap;

use monban_model::limits::PLACES_MAX;
use monban_model::{Address, Net, PlaceRow, Stamp};
use rusqlite::{Connection, Row};

use crate::records::bytes;
use crate::{LedgerError, entered};

const LOGINS: &str = "SELECT seq, time, service, user, address FROM records
                      WHERE event = 'entered' ORDER BY seq";

/// An account of a service, and where it came from; `None` is anywhere.
type Key = (String, Vec<u8>, Option<Net>);

/// A login as the forms before the fifth had it.
struct Old {
    seq: i64,
    time: i64,
    service: String,
    user: Vec<u8>,
    address: Option<Address>,
}

/// Goes through the logins of the forms before the fifth as the engine would have: each gets to
/// know the one before from there, and the places stay. Without them everybody would be new.
pub(crate) fn find(db: &Connection) -> Result<u64, LedgerError> {
    let mut places: HashMap<Key, PlaceRow> = HashMap::new();
    let mut left_out = 0;
    let mut logins = db.prepare(LOGINS)?;
    let mut found = logins.query([])?;
    let update = "UPDATE logins SET last_ever = ?2, last_network = ?3, last_address = ?4
                  WHERE seq = ?1";
    let mut update = db.prepare(update)?;
    while let Some(row) = found.next()? {
        let Ok(old) = read(row) else {
            left_out += 1;
            continue;
        };
        let mut touch = |origin: Option<Net>| {
            let key = (old.service.clone(), old.user.clone(), origin);
            let known = places.get(&key).map(|place| place.last.0);
            let place = places.entry(key).or_insert_with(|| PlaceRow {
                service: old.service.clone(),
                user: old.user.clone(),
                origin,
                first: Stamp(old.time),
                last: Stamp(old.time),
                count: 0,
            });
            place.last = place.last.max(Stamp(old.time));
            place.count += 1;
            known
        };
        let ever = touch(None);
        let network = old.address.and_then(|address| touch(Some(Net::of_line(address))));
        let address = old.address.and_then(|address| touch(Some(Net::host(address))));
        update.execute((old.seq, ever, network, address))?;
    }
    let mut places: Vec<PlaceRow> = places.into_values().collect();
    places.sort_by_key(|place| Reverse(place.last));
    for place in places.iter().take(PLACES_MAX) {
        entered::write_place(db, place)?;
    }
    Ok(left_out)
}

fn read(row: &Row<'_>) -> Result<Old, LedgerError> {
    Ok(Old {
        seq: row.get("seq")?,
        time: row.get("time")?,
        service: row.get("service")?,
        user: bytes(row, "user")?.unwrap_or_default(),
        address: entered::parsed(row, "address")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_of_an_older_form_know_the_one_before_and_leave_their_places() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(include_str!("schema/1.sql")).unwrap();
        let login = "INSERT INTO records (seq, time, event, what, service, user, address)
                     VALUES (?, ?, 'found', 'login', 'sshd', ?, ?)";
        for (seq, user, address) in [
            (1_i64, Some("alice"), Some("192.0.2.1")),
            (2, Some("alice"), Some("192.0.2.9")),
            (3, Some("bob"), Some("2001:db8::1")),
            (4, Some("bob"), Some("no address")),
            (5, Some("alice"), Some("192.0.2.1")),
            (6, None, None),
        ] {
            db.execute(login, (seq, seq * 10, user, address)).unwrap();
        }
        db.execute_batch(include_str!("schema/5.sql")).unwrap();
        assert_eq!(find(&db).unwrap(), 1, "one row cannot be read");
        let mut earlier = db
            .prepare("SELECT last_ever, last_network, last_address FROM logins ORDER BY seq")
            .unwrap();
        type Earlier = (Option<i64>, Option<i64>, Option<i64>);
        let earlier: Vec<Earlier> = earlier
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let none = (None, None, None);
        let (second, fifth) = ((Some(10), Some(10), None), (Some(20), Some(20), Some(10)));
        assert_eq!(earlier, [none, second, none, none, fifth, none]);

        let mut places = db.prepare(entered::PLACES).unwrap();
        let mut rows = places.query([]).unwrap();
        let mut found = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let place = entered::read_place(row).unwrap();
            let user = String::from_utf8(place.user).unwrap();
            let origin = place.origin.map(|net| net.to_string()).unwrap_or_default();
            found.push((user, origin, place.first.0, place.last.0, place.count));
        }
        found.sort();
        let row = |user: &str, origin: &str, first, last, count| {
            (user.to_owned(), origin.to_owned(), first, last, count)
        };
        let wanted = [
            row("", "", 60, 60, 1),
            row("alice", "", 10, 50, 3),
            row("alice", "192.0.2.0/24", 10, 50, 3),
            row("alice", "192.0.2.1", 10, 50, 2),
            row("alice", "192.0.2.9", 20, 20, 1),
            row("bob", "", 30, 30, 1),
            row("bob", "2001:db8::/48", 30, 30, 1),
            row("bob", "2001:db8::1", 30, 30, 1),
        ];
        assert_eq!(found, wanted);
    }
}

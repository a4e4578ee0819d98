//! fail2ban's own database, read and never written: who is banned there and who was.
//!
//! Its forms 1 and 2 (before 0.11) have the table `bans` only, and no ban time in it; later ones
//! have `bips` with the last ban of each address and jail as well.

use std::fmt;
use std::path::Path;

use monban_model::limits::{FAIL2BAN_ROW_TEXT_MAX, FAIL2BAN_ROWS_MAX, PATH_MAX};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use crate::reader;

/// Largest value that SQLite makes or reads here, in bytes: fail2ban keeps matched lines in it.
const VALUE_MAX: i32 = 64 * 1024 * 1024;

/// Why fail2ban's database cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fail2banError {
    /// It is not there.
    Missing,
    /// It is something else.
    Foreign(String),
    /// SQLite cannot read it.
    Unreadable(String),
}

impl fmt::Display for Fail2banError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there is no such file"),
            Self::Foreign(why) => write!(f, "this is not fail2ban's database: {why}"),
            Self::Unreadable(why) => write!(f, "it cannot be read: {why}"),
        }
    }
}

impl std::error::Error for Fail2banError {}

impl From<rusqlite::Error> for Fail2banError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// One ban of fail2ban, as it was written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fail2banBan<'a> {
    /// The jail's name.
    pub jail: &'a str,
    /// Who: an address, or whatever else the filter took for an ID.
    pub ip: &'a str,
    /// When, in seconds since 1970.
    pub time_s: i64,
    /// For how long.
    pub length: Fail2banLength,
    /// The how many-th ban it is.
    pub count: u32,
}

/// How long a ban of fail2ban lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fail2banLength {
    /// So many seconds.
    Seconds(i64),
    /// It does not end.
    Forever,
    /// As the jail says.
    OfJail,
}

/// How far a jail of fail2ban had read a log, as it was written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fail2banLog<'a> {
    /// The jail's name.
    pub jail: &'a str,
    /// The path of a file, or `systemd-journal`.
    pub path: &'a str,
    /// The MD5 of the first line of a file with its end, in hexadecimal digits, or its SHA-1
    /// (versions with Python 3 until 1.0); empty if there was none yet. Of the journal it is a
    /// time that people read.
    pub first_line: &'a str,
    /// The offset of the first byte that was not read; of the journal the time of the last entry
    /// that was, in seconds since 1970.
    pub position: f64,
}

/// What was read of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fail2banRows {
    /// Rows that were given out.
    pub read: u64,
    /// Rows that hold something else than fail2ban writes.
    pub unreadable: u64,
    /// Whether there are more than [`FAIL2BAN_ROWS_MAX`].
    pub more: bool,
}

/// fail2ban's database, open.
#[derive(Debug)]
pub struct Fail2banBans {
    db: Connection,
}

impl Fail2banBans {
    /// Opens it. A server of fail2ban that has it open does not mind, and is waited for while it
    /// writes.
    ///
    /// # Errors
    /// See [`Fail2banError`].
    pub fn open(path: &Path) -> Result<Self, Fail2banError> {
        match std::fs::metadata(path) {
            Ok(file) if file.is_file() => {}
            Ok(_) => return Err(Fail2banError::Foreign("it is not a plain file".to_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Fail2banError::Missing);
            }
            Err(error) => return Err(Fail2banError::Unreadable(error.to_string())),
        }
        // Where SQLite cannot lock (a copy on a read-only disk), nobody else writes either.
        let opened = reader::connect(path, "mode=ro");
        let opened = opened.or_else(|_| reader::connect(path, "mode=ro&immutable=1"));
        let db = opened.map_err(|error| Fail2banError::Unreadable(error.to_string()))?;
        db.set_limit(Limit::SQLITE_LIMIT_LENGTH, VALUE_MAX)?;
        let found = Self { db };
        if !found.has_table("bans")? {
            return Err(Fail2banError::Foreign("it has no table `bans`".to_owned()));
        }
        Ok(found)
    }

    /// Whether [`Fail2banBans::last`] tells anything: not in the forms before 0.11.
    ///
    /// # Errors
    /// The tables cannot be read.
    pub fn has_last(&self) -> Result<bool, Fail2banError> {
        self.has_table("bips")
    }

    /// The last ban of each address in each jail; none in the forms before 0.11.
    ///
    /// # Errors
    /// The table cannot be read.
    pub fn last(
        &self,
        take: &mut dyn FnMut(Fail2banBan<'_>),
    ) -> Result<Fail2banRows, Fail2banError> {
        if self.has_last()? { self.table("bips", take) } else { Ok(Fail2banRows::default()) }
    }

    /// All bans that are not forgotten yet, newest first.
    ///
    /// # Errors
    /// The table cannot be read.
    pub fn all(
        &self,
        take: &mut dyn FnMut(Fail2banBan<'_>),
    ) -> Result<Fail2banRows, Fail2banError> {
        self.table("bans", take)
    }

    /// How far each log was read, the newest first; none in the forms before 0.9.
    ///
    /// # Errors
    /// The table cannot be read.
    pub fn logs(
        &self,
        take: &mut dyn FnMut(Fail2banLog<'_>),
    ) -> Result<Fail2banRows, Fail2banError> {
        if !self.has_table("logs")? {
            return Ok(Fail2banRows::default());
        }
        let sql = "SELECT jail, path, firstlinemd5, lastfilepos FROM logs ORDER BY rowid DESC";
        self.rows(sql, |row| log(row).map(&mut *take))
    }

    /// A view or a virtual table of this name could do anything.
    fn has_table(&self, name: &str) -> Result<bool, Fail2banError> {
        let sql = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?
                   AND sql LIKE 'CREATE TABLE %'";
        let count: i64 = self.db.query_row(sql, [name], |row| row.get(0))?;
        Ok(count == 1)
    }

    fn has_column(&self, table: &str, column: &str) -> Result<bool, Fail2banError> {
        let sql = "SELECT count(*) FROM pragma_table_info(?) WHERE name = ?";
        let count: i64 = self.db.query_row(sql, [table, column], |row| row.get(0))?;
        Ok(count > 0)
    }

    fn table(
        &self,
        table: &str,
        take: &mut dyn FnMut(Fail2banBan<'_>),
    ) -> Result<Fail2banRows, Fail2banError> {
        let or = |column: &'static str, default: &'static str| {
            Ok::<_, Fail2banError>(match self.has_column(table, column)? {
                true => column,
                false => default,
            })
        };
        let (length, count) = (or("bantime", "-2")?, or("bancount", "1")?);
        let sql = format!(
            "SELECT jail, ip, timeofban, {length}, {count} FROM {table} ORDER BY rowid DESC"
        );
        self.rows(&sql, |row| ban(row).map(&mut *take))
    }

    /// Reads rows; `take` gives `None` for one that makes no sense.
    fn rows(
        &self,
        sql: &str,
        mut take: impl FnMut(&Row<'_>) -> Option<()>,
    ) -> Result<Fail2banRows, Fail2banError> {
        let mut statement = self.db.prepare(sql)?;
        let mut rows = statement.query([])?;
        let mut found = Fail2banRows::default();
        while let Some(row) = rows.next()? {
            if found.read + found.unreadable >= u64::from(FAIL2BAN_ROWS_MAX) {
                found.more = true;
                break;
            }
            match take(row) {
                Some(()) => found.read += 1,
                None => found.unreadable += 1,
            }
        }
        Ok(found)
    }
}

fn log<'r>(row: &'r Row<'_>) -> Option<Fail2banLog<'r>> {
    let first_line = match row.get_ref(2).ok()? {
        ValueRef::Null => "",
        value => value.as_str().ok().filter(|text| text.len() <= FAIL2BAN_ROW_TEXT_MAX)?,
    };
    let position = match row.get_ref(3).ok()? {
        ValueRef::Integer(number) => number as f64,
        ValueRef::Real(real) => real,
        _ => return None,
    };
    // Beyond 2^53 it was never an offset or a time.
    let makes_sense = (0.0..9e15).contains(&position);
    let path = row.get_ref(1).ok()?.as_str().ok().filter(|path| path.len() <= PATH_MAX)?;
    makes_sense.then_some(Fail2banLog { jail: text(row, 0)?, path, first_line, position })
}

fn ban<'r>(row: &'r Row<'_>) -> Option<Fail2banBan<'r>> {
    Some(Fail2banBan {
        jail: text(row, 0)?,
        ip: text(row, 1)?,
        time_s: number(row, 2)?,
        length: match number(row, 3)? {
            -1 => Fail2banLength::Forever,
            length if length < 0 => Fail2banLength::OfJail,
            length => Fail2banLength::Seconds(length),
        },
        count: u32::try_from(number(row, 4)?).ok()?,
    })
}

fn text<'r>(row: &'r Row<'_>, at: usize) -> Option<&'r str> {
    let text = row.get_ref(at).ok()?.as_str().ok()?;
    (!text.is_empty() && text.len() <= FAIL2BAN_ROW_TEXT_MAX).then_some(text)
}

/// A whole number; older versions wrote times with their fractions.
fn number(row: &Row<'_>, at: usize) -> Option<i64> {
    match row.get_ref(at).ok()? {
        ValueRef::Integer(number) => Some(number),
        // Beyond 2^53 it was never a time.
        ValueRef::Real(real) if real.abs() < 9e15 => Some(real as i64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    const FORM_4: &str = "
        CREATE TABLE bans(jail TEXT NOT NULL, ip TEXT, timeofban INTEGER NOT NULL,
            bantime INTEGER NOT NULL, bancount INTEGER NOT NULL default 1, data JSON);
        CREATE TABLE bips(ip TEXT NOT NULL, jail TEXT NOT NULL, timeofban INTEGER NOT NULL,
            bantime INTEGER NOT NULL, bancount INTEGER NOT NULL default 1, data JSON,
            PRIMARY KEY(ip, jail));";

    fn made(sql: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a b?.sqlite3");
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        (folder, path)
    }

    fn last(path: &Path) -> (Vec<String>, Fail2banRows) {
        let mut found = Vec::new();
        let bans = Fail2banBans::open(path).unwrap();
        let rows = bans
            .last(&mut |ban| {
                let Fail2banBan { jail, ip, time_s, length, count } = ban;
                found.push(format!("{jail} {ip} {time_s} {length:?} {count}"));
            })
            .unwrap();
        (found, rows)
    }

    #[test]
    fn bans_are_read_as_they_are_and_what_is_none_is_counted() {
        let (_folder, path) = made(&format!(
            "{FORM_4}
             INSERT INTO bips VALUES ('192.0.2.1', 'sshd', 1000, 600, 2, NULL),
                ('192.0.2.2', 'sshd', 1000.75, -1, 1, '{{}}'), ('192.0.2.3', 'sshd', 1, -2, 1, 1),
                ('192.0.2.4', 'sshd', 'soon', 600, 1, 1), (x'ff', 'sshd', 1, 600, 1, 1),
                ('192.0.2.5', 'sshd', 1, 600, -4, 1), ('192.0.2.6', 'sshd', 1e300, 600, 1, 1),
                ('192.0.2.7', '', 1, 1, 1, 1), (printf('%.*c', 1000000, 'x'), 'sshd', 1, 1, 1, 1)"
        ));
        let (found, rows) = last(&path);
        let expected = [
            "sshd 192.0.2.3 1 OfJail 1",
            "sshd 192.0.2.2 1000 Forever 1",
            "sshd 192.0.2.1 1000 Seconds(600) 2",
        ];
        assert_eq!(found, expected);
        assert_eq!(rows, Fail2banRows { read: 3, unreadable: 6, more: false });
    }

    #[test]
    fn positions_of_logs_are_read_as_they_are() {
        let (_folder, path) = made(&format!(
            "{FORM_4}
             CREATE TABLE logs(jail TEXT NOT NULL, path TEXT, firstlinemd5 TEXT,
                lastfilepos INTEGER DEFAULT 0, UNIQUE(jail, path));
             INSERT INTO logs VALUES ('a', '/one', 'abc', 5), ('a', '/two', NULL, 0),
                ('b', 'systemd-journal', '2026', 1700000000.25), ('b', '/x', 'abc', -1),
                ('b', '/y', 'abc', 1e300), ('b', '/z', 'abc', 'far'), (x'ff', '/', '', 1),
                ('b', printf('%.*c', 5000, 'x'), '', 1)"
        ));
        let mut found = Vec::new();
        let mut take = |log: Fail2banLog<'_>| {
            let Fail2banLog { jail, path, first_line, position } = log;
            found.push(format!("{jail} {path} {first_line:?} {position}"));
        };
        let rows = Fail2banBans::open(&path).unwrap().logs(&mut take).unwrap();
        let journal = "b systemd-journal \"2026\" 1700000000.25";
        assert_eq!(found, [journal, "a /two \"\" 0", "a /one \"abc\" 5"]);
        assert_eq!(rows, Fail2banRows { read: 3, unreadable: 5, more: false });
        let (_folder, path) = made(FORM_4);
        let none = Fail2banBans::open(&path).unwrap().logs(&mut |_| {}).unwrap();
        assert_eq!(none, Fail2banRows::default());
    }

    #[test]
    fn what_is_not_its_database_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        assert_eq!(Fail2banBans::open(&path).unwrap_err(), Fail2banError::Missing);
        for content in [&b"not a database, but long enough to be read as one"[..], &[0; 5000]] {
            std::fs::write(&path, content).unwrap();
            let refused = Fail2banBans::open(&path).unwrap_err();
            assert!(matches!(refused, Fail2banError::Unreadable(_)), "{refused:?}");
        }
        let refused = Fail2banBans::open(folder.path()).unwrap_err();
        assert!(matches!(refused, Fail2banError::Foreign(_)), "{refused:?}");
        let endless = "CREATE VIEW bans AS WITH RECURSIVE n(x) AS
             (SELECT 1 UNION ALL SELECT x + 1 FROM n)
             SELECT 'a' jail, 'b' ip, x timeofban FROM n";
        for foreign in ["CREATE TABLE other(a)", endless] {
            let (_folder, path) = made(foreign);
            let refused = Fail2banBans::open(&path).unwrap_err();
            assert!(matches!(refused, Fail2banError::Foreign(_)), "{refused:?}");
        }
    }

    #[test]
    fn a_million_rows_are_read_in_little_time() {
        let (_folder, path) = made(&format!(
            "{FORM_4}
             WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 1000000)
             INSERT INTO bans SELECT 'sshd', '192.0.2.1', x, 600, 1, NULL FROM n"
        ));
        let started = Instant::now();
        let mut newest = None;
        let bans = Fail2banBans::open(&path).unwrap();
        let rows = bans.all(&mut |ban| newest = newest.max(Some(ban.time_s))).unwrap();
        assert_eq!((rows.read, newest), (1_000_000, Some(1_000_000)));
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }

    /// Databases that old versions wrote, from fail2ban's own tests.
    #[test]
    fn older_forms_have_bans_only() {
        let folder = "/usr/lib/python3/dist-packages/fail2ban/tests/files";
        let folder = std::env::var("MONBAN_FAIL2BAN_DATABASES").unwrap_or(folder.to_owned());
        for (name, first, count) in [
            ("database_v1.db", "127.0.0.1 1388009242", 1),
            ("database_v2.db", "1.2.3.8 1417596235", 2),
        ] {
            let path = Path::new(&folder).join(name);
            if !path.exists() {
                println!("left out: {} is missing", path.display());
                return;
            }
            let mut found = Vec::new();
            let bans = Fail2banBans::open(&path).unwrap();
            let rows = bans.all(&mut |ban| found.push(format!("{} {}", ban.ip, ban.time_s)));
            assert_eq!((rows.unwrap().read, found[0].as_str()), (count, first));
            assert_eq!(last(&path).1, Fail2banRows::default());
        }
    }
}

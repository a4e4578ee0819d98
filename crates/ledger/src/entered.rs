//! Logins, findings about this host, and the places that accounts came in from, as rows.

use monban_model::{Earlier, HostFinding, Login, PlaceRow, Severity, Stamp, ToldBy};
use rusqlite::types::FromSql;
use rusqlite::{CachedStatement, Connection, Row};

use crate::records::{Flat, bytes, read_evidence, read_values};
use crate::words::{Typed, net_of, net_word, unknown};
use crate::{LedgerError, state};

pub(crate) const INSERT_LOGIN: &str = "INSERT INTO logins VALUES (?, ?, ?, ?, ?, ?, ?)";

pub(crate) const PLACES: &str = "SELECT service, user, origin, first, last, count FROM places";

impl<'a> Flat<'a> {
    pub(crate) fn entered(&mut self, login: &'a Login) {
        (self.event, self.what) = ("entered", login.told_by.word());
        self.subject = login.subject.map(|subject| subject.to_string());
        self.address = login.address.map(|address| address.to_string());
        self.service = Some(&login.service);
        self.user = login.user.as_deref().map(Typed);
        self.method = login.method.as_deref().map(Typed);
        self.failures = Some(login.failures);
        self.lines = i64::try_from(login.evidence.len()).ok();
    }

    pub(crate) fn found_here(&mut self, finding: &'a HostFinding) {
        (self.event, self.what) = ("here", &finding.key);
        self.service = Some(&finding.service);
        self.user = finding.user.as_deref().map(Typed);
        self.detail = Some(finding.severity.word().to_owned());
        self.lines = i64::try_from(finding.evidence.len()).ok();
    }
}

/// Writes what of a login has no column among the records.
pub(crate) fn write_login(
    statement: &mut CachedStatement<'_>,
    seq: i64,
    login: &Login,
) -> Result<(), LedgerError> {
    let Earlier { ever, network, address } = login.earlier;
    let typed = |bytes: &'_ Option<Vec<u8>>| bytes.clone();
    let [by, key, terminal] = [&login.by, &login.key, &login.terminal].map(typed);
    statement.execute((
        seq,
        by.as_deref().map(Typed),
        key.as_deref().map(Typed),
        terminal.as_deref().map(Typed),
        ever.map(|time| time.0),
        network.map(|time| time.0),
        address.map(|time| time.0),
    ))?;
    Ok(())
}

/// The login of a record's row.
pub(crate) fn read_login(db: &Connection, seq: i64, row: &Row<'_>) -> Result<Login, LedgerError> {
    let word: String = row.get("what")?;
    let told_by = ToldBy::ALL.into_iter().find(|told| told.word() == word);
    let mut login = Login {
        user: bytes(row, "user")?,
        by: None,
        address: parsed(row, "address")?,
        subject: parsed(row, "subject")?,
        service: row.get("service")?,
        method: bytes(row, "method")?,
        key: None,
        terminal: None,
        told_by: told_by.ok_or_else(|| unknown("witness of a login", &word))?,
        earlier: Earlier::default(),
        failures: row.get("failures")?,
        evidence: read_evidence(db, seq)?,
    };
    let mut statement = db.prepare_cached("SELECT * FROM logins WHERE seq = ?")?;
    let mut rows = statement.query([seq])?;
    if let Some(row) = rows.next()? {
        login.by = bytes(row, "by")?;
        login.key = bytes(row, "key")?;
        login.terminal = bytes(row, "terminal")?;
        let time = |name| optional::<i64>(row, name).map(|time| time.map(Stamp));
        login.earlier = Earlier {
            ever: time("last_ever")?,
            network: time("last_network")?,
            address: time("last_address")?,
        };
    }
    Ok(login)
}

/// The finding about this host of a record's row.
pub(crate) fn read_found_here(
    db: &Connection,
    seq: i64,
    row: &Row<'_>,
) -> Result<HostFinding, LedgerError> {
    let word: String = row.get("detail")?;
    let severity = Severity::ALL.into_iter().find(|severity| severity.word() == word);
    Ok(HostFinding {
        key: row.get("what")?,
        severity: severity.ok_or_else(|| unknown("severity", &word))?,
        service: row.get("service")?,
        user: bytes(row, "user")?,
        values: read_values(db, seq)?,
        evidence: read_evidence(db, seq)?,
    })
}

/// Writes from where an account came in.
pub(crate) fn write_place(db: &Connection, row: &PlaceRow) -> Result<(), LedgerError> {
    let origin = row.origin.map(net_word).unwrap_or_default();
    state::run(
        db,
        "INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?, ?)",
        &[
            &row.service,
            &Typed(&row.user),
            &origin,
            &row.first.0,
            &row.last.0,
            &row.count.cast_signed(),
        ],
    )
}

/// Forgets from where an account came in.
pub(crate) fn drop_place(
    db: &Connection,
    (service, user, origin): (&str, &[u8], Option<monban_model::Net>),
) -> Result<(), LedgerError> {
    let origin = origin.map(net_word).unwrap_or_default();
    let delete = "DELETE FROM places WHERE service = ? AND user = ? AND origin = ?";
    state::run(db, delete, &[&service, &Typed(user), &origin])
}

/// A row of [`PLACES`].
pub(crate) fn read_place(row: &Row<'_>) -> Result<PlaceRow, LedgerError> {
    let origin: String = row.get(2)?;
    Ok(PlaceRow {
        service: row.get(0)?,
        user: bytes(row, "user")?.unwrap_or_default(),
        origin: (!origin.is_empty()).then(|| net_of(&origin)).transpose()?,
        first: Stamp(row.get(3)?),
        last: Stamp(row.get(4)?),
        count: row.get::<_, i64>(5)?.cast_unsigned(),
    })
}

fn optional<T: FromSql>(row: &Row<'_>, name: &str) -> Result<Option<T>, LedgerError> {
    Ok(row.get(name)?)
}

pub(crate) fn parsed<T: std::str::FromStr>(
    row: &Row<'_>,
    name: &str,
) -> Result<Option<T>, LedgerError> {
    let text: Option<String> = optional(row, name)?;
    text.map(|text| text.parse().map_err(|_| unknown(name, &text))).transpose()
}

//! Records and rows: one flat row per record, its evidence and values beside it.

use monban_model::{
    AlarmChange, Decision, Event, Evidence, Finding, Notice, Order, OrderAct, OrderId, Outcome,
    Record, Scope, Seq, Stamp, Verdict,
};
use rusqlite::{CachedStatement, Connection, Row, params};

use crate::words::{
    Typed, because_of, because_words, finding_of, result_of, scope_of, scope_word, unknown,
};
use crate::{LedgerError, alarms, entered};

/// What adds records within one transaction.
pub(crate) struct Inserts<'t> {
    record: CachedStatement<'t>,
    evidence: CachedStatement<'t>,
    value: CachedStatement<'t>,
    login: CachedStatement<'t>,
    db: &'t Connection,
}

impl<'t> Inserts<'t> {
    pub(crate) fn new(db: &'t Connection) -> Result<Self, LedgerError> {
        let record = "INSERT INTO records (seq, time, event, what, subject, address, service, \
                      user, method, policy, failures, window_s, first, last, lines, scope, \
                      until, because, detail, finding, order_id, earlier) VALUES \
                      (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        Ok(Self {
            record: db.prepare_cached(record)?,
            evidence: db.prepare_cached("INSERT INTO evidence VALUES (?, ?, ?, ?, ?, ?)")?,
            value: db.prepare_cached("INSERT INTO notice_values VALUES (?, ?, ?, ?)")?,
            login: db.prepare_cached(entered::INSERT_LOGIN)?,
            db,
        })
    }

    /// Adds a record. A number that is taken, or that SQLite cannot hold, is refused.
    pub(crate) fn add(&mut self, record: &Record) -> Result<(), LedgerError> {
        let seq = seq_number(record.seq)?;
        let mut flat = Flat::default();
        match &record.event {
            Event::Found(finding) => flat.found(finding),
            Event::Decided(decision) => flat.decided(decision)?,
            Event::Ordered(order) => flat.ordered(order),
            Event::Happened(outcome) => flat.happened(outcome),
            Event::Entered(login) => flat.entered(login),
            Event::FoundHere(finding) => flat.found_here(finding),
            Event::Noticed(notice) => (flat.event, flat.what) = ("noticed", &notice.key),
            Event::Alarmed(change) => flat.alarmed(change),
        }
        flat.insert(&mut self.record, seq, record.time)?;
        match &record.event {
            Event::Found(finding) => self.add_evidence(seq, &finding.evidence),
            Event::Entered(login) => {
                entered::write_login(&mut self.login, seq, login)?;
                self.add_evidence(seq, &login.evidence)
            }
            Event::FoundHere(finding) => {
                self.add_values(seq, &finding.values)?;
                self.add_evidence(seq, &finding.evidence)
            }
            Event::Noticed(notice) => self.add_values(seq, &notice.values),
            Event::Alarmed(change) => {
                self.add_evidence(seq, &change.samples)?;
                alarms::add(self.db, seq, change)
            }
            _ => Ok(()),
        }
    }

    fn add_evidence(&mut self, seq: i64, evidence: &[Evidence]) -> Result<(), LedgerError> {
        for (n, one) in (0_i64..).zip(evidence) {
            let row = (seq, n, one.time.0, &one.rule, one.weight, Typed(&one.line));
            self.evidence.execute(row)?;
        }
        Ok(())
    }

    fn add_values(&mut self, seq: i64, values: &[(String, String)]) -> Result<(), LedgerError> {
        for (n, (name, value)) in (0_i64..).zip(values) {
            self.value.execute((seq, n, name, value))?;
        }
        Ok(())
    }
}

/// The columns of `records` in the order in which [`read`] wants them.
pub(crate) const COLUMNS: &str = "seq, time, event, what, subject, address, service, user, \
    method, policy, failures, window_s, first, last, scope, until, because, detail, finding, \
    order_id, earlier";

/// The record of a row, with its evidence and values.
pub(crate) fn read(db: &Connection, row: &Row<'_>) -> Result<Record, LedgerError> {
    let seq: i64 = row.get("seq")?;
    let event: String = row.get("event")?;
    let event = match event.as_str() {
        "found" => Event::Found(Box::new(read_finding(db, seq, row)?)),
        "entered" => Event::Entered(Box::new(entered::read_login(db, seq, row)?)),
        "here" => Event::FoundHere(Box::new(entered::read_found_here(db, seq, row)?)),
        "decided" => Event::Decided(read_decision(row)?),
        "ordered" => Event::Ordered(read_order(row)?),
        "happened" => Event::Happened(Outcome {
            order: OrderId(row.get::<_, i64>("order_id")?.cast_unsigned()),
            subject: subject(row)?,
            result: result_of(&row.get::<_, String>("what")?, row.get("detail")?)?,
        }),
        "noticed" => {
            Event::Noticed(Notice { key: row.get("what")?, values: read_values(db, seq)? })
        }
        "alarmed" => Event::Alarmed(Box::new(alarms::told(db, seq)?)),
        other => return Err(unknown("event", other)),
    };
    Ok(Record { seq: Seq(seq.cast_unsigned()), time: Stamp(row.get("time")?), event })
}

/// A record's number as SQLite's row number.
pub(crate) fn seq_number(seq: Seq) -> Result<i64, LedgerError> {
    i64::try_from(seq.0).map_err(|_| LedgerError::Refused(format!("record number {}", seq.0)))
}

/// The columns between `time` and the end; what does not apply is NULL.
#[derive(Default)]
pub(crate) struct Flat<'a> {
    pub(crate) event: &'static str,
    pub(crate) what: &'a str,
    pub(crate) subject: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) service: Option<&'a str>,
    pub(crate) user: Option<Typed<'a>>,
    pub(crate) method: Option<Typed<'a>>,
    policy: Option<&'a str>,
    pub(crate) failures: Option<u32>,
    window_s: Option<i64>,
    first: Option<i64>,
    last: Option<i64>,
    pub(crate) lines: Option<i64>,
    scope: Option<String>,
    until: Option<i64>,
    because: Option<&'static str>,
    pub(crate) detail: Option<String>,
    finding: Option<i64>,
    order_id: Option<i64>,
    earlier: Option<u32>,
}

impl<'a> Flat<'a> {
    fn found(&mut self, finding: &'a Finding) {
        (self.event, self.what) = ("found", finding.kind.word());
        self.subject = Some(finding.subject.to_string());
        self.address = Some(finding.address.to_string());
        self.service = Some(&finding.service);
        self.user = finding.user.as_deref().map(Typed);
        self.method = finding.method.as_deref().map(Typed);
        self.policy = Some(&finding.policy);
        self.failures = Some(finding.failures);
        self.window_s = Some(finding.window_s.cast_signed());
        self.first = Some(finding.first.0);
        self.last = Some(finding.last.0);
        self.lines = i64::try_from(finding.evidence.len()).ok();
    }

    fn decided(&mut self, decision: &'a Decision) -> Result<(), LedgerError> {
        self.event = "decided";
        self.what = match decision.verdict {
            Verdict::Block { until } => {
                self.until = until.map(|stamp| stamp.0);
                "block"
            }
            Verdict::Free => "free",
            Verdict::Nothing => "nothing",
        };
        self.subject = Some(decision.subject.to_string());
        self.scope = Some(scope_word(&decision.scope));
        let (because, detail) = because_words(&decision.because);
        (self.because, self.detail) = (Some(because), detail);
        self.finding = decision.finding.map(seq_number).transpose()?;
        self.policy = Some(&decision.policy);
        self.earlier = Some(decision.earlier);
        Ok(())
    }

    fn ordered(&mut self, order: &'a Order) {
        self.event = "ordered";
        self.subject = Some(order.subject.to_string());
        self.order_id = Some(order.id.0.cast_signed());
        self.what = match &order.act {
            OrderAct::Block { scope, until } => {
                self.scope = Some(scope_word(scope));
                self.until = until.map(|stamp| stamp.0);
                "block"
            }
            OrderAct::Free => "free",
        };
    }

    fn happened(&mut self, outcome: &'a Outcome) {
        let (what, detail) = outcome.result.words();
        (self.event, self.what) = ("happened", what);
        self.detail = detail.map(str::to_owned);
        self.subject = Some(outcome.subject.to_string());
        self.order_id = Some(outcome.order.0.cast_signed());
    }

    fn alarmed(&mut self, change: &'a AlarmChange) {
        (self.event, self.what) = ("alarmed", change.new.word());
        self.detail = Some(change.alarm.clone());
        self.lines = i64::try_from(change.samples.len()).ok();
    }

    /// In the order of the columns in [`Inserts::new`].
    fn insert(
        &self,
        statement: &mut CachedStatement<'_>,
        seq: i64,
        time: Stamp,
    ) -> Result<(), LedgerError> {
        statement.execute(params![
            seq,
            time.0,
            self.event,
            self.what,
            self.subject,
            self.address,
            self.service,
            self.user,
            self.method,
            self.policy,
            self.failures,
            self.window_s,
            self.first,
            self.last,
            self.lines,
            self.scope,
            self.until,
            self.because,
            self.detail,
            self.finding,
            self.order_id,
            self.earlier,
        ])?;
        Ok(())
    }
}

fn read_finding(db: &Connection, seq: i64, row: &Row<'_>) -> Result<Finding, LedgerError> {
    let address: String = row.get("address")?;
    Ok(Finding {
        kind: finding_of(&row.get::<_, String>("what")?)?,
        subject: subject(row)?,
        address: address.parse().map_err(|_| unknown("address", &address))?,
        service: row.get("service")?,
        user: bytes(row, "user")?,
        method: bytes(row, "method")?,
        policy: row.get("policy")?,
        failures: row.get("failures")?,
        window_s: row.get::<_, i64>("window_s")?.cast_unsigned(),
        first: Stamp(row.get("first")?),
        last: Stamp(row.get("last")?),
        evidence: read_evidence(db, seq)?,
    })
}

fn read_decision(row: &Row<'_>) -> Result<Decision, LedgerError> {
    let what: String = row.get("what")?;
    Ok(Decision {
        subject: subject(row)?,
        verdict: match what.as_str() {
            "block" => Verdict::Block { until: until(row)? },
            "free" => Verdict::Free,
            "nothing" => Verdict::Nothing,
            other => return Err(unknown("verdict", other)),
        },
        scope: scope(row)?,
        because: because_of(&row.get::<_, String>("because")?, row.get("detail")?)?,
        finding: row.get::<_, Option<i64>>("finding")?.map(|seq| Seq(seq.cast_unsigned())),
        policy: row.get("policy")?,
        earlier: row.get("earlier")?,
    })
}

fn read_order(row: &Row<'_>) -> Result<Order, LedgerError> {
    let what: String = row.get("what")?;
    Ok(Order {
        id: OrderId(row.get::<_, i64>("order_id")?.cast_unsigned()),
        subject: subject(row)?,
        act: match what.as_str() {
            "block" => OrderAct::Block { scope: scope(row)?, until: until(row)? },
            "free" => OrderAct::Free,
            other => return Err(unknown("order", other)),
        },
    })
}

/// A column of what a stranger typed.
pub(crate) fn bytes(row: &Row<'_>, name: &str) -> Result<Option<Vec<u8>>, LedgerError> {
    let bytes = row.get_ref(name)?.as_bytes_or_null();
    let bytes = bytes.map_err(|error| LedgerError::Unreadable(error.to_string()))?;
    Ok(bytes.map(<[u8]>::to_vec))
}

pub(crate) fn read_evidence(db: &Connection, seq: i64) -> Result<Vec<Evidence>, LedgerError> {
    let mut statement = db
        .prepare_cached("SELECT time, rule, weight, line FROM evidence WHERE seq = ? ORDER BY n")?;
    let mut rows = statement.query([seq])?;
    let mut evidence = Vec::new();
    while let Some(row) = rows.next()? {
        let line = row.get_ref(3)?.as_bytes();
        evidence.push(Evidence {
            time: Stamp(row.get(0)?),
            rule: row.get(1)?,
            weight: row.get(2)?,
            line: line.map_err(|error| LedgerError::Unreadable(error.to_string()))?.to_vec(),
        });
    }
    Ok(evidence)
}

pub(crate) fn read_values(db: &Connection, seq: i64) -> Result<Vec<(String, String)>, LedgerError> {
    let mut statement =
        db.prepare_cached("SELECT name, value FROM notice_values WHERE seq = ? ORDER BY n")?;
    let values = statement.query_map([seq], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(values.collect::<Result<_, _>>()?)
}

fn subject(row: &Row<'_>) -> Result<monban_model::Subject, LedgerError> {
    let text: String = row.get("subject")?;
    text.parse().map_err(|_| unknown("subject", &text))
}

fn scope(row: &Row<'_>) -> Result<Scope, LedgerError> {
    scope_of(&row.get::<_, String>("scope")?)
}

fn until(row: &Row<'_>) -> Result<Option<Stamp>, LedgerError> {
    Ok(row.get::<_, Option<i64>>("until")?.map(Stamp))
}

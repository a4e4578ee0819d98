//! Into monban: through the daemon where it runs, else into the ledger itself, which the folder's
//! lock then keeps for this process alone.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use monban_ledger::{Batch, Ledger};
use monban_model::wire::{Reply, Request};
use monban_model::{
    Because, BlockRow, Decision, Event, HistoryRow, Notice, Record, Scope, Seq, Stamp, StateRow,
    Subject, Verdict,
};
use rustix::fs::FlockOperation;
use rustix::thread::CapabilitySet;
use serde_json::Value;

use super::bans::{Block, Taken};
use crate::commands::{Context, ask};
use crate::place::watcher_uid;
use crate::roles::sandbox;

/// Orders that are under way to the daemon at once; it takes 32.
const AT_ONCE: usize = 16;

/// Blocks that are committed at once.
const PER_COMMIT: usize = 5000;

/// How the bans came in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Put {
    /// Blocks that monban has now.
    pub blocks: usize,
    /// Blocks that it refused.
    pub refused: usize,
    /// Subjects whose earlier bans it knows now.
    pub history: usize,
    /// Whether the daemon took them.
    pub by_daemon: bool,
}

/// What monban blocks, from a process that gives up its rights to read the ledger. Nothing if
/// there is none.
pub fn blocked(context: &Context<'_>) -> HashMap<Subject, Option<Stamp>> {
    let mut command = Command::new("/proc/self/exe");
    command.arg("bans").arg("--json").arg("--state").arg(&context.place.state);
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
    let text = output.map(|output| output.stdout).unwrap_or_default();
    let shown: Value = serde_json::from_slice(&text).unwrap_or_default();
    let blocks = shown["blocks"].as_array().map(Vec::as_slice).unwrap_or_default();
    let one = |block: &Value| {
        let subject = block["subject"].as_str()?.parse().ok()?;
        let until = match &block["until"] {
            Value::Null => None,
            until => Some(Stamp(until.as_str()?.parse::<Timestamp>().ok()?.as_millisecond())),
        };
        Some((subject, until))
    };
    blocks.iter().filter_map(one).collect()
}

/// Puts them in. Rights are given up on the way if no daemon runs: nothing else can be done
/// afterwards than to say what came of it.
///
/// # Errors
/// A text for people.
pub fn put(
    context: &Context<'_>,
    taken: &Taken,
    database: &str,
    now: Stamp,
) -> Result<Put, String> {
    match ask::ask(context, &Request::Status)? {
        Some(_) => through_daemon(context, taken, now),
        None => into_ledger(context, taken, database, now),
    }
}

/// The daemon knows no other way for blocks than an operator's word; history it takes none.
fn through_daemon(context: &Context<'_>, taken: &Taken, now: Stamp) -> Result<Put, String> {
    let requests: Vec<Request> = taken
        .blocks
        .iter()
        .map(|(subject, block)| {
            let left_s = |until: Stamp| (until.0.saturating_sub(now.0) / 1000).max(1);
            let for_s = block.until.map(|until| left_s(until).unsigned_abs());
            Request::Ban { subject: *subject, for_s, why: block.why() }
        })
        .collect();
    let next = AtomicUsize::new(0);
    let work = || -> Result<usize, String> {
        let mut done = 0;
        while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
            let reply = ask::ask(context, request)?;
            done += usize::from(matches!(reply, Some(Reply::Done { done: true, .. })));
        }
        Ok(done)
    };
    let blocks = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        let ends = threads.into_iter().map(|thread| thread.join().unwrap_or(Ok(0)));
        ends.sum::<Result<usize, String>>()
    })?;
    Ok(Put { blocks, refused: requests.len() - blocks, history: 0, by_daemon: true })
}

fn into_ledger(
    context: &Context<'_>,
    taken: &Taken,
    database: &str,
    now: Stamp,
) -> Result<Put, String> {
    let path = context.place.state.display().to_string();
    let failed = |error: &dyn std::fmt::Display| {
        let error = context.say.sentence(&error.to_string());
        context.say.text("import-ledger-failed", &[("path", &path), ("error", &error)])
    };
    let uid = watcher_uid();
    context.place.prepare(uid).map_err(|unfit| failed(&format!("{unfit:?}")))?;
    let lock = File::create(context.place.state.join("lock")).map_err(|error| failed(&error))?;
    let lock: OwnedFd = lock.into();
    rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive)
        .map_err(|error| failed(&error))?;
    let folder = become_watcher(context, uid).map_err(|error| failed(&error))?;
    let (mut ledger, saved) = Ledger::open(&folder).map_err(|error| failed(&error))?;
    let mut seq = saved.next_seq;
    let known: HashMap<Subject, HistoryRow> =
        saved.history.iter().map(|row| (row.subject, *row)).collect();
    let history: Vec<HistoryRow> =
        taken.history.values().map(|row| joined(*row, known.get(&row.subject))).collect();
    let mut commit = |batch: &Batch| ledger.commit(batch).map_err(|error| failed(&error));
    for rows in history.chunks(PER_COMMIT) {
        let state = rows.iter().copied().map(StateRow::History).collect();
        commit(&Batch { state, ..Batch::default() })?;
    }
    let blocks: Vec<(&Subject, &Block)> = taken.blocks.iter().collect();
    for part in blocks.chunks(PER_COMMIT) {
        let mut batch = Batch::default();
        for (subject, block) in part {
            batch.records.push(decided(next(&mut seq), now, **subject, block));
            batch.state.push(StateRow::Block(row(**subject, block)));
        }
        commit(&batch)?;
    }
    let put = Put { blocks: blocks.len(), refused: 0, history: history.len(), by_daemon: false };
    let record = Record { seq: next(&mut seq), time: now, event: noticed(database, put) };
    commit(&Batch { records: vec![record], ..Batch::default() })?;
    ledger.close().map_err(|error| failed(&error))?;
    Ok(put)
}

/// As the watcher does before it opens the ledger.
fn become_watcher(context: &Context<'_>, uid: Option<u32>) -> std::io::Result<PathBuf> {
    use std::os::unix::fs::MetadataExt;
    let corner = context.place.watcher();
    let folder = match uid {
        Some(uid) => {
            let gid = std::fs::metadata(&corner)?.gid();
            sandbox::become_nobody_in(&corner, (uid, gid))?;
            PathBuf::from("/")
        }
        None => corner,
    };
    sandbox::keep_capabilities(CapabilitySet::empty())?;
    sandbox::lock(&folder)?;
    Ok(folder)
}

fn next(seq: &mut Seq) -> Seq {
    let this = *seq;
    seq.0 += 1;
    this
}

fn joined(row: HistoryRow, known: Option<&HistoryRow>) -> HistoryRow {
    known.map_or(row, |known| HistoryRow {
        subject: row.subject,
        blocks: row.blocks.max(known.blocks),
        last: row.last.max(known.last),
    })
}

fn decided(seq: Seq, time: Stamp, subject: Subject, block: &Block) -> Record {
    let decision = Decision {
        subject,
        verdict: Verdict::Block { until: block.until },
        scope: Scope::All,
        because: Because::Operator(block.why()),
        finding: None,
        policy: String::new(),
        earlier: 0,
    };
    Record { seq, time, event: Event::Decided(decision) }
}

fn row(subject: Subject, block: &Block) -> BlockRow {
    BlockRow {
        subject,
        scope: Scope::All,
        since: block.since,
        until: block.until,
        policy: String::new(),
        why: block.why(),
    }
}

fn noticed(database: &str, put: Put) -> Event {
    let values = [
        ("path", database.to_owned()),
        ("blocks", put.blocks.to_string()),
        ("history", put.history.to_string()),
    ];
    let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Event::Noticed(Notice { key: "imported".to_owned(), values })
}

//! `monban status`.

use crate::out;
use std::process::ExitCode;

use monban_ledger::{LedgerError, Reader};
use monban_model::wire::{Mode, Reply, Request, StatusReply};
use monban_model::{BlockRow, PositionRow, Stamp};
use monban_views::{LocalClock, is_of_jail, printable, printable_lines, time_json};
use serde_json::{Value, json};

use super::ask::troubles_json;
use super::{Context, ask, ledger};
use crate::watch::{JAILS_ALONE_META, JailState, WATCHED_META, now, read_jail_states};

/// Something that the watcher counts since its start and keeps in the ledger.
struct Counter {
    /// Its name in the ledger.
    name: &'static str,
    /// Its name in JSON.
    json: &'static str,
    /// Its sentence.
    text: &'static str,
}

/// What is told when it is not zero; in JSON always.
const COUNTERS: [Counter; 5] = [
    Counter { name: "evicted.tallies", json: "evicted", text: "status-evicted" },
    Counter { name: "evicted.jails", json: "evicted_jails", text: "status-evicted-jails" },
    Counter { name: "lines.misplaced", json: "misplaced", text: "lines-misplaced" },
    Counter { name: "lines.echoes", json: "echoes", text: "lines-echoes" },
    Counter { name: "time.disbelieved", json: "disbelieved", text: "time-disbelieved" },
];

/// How far each of [`COUNTERS`] is.
#[derive(Default)]
struct Counters([u64; COUNTERS.len()]);

impl Counters {
    fn read(reader: &Reader) -> Result<Self, LedgerError> {
        let mut counters = Self::default();
        for (counter, count) in COUNTERS.iter().zip(&mut counters.0) {
            let text = reader.meta(counter.name)?;
            *count = text.and_then(|text| text.parse().ok()).unwrap_or(0);
        }
        Ok(counters)
    }
}

/// What the ledger says is blocked.
#[derive(Default)]
struct Blocks {
    /// By monban itself: they stand in the kernel, also while monban does not run.
    own: usize,
    /// By jails: their actions take them back when monban ends, and make them again at its start.
    of_jails: usize,
    /// Whether monban's own rules rest beside jails.
    jails_alone: bool,
}

impl Blocks {
    fn of(rows: &[BlockRow], time: Stamp, jails_alone: bool) -> Self {
        let lasting = rows.iter().filter(|row| row.until.is_none_or(|end| end > time));
        let (of_jails, own): (Vec<_>, Vec<_>) = lasting.partition(|row| is_of_jail(row));
        Self { own: own.len(), of_jails: of_jails.len(), jails_alone }
    }

    fn in_force(&self, is_running: bool) -> usize {
        self.own + if is_running { self.of_jails } else { 0 }
    }
}

/// How the guard stands. Exits 0 only once sources are open and the firewall is ready.
pub fn status(context: &Context<'_>) -> Result<ExitCode, String> {
    let clock = LocalClock::of_system();
    let reply = match ask::ask(context, &Request::Status)? {
        Some(Reply::Status(status)) => Some(status),
        Some(_) => return Err(context.say.text("not-allowed", &[])),
        None => None,
    };
    let reader = ledger::open(context);
    let (mut sources, mut blocks) = (Vec::new(), Blocks::default());
    let mut counters = Counters::default();
    let mut jails: u64 = 0;
    let mut states = Vec::new();
    if let Ok(reader) = &reader {
        let time = now();
        sources = reader.positions().map_err(|error| error.to_string())?;
        let watched = reader.meta(WATCHED_META).map_err(|error| error.to_string())?;
        let watched = watched.and_then(|text| serde_json::from_str::<Vec<String>>(&text).ok());
        if let Some(watched) = watched {
            sources.retain(|row| watched.contains(&row.path));
        }
        let rows = reader.blocks().map_err(|error| error.to_string())?;
        let alone = reader.meta(JAILS_ALONE_META).map_err(|error| error.to_string())?;
        blocks = Blocks::of(&rows, time, alone.as_deref() == Some("1"));
        let count = reader.meta("jails.count").map_err(|error| error.to_string())?;
        jails = count.and_then(|text| text.parse().ok()).unwrap_or(0);
        states = read_jail_states(reader).map_err(|error| error.to_string())?;
        counters = Counters::read(reader).map_err(|error| error.to_string())?;
    }
    if context.json {
        let mut json = as_json(reply.as_ref(), &sources, &blocks, &counters);
        json["jails"] = json!(jails);
        json["jail_states"] = states.iter().map(JailState::json).collect();
        out::json(&json);
    } else {
        let ledger = reader.as_ref().map(|_| ()).map_err(String::as_str);
        as_text(context, &clock, reply.as_ref(), &sources, &blocks, &counters, ledger);
        if jails > 0 && reader.is_ok() {
            out::line(context.say.text("status-jails", &[("count", &jails.to_string())]));
        }
        for told in states.iter().flat_map(|state| &state.notices) {
            out::line(context.say.notice(told));
        }
    }
    let ready = reply.is_some_and(|status| status.ready);
    Ok(if ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn as_json(
    status: Option<&StatusReply>,
    sources: &[PositionRow],
    blocks: &Blocks,
    counters: &Counters,
) -> Value {
    let time = now();
    let source = |row: &PositionRow| {
        json!({
            "name": row.path.rsplit('/').next(),
            "path": row.path,
            "lines": row.lines,
            "sightings": row.sightings,
            "lag_s": lag_s(row, time),
        })
    };
    let mut value = json!({
        "mode": status.map(|status| status.mode.name()),
        "running": status.is_some(),
        "ready": status.is_some_and(|status| status.ready),
        "since": status.map(|status| time_json(status.since)),
        "firewall": status.map(|status| status.firewall.as_str()).filter(|name| !name.is_empty()),
        "packets_dropped": status.and_then(|status| status.dropped),
        "troubles": status.map(|status| troubles_json(&status.troubles)),
        "unread": status.map(|status| troubles_json(&status.unread)),
        "sources": sources.iter().map(source).collect::<Vec<_>>(),
        "blocks": blocks.in_force(status.is_some()),
        "waiting_jail_bans": if status.is_some() { 0 } else { blocks.of_jails },
    });
    for (counter, count) in COUNTERS.iter().zip(counters.0) {
        value[counter.json] = json!(count);
    }
    value
}

/// Seconds since the event of the last line; nothing if there was none.
fn lag_s(row: &PositionRow, time: Stamp) -> Option<u64> {
    (row.last > Stamp::default()).then(|| time.since_s(row.last))
}

fn as_text(
    context: &Context<'_>,
    clock: &LocalClock,
    status: Option<&StatusReply>,
    sources: &[PositionRow],
    blocks: &Blocks,
    counters: &Counters,
    ledger: Result<(), &str>,
) {
    let say = context.say;
    match status {
        Some(status) => {
            let key = match status.mode {
                Mode::Guard => "status-mode-guard",
                Mode::Observe => "status-mode-observe",
            };
            let told = say.text("why-observe", &[]);
            let firewall = if status.firewall.is_empty() { &told } else { &status.firewall };
            out::line(say.text(key, &[("firewall", &printable(firewall.as_bytes()))]));
            out::line(say.text("status-since", &[("time", &clock.date_time(status.since))]));
            // Where jails run alone, that table has only what an operator put into it.
            let is_of_use = |count: &u64| *count > 0 || !blocks.jails_alone;
            if let Some(count) = status.dropped.filter(is_of_use) {
                out::line(say.text("status-dropped", &[("count", &count.to_string())]));
            }
            for trouble in status.troubles.iter().chain(&status.unread) {
                out::line(say.notice(trouble));
            }
            if !status.ready {
                out::line(say.text("status-starting", &[]));
            }
        }
        None => {
            let path = context.place.state.display().to_string();
            let key = if ledger.is_ok() { "not-running" } else { "not-running-command" };
            out::line(say.text(key, &[("path", &path)]));
        }
    }
    if let Err(text) = ledger {
        return out::line(printable_lines(text));
    }
    let time = now();
    for row in sources {
        let (path, lines) = (printable(row.path.as_bytes()), row.lines.to_string());
        let (key, ago) = match lag_s(row, time) {
            Some(seconds) => ("status-source", say.duration(seconds)),
            None => ("status-source-silent", String::new()),
        };
        let sightings = row.sightings.to_string();
        let values =
            [("path", path.as_str()), ("lines", &lines), ("sightings", &sightings), ("ago", &ago)];
        out::line(say.text(key, &values));
    }
    let observes = status.is_some_and(|status| status.mode == Mode::Observe);
    let key = match status {
        Some(_) if observes => "status-would-block",
        Some(_) => "status-blocks",
        None => "status-blocks-stay",
    };
    let count = |key: &str, count: usize| {
        out::line(say.text(key, &[("count", &count.to_string())]));
    };
    count(key, blocks.in_force(status.is_some()));
    if status.is_none() && blocks.of_jails > 0 {
        count("status-jail-bans-wait", blocks.of_jails);
    }
    for (counter, count) in COUNTERS.iter().zip(counters.0).filter(|(_, count)| *count > 0) {
        out::line(say.text(counter.text, &[("count", &count.to_string())]));
    }
}

//! `monban status`.

use crate::out;
use std::process::ExitCode;

use monban_model::wire::{Mode, Reply, Request, StatusReply};
use monban_model::{PositionRow, Stamp};
use monban_views::{LocalClock, printable, time_json};
use serde_json::{Value, json};

use super::{Context, ask, ledger};
use crate::watch::{WATCHED_META, now};

/// How the guard stands. Exits 0 only once sources are open and the firewall is ready.
pub fn status(context: &Context<'_>) -> Result<ExitCode, String> {
    let clock = LocalClock::of_system();
    let reply = match ask::ask(context, &Request::Status)? {
        Some(Reply::Status(status)) => Some(status),
        Some(_) => return Err(context.say.text("not-allowed", &[])),
        None => None,
    };
    let reader = ledger::open(context);
    let (mut sources, mut blocks, mut evicted) = (Vec::new(), 0, 0_u64);
    if let Ok(reader) = &reader {
        let time = now();
        sources = reader.positions().map_err(|error| error.to_string())?;
        let watched = reader.meta(WATCHED_META).map_err(|error| error.to_string())?;
        let watched = watched.and_then(|text| serde_json::from_str::<Vec<String>>(&text).ok());
        if let Some(watched) = watched {
            sources.retain(|row| watched.contains(&row.path));
        }
        let rows = reader.blocks().map_err(|error| error.to_string())?;
        blocks = rows.iter().filter(|row| row.until.is_none_or(|end| end > time)).count();
        let meta = reader.meta("evicted.tallies").map_err(|error| error.to_string())?;
        evicted = meta.and_then(|text| text.parse().ok()).unwrap_or(0);
    }
    if context.json {
        out::line(as_json(reply.as_ref(), &sources, blocks, evicted));
    } else {
        as_text(context, &clock, reply.as_ref(), &sources, blocks, evicted);
    }
    let ready = reply.is_some_and(|status| status.ready);
    Ok(if ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn as_json(
    status: Option<&StatusReply>,
    sources: &[PositionRow],
    blocks: usize,
    evicted: u64,
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
    json!({
        "mode": status.map(|status| status.mode.name()),
        "running": status.is_some(),
        "ready": status.is_some_and(|status| status.ready),
        "since": status.map(|status| time_json(status.since)),
        "firewall": status.map(|status| status.firewall.as_str()),
        "sources": sources.iter().map(source).collect::<Vec<_>>(),
        "blocks": blocks,
        "evicted": evicted,
    })
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
    blocks: usize,
    evicted: u64,
) {
    let say = context.say;
    match status {
        Some(status) => {
            let key = match status.mode {
                Mode::Guard => "status-mode-guard",
                Mode::Observe => "status-mode-observe",
            };
            out::line(say.text(key, &[("firewall", &status.firewall)]));
            out::line(say.text("status-since", &[("time", &clock.date_time(status.since))]));
            if !status.ready {
                out::line(say.text("status-starting", &[]));
            }
        }
        None => {
            let path = context.place.state.display().to_string();
            out::line(say.text("not-running", &[("path", &path)]));
        }
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
    out::line(say.text("status-blocks", &[("count", &blocks.to_string())]));
    if evicted > 0 {
        out::line(say.text("status-evicted", &[("count", &evicted.to_string())]));
    }
}

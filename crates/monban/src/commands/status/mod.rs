//! `monban status`.

use crate::out;
use std::process::ExitCode;

use monban_ledger::{LedgerError, Reader, Unmade};
use monban_model::wire::{Mode, Reply, Request, StatusReply};
use monban_model::{BlockRow, Made, PositionRow, Stamp};
use monban_views::{LocalClock, Say, is_of_jail, made, printable, printable_lines, time_json};
use serde_json::{Value, json};

use super::ask::troubles_json;
use super::{Context, ask, ledger};
use crate::fail2ban::together;
use crate::watch::{
    JAILS_ALONE_META, JAILS_GUARDS_META, JailState, ORIGINS_META, SENT_PREFIX, SUBSCRIPTIONS_META,
    StreamState, WATCHED_META, now, read_jail_states, read_stream_states,
};

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
const COUNTERS: [Counter; 9] = [
    Counter { name: "evicted.tallies", json: "evicted", text: "status-evicted" },
    Counter {
        name: "evicted.connections",
        json: "evicted_connections",
        text: "status-evicted-connections",
    },
    Counter { name: "evicted.jails", json: "evicted_jails", text: "status-evicted-jails" },
    Counter { name: "evicted.alarms", json: "evicted_alarms", text: "status-evicted-alarms" },
    Counter { name: "evicted.entries", json: "evicted_logins", text: "status-evicted-logins" },
    Counter { name: "alarms.uncounted", json: "uncounted", text: "status-uncounted" },
    Counter { name: "lines.misplaced", json: "misplaced", text: "lines-misplaced" },
    Counter { name: "lines.echoes", json: "echoes", text: "lines-echoes" },
    Counter { name: "time.disbelieved", json: "disbelieved", text: "time-disbelieved" },
];

/// Why tables of `[[origin]]` may be without effect.
const ORIGIN_TROUBLES: [&str; 4] =
    ["origin-no-database", "origin-lacks-countries", "origin-lacks-systems", "origin-failed"];

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
    /// By jails too, but no action of theirs works: nobody is blocked by them.
    unmade: usize,
    /// Whether the last run only observed: theirs were never in the firewall.
    observed: bool,
    /// Whether monban's own rules rest beside jails.
    jails_alone: bool,
}

impl Blocks {
    fn of(rows: &[BlockRow], unmade: &Unmade, time: Stamp, jails_alone: bool) -> Self {
        let lasting = rows.iter().filter(|row| row.until.is_none_or(|end| end > time));
        let (of_jails, own): (Vec<_>, Vec<_>) = lasting.partition(|row| is_of_jail(row));
        let unmade = of_jails.iter().filter(|row| made(row, unmade) == Made::Not).count();
        Self { own: own.len(), of_jails: of_jails.len(), unmade, observed: false, jails_alone }
    }

    fn in_force(&self, status: Option<&StatusReply>) -> usize {
        self.own + if status.is_some() { self.of_jails - self.unmade(status) } else { 0 }
    }

    /// Whether those of jails come back with the next start.
    fn wait(&self, status: Option<&StatusReply>) -> bool {
        status.is_none() && !self.observed
    }

    /// Only who guards can fail to.
    fn unmade(&self, status: Option<&StatusReply>) -> usize {
        if status.is_some_and(|status| status.mode == Mode::Guard) { self.unmade } else { 0 }
    }
}

/// What the ledger says of how the guard stands.
#[derive(Default)]
struct Standing {
    sources: Vec<PositionRow>,
    blocks: Blocks,
    counters: Counters,
    /// How many jails run.
    jails: u64,
    states: Vec<JailState>,
    /// Streams of CloudWatch Logs that logs go to.
    streams: Vec<StreamState>,
    /// Bytes of the ledger, and the time of its oldest record.
    ledger: (u64, Option<Stamp>),
    /// Subscriptions that nobody left, those that wait for their code, and those where nothing
    /// arrives; nothing if no run that tells people wrote the ledger.
    subscriptions: Option<[u64; 3]>,
    /// Why `[[origin]]` is without effect: the key of its notice, a tab and an error; or empty.
    origins: String,
}

impl Standing {
    fn read(reader: &Reader, time: Stamp) -> Result<Self, LedgerError> {
        let mut sources = reader.positions()?;
        // How far they were sent is told by stream.
        sources.retain(|row| !row.path.starts_with(SENT_PREFIX));
        let watched = reader.meta(WATCHED_META)?;
        let watched = watched.and_then(|text| serde_json::from_str::<Vec<String>>(&text).ok());
        if let Some(watched) = watched {
            sources.retain(|row| watched.contains(&row.path));
            // Of a journal without an entry there is no position.
            let is_new = |path: &&String| !sources.iter().any(|row| row.path == **path);
            let silent: Vec<String> = watched.iter().filter(is_new).cloned().collect();
            sources.extend(silent.iter().map(|path| PositionRow::unread(path)));
        }
        let alone = reader.meta(JAILS_ALONE_META)?;
        let count = reader.meta("jails.count")?;
        let alone = alone.as_deref() == Some("1");
        let blocks = Blocks::of(&reader.blocks()?, &reader.unmade()?, time, alone);
        Ok(Self {
            sources,
            blocks: Blocks { observed: has_observed(reader)?, ..blocks },
            counters: Counters::read(reader)?,
            jails: count.and_then(|text| text.parse().ok()).unwrap_or(0),
            states: read_jail_states(reader)?,
            streams: read_stream_states(reader)?,
            ledger: reader.extent()?,
            subscriptions: read_subscriptions(reader)?,
            origins: reader.meta(ORIGINS_META)?.unwrap_or_default(),
        })
    }
}

fn read_subscriptions(reader: &Reader) -> Result<Option<[u64; 3]>, LedgerError> {
    let mut counts = [0; 3];
    for (name, count) in SUBSCRIPTIONS_META.iter().zip(&mut counts) {
        match reader.meta(name)?.and_then(|text| text.parse().ok()) {
            Some(known) => *count = known,
            None => return Ok(None),
        }
    }
    Ok(Some(counts))
}

/// Whether the run that wrote the ledger last only observed its jails.
///
/// # Errors
/// The ledger cannot be read.
pub fn has_observed(reader: &Reader) -> Result<bool, LedgerError> {
    Ok(reader.meta(JAILS_GUARDS_META)?.as_deref() == Some("0"))
}

/// What is said of the bans of jails while monban does not run.
pub const fn jail_bans_down(observed: bool) -> &'static str {
    if observed { "status-jail-bans-observed" } else { "status-jail-bans-wait" }
}

/// How the guard stands. Exits 0 only once sources are open and the firewall is ready.
pub fn status(context: &Context<'_>) -> Result<ExitCode, String> {
    let reply = match ask::ask(context, &Request::Status)? {
        Some(Reply::Status(status)) => Some(status),
        Some(_) => return Err(context.say.text("not-allowed", &[])),
        None => None,
    };
    let time = now();
    let standing = match ledger::open(context) {
        Ok(reader) => Ok(Standing::read(&reader, time).map_err(|error| error.to_string())?),
        Err(text) => Err(text),
    };
    if context.json {
        let none = Standing::default();
        out::json(&as_json(reply.as_ref(), standing.as_ref().unwrap_or(&none), time));
    } else {
        let path = context.place.state.display().to_string();
        let standing = standing.as_ref().map_err(String::as_str);
        let clock = LocalClock::of_system();
        for line in as_text(context.say, &clock, reply.as_ref(), standing, &path, time) {
            out::line(line);
        }
    }
    let ready = reply.is_some_and(|status| status.ready);
    Ok(if ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn as_json(status: Option<&StatusReply>, standing: &Standing, time: Stamp) -> Value {
    let Standing {
        sources,
        blocks,
        counters,
        jails,
        states,
        streams,
        ledger,
        subscriptions,
        origins,
    } = standing;
    let source = |row: &PositionRow| {
        json!({
            "name": row.path.rsplit('/').next(),
            "path": row.path,
            "lines": row.lines,
            "sightings": row.sightings,
            "quiet_s": quiet_s(row, time),
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
        "blocks": blocks.in_force(status),
        "unmade_jail_bans": blocks.unmade(status),
        "waiting_jail_bans": if blocks.wait(status) { blocks.of_jails } else { 0 },
        "jails": jails,
        "ledger": { "bytes": ledger.0, "since": ledger.1.map(time_json) },
        "subscriptions": subscriptions.map(|counts| counts[0]),
        "subscriptions_pending": subscriptions.map(|counts| counts[1]),
        "subscriptions_failing": subscriptions.map(|counts| counts[2]),
        "aws_logs": streams.iter().map(StreamState::json).collect::<Vec<_>>(),
        "origins_trouble": origins.split_once('\t').map(|(key, _)| key),
        "jail_states": states.iter().map(JailState::json).collect::<Vec<_>>(),
    });
    for (counter, count) in COUNTERS.iter().zip(counters.0) {
        value[counter.json] = json!(count);
    }
    value
}

/// Seconds since the event of the last line; nothing if there was none.
fn quiet_s(row: &PositionRow, time: Stamp) -> Option<u64> {
    (row.last > Stamp::default()).then(|| time.since_s(row.last))
}

/// For people. `path` is the state folder; without a ledger there is a text of why.
fn as_text(
    say: &Say,
    clock: &LocalClock,
    status: Option<&StatusReply>,
    standing: Result<&Standing, &str>,
    path: &str,
    time: Stamp,
) -> Vec<String> {
    let alone = standing.is_ok_and(|standing| standing.blocks.jails_alone);
    let mut lines = match status {
        Some(status) => of_daemon(say, clock, status, alone),
        None => {
            let key = if standing.is_ok() { "not-running" } else { "not-running-command" };
            vec![say.text(key, &[("path", path)])]
        }
    };
    match standing {
        Ok(standing) => lines.extend(of_ledger(say, clock, status, standing, time)),
        Err(text) => lines.push(printable_lines(text)),
    }
    lines
}

/// What the daemon says of itself.
fn of_daemon(say: &Say, clock: &LocalClock, status: &StatusReply, alone: bool) -> Vec<String> {
    let key = match status.mode {
        Mode::Guard => "status-mode-guard",
        Mode::Observe => "status-mode-observe",
    };
    let told = say.text("why-observe", &[]);
    let firewall = if status.firewall.is_empty() { &told } else { &status.firewall };
    let mut lines = vec![
        say.text(key, &[("firewall", &printable(firewall.as_bytes()))]),
        say.text("status-since", &[("time", &clock.date_time(status.since))]),
    ];
    // Where jails run alone, that table has only what an operator put into it.
    let is_of_use = |count: &u64| *count > 0 || !alone;
    if let Some(count) = status.dropped.filter(is_of_use) {
        lines.push(say.text("status-dropped", &[("count", &count.to_string())]));
    }
    lines.extend(status.troubles.iter().chain(&status.unread).map(|trouble| say.notice(trouble)));
    if !status.ready {
        lines.push(say.text("status-starting", &[]));
    }
    lines
}

fn of_ledger(
    say: &Say,
    clock: &LocalClock,
    status: Option<&StatusReply>,
    standing: &Standing,
    time: Stamp,
) -> Vec<String> {
    let Standing {
        sources,
        blocks,
        counters,
        jails,
        states,
        streams,
        ledger,
        subscriptions,
        origins,
    } = standing;
    let mut lines: Vec<String> = sources.iter().map(|row| of_source(say, row, time)).collect();
    let observes = status.is_some_and(|status| status.mode == Mode::Observe);
    let key = match status {
        Some(_) if observes => "status-would-block",
        Some(_) => "status-blocks",
        None => "status-blocks-stay",
    };
    let count = |key: &str, count: u64| say.text(key, &[("count", &count.to_string())]);
    lines.push(count(key, blocks.in_force(status) as u64));
    if let unmade @ 1.. = blocks.unmade(status) {
        lines.push(count("status-unmade", unmade as u64));
    }
    if status.is_none() && blocks.of_jails > 0 {
        let key = jail_bans_down(blocks.observed);
        lines.push(count(key, blocks.of_jails as u64));
    }
    let counters = COUNTERS.iter().zip(counters.0).filter(|(_, count)| *count > 0);
    lines.extend(counters.map(|(counter, so_many)| count(counter.text, so_many)));
    if *jails > 0 {
        lines.push(count("status-jails", *jails));
    }
    if let (bytes, Some(since)) = ledger {
        let mib = (bytes >> 20).max(1).to_string();
        let values = [("mib", mib.as_str()), ("time", &clock.date_time(*since))];
        lines.push(say.text("status-ledger", &values));
    }
    // Only what is known here is said: the ledger is a file.
    let (trouble, error) = origins.split_once('\t').unwrap_or((origins, ""));
    if let Some(key) = ORIGIN_TROUBLES.iter().find(|key| **key == trouble) {
        let error = printable(say.sentence(error).as_bytes());
        lines.push(say.text(key, &[("error", &error)]));
    }
    match *subscriptions {
        Some([0, ..]) if status.is_some() => lines.push(say.text("status-nobody-told", &[])),
        Some([_, pending, failing]) => {
            let told = [("status-unconfirmed", pending), ("status-failing", failing)];
            let told = told.into_iter().filter(|(_, so_many)| *so_many > 0);
            lines.extend(told.map(|(key, so_many)| count(key, so_many)));
        }
        None => {}
    }
    lines.extend(streams.iter().flat_map(|stream| of_stream(say, clock, stream)));
    let notices = together(states.iter().flat_map(|state| &state.notices));
    lines.extend(notices.iter().map(|told| say.notice(told)));
    lines
}

/// How far a log was sent.
fn of_stream(say: &Say, clock: &LocalClock, state: &StreamState) -> Vec<String> {
    let clean = |text: &str| printable(text.as_bytes());
    let kib = state.backlog_bytes.div_ceil(1024).to_string();
    let (group, stream) = (clean(&state.group), clean(&state.stream));
    let time = state.sent_until.map(|until| clock.date_time(until)).unwrap_or_default();
    let values = [
        ("group", group.as_str()),
        ("stream", &stream),
        ("time", &time),
        ("kib", &kib),
        ("lost", &state.lost.to_string()),
        ("left_out", &state.left_out.to_string()),
        ("cut", &state.cut.to_string()),
    ];
    let key = match (state.sent_until, state.backlog_bytes) {
        (None, 0) => "status-logs-none",
        (None, _) => "status-logs-not-yet",
        (Some(_), 0) => "status-logs-all",
        (Some(_), _) => "status-logs",
    };
    let mut lines = vec![say.text(key, &values)];
    if let Some(why) = &state.error {
        let why = clean(&say.sentence(why));
        lines.push(say.text("status-logs-failing", &[("why", &why)]));
    }
    if state.lost + state.left_out + state.cut > 0 {
        lines.push(say.text("status-logs-lost", &values));
    }
    lines
}

fn of_source(say: &Say, row: &PositionRow, time: Stamp) -> String {
    let (path, lines) = (printable(row.path.as_bytes()), row.lines.to_string());
    let (key, ago) = match quiet_s(row, time) {
        Some(seconds) => ("status-source", say.duration(seconds)),
        None => ("status-source-silent", String::new()),
    };
    let sightings = row.sightings.to_string();
    let values =
        [("path", path.as_str()), ("lines", &lines), ("sightings", &sightings), ("ago", &ago)];
    say.text(key, &values)
}

#[cfg(test)]
mod tests;

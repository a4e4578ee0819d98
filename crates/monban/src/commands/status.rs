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
    JAILS_ALONE_META, JAILS_GUARDS_META, JailState, WATCHED_META, now, read_jail_states,
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
const COUNTERS: [Counter; 6] = [
    Counter { name: "evicted.tallies", json: "evicted", text: "status-evicted" },
    Counter {
        name: "evicted.connections",
        json: "evicted_connections",
        text: "status-evicted-connections",
    },
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
    /// Bytes of the ledger, and the time of its oldest record.
    ledger: (u64, Option<Stamp>),
}

impl Standing {
    fn read(reader: &Reader, time: Stamp) -> Result<Self, LedgerError> {
        let mut sources = reader.positions()?;
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
            ledger: reader.extent()?,
        })
    }
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
    let Standing { sources, blocks, counters, jails, states, ledger } = standing;
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
    let Standing { sources, blocks, counters, jails, states, ledger } = standing;
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
    let notices = together(states.iter().flat_map(|state| &state.notices));
    lines.extend(notices.iter().map(|told| say.notice(told)));
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
mod tests {
    use super::*;
    use monban_ledger::{Batch, Ledger};
    use monban_model::{Notice, Scope};
    use monban_views::Tongue;

    const NOW: Stamp = Stamp(1_790_000_000_000);

    fn row(address: &str, policy: &str, until: Option<Stamp>) -> BlockRow {
        BlockRow {
            subject: address.parse().unwrap(),
            scope: Scope::All,
            since: Stamp::from_s(1_789_999_000),
            until,
            policy: policy.to_owned(),
            why: String::new(),
        }
    }

    /// Two blocks of monban's own and three bans of jails, beside some that are over.
    fn standing(jails_alone: bool) -> Standing {
        let rows = [
            row("192.0.2.1", "default", None),
            row("192.0.2.2", "", Some(NOW.plus_s(60))),
            row("192.0.2.3", "", Some(NOW)),
            row("192.0.2.1", "jail sshd", Some(NOW.plus_s(1))),
            row("192.0.2.2", "jail sshd", None),
            row("192.0.2.2", "jail web", None),
            row("192.0.2.4", "jail web", Some(NOW)),
        ];
        let notice = Notice {
            key: "jail-is-stopped".to_owned(),
            values: vec![("jail".to_owned(), "web".to_owned())],
        };
        let state = JailState {
            jail: "web".to_owned(),
            state: "stopped".to_owned(),
            notices: vec![notice],
            actions: Value::Null,
        };
        let read = PositionRow { lines: 9, ..PositionRow::unread("/var/log/auth.log") };
        Standing {
            sources: vec![read],
            blocks: Blocks::of(&rows, &Unmade::new(), NOW, jails_alone),
            counters: Counters([0, 0, 2, 0, 0, 0]),
            jails: 2,
            states: vec![state],
            ledger: (4096, None),
        }
    }

    fn daemon(mode: Mode, dropped: Option<u64>) -> StatusReply {
        StatusReply {
            mode,
            ready: true,
            since: NOW,
            firewall: "nftables".to_owned(),
            dropped,
            troubles: Vec::new(),
            unread: Vec::new(),
            files: 1,
        }
    }

    fn told(status: Option<&StatusReply>, standing: Result<&Standing, &str>) -> Vec<String> {
        let say = Say::new(Tongue::English);
        as_text(&say, &LocalClock::of_system(), status, standing, "/var/lib/monban", NOW)
    }

    /// What it says behind the list of sources.
    fn last(lines: &[String]) -> Vec<&str> {
        let sources = lines.iter().position(|line| line.starts_with("/var/log/auth.log")).unwrap();
        lines[sources + 1..].iter().map(String::as_str).collect()
    }

    const END: [&str; 3] = [
        "2 counts of jails were dropped because memory has an end",
        "jails of fail2ban: 2",
        "[web] was stopped (fail2ban-client stop); a reload starts it",
    ];

    #[test]
    fn blocks_of_jails_are_in_force_only_while_monban_runs() {
        let guards = daemon(Mode::Guard, Some(7));
        let running = told(Some(&guards), Ok(&standing(false)));
        assert_eq!(last(&running), [&["blocks in force: 5"][..], &END].concat());
        let observes = daemon(Mode::Observe, None);
        let observing = told(Some(&observes), Ok(&standing(false)));
        assert_eq!(last(&observing), [&["would be blocked: 5"][..], &END].concat());
        let down = told(None, Ok(&standing(false)));
        let split = [
            "blocks of monban's own, which stay in the kernel until they end: 2",
            "bans of jails, which left the firewall with monban and come back with its next start: 3",
        ];
        assert_eq!(last(&down), [&split[..], &END].concat());
        assert!(down[0].starts_with("monban is not running (/var/lib/monban)"), "{down:?}");
        let observed = Blocks { observed: true, ..standing(false).blocks };
        let observed = Standing { blocks: observed, ..standing(false) };
        let told_so = "bans of jails, which monban only observed, so that none of them was in the \
                       firewall: 3";
        assert_eq!(last(&told(None, Ok(&observed)))[1], told_so);
        assert_eq!(as_json(None, &observed, NOW)["waiting_jail_bans"], json!(0));
        let rows = [row("192.0.2.1", "default", None)];
        let own = Blocks::of(&rows, &Unmade::new(), NOW, false);
        let own = Standing { blocks: own, ..standing(false) };
        assert_eq!(last(&told(None, Ok(&own)))[1], END[0], "no jail has a ban that waits");

        let counts = |status: Option<&StatusReply>| {
            let json = as_json(status, &standing(false), NOW);
            (json["blocks"].clone(), json["waiting_jail_bans"].clone(), json["jails"].clone())
        };
        assert_eq!(counts(Some(&guards)), (json!(5), json!(0), json!(2)));
        assert_eq!(counts(None), (json!(2), json!(3), json!(2)));
    }

    #[test]
    fn bans_that_no_action_made_are_told_and_not_among_the_blocks() {
        let rows = [row("192.0.2.1", "", None), row("192.0.2.2", "jail web", None)];
        let unmade = [((rows[1].subject, rows[1].policy.clone()), Made::Not)];
        let blocks = Blocks::of(&rows, &Unmade::from(unmade), NOW, false);
        let standing = Standing { blocks, ..standing(false) };
        let says = |mode| {
            let status = daemon(mode, None);
            let json = as_json(Some(&status), &standing, NOW);
            let lines = told(Some(&status), Ok(&standing));
            let lines: Vec<String> = last(&lines).into_iter().map(str::to_owned).collect();
            (lines, json["blocks"].clone(), json["unmade_jail_bans"].clone())
        };
        let (lines, blocks, unmade) = says(Mode::Guard);
        let of_jails = "bans of jails that block nobody, as no action of theirs works: 1";
        assert_eq!(lines[..2], ["blocks in force: 1", of_jails]);
        assert_eq!((blocks, unmade), (json!(1), json!(1)));
        let (lines, blocks, _) = says(Mode::Observe);
        assert_eq!((lines[0].as_str(), blocks), ("would be blocked: 2", json!(2)));
    }

    #[test]
    fn a_source_that_is_watched_and_said_nothing_yet_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
        let journal = monban_sources::journal::journal_name(None);
        let watched = json!(["/var/log/auth.log", journal]).to_string();
        let positions = ["/var/log/auth.log", "/gone"].map(PositionRow::unread).to_vec();
        let meta = vec![(WATCHED_META.to_owned(), watched)];
        ledger.commit(&Batch { positions, meta, ..Batch::default() }).unwrap();
        let standing = Standing::read(&Reader::open(folder.path()).unwrap(), NOW).unwrap();
        let lines = told(Some(&daemon(Mode::Guard, None)), Ok(&standing));
        let says = |path: &str| format!("{path}: 0 lines, 0 sightings");
        let end = [says("/var/log/auth.log"), says(&journal), "blocks in force: 0".to_owned()];
        assert_eq!(lines[lines.len() - 3..], end, "{lines:?}");
    }

    #[test]
    fn dropped_packets_are_told_where_the_table_of_monban_is_of_use() {
        let line = |dropped, alone| {
            let lines = told(Some(&daemon(Mode::Guard, dropped)), Ok(&standing(alone)));
            lines.into_iter().find(|line| line.contains("packets"))
        };
        let says = |count| Some(format!("packets dropped by monban's own table: {count}"));
        assert_eq!((line(Some(0), false), line(Some(7), false)), (says(0), says(7)));
        assert_eq!((line(Some(0), true), line(Some(7), true)), (None, says(7)));
        assert_eq!(line(None, false), None);
    }

    #[test]
    fn without_a_ledger_it_says_why_and_counts_nothing() {
        let lines = told(Some(&daemon(Mode::Guard, Some(1))), Err("no ledger\u{1b}[2J"));
        assert_eq!(lines.last().unwrap(), "no ledger\\x1b[2J");
        assert!(!lines.iter().any(|line| line.contains("blocks")), "{lines:?}");
        let lines = told(None, Err("no ledger"));
        assert!(lines[0].contains("sudo monban run") && lines.len() == 2, "{lines:?}");
    }
}

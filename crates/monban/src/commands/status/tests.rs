//! What `monban status` says.

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
        origins: String::new(),
        sources: vec![read],
        blocks: Blocks::of(&rows, &Unmade::new(), NOW, jails_alone),
        counters: Counters([0, 0, 2, 0, 0, 0, 0, 0, 0]),
        jails: 2,
        states: vec![state],
        streams: Vec::new(),
        ledger: (4096, None),
        subscriptions: None,
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
fn how_far_logs_were_sent_is_told_by_stream() {
    let sent = StreamState {
        group: "/var/log/secure".to_owned(),
        stream: "{hostname}".to_owned(),
        sent_until: Some(NOW),
        ..StreamState::default()
    };
    let failing = StreamState {
        group: "\u{1b}[1mapp".to_owned(),
        backlog_bytes: 1500,
        error: Some("no connection to the server".to_owned()),
        lost: 1,
        left_out: 2,
        cut: 3,
        sent_until: None,
        ..sent.clone()
    };
    let standing = Standing { streams: vec![sent, failing], ..standing(false) };
    let lines = told(Some(&daemon(Mode::Guard, None)), Ok(&standing));
    let first = lines.iter().position(|line| line.starts_with("logs to")).unwrap();
    let time = LocalClock::of_system().date_time(NOW);
    assert_eq!(lines[first], format!("logs to /var/log/secure {{hostname}}: sent until {time}"));
    let rest = [
        "logs to \\x1b[1mapp {hostname}: nothing is sent yet, 2 KiB wait",
        "  CloudWatch Logs does not take them: no connection to the server",
        "  since the start 1 time a log was gone before it was sent, 2 events were left out, 3 were cut",
    ];
    assert_eq!(lines[first + 1..first + 4], rest);
    let json = as_json(None, &standing, NOW);
    assert_eq!(json["aws_logs"][1]["backlog_bytes"], json!(1500));
    assert_eq!(json["aws_logs"][0]["error"], json!(null));
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
fn whoever_is_not_told_is_named() {
    let guards = daemon(Mode::Guard, None);
    let says = |subscriptions| {
        let standing = Standing { subscriptions, ..Standing::default() };
        let lines = told(Some(&guards), Ok(&standing));
        (lines[3..].to_vec(), as_json(Some(&guards), &standing, NOW))
    };
    let (lines, json) = says(Some([3, 1, 2]));
    let end = [
        "1 subscription waits for its code: `monban subscription` tells how to confirm",
        "messages to 2 subscriptions do not arrive: `monban subscription` tells why",
    ];
    assert_eq!(lines, end);
    assert_eq!(json["subscriptions"], json!(3));
    assert_eq!(json["subscriptions_pending"], json!(1));
    assert_eq!(json["subscriptions_failing"], json!(2));
    let (lines, _) = says(Some([0, 0, 0]));
    assert!(lines.len() == 1 && lines[0].starts_with("nobody is told"), "{lines:?}");
    assert_eq!(says(Some([2, 0, 0])).0, Vec::<String>::new());
    let (lines, json) = says(None);
    assert_eq!((lines.len(), &json["subscriptions"]), (0, &Value::Null));
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

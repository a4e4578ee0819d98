//! Running commands: limits of time and output, the environment, and the order of requests.

use std::collections::HashMap;
use std::fs;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use monban_fail2ban::action::{
    Actor, Environment, Lanes, Outcome, Request, Shell, Table, Ticket, Time, Waiting, run,
};
use monban_model::JailJob;

use super::oracle::hostnames;
use super::{stock, values};

fn sh(text: &str, timeout_ms: u64) -> Outcome {
    let shell = Shell { text: text.to_owned(), values: vec!["zero".to_owned()] };
    run(&shell, Duration::from_millis(timeout_ms), &Environment::of_this_process())
}

#[test]
fn exit_codes_signals_and_output_come_back() {
    let outcome = sh("echo $0; echo bad >&2; exit 3", 5000);
    assert_eq!((outcome.code, outcome.signal, outcome.timed_out), (Some(3), None, false));
    assert_eq!((&outcome.stdout[..], &outcome.stderr[..]), (&b"zero\n"[..], &b"bad\n"[..]));
    assert!(!outcome.is_ok() && sh("true", 5000).is_ok() && sh("", 1).is_ok());
    assert_eq!(sh("kill -9 $$", 5000).signal, Some(9));
    assert_eq!(sh("read x && exit 1; exit 0", 5000).code, Some(0), "there is no input");
}

#[test]
fn a_lot_of_output_is_read_and_counted() {
    let outcome = sh(
        "i=0; while [ $i -lt 3000 ]; do echo $i-0123456789012345678901234567890123456789; i=$((i+1)); done",
        60_000,
    );
    assert!(outcome.is_ok());
    assert_eq!(outcome.stdout.len(), monban_model::limits::FAIL2BAN_OUTPUT_MAX);
    assert!(outcome.cut_bytes > 100_000);
}

#[test]
fn the_whole_group_ends_with_its_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let mark = folder.path().join("alive");
    // Both the shell and its child do not listen to TERM.
    let text = format!(
        "trap '' TERM; (trap '' TERM; sleep 2; echo > {0}) & wait; sleep 2; echo > {0}",
        mark.display()
    );
    let begun = Instant::now();
    let outcome = sh(&text, 300);
    assert!(outcome.timed_out && outcome.signal == Some(9), "{outcome:?}");
    assert!(begun.elapsed() < Duration::from_millis(1900));
    std::thread::sleep(Duration::from_millis(2500));
    assert!(!mark.exists(), "a child lives on");
}

#[test]
fn what_runs_on_behind_is_not_waited_for() {
    let begun = Instant::now();
    let outcome = sh("sleep 3 & echo started", 10_000);
    assert!(outcome.is_ok() && begun.elapsed() < Duration::from_millis(2500));
    assert_eq!(outcome.stdout, b"started\n");
}

#[test]
fn the_environment_is_not_ours() {
    let environment = Environment::of_this_process().with("TZ", "UTC");
    let shell = Shell { text: "env".to_owned(), values: Vec::new() };
    let outcome = run(&shell, Duration::from_secs(5), &environment);
    let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
    assert!(text.contains("PATH=") && text.contains("TZ=UTC") && !text.contains("CARGO"), "{text}");
}

#[test]
fn what_is_too_long_is_said() {
    let shell = Shell { text: "x".repeat(200_000), values: Vec::new() };
    let outcome = run(&shell, Duration::from_secs(5), &Environment::of_this_process());
    assert!(outcome.not_started.is_some() && !outcome.is_ok());
    // So many arguments of the longest kind are refused by the kernel.
    let values = vec!["y".repeat(131_071); 20];
    let shell = Shell { text: "true".to_owned(), values };
    let outcome = run(&shell, Duration::from_secs(5), &Environment::of_this_process());
    assert!(outcome.not_started.is_some() && !outcome.is_ok());
}

#[test]
fn a_jail_keeps_its_order_and_waits_for_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["action.d", "filter.d"] {
        fs::create_dir(folder.path().join(name)).expect("made");
    }
    let own =
        "[Definition]\nactionban = [ \"<name>\" != slow ] || sleep 0.3; [ <failures> -ne 7 ]\n";
    fs::write(folder.path().join("action.d/own.conf"), own).expect("written");
    for name in ["jail.conf", "fail2ban.conf"] {
        fs::write(folder.path().join(name), "[Definition]\n").expect("written");
    }
    let names = ["slow", "b", "c"];
    let jails = names.map(|name| (name.to_owned(), "own".to_owned()));
    let found = stock::with_jails(folder.path(), &jails);
    let table = Table::new(&found.jails, &hostnames(), true);
    let numbers = names.map(|name| table.number(name).expect("a jail"));
    let (sender, receiver) = mpsc::channel();
    let sender = std::sync::Mutex::new(sender);
    let actor = Actor::new(table, Environment::of_this_process(), move |report| {
        sender.lock().expect("whole").send(report).expect("heard");
    });
    let actor = actor.expect("threads");
    for count in 0..10 {
        for jail in numbers {
            let mut ticket = Ticket::new(values::address("192.0.2.1"), Time::Whole(1));
            ticket.failures = count;
            let request = Request { jail, actions: Vec::new(), job: JailJob::Ban, ticket };
            actor.submit(count, request).expect("room");
        }
    }
    let lost = Request {
        jail: 999,
        actions: Vec::new(),
        job: JailJob::Stop,
        ticket: values::all("x", "y"),
    };
    assert!(actor.submit(0, lost).is_err());
    let load = actor.finish();
    assert_eq!((load.waiting, load.waiting_bytes, load.dropped), (0, 0, 0));
    let mut seen: HashMap<u32, Vec<u64>> = HashMap::new();
    let mut last = 0;
    for report in receiver.iter() {
        // It is tried twice, and fails.
        let is_bad = report.request.ticket.failures == 7;
        assert_eq!(
            (report.done.expect("done").failed.len(), report.commands),
            if is_bad { (1, 2) } else { (0, 1) }
        );
        assert_eq!(report.failures.len(), usize::from(is_bad));
        seen.entry(report.request.jail).or_default().push(report.request.ticket.failures);
        last = report.request.jail;
    }
    assert!(seen.values().all(|order| *order == (0..10).collect::<Vec<u64>>()), "{seen:?}");
    assert_eq!((seen.len(), last), (3, numbers[0]), "the slow jail is last");
}

#[test]
fn what_does_not_fit_is_counted() {
    let (gate, wait) = mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let lanes = Lanes::new(1, move |_: &u8, waiting: &mut Waiting<()>| {
        let _ = wait.lock().expect("whole").recv();
        waiting.pop_front();
    });
    let lanes = lanes.expect("a thread");
    let bytes = monban_model::limits::FAIL2BAN_REQUESTS_BYTES_MAX;
    lanes.push(0, bytes - 5, ()).expect("room");
    assert!(lanes.push(1, 6, ()).is_err());
    lanes.push(1, 5, ()).expect("room");
    assert_eq!(lanes.load().dropped, 1);
    for _ in 0..monban_model::limits::FAIL2BAN_REQUESTS_MAX {
        let _ = lanes.push(1, 0, ());
    }
    assert_eq!(lanes.load().waiting, monban_model::limits::FAIL2BAN_REQUESTS_MAX);
    assert_eq!(lanes.load().dropped, 3);
    drop(gate);
    assert_eq!(lanes.finish().waiting, 0);
}

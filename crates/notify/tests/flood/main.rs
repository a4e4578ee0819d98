//! An attack does not flood a mailbox, and takes a bounded room. Alone in its process, whose
//! memory is measured.

#![allow(clippy::unwrap_used, reason = "in a test that is the failure")]

#[path = "../router/world.rs"]
#[allow(dead_code, reason = "the stories use the rest")]
mod world;

use std::time::Instant;

use monban_model::{Publication, Seq, Severity, Standing, Theme};
use monban_notify::{Effect, Input, Moment, Outcome, Reason, Router, Telling};

use world::{simple, stamp, subscription};

const PUBLICATIONS: u64 = 1_000_000;

/// Memory of this process that is in use, in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

fn publication(n: u64, now_ms: i64) -> Publication {
    let address = format!("198.{}.{}.{}", 18 + n / 65_536 % 2, n / 256 % 256, n % 256);
    // Every thousandth is one of few that are really urgent.
    let severity = if n % 1000 == 7 { Severity::Critical } else { Severity::Notice };
    Publication {
        seq: Seq(n + 1),
        time: stamp(0).plus_ms(now_ms),
        theme: Theme::Finding,
        severity,
        standing: Standing::Once,
        repeats: false,
        key: format!("brute-force:{n}"),
        labels: vec![("address".to_owned(), address), ("service".to_owned(), "sshd".to_owned())],
    }
}

/// A million publications of different keys in a minute, and the day after.
fn flood(wait_s: u64) -> (Vec<(Reason, Severity, u64)>, Router, usize) {
    let mut notify = simple();
    notify.topics[0].group_wait_s = wait_s;
    let mut pager = subscription("pager", "t");
    pager.severity = Severity::Critical;
    notify.subscriptions.push(pager);
    let mut router = Router::new(&notify, Vec::new());
    let (mut told, mut most) = (Vec::new(), 0);
    let mut step = |router: &mut Router, now_ms: i64, input: Input| {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let mut out = Vec::new();
            let at = Moment { now: stamp(0).plus_ms(now_ms), offset_s: 0 };
            router.step(at, input, &mut out);
            for effect in out {
                let Effect::Deliver(deliver) = effect else { continue };
                let records = deliver.more + deliver.items.len() as u64;
                if deliver.subscription == "log" {
                    told.push((deliver.reason, deliver.severity, records));
                }
                let (id, outcome) = (deliver.id, Outcome::Delivered);
                inputs.push(Input::Outcome { id, outcome });
            }
        }
    };
    for n in 0..PUBLICATIONS {
        let now_ms = (n * 60_000 / PUBLICATIONS) as i64;
        let input = Input::Publish(publication(n, now_ms), Telling::Now);
        step(&mut router, now_ms, input);
        if n % 200 == 0 {
            let rows = router.take_rows().len();
            assert!(rows < 5000, "{rows}");
        }
        if n % 50_000 == 0 {
            most = most.max(resident());
        }
    }
    while let Some(wake) = router.wake_at().filter(|wake| *wake < stamp(86_400)) {
        step(&mut router, wake.0 - stamp(0).0, Input::Tick);
    }
    (told, router, most.max(resident()))
}

#[test]
fn a_million_publications_in_a_minute_are_some_mails_and_a_digest() {
    for wait_s in [0, 30] {
        let before = resident();
        let begin = Instant::now();
        let (told, router, most) = flood(wait_s);
        let took = begin.elapsed();
        let grown = most.saturating_sub(before) / 1024;
        println!("wait {wait_s} s: {} messages, {took:?}, {grown} KiB", told.len());
        let all: u64 = told.iter().map(|(_, _, records)| records).sum();
        assert_eq!(all, PUBLICATIONS, "each is told or counted, once");
        let digests = told.iter().filter(|(reason, ..)| *reason == Reason::Digest).count();
        assert!((1..=2).contains(&digests), "{told:?}");
        assert!(told.len() <= 20 + 5 + 2, "{told:?}");
        let critical =
            |it: &&(Reason, Severity, u64)| it.0 == Reason::First && it.1 == Severity::Critical;
        assert!(told.iter().filter(critical).count() >= 5, "{told:?}");
        assert!(grown < 6 * 1024, "{grown} KiB");
        assert_eq!(router.sizes().1, 0);
        assert!(router.counters().groups_evicted > 900_000);
    }
}

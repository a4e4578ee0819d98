//! What strangers can make the jails keep in memory, as the kernel counts it. The only test of its
//! process, so that no other one counts.
#![allow(clippy::unwrap_used, reason = "a test ends where something is wrong")]

#[path = "../jails/world.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod world;

use monban_jails::Told;
use world::{TWO, World};

/// What this process has in memory, in KiB.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}

#[test]
fn failures_that_wait_for_an_answer_take_no_more_than_their_room() {
    let slow = "[one]\nignorecommand = sleep 20; false <ip>";
    let mut world = World::new(&TWO.replace("[one]", slow));
    let (addresses, each) = (64, 32);
    let name = "x".repeat(15_000);
    // What the filter itself keeps is there before.
    for _ in 0..2 * each {
        world.line("/two.log", &format!("no {name} from 192.0.2.1"));
    }
    world.news();
    let before = resident_kib();
    for one in 0..addresses {
        for _ in 0..each {
            world.line("/one.log", &format!("no {name} from 2001:db8:{one:x}::1"));
        }
    }
    let grown = resident_kib().saturating_sub(before);
    // One jail has a quarter of 16 MiB; what the allocator adds is less than that again.
    assert!(grown < 8 * 1024, "{grown} KiB");
    // What had no room, and what is not kept whole, is told.
    world.tick(600);
    let (mut unasked, mut unanswered, mut cut) = (0, 0, 0);
    for news in world.news() {
        match news.told {
            Told::Unasked { count } => unasked += count,
            Told::Unanswered { count } => unanswered += count,
            Told::Cut { count } => cut += count,
            _ => {}
        }
    }
    assert_eq!(cut, 2 * each + addresses * each);
    let fits = addresses * each - unasked;
    assert!((700..1100).contains(&fits), "{fits}");
    assert_eq!(unanswered, each, "those of the one address that was asked about");
    // Another jail has room for its own.
    world.line("/two.log", "no eve from 192.0.2.2");
    assert!(world.told().contains(&"two banned 192.0.2.2".to_owned()));
}

//! What is counted, and when it is enough.

#![allow(clippy::unwrap_used, reason = "all of it is test code")]

mod world;

use monban_engine::Effect;
use monban_model::{Also, FindingKind, Kind};
use world::{DAY_S, World};

const EVE: &str = "192.0.2.1";

#[test]
fn five_failures_in_ten_minutes_block_for_ten_minutes() {
    let mut world = World::new();
    for n in 0..4 {
        world.at(n * 149).fail(EVE);
    }
    assert!(world.blocks().is_empty());
    world.at(4 * 149).fail(EVE);
    assert_eq!(world.blocks(), [(EVE.to_owned(), 600)]);
    let finding = world.findings()[0];
    assert_eq!((finding.kind, finding.failures), (FindingKind::BruteForce, 5));
}

#[test]
fn failures_further_apart_than_the_window_do_not_add_up() {
    let mut world = World::new();
    for n in 0..9 {
        world.at(n * 151).fail(EVE);
    }
    assert!(world.blocks().is_empty(), "the fifth before is always 604 s old");
}

#[test]
fn three_tries_every_half_hour_are_blocked_at_the_tenth_line() {
    let mut world = World::new();
    for n in 0..10 {
        assert!(world.blocks().is_empty(), "before line {n}");
        world.at(n / 3 * 1800 + n % 3).fail(EVE);
    }
    assert_eq!(world.blocks().len(), 1);
    assert_eq!(world.findings()[0].kind, FindingKind::SlowBruteForce);
}

#[test]
fn the_slow_window_spares_whoever_ever_came_in() {
    let mut world = World::new();
    world.see(Kind::LoginAccepted, EVE, 9, 0);
    for n in 0..30 {
        world.at(2 * DAY_S + n / 3 * 1800).fail(EVE);
    }
    assert!(world.blocks().is_empty());
}

#[test]
fn each_attempt_counts_once_whatever_lines_tell_of_it() {
    let mut world = World::new();
    // An unknown user: the notice, PAM, sshd itself, and the close, four times in one connection.
    for _ in 0..4 {
        for witness in [3, 1, 0] {
            world.see(Kind::LoginFailed, EVE, 7, witness);
        }
    }
    world.see(Kind::LoginFailed, EVE, 7, 2);
    assert!(world.blocks().is_empty());
    world.see(Kind::LoginFailed, EVE, 8, 1);
    assert_eq!(world.blocks().len(), 1);
    let told: Vec<_> = world.findings()[0].evidence.iter().map(|e| e.rule.as_str()).collect();
    assert_eq!(told[..4], ["sshd/failed"; 4], "the service's own lines are the evidence");
}

#[test]
fn an_attempt_whose_address_comes_later_counts_then() {
    let mut world = World::new();
    for pid in 1..=5 {
        world.see(Kind::LoginFailed, "-", pid, 1);
        assert!(world.blocks().is_empty());
        world.see(Kind::LoginFailed, EVE, pid, 0);
    }
    assert_eq!(world.blocks().len(), 1);
}

#[test]
fn logins_that_a_probe_gives_their_address_count_as_logins() {
    let mut world = World::new();
    // Dropbear 2022.83: the notice names no address, the end of the connection does.
    for pid in 1..=5 {
        assert!(world.blocks().is_empty());
        world.see(Kind::LoginFailed, "-", pid, 3);
        world.see(Kind::Probe, EVE, pid, 2);
        world.see(Kind::Probe, EVE, pid, 2);
    }
    assert_eq!(world.blocks().len(), 1);
    assert_eq!((world.findings()[0].policy.as_str(), world.findings()[0].failures), ("default", 5));
    // A probe whose connection tried nothing stays a probe, and so does one that came first.
    let mut world = World::new();
    for pid in 1..=9 {
        world.see(Kind::Probe, EVE, pid, 2);
    }
    assert!(world.findings().is_empty());
    world.see(Kind::Probe, EVE, 10, 2);
    assert_eq!(world.findings()[0].policy, "probe");
}

#[test]
fn logins_that_wait_for_their_address_count_also_where_probes_do_not() {
    let mut setup = world::setup();
    setup.policies.pop();
    let mut world = World::with(setup);
    for pid in 1..=5 {
        world.see(Kind::LoginFailed, "-", pid, 3);
        world.see(Kind::Probe, EVE, pid, 2);
        world.see(Kind::Probe, EVE, 100 + pid, 2);
    }
    assert_eq!(world.blocks().len(), 1);
}

#[test]
fn a_line_that_closes_and_counts_does_both() {
    let mut world = World::new();
    let close = |world: &mut World, tries| {
        (world.also, world.weight) = (Also::Closes, tries);
        world.see(Kind::LoginFailed, EVE, 7, 2);
        (world.also, world.weight) = (Also::Nothing, 1);
    };
    // Two tries in the log and in the sum of the closing line; then one that is only in the sum.
    world.see(Kind::LoginFailed, EVE, 7, 0);
    world.see(Kind::LoginFailed, EVE, 7, 0);
    close(&mut world, 2);
    close(&mut world, 1);
    close(&mut world, 1);
    assert!(world.blocks().is_empty(), "four so far");
    close(&mut world, 1);
    assert_eq!(world.blocks().len(), 1);
    let weights: Vec<u32> = world.findings()[0].evidence.iter().map(|e| e.weight).collect();
    assert_eq!(weights, [1; 5]);
}

#[test]
fn a_login_that_the_server_could_not_check_is_nobodys_failure() {
    let mut world = World::new();
    for pid in 1..=9 {
        for _ in 0..2 {
            world.also = Also::Unchecked;
            world.see(Kind::Harmless, EVE, pid, 0);
        }
        (world.also, world.weight) = (Also::Closes, 2);
        world.see(Kind::LoginFailed, EVE, pid, 2);
        world.weight = 1;
    }
    assert!(world.blocks().is_empty());
    assert!(world.effects.is_empty(), "{:?}", world.effects);
    // A wrong password beside it still counts, before and after.
    world.also = Also::Nothing;
    for pid in 11..=15 {
        assert!(world.blocks().is_empty());
        if pid % 2 == 0 {
            world.see(Kind::LoginFailed, EVE, pid, 0);
        }
        world.also = Also::Unchecked;
        world.see(Kind::Harmless, EVE, pid, 0);
        (world.also, world.weight) = (Also::Closes, 2);
        world.see(Kind::LoginFailed, EVE, pid, 2);
        (world.also, world.weight) = (Also::Nothing, 1);
    }
    assert_eq!(world.blocks().len(), 1);
}

#[test]
fn a_login_takes_back_the_failures_of_its_connection_only() {
    let mut world = World::new();
    world.fail(EVE);
    for _ in 0..3 {
        world.see(Kind::LoginFailed, EVE, 5, 0);
    }
    world.see(Kind::LoginAccepted, EVE, 5, 0);
    assert_eq!(world.logins()[0].failures, 1);
    for _ in 0..3 {
        world.fail(EVE);
    }
    assert!(world.blocks().is_empty(), "1 + 3 remain");
}

#[test]
fn one_own_account_does_not_pay_for_guessing_others() {
    let mut world = World::new();
    for pid in 1..=2 {
        for _ in 0..4 {
            world.see_user(Kind::LoginFailed, EVE, pid, b"somebody else");
        }
        world.see_user(Kind::LoginAccepted, EVE, pid, b"mallory");
    }
    assert!(!world.blocks().is_empty() || world.logins().len() == 2, "{:?}", world.logins());
    assert_eq!(world.logins()[0].failures, 4, "the login is said with the failures before it");
}

#[test]
fn a_login_after_old_failures_is_said_once() {
    let mut world = World::new();
    world.fail(EVE);
    world.at(1).see(Kind::LoginAccepted, EVE, 5, 0);
    world.at(2).see(Kind::LoginAccepted, EVE, 6, 0);
    let told: Vec<_> = world.logins().iter().map(|login| login.failures).collect();
    assert_eq!(told, [1, 0]);
    assert!(world.logins()[1].earlier.address.is_some());
}

#[test]
fn what_was_read_from_another_log_and_happened_later_is_not_in_the_window() {
    let mut world = World::new();
    for _ in 0..4 {
        world.at(7200).fail(EVE);
    }
    world.at(0).fail(EVE);
    assert!(world.blocks().is_empty());
}

#[test]
fn a_pid_that_comes_back_for_somebody_else_is_another_connection() {
    let mut world = World::new();
    world.see(Kind::LoginFailed, EVE, 5, 0);
    for _ in 0..4 {
        world.see(Kind::LoginFailed, "198.51.100.1", 5, 0);
    }
    assert!(world.blocks().is_empty());
    world.at(3600).see(Kind::LoginFailed, EVE, 5, 0);
    let counted = world.effects.iter().any(|effect| match effect {
        Effect::Counted(counted) => counted.time == world.now && counted.address.to_string() == EVE,
        _ => false,
    });
    assert!(counted, "after an hour the pid means a new connection");
}

#[test]
fn ipv6_is_counted_by_its_64() {
    let mut world = World::new();
    for n in 1..=5 {
        world.fail(&format!("2001:db8:0:1::{n}"));
    }
    assert_eq!(world.blocks(), [("2001:db8:0:1::/64".to_owned(), 600)]);
}

#[test]
fn probes_have_a_policy_of_their_own() {
    let mut world = World::new();
    for _ in 0..9 {
        world.see(Kind::Probe, EVE, 0, 2);
    }
    assert!(world.blocks().is_empty());
    world.see(Kind::Probe, EVE, 0, 2);
    assert_eq!(world.findings()[0].policy, "probe");
}

#[test]
fn whoever_used_a_key_today_needs_twice_the_failures() {
    let mut world = World::new();
    world.see(Kind::LoginAccepted, EVE, 9, 0);
    for _ in 0..9 {
        world.at(60).fail(EVE);
    }
    assert!(world.blocks().is_empty());
    world.at(61).fail(EVE);
    assert_eq!(world.blocks().len(), 1);
}

#[test]
fn blocks_double_and_are_forgotten_after_30_quiet_days() {
    let mut world = World::new();
    let attack = |world: &mut World, at| {
        for _ in 0..5 {
            world.at(at).fail(EVE);
        }
        world.blocks().last().map(|(_, length_s)| *length_s)
    };
    assert_eq!(attack(&mut world, 0), Some(600));
    assert_eq!(attack(&mut world, 601), Some(1200));
    assert_eq!(attack(&mut world, 2000), Some(2400));
    assert_eq!(attack(&mut world, 32 * DAY_S), Some(600));
}

#[test]
fn a_probe_does_not_swallow_the_attempt_that_follows() {
    let mut world = World::new();
    for pid in 1..=5 {
        world.see(Kind::Probe, EVE, pid, 0);
        world.see(Kind::LoginFailed, EVE, pid, 0);
        world.see(Kind::Probe, EVE, pid, 0);
    }
    assert_eq!(world.findings()[0].policy, "default");
}

#[test]
fn closing_lines_restate_and_do_not_add_up() {
    let mut world = World::new();
    for _ in 0..9 {
        world.see(Kind::LoginFailed, EVE, 7, 2);
    }
    assert!(world.blocks().is_empty(), "one connection, one attempt");
}

//! Lines and hooks in every order, late, and over a restart.

use super::*;

fn hooked(user: &str, address: &str) -> Hooked {
    Hooked {
        time: Stamp(0),
        service: "sshd".to_owned(),
        user: user.as_bytes().to_vec(),
        by: None,
        address: address.parse().ok(),
        terminal: None,
        origin: Default::default(),
        method: None,
        key: None,
    }
}

fn hooked_at(at: i64, user: &str, address: &str) -> Hooked {
    Hooked { time: Stamp(at), ..hooked(user, address) }
}

fn line(entries: &mut Entries, at: i64, user: &str, address: &str) -> Met {
    let time = Stamp(at);
    let evidence = entries.expects_hook("sshd", time).then(|| Evidence {
        rule: "sshd/accepted".into(),
        time,
        line: b"a line".to_vec(),
        weight: 1,
    });
    let line = Line {
        time,
        service: "sshd".to_owned(),
        user: Some(user.as_bytes().to_vec()),
        address: address.parse().ok(),
        evidence,
    };
    entries.line(time, line)
}

#[test]
fn whichever_comes_first_the_other_is_not_told_again() {
    let mut entries = Entries::default();
    assert_eq!(line(&mut entries, 0, "alice", "192.0.2.1"), Met::Nothing);
    assert!(entries.hooked(Stamp(300), hooked("alice", "192.0.2.1")));
    assert!(!entries.hooked(Stamp(400), hooked("alice", "192.0.2.1")), "it confirms one");
    assert!(matches!(line(&mut entries, 700, "alice", "192.0.2.1"), Met::Hook(_)));
    assert_eq!(entries.alone(Stamp(100_000)), []);
}

#[test]
fn another_account_or_address_is_another_login() {
    let mut entries = Entries::default();
    assert_eq!(line(&mut entries, 0, "alice", "192.0.2.1"), Met::Nothing);
    assert!(!entries.hooked(Stamp(1), hooked("bob", "192.0.2.1")));
    assert!(!entries.hooked(Stamp(2), hooked("alice", "192.0.2.2")));
    assert!(entries.hooked(Stamp(3), hooked("alice", "a name")));
    assert_eq!(entries.wake_at(), Some(Stamp(1 + LINE_WAIT_MS)));
    assert_eq!(entries.alone(Stamp(1 + LINE_WAIT_MS)), [hooked("bob", "192.0.2.1")]);
    assert_eq!(entries.alone(Stamp(2 + LINE_WAIT_MS)).len(), 1);
}

#[test]
fn a_line_is_confirmed_for_a_while_only() {
    let mut entries = Entries::default();
    assert_eq!(line(&mut entries, 0, "alice", "192.0.2.1"), Met::Nothing);
    assert!(!entries.hooked(Stamp(ONE_LOGIN_MS), hooked_at(ONE_LOGIN_MS, "alice", "192.0.2.1")));
}

#[test]
fn where_both_are_at_work_one_that_stays_alone_is_news() {
    let mut entries = Entries::default();
    assert_eq!(line(&mut entries, 0, "early", "192.0.2.1"), Met::Nothing);
    entries.expect_hooks(Stamp(1), &["sshd".to_owned(), "su-l".to_owned()]);
    assert_eq!(line(&mut entries, 10, "alice", "192.0.2.1"), Met::Nothing);
    assert_eq!(line(&mut entries, 20, "bob", "192.0.2.1"), Met::Nothing);
    assert!(entries.hooked(Stamp(30), hooked("bob", "192.0.2.1")));
    assert!(!entries.hooked(Stamp(40), Hooked { time: Stamp(40), ..hooked("carol", "x") }));
    assert!(!entries.hooked(Stamp(50), Hooked { time: Stamp(50), ..hooked("dave", "x") }));
    assert_eq!(entries.alone(Stamp(5_000)).len(), 2);
    assert_eq!(line(&mut entries, 6_000, "dave", "192.0.2.1"), Met::Told, "late, and yet there");
    assert_eq!(entries.wake_at(), Some(Stamp(10 + OTHER_WAIT_MS)));
    let users = |found: Vec<Option<Vec<u8>>>| -> Vec<String> {
        found.into_iter().flatten().map(|it| String::from_utf8(it).unwrap()).collect()
    };
    let at = Stamp(100 + OTHER_WAIT_MS);
    let lines = entries.unconfirmed(at).into_iter().map(|line| line.user).collect();
    assert_eq!(users(lines), ["alice"]);
    let hooks = entries.unlogged(at).into_iter().map(|hooked| Some(hooked.user)).collect();
    assert_eq!(users(hooks), ["carol"]);
    assert_eq!(entries.wake_at(), None);
    assert!(!entries.expects_hook("dropbear", at) && entries.expects_hook("su", at));
}

#[test]
fn any_number_of_logins_takes_bounded_memory_and_none_is_lost() {
    let mut entries = Entries::default();
    for number in 0..3 * ENTRIES_MAX {
        entries.hooked(Stamp(0), hooked(&format!("a{number}"), "192.0.2.1"));
        line(&mut entries, 0, &format!("b{number}"), "192.0.2.1");
    }
    assert_eq!(entries.lines.len(), ENTRIES_MAX);
    assert_eq!(entries.alone(Stamp(0)).len(), 2 * ENTRIES_MAX);
    assert_eq!(entries.alone(Stamp(LINE_WAIT_MS)).len(), ENTRIES_MAX);
}

#[test]
fn a_line_that_comes_late_is_of_the_login_that_was_told() {
    let mut entries = Entries::default();
    // Each with and without the hook being expected.
    for (at, services) in [(0, vec![]), (100_000, vec!["sshd".to_owned()])] {
        entries.expect_hooks(Stamp(at), &services);
        assert!(!entries.hooked(Stamp(at), hooked_at(at, "alice", "192.0.2.1")));
        assert_eq!(entries.alone(Stamp(at + LINE_WAIT_MS)).len(), 1);
        let missed = entries.unlogged(Stamp(at + OTHER_WAIT_MS)).len();
        assert_eq!(missed, services.len());
        assert_eq!(line(&mut entries, at + 50_000, "alice", "192.0.2.1"), Met::Told);
        assert_eq!(line(&mut entries, at + 50_001, "alice", "192.0.2.1"), Met::Nothing);
        assert!(entries.hooked(Stamp(at + 50_002), hooked_at(at + 50_002, "alice", "192.0.2.1")));
        assert_eq!(entries.unlogged(Stamp(at + 99_000)).len(), 0);
    }
    entries.hooked(Stamp(300_000), hooked_at(300_000, "alice", "192.0.2.1"));
    assert_eq!(entries.alone(Stamp(302_000)).len(), 1);
    assert_eq!(entries.unlogged(Stamp(400_000)).len(), 1);
    assert_eq!(line(&mut entries, 400_000, "alice", "192.0.2.1"), Met::Nothing, "it is another");
}

#[test]
fn while_old_lines_are_read_the_hooks_word_waits_for_its_own() {
    let mut entries = Entries::default();
    entries.catch_up(true);
    entries.hooked(Stamp(0), hooked("alice", "192.0.2.1"));
    entries.hooked(Stamp(0), hooked("bob", "192.0.2.1"));
    assert_eq!(entries.alone(Stamp(30_000)), []);
    assert!(matches!(line(&mut entries, 30_000, "alice", "192.0.2.1"), Met::Hook(_)));
    assert_eq!(entries.alone(Stamp(ONE_LOGIN_MS)).len(), 1, "whoever floods delays it no longer");
    // What was told of stays known until all is read, by the time that the line itself tells.
    assert_eq!(entries.unlogged(Stamp(900_000)).len(), 0);
    let late = Line {
        time: Stamp(500),
        service: "sshd".to_owned(),
        user: Some(b"bob".to_vec()),
        address: None,
        evidence: None,
    };
    assert_eq!(entries.line(Stamp(900_000), late.clone()), Met::Told);
    entries.catch_up(false);
    let other = Line { time: Stamp(80_000), ..late };
    entries.hooked(Stamp(900_000), hooked("bob", "192.0.2.1"));
    assert_eq!(entries.line(Stamp(900_000), other), Met::Nothing, "a minute later is another");
}

#[test]
fn a_restart_at_any_moment_tells_each_login_once() {
    let again = |entries: &mut Entries| {
        let mut next = Entries::default();
        let rows = entries.take_rows().expect("it changed");
        assert_eq!(entries.take_rows(), None);
        next.restore(Stamp(i64::MAX), rows);
        next
    };
    // The hook, and a kill before its line.
    let mut entries = Entries::default();
    entries.hooked(Stamp(0), hooked("alice", "192.0.2.1"));
    let mut entries = again(&mut entries);
    assert!(matches!(line(&mut entries, 900, "alice", "192.0.2.1"), Met::Hook(_)));
    // ... and no line.
    entries.hooked(Stamp(1_000), hooked_at(1_000, "alice", "192.0.2.1"));
    let mut entries = again(&mut entries);
    assert_eq!(entries.alone(Stamp(3_000)), [hooked_at(1_000, "alice", "192.0.2.1")]);
    // ... and the line after both.
    let mut entries = again(&mut entries);
    assert_eq!(line(&mut entries, 4_000, "alice", "192.0.2.1"), Met::Told);
    // The line, and a kill before the hook; an hour later the same account is another login.
    line(&mut entries, 5_000, "alice", "192.0.2.1");
    line(&mut entries, 5_000, "alice", "192.0.2.1");
    let mut entries = again(&mut entries);
    entries.catch_up(true);
    let hour = 3_600_000;
    assert!(entries.hooked(Stamp(hour), hooked_at(5_100, "alice", "192.0.2.1")));
    assert!(!entries.hooked(Stamp(hour), hooked_at(hour, "alice", "192.0.2.1")));
    assert_eq!(entries.unconfirmed(Stamp(hour)), []);
    entries.catch_up(false);
    assert_eq!(entries.unconfirmed(Stamp(hour)), [], "to whom the hook told meanwhile is unknown");
    assert_eq!(entries.lines.len(), 0);
}

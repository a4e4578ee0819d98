//! Questions and answers, with a clock of the test's own.

use super::*;
use monban_model::{Span, Special, Stamp};

const SECOND: Duration = Duration::from_secs(1);

fn who(address: &str, net: &str) -> WhoAnswer {
    let mut who = Who::nothing(address.parse().unwrap(), Stamp(0));
    who.net = Some(Span::of(net.parse().unwrap()));
    who.name = "a.example".to_owned();
    WhoAnswer::Known(Box::new(who))
}

fn ask(desk: &mut WhoDesk, id: u64, address: &str, now: Instant) {
    desk.ask(id, address.parse().unwrap(), now);
}

fn next(desk: &mut WhoDesk, now: Instant) -> Option<String> {
    desk.next(8, now).map(|address| address.to_string())
}

fn told(desk: &mut WhoDesk, now: Instant) -> Vec<(u64, String)> {
    let line = |(id, answer)| match answer {
        WhoAnswer::Known(who) => (id, format!("{} {}", who.address, who.name)),
        WhoAnswer::NotPublic(special) => (id, special.word().to_owned()),
        WhoAnswer::Failed(why) => (id, why),
    };
    desk.answers(now).into_iter().map(line).collect()
}

#[test]
fn an_answer_holds_for_its_network_for_a_day() {
    let (mut desk, start) = (WhoDesk::default(), Instant::now());
    ask(&mut desk, 1, "94.102.63.160", start);
    ask(&mut desk, 2, "94.102.63.161", start);
    ask(&mut desk, 3, "94.102.63.5", start);
    assert_eq!(next(&mut desk, start).as_deref(), Some("94.102.63.160"));
    assert_eq!(next(&mut desk, start), None);
    let address = "94.102.63.160".parse().unwrap();
    desk.found(address, who("94.102.63.160", "94.102.63.128/25"), start);
    let both = [(1, "94.102.63.160 a.example".into()), (2, "94.102.63.161 ".into())];
    assert_eq!(told(&mut desk, start), both);
    // The neighbour is of another network.
    assert_eq!(next(&mut desk, start).as_deref(), Some("94.102.63.5"));
    desk.found("94.102.63.5".parse().unwrap(), WhoAnswer::Failed("no".into()), start);
    assert_eq!(told(&mut desk, start), [(3, "no".to_owned())]);
    ask(&mut desk, 4, "94.102.63.200", start + KEPT - SECOND);
    assert_eq!(told(&mut desk, start + KEPT).len(), 1);
    ask(&mut desk, 5, "94.102.63.200", start + KEPT);
    assert_eq!(next(&mut desk, start + KEPT).as_deref(), Some("94.102.63.200"));
    let counts = DeskCounts { asked: 5, known: 1, looked_up: 3, ..DeskCounts::default() };
    assert_eq!(desk.counts(), counts);
}

#[test]
fn that_nobody_could_tell_is_kept_for_an_hour() {
    let (mut desk, start) = (WhoDesk::default(), Instant::now());
    ask(&mut desk, 1, "8.8.8.8", start);
    let address = desk.next(8, start).unwrap();
    desk.found(address, WhoAnswer::Failed("down".into()), start);
    ask(&mut desk, 2, "8.8.8.9", start + FAILED_KEPT - SECOND);
    assert_eq!(told(&mut desk, start), [(1, "down".to_owned()), (2, "down".to_owned())]);
    ask(&mut desk, 3, "8.8.8.9", start + FAILED_KEPT);
    assert_eq!(next(&mut desk, start + FAILED_KEPT).as_deref(), Some("8.8.8.9"));
}

#[test]
fn nobody_is_asked_about_what_is_nobodys() {
    let (mut desk, now) = (WhoDesk::default(), Instant::now());
    for (id, address) in (0..).zip(["127.0.0.1", "10.1.2.3", "fe80::1", "203.0.113.9", "::"]) {
        ask(&mut desk, id, address, now);
    }
    assert_eq!(desk.next(8, now), None);
    let words: Vec<String> = told(&mut desk, now).into_iter().map(|(_, word)| word).collect();
    let special = [Special::Loopback, Special::Private, Special::LinkLocal];
    assert_eq!(words[..3], special.map(|one| one.word().to_owned()));
}

/// A server that answers for the whole Internet answers for the address that was asked about.
#[test]
fn an_answer_that_claims_everything_is_kept_for_nobody() {
    let (mut desk, now) = (WhoDesk::default(), Instant::now());
    for (id, address, net) in [
        (1, "62.0.113.9", "0.0.0.0/1"),
        (2, "151.51.101.9", "150.0.0.0/7"),
        (3, "2a00::9", "2000::/3"),
    ] {
        desk.ask(id, address.parse().unwrap(), now);
        let asked = desk.next(8, now).unwrap();
        desk.found(asked, who(address, net), now);
        assert_eq!(told(&mut desk, now).len(), 1, "{address}");
        assert_eq!(desk.remembered(asked, now), None, "{net}");
    }
    desk.found("8.8.8.8".parse().unwrap(), who("8.8.8.8", "8.0.0.0/8"), now);
    assert!(desk.remembered("8.8.9.9".parse().unwrap(), now).is_some());
}

/// With all threads at work the next coin is of no use.
#[test]
fn nobody_wakes_for_a_question_that_cannot_be_asked() {
    let (mut desk, now) = (WhoDesk::default(), Instant::now());
    for at in 0..3_u32 {
        desk.ask(u64::from(at), Address::new(IpAddr::V4((0x5e00_0000 + (at << 16)).into())), now);
    }
    assert!(desk.next(1, now).is_some());
    assert_eq!(desk.next(1, now), None);
    assert_eq!(desk.deadline(1), Some(now + PATIENCE));
    assert!(desk.deadline(2).is_some_and(|at| at < now + PATIENCE));
}

#[test]
fn a_registry_is_asked_at_its_pace_and_so_often_a_day() {
    let (mut desk, start) = (WhoDesk::default(), Instant::now());
    let address = |at: u32| Address::new(IpAddr::V4((0x5e00_0000 + (at << 8)).into()));
    let mut now = start;
    let mut looked_up = 0;
    for at in 0..WHO_PER_DAY_MAX + 10 {
        desk.ask(u64::from(at), address(at), now);
        match desk.next(8, now) {
            Some(address) => {
                looked_up += 1;
                desk.found(address, WhoAnswer::Failed(String::new()), now);
            }
            None if looked_up < WHO_PER_DAY_MAX => {
                // Another registry has a pace of its own.
                assert!(at >= WHO_BURST);
                desk.ask(9999, "8.8.8.8".parse().unwrap(), now);
                if let Some(other) = desk.next(8, now) {
                    assert_eq!(other.to_string(), "8.8.8.8");
                    desk.found(other, who("8.8.8.8", "8.8.8.0/24"), now);
                }
                now = desk.deadline(8).unwrap().max(now);
                let address = desk.next(8, now).unwrap();
                looked_up += 1;
                desk.found(address, WhoAnswer::Failed(String::new()), now);
            }
            None => {}
        }
    }
    assert_eq!(looked_up, WHO_PER_DAY_MAX);
    assert_eq!(desk.counts().over_share, 10);
    let paced = u64::from(WHO_PER_DAY_MAX - WHO_BURST) * WHO_PACE_S;
    assert!(now >= start + Duration::from_secs(paced), "{:?}", now - start);
    desk.ask(1, address(70_000), now + DAY);
    assert!(desk.next(8, now + DAY).is_some());
}

#[test]
fn nobody_waits_for_ever_and_any_number_takes_bounded_memory() {
    let (mut desk, start) = (WhoDesk::default(), Instant::now());
    let address = |at: u32| Address::new(IpAddr::V4((0x5e00_0000 + (at << 8)).into()));
    let many = 3 * WHO_KEPT_MAX as u32;
    for at in 0..many {
        desk.ask(u64::from(at), address(at), start);
    }
    let turned_away = u64::from(many) - WHO_ASKED_MAX as u64;
    assert_eq!(desk.counts().turned_away, turned_away);
    assert_eq!(desk.answers(start).len() as u64, turned_away);
    assert_eq!(desk.answers(start + PATIENCE).len(), WHO_ASKED_MAX);
    assert_eq!((desk.next(8, start + PATIENCE), desk.queue.len()), (None, 0));
    assert!(desk.open.is_empty() && desk.deadline(8).is_none());
    for at in 0..many {
        let one = address(at);
        desk.found(one, who(&one.to_string(), &format!("{one}/24")), start);
        desk.found(one, WhoAnswer::Failed(String::new()), start);
    }
    assert!(desk.known.len() <= WHO_KEPT_MAX && desk.failed.len() <= WHO_KEPT_MAX);
    assert!(desk.counts().dropped > 0);
}

#[test]
fn the_narrowest_network_answers() {
    let (mut desk, now) = (WhoDesk::default(), Instant::now());
    for (address, net) in [
        ("94.0.0.1", "94.0.0.0/8"),
        ("94.102.0.1", "94.102.0.0/16"),
        ("94.102.63.1", "94.102.63.0/24"),
        ("94.102.70.1", "94.102.70.0/24"),
    ] {
        desk.found(address.parse().unwrap(), who(address, net), now);
    }
    for (address, net) in [
        ("94.102.63.9", "94.102.63.0/24"),
        ("94.102.64.9", "94.102.0.0/16"),
        ("94.3.3.3", "94.0.0.0/8"),
    ] {
        let Some(WhoAnswer::Known(who)) = desk.remembered(address.parse().unwrap(), now) else {
            panic!("{address}")
        };
        assert_eq!(who.net, Some(Span::of(net.parse().unwrap())), "{address}");
    }
    assert_eq!(desk.remembered("95.0.0.1".parse().unwrap(), now), None);
}

//! A run that is killed goes on from its rows as if nothing had been.

use monban_model::limits::NOTIFY_ROW_BYTES_MAX;
use monban_model::{Escalation, Inhibition, MuteWindow, Notify, NotifyRowKind, Rate, Severity};
use monban_notify::{Command, Input, Outcome, Router};
use proptest::prelude::*;

use crate::world::{World, cases, mail, matchers, simple, stamp, subscription, topic};

/// Everything that there is, with short times.
fn notify() -> Notify {
    let mut wide = topic("wide");
    (wide.group_by, wide.group_wait_s) = (vec!["site".to_owned()], 20);
    (wide.group_interval_s, wide.repeat_s) = (60, Some(600));
    let mut log = subscription("log", "t");
    log.rate = Some(Rate { count: 3, window_s: 120 });
    log.escalation = Some(Escalation { after_s: 90, to: "boss".to_owned() });
    log.fallback = Some("boss".to_owned());
    let mut boss = subscription("boss", "wide");
    boss.severity = Severity::Warning;
    let mut night = subscription("night", "wide");
    night.mute = vec![MuteWindow::Hours { from_min: 5, until_min: 15 }];
    let mut digest = subscription("digest", "t");
    (digest.digest_s, digest.rate) = (Some(300), None);
    Notify {
        topics: vec![topic("t"), wide],
        subscriptions: vec![log, boss, night, digest, mail("me", "t")],
        silences: Vec::new(),
        inhibitions: vec![Inhibition {
            source: matchers("key", "k0"),
            target: matchers("key", "k3"),
            equal: vec!["site".to_owned()],
        }],
        ..Notify::default()
    }
}

/// Plays what the numbers say.
fn play(moves: &[(u8, u8, u8)], kills: &[usize]) -> World {
    let mut world = World::new(notify());
    world.kills.extend(kills);
    for (what, which, wait) in moves {
        let next = world.now_s + i64::from(*wait);
        world.until(next);
        let (key, site) = (which % 4, which / 4 % 2);
        let severity = ["info", "notice", "warning", "critical"][usize::from(which / 8 % 4)];
        match what % 12 {
            0..3 => {
                let begins = if key < 2 { "repeats" } else { "fires" };
                world.publish(&format!("{begins} alarm k{key} {severity} site=s{site}"));
            }
            3 | 4 => world.publish(&format!("over alarm k{key} info")),
            5 | 6 => world.publish(&format!("once login l{key} {severity} site=s{site}")),
            7 => world.publish(&format!("once block b{which} {severity}")),
            8 => {
                let down = ["log", "boss", "night"][usize::from(key) % 3].to_owned();
                if !world.down.remove(&down) {
                    world.down.insert(down);
                }
            }
            9 => {
                world.command(Command::Acknowledge(format!("k{key}")));
                let until = stamp(next + 200);
                world.command(Command::Mute("boss".to_owned(), (site == 0).then_some(until)));
            }
            10 => {
                let silence = monban_model::Silence {
                    matchers: matchers("key", &format!("k{key}")),
                    from: stamp(next),
                    until: Some(stamp(next + 100)),
                    comment: String::new(),
                };
                world.command(Command::Silence(silence));
            }
            _ => world.publish(&format!("once finding f{key} {severity} site=s{site}")),
        }
    }
    world.until(world.now_s + 4000);
    world
}

/// What was told, by time. What is told in the same second to several comes in any order: after a
/// kill each subscription is looked at, before it those that had something to do.
fn in_order(world: &World) -> Vec<(i64, &str)> {
    let mut told: Vec<(i64, &str)> = world
        .told
        .iter()
        .filter_map(|line| line.split_once(' '))
        .map(|(time, line)| (time.parse().unwrap(), line))
        .collect();
    told.sort_unstable();
    told
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn a_kill_after_any_step_changes_nothing(
        moves in prop::collection::vec((any::<u8>(), any::<u8>(), 0..90_u8), 1..60),
        kills in prop::collection::btree_set(1..200_usize, 1..12),
    ) {
        let kills: Vec<usize> = kills.into_iter().collect();
        let (whole, killed) = (play(&moves, &[]), play(&moves, &kills));
        prop_assert_eq!(in_order(&whole), in_order(&killed));
        let figures = |world: &World| {
            let all = world.router.subscriptions();
            all.into_iter().map(|it| (it.name, it.figures, it.held, it.queued)).collect::<Vec<_>>()
        };
        prop_assert_eq!(figures(&whole), figures(&killed));
        prop_assert_eq!(whole.router.sizes(), killed.router.sizes());
    }
}

#[test]
fn what_was_underway_is_handed_out_again_under_its_name_and_nothing_that_was_accepted() {
    let mut world = World::new(simple());
    world.publish("once login a notice");
    world.mute.insert("log".to_owned());
    world.publish("once login b notice");
    world.until(10);
    world.router = Router::new(&world.notify, world.rows.clone());
    world.delivers.clear();
    world.until(20);
    let [again] = &world.delivers[..] else { panic!("{:?}", world.delivers) };
    assert_eq!((again.thread.as_str(), again.attempt), ("b", 1));
    let id = again.id.clone();
    world.input(Input::Outcome { id, outcome: Outcome::Delivered });
    assert!(world.rows.iter().all(|row| row.kind != NotifyRowKind::Delivery));
    world.router = Router::new(&world.notify, world.rows.clone());
    world.until(10_000);
    assert_eq!(world.delivers.len(), 1);
}

#[test]
fn another_configuration_keeps_what_is_open() {
    let mut world = World::new(notify());
    world.mute.extend(["log", "boss", "night"].map(str::to_owned));
    world.publish("fires alarm k1 warning site=s0");
    world.publish("once login l1 notice site=s0");
    world.until(30);
    assert_eq!(world.router.sizes(), (3, 1));
    // In another order, without one of them.
    let mut other = world.notify.clone();
    other.topics.reverse();
    other.subscriptions.retain(|it| it.name != "log" && it.fallback.is_none());
    world.router.reload(&other);
    world.notify = other;
    let queued: Vec<String> = world.router.queue().into_iter().map(|it| it.subscription).collect();
    assert!(!queued.is_empty() && !queued.contains(&"log".to_owned()), "{queued:?}");
    let handed_out = world.delivers.len();
    world.input(Input::Tick);
    assert_eq!(world.delivers.len(), handed_out, "what is underway still is");
    assert!(world.rows.iter().all(|row| row.id != "log"), "its row is forgotten");
    let before = world.router.queue();
    world.router = Router::new(&world.notify, world.rows.clone());
    world.input(Input::Tick);
    assert_eq!(world.router.queue().len(), before.len());
    world.publish("over alarm k1 warning");
    assert_eq!(world.router.sizes().1, 0);
}

#[test]
fn another_repeat_holds_for_what_lasts() {
    let mut notify = simple();
    notify.topics[0].repeat_s = None;
    let mut world = World::new(notify);
    world.publish("fires alarm a warning");
    world.until(1000);
    world.said.clear();
    for (repeat_s, end, said) in [
        (Some(3600), 3600, vec!["3600 log repeat a 1+0"]),
        (Some(7200), 10_800, vec!["10800 log repeat a 1+0"]),
        (None, 100_000, vec![]),
    ] {
        world.notify.topics[0].repeat_s = repeat_s;
        world.router.reload(&world.notify);
        world.until(end);
        assert_eq!(std::mem::take(&mut world.said), said, "{repeat_s:?}");
    }
}

#[test]
fn nothing_waits_for_an_escalation_that_was_taken_away() {
    let mut notify = simple();
    notify.subscriptions.push(subscription("boss", "t"));
    notify.subscriptions[0].escalation = Some(Escalation { after_s: 900, to: "boss".to_owned() });
    let mut world = World::new(notify);
    world.publish("once finding a warning");
    world.until(800);
    world.notify.subscriptions[0].escalation = None;
    world.router.reload(&world.notify);
    for s in 1000..1010 {
        world.now_s = s;
        world.input(Input::Tick);
        assert!(world.router.wake_at().is_none_or(|wake| wake > stamp(s)), "{s}");
    }
    assert_eq!(world.router.subscriptions()[0].awaiting, 0);
}

#[test]
fn damaged_rows_are_counted_and_forgotten() {
    let mut world = play(&[(0, 1, 5), (5, 2, 5), (10, 3, 3), (0, 4, 2), (7, 1, 1)], &[]);
    world.mute.insert("boss".to_owned());
    world.publish("fires alarm k2 critical site=s1");
    world.until(world.now_s + 30);
    let rows = world.rows.clone();
    assert!(rows.iter().all(|row| {
        row.content.as_ref().is_some_and(|it| it.data.len() <= NOTIFY_ROW_BYTES_MAX)
    }));
    for at in 0..rows.len() {
        let size = rows[at].content.as_ref().unwrap().data.len();
        for cut in (0..size).step_by(7) {
            let mut damaged = rows.clone();
            damaged[at].content.as_mut().unwrap().data.truncate(cut);
            let mut router = Router::new(&world.notify, damaged);
            assert_eq!(router.counters().unreadable_rows, 1);
            let gone = router.take_rows().into_iter().filter(|row| row.content.is_none());
            assert_eq!(gone.count(), 1);
        }
    }
}

#[test]
fn a_report_is_told_once_whenever_a_run_ends() {
    use monban_model::{ReportId, ReportKind};
    for kill in 0..8 {
        let mut world = World::new(simple());
        world.kills.insert(kill);
        let due = |world: &mut World, kind, s: i64| {
            world.until(s);
            let report = ReportId { kind, due: stamp(s) };
            world.input(Input::Report(report, "t".to_owned()));
            world.input(Input::Report(report, "t".to_owned()));
            assert!(!world.router.wants(report));
        };
        // Nobody waited for the first one; the other kind has a first of its own.
        due(&mut world, ReportKind::Daily, 10);
        due(&mut world, ReportKind::Daily, 110);
        due(&mut world, ReportKind::Weekly, 120);
        due(&mut world, ReportKind::Daily, 210);
        world.until(400);
        let told = world.told.iter().filter(|line| line.contains("Report")).count();
        assert_eq!(told, 2 * simple().subscriptions.len(), "killed at {kill}: {:?}", world.told);
        let older = ReportId { kind: ReportKind::Daily, due: stamp(150) };
        assert!(!world.router.wants(older));
    }
}

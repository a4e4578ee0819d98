//! What another fail2ban knew, and whom a run would have banned that only observed.

use monban_fail2ban::filter::Id;
use monban_jails::{Earlier, Told};
use monban_model::{JailJob, JailResult, JailRowKind};

use super::world::{START_S, TWO, World};

/// Two would-bans: one of the first second, and one of ten seconds later.
fn observed() -> World {
    let mut world = World::new(TWO);
    world.line("/two.log", "no bob from 192.0.2.1");
    world.tick(10);
    world.line("/two.log", "no bob from 192.0.2.2");
    for order in world.orders() {
        world.becomes(&order, JailResult::Observed);
    }
    world.commit();
    let made: Vec<bool> = world
        .news()
        .into_iter()
        .filter_map(|one| match one.told {
            Told::Made { observed, .. } => Some(observed),
            _ => None,
        })
        .collect();
    assert_eq!(made, [true, true]);
    world.guards = true;
    world
}

fn of_another(id: &str, time_s: i64) -> Earlier {
    let (jail, id) = ("two".to_owned(), Id::of_text(id));
    Earlier { jail, id, time_s, seconds: Some(600), count: 3 }
}

/// The jails begin to guard: what is laid aside is not in force, nor gone from the ledger.
fn begin_to_guard(world: &mut World) {
    assert!(world.jails.lay_aside_observed());
    assert_eq!(world.set_up(), []);
    world.jails.actions(&[0, 1], world.now());
    let starts = [(0, JailJob::Start, String::new()), (1, JailJob::Start, String::new())];
    assert_eq!(world.ordered(), starts);
    world.commit();
    assert_eq!(world.committed(JailRowKind::Ban), 2);
    world.news();
}

/// What follows once it is known until when another fail2ban judged, and whom it banned.
fn settle(world: &mut World, judged_s: Option<i64>) -> Vec<String> {
    let now = world.now();
    world.jails.settle_observed(judged_s, now);
    let earlier = judged_s.map(|_| of_another("192.0.2.3", START_S)).into_iter().collect();
    world.jails.take_earlier(earlier, now);
    world.commit();
    world.told()
}

fn bans(world: &mut World) -> Vec<String> {
    // The starts are done.
    let ordered = world.ordered().into_iter();
    ordered.filter(|(_, job, _)| *job == JailJob::Ban).map(|(_, _, id)| id).collect()
}

#[test]
fn whom_an_observing_run_would_have_banned_is_banned_if_nobody_else_judged_it() {
    for is_new_start in [true, false] {
        let mut world = observed();
        if is_new_start {
            world.begin();
        }
        begin_to_guard(&mut world);
        let told = settle(&mut world, None);
        assert_eq!(told, ["two restored 192.0.2.1", "two restored 192.0.2.2"]);
        assert_eq!(bans(&mut world), ["192.0.2.1/32", "192.0.2.2/32"].map(short));
    }
}

#[test]
fn what_another_fail2ban_judged_is_its_own_also_when_a_reload_begins_to_guard() {
    for is_new_start in [true, false] {
        let mut world = observed();
        if is_new_start {
            world.begin();
        }
        begin_to_guard(&mut world);
        // It stopped in the fifth second: what came after it nobody else has seen.
        let told = settle(&mut world, Some(START_S + 5));
        assert_eq!(told, ["two restored 192.0.2.2", "two taken 192.0.2.3"]);
        assert_eq!(bans(&mut world), ["192.0.2.2/32", "192.0.2.3/32"].map(short));
        assert_eq!(world.committed(JailRowKind::Ban), 2);
        assert_eq!(world.committed(JailRowKind::Known), 2);
        assert!(world.client("status two").contains("Total banned:\t2"));
    }
}

#[test]
fn bans_of_a_guarding_run_go_on_whatever_was_observed_later() {
    let mut world = World::new(TWO);
    world.guards = true;
    world.restart();
    world.jails.actions(&[0, 1], world.now());
    world.line("/two.log", "no eve from 192.0.2.9");
    world.commit();
    world.guards = false;
    world.restart();
    world.line("/two.log", "no bob from 192.0.2.1");
    world.commit();
    world.begin();
    world.guards = true;
    assert!(world.jails.lay_aside_observed());
    assert_eq!(world.set_up(), []);
    world.told();
    world.jails.settle_observed(Some(START_S + 5), world.now());
    world.commit();
    assert!(world.client("status two").contains("Banned IP list:\t192.0.2.9"));
    assert_eq!(world.committed(JailRowKind::Ban), 1);
    assert!(!world.jails.lay_aside_observed(), "each is settled once");
}

#[test]
fn a_kill_before_the_other_fail2ban_has_spoken_loses_nobody() {
    let mut world = observed();
    begin_to_guard(&mut world);
    world.begin();
    begin_to_guard(&mut world);
    assert_eq!(settle(&mut world, None).len(), 2);
}

#[test]
fn a_ban_of_another_goes_on_though_a_younger_one_of_our_own_is_over() {
    let mut world = World::new(&TWO.replace("bantime = 1m", "bantime = 1h"));
    world.client("set two bantime 5");
    world.line("/two.log", "no bob from 192.0.2.1");
    world.tick(10);
    assert_eq!(world.told(), ["two banned 192.0.2.1", "two freed 192.0.2.1"]);
    world.client("set two bantime 3600");
    let older = vec![of_another("192.0.2.1", START_S - 60)];
    assert_eq!(world.jails.take_earlier(older, world.now()), 1);
    assert_eq!(world.told(), ["two taken 192.0.2.1"]);
}

#[test]
fn of_all_bans_of_an_address_the_last_goes_on() {
    let mut world = World::new(TWO);
    let bans = [5, 2, 9].map(|ago| of_another("192.0.2.1", START_S - ago));
    assert_eq!(world.jails.take_earlier(bans.to_vec(), world.now()), 1);
    let news = world.news();
    // No longer than the jail bans.
    let until = news.iter().find_map(|one| match one.told {
        Told::TakenOver { until, earlier } => Some((until, earlier)),
        _ => None,
    });
    assert_eq!(until, Some((Some(START_S - 2 + 60), 2)));
}

fn short(net: &str) -> String {
    net.trim_end_matches("/32").to_owned()
}

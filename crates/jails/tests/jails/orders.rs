//! Orders that wait for slow actions, and what becomes of them.

use std::collections::HashSet;

use monban_jails::{Told, WhyFreed};
use monban_model::limits::{JAIL_ENDS_MAX, JAIL_UNDERWAY_MAX};
use monban_model::{ActionFailure, JailJob, JailOrder, JailResult};

use super::world::{TWO, World};

/// Both jails are started, and the second bans for so long.
fn started(bantime: &str) -> World {
    let text = TWO.replace("bantime = 1m", &format!("bantime = {bantime}"));
    let mut world = World::new(&text.replace("[one]", "[one]\nmaxretry = 1"));
    world.guards = true;
    world.set_up();
    world.jails.actions(&[], world.now());
    assert_eq!(world.ordered(), []);
    world
}

impl World {
    /// So many addresses fail in the second jail, from this one on.
    fn flood(&mut self, first: u32, count: u32) {
        for number in first..first + count {
            let address = std::net::Ipv4Addr::from(0x0a00_0000 + number);
            self.line("/two.log", &format!("no eve from {address}"));
        }
    }

    /// All orders that are there when those before are done.
    fn drain(&mut self, mut orders: Vec<JailOrder>) -> Vec<JailOrder> {
        let mut all = Vec::new();
        while !orders.is_empty() {
            orders.iter().for_each(|order| self.done(order, 0));
            all.append(&mut orders);
            orders = self.orders();
        }
        all
    }
}

fn jobs(orders: &[JailOrder], job: JailJob) -> usize {
    orders.iter().filter(|order| order.job == job).count()
}

#[test]
fn a_slow_jail_holds_up_no_other() {
    let mut world = started("1h");
    world.flood(0, 9000);
    let slow = world.orders();
    assert_eq!(slow.len(), JAIL_UNDERWAY_MAX);
    world.line("/one1.log", "no eve from 192.0.2.7");
    assert_eq!(world.ordered(), [(0, JailJob::Ban, "192.0.2.7".to_owned())]);
    slow.iter().take(100).for_each(|order| world.done(order, 0));
    assert_eq!(world.orders().len(), 100, "as many as came back");
}

#[test]
fn a_ban_that_ends_before_it_left_is_not_ordered_and_neither_is_its_end() {
    let mut world = started("1m");
    world.flood(0, 9000);
    let first = world.orders();
    let banned: HashSet<_> = first.iter().map(|order| order.address).collect();
    assert_eq!((first.len(), jobs(&first, JailJob::Ban)), (512, 512));
    world.tick(70);
    assert_eq!(world.told().iter().filter(|one| one.contains("freed")).count(), 9000);
    let rest = world.drain(first).split_off(512);
    assert_eq!((rest.len(), jobs(&rest, JailJob::Unban)), (512, 512));
    assert!(rest.iter().all(|order| banned.contains(&order.address)));
}

#[test]
fn whoever_is_banned_again_is_let_go_before() {
    let mut world = started("1m");
    world.flood(0, 600);
    let first = world.orders();
    world.tick(70);
    world.flood(0, 600);
    let all = world.drain(first);
    let mut banned = HashSet::new();
    for order in &all {
        match order.job {
            JailJob::Ban => assert!(banned.insert(order.address), "{order:?}"),
            JailJob::Unban => assert!(banned.remove(&order.address), "{order:?}"),
            _ => panic!("{order:?}"),
        }
    }
    assert_eq!(banned.len(), 600);
}

#[test]
fn ends_that_wait_are_bounded_and_none_is_lost() {
    let mut world = started("10s");
    let mut underway = Vec::new();
    let (mut bans, mut ends) = (0, 0);
    // Actions that answer one order each second, over and over a burst of bans.
    for round in 0..60 {
        world.flood(round * 600, 600);
        underway.extend(world.orders());
        world.tick(12);
        let count = underway.len();
        for order in underway.drain(..count.min(256)) {
            bans += usize::from(order.job == JailJob::Ban);
            ends += usize::from(order.job == JailJob::Unban);
            world.done(&order, 0);
        }
        assert!(underway.len() <= JAIL_UNDERWAY_MAX);
        world.news();
    }
    let rest = world.drain(underway);
    bans += jobs(&rest, JailJob::Ban);
    ends += jobs(&rest, JailJob::Unban);
    assert_eq!(bans, ends, "every ban that was ordered ends");
    assert!(bans < 36_000, "most were over before their turn came: {bans}");
}

#[test]
fn no_ban_is_made_while_a_jail_has_its_share_of_ends_waiting() {
    let mut world = started("1h");
    let share = u32::try_from(JAIL_ENDS_MAX / 2).unwrap();
    world.flood(0, share + 600);
    let made = world.orders();
    assert_eq!(world.drain(made).len(), share as usize + 600);
    // All of them end, and their ends wait; then somebody else fails.
    world.tick(3700);
    let stuck = world.orders();
    assert_eq!(jobs(&stuck, JailJob::Unban), JAIL_UNDERWAY_MAX);
    world.flood(100_000, 1);
    for (at, order) in stuck.iter().enumerate() {
        world.done(order, 0);
        let next = world.orders();
        let made = jobs(&next, JailJob::Ban);
        assert_eq!(made, usize::from(at == 89), "after {at}");
        if made == 1 {
            return;
        }
    }
    panic!("it never was");
}

#[test]
fn a_stop_is_one_order_before_all_that_waits() {
    let mut world = started("1h");
    world.flood(0, 70_000);
    let first = world.orders();
    world.tick(1);
    world.client("unban 10.0.0.1");
    world.client("stop two");
    assert_eq!(world.ordered(), [(1, JailJob::Stop, String::new())]);
    // What was on its way did not get its turn.
    world.news();
    first.iter().for_each(|order| world.becomes(order, JailResult::Ended));
    assert_eq!(world.news(), []);
    assert_eq!(world.ordered(), []);
}

#[test]
fn what_fails_in_a_jail_that_is_stopped_is_told_by_its_name() {
    let mut world = started("1h");
    world.line("/two.log", "no eve from 192.0.2.7");
    let ban = world.orders();
    world.client("stop two");
    let stop = world.orders();
    world.news();
    let how = Some("exit code 1".to_owned());
    let what = "actionunban failed".to_owned();
    let failed = vec![ActionFailure { action: Some("a".to_owned()), what, how }];
    for order in ban.iter().chain(&stop) {
        let failed = failed.clone();
        world.becomes(order, JailResult::Failed { failed, singly: Vec::new(), repairs: None });
    }
    let news = world.news();
    let of: Vec<_> = news.iter().map(|one| (one.jail.as_str(), one.id.is_some())).collect();
    assert_eq!(of, [("two", true), ("two", false)]);
    assert_eq!(news[1].told, Told::Failed { job: JailJob::Stop, failed });
}

#[test]
fn orders_that_take_long_are_waited_for_and_told_once() {
    let mut world = started("1h");
    world.flood(0, 600);
    let slow = world.orders();
    assert_eq!(slow.len(), JAIL_UNDERWAY_MAX);
    let unheard = |world: &mut World| -> Vec<(String, Told)> {
        let news = world.news().into_iter().map(|one| (one.jail, one.told));
        news.filter(|(_, told)| matches!(told, Told::Unheard { .. })).collect()
    };
    // Another jail is heard of, and this one says nothing of that.
    world.line("/one1.log", "no eve from 192.0.2.7");
    let other = world.orders();
    world.tick(299);
    world.done(&other[0], 0);
    world.tick(2);
    assert_eq!(world.ordered(), []);
    let told = ("two".to_owned(), Told::Unheard { orders: JAIL_UNDERWAY_MAX });
    assert_eq!(unheard(&mut world), std::slice::from_ref(&told));
    world.tick(1000);
    assert_eq!((world.ordered(), unheard(&mut world)), (vec![], vec![]), "no more to a busy lane");
    // One came back after all: there is room for one more, and the time begins anew.
    world.done(&slow[0], 0);
    assert_eq!(world.orders().len(), 1);
    world.tick(300);
    world.orders();
    assert_eq!(unheard(&mut world), []);
    world.tick(1);
    world.orders();
    assert_eq!(unheard(&mut world), [told]);
}

#[test]
fn a_flush_that_some_actions_fail_is_made_up_for_by_them_and_told() {
    let mut world = started("1h");
    world.flood(1, 2);
    let bans = world.orders();
    bans.iter().for_each(|order| world.done(order, 0));
    world.client("unban --all");
    let flush = world.orders().split_off(1);
    assert_eq!((flush.len(), flush[0].job), (1, JailJob::Flush { stopping: false }));
    // One of them is banned anew meanwhile.
    world.flood(1, 1);
    assert_eq!(world.orders().len(), 1);
    world.news();
    let what = "actionflush failed".to_owned();
    let failed = vec![ActionFailure { action: Some("a".to_owned()), what, how: None }];
    world.becomes(&flush[0], JailResult::Failed { failed, singly: vec![1, 0], repairs: None });
    assert!(matches!(world.news()[0].told, Told::Failed { .. }));
    let singly = world.orders();
    assert_eq!(singly.len(), 1);
    assert_eq!((singly[0].job, &singly[0].actions[..]), (JailJob::Unban, &[1, 0][..]));
    assert_eq!(singly[0].address.unwrap().to_string(), "10.0.0.2");
}

#[test]
fn a_flush_takes_the_ends_that_wait_with_it() {
    let mut world = started("1m");
    world.flood(0, 512);
    let first = world.orders();
    world.tick(70);
    world.flood(1000, 3);
    world.client("unban --all");
    let mut rest = world.drain(first).split_off(512);
    rest.retain(|order| order.jail == 1);
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].job, JailJob::Flush { stopping: false });
}

#[test]
fn one_check_of_a_jail_waits() {
    let mut world = started("1h");
    world.flood(0, 512);
    let first = world.orders();
    for _ in 0..100 {
        world.tick(1);
        world.jails.check(world.now());
    }
    let rest = world.drain(first).split_off(512);
    assert_eq!((rest.len(), rest[0].job), (1, JailJob::Check));
}

#[test]
fn what_waits_is_made_up_for_after_a_restart() {
    let mut world = started("1m");
    world.flood(0, 700);
    let first = world.orders();
    world.commit();
    world.restart();
    world.jails.actions(&[], world.now());
    let left: HashSet<_> = first.iter().map(|order| order.address).collect();
    let rest = world.orders();
    assert_eq!((rest.len(), jobs(&rest, JailJob::Ban)), (188, 188));
    assert!(rest.iter().all(|order| !left.contains(&order.address)));
    rest.iter().for_each(|order| world.done(order, 0));
    // Ends that have no outcome when it is killed.
    world.tick(70);
    let ends = world.orders();
    assert_eq!(ends.len(), JAIL_UNDERWAY_MAX);
    ends[..100].iter().for_each(|end| world.done(end, 0));
    world.commit();
    assert_eq!(world.in_force(), Vec::<String>::new());
    world.restart();
    world.jails.actions(&[], world.now());
    let rest = world.orders();
    let rest = world.drain(rest);
    assert_eq!((rest.len(), jobs(&rest, JailJob::Unban)), (600, 600));
    world.commit();
    world.restart();
    world.jails.actions(&[], world.now());
    assert_eq!(world.ordered(), []);
}

#[test]
fn a_ban_by_hand_that_did_not_leave_ends_without_a_word_to_its_actions() {
    let mut world = started("1h");
    world.flood(0, 600);
    world.orders();
    world.news();
    assert_eq!(world.client("unban 10.0.2.50"), "1");
    let freed = world.news();
    assert_eq!(freed[0].told, Told::Freed(WhyFreed::Operator));
    assert_eq!(world.ordered(), []);
}

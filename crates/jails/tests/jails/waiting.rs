//! Bans of jails that do not run.

use std::net::Ipv4Addr;

use monban_fail2ban::filter::Id;
use monban_jails::{Earlier, Told};
use monban_model::JailRowKind;
use monban_model::limits::JAIL_BANS_MAX;

use super::BOB;
use super::world::{TWO, World};

fn switch(world: &mut World, on: bool, bantime: &str) {
    let text = TWO.replace("bantime = 1m", &format!("bantime = {bantime}"));
    let off = text.replace("[two]\nenabled = yes", "[two]\nenabled = no");
    world.write("jail.conf", if on { &text } else { &off });
}

fn forgotten(world: &mut World) -> Vec<u64> {
    let count = |told: Told| match told {
        Told::Forgotten { count } => Some(count),
        _ => None,
    };
    world.news().into_iter().filter_map(|one| count(one.told)).collect()
}

#[test]
fn bans_of_a_jail_that_does_not_run_can_be_ended_for_good() {
    let mut world = World::new(TWO);
    world.line("/two.log", BOB);
    world.commit();
    world.write("jail.conf", &TWO.replace("[two]\nenabled = yes", "[two]\nenabled = no"));
    world.restart();
    assert_eq!(world.committed(JailRowKind::Ban), 1);
    assert_eq!(world.jails.free_all(), 0);
    world.commit();
    assert_eq!(world.committed(JailRowKind::Ban), 0);
}

#[test]
fn bans_of_a_jail_that_is_gone_are_not_in_force_and_are_forgotten_when_they_are_over() {
    for restarts in [false, true] {
        let mut world = World::new(TWO);
        world.line("/two.log", BOB);
        world.line("/two.log", "no eve from 192.0.2.2");
        world.commit();
        assert_eq!(world.in_force(), ["192.0.2.1", "192.0.2.2"]);
        switch(&mut world, false, "1m");
        match restarts {
            true => world.restart(),
            false => assert_eq!(world.set_up(), []),
        }
        world.commit();
        assert_eq!((world.committed(JailRowKind::Ban), world.in_force().len()), (2, 0));
        world.tick(30);
        world.commit();
        assert_eq!(world.committed(JailRowKind::Ban), 2);
        world.told();
        world.tick(91);
        assert_eq!(forgotten(&mut world), [2]);
        world.commit();
        assert_eq!(world.committed(JailRowKind::Ban), 0);
        // How often they were banned is remembered for as long as `dbpurgeage` says.
        assert_eq!(world.committed(JailRowKind::Known), 2);
        world.tick(86_500);
        world.commit();
        assert_eq!(world.committed(JailRowKind::Known), 0);
    }
}

#[test]
fn bans_go_on_with_a_jail_that_is_back() {
    for (bantime, lasts) in [("1m", false), ("1h", true), ("-1", true)] {
        let mut world = World::new(TWO);
        switch(&mut world, true, bantime);
        world.set_up();
        world.line("/two.log", BOB);
        switch(&mut world, false, bantime);
        world.set_up();
        world.tick(100);
        world.commit();
        world.restart();
        world.jails.clock_set(-50_000);
        world.now_s -= 50;
        world.tick(200);
        world.commit();
        switch(&mut world, true, bantime);
        world.told();
        world.restart();
        world.commit();
        let told: &[&str] = if lasts { &["two restored 192.0.2.1"] } else { &[] };
        assert_eq!(world.told(), told, "{bantime}");
        assert_eq!(world.in_force().len(), usize::from(lasts), "{bantime}");
    }
}

#[test]
fn a_ban_is_as_long_after_a_restart_as_when_it_was_made() {
    for (bantime, left_s) in [("1h", 60), ("10s", 10)] {
        let mut world = World::new(TWO);
        world.line("/two.log", "no bob from 192.0.2.1");
        world.commit();
        world.write("jail.conf", &TWO.replace("bantime = 1m", &format!("bantime = {bantime}")));
        world.restart();
        world.told();
        world.tick(left_s);
        assert_eq!(world.told(), [""; 0], "{bantime}");
        world.tick(1);
        assert_eq!(world.told(), ["two freed 192.0.2.1"], "{bantime}");
    }
}

#[test]
fn bans_of_before_without_room_are_told_and_do_not_come_back() {
    let long = TWO.replace("bantime = 1m", "bantime = 10h");
    let mut world = World::new(&long);
    for n in 1..=3 {
        world.line("/two.log", &format!("no bob from 192.0.2.{n}"));
    }
    assert_eq!(world.ordered().len(), 3);
    world.commit();
    // While the jail is away, another one takes over more bans than there may be.
    world.write("jail.conf", &long[..long.find("[two]").unwrap()]);
    assert_eq!(world.set_up(), []);
    let most = JAIL_BANS_MAX as u32;
    let earlier = (0..most + 2).map(|n| Earlier {
        jail: "one".to_owned(),
        id: Id::of_text(&Ipv4Addr::from_bits(0x0a00_0000 + n).to_string()),
        time_s: world.now_s,
        seconds: None,
        count: 1,
    });
    let (earlier, now) = (earlier.collect(), world.now());
    assert_eq!(world.jails.take_earlier(earlier, now), JAIL_BANS_MAX);
    world.write("jail.conf", &long);
    assert_eq!(world.set_up(), []);
    world.news();
    world.tick(1);
    let surplus = |world: &mut World| -> Vec<(String, u64)> {
        let news = world.news().into_iter();
        let surplus = news.filter_map(|news| match news.told {
            Told::Surplus { count } => Some((news.jail, count)),
            _ => None,
        });
        surplus.collect()
    };
    assert_eq!(surplus(&mut world), [("one".to_owned(), 2), ("two".to_owned(), 3)]);
    // Nothing of them comes back when there is room; only the ends of those that were made wait.
    world.commit();
    assert_eq!(world.in_force().len(), JAIL_BANS_MAX);
    assert_eq!(world.committed(JailRowKind::Ban), JAIL_BANS_MAX + 3);
    assert!(!world.in_force().iter().any(|id| id.starts_with("192.0.2.")));
}

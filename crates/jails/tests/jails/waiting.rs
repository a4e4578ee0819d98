//! Bans of jails that do not run.

use monban_jails::Told;
use monban_model::JailRowKind;

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

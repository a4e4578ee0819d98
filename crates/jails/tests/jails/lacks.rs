//! Jails that do not run as they are written.

use monban_jails::{Instead, Lack, WhyNot};

use super::world::{TWO, World};

#[test]
fn a_jail_whose_values_cannot_be_read_goes_on_as_it_was_and_begins_with_defaults() {
    let mut world = World::new(&TWO.replace("maxretry = 1\n", "maxretry = 2\n"));
    let bad = TWO.replace("maxretry = 1\n", "maxretry = two\nbantime = 1 weeek\n");
    world.write("jail.conf", &bad);
    let lines = |lacks: &[Lack]| -> Vec<(String, Instead, Vec<u32>)> {
        let places = |lack: &Lack| match &lack.why {
            WhyNot::Values(faults) => faults.iter().map(|fault| fault.place.line).collect(),
            WhyNot::Unusable(why) => panic!("{why}"),
        };
        let lacks = lacks.iter();
        lacks.map(|lack| (lack.jail.clone(), lack.instead, places(lack))).collect()
    };
    let two = |instead| vec![("two".to_owned(), instead, vec![14, 15])];
    assert_eq!(lines(&world.set_up()), two(Instead::GoesOn));
    world.line("/two.log", "no bob from 192.0.2.1");
    world.line("/two.log", "no bob from 192.0.2.1");
    assert_eq!(world.told(), ["two banned 192.0.2.1"]);
    // Still so at the next reload, which changes what is right.
    world.write("jail.conf", &bad.replace("maxretry = 3", "maxretry = 1"));
    assert_eq!(lines(&world.set_up()), two(Instead::GoesOn));
    world.line("/one.log", "no eve from 192.0.2.2");
    assert_eq!(world.told(), ["one banned 192.0.2.2"]);
    // At a start fail2ban's own values are taken, and over a reload that brings no new mistake.
    world.commit();
    world.begin();
    assert_eq!(lines(&world.set_up()), two(Instead::Defaults));
    assert_eq!(world.client("get two maxretry"), "3");
    assert_eq!(world.client("get two bantime"), "600");
    world.write("jail.conf", &format!("\n{bad}findtime = 5m\n"));
    let found = world.set_up();
    assert_eq!(lines(&found)[0].1, Instead::Defaults);
    assert_eq!(world.client("get two findtime"), "300");
    world.write("jail.conf", TWO);
    assert_eq!(world.set_up(), []);
    assert_eq!(world.client("get two maxretry"), "1");
}

//! Jails that do not run as they are written.

use monban_jails::{Lack, WhyNot};

use super::world::{TWO, World};

#[test]
fn values_that_cannot_be_read_are_refused_by_a_reload_and_defaults_at_a_start() {
    let mut world = World::new(&TWO.replace("maxretry = 1\n", "maxretry = 2\n"));
    let bad = TWO.replace("maxretry = 1\n", "maxretry = two\nbantime = 1 weeek\n");
    world.write("jail.conf", &bad);
    let lines = |lacks: &[Lack]| -> Vec<(String, Vec<u32>)> {
        let places = |lack: &Lack| match &lack.why {
            WhyNot::Values(faults) => faults.iter().map(|fault| fault.place.line).collect(),
            WhyNot::Unusable(why) => panic!("{why}"),
        };
        let lacks = lacks.iter();
        lacks.map(|lack| (lack.jail.clone(), places(lack))).collect()
    };
    let two = [("two".to_owned(), vec![14, 15])];
    assert_eq!(lines(&world.reload().unwrap_err()), two);
    world.line("/two.log", "no bob from 192.0.2.1");
    world.line("/two.log", "no bob from 192.0.2.1");
    assert_eq!(world.told(), ["two banned 192.0.2.1"]);
    // What is right stays as it was as well.
    world.write("jail.conf", &bad.replace("maxretry = 3", "maxretry = 1"));
    assert_eq!(lines(&world.reload().unwrap_err()), two);
    world.line("/one.log", "no eve from 192.0.2.2");
    assert_eq!(world.told(), Vec::<String>::new());
    // At a start fail2ban's own values are taken, and over a reload that brings no new mistake.
    world.commit();
    world.begin();
    world.write("jail.conf", &bad);
    assert_eq!(lines(&world.set_up()), two);
    assert_eq!(world.client("get two maxretry"), "3");
    assert_eq!(world.client("get two bantime"), "600");
    world.write("jail.conf", &format!("\n{bad}findtime = 5m\n"));
    assert_eq!(world.set_up().len(), 1);
    assert_eq!(world.client("get two findtime"), "300");
    world.write("jail.conf", TWO);
    assert_eq!(world.set_up(), []);
    assert_eq!(world.client("get two maxretry"), "1");
}

//! A plan that was made before it was known what ran before.

use super::world::{TWO, World, nobody};

#[test]
fn a_plan_that_was_made_where_nothing_ran_goes_on_with_the_bans_that_are_kept() {
    let mut world = World::new(TWO);
    world.line("/two.log", "no eve from 192.0.2.2");
    world.commit();
    // The jails come to know `two` before `one`.
    world.begin();
    let plan = world.plan_with(&mut nobody()).unwrap();
    let plan = world.jails.adopt(plan, world.guards);
    world.jails.set_up(plan);
    assert_eq!(world.told(), ["two restored 192.0.2.2"]);
    world.line("/one.log", "no eve from 192.0.2.3");
    for _ in 0..2 {
        world.line("/one.log", "no eve from 192.0.2.3");
    }
    assert_eq!(world.told(), ["one banned 192.0.2.3"]);
    world.tick(61);
    assert_eq!(world.told(), ["one freed 192.0.2.3", "two freed 192.0.2.2"]);
}

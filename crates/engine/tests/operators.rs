//! What operators want: ban, free, allow, reload.

#![allow(clippy::unwrap_used, reason = "all of it is test code")]

mod world;

use monban_engine::Observation;
use monban_model::wire::Command;
use monban_model::{Kind, Subject};
use world::{World, policy, setup};

const EVE: &str = "192.0.2.1";

fn ban(text: &str) -> Command {
    Command::Ban { subject: text.parse().unwrap(), for_s: Some(60), why: "loud".into() }
}

fn free(text: &str) -> Command {
    Command::Free { subject: text.parse().unwrap() }
}

#[test]
fn a_ban_is_freed_and_the_free_tells_when_there_is_none() {
    let mut world = World::new();
    assert_eq!(world.command(ban(EVE)), (true, vec!["banned".into()]));
    assert_eq!(world.command(free(EVE)), (true, vec!["freed".into()]));
    assert_eq!(world.command(free(EVE)), (false, vec!["free-none".into()]));
}

#[test]
fn a_wider_ban_takes_the_place_of_those_it_covers() {
    let mut world = World::new();
    world.command(ban(EVE));
    let answer = world.command(ban("192.0.2.0/24"));
    assert_eq!(answer, (true, vec!["banned".into(), "ban-covers".into()]));
    assert_eq!(world.engine.sizes().1, 1);
    assert_eq!(world.command(ban(EVE)), (false, vec!["ban-refused-inside".into()]));
    assert_eq!(world.command(free(EVE)), (false, vec!["free-inside".into()]));
}

#[test]
fn allow_lifts_present_blocks_and_says_which() {
    let mut world = World::new();
    for _ in 0..5 {
        world.fail(EVE);
    }
    let net = "192.0.2.0/28".parse().unwrap();
    assert_eq!(world.command(Command::Allowed { net }), (true, vec!["freed".into()]));
    assert_eq!(world.engine.sizes().1, 0);
}

#[test]
fn an_allow_list_that_arrives_lifts_as_well() {
    let mut world = World::new();
    world.command(ban(EVE));
    world.tell(Observation::Allow(vec!["192.0.2.1".parse().unwrap()]));
    assert_eq!(world.engine.sizes().1, 0);
}

#[test]
fn free_all_ends_everything_and_forgets_the_doubling() {
    let mut world = World::new();
    for n in 0..15 {
        world.at(0).fail(&format!("198.51.100.{}", n % 3));
    }
    assert_eq!(world.engine.sizes().1, 3);
    assert_eq!(world.command(Command::FreeAll), (true, vec!["freed-all".into()]));
    for _ in 0..5 {
        world.at(1).fail("198.51.100.0");
    }
    assert_eq!(world.blocks().last(), Some(&("198.51.100.0".to_owned(), 600)));
}

#[test]
fn a_reload_loses_no_count_even_when_policies_move() {
    let mut world = World::new();
    for _ in 0..3 {
        world.fail(EVE);
    }
    let mut moved = setup();
    moved.policies.insert(0, policy("mail", &[Kind::MailRejected], 2, 60));
    world.engine.set_up(moved);
    world.fail(EVE);
    assert!(world.blocks().is_empty());
    world.fail(EVE);
    assert_eq!(world.blocks().len(), 1);
    let subject: Subject = EVE.parse().unwrap();
    assert!(world.engine.last_of(subject).is_some());
}

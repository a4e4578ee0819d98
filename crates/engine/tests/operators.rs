//! What operators want: ban, free, allow, reload.

#![allow(clippy::unwrap_used, reason = "all of it is test code")]

mod world;

use monban_engine::{Effect, Observation};
use monban_model::wire::Command;
use monban_model::{Kind, Outcome, OutcomeResult, StateRow, Subject};
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
fn a_wider_ban_takes_the_place_of_the_networks_it_covers() {
    let mut world = World::new();
    world.command(ban("192.0.2.16/28"));
    let answer = world.command(ban("192.0.2.0/24"));
    assert_eq!(answer, (true, vec!["banned".into(), "ban-covers".into()]));
    assert_eq!(world.engine.sizes().1, 1);
    assert_eq!(world.command(ban("192.0.2.16/28")), (false, vec!["ban-refused-inside".into()]));
    assert_eq!(world.command(free(EVE)), (false, vec!["free-inside".into()]));
}

#[test]
fn no_ban_shortens_a_longer_one_inside_it() {
    let mut world = World::new();
    let forever = |text: &str| Command::Ban {
        subject: text.parse().unwrap(),
        for_s: None,
        why: String::new(),
    };
    world.command(forever("192.0.2.16/28"));
    assert_eq!(world.command(ban("192.0.2.0/24")), (false, vec!["ban-refused-longer".into()]));
    assert_eq!(world.engine.sizes().1, 1);
    // An address stands in a set of its own and keeps its own end.
    world.command(forever("198.51.100.7"));
    assert_eq!(world.command(ban("198.51.100.0/24")), (true, vec!["banned".into()]));
    assert_eq!(world.engine.sizes().1, 3);
    world.at(60).tell(Observation::Tick);
    let left: Vec<_> = world.engine.standing_orders().map(|(who, ..)| who.to_string()).collect();
    assert_eq!(left, ["192.0.2.16/28", "198.51.100.7"]);
}

#[test]
fn an_address_that_is_freed_inside_a_blocked_network_is_said_to_be_blocked_still() {
    let mut world = World::new();
    world.command(ban(EVE));
    world.command(ban("192.0.2.0/24"));
    assert_eq!(world.command(free(EVE)), (true, vec!["freed".into(), "free-inside".into()]));
}

#[test]
fn whoever_bans_hears_what_the_firewall_made_of_it() {
    let mut world = World::new();
    let failed = |_: &_| OutcomeResult::Failed("no such table".into());
    assert_eq!(world.command_with(ban(EVE), failed), (false, vec!["order-failed".into()]));
    assert_eq!(world.engine.sizes().1, 1, "it is tried again");
    let refused = |_: &_| OutcomeResult::Refused("allowed".into());
    assert_eq!(world.command_with(ban(EVE), refused), (false, vec!["order-refused".into()]));
    assert_eq!(world.engine.sizes().1, 0);
}

#[test]
fn a_late_outcome_of_an_older_order_ends_no_newer_block() {
    let mut world = World::new();
    for seconds in [0, 1] {
        world.at(seconds).tell(Observation::Command(1, ban(EVE)));
    }
    let order = |effect: &Effect| match effect {
        Effect::Order(order) => Some(order.clone()),
        _ => None,
    };
    let orders: Vec<_> = world.effects.iter().filter_map(order).collect();
    let results = [OutcomeResult::Refused("allowed".into()), OutcomeResult::Applied];
    for (order, result) in orders.iter().zip(results) {
        let outcome = Outcome { order: order.id, subject: order.subject, result };
        world.tell(Observation::Outcome(outcome));
    }
    assert_eq!(world.engine.sizes().1, 1);
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
}

#[test]
fn a_service_that_gets_a_policy_of_its_own_takes_its_counts_along() {
    let mut world = World::new();
    for n in 0..4 {
        world.at(n).fail(EVE);
    }
    let mut own = setup();
    own.policies.insert(0, policy("sshd", &[Kind::LoginFailed], 5, 600));
    world.engine.set_up(own);
    let rows = world.engine.take_changes();
    let subject: Subject = EVE.parse().unwrap();
    assert!(rows.contains(&StateRow::NoTally("default".into(), subject)));
    world.at(4).fail(EVE);
    assert_eq!(world.blocks().len(), 1, "the fifth failure, whoever counts it");
    assert_eq!(world.findings()[0].evidence.len(), 5);

    // And back again.
    for n in 1000..1004 {
        world.at(n).fail("192.0.2.2");
    }
    world.engine.set_up(setup());
    world.at(1004).fail("192.0.2.2");
    assert_eq!(world.blocks().len(), 2);
}

#[test]
fn a_block_that_was_lifted_shields_nobody_from_the_next() {
    let mut world = World::new();
    world.command(Command::Ban {
        subject: EVE.parse().unwrap(),
        for_s: Some(3600),
        why: String::new(),
    });
    world.at(1).command(ban(EVE));
    world.at(100);
    for _ in 0..5 {
        world.fail(EVE);
    }
    assert_eq!(world.blocks().len(), 3, "a shorter ban took the place of a longer one");
    world.tell(Observation::Present {
        administrators: vec![EVE.parse().unwrap()],
        guests: Vec::new(),
    });
    world.tell(Observation::Present { administrators: Vec::new(), guests: Vec::new() });
    // A log's dates are whole seconds, and may lie a little before the end of the block.
    world.at(100);
    for _ in 0..5 {
        world.fail(EVE);
    }
    assert_eq!(world.blocks().len(), 4, "an administrator was there for a moment");
}

#[test]
fn the_counts_of_a_policy_that_is_gone_leave_the_ledger() {
    let mut world = World::new();
    world.fail(EVE);
    let mut fewer = setup();
    fewer.policies.remove(0);
    world.engine.set_up(fewer);
    let rows = world.engine.take_changes();
    let subject: Subject = EVE.parse().unwrap();
    assert!(matches!(&rows[0], StateRow::Tally(row) if row.policy == "default"));
    assert_eq!(rows.last(), Some(&StateRow::NoTally("default".into(), subject)));
    assert_eq!(world.engine.take_changes(), []);
}

#[test]
fn a_clock_that_is_set_neither_ends_nor_stretches_what_is_open() {
    for ms in [7_200_000, -7_200_000] {
        let mut world = World::new();
        for _ in 0..4 {
            world.fail(EVE);
        }
        world.command(ban("198.51.100.7"));
        world.now = world.now.plus_ms(ms);
        world.tell(Observation::ClockSet { ms });
        assert_eq!(world.engine.sizes().1, 1, "{ms}");
        let (_, _, until) = world.engine.standing_orders().next().unwrap();
        assert_eq!(until.unwrap().since_s(world.now), 60, "{ms}");
        world.fail(EVE);
        assert_eq!(world.engine.sizes().1, 2, "the fifth failure within the window: {ms}");
    }
}

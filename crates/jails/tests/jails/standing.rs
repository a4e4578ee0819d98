//! Jails whose actions cannot do anything, or fail.

use monban_jails::Lame;
use monban_model::{ActionFailure, JailJob, JailOrder, JailRepairs, JailResult, JailRowKind, Made};

use super::world::{TWO, World};

fn failed(names: &[&str]) -> JailResult {
    let failure = |name: &&str| ActionFailure {
        action: Some((*name).to_owned()),
        what: "actionstart failed".to_owned(),
        how: Some("exit 1: no such service".to_owned()),
    };
    JailResult::Failed {
        failed: names.iter().map(failure).collect(),
        singly: Vec::new(),
        repairs: Some(JailRepairs::default()),
    }
}

fn ban(world: &mut World, host: u8) -> JailOrder {
    world.line("/two.log", &format!("no eve from 192.0.2.{host}"));
    let orders = world.orders();
    orders.into_iter().find(|order| order.job == JailJob::Ban).unwrap()
}

/// What the ledger has of the bans.
fn made(world: &mut World) -> Vec<(String, Made)> {
    world.commit();
    let bans = world.rows().into_iter().filter(|row| row.kind == JailRowKind::Ban);
    bans.map(|row| (row.id.clone(), row.ban.unwrap().made)).collect()
}

fn with_actions(actions: &str) -> World {
    let mut world = World::new(TWO);
    world.write("action.d/other.conf", "[Definition]\nactionban = echo <ip>\n");
    world.write("jail.conf", &TWO.replace("action = tell", &format!("action = {actions}")));
    world.guards = true;
    world.set_up();
    let now = world.now();
    world.jails.actions(&[0, 1], now);
    world.orders();
    world
}

#[test]
fn a_jail_whose_action_fails_is_lame_until_it_works_and_each_ban_has_its_own_fate() {
    let mut world = with_actions("tell");
    let first = ban(&mut world, 1);
    world.becomes(&first, failed(&["tell"]));
    let why = "tell: actionstart failed (exit 1: no such service)".to_owned();
    assert_eq!(world.jails.lame(), [("two".to_owned(), Lame::Failing(why.clone()))]);
    let one = ("192.0.2.1".to_owned(), Made::Not);
    assert_eq!(made(&mut world), std::slice::from_ref(&one));
    // A restart and a reload change nothing about that.
    world.restart();
    let now = world.now();
    world.jails.actions(&[], now);
    assert_eq!(made(&mut world), std::slice::from_ref(&one));
    world.orders();
    let second = ban(&mut world, 2);
    world.becomes(&second, failed(&["tell"]));
    world.set_up();
    world.jails.actions(&[], now);
    assert_eq!(world.jails.lame().len(), 1);
    world.orders();
    let third = ban(&mut world, 3);
    world.done(&third, 0);
    assert_eq!(world.jails.lame(), []);
    let fates = [one, ("192.0.2.2".to_owned(), Made::Not), ("192.0.2.3".to_owned(), Made::Whole)];
    assert_eq!(made(&mut world), fates);
    // Its actions were mended: all bans are made again.
    let now = world.now();
    world.jails.actions(&[1], now);
    for order in world.orders() {
        world.done(&order, 0);
    }
    assert!(made(&mut world).iter().all(|(_, made)| *made == Made::Whole));
}

#[test]
fn one_of_two_actions_that_fails_may_be_the_one_that_blocks_and_a_mail_is_not() {
    let mut world = with_actions("tell\n other\n smtp.py[dest=a]");
    let orders = [ban(&mut world, 1), ban(&mut world, 2), ban(&mut world, 3)];
    world.becomes(&orders[0], failed(&["other"]));
    world.becomes(&orders[1], failed(&["tell", "other"]));
    world.becomes(&orders[2], failed(&["smtp"]));
    let fates: Vec<Made> = made(&mut world).into_iter().map(|(_, made)| made).collect();
    assert_eq!(fates, [Made::Partly, Made::Not, Made::Whole]);
    assert_eq!(world.jails.lame().len(), 1);
}

#[test]
fn a_jail_without_an_action_bans_nobody() {
    for actions in ["", "badips.py[category=ssh]"] {
        let mut world = with_actions(actions);
        let names: Vec<(String, Lame)> =
            ["one", "two"].map(|name| (name.to_owned(), Lame::NoAction)).into();
        assert_eq!(world.jails.lame(), names);
        let order = ban(&mut world, 1);
        world.done(&order, 0);
        assert_eq!(made(&mut world), [("192.0.2.1".to_owned(), Made::Not)]);
    }
}

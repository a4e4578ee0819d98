//! Orders that nobody carried out: the actor died, was not there yet, or everything was killed.

use monban_fail2ban::action::Ticket;
use monban_jails::{News, Told};
use monban_model::{ActionFailure, JailJob, JailOrder, JailRepairs, JailResult, JailRowKind};

use super::world::{TWO, World};

const EVE: &str = "no eve from 192.0.2.1";

/// Both jails are started, and somebody is banned in the second for a minute.
fn banned() -> (World, JailOrder) {
    let mut world = World::new(TWO);
    world.guards = true;
    world.set_up();
    world.jails.actions(&[], world.now());
    world.line("/two.log", EVE);
    let ban = world.orders().remove(0);
    (world, ban)
}

/// Whether the actions are told that a ban goes on from before, of which nobody is told again.
fn is_restored(order: &JailOrder) -> bool {
    assert_eq!(order.job, JailJob::Ban);
    Ticket::from_bytes(&order.ticket).unwrap().restored
}

fn of_two(job: JailJob) -> (u32, JailJob, String) {
    (1, job, "192.0.2.1".to_owned())
}

fn start(jail: u32) -> (u32, JailJob, String) {
    (jail, JailJob::Start, String::new())
}

impl World {
    /// The ban is over and its end is asked for.
    fn end_of(&mut self, ban: &JailOrder) -> JailOrder {
        self.done(ban, 0);
        self.tick(70);
        let mut orders = self.orders();
        assert_eq!((orders.len(), orders[0].job), (1, JailJob::Unban));
        orders.remove(0)
    }
}

#[test]
fn without_an_actor_nothing_leaves_and_no_jail_is_stopped() {
    let (mut world, ban) = banned();
    world.done(&ban, 0);
    world.jails.no_actions();
    world.line("/two.log", "no eve from 192.0.2.2");
    assert_eq!(world.ordered(), []);
    assert!(world.client("stop two").contains("try again"));
    assert!(world.client("status two").contains("192.0.2.1"));
    world.jails.actions(&[0, 1], world.now());
    assert_eq!(world.ordered().len(), 4, "two starts and two bans");
    assert!(!world.client("stop two").contains("try again"));
}

#[test]
fn an_end_in_order_leaves_nobody_to_be_told_of_an_ordered_ban_again() {
    let (mut world, _) = banned();
    world.line("/two.log", "no eve from 192.0.2.2");
    // One has left and its command may run still, the other has not.
    world.jails.finish_orders();
    world.commit();
    world.restart();
    world.jails.actions(&[1], world.now());
    let bans = world.orders().into_iter().filter(|order| order.job == JailJob::Ban);
    let told: Vec<bool> = bans.map(|order| is_restored(&order)).collect();
    assert_eq!(told, [true, false]);
}

#[test]
fn an_end_that_was_lost_with_the_actor_is_asked_for_again_when_another_is_there() {
    let (mut world, ban) = banned();
    let end = world.end_of(&ban);
    world.becomes(&end, JailResult::Lost);
    for _ in 0..3 {
        world.tick(1);
        assert_eq!(world.ordered(), [], "there is nobody yet");
    }
    world.commit();
    assert_eq!(world.committed(JailRowKind::Ban), 1, "until it is done");
    world.jails.actions(&[0, 1], world.now());
    let again = world.orders();
    let jobs: Vec<(u32, JailJob)> = again.iter().map(|one| (one.jail, one.job)).collect();
    assert_eq!(jobs, [(0, JailJob::Start), (1, JailJob::Start), (1, JailJob::Unban)]);
    world.done(&again[2], 0);
    world.commit();
    assert_eq!(world.committed(JailRowKind::Ban), 0);
    assert_eq!(world.ordered(), []);
}

#[test]
fn an_end_is_owed_over_any_number_of_kills_until_it_is_done() {
    let (mut world, ban) = banned();
    world.end_of(&ban);
    for number in 0..3 {
        world.commit();
        world.restart();
        assert_eq!(world.ordered(), []);
        if number > 0 {
            world.jails.actions(&[1], world.now());
            assert_eq!(world.ordered(), [start(1), of_two(JailJob::Unban)]);
        }
    }
    world.commit();
    assert_eq!((world.in_force(), world.committed(JailRowKind::Ban)), (vec![], 1));
}

#[test]
fn whoever_is_banned_anew_when_the_end_is_lost_stays_it() {
    let (mut world, ban) = banned();
    let end = world.end_of(&ban);
    world.line("/two.log", EVE);
    let anew = world.orders();
    assert_eq!((anew.len(), anew[0].job), (1, JailJob::Ban));
    world.becomes(&end, JailResult::Lost);
    world.becomes(&anew[0], JailResult::Lost);
    world.jails.actions(&[0, 1], world.now());
    assert_eq!(world.ordered(), [start(0), start(1), of_two(JailJob::Ban)]);
}

#[test]
fn what_is_lost_while_the_actions_go_on_is_asked_for_again() {
    let (mut world, ban) = banned();
    world.becomes(&ban, JailResult::Lost);
    assert_eq!(world.ordered(), []);
    world.jails.actions(&[], world.now());
    assert_eq!(world.ordered(), [of_two(JailJob::Ban)]);
    let failed = |one: &News| matches!(one.told, Told::Failed { .. });
    assert!(!world.news().iter().any(failed));
}

#[test]
fn all_bans_that_ended_at_once_end_one_by_one_for_another_actor() {
    let (mut world, ban) = banned();
    world.done(&ban, 0);
    for is_lost in [true, false] {
        world.line("/two.log", EVE);
        world.orders();
        world.client("unban --all");
        if is_lost {
            let flush = world.orders();
            assert_eq!(flush.last().unwrap().job, JailJob::Flush { stopping: false });
            flush.iter().for_each(|order| world.becomes(order, JailResult::Lost));
        }
        world.jails.actions(&[0, 1], world.now());
        let ordered = world.ordered();
        assert!(ordered.contains(&of_two(JailJob::Unban)), "{ordered:?}");
        assert!(!ordered.iter().any(|one| matches!(one.1, JailJob::Flush { .. })), "{ordered:?}");
    }
}

#[test]
fn of_a_ban_that_nobody_made_somebody_is_told_when_it_is_made() {
    for is_killed in [false, true] {
        let (mut world, ban) = banned();
        assert!(!is_restored(&ban));
        let again = |world: &mut World, ban: &JailOrder| {
            if is_killed {
                world.commit();
                world.restart();
            } else {
                world.becomes(ban, JailResult::Lost);
            }
            world.jails.actions(&[1], world.now());
            world.orders().pop().unwrap()
        };
        let second = again(&mut world, &ban);
        assert!(!is_restored(&second), "no action has seen it");
        world.done(&second, 0);
        let third = again(&mut world, &second);
        assert!(is_restored(&third), "it was made");
    }
}

#[test]
fn of_a_ban_that_an_action_failed_to_make_nobody_is_told_twice() {
    for (result, is_told) in [
        (JailResult::failed("too many"), false),
        (
            JailResult::Failed {
                failed: vec![ActionFailure { action: None, what: "no".into(), how: None }],
                singly: vec![],
                repairs: Some(JailRepairs::default()),
            },
            true,
        ),
        (JailResult::Observed, true),
    ] {
        let (mut world, ban) = banned();
        world.becomes(&ban, result);
        world.jails.actions(&[1], world.now());
        assert_eq!(is_restored(world.orders().last().unwrap()), is_told);
    }
}

#[test]
fn what_waits_over_a_reload_waits_until_it_is_known_what_is_started() {
    let (mut world, ban) = banned();
    world.done(&ban, 0);
    world.line("/two.log", "no eve from 192.0.2.2");
    world.client("set two unbanip 192.0.2.1");
    assert_eq!(world.set_up(), []);
    assert_eq!(world.ordered(), []);
    // A second one before the first was answered: its actions are told once.
    assert_eq!(world.set_up(), []);
    world.line("/two.log", "no eve from 192.0.2.3");
    assert_eq!(world.ordered(), []);
    world.jails.actions(&[0], world.now());
    let two = |job, host: u32| (1, job, format!("192.0.2.{host}"));
    let mut ordered = world.ordered();
    ordered.sort_by_key(|(jail, _, who)| (*jail, who.clone()));
    let reload = (1, JailJob::Reload, String::new());
    let bans = [two(JailJob::Unban, 1), two(JailJob::Ban, 2), two(JailJob::Ban, 3)];
    assert_eq!(ordered, [&[start(0), reload][..], &bans].concat());
}

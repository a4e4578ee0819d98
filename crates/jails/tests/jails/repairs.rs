//! What becomes of bans when actions are repaired.

use monban_model::{ActionFailure, JailJob, JailOrder, JailRepairs, JailResult};

use super::world::{TWO, World};

impl World {
    /// Bans made again: after which repair, and whose.
    fn again(&mut self) -> Vec<(u64, String)> {
        let again = |order: JailOrder| match (order.job, order.address) {
            (JailJob::Reban { after }, Some(net)) => Some((after, net.to_string())),
            _ => None,
        };
        self.orders().into_iter().filter_map(again).collect()
    }

    /// Three bans of the second jail that are ordered.
    fn three(&mut self) -> Vec<JailOrder> {
        self.jails.actions(&[0, 1], self.now());
        self.orders();
        for host in 1..=3 {
            self.line("/two.log", &format!("no eve from 192.0.2.{host}"));
        }
        self.told();
        let bans: Vec<JailOrder> = self.orders();
        assert_eq!(bans.len(), 3);
        bans
    }
}

fn long() -> World {
    World::new(&TWO.replace("bantime = 1m", "bantime = 1h"))
}

#[test]
fn only_what_was_made_before_a_repair_is_made_again_and_once() {
    let mut world = long();
    let bans = world.three();
    world.done(&bans[0], 0);
    // Its own commands found what was broken, and were carried out after the repair.
    world.done(&bans[1], 1);
    assert_eq!(world.told(), ["two repaired 1", "two again 192.0.2.1"]);
    let again = world.orders();
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].job, JailJob::Reban { after: 0 });
    world.done(&bans[2], 1);
    world.done(&again[0], 1);
    for _ in 0..3 {
        world.tick(20);
        assert_eq!((world.again(), world.told()), (vec![], vec![]), "once a repair");
    }
    // Another action is repaired: only it is asked.
    world.line("/two.log", "no eve from 192.0.2.4");
    let fourth = world.orders();
    world.done(&fourth[0], 2);
    let all = [1, 2, 3].map(|host| (1, format!("192.0.2.{host}")));
    assert_eq!(world.again(), all);
}

#[test]
fn actions_that_break_each_other_are_repaired_at_most_every_ten_seconds() {
    let mut world = long();
    let bans = world.three();
    bans.iter().for_each(|ban| world.done(ban, 0));
    world.line("/two.log", "no eve from 192.0.2.4");
    let fourth = world.orders();
    world.done(&fourth[0], 1);
    let mut rounds = 0;
    let mut epoch = 1;
    for _ in 0..60 {
        let orders = world.orders();
        rounds += usize::from(!orders.is_empty());
        for order in orders {
            epoch += 1;
            world.done(&order, epoch);
        }
        world.tick(1);
    }
    assert!((5..=7).contains(&rounds), "{rounds} rounds in a minute");
}

#[test]
fn a_ban_that_failed_to_be_made_again_is_when_its_address_fails_again() {
    let mut world = long();
    let bans = world.three();
    world.done(&bans[0], 0);
    world.done(&bans[1], 1);
    world.done(&bans[2], 1);
    let again = world.orders();
    world.becomes(&again[0], JailResult::failed("exit code 1"));
    world.tick(30);
    assert_eq!(world.again(), []);
    world.line("/two.log", "no eve from 192.0.2.1");
    assert_eq!(world.again(), [(0, "192.0.2.1".to_owned())]);
    // Nothing is wrong with the others: whether it all still stands is checked.
    world.line("/two.log", "no eve from 192.0.2.2");
    assert_eq!(world.ordered(), [(1, JailJob::Check, String::new())]);
}

#[test]
fn actions_that_go_on_over_a_reload_are_told_of_it() {
    let mut world = long();
    world.guards = true;
    world.set_up();
    world.three();
    assert_eq!(world.set_up(), []);
    world.jails.actions(&[0], world.now());
    let jobs: Vec<(u32, JailJob)> = world.orders().iter().map(|one| (one.jail, one.job)).collect();
    assert_eq!(jobs, [(0, JailJob::Start), (1, JailJob::Reload)]);
    world.jails.actions(&[], world.now());
    assert_eq!(world.ordered(), [], "of a new watcher's question they are not");
}

#[test]
fn bans_that_a_repair_put_back_by_itself_are_told_and_not_made_again() {
    let mut world = long();
    let bans = world.three();
    bans.iter().for_each(|ban| world.done(ban, 0));
    world.jails.check(world.now());
    let check = world.orders();
    let result =
        JailResult::Done { singly: Vec::new(), repairs: JailRepairs { epoch: 0, mended: 3 } };
    world.becomes(&check[0], result);
    assert_eq!(world.told(), ["two repaired 3"]);
    assert_eq!(world.again(), []);
}

#[test]
fn a_repair_is_noticed_also_if_another_action_fails() {
    let mut world = long();
    let bans = world.three();
    world.done(&bans[0], 0);
    world.done(&bans[1], 0);
    let failed = vec![ActionFailure { action: None, what: "actionban failed".into(), how: None }];
    let repairs = Some(JailRepairs { epoch: 1, mended: 0 });
    world.becomes(&bans[2], JailResult::Failed { failed, singly: vec![], repairs });
    assert_eq!(world.again(), [(0, "192.0.2.1".to_owned()), (0, "192.0.2.2".to_owned())]);
    // What failed was made after the repair, as far as it was made.
    world.tick(60);
    assert_eq!(world.again(), []);
    let mended = JailRepairs { epoch: 1, mended: 2 };
    world.told();
    world.line("/two.log", "no eve from 192.0.2.4");
    let fourth = world.orders();
    let failed = vec![ActionFailure { action: None, what: "actionban failed".into(), how: None }];
    let result = JailResult::Failed { failed, singly: vec![], repairs: Some(mended) };
    world.becomes(&fourth[0], result);
    assert!(world.told().contains(&"two repaired 2".to_owned()));
}

#[test]
fn repairs_from_before_a_start_of_the_actions_are_no_news() {
    let mut world = long();
    let bans = world.three();
    bans.iter().for_each(|ban| world.done(ban, 2));
    // A stop and a reload: the actor has the same actions, and their number of repairs.
    world.jails.actions(&[1], world.now());
    world.told();
    let orders = world.orders();
    let jobs: Vec<JailJob> = orders.iter().map(|one| one.job).collect();
    assert_eq!(jobs, [JailJob::Start, JailJob::Ban, JailJob::Ban, JailJob::Ban]);
    orders.iter().for_each(|order| world.done(order, 2));
    world.tick(20);
    assert_eq!((world.told(), world.again()), (vec![], vec![]));
    // The next one is.
    world.line("/two.log", "no eve from 192.0.2.4");
    let fourth = world.orders();
    world.done(&fourth[0], 3);
    assert_eq!(world.again().len(), 3);
}

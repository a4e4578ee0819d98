use monban_model::wire::{self, FromActor, ToActor};
use monban_model::{
    JailAnswer, JailJob, JailOrder, JailOutcome, JailRepairs, JailResult, Net, Refusal,
};

use super::namespace::in_namespace;
use super::*;

pub(super) type Shared = Rc<RefCell<Around>>;

/// A test in a namespace, with a wall and jails.
fn acting(name: &str, load: Load, test: impl FnOnce(&mut Keeper<'_>, &Shared, &Path)) {
    let name = format!("keeper::tests::acting::{name}");
    in_namespace(&name, || {
        let load = Load { jails: true, ..load };
        let wall = Wall::open().map_err(|error| error.to_string());
        with_wall(load, wall, |keeper, around, path| {
            actor_is_ready(keeper, around, 0);
            to_watcher(around);
            test(keeper, around, path);
        });
    });
}

fn actor_is_ready(keeper: &mut Keeper<'_>, around: &Shared, reload: u32) {
    actor_says(keeper, around, &FromActor::Fresh { reload, jails: vec![0, 1] });
}

fn order(id: u64, job: JailJob, address: Option<&str>) -> JailOrder {
    let address = address.map(|text| text.parse().unwrap());
    JailOrder { id, jail: 2, job, actions: vec![], address, ticket: vec![1, 2, 3] }
}

pub(super) fn to_actor(around: &Shared) -> Vec<ToActor> {
    heard(around.borrow_mut().actor.as_mut().unwrap())
}

fn actor_says(keeper: &mut Keeper<'_>, around: &Shared, frame: &FromActor) {
    around.borrow_mut().actor.as_mut().unwrap().send(frame, None).unwrap();
    keeper.hear_actor();
}

/// The actor dies. A program that was just started holds its end a moment longer.
fn hang_up(keeper: &mut Keeper<'_>, around: &Shared) {
    around.borrow_mut().actor = None;
    while keeper.staff.runs() {
        keeper.hear_actor();
    }
}

/// What the watcher heard of its orders: numbers and results.
fn outcomes(around: &Shared) -> Vec<(u64, JailResult)> {
    let mut found = Vec::new();
    for frame in to_watcher(around) {
        if let ToWatcher::Jailed(outcomes) = frame {
            found.extend(outcomes.into_iter().map(|one| (one.order, one.result)));
        }
    }
    found
}

fn orders(keeper: &mut Keeper<'_>, around: &Shared, orders: Vec<JailOrder>) {
    say(around, &ToWarden::Jails { reload: 0, orders, more: false });
    keeper.hear_watcher();
}

fn done(order: u64) -> FromActor {
    let result = JailResult::Done { singly: vec![], repairs: JailRepairs::default() };
    FromActor::Outcomes(vec![JailOutcome { order, jail: 2, job: JailJob::Ban, result }])
}

#[test]
fn without_a_firewall_jails_only_observe() {
    with_keeper(Load { jails: true, ..Load::default() }, |keeper, around, _| {
        assert!(around.borrow().actor.is_none());
        orders(keeper, around, vec![order(1, JailJob::Ban, Some("192.0.2.1"))]);
        assert_eq!(outcomes(around), [(1, JailResult::Observed)]);
        say(around, &ToWarden::AskCommand { reload: 0, id: 7, jail: 0, ticket: vec![] });
        keeper.hear_watcher();
        let answer = ToWatcher::JailAnswer { id: 7, answer: JailAnswer::Ignored(false) };
        assert!(to_watcher(around).contains(&answer));
    });
}

#[test]
fn an_order_goes_to_the_actor_and_its_outcome_home() {
    let name = "an_order_goes_to_the_actor_and_its_outcome_home";
    acting(name, Load::default(), |keeper, around, _| {
        assert_eq!(to_actor(around), [ToActor::Table { reload: 0 }]);
        actor_says(keeper, around, &FromActor::Fresh { reload: 9, jails: vec![5] });
        actor_says(keeper, around, &FromActor::Fresh { reload: 0, jails: vec![0, 1] });
        let fresh = |frame: &ToWatcher| matches!(frame, ToWatcher::Actions { .. });
        let told: Vec<ToWatcher> = to_watcher(around).into_iter().filter(fresh).collect();
        assert_eq!(
            told,
            [ToWatcher::Actions { reload: 0, fresh: vec![0, 1] }],
            "and not of another table"
        );
        let sent = vec![order(1, JailJob::Start, None), order(2, JailJob::Ban, Some("9.9.9.9"))];
        orders(keeper, around, sent.clone());
        assert_eq!(to_actor(around), [ToActor::Orders(sent)]);
        actor_says(keeper, around, &done(2));
        // Nobody asked for these.
        actor_says(keeper, around, &done(2));
        actor_says(keeper, around, &done(77));
        actor_says(keeper, around, &FromActor::Ignored { id: 3, yes: true });
        assert_eq!(
            outcomes(around),
            [(2, JailResult::Done { singly: vec![], repairs: JailRepairs::default() })]
        );
    });
}

#[test]
fn whom_the_warden_spares_no_jail_bans() {
    let allow: Vec<Net> = vec!["192.0.2.0/24".parse().unwrap()];
    let load = Load { allow, ..Load::default() };
    acting("whom_the_warden_spares_no_jail_bans", load, |keeper, around, _| {
        keeper.presence.administrators = vec!["198.51.100.7".parse().unwrap()];
        keeper.looked = Instant::now();
        to_actor(around);
        let refused = ["192.0.2.9", "192.0.0.0/16", "198.51.100.7", "11.0.0.0/8"];
        for job in [JailJob::Ban, JailJob::Reban { after: 3 }, JailJob::Prolong] {
            let orders_of = |(id, net): (u64, &&str)| order(id, job, Some(net));
            orders(keeper, around, (0..).zip(&refused).map(orders_of).collect());
            let told = outcomes(around);
            let allowed = Refusal::Allowed("192.0.2.0/24".parse().unwrap());
            let why = [allowed, allowed, Refusal::Administrator, Refusal::TooWide];
            let whys = (0..).zip(why.map(JailResult::Refused));
            assert_eq!(told, whys.collect::<Vec<(u64, JailResult)>>());
            assert_eq!(to_actor(around), []);
        }
        let free = vec![
            order(9, JailJob::Unban, Some("192.0.2.9")),
            order(10, JailJob::Ban, None),
            order(11, JailJob::Ban, Some("203.0.113.1")),
        ];
        orders(keeper, around, free.clone());
        assert_eq!(to_actor(around), [ToActor::Orders(free)]);
    });
}

#[test]
fn an_actor_that_dies_is_replaced_and_owes_nothing() {
    let name = "an_actor_that_dies_is_replaced_and_owes_nothing";
    acting(name, Load::default(), |keeper, around, _| {
        orders(keeper, around, vec![order(1, JailJob::Ban, Some("192.0.2.1"))]);
        say(around, &ToWarden::AskCommand { reload: 0, id: 7, jail: 0, ticket: vec![] });
        keeper.hear_watcher();
        assert_eq!(outcomes(around), []);
        hang_up(keeper, around);
        let frames = to_watcher(around);
        let lost = |frame: &ToWatcher| match frame {
            ToWatcher::Jailed(outcomes) => outcomes[0].result == JailResult::Lost,
            _ => false,
        };
        assert!(frames.iter().any(lost));
        let answer = ToWatcher::JailAnswer { id: 7, answer: JailAnswer::Lost };
        assert!(frames.contains(&answer));
        let told = |frame: &ToWatcher| match frame {
            ToWatcher::Tell(notice) => notice.key == "actor-ended",
            _ => false,
        };
        assert!(frames.iter().any(told));
        orders(keeper, around, vec![order(2, JailJob::Ban, Some("192.0.2.1"))]);
        assert_eq!(outcomes(around), [(2, JailResult::Lost)]);
        while around.borrow().again.len() < 2 {
            std::thread::sleep(Duration::from_millis(5));
            keeper.restart_actor_if_due();
        }
        assert_eq!(around.borrow().again, [false, true]);
        assert_eq!(to_actor(around), [ToActor::Table { reload: 0 }]);
        assert!(keeper.staff.restart_at().is_none());
    });
}

#[test]
fn a_new_watcher_hears_which_jails_are_started() {
    acting("a_new_watcher_hears_which_jails_are_started", Load::default(), |keeper, around, _| {
        to_actor(around);
        keeper.lose_watcher();
        keeper.start_watcher();
        assert_eq!(to_actor(around), [ToActor::AskFresh]);
    });
}

#[test]
fn all_roles_speak_of_the_same_configuration_after_reloads() {
    let name = "all_roles_speak_of_the_same_configuration_after_reloads";
    acting(name, Load::default(), |keeper, around, folder| {
        let briefed = |around: &Shared| {
            let last = to_watcher(around).into_iter().rev().find_map(|frame| match frame {
                ToWatcher::Brief { reload, .. } => Some(reload),
                _ => None,
            });
            last.unwrap()
        };
        around.borrow_mut().load = Load { jails: true, ..Load::default() };
        ask(keeper, folder, &Request::Reload);
        say(around, &ToWarden::Ready { reload: 1, lacks: vec![] });
        keeper.hear_watcher();
        // The next is refused: the one before stays in force.
        ask(keeper, folder, &Request::Reload);
        let refusal = wire::Refusal { text: "no".to_owned(), problems: vec![] };
        say(around, &ToWarden::Refused { reload: 2, refusal });
        keeper.hear_watcher();
        to_actor(around);
        keeper.lose_watcher();
        keeper.start_watcher();
        assert_eq!(briefed(around), 1);
        hang_up(keeper, around);
        std::thread::sleep(Duration::from_millis(150));
        keeper.restart_actor_if_due();
        assert_eq!(to_actor(around), [ToActor::Table { reload: 1 }]);
    });
}

#[test]
fn a_reload_gives_the_actor_its_table_or_its_leave() {
    let name = "a_reload_gives_the_actor_its_table_or_its_leave";
    acting(name, Load::default(), |keeper, around, folder| {
        to_actor(around);
        let mut reload = |jails: bool, number: u32| {
            around.borrow_mut().load = Load { jails, ..Load::default() };
            ask(keeper, folder, &Request::Reload);
            say(around, &ToWarden::Ready { reload: number, lacks: vec![] });
            keeper.hear_watcher();
            actor_is_ready(keeper, around, number);
            to_actor(around)
        };
        assert_eq!(reload(true, 1), [ToActor::Table { reload: 1 }]);
        assert_eq!(reload(false, 2), [ToActor::Stop]);
        hang_up(keeper, around);
        assert!(keeper.staff.restart_at().is_some());
        std::thread::sleep(Duration::from_millis(150));
        keeper.restart_actor_if_due();
        assert_eq!(around.borrow().again.len(), 1, "nobody needs it any more");
    });
}

#[test]
fn an_operator_says_where_the_log_is_written_and_no_watcher() {
    let name = "an_operator_says_where_the_log_is_written_and_no_watcher";
    acting(name, Load::default(), |keeper, around, folder| {
        let path = folder.join("f2b.log");
        let log = |path: &Path| Request::JailLog { path: path.display().to_string() };
        let reply = |done| Reply::Done { done, notices: vec![] };
        to_watcher(around);
        let mut asked = ask(keeper, folder, &log(&path));
        assert_eq!(heard::<Reply>(&mut asked), [reply(true)]);
        let opened = ToWatcher::JailLog { path: path.display().to_string() };
        assert_eq!(to_watcher(around), std::slice::from_ref(&opened));
        let link = folder.join("link");
        std::os::unix::fs::symlink(folder.join("elsewhere"), &link).unwrap();
        for bad in [&link, &folder.join("none/x.log"), folder, Path::new("x.log")] {
            let mut asked = ask(keeper, folder, &log(bad));
            assert_eq!(heard::<Reply>(&mut asked), [reply(false)], "{}", bad.display());
            assert_eq!(to_watcher(around), []);
        }
        // What the watcher can ask for is the same file again.
        say(around, &ToWarden::JailLog);
        keeper.hear_watcher();
        assert_eq!(to_watcher(around), [opened]);
    });
}

#[test]
fn a_rival_of_the_jails_is_told_in_the_status_and_in_the_answer_to_a_reload() {
    with_keeper(Load::default(), |keeper, around, folder| {
        let rival = Notice { key: "fail2ban-runs".to_owned(), values: Vec::new() };
        around.borrow_mut().rival = Some(rival.clone());
        let mut reload = ask(keeper, folder, &Request::Reload);
        say(around, &ToWarden::Ready { reload: 1, lacks: vec![] });
        keeper.hear_watcher();
        let keys = ["reloaded", "start-observes", "fail2ban-runs"].map(str::to_owned);
        assert_eq!(answer(&mut reload), Some((true, keys.to_vec())));
        keeper.lose_watcher();
        let mut status = ask(keeper, folder, &Request::Status);
        match heard(&mut status).pop() {
            Some(Reply::Status(status)) => assert!(status.troubles.contains(&rival)),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn a_reload_and_a_stop_answer_when_what_they_end_is_over() {
    let name = "a_reload_and_a_stop_answer_when_what_they_end_is_over";
    acting(name, Load::default(), |keeper, around, folder| {
        around.borrow_mut().load = keeper.load.clone();
        let mut reloads =
            [ask(keeper, folder, &Request::Reload), ask(keeper, folder, &Request::Reload)];
        to_watcher(around);
        say(around, &ToWarden::Ready { reload: 1, lacks: vec![] });
        keeper.hear_watcher();
        actor_is_ready(keeper, around, 1);
        keeper.propose_reload();
        say(around, &ToWarden::Ready { reload: 2, lacks: vec![] });
        keeper.hear_watcher();
        assert_eq!(to_actor(around).last(), Some(&ToActor::Table { reload: 2 }));
        actor_is_ready(keeper, around, 2);
        actor_says(keeper, around, &FromActor::Ended { reload: 1 });
        assert_eq!(answer(&mut reloads[0]), Some((true, vec!["reloaded".to_owned()])));
        assert_eq!(answer(&mut reloads[1]), None, "its jails still end");
        actor_says(keeper, around, &FromActor::Ended { reload: 2 });
        assert_eq!(answer(&mut reloads[1]), Some((true, vec!["reloaded".to_owned()])));

        let mut operator = say_words(keeper, folder, Some(b"stop a"));
        let words = to_watcher(around).into_iter().find_map(|frame| match frame {
            ToWatcher::Words { id } => Some(id),
            _ => None,
        });
        let orders = vec![order(5, JailJob::Stop, None)];
        say(around, &ToWarden::Jails { reload: 2, orders, more: false });
        keeper.hear_watcher();
        let reply = crate::memory_file(b"stopped").unwrap();
        let frame = ToWarden::Words { id: words.unwrap(), after: Some(5) };
        let fd = Some(reply.as_fd());
        around.borrow_mut().watcher.as_mut().unwrap().send(&frame, fd).unwrap();
        keeper.hear_watcher();
        assert!(heard::<Reply>(&mut operator).is_empty(), "it still stops");
        let result = JailResult::Done { singly: vec![], repairs: JailRepairs::default() };
        let stopped = JailOutcome { order: 5, jail: 2, job: JailJob::Stop, result };
        actor_says(keeper, around, &FromActor::Outcomes(vec![stopped]));
        assert_eq!(heard::<Reply>(&mut operator), [Reply::Words]);
    });
}

#[test]
fn reloads_come_one_after_the_other_and_refusals_change_nothing() {
    let name = "reloads_come_one_after_the_other_and_refusals_change_nothing";
    acting(name, Load::default(), |keeper, around, folder| {
        around.borrow_mut().load = keeper.load.clone();
        to_actor(around);
        let briefs = |around: &Shared| -> Vec<u32> {
            let frames = to_watcher(around).into_iter();
            let brief = |frame| match frame {
                ToWatcher::Brief { reload, .. } => Some(reload),
                _ => None,
            };
            frames.filter_map(brief).collect()
        };
        let mut reloads: Vec<_> = (0..3).map(|_| ask(keeper, folder, &Request::Reload)).collect();
        assert_eq!(briefs(around), [1]);
        let superseded = Some((false, vec!["reload-superseded".to_owned()]));
        assert_eq!(answer(&mut reloads[1]), superseded);
        for number in [1, 2] {
            let refusal = wire::Refusal { text: "no".to_owned(), problems: vec![] };
            say(around, &ToWarden::Refused { reload: number, refusal });
            keeper.hear_watcher();
            keeper.propose_reload();
            assert_eq!(briefs(around), [2][usize::from(number == 2)..]);
        }
        // Nothing was told to the actor, and it works on.
        assert_eq!(to_actor(around), []);
        let sent = vec![order(1, JailJob::Ban, Some("9.9.9.9"))];
        orders(keeper, around, sent.clone());
        assert_eq!(to_actor(around), [ToActor::Orders(sent)]);
    });
}

#[test]
fn a_reload_waits_for_an_actor_that_starts_anew_and_orders_come_back() {
    let name = "a_reload_waits_for_an_actor_that_starts_anew_and_orders_come_back";
    acting(name, Load::default(), |keeper, around, folder| {
        around.borrow_mut().load = keeper.load.clone();
        hang_up(keeper, around);
        assert!(to_watcher(around).contains(&ToWatcher::NoActions));
        ask(keeper, folder, &Request::Reload);
        let is_brief = |frame: &ToWatcher| matches!(frame, ToWatcher::Brief { .. });
        assert!(!to_watcher(around).iter().any(is_brief));
        while around.borrow().again.len() < 2 {
            std::thread::sleep(Duration::from_millis(5));
            keeper.restart_actor_if_due();
        }
        // It runs, and has not said yet which jails are started.
        orders(keeper, around, vec![order(1, JailJob::Ban, Some("9.9.9.9"))]);
        assert_eq!(outcomes(around), [(1, JailResult::Lost)]);
        actor_is_ready(keeper, around, 0);
        keeper.propose_reload();
        assert!(to_watcher(around).iter().any(is_brief));
    });
}

#[test]
fn an_answer_waits_for_the_end_of_jails_only_for_so_long() {
    let name = "an_answer_waits_for_the_end_of_jails_only_for_so_long";
    acting(name, Load::default(), |keeper, around, folder| {
        around.borrow_mut().load = keeper.load.clone();
        let reload = |keeper: &mut Keeper<'_>, number| {
            let operator = ask(keeper, folder, &Request::Reload);
            say(around, &ToWarden::Ready { reload: number, lacks: vec![] });
            keeper.hear_watcher();
            actor_is_ready(keeper, around, number);
            operator
        };
        let mut operator = reload(keeper, 1);
        keeper.clients.release_stale();
        assert_eq!(answer(&mut operator), None);
        keeper.clients.hasten_held();
        keeper.clients.release_stale();
        let told = ["reloaded", "jails-still-end"].map(str::to_owned).to_vec();
        assert_eq!(answer(&mut operator), Some((true, told)));
        // A watcher that is gone has answered already; with the actor goes whoever could end them.
        let mut operator = reload(keeper, 2);
        keeper.lose_watcher();
        assert_eq!(answer(&mut operator), None);
        hang_up(keeper, around);
        assert_eq!(answer(&mut operator), Some((true, vec!["reloaded".to_owned()])));
    });
}

#[test]
fn orders_of_another_configuration_reach_no_jail_of_this_one() {
    let name = "orders_of_another_configuration_reach_no_jail_of_this_one";
    acting(name, Load::default(), |keeper, around, _| {
        to_actor(around);
        let orders = vec![order(1, JailJob::Ban, Some("203.0.113.1"))];
        say(around, &ToWarden::Jails { reload: 1, orders, more: false });
        say(around, &ToWarden::AskCommand { reload: 1, id: 7, jail: 0, ticket: vec![] });
        keeper.hear_watcher();
        let frames = to_watcher(around);
        let lost = |frame: &ToWatcher| match frame {
            ToWatcher::Jailed(outcomes) => outcomes[0].result == JailResult::Lost,
            _ => false,
        };
        assert!(frames.iter().any(lost));
        let answer = ToWatcher::JailAnswer { id: 7, answer: JailAnswer::Lost };
        assert!(frames.contains(&answer));
        assert_eq!(to_actor(around), []);
    });
}

#[test]
fn what_an_actor_that_died_made_is_forgotten_when_all_of_it_is_made_again() {
    let name = "what_an_actor_that_died_made_is_forgotten_when_all_of_it_is_made_again";
    acting(name, Load::default(), |keeper, around, folder| {
        let mark = folder.join("jails-run");
        assert!(mark.exists());
        keeper.stop_actor();
        assert!(!mark.exists(), "nobody died");
        let told = |reload, jails| FromActor::Fresh { reload, jails };
        let start = || order(1, JailJob::Start, None);
        let ban = |id| order(id, JailJob::Ban, Some("203.0.113.1"));
        type Says = Vec<(Vec<JailOrder>, bool, Vec<u64>)>;
        let runs: [(Says, bool); 6] = [
            (vec![], true),
            // A watcher that does not know yet that the jails are to be started.
            (vec![(vec![ban(2)], false, vec![2])], true),
            (vec![(vec![start(), ban(2)], true, vec![1, 2])], true),
            (vec![(vec![start(), ban(2)], false, vec![1])], true),
            (
                vec![(vec![start(), ban(2)], true, vec![1]), (vec![ban(3)], false, vec![2, 3])],
                false,
            ),
            // What was made again once is known from then on.
            (vec![(vec![start()], false, vec![1]), (vec![ban(3), ban(4)], true, vec![3])], false),
        ];
        for (at, (says, stays)) in runs.into_iter().enumerate() {
            std::fs::write(&mark, "").unwrap();
            keeper.settle_actor();
            actor_says(keeper, around, &told(0, vec![0, 1, 2]));
            for (orders, more, ended) in says {
                say(around, &ToWarden::Jails { reload: 0, orders, more });
                keeper.hear_watcher();
                ended.into_iter().for_each(|order| actor_says(keeper, around, &done(order)));
            }
            keeper.stop_actor();
            assert_eq!(mark.exists(), stays, "run {at}");
        }
        assert_eq!(around.borrow().again, [false, true, true, true, true, true, true]);
    });
}

#[test]
fn what_ends_with_an_actor_that_leaves_is_not_made_again() {
    let name = "what_ends_with_an_actor_that_leaves_is_not_made_again";
    acting(name, Load::default(), |keeper, around, folder| {
        keeper.stop_actor();
        std::fs::write(folder.join("jails-run"), "").unwrap();
        keeper.settle_actor();
        actor_is_ready(keeper, around, 0);
        let ban = order(2, JailJob::Ban, Some("203.0.113.1"));
        orders(keeper, around, vec![order(1, JailJob::Start, None), ban]);
        around.borrow_mut().load = Load::default();
        ask(keeper, folder, &Request::Reload);
        say(around, &ToWarden::Ready { reload: 1, lacks: vec![] });
        keeper.hear_watcher();
        assert_eq!(to_actor(around).last(), Some(&ToActor::Stop));
        for order in [1, 2] {
            actor_says(keeper, around, &done(order));
        }
        // It ends well.
        std::thread::sleep(Duration::from_millis(1200));
        hang_up(keeper, around);
        assert!(folder.join("jails-run").exists());
    });
}

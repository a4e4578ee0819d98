//! Bans that wait for the names of `ignoreip`.

use monban_jails::{Ask, Question, Told, WhyFreed};
use monban_model::{Address, JailAnswer};

use super::world::{TWO, World};

/// Two jails; the second spares two names.
fn named() -> World {
    let mut world = World::new(TWO);
    reload(&mut world, "home.example office.example");
    world
}

fn reload(world: &mut World, names: &str) {
    let text = TWO.replace("[two]", &format!("[two]\nignoreip = {names}"));
    world.write("jail.conf", &text.replace("bantime = 1m", "bantime = 1h"));
    assert_eq!(world.set_up(), []);
}

impl World {
    fn asked(&mut self, name: &str) -> Question {
        let ask = Ask::Name(name.to_owned());
        self.questions().into_iter().find(|one| one.ask == ask).expect("asked")
    }

    fn answer(&mut self, question: &Question, addresses: &[&str]) {
        let address = |text: &&str| Address::new(text.parse().unwrap());
        let addresses = addresses.iter().map(address).collect();
        let now = self.now();
        self.jails.answer(question.id, JailAnswer::Addresses(addresses), now);
    }
}

#[test]
fn nobody_is_banned_before_it_is_known_who_is_spared() {
    let mut world = named();
    let questions = world.questions();
    assert_eq!(questions.len(), 2);
    for host in [1, 2] {
        world.line("/two.log", &format!("no bob from 192.0.2.{host}"));
        world.line("/two.log", &format!("no bob from 192.0.2.{host}"));
    }
    // No other jail waits for it.
    (0..3).for_each(|_| world.line("/one.log", "no bob from 192.0.2.3"));
    assert_eq!(world.told(), ["one banned 192.0.2.3"]);
    world.answer(&questions[0], &["192.0.2.1"]);
    assert_eq!(world.told(), [""; 0]);
    world.answer(&questions[1], &["198.51.100.1"]);
    let news = world.jails.take_news();
    assert_eq!(news[0].told, Told::Held { count: 2 });
    let freed = news.iter().any(|one| matches!(one.told, Told::Freed(_)));
    let banned: Vec<_> =
        news.iter().filter(|one| matches!(one.told, Told::Banned { .. })).collect();
    assert_eq!((freed, banned.len()), (false, 1), "{news:?}");
    assert_eq!(banned[0].id.as_ref().unwrap().to_string(), "192.0.2.2");
    // From then on without a wait.
    world.line("/two.log", "no bob from 192.0.2.4");
    assert_eq!(world.told(), ["two banned 192.0.2.4"]);
}

#[test]
fn a_name_that_nobody_answers_for_holds_bans_up_for_seconds() {
    let mut world = named();
    world.line("/two.log", "no bob from 192.0.2.1");
    world.tick(4);
    assert_eq!(world.told(), [""; 0]);
    world.tick(1);
    assert_eq!(world.told(), ["two banned 192.0.2.1"]);
    world.line("/two.log", "no bob from 192.0.2.2");
    assert_eq!(world.told(), ["two banned 192.0.2.2"]);
    // A clock that is set back does not hold them up for longer.
    let mut world = named();
    world.line("/two.log", "no bob from 192.0.2.1");
    world.now_s -= 86_400;
    world.jails.clock_set(-86_400_000);
    world.tick(5);
    assert_eq!(world.told(), ["two banned 192.0.2.1"]);
}

#[test]
fn a_ban_waits_also_over_an_end_and_for_names_that_come_with_a_reload() {
    let mut world = named();
    world.line("/two.log", "no bob from 192.0.2.1");
    world.commit();
    assert_eq!(world.counted("two", "192.0.2.1").map(|(count, _)| count), Some(1));
    world.restart();
    world.questions();
    world.tick(4);
    assert_eq!(world.told(), [""; 0]);
    world.tick(1);
    assert_eq!(world.told(), ["two banned 192.0.2.1"]);
    reload(&mut world, "home.example office.example other.example");
    let other = world.asked("other.example");
    world.line("/two.log", "no bob from 192.0.2.9");
    assert_eq!(world.told(), [""; 0]);
    world.answer(&other, &[]);
    world.tick(5);
    assert_eq!(world.told(), ["two banned 192.0.2.9"]);
    // What is not asked for anew holds nothing up.
    world.client("set two addignoreip 192.0.2.77");
    world.line("/two.log", "no bob from 192.0.2.10");
    world.client("set two addignoreip late.example");
    world.line("/two.log", "no bob from 192.0.2.11");
    let late = world.asked("late.example");
    world.answer(&late, &["192.0.2.11"]);
    world.tick(5);
    let told = ["two banned 192.0.2.10", "two spared 192.0.2.11"];
    assert_eq!(world.told(), told);
}

#[test]
fn a_name_that_moves_frees_its_new_address_for_that_reason_and_no_ban_by_hand() {
    let mut world = named();
    let questions = world.questions();
    world.answer(&questions[0], &["198.51.100.1"]);
    world.answer(&questions[1], &["198.51.100.2"]);
    world.line("/two.log", "no eve from 192.0.2.1");
    world.client("set two banip 192.0.2.2");
    world.news();
    world.tick(400);
    let question = world.asked("home.example");
    world.answer(&question, &["192.0.2.1", "192.0.2.2"]);
    let freed = world.news().into_iter().filter(|one| matches!(one.told, Told::Freed(_)));
    let freed: Vec<_> = freed.map(|one| (one.id.unwrap().to_string(), one.told)).collect();
    let why = Told::Freed(WhyFreed::Named("home.example".to_owned()));
    assert_eq!(freed, [("192.0.2.1".to_owned(), why)]);
    assert!(world.client("status two").contains("192.0.2.2"));
}

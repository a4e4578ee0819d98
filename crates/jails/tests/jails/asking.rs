//! Questions to `ignorecommand`.

use monban_jails::{Ask, Told};
use monban_model::JailAnswer;
use monban_model::limits::{JAIL_COMMANDS_MAX, JAIL_WAITING_MAX};

use super::BOB;
use super::world::{TWO, World};

#[test]
fn ignorecommand_is_asked_once_and_its_answer_is_kept() {
    let cached = "ignorecommand = /bin/x <ip>\nignorecache = key=\"<ip>\", max-time=1m\n";
    let long = TWO.replace("bantime = 1m", "bantime = 10m");
    let mut world = World::new(&format!("{long}{cached}"));
    world.line("/two.log", BOB);
    world.line("/two.log", BOB);
    let questions = world.questions();
    assert_eq!(questions.len(), 1);
    assert_eq!((questions[0].jail, &questions[0].ask), (1, &Ask::Command));
    let now = world.now();
    world.jails.answer(questions[0].id, JailAnswer::Ignored(true), now);
    assert_eq!(world.told(), ["two spared 192.0.2.1"; 2]);
    world.line("/two.log", BOB);
    assert_eq!((world.questions().len(), world.told().len()), (0, 0));
    world.tick(61);
    world.line("/two.log", BOB);
    let questions = world.questions();
    world.jails.answer(questions[0].id, JailAnswer::Ignored(false), now);
    assert_eq!(world.told(), ["two banned 192.0.2.1"]);
    // Nobody answers: it is counted, and not for ever waited for.
    world.line("/two.log", "no eve from 192.0.2.2");
    world.tick(200);
    assert!(world.told().contains(&"two banned 192.0.2.2".to_owned()));
}

#[test]
fn a_question_that_nobody_was_there_for_is_asked_again_and_bans_nobody() {
    let mut world = World::new(&format!("{TWO}ignorecommand = x <ip>\n"));
    world.guards = true;
    world.set_up();
    world.jails.actions(&[], world.now());
    world.line("/two.log", BOB);
    for _ in 0..2 {
        let question = world.questions().remove(0);
        world.jails.answer(question.id, JailAnswer::Lost, world.now());
        world.tick(200);
        assert_eq!((world.questions().len(), world.told().len()), (0, 0));
        world.jails.actions(&[0, 1], world.now());
    }
    let question = world.questions().remove(0);
    world.jails.answer(question.id, JailAnswer::Ignored(true), world.now());
    assert_eq!(world.told(), ["two spared 192.0.2.1"]);
}

/// Puts a line in front of the settings of jail `one`.
fn one_with(lines: &str) -> World {
    World::new(&TWO.replace("[one]", &format!("[one]\n{lines}")))
}

#[test]
fn an_answer_is_for_failures_of_which_the_command_is_told_the_same() {
    let kept = "\nignorecache = key=\"<F-USER>@<ip>\", max-count=100, max-time=1h";
    for cache in ["", kept] {
        let mut world = one_with(&format!("ignorecommand = test <F-USER> = backup{cache}"));
        world.line("/one.log", "no backup from 192.0.2.1");
        for _ in 0..20 {
            world.line("/one.log", "no root from 192.0.2.1");
        }
        let questions = world.questions();
        assert_eq!(questions.len(), 1);
        world.jails.answer(questions[0].id, JailAnswer::Ignored(true), world.now());
        assert_eq!(world.told(), ["one spared 192.0.2.1"]);
        // The second one is put when the first one is answered.
        let questions = world.questions();
        assert_eq!(questions.len(), 1);
        world.jails.answer(questions[0].id, JailAnswer::Ignored(false), world.now());
        assert!(world.told().contains(&"one banned 192.0.2.1".to_owned()));
        // What was said of one name is not kept for the other.
        world.client("set one unbanip 192.0.2.1");
        world.told();
        for _ in 0..3 {
            world.line("/one.log", "no root from 192.0.2.1");
        }
        for question in world.questions() {
            world.jails.answer(question.id, JailAnswer::Ignored(false), world.now());
        }
        assert!(world.told().contains(&"one banned 192.0.2.1".to_owned()), "{cache}");
    }
}

#[test]
fn a_flood_gets_nobody_banned_whom_the_command_was_not_asked_about() {
    let mut world = one_with("ignorecommand = x <ip>\nmaxretry = 1\nbantime = 1h");
    let address = |n: usize| format!("10.0.{}.{}", n / 256, n % 256);
    let many = 2 * JAIL_COMMANDS_MAX;
    for n in 0..many {
        world.line("/one.log", &format!("no eve from {}", address(n)));
    }
    // One at a time, however long each takes, and the rest waits for its turn.
    let mut banned = 0;
    for _ in 0..JAIL_COMMANDS_MAX {
        let questions = world.questions();
        assert_eq!(questions.len(), 1);
        world.tick(59);
        world.jails.answer(questions[0].id, JailAnswer::Ignored(false), world.now());
    }
    let mut unasked = 0;
    for one in world.news() {
        match one.told {
            Told::Banned { .. } => banned += 1,
            Told::Unasked { count } => unasked += count,
            Told::Unanswered { .. } => panic!("all were answered"),
            _ => {}
        }
    }
    assert_eq!(world.questions(), []);
    // Those from more than an hour ago would be over.
    assert!(banned > 50, "{banned}");
    assert_eq!(unasked, (many - JAIL_COMMANDS_MAX) as u64);
    // A flood in one jail is none in another, and one of the same address has an end, too.
    for _ in 0..2 * JAIL_WAITING_MAX {
        world.line("/one.log", BOB);
    }
    world.line("/two.log", BOB);
    assert_eq!(world.told(), ["two banned 192.0.2.1"]);
    world.tick(600);
    let told: Vec<Told> = world.news().into_iter().map(|one| one.told).collect();
    assert!(told.contains(&Told::Unasked { count: JAIL_WAITING_MAX as u64 }), "{told:?}");
    assert!(told.contains(&Told::Unanswered { count: JAIL_WAITING_MAX as u64 }), "{told:?}");
}

#[test]
fn a_command_that_a_reload_takes_away_is_asked_no_more() {
    let mut world = one_with("ignorecommand = x <ip>\nmaxretry = 1");
    world.line("/one.log", BOB);
    world.line("/one.log", "no eve from 192.0.2.2");
    let questions = world.questions();
    world.write("jail.conf", &TWO.replace("[one]", "[one]\nmaxretry = 1"));
    world.set_up();
    world.jails.answer(questions[0].id, JailAnswer::Ignored(true), world.now());
    assert_eq!(world.told(), ["one spared 192.0.2.1", "one banned 192.0.2.2"]);
    assert_eq!(world.questions(), []);
}

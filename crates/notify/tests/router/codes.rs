//! Subscriptions that are confirmed and left by codes.

use monban_model::limits::CODE_GUESSES_MAX;
use monban_notify::{Command, Input, Purpose, Router, State};

use crate::world::{World, hash, mail, simple, subscription};

fn world() -> World {
    let mut notify = simple();
    notify.subscriptions = vec![mail("me", "t"), subscription("log", "t")];
    World::new(notify)
}

fn code(world: &mut World, purpose: Purpose, byte: u8) {
    let subscription = "me".to_owned();
    world.input(Input::Code { subscription, purpose, hash: hash(byte) });
}

#[test]
fn nothing_is_told_before_the_reader_confirms() {
    let mut world = world();
    world.story(&[
        (0, "", &["0 me service confirm"]),
        (10, "once login a notice", &["10 log first a 1+0"]),
    ]);
    code(&mut world, Purpose::Confirm, 1);
    world.command(Command::Confirm(hash(2)));
    world.command(Command::Confirm(hash(1)));
    world.command(Command::Confirm(hash(1)));
    world.story(&[(
        20,
        "once login b notice",
        &[
            "10 answer Err(WrongCode(9))",
            "10 notice notify-confirmed me",
            "10 answer Ok(Confirmed(\"me\"))",
            "10 answer Err(WrongCode(8))",
            "20 me first b 2+0",
            "20 log first b 2+0",
        ],
    )]);
    assert_eq!(world.figures("me").unconfirmed, 1, "what came before is not made up for");
}

#[test]
fn codes_grow_old_and_are_sent_again_on_request() {
    let mut world = world();
    world.until(1);
    code(&mut world, Purpose::Confirm, 1);
    world.until(30);
    world.command(Command::Resend("me".to_owned()));
    world.until(70);
    world.command(Command::Resend("me".to_owned()));
    world.command(Command::Resend("log".to_owned()));
    code(&mut world, Purpose::Confirm, 2);
    world.until(48 * 3600 + 10);
    world.command(Command::Confirm(hash(1)));
    world.command(Command::Confirm(hash(2)));
    assert_eq!(
        world.said,
        [
            "0 me service confirm",
            "30 answer Err(JustSent)",
            "70 answer Ok(Resent(\"me\"))",
            "70 me service confirm",
            "70 answer Err(NotPending)",
            "172810 answer Err(WrongCode(9))",
            "172810 notice notify-confirmed me",
            "172810 answer Ok(Confirmed(\"me\"))",
        ]
    );
}

#[test]
fn codes_are_not_guessed() {
    let mut world = world();
    world.until(0);
    code(&mut world, Purpose::Confirm, 200);
    for byte in 0..100 {
        world.command(Command::Confirm(hash(byte)));
        world.command(Command::Leave { hash: hash(byte), yes: true });
    }
    let wrong = world.said.iter().filter(|line| line.contains("WrongCode")).count();
    assert_eq!(wrong, CODE_GUESSES_MAX as usize);
    world.command(Command::Confirm(hash(200)));
    assert!(world.said.last().unwrap().contains("TooManyGuesses"), "nor is the right one taken");
    world.until(3600);
    world.command(Command::Confirm(hash(200)));
    assert!(world.said.last().unwrap().contains("Confirmed"));
}

#[test]
fn leaving_takes_two_steps_and_is_told_to_others() {
    let mut world = world();
    world.until(0);
    code(&mut world, Purpose::Confirm, 1);
    code(&mut world, Purpose::Leave, 7);
    world.command(Command::Confirm(hash(1)));
    world.said.clear();
    world.command(Command::Confirm(hash(7)));
    world.command(Command::Leave { hash: hash(7), yes: false });
    world.command(Command::Leave { hash: hash(7), yes: true });
    world.story(&[(
        100,
        "once login a notice",
        &[
            "0 answer Err(WrongCode(9))",
            "0 answer Ok(WouldLeave(\"me\"))",
            "0 notice notify-left me",
            "0 answer Ok(Left(\"me\"))",
            "0 log service Left(\"me\")",
            "100 log first a 1+0",
        ],
    )]);
    world.command(Command::Test(None));
    assert!(world.said[0].contains("[\"me\"]"), "{:?}", world.said);
    world.command(Command::Resend("me".to_owned()));
    assert_eq!(world.said.last().unwrap(), "100 me service confirm");
    assert_eq!(world.router.subscriptions()[0].state, State::Pending);
}

#[test]
fn other_readers_confirm_anew() {
    let mut world = world();
    world.until(0);
    code(&mut world, Purpose::Confirm, 1);
    world.command(Command::Confirm(hash(1)));
    let state = |world: &World| {
        let router = Router::new(&world.notify, world.rows.clone());
        router.subscriptions()[0].state
    };
    assert_eq!(state(&world), State::Active);
    world.notify.subscriptions[0].endpoint = mail("you", "t").endpoint;
    assert_eq!(state(&world), State::Pending);
    world.notify.subscriptions[0].confirm = false;
    assert_eq!(state(&world), State::Active);
}

#[test]
fn other_readers_get_nothing_that_waited_for_those_before() {
    let mut world = world();
    world.until(0);
    code(&mut world, Purpose::Confirm, 1);
    world.command(Command::Confirm(hash(1)));
    world.down.insert("me".to_owned());
    world.publish("once login a notice");
    world.publish("once login b notice");
    world.publish("once block c info");
    world.command(Command::Test(None));
    world.notify.subscriptions[0].endpoint = mail("you", "t").endpoint;
    for is_reload in [true, false] {
        match is_reload {
            true => world.router.reload(&world.notify),
            false => world.router = Router::new(&world.notify, world.rows.clone()),
        }
        world.down.clear();
        world.said.clear();
        world.until(world.now_s + 100_000);
        let to_me: Vec<&String> =
            world.said.iter().filter(|line| line.split(' ').nth(1) == Some("me")).collect();
        let wanted: &[&str] = if is_reload { &["0 me service confirm"] } else { &[] };
        assert_eq!(to_me, wanted);
    }
    assert_eq!(world.figures("me").unconfirmed, 3);
    assert_eq!(world.router.subscriptions()[0].state, State::Pending);
}

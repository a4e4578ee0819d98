//! Deliveries that fail: when they are tried again, who is told, what stands in for them.

use monban_notify::{Input, Outcome};

use crate::world::{World, simple, subscription, topic};

fn times(world: &World) -> Vec<i64> {
    world.said.iter().map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect()
}

/// The line without the hash in the name of a delivery.
fn without_id(line: &str) -> String {
    let words = line.split(' ').map(|word| match word.rsplit_once('-') {
        Some((rest, hash)) if hash.len() == 16 => rest,
        _ => word,
    });
    words.collect::<Vec<&str>>().join(" ")
}

#[test]
fn a_server_that_is_down_is_tried_less_and_less_often_and_given_up_after_three_days() {
    let mut notify = simple();
    notify.topics[0].repeat_s = None;
    let mut world = World::new(notify);
    world.down.insert("log".to_owned());
    world.publish("once login a notice");
    world.until(10 * 86_400);
    let tries: Vec<String> =
        world.said.iter().filter(|line| line.contains("log first")).cloned().collect();
    let gaps: Vec<i64> = {
        world.said.retain(|line| line.contains("log first"));
        times(&world).windows(2).map(|pair| pair[1] - pair[0]).collect()
    };
    for (gap, wanted) in gaps.iter().zip([5, 30, 120, 600, 1800, 3600, 3600]) {
        assert!((wanted * 8 / 10..=wanted * 12 / 10 + 1).contains(gap), "{gaps:?}");
    }
    assert!((70..100).contains(&tries.len()), "{}", tries.len());
    assert!(world.now_s - 7 * 86_400 + 4000 > times(&world).last().copied().unwrap());
    let figures = world.figures("log");
    assert_eq!((figures.delivered, figures.given_up), (0, 1));
    assert!(world.router.queue().is_empty() && world.router.wake_at().is_none());
    let ids: std::collections::BTreeSet<&str> =
        world.delivers.iter().map(|deliver| deliver.id.as_str()).collect();
    assert_eq!(ids.len(), 1, "it has one name over all tries");
}

#[test]
fn letters_that_are_refused_at_one_moment_are_one_failure() {
    let mut world = World::new(simple());
    world.down.insert("log".to_owned());
    for key in ["a", "b", "c", "d", "e"] {
        world.publish(&format!("once login {key} critical"));
    }
    let fails = |world: &World| world.said.iter().any(|line| line.contains("notify-failing"));
    world.until(20);
    assert_eq!((world.figures("log").failed, fails(&world)), (10, false), "{:?}", world.said);
    world.until(60);
    assert!(fails(&world), "the third try of the first one: {:?}", world.said);
    world.down.clear();
    world.until(600);
    assert_eq!(world.figures("log").delivered, 5);
}

#[test]
fn old_letters_that_are_refused_at_one_moment_are_one_failure_too() {
    let mut world = World::new(simple());
    world.down.insert("log".to_owned());
    for key in ["a", "b", "c", "d"] {
        world.publish(&format!("once login {key} notice"));
    }
    world.until(3_000);
    // One of them is tried now and then; when it arrives, all others are at once.
    world.down.clear();
    world.mute.insert("log".to_owned());
    world.delivers.clear();
    while world.delivers.is_empty() {
        world.until(world.now_s + 10);
    }
    world.until(world.now_s + 1_500);
    let [probe] = &world.delivers[..] else { panic!("{:?}", world.delivers) };
    let id = probe.id.clone();
    world.said.clear();
    world.input(Input::Outcome { id, outcome: Outcome::Delivered });
    world.until(world.now_s + 1);
    let others: Vec<String> = world.delivers.drain(..).skip(1).map(|it| it.id).collect();
    assert_eq!(others.len(), 3);
    world.now_s += 1;
    for id in others {
        let outcome = Outcome::Later { why: "451".to_owned(), after_s: None };
        world.input(Input::Outcome { id, outcome });
    }
    let fails = world.said.iter().any(|line| line.contains("notify-failing"));
    assert!(!fails, "{:?}", world.said);
}

#[test]
fn a_server_says_when_to_come_again() {
    let mut world = World::new(simple());
    world.mute.insert("log".to_owned());
    world.publish("once login a notice");
    let id = world.delivers[0].id.clone();
    world.now_s = 3;
    let outcome = Outcome::Later { why: "429".to_owned(), after_s: Some(90) };
    world.input(Input::Outcome { id: id.clone(), outcome: outcome.clone() });
    world.input(Input::Outcome { id: id.clone(), outcome });
    assert_eq!(world.router.counters().stale_outcomes, 1);
    world.said.clear();
    world.story(&[(92, "", &[]), (93, "", &["93 log first a 1+0 try 2"])]);
    world.input(Input::Outcome { id: id.clone(), outcome: Outcome::Delivered });
    world.input(Input::Outcome { id: id.clone(), outcome: Outcome::Delivered });
    assert_eq!(world.router.counters().stale_outcomes, 2);
    assert_eq!(world.figures("log").delivered, 1);
}

#[test]
fn who_never_answers_is_asked_again_and_may_answer_late() {
    let mut world = World::new(simple());
    world.mute.insert("log".to_owned());
    world.publish("once login a notice");
    world.until(1800);
    assert_eq!(world.delivers.len(), 1);
    let id = world.delivers[0].id.clone();
    // It came, after nobody waited for it any more, and before the next try.
    world.input(Input::Outcome { id, outcome: Outcome::Delivered });
    world.until(10_000);
    assert_eq!((world.delivers.len(), world.router.queue().len()), (1, 0));
}

#[test]
fn when_one_fails_its_fallback_gets_what_waits_and_its_return_is_said() {
    let mut notify = simple();
    notify.topics.push(topic("other"));
    notify.topics[1].themes.clear();
    notify.subscriptions.push(subscription("reserve", "other"));
    notify.subscriptions[0].fallback = Some("reserve".to_owned());
    let mut world = World::new(notify);
    world.down.insert("log".to_owned());
    world.publish("once login a notice");
    world.until(300);
    let said = std::mem::take(&mut world.said);
    let words: Vec<&str> = said.iter().map(|line| line.split_once(' ').unwrap().1).collect();
    assert_eq!(
        words,
        [
            "log first a 1+0",
            "log first a 1+0 try 2",
            "log first a 1+0 try 3",
            "notice notify-failing log refused",
            "notice notify-dark t",
            "reserve service Dark(\"t\")",
            "reserve service Failing { subscription: \"log\", why: \"refused\" }",
            "reserve first a 1+0",
            "log first a 1+0 try 4",
        ]
    );
    world.publish("once login b notice");
    let said = std::mem::take(&mut world.said);
    assert_eq!(said, ["300 log first b 2+0", "300 reserve first b 2+0"]);
    world.down.clear();
    world.until(3000);
    let said: Vec<&str> = world.said.iter().map(|line| line.split_once(' ').unwrap().1).collect();
    assert_eq!(said[..2], ["log first b 2+0 try 2", "notice notify-works log"], "{said:?}");
    assert_eq!(world.figures("log").delivered, 2);
}

#[test]
fn what_is_refused_for_good_is_said_at_once_and_the_next_that_works_says_so() {
    let mut notify = simple();
    notify.subscriptions.push(subscription("two", "t"));
    let mut world = World::new(notify);
    world.dead.extend(["log".to_owned(), "two".to_owned()]);
    world.until(5);
    world.publish("once login a notice");
    let said: Vec<String> = world.said.iter().map(|line| without_id(line)).collect();
    assert_eq!(
        said,
        [
            "5 log first a 1+0",
            "5 notice notify-failing log no such reader",
            "5 notice notify-given-up 1-first 1 log no such reader",
            "5 two service Failing { subscription: \"log\", why: \"no such reader\" }",
            "5 notice notify-failing two no such reader",
            "5 notice notify-dark t",
            "5 notice notify-given-up 0-service 0 two no such reader",
            "5 two first a 1+0",
            "5 notice notify-given-up 1-first 1 two no such reader",
        ]
    );
    assert_eq!(world.figures("log").given_up, 1);
}

#[test]
fn a_full_queue_makes_room_with_what_is_least_urgent_and_counts_it() {
    let mut notify = simple();
    notify.subscriptions[0].rate = None;
    let mut world = World::new(notify);
    world.mute.insert("log".to_owned());
    for n in 0..300 {
        let severity = if n == 10 { "critical" } else { "info" };
        world.publish(&format!("once finding k{n} {severity}"));
    }
    let queue = world.router.queue();
    assert_eq!(queue.len(), 128);
    let underway = queue.iter().filter(|it| it.next.is_none());
    assert_eq!(underway.count(), 4, "three of any kind, and one that is critical");
    assert!(queue.iter().any(|it| it.thread == "k10"));
    assert_eq!(world.figures("log").overflowed, 172);
    let full = world.said.iter().filter(|line| line.contains("notify-full")).count();
    assert_eq!(full, 1);
    // They are answered: all that waits is delivered, and what made room in one digest.
    world.mute.clear();
    for id in world.delivers.iter().map(|it| it.id.clone()).collect::<Vec<_>>() {
        world.input(Input::Outcome { id, outcome: Outcome::Delivered });
    }
    world.until(1000);
    let digests: Vec<&String> = world.said.iter().filter(|line| line.contains("digest")).collect();
    assert_eq!(digests, ["300 log digest digest 4,5,6,7,8,172,173,174,175,176+162"]);
    assert!(world.router.queue().is_empty());
}

//! Groups, repeats, ends, severities, digests.

use monban_model::{Escalation, MuteWindow, Rate, Severity, Standing, Theme};
use monban_notify::Command;

use crate::world::{World, matchers, simple, subscription, topic};

#[test]
fn each_login_is_told_at_once_also_the_same_again() {
    World::new(simple()).story(&[
        (0, "once login login:alice notice address=192.0.2.1", &["0 log first login:alice 1+0"]),
        (1, "once login login:alice notice address=192.0.2.2", &["1 log first login:alice 2+0"]),
        (2, "once login login:bob notice address=192.0.2.1", &["2 log first login:bob 3+0"]),
        (3, "once login login:alice notice address=192.0.2.1", &["3 log more login:alice 4+0"]),
        (4, "once login login:alice notice address=192.0.2.1", &["4 log more login:alice 5+0"]),
        (300, "", &[]),
        (
            700,
            "once login login:alice notice address=192.0.2.1",
            &["700 log first login:alice 6+0"],
        ),
    ]);
}

#[test]
fn a_burst_of_logins_is_ten_messages_and_then_one_for_each_five_minutes() {
    let mut world = World::new(simple());
    // Over a kill as well.
    world.kills = std::collections::BTreeSet::from([9, 30]);
    let login = |world: &mut World, s: i64| {
        world.until(s);
        world.publish("once login login:alice notice address=192.0.2.1");
    };
    (0..100).for_each(|s| login(&mut world, s));
    world.until(400);
    // The tenth was told at second 9, so the others are five minutes later.
    let more = "309 log more login:alice 11,12,13,14,15,96,97,98,99,100+80";
    assert_eq!((world.told.len(), world.told[10].as_str()), (11, more), "{:#?}", world.told);
    // A job each minute is told as often as it is gathered.
    (0..60).for_each(|minute| login(&mut world, 1000 + 60 * minute));
    world.until(5000);
    assert!((12..=23).contains(&(world.told.len() - 11)), "{:#?}", world.told);
}

#[test]
fn who_gathers_logins_by_labels_has_them_gathered() {
    let mut notify = simple();
    notify.topics[0].group_by = vec!["user".to_owned()];
    World::new(notify).story(&[
        (0, "once login a notice user=alice", &["0 log first t:alice 1+0"]),
        (1, "once login a notice user=alice", &[]),
        (300, "", &["300 log more t:alice 2+0"]),
    ]);
}

#[test]
fn an_alarm_is_told_when_it_begins_again_while_it_lasts_and_when_it_is_over() {
    World::new(simple()).story(&[
        (0, "fires alarm alarm:ssh warning", &["0 log first alarm:ssh 1+0"]),
        (14_400, "", &["14400 log repeat alarm:ssh 1+0"]),
        (28_800, "", &["28800 log repeat alarm:ssh 1+0"]),
        (29_000, "over alarm alarm:ssh info", &["29000 log resolved alarm:ssh 2+0"]),
        (29_100, "over alarm alarm:ssh info", &[]),
        (29_150, "fires alarm alarm:ssh warning", &[]),
        (29_200, "over alarm alarm:ssh info", &[]),
        (29_300, "", &["29300 log more alarm:ssh 4+0", "29300 log resolved alarm:ssh 5+0"]),
        (100_000, "", &[]),
    ]);
}

#[test]
fn an_alarm_with_a_repeat_of_its_own_is_told_again_when_it_is_published_again() {
    let mut world = World::new(simple());
    world.story(&[
        (0, "repeats alarm a warning", &["0 log first a 1+0"]),
        (1800, "repeats alarm a warning", &["1800 log repeat a 2+0"]),
        (1810, "repeats alarm a warning", &[]),
        (2100, "", &["2100 log repeat a 3+0"]),
        (3600, "repeats alarm a warning", &["3600 log repeat a 4+0"]),
        // It says nothing of itself any more, as if its repeat were "never".
        (100_000, "", &[]),
    ]);
    world.command(Command::Acknowledge("a".to_owned()));
    world.story(&[
        (100_000, "", &["100000 answer Ok(Acknowledged(1))"]),
        (100_001, "repeats alarm a warning", &[]),
        (100_002, "over alarm a warning", &["100002 log resolved a 6+0"]),
    ]);
}

#[test]
fn an_end_is_told_while_others_of_its_group_last() {
    let mut notify = simple();
    notify.topics[0].group_by = vec!["service".to_owned()];
    let mut world = World::new(notify);
    world.story(&[
        (0, "fires alarm a warning service=sshd", &["0 log first t:sshd 1+0"]),
        (300, "fires alarm b warning service=sshd", &["300 log more t:sshd 2+0"]),
        (400, "over alarm a info", &[]),
        (600, "", &["600 log resolved t:sshd 3+0"]),
        (610, "over alarm b info", &["610 log resolved t:sshd 4+0"]),
    ]);
    let standings: Vec<Standing> = world.delivers.iter().map(|one| one.standing).collect();
    let [.., part, all] = standings[..] else { panic!("{standings:?}") };
    assert_eq!((part, all), (Standing::Firing, Standing::Resolved));
}

#[test]
fn what_gets_worse_is_told_and_what_is_critical_waits_for_nothing() {
    World::new(simple()).story(&[
        (0, "fires alarm alarm:ssh notice", &["0 log first alarm:ssh 1+0"]),
        (10, "fires alarm alarm:ssh warning", &[]),
        (20, "fires alarm alarm:ssh critical", &["20 log more alarm:ssh 2,3+0"]),
        (30, "fires alarm alarm:ssh critical", &[]),
        (40, "over alarm alarm:ssh info", &["40 log resolved alarm:ssh 5+0"]),
    ]);
}

#[test]
fn a_topic_groups_by_labels_and_waits_for_more() {
    let mut notify = simple();
    let topic = &mut notify.topics[0];
    (topic.group_by, topic.group_wait_s) = (vec!["service".to_owned()], 30);
    let mut world = World::new(notify);
    world.story(&[
        (0, "fires alarm a warning service=sshd", &[]),
        (10, "fires alarm b warning service=sshd", &[]),
        (20, "fires alarm c warning service=smtp", &[]),
        (30, "", &["30 log first t:sshd 1,2+0"]),
        (50, "", &["50 log first t:smtp 3+0"]),
        (60, "over alarm a info", &[]),
        (70, "over alarm b info", &["70 log resolved t:sshd 4,5+0"]),
    ]);
    assert_eq!(world.router.sizes(), (2, 1));
}

#[test]
fn a_subscription_is_told_what_is_urgent_enough_and_only_ends_of_what_it_was_told() {
    let mut notify = simple();
    let mut urgent = subscription("urgent", "t");
    urgent.severity = Severity::Warning;
    let mut short = subscription("short", "t");
    short.resolved = false;
    notify.subscriptions.extend([urgent, short]);
    World::new(notify).story(&[
        (0, "fires alarm a notice", &["0 log first a 1+0", "0 short first a 1+0"]),
        (10, "over alarm a notice", &["10 log resolved a 2+0"]),
        (
            1000,
            "fires alarm b warning",
            &["1000 log first b 3+0", "1000 urgent first b 3+0", "1000 short first b 3+0"],
        ),
        (1001, "over alarm b info", &["1001 log resolved b 4+0", "1001 urgent resolved b 4+0"]),
    ]);
}

#[test]
fn topics_take_in_what_they_are_for() {
    let mut notify = simple();
    notify.topics[0].matchers = matchers("user", "!a*");
    let mut second = topic("second");
    (second.themes, second.severity) = (vec![Theme::Alarm], Severity::Warning);
    notify.topics.push(second);
    notify.subscriptions.push(subscription("two", "second"));
    let mut world = World::new(notify);
    world.story(&[
        (0, "once login k notice user=alice", &[]),
        (1, "once login k notice user=bob", &["1 log first k 2+0"]),
        (2, "fires alarm a warning user=alice", &["2 two first a 3+0"]),
        (3, "fires alarm b notice user=alice", &[]),
    ]);
    assert_eq!(world.router.counters().unrouted, 2);
}

#[test]
fn blocks_come_in_the_morning() {
    let mut world = World::new(simple());
    for n in 0..500 {
        world.until(n * 60);
        world.publish(&format!("once block block:{n} info"));
    }
    // The first digest at seven has what came before, the next one the rest.
    assert_eq!(world.said, ["25200 log digest digest 1,2,3,4,5,416,417,418,419,420+410"]);
    world.said.clear();
    world.story(&[(
        111_600,
        "",
        &["111600 log digest digest 421,422,423,424,425,496,497,498,499,500+70"],
    )]);
}

#[test]
fn a_subscription_may_want_digests_only() {
    let mut notify = simple();
    notify.subscriptions[0].digest_s = Some(3600);
    World::new(notify).story(&[
        (0, "fires alarm a critical", &[]),
        (10, "once login b notice", &[]),
        (3600, "", &["3600 log digest digest 1,2+0"]),
    ]);
}

#[test]
fn at_night_only_what_is_critical_wakes_people() {
    let mut notify = simple();
    notify.subscriptions[0].mute = vec![MuteWindow::Hours { from_min: 1320, until_min: 420 }];
    World::new(notify).story(&[
        (3600, "once login a notice", &[]),
        (7200, "fires alarm b warning", &[]),
        (7300, "fires alarm c critical", &["7300 log first c 3+0"]),
        (25_000, "", &["21700 log repeat c 3+0"]),
        (25_200, "", &["25200 log digest digest 1,2+0"]),
        (30_000, "once login d notice", &["30000 log first d 4+0"]),
    ]);
}

#[test]
fn over_its_rate_a_subscription_gets_one_digest_and_critical_ones_all_the_same() {
    let mut notify = simple();
    notify.subscriptions[0].rate = Some(Rate { count: 2, window_s: 600 });
    World::new(notify).story(&[
        (0, "once login a notice", &["0 log first a 1+0"]),
        (1, "once login b notice", &["1 log first b 2+0"]),
        (2, "once login c notice", &[]),
        (3, "once login d notice", &[]),
        (4, "fires alarm e critical", &["4 log first e 5+0"]),
        (600, "", &["600 log digest digest 3,4+0"]),
        (601, "once login f notice", &["601 log first f 6+0"]),
        (602, "once login g notice", &[]),
        (1200, "", &["1200 log digest digest 7+0"]),
    ]);
}

#[test]
fn nobody_answers_and_another_is_told() {
    let mut notify = simple();
    notify.topics.push(topic("none"));
    notify.topics[1].themes.clear();
    notify.subscriptions.push(subscription("boss", "none"));
    notify.subscriptions[1].severity = Severity::Critical;
    notify.subscriptions[0].escalation = Some(Escalation { after_s: 900, to: "boss".to_owned() });
    let mut world = World::new(notify);
    world.story(&[
        (0, "fires alarm a warning", &["0 log first a 1+0"]),
        (1, "fires alarm b warning", &["1 log first b 2+0"]),
        (2, "fires alarm c warning", &["2 log first c 3+0"]),
        (100, "over alarm b info", &["100 log resolved b 4+0"]),
    ]);
    world.command(Command::Acknowledge("c".to_owned()));
    world.command(Command::Acknowledge("nothing".to_owned()));
    world.story(&[
        (800, "", &["100 answer Ok(Acknowledged(1))", "100 answer Err(Unknown)"]),
        (900, "", &["900 boss escalated a 1+0"]),
        (14_400, "", &["14400 log repeat a 1+0"]),
        (14_402, "", &[]),
    ]);
    assert_eq!(world.figures("log").escalated, 1);
}

#[test]
fn what_nobody_was_told_yet_does_not_escalate() {
    let mut notify = simple();
    notify.topics.push(topic("other"));
    notify.topics[1].themes.clear();
    notify.subscriptions.push(subscription("boss", "other"));
    let log = &mut notify.subscriptions[0];
    log.escalation = Some(Escalation { after_s: 900, to: "boss".to_owned() });
    log.mute = vec![MuteWindow::Hours { from_min: 1380, until_min: 420 }];
    World::new(notify).story(&[
        (3600, "once finding a warning", &[]),
        (25_200, "", &["25200 log digest digest 1+0"]),
        (30_000, "once finding b warning", &["30000 log first b 2+0"]),
        (30_900, "", &["30900 boss escalated b 2+0"]),
    ]);
}

#[test]
fn somebody_looks_after_all_that_fits() {
    for (pattern, found) in
        [("alarm:ssh", 1), ("alarm:*", 3), ("alarm:ss?", 1), ("*", 4), ("ssh", 0), ("login:a", 1)]
    {
        let mut notify = simple();
        notify.subscriptions.push(subscription("boss", "t"));
        let escalation = Escalation { after_s: 900, to: "boss".to_owned() };
        notify.subscriptions[0].escalation = Some(escalation);
        let mut world = World::new(notify);
        for key in ["alarm:ssh", "alarm:sshd", "alarm:disk:a"] {
            world.publish(&format!("fires alarm {key} warning"));
        }
        world.publish("once login login:a notice");
        world.said.clear();
        world.command(Command::Acknowledge(pattern.to_owned()));
        let answer = match found {
            0 => "0 answer Err(Unknown)".to_owned(),
            _ => format!("0 answer Ok(Acknowledged({found}))"),
        };
        assert_eq!(world.said, [answer], "{pattern}");
        world.until(14_400);
        let escalated = world.said.iter().filter(|line| line.contains("escalated")).count();
        assert_eq!(escalated, 4 - found, "{pattern}");
    }
}

#[test]
fn two_that_escalate_to_each_other_come_to_an_end() {
    let mut notify = simple();
    notify.subscriptions.push(subscription("two", "t"));
    for (at, to) in [(0, "two"), (1, "log")] {
        let to = to.to_owned();
        notify.subscriptions[at].escalation = Some(Escalation { after_s: 900, to });
    }
    let mut world = World::new(notify);
    world.publish("once finding a warning");
    world.until(100_000);
    let escalated = world.said.iter().filter(|line| line.contains("escalated")).count();
    assert_eq!(escalated, 5, "{:#?}", world.said);
}

//! Silences, inhibition, quiet times by command.

use monban_model::{Inhibition, Silence, Theme};
use monban_notify::{Command, Router};

use crate::world::{World, matchers, simple, stamp};

fn silence(label: &str, value: &str, from_s: i64, until_s: Option<i64>) -> Silence {
    Silence {
        matchers: matchers(label, value),
        from: stamp(from_s),
        until: until_s.map(stamp),
        comment: "new disk".to_owned(),
    }
}

#[test]
fn what_still_lasts_after_a_silence_is_told_then() {
    let mut notify = simple();
    notify.silences.push(silence("key", "disk*", 100, Some(500)));
    let mut world = World::new(notify);
    world.story(&[
        (50, "fires alarm disk:a warning", &["50 log first disk:a 1+0"]),
        (110, "fires alarm disk:b warning", &[]),
        (120, "fires alarm disk:c warning", &[]),
        (130, "once finding disk:d warning", &[]),
        (140, "fires alarm net warning", &["140 log first net 5+0"]),
        (150, "over alarm disk:c warning", &[]),
        (160, "over alarm disk:a warning", &["160 log resolved disk:a 7+0"]),
        (500, "", &["500 log first disk:b 2+0"]),
        (501, "over alarm disk:b warning", &["501 log resolved disk:b 8+0"]),
    ]);
    assert_eq!(world.router.counters().silenced, 3);
}

#[test]
fn what_is_silenced_is_in_no_digest_before_its_silence_ends() {
    let mut notify = simple();
    notify.topics[0].themes.retain(|theme| *theme != Theme::Alarm);
    notify.topics[0].daily.push(Theme::Alarm);
    notify.silences.push(silence("key", "disk*", 0, Some(50_000)));
    World::new(notify).story(&[
        (10, "fires alarm disk:a warning", &[]),
        (20, "fires alarm disk:b warning", &[]),
        (30, "over alarm disk:b warning", &[]),
        (40, "fires alarm net warning", &[]),
        (40_000, "", &["25200 log digest digest 4+0"]),
        (112_000, "", &["111600 log digest digest 1+0"]),
    ]);
}

#[test]
fn operators_make_silences_and_end_them() {
    let mut world = World::new(simple());
    world.command(Command::Silence(silence("key", "a", 0, None)));
    world.command(Command::Silence(silence("key", "b", 0, Some(200))));
    world.command(Command::Silence(Silence { matchers: Vec::new(), ..silence("k", "b", 0, None) }));
    let numbers = ["0 answer Ok(Silenced(1))", "0 answer Ok(Silenced(2))", "0 answer Err(Silence)"];
    world.story(&[
        (0, "", &numbers),
        (10, "fires alarm a warning", &[]),
        (11, "fires alarm b warning", &[]),
        (100, "", &[]),
    ]);
    assert_eq!(world.router.silences().len(), 2);
    world.command(Command::EndSilence(1));
    world.command(Command::EndSilence(1));
    let said = ["100 answer Ok(SilenceEnded)", "100 log first a 1+0", "100 answer Err(Unknown)"];
    world.story(&[(100, "", &said), (200, "", &["200 log first b 2+0"])]);
    assert_eq!(world.router.silences().len(), 0);
    for n in 0..200 {
        world.command(Command::Silence(silence("key", &format!("k{n}"), 0, None)));
    }
    assert_eq!(world.said.last().unwrap(), "200 answer Err(Full)");
}

#[test]
fn what_a_larger_thing_explains_is_not_told_while_that_lasts() {
    let mut notify = simple();
    notify.inhibitions.push(Inhibition {
        source: matchers("key", "net*"),
        target: matchers("severity", "warning"),
        equal: vec!["site".to_owned()],
    });
    let mut world = World::new(notify);
    world.story(&[
        (0, "fires alarm net:1 warning site=tokyo", &["0 log first net:1 1+0"]),
        (10, "fires alarm disk warning site=tokyo", &[]),
        (11, "fires alarm load warning site=tokyo", &[]),
        (12, "fires alarm disk:osaka warning site=osaka", &["12 log first disk:osaka 4+0"]),
        (13, "fires alarm cpu critical site=tokyo", &["13 log first cpu 5+0"]),
        (14, "once finding x warning site=tokyo", &[]),
        (20, "over alarm load warning site=tokyo", &[]),
        (30, "over alarm net:1 warning", &["30 log first disk 2+0", "30 log resolved net:1 8+0"]),
        (31, "once finding x warning site=tokyo", &["31 log first x 9+0"]),
    ]);
    assert_eq!(world.router.counters().inhibited, 3);
}

#[test]
fn a_subscription_is_quiet_for_a_while() {
    let mut world = World::new(simple());
    world.command(Command::Mute("log".to_owned(), Some(stamp(1000))));
    world.command(Command::Mute("nobody".to_owned(), None));
    world.story(&[
        (0, "", &["0 answer Ok(Muted)", "0 answer Err(Unknown)"]),
        (10, "once login a notice", &[]),
        (20, "once login b critical", &["20 log first b 2+0"]),
        (1000, "", &["1000 log digest digest 1+0"]),
    ]);
    world.command(Command::Mute("log".to_owned(), Some(stamp(9000))));
    world.publish("once login c notice");
    world.until(2000);
    world.command(Command::Mute("log".to_owned(), None));
    let said = ["1000 answer Ok(Muted)", "2000 answer Ok(Muted)", "2000 log digest digest 3+0"];
    world.story(&[(2000, "", &said)]);
}

#[test]
fn what_was_quiet_under_other_labels_is_told_and_repeated_where_it_belongs_now() {
    let mut notify = simple();
    notify.topics[0].group_by = vec!["site".to_owned()];
    notify.silences.push(silence("site", "a", 0, None));
    let mut world = World::new(notify);
    world.story(&[
        (0, "fires alarm disk warning site=a", &[]),
        (10, "fires alarm disk warning site=b", &["10 log first t:b 2+0"]),
        (14_410, "", &["14410 log repeat t:b 2+0"]),
    ]);
    world.router = Router::new(&world.notify, world.rows.clone());
    world.story(&[(28_810, "", &["28810 log repeat t:b 2+0"])]);
    assert_eq!(world.router.sizes(), (1, 1));
}

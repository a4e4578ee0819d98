//! What strangers typed stands in keys and labels.

use monban_model::limits::{FIRING_MAX, PASSING_GROUPS_MAX, PUBLICATION_KEY_MAX};
use monban_model::{Publication, Seq, Severity, Standing, Theme};
use monban_notify::{Input, Router, Telling};
use proptest::prelude::*;

use crate::world::{World, cases, matchers, simple, stamp};

#[test]
fn no_value_makes_one_group_of_two() {
    let mut notify = simple();
    notify.topics[0].group_by = vec!["user".to_owned(), "address".to_owned()];
    let mut world = World::new(notify);
    for (user, address) in [("a", "b\u{1f}c"), ("a\u{1f}b", "c"), ("a", "b c"), ("", "a")] {
        world.publish(&format!("once login k notice user={user}"));
        let labels =
            vec![("address".to_owned(), address.to_owned()), ("user".to_owned(), user.to_owned())];
        world.seq += 1;
        let publication = Publication {
            seq: Seq(world.seq),
            time: stamp(0),
            theme: Theme::Login,
            severity: Severity::Notice,
            standing: Standing::Once,
            repeats: false,
            key: "k".to_owned(),
            labels,
        };
        world.input(Input::Publish(publication, Telling::Now));
    }
    assert_eq!(world.router.sizes().0, 6, "(a, b c) comes twice, and users without an address");
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn any_text_is_taken_and_read_back(
        texts in prop::collection::vec(
            ("\\PC{0,400}", "[\\x00-\\x1f門a*?!/]{0,300}", 0..4_usize, 0..3_usize),
            1..20,
        )
    ) {
        let mut notify = simple();
        notify.topics[0].matchers = matchers("user", "!*a*a*a*b");
        notify.topics[0].group_by = vec!["user".to_owned(), "key".to_owned()];
        let mut world = World::new(notify);
        world.mute.insert("log".to_owned());
        for (key, value, severity, standing) in texts {
            world.seq += 1;
            let publication = Publication {
                seq: Seq(world.seq),
                time: stamp(0),
                theme: Theme::Finding,
                severity: Severity::ALL[severity],
                standing: Standing::ALL[standing],
                repeats: false,
                key,
                labels: vec![("user".to_owned(), value)],
            };
            world.input(Input::Publish(publication, Telling::Now));
            let mut again = Router::new(&world.notify, world.rows.clone());
            prop_assert_eq!(again.counters().unreadable_rows, 0);
            prop_assert_eq!(again.take_rows().len(), 0);
            prop_assert_eq!(again.sizes(), world.router.sizes());
        }
        for deliver in &world.delivers {
            prop_assert!(deliver.thread.len() <= PUBLICATION_KEY_MAX);
            prop_assert!(deliver.id.len() <= 64);
            prop_assert!(deliver.id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
        }
    }
}

#[test]
fn what_lasts_makes_room_for_what_is_more_urgent_first() {
    let mut notify = simple();
    notify.subscriptions[0].rate = None;
    let mut world = World::new(notify);
    world.publish("fires alarm real critical");
    for n in 0..FIRING_MAX + 500 {
        world.publish(&format!("fires alarm made-up:{n} warning"));
    }
    for n in 0..2548 {
        world.publish(&format!("once login u{n} notice"));
    }
    let counters = world.router.counters();
    assert_eq!(
        (counters.firing_evicted, world.router.sizes()),
        (501, (FIRING_MAX + PASSING_GROUPS_MAX, FIRING_MAX))
    );
    world.said.clear();
    world.publish("over alarm real critical");
    assert_eq!(world.said, ["0 log resolved real 4074+0"]);
}

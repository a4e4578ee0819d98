//! The clock is set while something waits.

use monban_model::Silence;
use monban_notify::{Command, Input, Router};

use crate::world::{World, matchers, simple, stamp, subscription};

/// The clock is set by so many seconds.
fn set_clock(world: &mut World, s: i64) {
    world.now_s += s;
    world.input(Input::ClockSet(s * 1000));
}

#[test]
fn what_waits_follows_the_clock() {
    let day = 86_400;
    // It is noticed within a run, and between two runs if it went back.
    for (set_s, is_restart) in
        [(-50_000, false), (-50_000, true), (-90, false), (90, false), (20_000 * day, false)]
    {
        let mut notify = simple();
        notify.subscriptions.push(subscription("two", "t"));
        let mut world = World::new(notify);
        let silence = Silence {
            matchers: matchers("key", "d"),
            from: stamp(100_100),
            until: Some(stamp(103_700)),
            comment: String::new(),
        };
        world.until(100_100);
        world.command(Command::Silence(silence));
        world.command(Command::Mute("two".to_owned(), Some(stamp(103_700))));
        world.down.insert("log".to_owned());
        world.publish("once finding b notice");
        world.publish("once finding b notice");
        world.said.clear();
        let begin = world.now_s;
        match is_restart {
            true => {
                world.now_s += set_s;
                world.router = Router::new(&world.notify, world.rows.clone());
                world.input(Input::Tick);
            }
            false => set_clock(&mut world, set_s),
        }
        world.down.clear();
        world.publish("fires alarm d warning");
        world.until(begin + set_s + 10_000);
        let after = |line: &String| {
            let (s, what) = line.split_once(' ').unwrap();
            format!("{} {what}", s.parse::<i64>().unwrap() - begin - set_s)
        };
        let said: Vec<String> = world.said.iter().map(after).collect();
        let wanted = [
            "5 log first b 1+0 try 2",
            "300 log more b 2+0",
            "3600 log first d 3+0",
            "3600 two first d 3+0",
            "3600 two digest digest 1,2+0",
        ];
        assert_eq!(said, wanted, "{set_s} s, {is_restart}");
        assert!(!said.iter().any(|line| line.contains("failing")));
    }
}

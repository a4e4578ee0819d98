//! Jails that an operator made idle or stopped.

use monban_jails::{State, Told};

use super::BOB;
use super::world::{TWO, World};

fn state(world: &World, name: &str) -> State {
    let states = world.jails.states();
    states.into_iter().find(|(jail, _)| jail == name).expect("a jail").1
}

fn awake(world: &mut World) -> Vec<(usize, u64)> {
    let of = |told| match told {
        Told::Awake { lines, lost } => Some((lines, lost)),
        _ => None,
    };
    world.news().into_iter().filter_map(|news| of(news.told)).collect()
}

#[test]
fn what_is_written_while_a_jail_is_idle_is_read_once_that_ends() {
    let mut world = World::new(TWO);
    assert_eq!(state(&world, "one"), State::Unread(vec!["/one*.log".to_owned()]));
    world.jails.follows("/one.log");
    assert_eq!(state(&world, "one"), State::Runs);
    world.client("set one idle on");
    assert!(world.news().iter().any(|news| news.told == Told::Idle));
    world.line("/one.log", BOB);
    world.tick(601);
    for _ in 0..3 {
        world.line("/one.log", BOB);
    }
    assert_eq!(state(&world, "one"), State::Idle { lines: 3, lost: 0 });
    assert_eq!(world.told(), [""; 0], "nothing is counted meanwhile");
    world.client("set one idle off");
    assert_eq!(state(&world, "one"), State::Runs);
    assert_eq!(world.told(), ["one banned 192.0.2.1"]);
    // As often as it is said, it ends once.
    world.client("set one idle off");
    assert_eq!(awake(&mut world), []);
}

#[test]
fn a_reload_a_start_and_the_end_also_read_what_waited() {
    for way in ["reload", "start one", "end"] {
        let mut world = World::new(TWO);
        world.client("set one idle on");
        for _ in 0..3 {
            world.line("/one.log", BOB);
        }
        world.news();
        match way {
            "reload" => assert_eq!(world.set_up(), []),
            "end" => world.jails.end(world.now()),
            words => assert_ne!(world.client(words), ""),
        }
        assert_eq!(awake(&mut world), [(3, 0)], "{way}");
        assert!(world.client("status one").contains("Currently banned:\t1"), "{way}");
    }
}

#[test]
fn a_flood_of_lines_for_idle_jails_ends_in_a_number() {
    let mut world = World::new(TWO);
    world.client("set one idle on");
    world.client("set two idle on");
    let long = format!("{BOB} {}", "x".repeat(1 << 20));
    for _ in 0..20 {
        world.line("/one.log", &long);
        world.line("/two.log", &long);
    }
    let held = |state| match state {
        State::Idle { lines, lost } => (lines, lost),
        other => panic!("{other:?}"),
    };
    let (one, two) = (held(state(&world, "one")), held(state(&world, "two")));
    assert_eq!((one.0 + two.0, one.1 + two.1), (7, 33), "8 MiB for all");
}

#[test]
fn a_flood_for_one_idle_jail_costs_another_none_of_its_lines() {
    let mut world = World::new(TWO);
    for jail in ["one", "two"] {
        world.client(&format!("set {jail} idle on"));
    }
    let long = "x".repeat(10_000);
    let line = format!("no {long} from 192.0.2.9");
    (0..900).for_each(|_| world.line("/one.log", &line));
    // It comes when the room is full, and before it is full again.
    for n in 0..100 {
        world.line("/two.log", &format!("no bob from 192.0.2.{n}"));
        world.line("/one.log", &line);
    }
    assert_eq!(state(&world, "two"), State::Idle { lines: 100, lost: 0 });
    let State::Idle { lines, lost } = state(&world, "one") else { panic!("idle") };
    assert_eq!(lines as u64 + lost, 1000);
    assert!(lines > 800, "{lines}");
}

#[test]
fn a_jail_that_was_stopped_is_known_until_a_reload_starts_it() {
    let mut world = World::new(TWO);
    world.client("stop one");
    assert_eq!(state(&world, "one"), State::Stopped);
    assert!(world.news().iter().any(|news| news.told == Told::Stopped));
    assert_eq!(world.set_up(), []);
    assert!(world.news().iter().any(|news| news.told == Told::Started && news.jail == "one"));
    assert_ne!(state(&world, "one"), State::Stopped);
    // One that the configuration has no more was not stopped by anybody.
    world.client("stop two");
    world.write("jail.conf", &TWO[..TWO.find("[two]").expect("there")]);
    assert_eq!(world.set_up(), []);
    assert_eq!(world.jails.states().len(), 1);
}

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
    world.catch_up();
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
        world.catch_up();
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
fn lines_of_an_idle_jail_that_goes_are_told_as_not_read() {
    for way in ["stop one", "reload", "stop one while it reads"] {
        let mut world = World::new(TWO);
        world.client("set one idle on");
        for _ in 0..50 {
            world.line("/one.log", "no eve from 192.0.2.7");
        }
        world.write("jail.conf", &TWO[..TWO.find("[one]").unwrap()]);
        match way {
            "reload" => drop(world.set_up()),
            "stop one" => drop(world.client("stop one")),
            _ => {
                world.client("set one idle off");
                assert_eq!(awake(&mut world), [(50, 0)]);
                world.client("stop one");
            }
        }
        let told: Vec<Told> = world.news().into_iter().map(|news| news.told).collect();
        assert!(told.contains(&Told::Unread { count: 50 }), "{way}: {told:?}");
        assert!(told.contains(&Told::Stopped), "{way}");
    }
}

#[test]
fn what_a_jail_had_no_room_for_while_it_read_is_told_at_its_end() {
    let mut world = World::new(TWO);
    for jail in ["one", "two"] {
        world.client(&format!("set {jail} idle on"));
    }
    let long = format!("{BOB} {}", "x".repeat(1 << 20));
    (0..7).for_each(|_| world.line("/one.log", &long));
    world.client("set one idle off");
    assert_eq!(awake(&mut world), [(7, 0)]);
    (0..3).for_each(|_| world.line("/two.log", &long));
    world.catch_up();
    let unread = world.news().into_iter().filter_map(|news| match news.told {
        Told::Unread { count } => Some((news.jail, count)),
        _ => None,
    });
    assert_eq!(unread.collect::<Vec<_>>(), [("one".to_owned(), 3)]);
    assert_eq!(state(&world, "two"), State::Idle { lines: 3, lost: 0 });
}

#[test]
fn what_waited_holds_up_no_other_jail_and_is_read_in_its_order() {
    let mut world = World::new(TWO);
    world.client("set one idle on");
    let long = "x".repeat(1000);
    for n in 0..2000 {
        world.line("/one.log", &format!("no {long} from 10.0.{}.{}", n / 256, n % 256));
    }
    world.client("set one idle off");
    assert_eq!(awake(&mut world), [(2000, 0)]);
    world.told();
    // A piece is read, and another jail has its turn.
    let now = world.now();
    assert!(world.jails.read_waiting(256 << 10, now));
    let found = |world: &mut World| {
        let news = world.news().into_iter();
        let found = news.filter(|news| matches!(news.told, Told::Found { .. }));
        found.map(|news| (news.jail, news.id.unwrap().to_string())).collect::<Vec<_>>()
    };
    let first = found(&mut world);
    assert!((200..300).contains(&first.len()), "{}", first.len());
    world.line("/two.log", BOB);
    assert_eq!(found(&mut world), [("two".to_owned(), "192.0.2.1".to_owned())]);
    // What comes for the jail itself waits behind, makes it read on, and has an end.
    let (mut all, mut came) = (first, 0);
    while world.jails.is_behind() {
        world.line("/one.log", &format!("no {long} from 10.9.{}.{}", came / 256, came % 256));
        let read = found(&mut world);
        assert!((1..=5).contains(&read.len()), "{}", read.len());
        all.extend(read);
        came += 1;
    }
    assert!(came > 1000 && came < 2000, "{came}");
    let ids = |net: &str| -> Vec<String> {
        let of_net = all.iter().filter(|(_, id)| id.starts_with(net));
        of_net.map(|(_, id)| id.clone()).collect()
    };
    let expected = |net: &str, count: usize| -> Vec<String> {
        (0..count).map(|n| format!("{net}{}.{}", n / 256, n % 256)).collect()
    };
    assert_eq!((ids("10.0."), ids("10.9.")), (expected("10.0.", 2000), expected("10.9.", came)));
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

#[test]
fn a_file_that_the_configuration_does_not_have_is_refused_and_one_of_it_comes_back() {
    let mut world = World::new(TWO);
    world.jails.follows("/one.log");
    let files = world.client("get one logpath");
    for words in ["set one addlogpath /etc/hostname", "set one ignorecommand /bin/true"] {
        let answer = world.client(words);
        assert!(answer.contains("monban does not do this while it runs"), "{answer}");
    }
    assert_eq!(world.client("get one logpath"), files);
    assert_ne!(world.client("set one dellogpath /one.log"), files);
    assert_eq!(world.client("set one addlogpath /one.log"), files);
}

#[test]
fn the_end_of_a_jail_tells_each_of_its_bans() {
    for way in ["stop one", "reload"] {
        let mut world = World::new(TWO);
        for _ in 0..3 {
            world.line("/one.log", BOB);
        }
        assert_eq!(world.told(), ["one banned 192.0.2.1"]);
        match way {
            "reload" => {
                world.write("jail.conf", &TWO[TWO.find("[two]").expect("there")..]);
                assert_eq!(world.set_up(), []);
            }
            words => assert_ne!(world.client(words), ""),
        }
        let told: Vec<Told> = world.news().into_iter().map(|news| news.told).collect();
        let end: Vec<&Told> = told.iter().rev().take(2).collect();
        assert_eq!(end, [&Told::Stopped, &Told::Parked], "{way}");
    }
}

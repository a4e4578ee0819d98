//! Jails that read the same files: each counts what it would count alone.

use super::BOB;
use super::world::World;

/// Two with the same files, one with one of them, one that reads another form of date.
const FOUR: &str = "[DEFAULT]
maxretry = 3
bantime = 1h
findtime = 10m
action = tell
enabled = yes
filter = x
[one]
logpath = /a.log
          /b.log
[same]
logpath = /a.log
          /b.log
[part]
logpath = /a.log
[other]
logpath = /b.log
filter = x[datepattern=\"^NOW\"]
";

#[test]
fn each_jail_counts_the_lines_of_its_own_files() {
    let mut world = World::new(FOUR);
    for path in ["/a.log", "/b.log", "/a.log"] {
        world.line(path, "of nobody");
        world.line(path, BOB);
    }
    assert_eq!(world.told(), ["one banned 192.0.2.1", "same banned 192.0.2.1"]);
    world.line("/a.log", BOB);
    assert_eq!(world.told(), ["part banned 192.0.2.1"]);
}

#[test]
fn one_that_is_idle_for_a_while_holds_up_nobody_and_loses_nothing() {
    let mut world = World::new(FOUR);
    world.line("/a.log", BOB);
    world.client("set same idle on");
    world.line("/a.log", BOB);
    world.line("/b.log", BOB);
    assert_eq!(world.told(), ["one banned 192.0.2.1"]);
    world.client("set same idle off");
    // The next line is read behind those that waited.
    world.line("/a.log", BOB);
    world.catch_up();
    assert_eq!(world.told(), ["same banned 192.0.2.1", "part banned 192.0.2.1"]);
    assert!(world.client("status same").contains("Total failed:\t4"));
    world.line("/b.log", &BOB.replace(".1", ".2"));
    assert!(world.client("status same").contains("Total failed:\t5"));
    assert!(world.client("status one").contains("Total failed:\t5"));
}

#[test]
fn a_filter_that_changes_while_others_go_on_reads_the_next_line() {
    let mut world = World::new(FOUR);
    world.line("/a.log", BOB);
    world.client("set same addfailregex ^ never <HOST>$");
    for _ in 0..2 {
        world.line("/a.log", BOB);
    }
    assert_eq!(
        world.told(),
        ["one banned 192.0.2.1", "same banned 192.0.2.1", "part banned 192.0.2.1"]
    );
}

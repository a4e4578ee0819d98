//! Lines that another fail2ban had judged.

use monban_jails::{EarlierLog, Entry, ReadLog};
use monban_model::Line;

use crate::world::{LINE, TWO, World};

fn file(jail: &str, position: u64) -> EarlierLog {
    let (path, first_line) = ("/two.log".to_owned(), "abc".to_owned());
    EarlierLog { jail: jail.to_owned(), log: ReadLog::File { path, first_line, position } }
}

/// Reads a line at an offset; gives back who was banned.
fn read(world: &mut World, position: u64, who: u8) -> Vec<String> {
    let text = format!("{} no bob from 192.0.2.{who}", world.now_s);
    let line = Line { bytes: text.as_bytes(), position, arrival: world.now(), ..LINE };
    world.jails.line("/two.log", &line, true);
    world.told()
}

#[test]
fn lines_before_the_position_of_a_file_are_left_out() {
    let mut world = World::new(TWO);
    world.jails.leave_out(vec![file("two", 100), file("nobody", 5)]);
    assert!(world.jails.leaves_out("/two.log"));
    world.jails.opened("/two.log", &["abc".to_owned()]);
    assert_eq!(read(&mut world, 0, 1), [""; 0]);
    assert_eq!(read(&mut world, 50, 2), [""; 0]);
    assert_eq!(read(&mut world, 100, 3), ["two banned 192.0.2.3"]);
    // Another file stands at the path now.
    assert_eq!(read(&mut world, 0, 4), ["two banned 192.0.2.4"]);
}

#[test]
fn another_file_of_the_path_is_read_whole() {
    let mut world = World::new(TWO);
    world.jails.leave_out(vec![file("two", 100)]);
    world.jails.opened("/two.log", &["def".to_owned()]);
    assert_eq!(read(&mut world, 0, 1), ["two banned 192.0.2.1"]);
    // It took the place of the file while that was being read.
    world.jails.leave_out(vec![file("two", 100)]);
    world.jails.opened("/two.log", &["abc".to_owned()]);
    assert_eq!(read(&mut world, 70, 2), [""; 0]);
    assert_eq!(read(&mut world, 0, 3), ["two banned 192.0.2.3"]);
    // All was read: what comes is new, wherever it stands.
    world.jails.leave_out(vec![file("two", 100)]);
    world.jails.opened("/two.log", &["abc".to_owned()]);
    world.jails.caught_up();
    assert_eq!(read(&mut world, 0, 5), ["two banned 192.0.2.5"]);
}

#[test]
fn a_jail_that_reads_from_the_end_on_leaves_out_what_is_there() {
    let mut world = World::new(&TWO.replace("/two.log", "/two.log tail"));
    world.jails.tail("/two.log", 60);
    world.jails.leave_out(vec![file("two", 10)]);
    world.jails.opened("/two.log", &["abc".to_owned()]);
    assert_eq!(read(&mut world, 20, 1), [""; 0]);
    assert_eq!(read(&mut world, 60, 2), ["two banned 192.0.2.2"]);
}

#[test]
fn old_entries_up_to_the_last_one_are_left_out() {
    let jail = "[j]\nenabled = yes\nfilter = x\nbackend = systemd\nmaxretry = 1\naction = tell\n";
    let mut world = World::new(jail);
    world.write("filter.d/x.conf", "[Definition]\nfailregex = ^h no \\S+ from <HOST>$\n");
    world.set_up();
    let last = world.now().0.cast_unsigned() * 1000 - 500;
    world.jails.leave_out(vec![EarlierLog { jail: "j".to_owned(), log: ReadLog::Journal(last) }]);
    for (realtime_us, catching_up, who) in
        [(last - 1, true, 1), (last, true, 2), (last + 1, true, 3), (last, false, 4)]
    {
        let text = format!("no bob from 192.0.2.{who}").into_bytes();
        let fields = [(b"_HOSTNAME".to_vec(), b"h".to_vec()), (b"MESSAGE".to_vec(), text)];
        let entry = Entry { fields: &fields, realtime_us };
        world.jails.entry(&entry, world.now(), catching_up);
    }
    assert_eq!(world.told(), ["j banned 192.0.2.3", "j banned 192.0.2.4"]);
}

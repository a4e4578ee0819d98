//! Who came in: told once, with what is known of him.

mod world;

use monban_engine::{Hooked, Observation};
use monban_model::*;
use world::World;

const HOME: &str = "192.0.2.7";

/// A sighting of a program that tells no address.
fn here<'a>(kind: Kind, user: &'a [u8], details: Details<'a>, time: Stamp) -> Sighting<'a> {
    Sighting {
        kind,
        time,
        address: None,
        user: Some(user),
        method: None,
        details,
        service: ServiceId(0),
        connection: None,
        witness: Witness(0),
        also: Also::Nothing,
        rule: RuleId(0),
        weight: 1,
        line: b"a line",
    }
}

fn see(world: &mut World, kind: Kind, user: &str, details: Details<'_>) {
    let seen = here(kind, user.as_bytes(), details, world.now);
    world.tell(Observation::Sighting(&seen));
}

fn hook(world: &mut World, service: &str, user: &str, address: Option<&str>) {
    let hooked = Hooked {
        service: service.to_owned(),
        user: user.as_bytes().to_vec(),
        by: service.starts_with("su").then(|| b"alice".to_vec()),
        address: address.and_then(|address| address.parse().ok()),
        ..hooked(world.now)
    };
    world.tell(Observation::Hooked(hooked));
}

fn hooked(time: Stamp) -> Hooked {
    Hooked {
        time,
        service: String::new(),
        user: b"root".to_vec(),
        by: None,
        address: None,
        terminal: Some(b"pts/3".to_vec()),
        origin: Origin::default(),
        method: Some(b"publickey".to_vec()),
        key: Some(b"ED25519 SHA256:x".to_vec()),
    }
}

fn found_here(world: &World) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for record in world.records() {
        if let Event::FoundHere(finding) = &record.event {
            let values: Vec<String> =
                finding.values.iter().map(|(name, value)| format!("{name}={value}")).collect();
            found.push((finding.key.clone(), values.join(" ")));
        }
    }
    found
}

#[test]
fn line_and_hook_are_one_login() {
    let mut world = World::new();
    world.see(Kind::LoginAccepted, HOME, 5, 0);
    world.at(1);
    hook(&mut world, "sshd", "root", Some(HOME));
    world.at(10).tell(Observation::Tick);
    assert_eq!(world.logins().len(), 1);
    assert_eq!(world.logins()[0].told_by, ToldBy::Log);

    world.at(20);
    hook(&mut world, "sshd", "root", Some(HOME));
    assert_eq!(world.logins().len(), 1, "the hook waits for the line");
    world.at(21).see(Kind::LoginAccepted, HOME, 6, 0);
    world.at(40).tell(Observation::Tick);
    assert_eq!(world.logins().len(), 2);
    let second = world.logins()[1];
    assert_eq!(second.told_by, ToldBy::Both);
    assert_eq!(second.terminal.as_deref(), Some(&b"pts/3"[..]));
    assert!(second.earlier.address.is_some());
}

#[test]
fn what_only_the_hook_told_is_told_after_a_moment() {
    let mut world = World::new();
    hook(&mut world, "sshd", "root", Some(HOME));
    hook(&mut world, "login", "alice", None);
    world.at(1).tell(Observation::Tick);
    assert!(world.logins().is_empty());
    assert!(world.engine.wake_at().is_some());
    world.at(2).tell(Observation::Tick);
    let told: Vec<_> =
        world.logins().iter().map(|one| (one.service.clone(), one.told_by)).collect();
    assert_eq!(told, [("sshd".to_owned(), ToldBy::Hook), ("login".to_owned(), ToldBy::Hook)]);
}

/// An old su names in its line who came in, and PAM names root, if `sudo su` was run.
#[test]
fn su_by_root_confirms_a_line_and_is_told_by_none() {
    let mut setup = world::setup();
    setup.catalog.services[0].name = "su".to_owned();
    let mut world = World::with(setup);
    world.tell(Observation::Hooks(vec!["su".to_owned(), "su-l".to_owned()]));
    let by_root = |world: &mut World, service: &str| {
        let (time, by) = (world.now, Some(b"root".to_vec()));
        let hooked = Hooked { by, service: service.to_owned(), ..hooked(time) };
        world.tell(Observation::Hooked(hooked));
    };
    let details = Details { terminal: Some(b"pts/0"), ..Details::default() };
    world.at(1);
    see(&mut world, Kind::PrivilegeUsed, "alice", details);
    by_root(&mut world, "su-l");
    world.at(10);
    by_root(&mut world, "su");
    see(&mut world, Kind::PrivilegeUsed, "alice", details);
    world.at(20);
    by_root(&mut world, "su");
    world.at(100).tell(Observation::Tick);
    assert_eq!(world.logins().len(), 2);
    assert_eq!(found_here(&world), []);
}

/// A reader of mail comes in again and again, which is told once a day.
#[test]
fn what_is_no_news_by_its_line_is_none_by_the_hook() {
    let mut setup = world::setup();
    setup.catalog.services[0].name = "dovecot".to_owned();
    setup.catalog.services[0].shell = false;
    let mut world = World::with(setup);
    world.tell(Observation::Hooks(vec!["dovecot".to_owned()]));
    for minute in 0..3 {
        world.at(60 * minute + 1).see(Kind::LoginAccepted, HOME, 5, 0);
        hook(&mut world, "dovecot", "root", Some(HOME));
        world.at(60 * minute + 50).tell(Observation::Tick);
    }
    assert_eq!(world.logins().len(), 1);
    assert_eq!(found_here(&world), []);
}

#[test]
fn a_console_login_is_told_and_an_ftp_session_is_not() {
    let mut world = World::new();
    let of = |service| Details { service: Some(service), ..Details::default() };
    see(&mut world, Kind::SessionOpened, "alice", of(b"login"));
    see(&mut world, Kind::SessionOpened, "bob", of(b"vsftpd"));
    see(&mut world, Kind::SessionOpened, "carol", Details::default());
    assert_eq!(world.logins().len(), 1);
    assert_eq!(world.logins()[0].service, "login");
    assert!(world.logins()[0].is_from_a_new_place());
}

#[test]
fn a_shell_of_another_account_is_a_login_and_a_command_is_new_once() {
    let mut setup = world::setup();
    setup.catalog.services[0].name = "sudo".to_owned();
    let mut world = World::with(setup);
    let details = |command| Details {
        target: Some(b"root"),
        command: Some(command),
        terminal: Some(b"pts/1"),
        ..Details::default()
    };
    see(&mut world, Kind::PrivilegeUsed, "alice", details(b"/usr/bin/id"));
    see(&mut world, Kind::PrivilegeUsed, "alice", details(b"/usr/bin/id"));
    see(&mut world, Kind::PrivilegeUsed, "root", details(b"/bin/bash"));
    see(&mut world, Kind::PrivilegeUsed, "alice", details(b"/bin/bash"));
    hook(&mut world, "sudo-i", "root", None);
    world.at(60).tell(Observation::Tick);
    let [login] = world.logins()[..] else { panic!("{:?}", world.logins()) };
    assert_eq!(login.by.as_deref(), Some(&b"alice"[..]));
    assert_eq!(login.user.as_deref(), Some(&b"root"[..]));
    let first = "target=root command=/usr/bin/id terminal=pts/1".to_owned();
    assert_eq!(found_here(&world), [("sudo-first".to_owned(), first)]);
}

#[test]
fn refusals_of_an_account_are_told_once_a_minute() {
    let mut world = World::new();
    let details = Details { target: Some(b"root"), ..Details::default() };
    for _ in 0..1000 {
        see(&mut world, Kind::PrivilegeRefused, "eve", details);
    }
    see(&mut world, Kind::PrivilegeRefused, "bob", details);
    world.at(61);
    see(&mut world, Kind::PrivilegeRefused, "eve", details);
    let values: Vec<String> = found_here(&world).into_iter().map(|(_, values)| values).collect();
    assert_eq!(values, ["target=root", "target=root", "target=root more=999"]);
}

#[test]
fn a_wrong_password_before_the_right_one_is_told_with_what_sudo_did_then() {
    let mut setup = world::setup();
    setup.catalog.services[0].name = "sudo".to_owned();
    let mut world = World::with(setup);
    let details = Details { target: Some(b"root"), command: Some(b"id"), ..Details::default() };
    let mut keys = |at: i64, kinds: &[Kind]| {
        let before = found_here(&world).len();
        world.at(at);
        for kind in kinds {
            see(&mut world, *kind, "alice", details);
        }
        let found = found_here(&world).split_off(before).into_iter();
        found.map(|(key, _)| key).collect::<Vec<_>>()
    };
    let (wrong, used) = (Kind::LoginFailed, Kind::PrivilegeUsed);
    assert_eq!(keys(0, &[used]), ["sudo-first"]);
    assert_eq!(keys(10, &[wrong, wrong, used, used]), ["sudo-mistyped"]);
    assert_eq!(keys(20, &[used]), [""; 0]);
    assert_eq!(keys(30, &[wrong, Kind::PrivilegeRefused, used]), ["sudo-refused"]);
    assert_eq!(keys(40, &[wrong]), [""; 0]);
    assert_eq!(keys(1000, &[used]), [""; 0], "it was given up");
}

#[test]
fn two_hundred_logins_at_once_are_two_hundred() {
    let mut world = World::new();
    for pid in 0..200 {
        hook(&mut world, "sshd", "root", Some(HOME));
        world.see(Kind::LoginAccepted, HOME, 1000 + pid, 0);
    }
    world.at(100).tell(Observation::Tick);
    assert_eq!(world.logins().len(), 200);
}

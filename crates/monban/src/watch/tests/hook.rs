use monban_model::wire::{PamEvent, PamType};
use monban_model::{Record, Seq};

use super::*;

fn event(pid: u32, user: &str) -> Box<PamEvent> {
    Box::new(PamEvent {
        time: now(),
        boot_ns: 1_000_000 + u64::from(pid),
        kind: PamType::OpenSession,
        service: "sshd".to_owned(),
        user: user.to_owned(),
        rhost: "192.0.2.1".to_owned(),
        pid,
        ..PamEvent::default()
    })
}

/// Everything was read, and the hook's word has waited for its line.
fn settle(watch: &mut Watch) {
    watch.read_files().unwrap();
    let later = Stamp(now().0 + 5_000);
    watch.mind.observe(later, Observation::Tick);
    watch.collect();
}

fn records(state: &Path) -> Vec<Record> {
    Reader::open(state).unwrap().records_after(Seq(0), 100).unwrap()
}

/// The users of the logins that the ledger has.
fn logins(state: &Path) -> Vec<String> {
    let mut users = Vec::new();
    for record in records(state) {
        if let monban_model::Event::Entered(login) = record.event {
            users.push(String::from_utf8(login.user.unwrap_or_default()).unwrap());
        }
    }
    users.sort();
    users
}

fn said(warden: &mut Channel) -> Vec<ToWarden> {
    let mut frames = Vec::new();
    while let Ok(Received::Frame(frame, _)) = warden.receive::<ToWarden>() {
        frames.push(frame);
    }
    frames
}

fn is_kept(warden: &mut Channel) -> bool {
    said(warden).contains(&ToWarden::SpoolKept)
}

#[test]
fn a_spool_is_kept_before_it_is_dropped_and_told_once_over_every_kill() {
    let folder = tempfile::tempdir().unwrap();
    let spool = |watch: &mut Watch| {
        for (pid, user) in [(1, "alice"), (2, "bob"), (3, "alice")] {
            watch.obey(ToWatcher::Hooked(event(pid, user)), None).unwrap();
        }
        watch.obey(ToWatcher::SpoolEnds, None).unwrap();
    };
    // A kill before the commit: nothing is told or dropped.
    let (mut watcher, mut warden) = watch(folder.path());
    spool(&mut watcher);
    settle(&mut watcher);
    assert!(!is_kept(&mut warden));
    drop(watcher);
    assert_eq!(logins(folder.path()), [""; 0]);

    // A kill while they wait for their lines, and one after each step since.
    let (mut watcher, mut warden) = watch(folder.path());
    spool(&mut watcher);
    watcher.begin_commit();
    assert!(!is_kept(&mut warden), "it is being written, and that may fail");
    watcher.end_commit(true);
    assert!(is_kept(&mut warden));
    drop(watcher);
    for _ in 0..3 {
        let (mut watcher, mut warden) = watch(folder.path());
        // It was not removed before the kill.
        spool(&mut watcher);
        settle(&mut watcher);
        watcher.commit();
        assert!(is_kept(&mut warden));
        drop(watcher);
        assert_eq!(logins(folder.path()), ["alice", "alice", "bob"]);
    }
}

#[test]
fn a_datagram_that_waits_for_its_line_outlives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let (mut watcher, _warden) = watch(folder.path());
    watcher.hooked(&event(7, "carol"));
    assert!(watcher.pending.is_due(), "nobody can send it again");
    watcher.commit_if_due();
    watcher.end_commit(true);
    drop(watcher);
    for _ in 0..2 {
        let (mut watcher, _warden) = watch(folder.path());
        settle(&mut watcher);
        watcher.commit();
        assert_eq!(logins(folder.path()), ["carol"]);
    }
}

#[test]
fn a_socket_that_fails_is_given_up_told_and_asked_for_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (mut watcher, mut warden) = watch(folder.path());
    // What is no socket fails at the first look.
    for _ in 0..3 {
        let broken = File::open("/dev/null").unwrap();
        watcher.obey(ToWatcher::PamSocket, Some(broken.into())).unwrap();
        watcher.hear_hook().unwrap();
        assert!(watcher.hook.socket().is_none());
        assert_eq!(said(&mut warden).last(), Some(&ToWarden::HookDeaf));
    }
    watcher.commit();
    let is_told = |record: &Record| match &record.event {
        monban_model::Event::Noticed(told) => told.key == "hook-deaf",
        _ => false,
    };
    let told = records(folder.path()).into_iter().filter(is_told).count();
    assert_eq!(told, 1, "once until something was heard again");
}

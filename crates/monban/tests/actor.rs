//! The role that runs actions, through its channel: the test is the warden.
#![allow(clippy::unwrap_used, clippy::panic, reason = "all of it is test code")]

mod actor {
    #[allow(dead_code, reason = "each test program uses a part of it")]
    pub mod role;
}

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use actor::role::{Role, ban, order};
use monban_fail2ban::action::{Ticket, Time};
use monban_fail2ban::filter::Id;
use monban_model::wire::{FromActor, ToActor};
use monban_model::{JailJob, JailOrder, JailRepairs, JailResult};

/// Each command leaves a line.
const NOTES: &str = "[Definition]
actionstart = echo start <name> >> <log>
actionstop = echo stop <name> >> <log>
actionban = echo ban <name> <ip> <bantime> \"<matches>\" >> <log>
actionunban = echo unban <name> <ip> >> <log>
norestored = <leaves>
[Init]
leaves = 0
";

fn folder(jails: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("action.d")).unwrap();
    fs::create_dir(folder.path().join("filter.d")).unwrap();
    fs::write(folder.path().join("action.d/notes.conf"), NOTES).unwrap();
    fs::write(folder.path().join("filter.d/f.conf"), "[Definition]\nfailregex = <HOST>\n").unwrap();
    write_jails(&folder, jails);
    folder
}

fn write_jails(folder: &tempfile::TempDir, jails: &str) {
    let log = folder.path().join("notes");
    let own = "[DEFAULT]\nfilter = f\nenabled = yes\nlogpath = /dev/null\nbantime = 600\n";
    let text = format!("{own}{}", jails.replace("LOG", log.to_str().unwrap()));
    fs::write(folder.path().join("jail.conf"), text).unwrap();
}

fn notes(folder: &tempfile::TempDir) -> Vec<String> {
    let text = fs::read_to_string(folder.path().join("notes")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

const TWO: &str = "[a]\naction = notes[log=LOG]\n[b]\naction = notes[log=LOG, leaves=1]\n";

#[test]
fn jails_begin_ban_and_end_as_they_are_told() {
    let folder = folder(TWO);
    let mut role = Role::start(&[]);
    role.table(0, folder.path());
    assert_eq!(role.hear(), FromActor::Fresh { reload: 0, jails: vec![0, 1] });
    role.orders(vec![order(1, 0, JailJob::Start), order(2, 1, JailJob::Start)]);
    role.done(&[1, 2]);
    role.say(&ToActor::AskFresh);
    assert_eq!(role.hear(), FromActor::Fresh { reload: 0, jails: vec![] });

    let mut ticket = Ticket::new(Id::of_text("192.0.2.1"), Time::Whole(1));
    ticket.matches = vec!["'; $(reboot) \"".to_owned()];
    let mut hostile = ban(3, 0, "192.0.2.1");
    hostile.ticket = ticket.to_bytes();
    ticket.restored = true;
    let mut restored = ban(4, 1, "192.0.2.2");
    restored.ticket = ticket.to_bytes();
    let mut end = order(6, 0, JailJob::Unban);
    end.address = Some("192.0.2.1".parse().unwrap());
    role.orders(vec![hostile, restored, ban(5, 0, "2001:db8::1"), end]);
    role.done(&[3, 4, 5, 6]);
    assert_eq!(
        role.outcome_of(order(7, 0, JailJob::Flush { stopping: false })),
        JailResult::Done { singly: vec![0], repairs: JailRepairs::default() }
    );
    assert!(matches!(role.outcome_of(ban(8, 9, "192.0.2.1")), JailResult::Failed { .. }));

    role.say(&ToActor::Stop);
    assert!(role.ends());
    let mut notes = notes(&folder);
    notes.sort();
    let expected = [
        "ban a 192.0.2.1 600 '; $(reboot) \"",
        "ban a 2001:db8::1 600 ",
        "start a",
        "start b",
        "stop a",
        "stop b",
        "unban a 192.0.2.1",
        "unban a 2001:db8::1",
    ];
    assert_eq!(notes, expected);
}

#[test]
fn an_actor_after_one_that_died_ends_bans_that_it_did_not_make() {
    for (arguments, ended) in [(&[][..], false), (&["--again"][..], true)] {
        let folder = folder(TWO);
        let mut role = Role::start(arguments);
        role.table(0, folder.path());
        role.hear();
        let end = JailOrder { job: JailJob::Unban, ..ban(2, 0, "192.0.2.1") };
        role.orders(vec![order(1, 0, JailJob::Start), end]);
        role.done(&[1, 2]);
        let expected = ["start a", "unban a 192.0.2.1"];
        assert_eq!(notes(&folder), &expected[..1 + usize::from(ended)], "{arguments:?}");
    }
}

#[test]
fn what_an_actor_that_died_did_not_make_is_not_missed_among_bans_made_again() {
    let folder = folder("[a]\naction = files[folder=LOG]\n");
    // As a firewall after a reboot: what is not there cannot be taken away.
    let files = "[Definition]
actionstart = mkdir -p <folder>
actionban = touch <folder>/<ip>
actionunban = echo <ip> >> <folder>.ended; rm <folder>/<ip>
actioncheck = echo check >> <folder>.checked
";
    fs::write(folder.path().join("action.d/files.conf"), files).unwrap();
    let mut role = Role::start(&["--again"]);
    role.table(0, folder.path());
    role.hear();
    role.orders(vec![order(1, 0, JailJob::Start)]);
    role.done(&[1]);
    let end = |id, address: &str| JailOrder { job: JailJob::Unban, ..ban(id, 0, address) };
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    // Ends of bans from before and bans in force take turns.
    for id in [10, 20, 30, 40] {
        role.orders(vec![end(id, &format!("192.0.2.{id}")), ban(id + 1, 0, &format!("::{id}"))]);
        role.orders(vec![ban(id + 2, 0, &format!("198.51.100.{id}"))]);
        role.done(&[id, id + 1, id + 2]);
    }
    assert_eq!(read("notes.ended"), "192.0.2.10\n192.0.2.20\n192.0.2.30\n192.0.2.40\n");
    assert_eq!(read("notes.checked"), "", "nothing failed");
    // What it made itself is missed.
    role.orders(vec![end(50, "198.51.100.10")]);
    role.done(&[50]);
    fs::remove_file(folder.path().join("notes/198.51.100.20")).unwrap();
    let JailResult::Failed { failed, .. } = role.outcome_of(end(51, "198.51.100.20")) else {
        panic!("somebody else took it away")
    };
    assert_eq!(failed.len(), 1);
    assert_eq!(read("notes.ended").lines().count(), 4 + 1 + 2);
    assert_eq!(read("notes.checked"), "check\n");
}

#[test]
fn a_reload_ends_what_changed_and_leaves_the_rest() {
    let folder = folder(TWO);
    let mut role = Role::start(&[]);
    role.table(0, folder.path());
    role.hear();
    role.orders(vec![order(1, 0, JailJob::Start), order(2, 1, JailJob::Start)]);
    role.orders(vec![ban(3, 0, "192.0.2.1"), ban(4, 1, "192.0.2.2")]);
    role.done(&[1, 2, 3, 4]);
    // The first jail goes, the second gets its number and a longer time, the third is new.
    write_jails(
        &folder,
        "[b]\nbantime = 700\naction = notes[log=LOG, leaves=1]\n[c]\naction = notes[log=LOG]\n",
    );
    role.table(1, folder.path());
    assert_eq!(role.hear(), FromActor::Fresh { reload: 1, jails: vec![1] });
    assert_eq!(role.hear(), FromActor::Ended { reload: 1 });
    assert!(notes(&folder).contains(&"stop a".to_owned()));
    role.orders(vec![ban(5, 0, "192.0.2.3")]);
    role.done(&[5]);
    // Its actions change: it is ended with the old ones before it begins with the new ones.
    write_jails(&folder, "[b]\naction = notes[log=LOG, leaves=1, name=new]\n");
    role.table(2, folder.path());
    assert_eq!(role.hear(), FromActor::Fresh { reload: 2, jails: vec![0] });
    assert_eq!(role.hear(), FromActor::Ended { reload: 2 });
    role.orders(vec![order(6, 0, JailJob::Start)]);
    role.done(&[6]);
    role.hang_up();
    assert!(role.ends());
    let notes = notes(&folder);
    let of = |name: &str| -> Vec<&str> {
        let is_own = |line: &&String| line.split(' ').nth(1) == Some(name);
        notes.iter().filter(is_own).map(|line| line.trim_end()).collect()
    };
    assert_eq!(of("a"), ["start a", "ban a 192.0.2.1 600", "unban a 192.0.2.1", "stop a"]);
    let mut ended = of("b");
    ended[3..5].sort_unstable();
    assert_eq!(
        ended,
        [
            "start b",
            "ban b 192.0.2.2 600",
            "ban b 192.0.2.3 700",
            "unban b 192.0.2.2",
            "unban b 192.0.2.3",
            "stop b"
        ]
    );
    assert_eq!(of("c"), [""; 0]);
    assert_eq!(of("new"), ["start new", "stop new"]);
    let at = |line: &str| notes.iter().position(|one| one == line);
    assert!(at("stop b") < at("start new"));
}

#[test]
fn the_end_of_what_went_is_told_when_it_is_over() {
    let folder = folder("[slow]\naction = slow\n[a]\naction = notes[log=LOG]\n");
    let slow = "[Definition]\nactionban = true\nactionstop = sleep 1\n";
    fs::write(folder.path().join("action.d/slow.conf"), slow).unwrap();
    let mut role = Role::start(&[]);
    role.table(0, folder.path());
    role.hear();
    role.orders(vec![order(1, 0, JailJob::Start), order(2, 1, JailJob::Start)]);
    role.done(&[1, 2]);
    write_jails(&folder, "[a]\naction = notes[log=LOG]\n");
    let begun = Instant::now();
    role.table(1, folder.path());
    // Nothing goes with the next one: its end is told before that of the slow jail.
    role.table(2, folder.path());
    for reload in [1, 2] {
        assert_eq!(role.hear(), FromActor::Fresh { reload, jails: vec![] });
    }
    assert_eq!(role.hear(), FromActor::Ended { reload: 2 });
    assert!(begun.elapsed() < Duration::from_millis(900), "{:?}", begun.elapsed());
    assert_eq!(role.hear(), FromActor::Ended { reload: 1 });
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[test]
fn a_failure_says_which_command_and_what_it_said() {
    let folder = folder("[a]\naction = bad\n");
    let bad = "[Definition]\nactionban = echo no such chain >&2; exit 3\n";
    fs::write(folder.path().join("action.d/bad.conf"), bad).unwrap();
    let mut role = Role::start(&[]);
    role.table(0, folder.path());
    role.hear();
    let JailResult::Failed { failed, .. } = role.outcome_of(ban(1, 0, "192.0.2.1")) else {
        panic!("it failed")
    };
    let why: Vec<String> = failed.iter().map(ToString::to_string).collect();
    assert_eq!(why, ["bad: actionban failed (exit code 3: no such chain)"]);
}

#[test]
fn ignorecommand_spares_whom_it_exits_with_zero_for() {
    let command = r#"test "<ip>/<F-USER>" = '192.0.2.1/$x;"'"#;
    let folder = folder(&format!(
        "[a]\naction = notes[log=LOG]\nignorecommand = {command}\n[b]\naction = notes[log=LOG]\n"
    ));
    let mut role = Role::start(&[]);
    role.table(0, folder.path());
    role.hear();
    let asked = [(0, "192.0.2.1", true), (0, "192.0.2.2", false), (1, "192.0.2.1", false)];
    for (id, (jail, ip, yes)) in (0..).zip(asked) {
        let mut ticket = Ticket::new(Id::of_text(ip), Time::Whole(1));
        ticket.captures.insert("user".to_owned(), "$x;\"".to_owned());
        role.say(&ToActor::AskCommand { id, jail, ticket: ticket.to_bytes() });
        assert_eq!(role.hear(), FromActor::Ignored { id, yes });
    }
}

#[test]
fn a_slow_jail_holds_nobody_up() {
    let folder = folder("[slow]\naction = slow\n[a]\naction = notes[log=LOG]\n");
    let slow = "[Definition]\nactionstart = sleep 6\nactionban = sleep 1\n";
    fs::write(folder.path().join("action.d/slow.conf"), slow).unwrap();
    let mut role = Role::start(&[]);
    role.table(0, folder.path());
    role.hear();
    let begun = Instant::now();
    let starts = [order(1, 0, JailJob::Start), order(2, 1, JailJob::Start)];
    role.orders([&starts[..], &[ban(3, 0, "192.0.2.1"), ban(4, 1, "192.0.2.1")]].concat());
    role.done(&[2, 4]);
    assert!(begun.elapsed() < Duration::from_secs(5));
    role.done(&[1, 3]);
    assert!(begun.elapsed() >= Duration::from_secs(7));
}

#[test]
fn a_stop_ends_what_was_made_and_does_not_wait_for_what_was_not() {
    let folder = folder("[slow]\naction = slow\n");
    let slow = format!(
        "[Definition]\nactionban = sleep 0.2; echo ban <ip> >> {0}\n\
         actionunban = echo unban <ip> >> {0}\nactionstop = echo stop >> {0}\n",
        folder.path().join("said").display()
    );
    fs::write(folder.path().join("action.d/slow.conf"), slow).unwrap();
    let mut role = Role::start(&[]);
    role.table(0, folder.path());
    role.hear();
    let begun = Instant::now();
    let bans = (2..300).map(|id| ban(id, 0, &format!("192.0.{}.{}", id / 200, id % 200)));
    let bans: Vec<JailOrder> = bans.collect();
    role.orders([vec![order(1, 0, JailJob::Start)], bans].concat());
    role.done(&[1, 2]);
    let mut outcomes = role.outcomes_until(order(300, 0, JailJob::Stop));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let stop = outcomes.pop().unwrap();
    assert_eq!(stop.result, JailResult::Done { singly: vec![], repairs: JailRepairs::default() });
    let made = outcomes.iter().filter(|one| one.result != JailResult::Ended).count();
    assert!((297 - made) > 200 && outcomes.len() == 297, "{made} of {}", outcomes.len());
    let said = fs::read_to_string(folder.path().join("said")).unwrap();
    let count = |word: &str| said.lines().filter(|line| line.starts_with(word)).count();
    assert_eq!((count("ban"), count("unban"), count("stop")), (made + 1, made + 1, 1));
    assert!(said.ends_with("stop\n"));
    // It begins anew.
    role.say(&ToActor::AskFresh);
    assert_eq!(role.hear(), FromActor::Fresh { reload: 0, jails: vec![0] });
    role.orders(vec![order(301, 0, JailJob::Start), ban(302, 0, "192.0.2.1")]);
    role.done(&[301, 302]);
}

#[test]
fn what_fails_at_a_flush_is_told_with_who_cannot_flush() {
    let folder = folder("[a]\naction = one\n two\n");
    let path = |name: &str| folder.path().join(format!("action.d/{name}.conf"));
    let one = "[Definition]\nactionban = true\nactionunban = true\nactionflush = exit 4\n";
    fs::write(path("one"), one).unwrap();
    let two = "[Definition]\nactionban = true\nactionunban = true\n";
    fs::write(path("two"), two).unwrap();
    let mut role = Role::start(&[]);
    role.table(0, folder.path());
    role.hear();
    role.orders(vec![order(1, 0, JailJob::Start), ban(2, 0, "192.0.2.1")]);
    role.done(&[1, 2]);
    let flushed = role.outcome_of(order(3, 0, JailJob::Flush { stopping: false }));
    let JailResult::Failed { failed, singly, .. } = flushed else { panic!("{flushed:?}") };
    assert_eq!(failed[0].to_string(), "one: actionflush failed (exit code 4)");
    assert_eq!(singly, [1, 0]);
}

/// Prints the mails that it takes.
const SERVER: &str = "
import asyncore, smtpd, sys
class Server(smtpd.SMTPServer):
    def process_message(self, peer, sender, to, data, **more):
        print(sender, to, flush=True)
        print(data.decode(), flush=True)
        print('END', flush=True)
server = Server(('127.0.0.1', 0), None)
print(server.socket.getsockname()[1], flush=True)
asyncore.loop()
";

#[test]
fn a_mail_goes_out_when_a_jail_starts_and_bans() {
    let command = Command::new("python3")
        .args(["-W", "ignore", "-c", SERVER])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut server) = command else { return println!("left out: needs python3") };
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines().map_while(Result::ok);
    let Some(port) = lines.next() else {
        server.wait().unwrap();
        return println!("left out: needs Python's smtpd");
    };
    let action = format!(
        "smtp.py[host=\"127.0.0.1:{port}\", dest=\"a@example.org, b@example.org\", \
         sender=me@example.org, matches=matches]"
    );
    let folder = folder(&format!("[a]\naction = {action}\n notes[log=LOG]\n"));
    fs::write(folder.path().join("action.d/smtp.py"), "").unwrap();
    let mut role = Role::start(&[]);
    role.table(0, folder.path());
    role.hear();
    let mut ticket = Ticket::new(Id::of_text("192.0.2.1"), Time::Whole(1));
    ticket.failures = 5;
    ticket.matches = vec!["a 門".to_owned(), ".".to_owned()];
    let mut banned = ban(2, 0, "192.0.2.1");
    banned.ticket = ticket.to_bytes();
    ticket.restored = true;
    let mut restored = ban(3, 0, "192.0.2.2");
    restored.ticket = ticket.to_bytes();
    role.orders(vec![order(1, 0, JailJob::Start), banned, restored]);
    role.done(&[1, 2, 3]);
    role.say(&ToActor::Stop);
    assert!(role.ends());
    let mut mails = Vec::new();
    for _ in 0..3 {
        mails.push(lines.by_ref().take_while(|line| line != "END").collect::<Vec<_>>());
    }
    server.kill().unwrap();
    server.wait().unwrap();
    for (mail, what) in mails.iter().zip(["started on ", "banned 192.0.2.1 from ", "stopped on "]) {
        assert_eq!(mail[0], "me@example.org ['a@example.org', 'b@example.org']");
        let subject = format!("Subject: [Fail2Ban] a: {what}");
        assert!(mail.iter().any(|line| line.starts_with(&subject)), "{mail:?}");
        for line in ["From: Fail2Ban <me@example.org>", "To: a@example.org, b@example.org"] {
            assert!(mail.iter().any(|one| one == line), "{mail:?}");
        }
    }
    assert!(mails[1].iter().any(|line| line == "Content-Transfer-Encoding: base64"));
    // A start, two bans of two lines each, their ends, and a stop.
    assert_eq!(notes(&folder).len(), 8, "the other action goes on beside it");
    // Nobody listens there any more.
    let mut role = Role::start(&[]);
    role.table(0, folder.path());
    role.hear();
    let JailResult::Failed { failed, .. } = role.outcome_of(order(1, 0, JailJob::Start)) else {
        panic!("no server")
    };
    let why = failed[0].to_string();
    assert!(why.starts_with("smtp: actionstart failed (not started: 127.0.0.1:"), "{why}");
}

#[test]
fn each_action_that_failed_says_why() {
    let folder = folder("[a]\naction = slow\n    notes[log=LOG]\n    deaf\n    bad\n");
    let write = |name: &str, command: &str| {
        let text = format!("[Definition]\nactionban = {command}\n[Init]\ntimeout = 1\n");
        fs::write(folder.path().join(format!("action.d/{name}.conf")), text).unwrap();
    };
    write("slow", "sleep 6");
    write("deaf", "trap '' TERM; sleep 6; sleep 6");
    write("bad", "echo no such set >&2; exit 3");
    let mut role = Role::start(&[]);
    role.table(0, folder.path());
    role.hear();
    let JailResult::Failed { failed, .. } = role.outcome_of(ban(1, 0, "192.0.2.1")) else {
        panic!("two of its actions time out");
    };
    let said: Vec<String> = failed.iter().map(ToString::to_string).collect();
    let expected = [
        "slow: actionban failed (timed out after 1 s, killed with SIGTERM)",
        "deaf: actionban failed (timed out after 1 s, killed with SIGKILL)",
        "bad: actionban failed (exit code 3: no such set)",
    ];
    assert_eq!(said, expected);
}

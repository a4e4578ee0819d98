//! `monban fail2ban-client` against a daemon that the test plays at the control socket, and its
//! `-d` against the installed fail2ban.
#![allow(clippy::unwrap_used, clippy::panic, reason = "all of it is test code")]

#[path = "../../fail2ban/tests/client/double.rs"]
mod double;

use std::fs;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};

use monban_fail2ban::client::answer;
use monban_fail2ban::config::{Configuration, Reading};
use monban_model::Notice;
use monban_model::limits::WORDS_BYTES_MAX;
use monban_model::wire::{Reply, Request};
use monban_warden::{Channel, Received, memory_file, read_memory_file};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use double::Double;

const JAILS: &str = "[DEFAULT]\nbackend = polling\nlogpath = /dev/null\nfilter = made\n\
                     [web]\nenabled = true\n[mail]\nenabled = true\n";

/// Who answers.
#[derive(Clone, Copy, PartialEq)]
enum Daemon {
    Works,
    Distrusts,
    /// A watcher in a stranger's hands.
    SendsAPipe,
    SendsNoise,
}

/// Plays the daemon of a state folder; what it was asked comes out of the channel.
fn play(state: &Path, daemon: Daemon) -> Receiver<String> {
    let flags = SocketFlags::CLOEXEC;
    let socket =
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).unwrap();
    let address = SocketAddrUnix::new(state.join("control.sock")).unwrap();
    rustix::net::bind(&socket, &address).unwrap();
    rustix::net::listen(&socket, 4).unwrap();
    let conf = state.join("conf");
    fs::create_dir_all(conf.join("filter.d")).unwrap();
    fs::write(conf.join("filter.d/made.conf"), "[Definition]\nfailregex = ^bad <HOST>$\n").unwrap();
    fs::write(conf.join("jail.conf"), JAILS).unwrap();
    let mut server = Double::of(&Configuration::read(&conf, &Reading::default()));
    let (sender, asked) = channel();
    std::thread::spawn(move || {
        while let Ok(client) = rustix::net::accept_with(&socket, flags) {
            let mut client = Channel::over(client);
            let Ok(Received::Frame(request, file)) = client.wait::<Request>() else { continue };
            let (reply, file) = match daemon {
                Daemon::Works => served(&request, file, &mut server),
                Daemon::Distrusts => (done(false, "not-allowed"), None),
                Daemon::SendsAPipe => {
                    let (pipe, writer) = rustix::pipe::pipe().unwrap();
                    std::mem::forget(writer);
                    (Reply::Words, Some(pipe))
                }
                Daemon::SendsNoise => (Reply::Words, memory_file(&[b'l'; 4000]).ok()),
            };
            client.send(&reply, file.as_ref().map(AsFd::as_fd)).unwrap();
            if sender.send(format!("{request:?}")).is_err() {
                return;
            }
        }
    });
    asked
}

fn served(
    request: &Request,
    file: Option<OwnedFd>,
    server: &mut Double,
) -> (Reply, Option<OwnedFd>) {
    match request {
        Request::Words => {
            let words = read_memory_file(file.unwrap(), WORDS_BYTES_MAX).unwrap();
            (Reply::Words, memory_file(&answer(&words, server)).ok())
        }
        _ => (done(true, "reloaded"), None),
    }
}

fn done(done: bool, key: &str) -> Reply {
    Reply::Done { done, notices: vec![Notice { key: key.to_owned(), values: vec![] }] }
}

fn client(state: &Path, line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_monban"));
    command.arg("--state").arg(state).arg("fail2ban-client").args(line.split(' '));
    command.output().unwrap()
}

fn texts(ran: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (ran.status.code().unwrap(), text(&ran.stdout), text(&ran.stderr))
}

#[test]
fn words_go_to_the_daemon_and_texts_come_back() {
    let state = tempfile::tempdir().unwrap();
    let asked = play(state.path(), Daemon::Works);
    let say = |line: &str| texts(&client(state.path(), line));
    assert_eq!(say("ping"), (0, "Server replied: pong\n".into(), String::new()));
    let status = "Status\n|- Number of jail:\t2\n`- Jail list:\tmail, web\n";
    assert_eq!(say("status").1, status);
    assert_eq!(say("set web banip 192.0.2.1 2001:db8::1").1, "2\n");
    assert_eq!(say("banned").1, "[{'web': ['192.0.2.1', '2001:db8::1']}, {'mail': []}]\n");
    assert!(say("status --all").1.contains("\n   |- Jail: mail\n   |  |- Filter\n"));
    assert!(say("stats").1.contains("\n web      ║ polling  ║   0 │   0 ║   2 │   2\n"));
    let (code, out, err) = say("status none");
    assert_eq!((code, out.as_str()), (255, "Sorry but the jail 'none' does not exist\n"));
    assert!(err.ends_with("]: ERROR   NOK: ('none',)\n"), "{err}");
    let (code, out, _) = say("set web addaction x");
    assert_eq!(code, 255);
    assert!(out.starts_with("monban does not do this while it runs"), "{out}");

    asked.try_iter().for_each(drop);
    assert_eq!(say("reload").1, "OK\n");
    assert_eq!(asked.try_iter().collect::<Vec<_>>(), ["Words", "Reload"]);
    assert_eq!(say("reload --unban web").1, "OK\n");
    assert_eq!(say("banned").1, "[{'web': []}, {'mail': []}]\n");
    assert_eq!(say("reload --if-exists none").1, "OK\n");
    assert_eq!(say("restart none").0, 255);
    assert_eq!(say("reload a b").0, 255);
    let (code, _, err) = say("start");
    assert_eq!((code, err.contains("Server already running")), (255, true));
    assert_eq!(say("stop").0, 255);
}

#[test]
fn a_link_of_the_name_is_the_client() {
    let state = tempfile::tempdir().unwrap();
    let _asked = play(state.path(), Daemon::Works);
    let link = state.path().join("fail2ban-client");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_monban"), &link).unwrap();
    let run = |args: &[&str]| {
        let mut command = Command::new(&link);
        command.arg("-s").arg(state.path()).args(args).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        // It may end without having read it.
        let _ = input.write_all(b"echo 'a b' c\n\nstatus none\nexit\nping\n");
        drop(input);
        texts(&child.wait_with_output().unwrap())
    };
    assert_eq!(run(&["ping"]).1, "Server replied: pong\n");
    let (code, out, _) = run(&["-i"]);
    assert_eq!(code, 0);
    let after = out.split_once("fail2ban> ").unwrap().1;
    let expected =
        "a b c\nfail2ban> fail2ban> Sorry but the jail 'none' does not exist\nfail2ban> ";
    assert_eq!(after, expected);
    assert_eq!(run(&["-V"]).1, "1.1.1\n");
    assert_eq!(run(&["--version"]).1, "Fail2Ban v1.1.1\n");
    assert_eq!(run(&["--str2sec", "1d 12h"]).1, "129600\n");
    assert_eq!(run(&["--str2sec", "1mo"]).1, "2629800.0\n");
    assert_eq!(run(&[]).0, 255);
    assert_eq!(run(&["-h"]).0, 0);
    assert_eq!(run(&["-z"]).0, 255);
    let conf = state.path().join("conf");
    let conf = conf.to_str().unwrap();
    assert_eq!(run(&["-c", conf, "-t"]).1, "OK: configuration test is successful\n");
    fs::write(state.path().join("conf/jail.local"), "[web]\nfilter = nowhere\n").unwrap();
    let (code, _, err) = run(&["-c", conf, "-t"]);
    assert_eq!((code, err.contains("ERROR: test configuration failed")), (255, true), "{err}");
}

#[test]
fn nobody_strangers_and_liars_are_told_apart() {
    let state = tempfile::tempdir().unwrap();
    for path in [state.path().to_owned(), state.path().join("not-there")] {
        let (code, out, err) = texts(&client(&path, "status"));
        assert_eq!((code, out.as_str()), (255, ""));
        let said = format!("Failed to access socket path: {}/control.sock. ", path.display());
        assert!(err.contains(&said), "{err}");
    }
    for (daemon, said) in [
        (Daemon::Distrusts, "Permission denied to socket: "),
        (Daemon::SendsAPipe, "what came with a frame is no file"),
        (Daemon::SendsNoise, "the answer cannot be read"),
    ] {
        let state = tempfile::tempdir().unwrap();
        let _asked = play(state.path(), daemon);
        let (code, out, err) = texts(&client(state.path(), "status"));
        assert_eq!((code, out.as_str()), (255, ""));
        assert!(err.contains(said), "{err}");
    }
}

#[test]
fn a_configuration_is_printed_as_by_fail2ban() {
    let stock = Path::new("/etc/fail2ban");
    if Command::new("fail2ban-client").arg("-V").output().is_err() || !stock.is_dir() {
        println!("left out: fail2ban is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let copied = Command::new("cp").arg("-r").arg(stock).arg(folder.path()).status().unwrap();
    assert!(copied.success());
    let conf = folder.path().join("fail2ban");
    // In this one a parameter counts for IPv6 too since 1.1.1, which is what monban does as.
    let local = "[DEFAULT]\nenabled = true\n[pass2allow-ftp]\nenabled = false\n";
    fs::write(conf.join("jail.local"), local).unwrap();
    for how in ["-d", "--dp"] {
        let theirs = Command::new("fail2ban-client").arg("-c").arg(&conf).arg(how).output();
        let ours = client(folder.path(), &format!("-c {} {how}", conf.display()));
        let (theirs, ours) = (texts(&theirs.unwrap()).1, texts(&ours).1);
        // Values that hold the version of fail2ban are of 1.1.1 here.
        let theirs = theirs.replace("1.0.2", "1.1.1");
        // Files of one pattern come in the order of their folder there.
        let sorted = |text: &str| -> Vec<String> {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            let is_log = |line: &String| line.contains("'addlogpath'");
            lines.chunk_by_mut(|one, two| is_log(one) && is_log(two)).for_each(<[_]>::sort);
            lines
        };
        let (theirs_sorted, ours_sorted) = (sorted(&theirs), sorted(&ours));
        let differing = theirs_sorted.iter().zip(&ours_sorted).filter(|(one, two)| one != two);
        let differing: Vec<_> = differing.collect();
        assert!(differing.is_empty(), "{how}: {} differ: {:?}", differing.len(), differing[0]);
        assert_eq!(theirs.lines().count(), ours.lines().count());
        println!("{how}: {} lines are equal", ours.lines().count());
    }
}

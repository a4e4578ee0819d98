//! The built program as the hook of PAM, in surroundings that mean it ill.
#![allow(clippy::unwrap_used, clippy::panic, reason = "all of it is test code")]

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use monban_model::wire::{PamEvent, PamType};
use monban_warden::pam::{PamSocket, Spool, Spooled};

/// The hook with this environment and no other.
fn hook(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_monban"));
    command.arg("pam-hook").arg("--folder").arg(folder).env_clear();
    command
}

/// Runs it and expects what PAM is to see of it: nothing.
fn quiet(mut command: Command) -> Duration {
    let start = Instant::now();
    let Output { status, stdout, stderr } = command.output().unwrap();
    let took = start.elapsed();
    assert!(status.success(), "{status}");
    let said = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
    assert!(said.is_empty(), "{said}");
    assert!(took < Duration::from_secs(3), "{took:?}");
    took
}

fn spooled(folder: &Path) -> Spooled {
    let taken = Spool::of(folder).take().unwrap().unwrap();
    let spooled = taken.spooled.clone();
    taken.done().unwrap();
    spooled
}

fn of_sshd(mut command: Command) -> Command {
    command
        .env("PAM_TYPE", "open_session")
        .env("PAM_SERVICE", "sshd")
        .env("PAM_USER", "alice")
        .env("PAM_TTY", "ssh")
        .env("PAM_RHOST", "203.0.113.9")
        .env("SSH_CONNECTION", "203.0.113.9 52047 192.0.2.1 22")
        .env("SSH_AUTH_INFO_0", "publickey ssh-ed25519 AAAAC3Nz\n");
    command
}

fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        println!("left out: only datagrams of root are believed, and this is not root");
    }
    is_root
}

#[test]
fn nobody_listens_and_the_folder_is_not_there_yet() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("monban");
    quiet(of_sshd(hook(&run)));
    let event = spooled(&run).events.remove(0);
    let told = (event.kind, event.service.as_str(), event.user.as_str(), event.rhost.as_str());
    assert_eq!(told, (PamType::OpenSession, "sshd", "alice", "203.0.113.9"));
    assert_eq!(event.caller, std::process::id());
    let methods: Vec<_> = event.auth_methods().map(|method| method.key).collect();
    assert_eq!((methods, event.is_cut), (vec!["AAAAC3Nz"], false));
}

#[test]
fn somebody_listens_and_nothing_is_spooled() {
    if !is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("monban");
    let mut socket = PamSocket::bind(&run).unwrap();
    let mut command = hook(&run);
    command.env("SSH_CLIENT", "203.0.113.9 52047 22").env("PAM_TYPE", "close_session");
    quiet(command);
    let (event, from) = socket.receive().unwrap().unwrap();
    assert_eq!((from.uid, event.kind), (0, PamType::CloseSession));
    assert_eq!((event.user.as_str(), event.connection.as_str()), ("", "203.0.113.9 52047 22"));
    assert!(Spool::of(&run).take().unwrap().is_none());
}

#[test]
fn a_socket_that_is_full_overflows_into_the_spool() {
    if !is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("monban");
    let mut socket = PamSocket::bind(&run).unwrap();
    while monban_warden::pam::send(&run, b"x") == monban_warden::pam::Sent::Taken {}
    quiet(of_sshd(hook(&run)));
    assert_eq!(spooled(&run).events.len(), 1);
    assert!(socket.receive().unwrap().is_none() && socket.damaged() > 0);
}

/// A value of what users, hosts and files of the environment may hold.
fn hostile() -> Vec<OsString> {
    vec![
        OsString::from("x".repeat(120_000)),
        OsString::from("a\nSubject: hello\r\n\r\n\u{1b}[2J\u{202e}門"),
        OsString::from_vec((1..=255).collect()),
        OsString::from_vec([0xE9, 0x96].repeat(50_000)),
        OsString::from("$(id >/tmp/x) `id` ../../etc/shadow %s%n {}"),
        OsString::new(),
    ]
}

#[test]
fn hostile_values_are_cut_and_change_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("monban");
    let names = ["PAM_USER", "PAM_RHOST", "PAM_TTY", "PAM_SERVICE", "PAM_RUSER", "PAM_TYPE"];
    for value in hostile() {
        let mut command = hook(&run);
        for name in names.iter().chain(&["SSH_AUTH_INFO_0", "SSH_CONNECTION", "SSH_CLIENT"]) {
            command.env(name, &value);
        }
        for other in ["HOME", "LANG", "PATH", "TZ", "RUST_BACKTRACE", "TMPDIR", "XDG_STATE_HOME"] {
            command.env(other, &value);
        }
        quiet(command);
        let spooled = spooled(&run);
        assert_eq!((spooled.events.len(), spooled.damaged), (1, 0));
        let PamEvent { user, kind, is_cut, .. } = &spooled.events[0];
        assert!(user.len() <= 256 && *kind == PamType::Other);
        assert_eq!(*is_cut, value.len() > 200, "{}", value.len());
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// Runs the hook from a shell that first closes descriptors or sets limits.
fn from_shell(run: &Path, before: &str) -> Duration {
    let mut command = Command::new("/bin/sh");
    let script = format!("{before}\nexec \"$0\" pam-hook --folder \"$1\"");
    command.args([OsStr::new("-c"), OsStr::new(&script)]);
    command.arg(env!("CARGO_BIN_EXE_monban")).arg(run).env_clear();
    quiet(of_sshd(command))
}

#[test]
fn closed_descriptors_and_narrow_limits_are_no_trouble() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("monban");
    for before in [
        "exec <&- >&- 2>&-",
        "exec 0<&- 1<&-",
        "umask 777",
        "ulimit -n 6",
        "ulimit -p 1",
        "ulimit -c 0; cd /proc",
        "trap '' TERM PIPE ALRM HUP",
    ] {
        from_shell(&run, before);
        assert_eq!(spooled(&run).events.len(), 1, "{before}");
    }
    // No file may grow, so nothing can be kept; it is still a quiet end.
    from_shell(&run, "trap '' XFSZ; ulimit -f 0");
}

#[test]
fn a_folder_that_cannot_be_is_no_trouble() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "kept").unwrap();
    for run in [Path::new("/proc/monban"), &file, &file.join("below"), Path::new("")] {
        quiet(of_sshd(hook(run)));
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
    let long = folder.path().join("x".repeat(200));
    quiet(of_sshd(hook(&long)));
    assert_eq!(spooled(&long).events.len(), 1);
}

#[test]
fn a_spool_whose_lock_is_held_waits_20_ms_at_most() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("monban");
    quiet(of_sshd(hook(&run)));
    let held = fs::File::open(run.join("pam.spool")).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let took = quiet(of_sshd(hook(&run)));
    assert!(took < Duration::from_millis(800), "{took:?}");
    drop(held);
    assert_eq!(spooled(&run).dropped, 1);
}

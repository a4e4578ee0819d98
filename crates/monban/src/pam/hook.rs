//! `monban pam-hook`: what `pam_exec.so` calls within a login.
//!
//! It tells of the login and is gone: one datagram, or one record in the spool. Whatever happens,
//! it says nothing, waits for nothing and exits 0, for the person who logs in stands behind it.
//! Nothing of the environment decides what it does. Its line stands where no variable of the
//! user's is there yet ([`super::user_env`]); where somebody moved it, PAM's own still count, which
//! stand behind the user's. It is called before the command line is read, which would take longer
//! than all of this.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{env, fs, panic, process, thread};

use monban_model::Stamp;
use monban_model::limits::{PAM_AUTH_MAX, PAM_CONNECTION_MAX, PAM_NAME_MAX, PAM_SHORT_MAX};
use monban_model::wire::{PamEvent, PamType, encode};
use monban_warden::pam::{FOLDER, Sent, Spool, prepare, send};
use rustix::fs::Mode;
use rustix::process::{Pid, getppid, umask};
use rustix::time::{ClockId, clock_gettime};

/// The word behind the program's name that calls it.
pub const WORD: &str = "pam-hook";

/// The option behind that, for another folder than `/run/monban`. It is an argument and no
/// variable because only who may write to `/etc/pam.d` chooses arguments.
const FOLDER_OPTION: &str = "--folder";

/// The longest that it may take on a disk that does not answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// The kernel's value for a login that did not happen, in `loginuid` and `sessionid`.
const UNSET: u32 = u32::MAX;

/// Whether these arguments, behind the program's name, call the hook; gives those behind its word.
pub fn called(mut args: impl Iterator<Item = OsString>) -> Option<Vec<OsString>> {
    (args.next()? == WORD).then(|| args.collect())
}

/// Tells of the login.
pub fn main(args: &[OsString]) -> ExitCode {
    // A login is not to suffer even from a mistake in here.
    panic::set_hook(Box::new(|_| process::exit(0)));
    let folder = match args {
        [option, folder, ..] if option == FOLDER_OPTION => PathBuf::from(folder),
        _ => PathBuf::from(FOLDER),
    };
    let frame = encode(&event());
    if send(&folder, &frame) == Sent::NotTaken {
        spool(&folder, &frame);
    }
    ExitCode::SUCCESS
}

/// Keeps it for later. After a start of the machine the folder may not be there yet.
fn spool(folder: &Path, frame: &[u8]) {
    let end = || {
        thread::sleep(PATIENCE);
        process::exit(0)
    };
    // Without a thread there is no limit of time, which a disk in memory does not need.
    let _ = thread::Builder::new().stack_size(64 * 1024).spawn(end);
    umask(Mode::from_raw_mode(0o022));
    if prepare(folder).is_ok() {
        Spool::of(folder).append(frame);
    }
}

fn event() -> PamEvent {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let since_start = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(since_start.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(since_start.tv_nsec).unwrap_or(0);
    let caller = getppid();
    let variables: Vec<(OsString, OsString)> = env::vars_os().collect();
    let text = |name: &str, limit| text(&variables, name, limit);
    let connection = match text("SSH_CONNECTION", PAM_CONNECTION_MAX) {
        none if none.is_empty() => text("SSH_CLIENT", PAM_CONNECTION_MAX),
        connection => connection,
    };
    PamEvent {
        time: Stamp(i64::try_from(now.as_millis()).unwrap_or(i64::MAX)),
        boot_ns: seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds),
        kind: PamType::of(&text("PAM_TYPE", PAM_SHORT_MAX)),
        service: text("PAM_SERVICE", PAM_SHORT_MAX),
        user: text("PAM_USER", PAM_NAME_MAX),
        tty: text("PAM_TTY", PAM_SHORT_MAX),
        rhost: text("PAM_RHOST", PAM_NAME_MAX),
        ruser: text("PAM_RUSER", PAM_NAME_MAX),
        connection,
        auth: text("SSH_AUTH_INFO_0", PAM_AUTH_MAX),
        is_cut: false,
        pid: process::id(),
        caller: caller.map_or(0, number),
        caller_uid: caller.and_then(real_uid),
        caller_session: caller.and_then(session),
        login_uid: of_kernel("/proc/self/loginuid"),
        audit_session: of_kernel("/proc/self/sessionid"),
    }
}

/// The last variable of a name, or nothing: `pam_exec.so` puts PAM's own behind those of the
/// session. Of a long one enough is taken for the frame to see that it is too long.
fn text(variables: &[(OsString, OsString)], name: &str, limit: usize) -> String {
    let last = variables.iter().rfind(|(known, _)| known == name);
    let bytes = last.map_or(&[][..], |(_, value)| value.as_bytes());
    String::from_utf8_lossy(&bytes[..bytes.len().min(limit + 1)]).into_owned()
}

fn number(pid: Pid) -> u32 {
    pid.as_raw_nonzero().get().unsigned_abs()
}

/// Who started a process: the first number behind `Uid:` (proc_pid_status(5)).
fn real_uid(pid: Pid) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{}/status", number(pid))).ok()?;
    let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    uids.split_ascii_whitespace().next()?.parse().ok()
}

/// The session of a process, by `/proc`: getsid(2) says 0 for one that began outside of this
/// container, which is no number of a process. Behind the program's name, which may hold anything,
/// stand state, parent, group and session (proc_pid_stat(5)).
fn session(pid: Pid) -> Option<u32> {
    let stat = fs::read(format!("/proc/{}/stat", number(pid))).ok()?;
    let behind = stat.rsplit(|byte| *byte == b')').next()?;
    let text = std::str::from_utf8(behind).ok()?;
    text.split_ascii_whitespace().nth(3)?.parse().ok().filter(|session| *session != 0)
}

fn of_kernel(file: &str) -> Option<u32> {
    let number = fs::read_to_string(file).ok()?.trim().parse().ok()?;
    (number != UNSET).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_word_in_the_first_place_calls_it() {
        let called = |args: &[&str]| called(args.iter().map(OsString::from));
        assert_eq!(called(&["pam-hook"]), Some(vec![]));
        assert_eq!(called(&["pam-hook", "--folder", "/x"]).map(|args| args.len()), Some(2));
        assert_eq!(called(&["--json", "pam-hook"]), None);
        assert_eq!(called(&["pam-hook2"]), None);
        assert_eq!(called(&[]), None);
    }

    #[test]
    fn what_the_kernel_says_of_this_process_is_in_it() {
        let event = event();
        assert_eq!(event.pid, process::id());
        let (this, me) = (rustix::process::getpid(), rustix::process::getuid().as_raw());
        assert_eq!(real_uid(this), Some(me));
        assert_eq!(event.caller_uid.is_some(), event.caller > 0);
        assert!(event.time.0 > 1_700_000_000_000 && event.boot_ns > 0);
    }

    /// Of a process that leads its session, for that of this one may have begun outside of the
    /// container in which it runs.
    #[test]
    fn the_session_of_a_process_is_that_of_its_leader() {
        let mut leader = process::Command::new("setsid").args(["sleep", "60"]).spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(leader.id()).unwrap()).unwrap();
        let led = (0..500).any(|_| {
            thread::sleep(Duration::from_millis(10));
            session(pid) == Some(leader.id())
        });
        leader.kill().unwrap();
        leader.wait().unwrap();
        assert!(led);
    }
}

//! One program with one message.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use monban_model::wire::Taken;

/// A program gets so long.
const TIME: Duration = Duration::from_secs(60);

/// It is looked after so often.
const LOOK: Duration = Duration::from_millis(20);

/// Bytes of what it says on standard error that are told.
const SAID_MAX: u64 = 4096;

/// So many kilobytes of it are read between two looks.
const READS_A_LOOK: usize = 256;

/// Where programs are looked for that it starts.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Exit codes of sysexits.h by which a mail program says that another try is of no use: wrong
/// usage, wrong data, unknown reader, unknown host, no permission, wrong configuration.
const PERMANENT: [i32; 6] = [64, 65, 67, 68, 77, 78];

/// A program, and what it is given.
pub(super) struct Program {
    /// The program and its arguments, by the configuration.
    pub(super) words: Vec<String>,
    /// Its environment beside a path and a language.
    pub(super) values: Vec<(String, String)>,
    /// Its standard input.
    pub(super) input: OwnedFd,
}

impl Program {
    /// Runs it to its end, or to the end of its time.
    pub(super) fn run(self) -> Taken {
        let Some((program, arguments)) = self.words.split_first() else {
            return failed(true, "no program".to_owned());
        };
        let is_ours = |name: &str| {
            let plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
            name.strip_prefix("MONBAN_").is_some_and(|rest| rest.bytes().all(plain))
        };
        // A NUL cannot stand in an environment.
        let values = self.values.iter().filter(|(name, _)| is_ours(name));
        let values = values.map(|(name, value)| (name, value.replace('\0', " ")));
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", PATH)
            .env("LANG", "C.UTF-8")
            .envs(values)
            .current_dir("/")
            .stdin(Stdio::from(self.input))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0);
        match command.spawn() {
            Ok(child) => watch(child, program),
            Err(error) => {
                let permanent = error.kind() == std::io::ErrorKind::NotFound;
                failed(permanent, format!("cannot start {program}: {error}"))
            }
        }
    }
}

fn watch(mut child: Child, program: &str) -> Taken {
    let stderr = child.stderr.take().map(|pipe| File::from(OwnedFd::from(pipe)));
    if let Some(pipe) = &stderr {
        let _ = rustix::io::ioctl_fionbio(pipe, true);
    }
    let end = Instant::now() + TIME;
    let mut said = Vec::new();
    loop {
        drain(stderr.as_ref(), &mut said);
        match child.try_wait() {
            Ok(Some(status)) => {
                drain(stderr.as_ref(), &mut said);
                return judge(status, program, &said);
            }
            Ok(None) if Instant::now() < end => std::thread::sleep(LOOK),
            Ok(None) | Err(_) => {
                end_group(&mut child);
                return failed(false, format!("{program} was ended after {} s", TIME.as_secs()));
            }
        }
    }
}

/// Takes what was said, as much as is told; the rest is read and dropped, so that it does not wait.
fn drain(pipe: Option<&File>, said: &mut Vec<u8>) {
    let Some(mut pipe) = pipe else { return };
    let mut bytes = [0; 1024];
    // One that never stops writing must not keep anybody from looking at the time.
    for _ in 0..READS_A_LOOK {
        let Ok(count @ 1..) = pipe.read(&mut bytes) else { return };
        let room = (SAID_MAX as usize).saturating_sub(said.len());
        said.extend_from_slice(&bytes[..count.min(room)]);
    }
}

fn end_group(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

fn judge(status: ExitStatus, program: &str, said: &[u8]) -> Taken {
    if status.success() {
        return Taken::Yes { said: String::new() };
    }
    let how = match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with {code}"),
        (None, signal) => format!("was ended by signal {}", signal.unwrap_or_default()),
    };
    let text = String::from_utf8_lossy(said);
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let last: String = last.trim().chars().map(plain).take(160).collect();
    let permanent = status.code().is_some_and(|code| PERMANENT.contains(&code));
    match last.is_empty() {
        true => failed(permanent, format!("{program} {how}")),
        false => failed(permanent, format!("{program} {how}: {last}")),
    }
}

fn failed(permanent: bool, why: String) -> Taken {
    Taken::No { permanent, retry_after_s: None, why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use monban_warden::memory_file;

    fn run(script: &str, values: &[(&str, &str)]) -> Taken {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let words = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
        let input = memory_file(b"To: me\n\n$(id)\n").unwrap();
        Program { words, values: values.iter().map(own).collect(), input }.run()
    }

    #[test]
    fn a_program_gets_the_message_and_clean_values_only() {
        let script = "test \"$(cat)\" = \"$(printf 'To: me\\n\\n$(id)')\" \
             && test \"$MONBAN_SUBJECT\" = '$(id) `id` \"' && test -z \"$LD_PRELOAD$HOME\"";
        let values = [("MONBAN_SUBJECT", "$(id) `id` \""), ("LD_PRELOAD", "/x.so")];
        assert_eq!(run(script, &values), Taken::Yes { said: String::new() });
    }

    /// One that talks all the time is ended like any other: nobody waits for its silence.
    #[test]
    fn a_program_that_talks_without_end_does_not_keep_its_watcher() {
        let mut child = Command::new("/bin/sh");
        child.args(["-c", "exec yes >&2"]).stderr(Stdio::piped()).process_group(0);
        let mut child = child.spawn().unwrap();
        let pipe = File::from(OwnedFd::from(child.stderr.take().unwrap()));
        rustix::io::ioctl_fionbio(&pipe, true).unwrap();
        let mut said = Vec::new();
        let end = Instant::now() + Duration::from_secs(10);
        while said.len() < SAID_MAX as usize && Instant::now() < end {
            drain(Some(&pipe), &mut said);
        }
        drain(Some(&pipe), &mut said);
        assert_eq!(said.len(), SAID_MAX as usize);
        end_group(&mut child);
    }

    #[test]
    fn how_a_program_ends_says_whether_to_try_again() {
        for (script, permanent, part) in [
            ("echo later >&2; exit 75", false, "ended with 75: later"),
            ("echo 'no such user' >&2; exit 67", true, "no such user"),
            ("kill -9 $$", false, "signal 9"),
            ("printf 'a\\033[2Jb' >&2; exit 1", false, "a [2Jb"),
        ] {
            let Taken::No { permanent: is, why, .. } = run(script, &[]) else { panic!("{script}") };
            assert_eq!(is, permanent, "{script}");
            assert!(why.contains(part), "{why}");
        }
        let none = Program {
            words: vec!["/no/such/program".to_owned()],
            values: Vec::new(),
            input: memory_file(b"").unwrap(),
        };
        assert!(matches!(none.run(), Taken::No { permanent: true, .. }));
    }
}

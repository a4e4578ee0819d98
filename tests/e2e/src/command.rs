//! Running a program to its end, within a time.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::trouble::{Tried, Trouble};

/// How long the output of a program is waited for after its end.
const PIPE_END: Duration = Duration::from_secs(1);

/// What a program printed and how it ended.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Its exit code; `None` after a signal.
    pub code: Option<i32>,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Ran {
    /// Fails with what it printed unless it ended with 0.
    pub fn good(self) -> Tried<Self> {
        if self.code == Some(0) {
            return Ok(self);
        }
        Err(Trouble(format!("exit {:?}: {}{}", self.code, self.out, self.err)))
    }
}

/// Runs a program; it is killed when the time is over.
pub fn run_within(command: &mut Command, at_most: Duration) -> Tried<Ran> {
    let shown = show(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Trouble(format!("{shown}: {error}")))?;
    let out = child.stdout.take().map(reader);
    let err = child.stderr.take().map(reader);
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if start.elapsed() > at_most {
            child.kill()?;
            child.wait()?;
            return Err(Trouble(format!("{shown}: still running after {at_most:?}")));
        }
        thread::sleep(Duration::from_millis(2));
    };
    Ok(Ran { code: status.code(), out: text(out), err: text(err) })
}

/// Runs a program that is quick, and fails unless it ends with 0.
pub fn run(command: &mut Command) -> Tried<Ran> {
    let shown = show(command);
    let ran = run_within(command, Duration::from_secs(60))?;
    ran.good().map_err(|trouble| Trouble(format!("{shown}: {trouble}")))
}

/// Whether a program is installed.
pub fn is_installed(program: &str) -> bool {
    let folders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/lib/systemd"];
    folders.iter().any(|folder| std::path::Path::new(folder).join(program).exists())
}

/// What a pipe brings, as it comes.
struct Heard {
    bytes: Arc<Mutex<Vec<u8>>>,
    ended: mpsc::Receiver<()>,
}

fn reader(mut pipe: impl Read + Send + 'static) -> Heard {
    let bytes = Arc::new(Mutex::new(Vec::new()));
    let (end, ended) = mpsc::channel();
    let kept = Arc::clone(&bytes);
    thread::spawn(move || {
        let mut chunk = [0_u8; 8192];
        while let Ok(length @ 1..) = pipe.read(&mut chunk) {
            if let Ok(mut bytes) = kept.lock() {
                bytes.extend_from_slice(&chunk[..length]);
            }
        }
        // Nobody waits any more if the program's time was over.
        let _ = end.send(());
    });
    Heard { bytes, ended }
}

/// What was heard. A daemon that a program has left behind may hold the pipe for ever, so its
/// end is not waited for without end.
fn text(heard: Option<Heard>) -> String {
    let Some(heard) = heard else {
        return String::new();
    };
    let _ = heard.ended.recv_timeout(PIPE_END);
    let bytes = heard.bytes.lock().map(|bytes| bytes.clone()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn show(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_leaves_a_daemon_behind_does_not_hold_us() {
        let start = Instant::now();
        let ran = run(Command::new("sh").args(["-c", "echo said; sleep 20 &"])).unwrap();
        assert_eq!(ran.out, "said\n");
        assert!(start.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        let ran = run_within(Command::new("sleep").arg("20"), Duration::from_millis(50));
        assert!(ran.unwrap_err().0.contains("still running"));
    }
}

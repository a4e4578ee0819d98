//! The end of the play, also of one that is killed: nothing of it stays behind.
//!
//! A signal to end is noticed between two acts, and everything is taken down in order. Of a play
//! that gets no chance to (`kill -9`), the kernel ends the daemon, and the next play removes the
//! folder.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};

/// The beginning of the names of the plays' folders; the number of the process follows.
const FOLDER: &str = "monban-demo-";

/// In the environment of a process that ends with its parent: the parent's number.
const PARENT: &str = "MONBAN_DEMO_PARENT";

/// Lets the process of this command, a monban, end with this one.
pub fn tied(command: &mut Command) -> &mut Command {
    command.env(PARENT, std::process::id().to_string())
}

/// Ends with the parent, if the parent of this process wants that. It must be called early: a
/// parent that is gone before is seen by its number. Only the roles that a play ties call it, as
/// their children inherit the environment.
pub fn end_with_parent() {
    let Some(parent) = std::env::var(PARENT).ok().and_then(|text| text.parse().ok()) else {
        return;
    };
    let _ = set_parent_process_death_signal(Some(Signal::TERM));
    if getppid().map(Pid::as_raw_pid) != Some(parent) {
        std::process::exit(1);
    }
}

/// Whether somebody wants the play to end.
#[derive(Clone, Debug)]
pub struct Ending(Arc<AtomicBool>);

impl Ending {
    /// Listens for SIGTERM, SIGINT and SIGHUP.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn watch() -> io::Result<Self> {
        let wanted = Arc::new(AtomicBool::new(false));
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&wanted))?;
        }
        Ok(Self(wanted))
    }

    /// Waits; an error of the kind `Interrupted` if the play is to end.
    ///
    /// # Errors
    /// See above.
    pub fn wait(&self, time: Duration) -> io::Result<()> {
        let step = Duration::from_millis(50);
        let mut left = time;
        while !self.0.load(Ordering::Relaxed) {
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(step));
            left = left.saturating_sub(step);
        }
        Err(io::Error::from(io::ErrorKind::Interrupted))
    }
}

/// Makes the folder of this play, after removing those of plays that were killed.
///
/// # Errors
/// If it cannot be made.
pub fn folder() -> io::Result<PathBuf> {
    let all = std::env::temp_dir();
    remove_left_behind(&all);
    let folder = all.join(format!("{FOLDER}{}", std::process::id()));
    fs::create_dir(&folder)?;
    Ok(folder)
}

/// Folders of ours whose process is gone. Links are not followed.
fn remove_left_behind(all: &Path) {
    let me = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(all).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(FOLDER)?.parse::<u32>().ok());
        let ours = entry.metadata().is_ok_and(|facts| facts.is_dir() && facts.uid() == me);
        if let (Some(number), true) = (number, ours)
            && !Path::new("/proc").join(number.to_string()).exists()
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_plays_that_are_gone_are_removed() {
        let all = tempfile::tempdir().unwrap();
        let mut gone = Command::new("true").spawn().unwrap();
        gone.wait().unwrap();
        let mine = format!("{FOLDER}{}", std::process::id());
        let dead = format!("{FOLDER}{}", gone.id());
        for name in [mine.as_str(), &dead, "monban-demo-x", "else-1"] {
            fs::create_dir_all(all.path().join(name).join("state")).unwrap();
        }
        let linked = format!("{FOLDER}{}", u32::MAX);
        std::os::unix::fs::symlink(all.path().join("else-1"), all.path().join(&linked)).unwrap();
        remove_left_behind(all.path());
        let there = |name: &str| all.path().join(name).exists();
        assert!(there(&mine) && there("monban-demo-x") && there("else-1/state") && there(&linked));
        assert!(!there(&dead));
    }
}

//! What begins while the jails of a configuration are read, on processors that have time for it:
//! the other roles get ready, and the firewall is opened.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use monban_config::{Bundle, Fail2ban};
use monban_fail2ban::config::Files;
use monban_firewall::FirewallError;
use monban_model::wire::ToWatcher;
use monban_warden::{Channel, Wall, memory_file};

use super::jails::source_files;
use crate::place::Place;

/// A role that has nothing to do ends within this time, or is killed.
const ENDS_IN: Duration = Duration::from_secs(2);

/// A role that was started, and our end of its channel.
pub type Running = (Child, OwnedFd);

/// What has begun and was not asked for yet.
#[derive(Default)]
pub struct Ahead {
    /// The watcher.
    pub watcher: Option<Running>,
    /// The actor, and whether it was told of one before it.
    pub actor: Option<(Running, bool)>,
    /// The folders that were made for the state.
    pub made: Vec<PathBuf>,
    /// That of the state folder. Nobody else begins there before all of this is taken back.
    pub lock: Option<OwnedFd>,
    wall: Option<JoinHandle<Result<Wall, FirewallError>>>,
}

impl Ahead {
    /// Opens the firewall, beside.
    pub fn open_wall(&mut self) {
        let opened = std::thread::Builder::new().name("firewall".to_owned()).spawn(Wall::open);
        // Without a thread it is opened when it is asked for.
        self.wall = opened.ok();
    }

    /// The firewall, once it is open.
    pub fn wall(&mut self) -> Result<Wall, FirewallError> {
        let opened = self.wall.take().and_then(|opened| opened.join().ok());
        opened.unwrap_or_else(Wall::open)
    }

    /// Reads what the jails of a folder are likely to be made of, and hands it to the watcher, who
    /// puts them together while they are judged here. Without a watcher that is about to be told
    /// its work nothing is read.
    pub fn read_jails(&mut self, folder: &Path, beside: bool) -> Files {
        let mut files = Files::of_disk();
        let Some((_, channel)) = &self.watcher else { return files };
        files.read_ahead(folder);
        let fail2ban = Fail2ban {
            folder: folder.display().to_string(),
            beside,
            files: source_files(files.texts_ahead()),
        };
        let bundle = Bundle { fail2ban: Some(fail2ban), ..Bundle::default() };
        // A watcher that was told nothing ahead begins when it is told all.
        let _ = memory_file(&bundle.to_bytes())
            .and_then(|fd| Ok((fd, Channel::over(channel.try_clone()?))))
            .and_then(|(fd, mut channel)| channel.post(&ToWatcher::JailsAhead, Some(fd)));
        files
    }

    /// There is nothing to do for an actor. It has done nothing yet.
    pub fn end_actor(&mut self) -> io::Result<()> {
        self.actor.take().map_or(Ok(()), |(actor, _)| end(actor))
    }

    /// Ends what has begun and was not asked for, and takes back what it made: the start comes to
    /// nothing.
    pub fn give_up(&mut self, place: &Place) {
        let _ = self.end_actor();
        let _ = self.watcher.take().map(end);
        if let Some(wall) = self.wall.take()
            && let Ok(Ok(wall)) = wall.join()
        {
            // Without the right to do so there is nothing to take back.
            let _ = wall.take_back();
        }
        place.take_back(&std::mem::take(&mut self.made));
        self.lock = None;
    }
}

/// Ends a role that was told nothing to do: it ends by itself when nobody is there to tell it.
fn end((mut child, channel): Running) -> io::Result<()> {
    drop(channel);
    let until = Instant::now() + ENDS_IN;
    while child.try_wait()?.is_none() {
        if Instant::now() > until {
            child.kill()?;
            return child.wait().map(drop);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

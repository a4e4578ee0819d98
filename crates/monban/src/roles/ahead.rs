//! What begins while the jails of a configuration are read, on processors that have time for it:
//! the other roles get ready, and the firewall is opened.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Child;
use std::thread::JoinHandle;

use monban_config::{Bundle, Fail2ban};
use monban_fail2ban::config::Files;
use monban_firewall::FirewallError;
use monban_model::wire::ToWatcher;
use monban_warden::{Channel, Wall, memory_file};

use super::jails::source_files;

/// A role that was started, and our end of its channel.
pub type Running = (Child, OwnedFd);

/// What has begun and was not asked for yet.
#[derive(Default)]
pub struct Ahead {
    /// The watcher.
    pub watcher: Option<Running>,
    /// The actor, and whether it was told of one before it.
    pub actor: Option<(Running, bool)>,
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
        let Some(((mut child, _), _)) = self.actor.take() else { return Ok(()) };
        child.kill()?;
        child.wait().map(drop)
    }
}

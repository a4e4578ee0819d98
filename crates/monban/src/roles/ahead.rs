//! What begins while the jails of a configuration are read, on processors that have time for it:
//! the other roles get ready, and the firewall is opened.

use std::io;
use std::os::fd::OwnedFd;
use std::process::Child;
use std::thread::JoinHandle;

use monban_firewall::FirewallError;
use monban_warden::Wall;

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

    /// There is nothing to do for an actor. It has done nothing yet.
    pub fn end_actor(&mut self) -> io::Result<()> {
        let Some(((mut child, _), _)) = self.actor.take() else { return Ok(()) };
        child.kill()?;
        child.wait().map(drop)
    }
}

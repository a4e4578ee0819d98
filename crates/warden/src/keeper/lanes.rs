//! Lanes: whoever delivers messages gets them from the watcher itself, not through the warden.
//!
//! The warden starts the courier or the runner when the watcher has something for it, gives it the
//! endpoints of the configuration in force, with their passwords, and to each one end of a socket.
//! What a watcher in a stranger's hands can do with it is to send messages to the readers that
//! the configuration names, and to start its programs with texts of its own.

use std::process::Child;
use std::time::{Duration, Instant};

use monban_model::wire::{FromRunner, Peer, ToCourier, ToRunner, ToWatcher, Wire};
use rustix::event::PollFlags;

use super::Keeper;
use crate::{Channel, Received, memory_file};

/// One that ended by itself is started again after this at the earliest.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// The runner, as far as it runs.
#[derive(Debug, Default)]
pub(super) struct Runner {
    running: Option<(Child, Channel)>,
    started: Option<Instant>,
    /// That it cannot be started was told.
    told: bool,
    /// The configuration whose programs it was given.
    equipped: Option<u32>,
}

impl Runner {
    /// Its channel, and what it is to be watched for.
    pub(super) fn channel(&self) -> Option<(&Channel, PollFlags)> {
        let (_, channel) = self.running.as_ref()?;
        let out = if channel.is_behind() { PollFlags::OUT } else { PollFlags::empty() };
        Some((channel, PollFlags::IN | out))
    }

    /// Ends it. A program that it started goes on.
    pub(super) fn end(&mut self) {
        self.equipped = None;
        if let Some((child, channel)) = self.running.take() {
            // It ends by itself when its channel is closed, after what it is at.
            drop(channel);
            // Without a thread it stays one that has ended, until the warden does.
            let _ = std::thread::Builder::new().spawn(move || {
                let mut child = child;
                let _ = child.wait();
            });
        }
    }
}

impl Keeper<'_> {
    /// The watcher has something to deliver.
    pub(super) fn give_lane(&mut self, peer: Peer) {
        let given = match peer {
            _ if !self.takes_descriptors() => None,
            Peer::Courier => self.lane_to_courier(),
            Peer::Runner => self.lane_to_runner(),
        };
        // Without a descriptor the watcher asks again after a while.
        self.post(&ToWatcher::Lane(peer), given);
    }

    fn lane_to_courier(&mut self) -> Option<std::os::fd::OwnedFd> {
        if self.load.courier.is_empty() || !self.start_courier_that_delivers() {
            return None;
        }
        let (here, there) = Channel::pair().ok()?;
        if self.courier.equipped() != Some(self.in_force) {
            let file = memory_file(&self.load.courier).ok()?;
            let reload = self.in_force;
            let channel = self.courier.running_channel()?;
            channel.post(&ToCourier::Equip { reload }, Some(file)).ok()?;
            self.courier.set_equipped(reload);
        }
        self.courier.running_channel()?.post(&ToCourier::Lane, Some(there)).ok()?;
        Some(here)
    }

    fn lane_to_runner(&mut self) -> Option<std::os::fd::OwnedFd> {
        if self.load.runner.is_empty() || !self.start_runner() {
            return None;
        }
        let (here, there) = Channel::pair().ok()?;
        let reload = self.in_force;
        let runner = &mut self.runner;
        let (_, channel) = runner.running.as_mut()?;
        if runner.equipped != Some(reload) {
            let file = memory_file(&self.load.runner).ok()?;
            channel.post(&ToRunner::Equip { reload }, Some(file)).ok()?;
            runner.equipped = Some(reload);
        }
        channel.post(&ToRunner::Lane, Some(there)).ok()?;
        Some(here)
    }

    /// Whether one runs now.
    pub(super) fn start_runner(&mut self) -> bool {
        if self.runner.running.is_some() {
            return true;
        }
        if self.runner.started.is_some_and(|at| at.elapsed() < RESTART_PAUSE) {
            return false;
        }
        self.runner.started = Some(Instant::now());
        let started = Channel::pair()
            .and_then(|(here, there)| Ok((self.host.start_runner(there)?, Channel::over(here))));
        match started {
            Ok(running) => (self.runner.running, self.runner.told) = (Some(running), false),
            // Each message asks for it again.
            Err(_) if self.runner.told => {}
            Err(error) => {
                self.runner.told = true;
                self.note("runner-failed", vec![("error", error.to_string())]);
            }
        }
        self.runner.running.is_some()
    }

    /// Hears that it has nothing to do, or is gone.
    pub(super) fn hear_runner(&mut self) {
        let Some((_, channel)) = &mut self.runner.running else { return };
        let gone = channel.flush().is_err();
        match receive::<FromRunner>(channel) {
            Some(Received::Nothing) if !gone => {}
            Some(Received::Frame(FromRunner::Idle, _)) if !gone => {
                self.runner.end();
                self.runner.started = None;
            }
            _ => {
                self.runner.end();
                if !self.stopping {
                    self.note("runner-ended", vec![]);
                }
            }
        }
    }

    /// Another configuration is in force: whoever delivers learns of its endpoints, as far as it
    /// runs, and goes on with what it is at.
    pub(super) fn equip_again(&mut self) {
        let reload = self.in_force;
        if let Some(channel) = self.courier.running_channel()
            && let Ok(file) = memory_file(&self.load.courier)
        {
            let _ = channel.post(&ToCourier::Equip { reload }, Some(file));
            self.courier.set_equipped(reload);
        }
        if let Some((_, channel)) = &mut self.runner.running
            && let Ok(file) = memory_file(&self.load.runner)
        {
            let _ = channel.post(&ToRunner::Equip { reload }, Some(file));
            self.runner.equipped = Some(reload);
        }
    }
}

fn receive<T: Wire>(channel: &mut Channel) -> Option<Received<T>> {
    channel.receive().ok()
}

//! The watcher's life, and the log files that are passed to it.

use std::io::{Seek, Write};
use std::os::fd::OwnedFd;
use std::time::Instant;

use monban_model::limits::FILES_MAX;
use monban_model::wire::{Offered, Reply, SiblingsOf, ToWatcher};
use rustix::fs::MemfdFlags;

use super::{Keeper, RESTART_LONGEST, Watcher};
use crate::Channel;
use crate::gate::{Gate, GateEvent, Opened};
use crate::host::Load;

impl Keeper<'_> {
    /// Starts a watcher and tells it all it needs.
    pub(super) fn start_watcher(&mut self) {
        let started = Channel::pair().and_then(|(here, there)| {
            let child = self.host.start_watcher(there)?;
            Ok(Watcher { child, channel: Channel::over(here), started: Instant::now() })
        });
        match started {
            Ok(watcher) => self.watcher = Some(watcher),
            Err(error) => {
                self.note("watcher-failed", vec![("error", error.to_string())]);
                self.restart_at = Some(Instant::now() + self.restart_wait);
                self.restart_wait = (self.restart_wait * 2).min(RESTART_LONGEST);
                return;
            }
        }
        let again = self.starts > 0;
        self.starts += 1;
        self.restored.clear();
        self.proposed = None;
        self.send_brief(0, again, &self.load.clone());
        self.send_allow();
        self.send_presence();
        // A new watcher knows no descriptor, so it gets all of them again.
        self.gate.reoffer();
        self.offer_files();
        self.post(&ToWatcher::AllOpened, None);
    }

    /// The watcher is gone: another is started, after a while if it did not live long.
    pub(super) fn lose_watcher(&mut self) {
        let Some(mut watcher) = self.watcher.take() else { return };
        let _ = watcher.child.kill();
        let status = watcher.child.wait();
        self.ready = false;
        self.end_journal();
        if watcher.started.elapsed() > RESTART_LONGEST {
            self.restart_wait = super::RESTART_FIRST;
        }
        let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        self.note("watcher-ended", vec![("how", how)]);
        self.status_waits.clear();
        self.clients.fail_all();
        self.restart_at = Some(Instant::now() + self.restart_wait);
        self.restart_wait = (self.restart_wait * 2).min(RESTART_LONGEST);
    }

    fn send_brief(&mut self, reload: u32, again: bool, load: &Load) {
        match memory_file(&load.bundle) {
            Ok(fd) => {
                let guards = self.wall.is_ok() && !load.observe;
                self.post(
                    &ToWatcher::Brief { guards, reload, again, journal: load.journal },
                    Some(fd),
                );
            }
            Err(error) => self.note("watcher-failed", vec![("error", error.to_string())]),
        }
    }

    /// Reads the configuration anew and asks the watcher whether it can work by it.
    pub(super) fn propose_reload(&mut self, asked_by: Option<u32>) {
        match self.host.load() {
            Ok(load) => {
                self.reloads += 1;
                self.send_brief(self.reloads, false, &load);
                self.proposed = Some((self.reloads, load, asked_by));
            }
            Err(text) => self.refuse_reload(asked_by, text),
        }
    }

    /// The watcher has taken over a configuration, or not.
    pub(super) fn briefed(&mut self, reload: u32, refused: Option<String>) {
        let Some((number, load, asked_by)) = self.proposed.take() else {
            if let Some(text) = refused {
                self.note("config-refused", vec![("text", text)]);
            }
            return;
        };
        if number != reload {
            self.proposed = Some((number, load, asked_by));
            return;
        }
        if let Some(text) = refused {
            return self.refuse_reload(asked_by, text);
        }
        self.allow.configure(load.allow.clone());
        let new_paths = load.patterns != self.load.patterns;
        self.load = load;
        self.send_allow();
        if new_paths {
            self.renew_gate();
            self.offer_files();
        }
        self.post(&ToWatcher::SendBlocks, None);
        if let Some(id) = asked_by {
            let notices = vec![monban_model::Notice { key: "reloaded".into(), values: vec![] }];
            self.clients.reply(id, &Reply::Done { done: true, notices });
        }
        self.note("reloaded", vec![]);
    }

    fn refuse_reload(&mut self, asked_by: Option<u32>, text: String) {
        if let Some(id) = asked_by {
            self.clients.reply(id, &Reply::Refused(text.clone()));
        }
        self.note("config-refused", vec![("text", text)]);
    }

    fn renew_gate(&mut self) {
        match Gate::new(&self.load.patterns) {
            Ok(gate) => {
                self.gate = gate;
                self.files.clear();
            }
            Err(error) => self.note("paths-failed", vec![("error", error.to_string())]),
        }
    }

    /// Looks at all log paths and passes on what is new there.
    pub(super) fn offer_files(&mut self) {
        for event in self.gate.scan() {
            match event {
                GateEvent::Opened(opened) => {
                    self.files.insert(opened.path.clone(), opened.file.0);
                    let (offered, fd) = offered(opened);
                    self.post(&ToWatcher::Opened(offered), Some(fd));
                }
                GateEvent::Gone { path, .. } => {
                    self.files.remove(&path);
                    self.post(&ToWatcher::Gone { path }, None);
                }
                GateEvent::Unreadable { path, owner, group, mode, why } => {
                    let values = vec![
                        ("path", path),
                        ("owner", owner),
                        ("group", group),
                        ("mode", format!("{mode:04o}")),
                        ("error", why.to_string()),
                    ];
                    self.note("unreadable", values);
                }
                GateEvent::TooMany => {
                    self.note("too-many-files", vec![("limit", FILES_MAX.to_string())]);
                }
            }
        }
    }

    /// Log files have changed.
    pub(super) fn wake_watcher(&mut self) {
        let woken = self.gate.woken();
        if woken.rescan {
            self.offer_files();
        }
        if !woken.files.is_empty() {
            // If frames wait already, the watcher will read everything anyway.
            let behind = self.watcher.as_ref().is_some_and(|watcher| watcher.channel.is_behind());
            if !behind {
                let files = woken.files.iter().map(|file| file.0).collect();
                self.post(&ToWatcher::Wake { files }, None);
            }
        }
    }

    pub(super) fn offer_siblings(&mut self, of: &SiblingsOf) {
        match self.gate.siblings(&of.path, of.dev, of.ino) {
            Ok(siblings) => {
                for opened in siblings {
                    let (offered, fd) = offered(opened);
                    self.post(&ToWatcher::Sibling(offered), Some(fd));
                }
            }
            Err(error) => self.note("paths-failed", vec![("error", error.to_string())]),
        }
        self.post(&ToWatcher::SiblingsEnd { path: of.path.clone() }, None);
    }

    pub(super) fn open_files(&self) -> u32 {
        self.files.len() as u32
    }
}

fn offered(opened: Opened) -> (Offered, OwnedFd) {
    let offered = Offered {
        file: opened.file.0,
        path: opened.path,
        dev: opened.dev,
        ino: opened.ino,
        size: opened.size,
        later: opened.appeared_later,
    };
    (offered, opened.fd)
}

/// A file in memory, to be read from its start by whoever gets it.
fn memory_file(bytes: &[u8]) -> std::io::Result<OwnedFd> {
    let fd = rustix::fs::memfd_create("monban-brief", MemfdFlags::CLOEXEC)?;
    let mut file = std::fs::File::from(fd);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file.into())
}

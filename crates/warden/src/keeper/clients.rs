//! Operators at the control socket. Who may speak is decided by the kernel's word for the peer:
//! root, and whoever runs this warden.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use monban_model::wire::{Command, Reply, Request, StatusReply, ToWatcher};
use monban_model::{Net, Notice};
use rustix::net::SocketFlags;

use super::ends::Held;
use super::{Keeper, now};
use crate::{Channel, Received};

/// How long a question for the status waits for the watcher's commit.
const STATUS_PATIENCE: Duration = Duration::from_secs(2);

/// Operators that are connected at once at most.
const CLIENTS_MAX: usize = 32;

/// The control socket and who is connected to it.
pub(super) struct Clients {
    listener: OwnedFd,
    connected: BTreeMap<u32, Channel>,
    /// Answers that wait for the end of jails.
    pub(super) held: BTreeMap<u32, Held>,
    /// Who waits only to hear of lifted blocks: what they asked for is in force.
    served: BTreeSet<u32>,
    next: u32,
}

impl Clients {
    pub(super) fn new(listener: OwnedFd) -> Self {
        Self {
            listener,
            connected: BTreeMap::new(),
            held: BTreeMap::new(),
            served: BTreeSet::new(),
            next: 0,
        }
    }

    pub(super) fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        std::iter::once(self.listener.as_fd()).chain(self.connected.values().map(AsFd::as_fd))
    }

    /// Answers a question and ends the conversation.
    pub(super) fn reply(&mut self, id: u32, reply: &Reply) {
        self.reply_with(id, reply, None);
    }

    /// As [`Clients::reply`], with a file.
    pub(super) fn reply_with(&mut self, id: u32, reply: &Reply, file: Option<OwnedFd>) {
        self.served.remove(&id);
        if let Some(mut channel) = self.connected.remove(&id) {
            let _ = channel.post(reply, file);
        }
    }

    /// Whether somebody waits for an answer.
    pub(super) fn is_connected(&self, id: u32) -> bool {
        self.connected.contains_key(&id)
    }

    /// Whoever waits for a watcher that is gone is told so; what was answered already is not its.
    pub(super) fn fail_all(&mut self) {
        let open = self.connected.keys().filter(|id| !self.held.contains_key(id));
        for id in open.copied().collect::<Vec<u32>>() {
            self.fail(id);
        }
    }

    /// There is no watcher to answer.
    pub(super) fn fail(&mut self, id: u32) {
        let reply = match self.served.contains(&id) {
            true => Reply::Done { done: true, notices: Vec::new() },
            false => done(false, "watcher-away", vec![]),
        };
        self.reply(id, &reply);
    }

    fn accept(&mut self) {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        while let Ok(socket) = rustix::net::accept_with(&self.listener, flags) {
            let me = rustix::process::geteuid();
            let trusted = rustix::net::sockopt::socket_peercred(&socket)
                .is_ok_and(|peer| peer.uid.is_root() || peer.uid == me);
            let mut channel = Channel::over(socket);
            if !trusted {
                let _ = channel.post(&done(false, "not-allowed", vec![]), None);
            } else if self.connected.len() < CLIENTS_MAX {
                self.connected.insert(self.next, channel);
                self.next = self.next.wrapping_add(1);
            }
        }
    }

    /// Requests that have come in; whoever hung up or spoke nonsense is let go.
    fn requests(&mut self) -> Vec<(u32, Request, Option<OwnedFd>)> {
        let mut requests = Vec::new();
        self.connected.retain(|id, channel| match channel.receive::<Request>() {
            Ok(Received::Frame(request, fd)) => {
                requests.push((*id, request, fd));
                true
            }
            Ok(Received::Nothing) => true,
            Ok(Received::End) | Err(_) => false,
        });
        self.served.retain(|id| self.connected.contains_key(id));
        self.held.retain(|id, _| self.connected.contains_key(id));
        requests
    }
}

impl Keeper<'_> {
    pub(super) fn serve_clients(&mut self) {
        self.clients.accept();
        for (id, request, fd) in self.clients.requests() {
            self.answer(id, request, fd);
        }
    }

    fn answer(&mut self, id: u32, request: Request, fd: Option<OwnedFd>) {
        match request {
            Request::Status => self.begin_status(id),
            Request::Words => self.pass_words(id, fd),
            Request::Notify(request) => self.command(id, Command::Notify(request)),
            Request::JailLog { path } => {
                let done = self.move_jail_log(&path).is_ok();
                self.clients.reply(id, &Reply::Done { done, notices: Vec::new() });
            }
            Request::Reload => self.ask_reload(Some(id)),
            Request::Ban { subject, for_s, why } => {
                self.look_around();
                if self.watcher.is_some()
                    && let Err(error) = self.wide.name(subject)
                {
                    let values =
                        vec![("subject", subject.to_string()), ("error", error.to_string())];
                    self.note("wide-not-kept", values);
                }
                self.command(id, Command::Ban { subject, for_s, why });
            }
            Request::Free { subject } => {
                self.wide.forget(Some(subject));
                self.command(id, Command::Free { subject });
            }
            Request::FreeAll => {
                self.wide.forget(None);
                self.clear_wall();
                self.command(id, Command::FreeAll);
            }
            Request::Allow { net, for_s } => {
                let until = for_s.map(|seconds| now().plus_s(seconds));
                match self.allow.add(net, until) {
                    Ok(()) => {
                        self.clients.served.insert(id);
                        // The blocks are lifted by the command, which answers with their names.
                        self.command(id, Command::Allowed { net });
                        self.send_allow();
                    }
                    Err(error) => {
                        let values = vec![("error", error.to_string())];
                        self.clients.reply(id, &done(false, "allow-failed", values));
                    }
                }
            }
            Request::Disallow { net } => {
                let reply = self.disallow(net);
                self.clients.reply(id, &reply);
            }
        }
    }

    /// The words of an operator are the watcher's to read.
    fn pass_words(&mut self, id: u32, words: Option<OwnedFd>) {
        if self.watcher.is_none() || words.is_none() {
            return self.clients.fail(id);
        }
        self.post(&ToWatcher::Words { id }, words);
    }

    fn disallow(&mut self, net: Net) -> Reply {
        match self.allow.remove(net) {
            Ok(true) => {
                self.send_allow();
                done(true, "disallowed", vec![("net", net.to_string())])
            }
            Ok(false) => done(false, "disallow-none", vec![("net", net.to_string())]),
            Err(error) => done(false, "allow-failed", vec![("error", error.to_string())]),
        }
    }

    fn command(&mut self, id: u32, command: Command) {
        if self.watcher.is_none() {
            return self.clients.fail(id);
        }
        self.post(&ToWatcher::Command { id, command }, None);
    }

    /// The status is told after the watcher's commit: whoever asks then looks into the ledger. A
    /// watcher that is away or hangs does not keep the answer back for long.
    fn begin_status(&mut self, id: u32) {
        if self.watcher.is_none() {
            return self.tell_status(id, vec![trouble("watcher-away")]);
        }
        self.status_waits.push((id, Instant::now() + STATUS_PATIENCE));
        self.post(&ToWatcher::Command { id, command: Command::Commit }, None);
    }

    /// The watcher has committed for this question, or says what keeps it from that; false if it
    /// was another.
    pub(super) fn end_status(&mut self, id: u32, troubles: &[Notice]) -> bool {
        let before = self.status_waits.len();
        self.status_waits.retain(|(waiting, _)| *waiting != id);
        let mine = self.status_waits.len() < before;
        if mine {
            self.tell_status(id, troubles.to_vec());
        }
        mine
    }

    /// Tells the status to whoever has waited for long enough.
    pub(super) fn end_stale_status(&mut self) {
        let now = Instant::now();
        let stale = self.status_waits.extract_if(.., |(_, until)| *until <= now);
        for id in stale.map(|(id, _)| id).collect::<Vec<u32>>() {
            self.tell_status(id, vec![trouble("watcher-behind")]);
        }
    }

    fn tell_status(&mut self, id: u32, mut troubles: Vec<Notice>) {
        troubles.extend(self.host.rival());
        troubles.extend(self.refused.then(|| trouble("config-not-in-force")));
        let reply = Reply::Status(StatusReply { troubles, ..self.status() });
        self.clients.reply(id, &reply);
    }

    fn status(&mut self) -> StatusReply {
        let (firewall, dropped) = match &mut self.wall {
            _ if self.load.observe => (String::new(), None),
            Ok(wall) => ("nftables".to_owned(), Some(wall.dropped_packets())),
            Err(why) => (why.clone(), None),
        };
        StatusReply {
            mode: self.mode(),
            ready: self.ready && (self.open_files() > 0 || self.journal.runs()),
            since: self.since,
            firewall,
            dropped,
            troubles: Vec::new(),
            unread: self.unread(),
            files: self.open_files(),
        }
    }
}

fn trouble(key: &str) -> Notice {
    Notice { key: key.to_owned(), values: Vec::new() }
}

pub(super) fn done(done: bool, key: &str, values: Vec<(&str, String)>) -> Reply {
    Reply::Done { done, notices: vec![super::notice(key, values)] }
}

//! An actor that runs, and the warden's end of its channel.

use std::collections::BTreeSet;
use std::io::{Seek, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use monban_config::{Bundle, Fail2ban, SourceFile};
use monban_fail2ban::config::{Configuration, Files, Reading};
use monban_model::wire::{FromActor, ToActor};
use monban_model::{JailJob, JailOrder, JailOutcome, JailResult};
use monban_warden::{Channel, Received};

/// The role.
pub struct Role {
    child: Child,
    channel: Option<Channel>,
    /// Outcomes that nobody asked for yet.
    heard: Vec<JailOutcome>,
}

/// An order that is about nobody.
pub fn order(id: u64, jail: u32, job: JailJob) -> JailOrder {
    JailOrder { id, jail, job, actions: Vec::new(), address: None, ticket: Vec::new() }
}

/// A ban of an address of which nothing else is known.
pub fn ban(id: u64, jail: u32, address: &str) -> JailOrder {
    JailOrder { address: Some(address.parse().unwrap()), ..order(id, jail, JailJob::Ban) }
}

impl Role {
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_within(arguments, &std::env::var("PATH").unwrap_or_default())
    }

    /// With programs of these folders.
    pub fn start_within(arguments: &[&str], path: &str) -> Self {
        let (here, there) = Channel::pair().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_monban"));
        command.arg("actor").args(arguments).env("PATH", path).stdin(Stdio::from(there));
        let child = command.spawn().unwrap();
        Self { child, channel: Some(Channel::over(here)), heard: Vec::new() }
    }

    /// Milliseconds that it and its ended children computed; the kernel counts in tens of them.
    pub fn cpu_ms(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let (_, behind) = stat.rsplit_once(") ").unwrap();
        let fields = behind.split(' ').skip(11).take(4);
        fields.map(|field| field.parse::<u64>().unwrap() * 10).sum()
    }

    pub fn say(&mut self, frame: &ToActor) {
        self.channel.as_mut().unwrap().send(frame, None).unwrap();
    }

    /// Hands over a folder as the warden does: its files in a memory file.
    pub fn table(&mut self, reload: u32, folder: &Path) {
        let reading = Reading::default();
        let (_, files) = Configuration::read_within(folder, Files::of_disk(), &reading);
        let file = |(path, text): (&Path, &str)| SourceFile {
            file: path.display().to_string(),
            text: text.to_owned(),
        };
        let fail2ban = Fail2ban {
            beside: false,
            folder: folder.display().to_string(),
            files: files.texts().map(file).collect(),
        };
        let bundle = Bundle { fail2ban: Some(fail2ban), ..Bundle::default() };
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bundle.to_bytes()).unwrap();
        file.rewind().unwrap();
        let frame = ToActor::Table { reload };
        self.channel.as_mut().unwrap().send(&frame, Some(file.as_fd())).unwrap();
    }

    pub fn orders(&mut self, orders: Vec<JailOrder>) {
        for part in JailOrder::frames(orders) {
            // As the warden: who does not read while it sends would wait for one who waits for it.
            self.channel.as_mut().unwrap().post(&ToActor::Orders(part), None).unwrap();
        }
    }

    /// The next frame.
    pub fn hear(&mut self) -> FromActor {
        let channel = self.channel.as_mut().unwrap();
        channel.flush().unwrap();
        match channel.wait().unwrap() {
            Received::Frame(frame, _) => frame,
            other => panic!("{other:?}"),
        }
    }

    /// Waits until these orders are done.
    pub fn done(&mut self, orders: &[u64]) {
        let mut missing: BTreeSet<u64> = orders.iter().copied().collect();
        let mut heard = std::mem::take(&mut self.heard);
        loop {
            for outcome in heard {
                if missing.remove(&outcome.order) {
                    let is_done = matches!(outcome.result, JailResult::Done { .. });
                    assert!(is_done, "{outcome:?}");
                } else {
                    self.heard.push(outcome);
                }
            }
            if missing.is_empty() {
                return;
            }
            heard = self.outcomes();
        }
    }

    pub fn outcome_of(&mut self, order: JailOrder) -> JailResult {
        let id = order.id;
        self.orders(vec![order]);
        loop {
            if let Some(found) = self.outcomes().into_iter().find(|outcome| outcome.order == id) {
                return found.result;
            }
        }
    }

    /// Gives an order, and waits for its outcome; those that came before it come first.
    pub fn outcomes_until(&mut self, order: JailOrder) -> Vec<JailOutcome> {
        let id = order.id;
        self.orders(vec![order]);
        let mut all = std::mem::take(&mut self.heard);
        while all.last().is_none_or(|outcome| outcome.order != id) {
            all.extend(self.outcomes());
        }
        all
    }

    fn outcomes(&mut self) -> Vec<JailOutcome> {
        match self.hear() {
            FromActor::Outcomes(outcomes) => outcomes,
            FromActor::Ended { .. } => Vec::new(),
            other => panic!("{other:?}"),
        }
    }

    /// The warden is gone.
    pub fn hang_up(&mut self) {
        self.channel = None;
    }

    /// Whether it ends by itself, and well.
    pub fn ends(&mut self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

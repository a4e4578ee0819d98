//! Taking over a configuration anew: it is in force once the watcher has accepted it, and until
//! then everything stays as it was.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use monban_model::Notice;
use monban_model::wire::{Refusal, Reply, ToWatcher};

use super::Keeper;
use super::clients::done;
use super::ends::Ends;
use crate::gate::{Gate, GateEvent};
use crate::host::Load;

/// A configuration that the watcher has not answered yet.
#[derive(Debug)]
pub(super) struct Proposal {
    number: u32,
    load: Load,
    /// The gate to its log paths, if they are others than now.
    gate: Option<Gate>,
    asked_by: Option<u32>,
}

/// A reload that waits for its turn.
#[derive(Debug)]
pub(super) struct NextReload {
    asked_by: Option<u32>,
    /// It waits so long at most.
    until: Instant,
}

/// While the actor starts anew nobody can end what a reload ends; a reload waits for it, but it may
/// also be what the actor needs.
const ACTOR_LONGEST: Duration = Duration::from_secs(5);

impl Keeper<'_> {
    /// The configuration is to be taken over anew: at once, or after the reload that is on its way.
    pub(super) fn ask_reload(&mut self, asked_by: Option<u32>) {
        let mut until = Instant::now() + ACTOR_LONGEST;
        if let Some(earlier) = self.next_reload.take() {
            // Whoever asks again and again waits no longer for that.
            until = until.min(earlier.until);
            self.give_up_reload(earlier.asked_by, "reload-superseded");
        }
        self.next_reload = Some(NextReload { asked_by, until });
        self.propose_reload();
    }

    /// If somebody waits for it, reads the configuration anew and asks the watcher whether it can
    /// work by it.
    pub(super) fn propose_reload(&mut self) {
        let waits_for_actor = self.acts() && !self.staff.is_ready();
        let is_due = |next: &mut NextReload| !waits_for_actor || next.until <= Instant::now();
        if self.proposed.is_some() {
            return;
        }
        let Some(NextReload { asked_by, .. }) = self.next_reload.take_if(is_due) else { return };
        if self.watcher.is_none() {
            return self.give_up_reload(asked_by, "watcher-away");
        }
        let load = match self.host.load() {
            Ok(load) => load,
            Err(refusal) => return self.refuse_reload(asked_by, refusal),
        };
        let of = |load: &Load| {
            (load.patterns.clone(), load.counted.clone(), load.sent.clone(), load.sent_by)
        };
        let renewed = of(&load) != of(&self.load);
        let gate = match renewed.then(|| Gate::new(&load.patterns, &load.sent)).transpose() {
            Ok(gate) => gate,
            Err(error) => {
                let refusal = Refusal { text: error.to_string(), problems: Vec::new() };
                return self.refuse_reload(asked_by, refusal);
            }
        };
        self.reloads += 1;
        let number = self.reloads;
        self.proposed = Some(Proposal { number, load: load.clone(), gate, asked_by });
        if let Err(error) = self.send_brief(number, false, &load) {
            self.proposed = None;
            let refusal = Refusal { text: error.to_string(), problems: Vec::new() };
            self.refuse_reload(asked_by, refusal);
        }
    }

    /// The watcher has taken over a configuration, perhaps without something, or not at all.
    pub(super) fn briefed(&mut self, reload: u32, taken: Result<Vec<Notice>, Refusal>) {
        match (self.proposed.take_if(|proposal| proposal.number == reload), taken) {
            (Some(proposal), Ok(lacks)) => self.take_over(proposal, lacks),
            (Some(proposal), Err(refusal)) => {
                // It came with another database of places, and that was taken.
                self.send_geo(&self.load.clone());
                self.refuse_reload(proposal.asked_by, refusal);
            }
            // An answer to the configuration in force, which a new watcher gets.
            (None, Err(refusal)) => self.note("config-refused", vec![("text", refusal.text)]),
            (None, Ok(_)) => {}
        }
    }

    /// The watcher that was to answer is gone.
    pub(super) fn lose_proposal(&mut self) {
        if let Some(proposal) = self.proposed.take() {
            self.give_up_reload(proposal.asked_by, "watcher-away");
        }
    }

    fn take_over(&mut self, proposal: Proposal, lacks: Vec<Notice>) {
        let Proposal { number, load, gate, asked_by } = proposal;
        (self.in_force, self.refused) = (number, false);
        let before = std::mem::replace(&mut self.load, load);
        self.allow.configure(self.load.allow.clone());
        self.send_allow();
        if let Some(gate) = gate {
            self.change_gate(gate, &before);
        }
        let folder = |load: &Load| load.journal.then(|| load.journal_folder.clone());
        if folder(&self.load) != folder(&before) {
            self.journal.end();
        }
        let mut notices = vec![Notice { key: "reloaded".into(), values: vec![] }];
        notices.extend(self.open_wall());
        notices.extend(self.host.rival());
        self.equip_again();
        self.post(&ToWatcher::SendBlocks, None);
        let jails_end = self.settle_actor();
        for told in &notices {
            self.tell(told.clone());
        }
        if let Some(id) = asked_by {
            // The watcher has told the terminal of what does not run.
            // A jail without an action runs as it is written.
            let done = lacks.iter().all(|lack| lack.key.ends_with("-no-action"));
            notices.extend(lacks);
            let reply = Reply::Done { done, notices };
            let awaits = jails_end.then(|| Ends::Table(self.staff.table()));
            self.clients.answer_after(id, reply, None, awaits);
        }
    }

    /// Opens the firewall if it is wanted now and was not before; says why if it cannot.
    fn open_wall(&mut self) -> Option<Notice> {
        if self.load.observe || self.wall.is_ok() {
            return None;
        }
        self.wall = self.host.open_wall();
        let (key, name, value) = match &self.wall {
            Ok(_) => ("start-guards", "firewall", "nftables"),
            Err(why) => ("start-observes", "why", why.as_str()),
        };
        let told = Notice { key: key.into(), values: vec![(name.into(), value.into())] };
        if self.wall.is_ok() {
            // The watcher was told that nothing is blocked.
            self.send_brief_in_force(false);
        }
        Some(told)
    }

    /// Goes over to other log paths. The watcher lets go of what is not among them first: a file
    /// may stand under an old and a new path.
    fn change_gate(&mut self, gate: Gate, before: &Load) {
        self.gate = gate;
        self.unread.clear();
        let events = self.gate.scan();
        let opened = |event: &GateEvent| match event {
            GateEvent::Opened(opened) => Some(opened.path.clone()),
            _ => None,
        };
        let now: HashSet<String> = events.iter().filter_map(opened).collect();
        for path in std::mem::take(&mut self.files).into_keys() {
            if !now.contains(&path) {
                self.post(&ToWatcher::Dropped { path }, None);
            }
        }
        self.pass_on(events);
        self.tell_missing(&before.named);
    }

    fn refuse_reload(&mut self, asked_by: Option<u32>, refusal: Refusal) {
        let text = refusal.text.clone();
        self.refused = true;
        if let Some(id) = asked_by {
            self.clients.reply(id, &Reply::Refused(refusal));
        }
        self.note("config-refused", vec![("text", text)]);
    }

    /// Nothing came of it; a reload by a signal has nobody to answer but the terminal.
    fn give_up_reload(&mut self, asked_by: Option<u32>, key: &str) {
        match asked_by {
            Some(id) => self.clients.reply(id, &done(false, key, vec![])),
            None => self.note(key, vec![]),
        }
    }
}

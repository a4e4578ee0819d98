//! What ends blocks besides time: the engine obeys it, and jails end the bans that it is about.

use std::io;

use monban_engine::Observation;
use monban_jails::Freed;
use monban_model::wire::Command;
use monban_model::{Address, Net, Notice};

use super::mind::Answer;
use super::{Watch, notice};

/// Bans that are named one by one in an answer.
const NAMED_MAX: usize = 10;

impl Watch {
    /// Does what an operator wants. The answer names what both made of it.
    pub(super) fn command(&mut self, id: u32, command: Command) -> io::Result<()> {
        if let Command::Notify(request) = command {
            self.teller.ask(id, request, super::now());
            return self.tell_people();
        }
        let said = self.tell_jails(&command);
        if !said.is_empty() {
            self.stage.jails_said.insert(id, said);
        }
        self.serve_jails()?;
        self.observe(Observation::Command(id, command));
        Ok(())
    }

    /// A part of the allow list came.
    pub(super) fn allow_more(&mut self, nets: Vec<Net>, own: bool, more: bool) -> io::Result<()> {
        if own {
            self.allow_own.extend(&nets);
        }
        self.allow.extend(nets);
        if more {
            return Ok(());
        }
        let (nets, own) = (std::mem::take(&mut self.allow), std::mem::take(&mut self.allow_own));
        self.shield(nets, own)
    }

    /// The allow list is this one now; `own` are the addresses of this machine on it.
    fn shield(&mut self, nets: Vec<Net>, own: Vec<Net>) -> io::Result<()> {
        self.jail_side.jails().allow(nets.clone(), own);
        self.observe(Observation::Allow(nets));
        self.serve_jails()
    }

    /// These are logged in now.
    pub(super) fn meet(
        &mut self,
        administrators: Vec<Address>,
        guests: Vec<Address>,
    ) -> io::Result<()> {
        self.jail_side.jails().present(&administrators);
        self.observe(Observation::Present { administrators, guests });
        self.serve_jails()
    }

    fn tell_jails(&mut self, command: &Command) -> Vec<Notice> {
        let jails = self.jail_side.jails();
        match command {
            Command::Free { subject } => freed_notices(&jails.free_within(subject.net())),
            Command::Allowed { net } => freed_notices(&jails.free_allowed(*net)),
            Command::FreeAll => match jails.free_all() {
                0 => Vec::new(),
                count => vec![notice("freed-all-jails", &[("count", count.to_string())])],
            },
            // A ban by monban's own command is monban's own.
            Command::Ban { .. } | Command::Commit | Command::Notify(_) => Vec::new(),
        }
    }

    /// The answer of the engine with what the jails said before it.
    pub(super) fn with_jails(&mut self, (id, done, mut notices): Answer) -> Answer {
        let Some(said) = self.stage.jails_said.remove(&id) else { return (id, done, notices) };
        notices.retain(|notice| notice.key != "free-none");
        notices.extend(said);
        (id, true, notices)
    }
}

fn freed_notices(freed: &[Freed]) -> Vec<Notice> {
    let named = freed.iter().take(NAMED_MAX).map(|(jail, id)| {
        notice("freed-jail", &[("jail", jail.clone()), ("subject", id.to_string())])
    });
    let more = freed.len().saturating_sub(NAMED_MAX);
    let more = (more > 0).then(|| notice("freed-more", &[("count", more.to_string())]));
    named.chain(more).collect()
}

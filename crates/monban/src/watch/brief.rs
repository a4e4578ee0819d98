//! What the warden says is done.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

use monban_engine::Observation;
use monban_model::wire::{Offered, ToWarden, ToWatcher};
use monban_sources::{From, Offer, OfferError};

use super::{Clocks, Watch, notice, now};
use crate::roles::equipment;
use crate::roles::jails::bundle_of;
use crate::{problems, shipped};

/// A log that was never read before is read so far back: the last days of a busy server.
const FIRST_READ_BYTES: u64 = 256 << 20;

impl Watch {
    pub(super) fn obey(&mut self, frame: ToWatcher, fd: Option<OwnedFd>) -> io::Result<()> {
        match (frame, fd) {
            (ToWatcher::Brief { guards, reload, again, journal }, Some(fd)) => {
                self.brief(guards, reload, again, journal, fd)?;
            }
            (ToWatcher::Opened(offered), Some(fd)) => self.opened(offered, fd),
            (ToWatcher::Sibling(offered), Some(fd)) => self.sibling(&offered, File::from(fd)),
            (ToWatcher::SiblingsEnd { path }, _) => self.siblings_end(&path)?,
            (ToWatcher::Gone { path }, _) => self.source_gone(path),
            (ToWatcher::Dropped { path }, _) => {
                self.sending.sender.dropped(&path);
                self.source_dropped(path);
            }
            (ToWatcher::Wake { files }, _) => {
                for file in files {
                    if let Some(path) = self.paths.get(&file) {
                        self.feed.wake(path);
                        self.sending.sender.wake(path);
                    }
                }
            }
            (ToWatcher::Allow { nets, own, more }, _) => {
                self.allow_more(nets, own, more)?;
            }
            (ToWatcher::Present { administrators, guests }, _) => {
                self.meet(administrators, guests)?;
            }
            (ToWatcher::Command { id, command }, _) => {
                self.command(id, command)?;
            }
            (ToWatcher::Outcomes(outcomes), _) => {
                for outcome in outcomes {
                    self.observe(Observation::Outcome(outcome));
                }
            }
            (ToWatcher::Tell(told), _) => self.tell(told),
            (ToWatcher::Journal, Some(fd)) => self.journal_opened(fd),
            (ToWatcher::Who { address, answer }, _) => self.teller.answered(address, *answer),
            (ToWatcher::Keys { user }, pipe) => self.teller.keys_come(&user, pipe),
            (ToWatcher::HookState(state), _) => self.hook_stands(&state),
            (ToWatcher::Geo, file) => self.take_geo(file)?,
            (ToWatcher::PamSocket, Some(socket)) => self.take_hook(socket),
            (ToWatcher::Hooked(event), _) => self.hooked_before(&event),
            (ToWatcher::SpoolEnds, _) => self.spool_ends(),
            (ToWatcher::Lane(peer), end) => self.teller.lane(peer, end),
            (ToWatcher::SendBlocks, _) => self.send_blocks()?,
            (ToWatcher::AllOpened, _) => self.stage.all_opened = true,
            (ToWatcher::Stop, _) => self.finish()?,
            (frame, fd) => self.obey_for_jails(frame, fd)?,
        }
        Ok(())
    }

    /// Another database of places, or none: for messages, and for `[[origin]]`.
    fn take_geo(&mut self, file: Option<OwnedFd>) -> io::Result<()> {
        let copy = file.as_ref().map(OwnedFd::try_clone).transpose()?;
        if let Some(told) = self.mind.origins().take(copy.map(File::from)) {
            self.tell(told);
        }
        self.teller.take_geo(file);
        Ok(())
    }

    fn obey_for_jails(&mut self, frame: ToWatcher, fd: Option<OwnedFd>) -> io::Result<()> {
        match (frame, fd) {
            // Of another configuration the numbers mean other jails; its own will come.
            (ToWatcher::Actions { reload, .. }, _) if reload != self.jail_side.reload => {}
            (ToWatcher::Actions { fresh, .. }, _) => {
                self.jail_side.jails().actions(&fresh, now());
                self.serve_jails()?;
            }
            (ToWatcher::NoActions, _) => self.jail_side.jails().no_actions(),
            (ToWatcher::CheckJails, _) => {
                self.jail_side.jails().check(now());
                self.serve_jails()?;
            }
            (ToWatcher::Jailed(outcomes), _) => {
                for outcome in outcomes {
                    self.jail_side.jails().outcome(outcome, now());
                }
                self.serve_jails()?;
            }
            (ToWatcher::JailAnswer { id, answer }, _) => {
                self.jail_side.jails().answer(id, answer, now());
                self.serve_jails()?;
            }
            (ToWatcher::Words { id }, Some(fd)) => self.words(id, fd)?,
            // Only who was told nothing yet has a use for them.
            (ToWatcher::JailsAhead, _) => {}
            (ToWatcher::JailDatabase, fd) => self.take_database(fd)?,
            (ToWatcher::JailLog { path }, Some(fd)) => self.log_to(&path, fd),
            (ToWatcher::JailLog { .. }, None) => self.jail_side.log.expect_none(),
            (frame, _) => {
                let text = format!("a frame without its descriptor: {frame:?}");
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
        }
        Ok(())
    }

    fn log_to(&mut self, path: &str, fd: OwnedFd) {
        let is_new = self.jail_side.jails().logs_to(path);
        self.jail_side.log.open(File::from(fd), is_new.then_some(path));
    }

    fn brief(
        &mut self,
        guards: bool,
        reload: u32,
        again: bool,
        journal: bool,
        fd: OwnedFd,
    ) -> io::Result<()> {
        let bundle = bundle_of(fd)?;
        let loaded = match shipped::load(&bundle, false) {
            Ok(loaded) => loaded,
            Err(found) => {
                let say = self.mind.output().say();
                let refusal = problems::refusal(&found, Some(&bundle), say);
                return self.channel.send(&ToWarden::Refused { reload, refusal }, None);
            }
        };
        let first = !self.stage.briefed;
        let planned = match self.plan_jails(bundle.fail2ban.as_ref(), guards) {
            Ok(planned) => planned,
            Err(refusal) => {
                return self.channel.send(&ToWarden::Refused { reload, refusal }, None);
            }
        };
        self.mind.output().set_guards(guards);
        let used = loaded.config.journal.clone();
        let mut notify = loaded.config.notify.clone();
        equipment::sign(&mut notify);
        let sent = &loaded.config.aws.logs;
        if journal && sent.iter().any(|logs| !logs.services.is_empty()) {
            self.mind.output().notice(&notice("aws-logs-no-journal", &[]));
        }
        self.sending.sender.take_over(sent);
        self.teller.ask_who(loaded.config.ask_who);
        let (reports, home) = (loaded.config.reports.clone(), loaded.config.home);
        let texts = loaded.texts.clone();
        if first {
            // What was open in the run before has the times of its clock.
            self.clocks = Clocks::look();
        }
        self.mind.take_over(loaded, now());
        self.teller.take_over((notify, reports, texts), (home, guards), reload, now());
        self.collect();
        self.jail_side.reload = reload;
        let lacks = self.take_jails(planned);
        self.channel.send(&ToWarden::Ready { reload, lacks }, None)?;
        if bundle.fail2ban.is_some() {
            self.channel.send(&ToWarden::JailLog, None)?;
            if self.earlier.wait() {
                self.channel.send(&ToWarden::JailDatabase, None)?;
            }
        }
        self.serve_jails()?;
        if first {
            self.stage.briefed = true;
            self.again = again;
            self.tell_rules();
            self.send_blocks()?;
        }
        self.take_journal(journal, &used);
        Ok(())
    }

    fn tell_rules(&mut self) {
        if self.again || !self.jail_side.own_rules {
            return;
        }
        if let Some((patterns, names)) = self.mind.knows() {
            let values = [
                ("patterns", patterns.to_string()),
                ("services", names.len().to_string()),
                ("names", names.join(", ")),
            ];
            self.mind.output().notice(&notice("start-rules", &values));
        }
    }

    fn opened(&mut self, offered: Offered, fd: OwnedFd) {
        let file = File::from(fd);
        self.offer_to_sender(&offered, &file);
        if offered.watched {
            self.watch_file(offered, file);
        } else if self.feed.follows(&offered.path) {
            self.source_dropped(offered.path);
        }
        self.pending.touch();
    }

    /// A watcher stood here before, and what stands now where it knew of nothing came since. Of
    /// what a reload adds later nobody knows that.
    pub(super) fn starts_again(&self) -> bool {
        self.again && !self.stage.all_opened
    }

    fn watch_file(&mut self, offered: Offered, file: File) {
        let again = self.starts_again();
        let from = match offered.later || again {
            true => From::Start,
            false if self.jail_side.tails(&offered.path) => From::End,
            false => From::Bytes(FIRST_READ_BYTES),
        };
        let is_new = !self.feed.follows(&offered.path);
        self.stage.new_file(&offered.path, is_new);
        self.watched.judged(&offered.path, offered.judged);
        let first = first_line(&file);
        self.earlier.opened(&offered.path, &file, self.jail_side.jails());
        if let (false, false, Ok(found)) = (offered.later, again, file.metadata()) {
            self.jail_side.jails().tail(&offered.path, found.len());
        }
        let told = [("path", offered.path.clone())];
        match self.feed.offer(Offer { path: offered.path.clone(), from }, file) {
            Ok(source) => {
                if is_new {
                    self.mind.begin_source(source);
                }
                self.mind.learn_form(&offered.path, &first);
                self.jail_side.jails().follows(&offered.path);
                if self.watched.opened(&offered.path) {
                    self.tell(notice("source-back", &told));
                }
                if !self.stage.all_opened && !self.again {
                    self.mind.output().notice(&notice("start-watches", &told));
                }
                self.paths.insert(offered.file, offered.path);
            }
            Err(error) => {
                let [(_, path)] = told;
                let values = [("path", path), ("error", offer_error(&error))];
                self.tell(notice("source-failed", &values));
            }
        }
    }

    /// Reads what is there, orders what follows from it, and ends.
    fn finish(&mut self) -> io::Result<()> {
        self.feed.wake_all();
        for _ in 0..64 {
            if !self.read_files()? {
                break;
            }
        }
        self.jail_side.wake_all();
        self.serve_jails()?;
        while self.read_waiting()? {}
        self.send_orders()?;
        let bans: usize = self.jail_side.jails().in_force().map(|(_, ids)| ids.count()).sum();
        if bans > 0 && self.jail_side.acts {
            let told = notice("jails-leave", &[("count", bans.to_string())]);
            self.mind.output().notice(&told);
        }
        self.jail_side.jails().finish_orders();
        self.jail_side.end();
        self.ended = true;
        Ok(())
    }
}

/// The first line of a file, as far as it is there.
fn first_line(file: &File) -> Vec<u8> {
    let mut bytes = vec![0; 4096];
    let count = file.read_at(&mut bytes, 0).unwrap_or(0);
    bytes.truncate(count);
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(count);
    bytes.truncate(end);
    bytes
}

fn offer_error(error: &OfferError) -> String {
    match error {
        OfferError::TooMany => "too many files are followed".to_owned(),
        OfferError::PathTooLong => "the path is too long".to_owned(),
        OfferError::Io(error) => error.to_string(),
    }
}

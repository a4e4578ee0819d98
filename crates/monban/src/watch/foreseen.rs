//! What a watcher does before it is told its work: it puts jails together whose files are still
//! being judged. They count only if it is told to work by the same.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use monban_config::{Bundle, Fail2ban};
use monban_jails::Jails;
use monban_ledger::{Ledger, Saved};
use monban_model::wire::ToWatcher;
use monban_warden::{Channel, Received};

use super::jails::JailPlan;
use super::{Local, Watch};
use crate::roles::jails::{bundle_of, read_held, source_files};

/// The first frame that is more than a preparation, and what was prepared.
pub struct FirstWord {
    frame: ToWatcher,
    fd: Option<OwnedFd>,
    foreseen: Option<Foreseen>,
}

/// A ledger, and what it had.
pub type Opened = (Ledger, Saved);

/// Jails that are not in force.
pub struct Foreseen {
    /// The files that they were made of.
    of: Fail2ban,
    plan: JailPlan,
}

/// A frame with its descriptor.
type Frame = (ToWatcher, Option<OwnedFd>);

impl FirstWord {
    /// Waits for it, and opens the ledger of a folder when it comes: that waits for the disk, and
    /// jails are put together meanwhile. `None` if there will be none: the start was refused, and
    /// the ledger is as it was.
    ///
    /// # Errors
    /// If the warden speaks nonsense, or the ledger cannot be opened or have a thread.
    pub fn wait(channel: &mut Channel, local: &Local) -> io::Result<Option<(Self, Opened)>> {
        let (word, foreseen) = match next(channel)? {
            Some((ToWatcher::JailsAhead, Some(fd))) => std::thread::scope(|scope| {
                let waits = || next(channel).and_then(|frame| opened(frame, &local.folder));
                let builder = std::thread::Builder::new().name("ledger".to_owned());
                let word = builder.spawn_scoped(scope, waits)?;
                // What is wrong with the files is told when they come judged.
                let foreseen = Foreseen::of(fd, local).unwrap_or_default();
                let word = word.join().map_err(|_| io::Error::other("no ledger"))??;
                io::Result::Ok((word, foreseen))
            })?,
            frame => (opened(frame, &local.folder)?, None),
        };
        Ok(word.map(|((frame, fd), opened)| (Self { frame, fd, foreseen }, opened)))
    }
}

/// The next frame; `None` if there is nothing to do after all.
fn next(channel: &mut Channel) -> io::Result<Option<Frame>> {
    loop {
        match channel.wait()? {
            Received::Frame(ToWatcher::Stop, _) | Received::End => return Ok(None),
            Received::Frame(frame, fd) => return Ok(Some((frame, fd))),
            Received::Nothing => {}
        }
    }
}

/// The ledger beside a frame, if there is one.
fn opened(frame: Option<Frame>, folder: &Path) -> io::Result<Option<(Frame, Opened)>> {
    let with = |frame| Ok((frame, Ledger::open(folder).map_err(io::Error::other)?));
    frame.map(with).transpose()
}

impl Foreseen {
    fn of(fd: OwnedFd, local: &Local) -> io::Result<Option<Self>> {
        let Bundle { fail2ban: Some(offered), .. } = bundle_of(fd)? else { return Ok(None) };
        let (configuration, files) = read_held(&offered);
        let Fail2ban { folder, beside, .. } = offered;
        let of = Fail2ban { folder, beside, files: source_files(files.used()) };
        let mut nobody = Jails::new(local.zone.clone(), local.log.clone(), 0, 0);
        let plan = JailPlan::new(&mut nobody, Some(beside), configuration, &files, false);
        Ok(plan.ok().map(|plan| Self { of, plan }))
    }

    /// The plan, if it is for these files.
    pub fn plan_for(self, wanted: &Fail2ban) -> Option<JailPlan> {
        (self.of == *wanted).then_some(self.plan)
    }
}

impl Watch {
    /// Does what the first frame says, with what was prepared for it.
    ///
    /// # Errors
    /// As [`Watch::run`].
    pub fn begin(&mut self, word: FirstWord) -> io::Result<()> {
        let FirstWord { frame, fd, foreseen } = word;
        self.foreseen = foreseen;
        self.obey(frame, fd)?;
        self.foreseen = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use monban_config::SourceFile;
    use monban_fail2ban::dates::Zone;
    use monban_rules::Clock;
    use monban_warden::memory_file;

    use super::super::now;
    use super::*;

    /// A jail `x` whose filter has this expression, with a file that nobody needs.
    fn jails(failregex: &str, more: bool) -> Bundle {
        let file = |name: &str, text: String| SourceFile { file: format!("/f/{name}"), text };
        let filter = format!("[Definition]\nfailregex = {failregex}\n");
        let mut files = vec![
            file("filter.d/x.conf", filter.clone()),
            file("jail.local", "[x]\nenabled = yes\nfilter = x\nlogpath = /x.log\n".to_owned()),
        ];
        if more {
            files.insert(0, file("filter.d/a.conf", filter));
        }
        let fail2ban = Fail2ban { folder: "/f".to_owned(), beside: false, files };
        Bundle { fail2ban: Some(fail2ban), ..Bundle::default() }
    }

    /// What a watcher makes of these frames, whose sender is gone then, and whether that opened the
    /// ledger.
    fn first(ahead: &Bundle, frames: &[ToWatcher]) -> (Option<FirstWord>, bool) {
        let folder = tempfile::tempdir().unwrap();
        let (here, there) = Channel::pair().unwrap();
        let mut here = Channel::over(here);
        for frame in frames {
            here.post(frame, Some(memory_file(&ahead.to_bytes()).unwrap())).unwrap();
        }
        drop(here);
        let local = Local {
            clock: Clock::new("UTC", now()).unwrap(),
            zone: Zone::utc(),
            log: jiff::tz::TimeZone::UTC,
            folder: folder.path().into(),
            text: monban_warden::ProgramText::default(),
        };
        let word = FirstWord::wait(&mut Channel::over(there), &local).unwrap();
        let is_open = folder.path().read_dir().unwrap().next().is_some();
        (word.map(|(word, _)| word), is_open)
    }

    #[test]
    fn jails_that_were_made_ahead_count_if_they_are_made_of_the_same() {
        let brief = ToWatcher::Brief { guards: true, reload: 0, again: false, journal: false };
        let frames = [ToWatcher::JailsAhead, brief.clone()];
        let foreseen = |ahead: &Bundle| first(ahead, &frames).0.unwrap().foreseen.unwrap();
        let ahead = jails("^no <HOST>$", true);
        let wanted = |regex: &str| jails(regex, false).fail2ban.unwrap();
        assert!(foreseen(&ahead).plan_for(&wanted("^no <HOST>$")).is_some());
        assert!(foreseen(&ahead).plan_for(&wanted("^not <HOST>$")).is_none());
        let beside = Fail2ban { beside: true, ..wanted("^no <HOST>$") };
        assert!(foreseen(&ahead).plan_for(&beside).is_none());
        let (word, is_open) = first(&ahead, &[brief]);
        let word = word.unwrap();
        assert!(matches!(word.frame, ToWatcher::Brief { .. }) && word.fd.is_some());
        assert!(word.foreseen.is_none() && is_open);
    }

    #[test]
    fn a_start_that_is_refused_has_no_first_word_and_leaves_the_ledger_as_it_was() {
        let ahead = jails("^no <HOST>$", false);
        for frames in [&[ToWatcher::JailsAhead][..], &[ToWatcher::JailsAhead, ToWatcher::Stop]] {
            assert!(matches!(first(&ahead, frames), (None, false)));
        }
    }
}

//! What a watcher does before it is told its work: it puts jails together whose files are still
//! being judged. They count only if it is told to work by the same.

use std::io;
use std::os::fd::OwnedFd;

use monban_config::{Bundle, Fail2ban};
use monban_jails::Jails;
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

/// Jails that are not in force.
pub struct Foreseen {
    /// The files that they were made of.
    of: Fail2ban,
    plan: JailPlan,
}

impl FirstWord {
    /// Waits for it. `None` if there will be none: the start was refused.
    ///
    /// # Errors
    /// If the warden speaks nonsense.
    pub fn wait(channel: &mut Channel, local: &Local) -> io::Result<Option<Self>> {
        let mut foreseen = None;
        loop {
            match channel.wait()? {
                Received::Frame(ToWatcher::JailsAhead, Some(fd)) => {
                    // What is wrong with the files is told when they come judged.
                    foreseen = Foreseen::of(fd, local).unwrap_or_default();
                }
                Received::Frame(ToWatcher::Stop, _) | Received::End => return Ok(None),
                Received::Frame(frame, fd) => return Ok(Some(Self { frame, fd, foreseen })),
                Received::Nothing => {}
            }
        }
    }
}

impl Foreseen {
    fn of(fd: OwnedFd, local: &Local) -> io::Result<Option<Self>> {
        let Bundle { fail2ban: Some(offered), .. } = bundle_of(fd)? else { return Ok(None) };
        let (configuration, files) = read_held(&offered);
        let Fail2ban { folder, beside, .. } = offered;
        let of = Fail2ban { folder, beside, files: source_files(files.used()) };
        let mut nobody = Jails::new(local.zone.clone(), local.log.clone(), 0, 0);
        let plan = JailPlan::new(&mut nobody, Some(beside), &configuration, &files, false);
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

    /// What a watcher makes of these frames, whose sender is gone then.
    fn first(ahead: &Bundle, frames: &[ToWatcher]) -> Option<FirstWord> {
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
            folder: "/nowhere".into(),
        };
        FirstWord::wait(&mut Channel::over(there), &local).unwrap()
    }

    #[test]
    fn jails_that_were_made_ahead_count_if_they_are_made_of_the_same() {
        let brief = ToWatcher::Brief { guards: true, reload: 0, again: false, journal: false };
        let frames = [ToWatcher::JailsAhead, brief.clone()];
        let foreseen = |ahead: &Bundle| first(ahead, &frames).unwrap().foreseen.unwrap();
        let ahead = jails("^no <HOST>$", true);
        let wanted = |regex: &str| jails(regex, false).fail2ban.unwrap();
        assert!(foreseen(&ahead).plan_for(&wanted("^no <HOST>$")).is_some());
        assert!(foreseen(&ahead).plan_for(&wanted("^not <HOST>$")).is_none());
        let beside = Fail2ban { beside: true, ..wanted("^no <HOST>$") };
        assert!(foreseen(&ahead).plan_for(&beside).is_none());
        let word = first(&ahead, &[brief]).unwrap();
        assert!(matches!(word.frame, ToWatcher::Brief { .. }) && word.fd.is_some());
        assert!(word.foreseen.is_none());
    }

    #[test]
    fn a_start_that_is_refused_has_no_first_word() {
        let ahead = jails("^no <HOST>$", false);
        assert!(first(&ahead, &[ToWatcher::JailsAhead]).is_none());
        assert!(first(&ahead, &[ToWatcher::JailsAhead, ToWatcher::Stop]).is_none());
    }
}

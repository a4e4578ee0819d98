//! The hook as the running guard sees it: once it was put in, that it is gone, changed or dead is
//! noticed within seconds.
//!
//! Every ten seconds the files are asked whether they are still the same, which takes less than a
//! tenth of a millisecond. If one is not, and every ten minutes, everything that `pam check` looks
//! at is looked at by a thread: sshd is asked for its configuration, and may take its time.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;
use std::time::{Duration, Instant};

use monban_model::Notice;
use monban_model::limits::{HOOK_FLAWS_MAX, HOOK_SERVICES_MAX};
use monban_model::wire::{HookFlaw, HookState};

use super::args::{SshdArgs, Where};
use super::check::{self, Report};
use super::edit::is_ours;
use super::finding::Finding;
use super::record::{self, Record};
use super::stack::{PamDir, Stack};
use super::survey::State;
use super::{SERVICES, sshd};

/// The files are asked so often whether they are the same.
const STAMPS_EVERY: Duration = Duration::from_secs(10);

/// Everything is looked at so often, also where no file seems to have changed.
const LOOK_EVERY: Duration = Duration::from_secs(600);

/// What the kernel says of a file: device, inode, size, times of content and of rights, rights,
/// owner. Nothing if it is not there.
type Stamp = Option<(u64, u64, u64, (i64, i64), (i64, i64), u32, u32)>;

/// Looks after the hook of a state folder's guard.
#[derive(Debug)]
pub struct Watched {
    place: Placed,
    stamps: Vec<(PathBuf, Stamp)>,
    stamped: Option<Instant>,
    looked: Option<Instant>,
    running: Option<Receiver<Look>>,
}

#[derive(Clone, Debug)]
struct Placed {
    state: PathBuf,
    pam: Where,
    sshd: SshdArgs,
}

#[derive(Debug)]
struct Look {
    state: HookState,
    stamps: Vec<(PathBuf, Stamp)>,
}

impl Watched {
    /// Looks after what was put in by the record in this state folder.
    pub fn of(state: &Path) -> Self {
        let pam = Where { services: Vec::new(), pam_dir: PathBuf::from("/etc/pam.d") };
        let sshd = SshdArgs { sshd: PathBuf::from(sshd::PROGRAM), sshd_config: None };
        Self::over(Placed { state: state.to_owned(), pam, sshd })
    }

    fn over(place: Placed) -> Self {
        Self { place, stamps: Vec::new(), stamped: None, looked: None, running: None }
    }

    /// What a look found that came to its end since the last call. Begins one if it is time for
    /// it; waits for nothing.
    pub fn poll(&mut self) -> Option<HookState> {
        if let Some(running) = &self.running {
            return match running.try_recv() {
                Ok(look) => {
                    (self.running, self.stamps) = (None, look.stamps);
                    Some(look.state)
                }
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => {
                    self.running = None;
                    None
                }
            };
        }
        let is_over = |since: Option<Instant>, wait| since.is_none_or(|at| at.elapsed() >= wait);
        if !is_over(self.stamped, STAMPS_EVERY) {
            return None;
        }
        self.stamped = Some(Instant::now());
        let is_same = self.stamps.iter().all(|(path, stamp)| stamp_of(path) == *stamp);
        if is_same && !is_over(self.looked, LOOK_EVERY) {
            return None;
        }
        self.looked = Some(Instant::now());
        let (sender, receiver) = channel();
        let place = self.place.clone();
        let work = move || {
            // Whoever asked is gone, or hears of it.
            let _ = sender.send(look(&place));
        };
        self.running = thread::Builder::new().spawn(work).ok().map(|_| receiver);
        None
    }
}

fn look(place: &Placed) -> Look {
    let dir = PamDir::of(&place.pam.pam_dir);
    let recorded = Record::read(&place.state).expected(&dir);
    let mut paths = BTreeSet::from([place.state.join(record::FILE)]);
    if recorded.is_empty() {
        let stamps = paths.into_iter().map(|path| (path.clone(), stamp_of(&path))).collect();
        return Look { state: HookState::default(), stamps };
    }
    let mut names: BTreeSet<&str> = SERVICES.iter().copied().collect();
    names.extend(recorded.iter().map(|one| one.service.as_str()));
    for name in &names {
        paths.insert(dir.file(name));
        paths.extend(dir.session(name).rules.into_iter().map(|one| one.file));
    }
    let lines = recorded.iter().flat_map(|one| Stack::read(&one.line).rules);
    for rule in lines {
        let program = rule.runs().map(|(program, _)| PathBuf::from(program));
        paths.extend(program.iter().flat_map(|it| it.ancestors()).map(Path::to_path_buf));
    }
    paths.extend(check::sshd_of(&place.sshd).iter().flat_map(sshd::Sshd::files));
    // Before the look: what changes while it goes on is looked at again.
    let stamps = paths.into_iter().map(|path| (path.clone(), stamp_of(&path))).collect();
    let report = check::look(&place.state, &place.pam, &place.sshd);
    let flaws = flaws(&report);
    let services = names.into_iter().filter(|name| is_hooked(&dir, name, &report, &flaws));
    let services = services.take(HOOK_SERVICES_MAX).map(str::to_owned).collect();
    Look { state: HookState { is_installed: true, services, flaws }, stamps }
}

/// Whether each session of a service calls the hook, as far as that can be known.
fn is_hooked(dir: &PamDir, name: &str, report: &Report, flaws: &[HookFlaw]) -> bool {
    let is_fine = |service: &str| !flaws.iter().any(|flaw| flaw.service == service);
    let known = report.services.iter().find(|service| service.name == name);
    match known {
        Some(service) => service.state == State::Hooked && is_fine(name) && is_fine("pam"),
        None => {
            // A service that includes another one has its line.
            let is_there = dir.session(name).rules.iter().any(|one| is_ours(&one.rule));
            is_there && flaws.is_empty()
        }
    }
}

/// What is wrong with the hook itself. Scripts of others are judged by `pam check` alone, but for
/// those that others may write to: whoever does is root at the next login.
fn flaws(report: &Report) -> Vec<HookFlaw> {
    let of_services = report.services.iter().flat_map(|service| {
        service.findings.iter().map(|finding| (service.name.as_str(), finding))
    });
    let of_others = report.others.iter().filter_map(|finding| {
        let is_of_sshd = !finding.code.starts_with("program-") && is_sshds(finding);
        let service = if is_of_sshd { "sshd" } else { "pam" };
        (is_of_sshd || finding.code.starts_with("program-")).then_some((service, finding))
    });
    let wrong = of_services.chain(of_others).filter(|(_, finding)| finding.is_wrong());
    wrong.take(HOOK_FLAWS_MAX).map(|(service, finding)| flaw(service, finding)).collect()
}

fn is_sshds(finding: &Finding) -> bool {
    sshd::CODES.contains(&finding.code)
}

fn flaw(service: &str, finding: &Finding) -> HookFlaw {
    let file = match finding.line {
        0 => finding.file.clone(),
        line => format!("{}:{line}", finding.file),
    };
    let mut values = vec![("file".to_owned(), file)];
    values.extend(finding.values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    HookFlaw {
        severity: finding.severity,
        service: service.to_owned(),
        told: Notice { key: format!("pam-{}", finding.code), values },
    }
}

fn stamp_of(path: &Path) -> Stamp {
    let facts = fs::metadata(path).ok()?;
    let content = (facts.mtime(), facts.mtime_nsec());
    let rights = (facts.ctime(), facts.ctime_nsec());
    // What lies in a folder is no matter, and /tmp changes all the time: only whose it is.
    match facts.is_dir() && !path.ends_with("sshd_config.d") {
        true => Some((facts.dev(), facts.ino(), 0, (0, 0), (0, 0), facts.mode(), facts.uid())),
        false => Some((
            facts.dev(),
            facts.ino(),
            facts.size(),
            content,
            rights,
            facts.mode(),
            facts.uid(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pam::edit::our_line;
    use crate::pam::program;

    struct Around {
        folder: tempfile::TempDir,
        watched: Watched,
    }

    impl Around {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let (pam_dir, state) = (folder.path().join("pam.d"), folder.path().join("state"));
            fs::create_dir(&pam_dir).unwrap();
            let pam = Where { services: Vec::new(), pam_dir };
            // No sshd: what it would say is another test's.
            let nothing = folder.path().join("none");
            let sshd = SshdArgs { sshd: nothing.clone(), sshd_config: Some(nothing) };
            let watched = Watched::over(Placed { state, pam, sshd });
            Self { folder, watched }
        }

        fn put(&self, name: &str, text: &str) {
            fs::write(self.folder.path().join("pam.d").join(name), text).unwrap();
        }

        fn record(&self, names: &[&str]) {
            let dir = PamDir::of(&self.watched.place.pam.pam_dir);
            let mut record = Record::default();
            names.iter().for_each(|name| record.put(&dir, name, &our_line(&program())));
            record.write(&self.watched.place.state).unwrap();
        }

        /// What the next look finds, as if ten seconds had passed; nothing if there is none.
        fn next(&mut self) -> Option<HookState> {
            self.watched.stamped = None;
            assert_eq!(self.watched.poll(), None, "a look takes its time");
            let end = Instant::now() + Duration::from_secs(20);
            while self.watched.running.is_some() {
                if let Some(state) = self.watched.poll() {
                    return Some(state);
                }
                assert!(Instant::now() < end);
                thread::sleep(Duration::from_millis(2));
            }
            None
        }
    }

    fn codes(state: &HookState) -> Vec<&str> {
        let codes = state.flaws.iter().map(|flaw| flaw.told.key.as_str());
        // Of the test's own program: it lies in a folder of whoever builds.
        codes.filter(|code| !code.starts_with("pam-program")).collect()
    }

    #[test]
    fn a_hook_that_was_put_in_is_missed_when_it_is_gone() {
        let mut around = Around::new();
        assert_eq!(around.next(), Some(HookState::default()), "nothing was put in");
        assert_eq!(around.next(), None, "and nothing changed");
        let line = our_line(&program());
        let text = format!("session required pam_permit.so\n{line}\n");
        around.put("sshd", &text);
        around.record(&["sshd"]);
        let fine = around.next().unwrap();
        assert!(fine.is_installed);
        assert_eq!(codes(&fine), [""; 0]);
        around.put("sshd", "session required pam_permit.so\n");
        let gone = around.next().unwrap();
        assert_eq!((codes(&gone), gone.services.len()), (vec!["pam-gone"], 0));
        assert_eq!(gone.flaws[0].service, "sshd");
        around.put("sshd", &text.replace("optional", "required"));
        assert_eq!(codes(&around.next().unwrap()), ["pam-not-optional"]);
        around.put("sshd", &format!("session sufficient pam_permit.so\n{line}\n"));
        assert_eq!(codes(&around.next().unwrap()), ["pam-passed-over"]);
        around.put("sshd", &text);
        assert_eq!(codes(&around.next().unwrap()), [""; 0]);
        around.record(&[]);
        assert_eq!(around.next(), Some(HookState::default()), "it was taken out as it should be");
    }

    #[test]
    fn what_is_not_of_the_hook_is_left_to_the_check() {
        let mut around = Around::new();
        let script = around.folder.path().join("x.sh");
        fs::write(&script, "#!/bin/sh\necho -e \"$PAM_USER\" | logger\n").unwrap();
        around.put("sshd", &format!("session optional pam_permit.so\n{}\n", our_line(&program())));
        around.put("cron", &format!("session optional pam_exec.so {}\n", script.display()));
        around.record(&["sshd"]);
        let state = around.next().unwrap();
        assert_eq!(codes(&state), [""; 0], "{state:?}");
    }
}

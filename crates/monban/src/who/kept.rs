//! What registries said is kept over calls of the commands, and asking them has an end.
//!
//! Messages have that in the courier's desk; here it is a folder of root's, with a file for each
//! address: whoever asks about a list of addresses, or about one again, is no burden to strangers,
//! who shut out those that are.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use monban_model::limits::{FRAME_MAX, WHO_FAILED_KEPT_S, WHO_KEPT_S, WHO_PACE_S, WHO_PER_DAY_MAX};
use monban_model::wire::{decode, encode};
use monban_model::{Address, WhoAnswer};

use crate::place::Place;

/// The file whose lock is the turn to ask, and whose time is that of the last question.
const TURN: &str = "turn";
const DAY: Duration = Duration::from_secs(86_400);
const PACE: Duration = Duration::from_secs(WHO_PACE_S);

/// The folder of answers.
pub(super) struct Kept(PathBuf);

/// As many were asked about today as may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl Kept {
    /// That of a state folder, if this user may have one there.
    pub(super) fn of(place: &Place) -> Option<Self> {
        place.prepare_state().ok()?;
        Self::at(place.state.join("whois")).ok()
    }

    fn at(folder: PathBuf) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        Ok(Self(folder))
    }

    /// What was said of an address, as long as that is kept: a day, and an hour if nobody could
    /// tell.
    pub(super) fn answer(&self, address: Address, now: SystemTime) -> Option<WhoAnswer> {
        let path = self.path(address);
        let age = age(&path, now)?;
        if fs::metadata(&path).ok()?.len() > FRAME_MAX as u64 {
            return None;
        }
        let answer: WhoAnswer = decode(&fs::read(&path).ok()?).ok()?;
        let kept_s = match answer {
            WhoAnswer::Failed(_) => WHO_FAILED_KEPT_S,
            _ => WHO_KEPT_S,
        };
        (age < Duration::from_secs(kept_s)).then_some(answer)
    }

    /// Waits until registries may be asked: one question a second, also of calls side by side.
    ///
    /// # Errors
    /// If as many were asked about within a day as may be ([`WHO_PER_DAY_MAX`]).
    pub(super) fn wait_for_turn(&self) -> Result<(), TooMany> {
        self.forget_old(SystemTime::now());
        // Without the file there is no pace to keep, and the answer is wanted all the same.
        let Ok(turn) = File::options().create(true).append(true).open(self.0.join(TURN)) else {
            return Ok(());
        };
        let _ = turn.lock();
        if self.answers() >= WHO_PER_DAY_MAX as usize {
            return Err(TooMany);
        }
        let last = turn.metadata().and_then(|facts| facts.modified());
        let since = last.ok().and_then(|last| SystemTime::now().duration_since(last).ok());
        let is_new = turn.metadata().is_ok_and(|facts| facts.len() == 0);
        if let Some(left) = since.filter(|_| !is_new).and_then(|since| PACE.checked_sub(since)) {
            thread::sleep(left);
        }
        // One byte says that somebody asked before, and the time when.
        let _ = turn.set_len(1);
        let _ = turn.set_modified(SystemTime::now());
        Ok(())
    }

    /// Keeps what was said.
    pub(super) fn keep(&self, address: Address, answer: &WhoAnswer) {
        // What cannot be kept is asked again.
        let new = self.0.join(format!("{address}.{}", std::process::id()));
        if fs::write(&new, encode(answer)).is_ok() {
            let _ = fs::rename(&new, self.path(address));
        }
    }

    fn path(&self, address: Address) -> PathBuf {
        self.0.join(address.to_string())
    }

    fn forget_old(&self, now: SystemTime) {
        for path in self.files() {
            // A time to come is that of a clock that was ahead.
            if age(&path, now).is_none_or(|age| age >= DAY) {
                let _ = fs::remove_file(&path);
            }
        }
    }

    fn answers(&self) -> usize {
        self.files().count()
    }

    fn files(&self) -> impl Iterator<Item = PathBuf> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        entries.filter(|entry| entry.file_name() != TURN).map(|entry| entry.path())
    }
}

/// How long ago a file was written; `None` if it is not there, or of a time to come.
fn age(path: &Path, now: SystemTime) -> Option<Duration> {
    now.duration_since(fs::metadata(path).ok()?.modified().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use monban_model::Special;

    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    fn made(folder: &Path) -> Kept {
        Kept::at(folder.join("whois")).unwrap()
    }

    #[test]
    fn an_answer_is_kept_for_a_day_and_a_failure_for_an_hour() {
        let folder = tempfile::tempdir().unwrap();
        let kept = made(folder.path());
        let (told, failed) = (address("198.51.100.7"), address("2001:db8::7"));
        let answers =
            [WhoAnswer::NotPublic(Special::Documentation), WhoAnswer::Failed("no answer".into())];
        kept.keep(told, &answers[0]);
        kept.keep(failed, &answers[1]);
        let after = |s: u64| SystemTime::now() + Duration::from_secs(s);
        for (address, s, answer) in [
            (told, 60, Some(&answers[0])),
            (told, WHO_KEPT_S - 60, Some(&answers[0])),
            (told, WHO_KEPT_S + 60, None),
            (failed, 60, Some(&answers[1])),
            (failed, WHO_FAILED_KEPT_S + 60, None),
            (super::tests::address("198.51.100.8"), 60, None),
        ] {
            assert_eq!(kept.answer(address, after(s)).as_ref(), answer, "{address} after {s}");
        }
        fs::write(kept.path(told), b"\xff\xff hostile").unwrap();
        assert_eq!(kept.answer(told, after(1)), None);
        kept.forget_old(after(WHO_KEPT_S + 60));
        assert_eq!(kept.answers(), 0);
    }

    #[test]
    fn the_second_question_waits_and_the_day_has_an_end() {
        let folder = tempfile::tempdir().unwrap();
        let kept = made(folder.path());
        let start = Instant::now();
        kept.wait_for_turn().unwrap();
        assert!(start.elapsed() < PACE / 2);
        kept.wait_for_turn().unwrap();
        assert!(start.elapsed() >= PACE * 9 / 10, "{:?}", start.elapsed());
        for number in 0..WHO_PER_DAY_MAX {
            fs::write(kept.0.join(number.to_string()), b"x").unwrap();
        }
        assert_eq!(kept.wait_for_turn(), Err(TooMany));
    }
}

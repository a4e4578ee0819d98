//! Of the files that a wildcard fits, the one that was written last.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::time::SystemTime;

use monban_sources::{Feed, From, Offer};

/// The files of a stream with `newest_only`.
#[derive(Debug, Default)]
pub struct Newest {
    files: BTreeMap<String, File>,
    /// Those that were the newest once and are read to their end.
    chosen: BTreeSet<String>,
}

impl Newest {
    /// A file stands at this path now.
    pub fn opened(&mut self, path: &str, file: File) {
        self.files.insert(path.to_owned(), file);
    }

    /// It was the newest once, before this began.
    pub fn was_chosen(&mut self, path: &str) {
        self.chosen.insert(path.to_owned());
    }

    /// None does any more.
    pub fn gone(&mut self, path: &str) {
        self.files.remove(path);
        self.chosen.remove(path);
    }

    /// Has the newest file read, and leaves the others, as soon as they are read to their end if
    /// they were the newest before. Where they were left, reading goes on if they are it again.
    pub fn choose(&mut self, feed: &mut Feed) {
        if let Some(newest) = self.leave_others(feed) {
            self.chosen.insert(newest);
        }
    }

    /// The same while not all files are known: the newest until now is not to be read to its end
    /// if another one is newer.
    pub fn leave_others(&mut self, feed: &mut Feed) -> Option<String> {
        let newest = self.files.iter().max_by_key(|(path, file)| (written(file), *path));
        let (newest, file) = newest?;
        if !feed.follows(newest)
            && let Ok(file) = file.try_clone()
        {
            // Its row says where it was left.
            let offer = Offer { path: newest.clone(), from: From::Start };
            let _ = feed.offer(offer, file);
        }
        let others = self.files.keys().filter(|path| *path != newest);
        let done: Vec<&String> = others
            .filter(|path| feed.follows(path))
            .filter(|path| !self.chosen.contains(*path) || feed.backlog_of(path) == 0)
            .collect();
        for path in done {
            feed.leave(path);
            self.chosen.remove(path);
        }
        Some(newest.clone())
    }

    /// How many files are looked at.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    #[cfg(test)]
    pub fn sizes(&self) -> [usize; 2] {
        [self.files.len(), self.chosen.len()]
    }

    /// The file that was written first is looked at no more.
    pub fn forget_oldest(&mut self, feed: &mut Feed) {
        let oldest = self.files.iter().min_by_key(|(path, file)| (written(file), *path));
        let Some(oldest) = oldest.map(|(path, _)| path.clone()) else { return };
        feed.leave(&oldest);
        self.gone(&oldest);
    }
}

fn written(file: &File) -> SystemTime {
    let written = file.metadata().and_then(|facts| facts.modified());
    written.unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use monban_model::Stamp;
    use monban_sources::Turns;

    use super::*;

    #[test]
    fn only_what_was_written_last_is_read_and_the_one_before_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let write = |name: &str, text: &str, age_s: u64| {
            let old = std::fs::read_to_string(path(name)).unwrap_or_default();
            std::fs::write(path(name), old + text).unwrap();
            let file = File::options().write(true).open(path(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age_s)).unwrap();
        };
        let (mut feed, mut newest) = (Feed::new(Vec::new()), Newest::default());
        let read = |feed: &mut Feed, newest: &mut Newest| {
            newest.choose(feed);
            let mut lines = Vec::new();
            feed.wake_all();
            feed.read(1 << 16, Stamp::from_s(1_800_000_000), Turns::Round, &mut |line, _| {
                lines.push(String::from_utf8_lossy(line.bytes).into_owned());
            });
            newest.choose(feed);
            lines.sort();
            lines
        };
        let open = |feed: &mut Feed, newest: &mut Newest, name: &str, from| {
            let file = File::open(path(name)).unwrap();
            newest.opened(&path(name), file.try_clone().unwrap());
            feed.offer(Offer { path: path(name), from }, file).unwrap();
        };
        write("1", "a\n", 50);
        write("2", "b\n", 40);
        open(&mut feed, &mut newest, "1", From::End);
        open(&mut feed, &mut newest, "2", From::Start);
        assert_eq!(read(&mut feed, &mut newest), ["b"]);
        assert!(!feed.follows(&path("1")));
        write("2", "c\n", 30);
        write("3", "d\n", 20);
        open(&mut feed, &mut newest, "3", From::Start);
        assert_eq!(read(&mut feed, &mut newest), ["c", "d"], "the one before to its end");
        assert!(!feed.follows(&path("2")));
        write("1", "e\n", 10);
        assert_eq!(read(&mut feed, &mut newest), ["e"], "from where it was left");
        assert!(!feed.follows(&path("3")));
    }
}

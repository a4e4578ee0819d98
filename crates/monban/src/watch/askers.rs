//! Who asks the warden for the rotated files beside a log: one at a time for each path, so that
//! it is known whose answer comes.

use std::collections::{HashMap, VecDeque};

use monban_model::wire::SiblingsOf;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// The feed of what is watched.
    Watch,
    /// That of a stream of logs, by its number in this process.
    Stream(u64),
}

/// Questions, by their paths. The first of each was asked.
#[derive(Debug, Default)]
pub struct Askers {
    waiting: HashMap<String, VecDeque<(Asker, SiblingsOf)>>,
}

impl Askers {
    /// A question comes in; it is given back if it is to be asked now.
    pub fn ask(&mut self, asker: Asker, of: SiblingsOf) -> Option<SiblingsOf> {
        let waiting = self.waiting.entry(of.path.clone()).or_default();
        // Whoever asks again has no use for the answer to what he asked before and nobody heard.
        let unasked = |(at, (other, _)): &(usize, &(Asker, SiblingsOf))| *at > 0 && *other == asker;
        if let Some((at, _)) = waiting.iter().enumerate().find(unasked) {
            waiting.remove(at);
        }
        waiting.push_back((asker, of.clone()));
        (waiting.len() == 1).then_some(of)
    }

    /// Whose answer comes about a path.
    pub fn hears(&self, path: &str) -> Option<Asker> {
        Some(self.waiting.get(path)?.front()?.0)
    }

    /// The answer is complete: whose it was, and what is to be asked next.
    pub fn end(&mut self, path: &str) -> (Option<Asker>, Option<SiblingsOf>) {
        let Some(waiting) = self.waiting.get_mut(path) else { return (None, None) };
        let ended = waiting.pop_front().map(|(asker, _)| asker);
        let next = waiting.front().map(|(_, of)| of.clone());
        if next.is_none() {
            self.waiting.remove(path);
        }
        (ended, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_comes_to_who_asked() {
        let of = |ino| SiblingsOf { path: "/a".to_owned(), dev: 1, ino };
        let mut askers = Askers::default();
        assert_eq!(askers.ask(Asker::Watch, of(1)), Some(of(1)));
        assert_eq!(askers.ask(Asker::Stream(7), of(2)), None, "it waits");
        assert_eq!(askers.ask(Asker::Stream(7), of(3)), None, "instead of the one before");
        assert_eq!(askers.hears("/a"), Some(Asker::Watch));
        assert_eq!(askers.end("/a"), (Some(Asker::Watch), Some(of(3))));
        assert_eq!(askers.end("/a"), (Some(Asker::Stream(7)), None));
        assert_eq!(askers.end("/a"), (None, None));
        assert!(askers.waiting.is_empty());
    }
}

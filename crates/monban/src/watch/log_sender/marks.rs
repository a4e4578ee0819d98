//! Which positions may be saved once which events have arrived.

use std::collections::{HashMap, VecDeque};

use monban_model::PositionRow;

/// The row of each path; nothing of one that is to be forgotten.
pub type Rows = HashMap<String, Option<PositionRow>>;

/// Steps that are told apart at most. Beyond it neighbours become one: after a kill a few events
/// more arrive twice then.
const STEPS_MAX: usize = 64;

/// Positions by the number of the last event before them.
#[derive(Debug, Default)]
pub struct Marks {
    steps: VecDeque<(u64, Rows)>,
}

impl Marks {
    /// After so many events these paths were read so far. Events are only added.
    pub fn add(&mut self, events: u64, rows: Rows) {
        if rows.is_empty() {
            return;
        }
        match self.steps.back_mut().filter(|(last, _)| *last == events) {
            Some((_, last)) => last.extend(rows),
            None => self.steps.push_back((events, rows)),
        }
        if self.steps.len() > STEPS_MAX {
            self.thin();
        }
    }

    /// What may be saved when so many events have arrived.
    pub fn take(&mut self, events: u64) -> Rows {
        let mut ready = Rows::new();
        while let Some((_, rows)) = self.steps.pop_front_if(|(step, _)| *step <= events) {
            ready.extend(rows);
        }
        ready
    }

    /// Every second step takes over what the one before it holds.
    fn thin(&mut self) {
        let mut kept = VecDeque::new();
        let mut steps = std::mem::take(&mut self.steps).into_iter();
        while let Some((at, mut rows)) = steps.next() {
            match steps.next() {
                Some((later, more)) => {
                    rows.extend(more);
                    kept.push_back((later, rows));
                }
                None => kept.push_back((at, rows)),
            }
        }
        self.steps = kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str, offset: u64) -> Rows {
        let row = PositionRow { offset, ..PositionRow::unread(path) };
        Rows::from([(path.to_owned(), Some(row))])
    }

    fn offset(rows: &Rows, path: &str) -> Option<u64> {
        rows.get(path)?.as_ref().map(|row| row.offset)
    }

    #[test]
    fn a_position_is_saved_when_all_before_it_has_arrived() {
        let mut marks = Marks::default();
        marks.add(0, at("/a", 1));
        assert_eq!(offset(&marks.take(0), "/a"), Some(1), "before the first event");
        marks.add(3, at("/a", 30));
        marks.add(3, at("/b", 31));
        marks.add(5, at("/a", 50));
        assert!(marks.take(2).is_empty());
        let ready = marks.take(4);
        assert_eq!((offset(&ready, "/a"), offset(&ready, "/b")), (Some(30), Some(31)));
        assert_eq!(offset(&marks.take(9), "/a"), Some(50));
        marks.add(9, Rows::from([("/a".to_owned(), None)]));
        assert_eq!(marks.take(9).get("/a"), Some(&None));
    }

    #[test]
    fn many_small_steps_become_fewer_and_none_is_saved_too_early() {
        let mut marks = Marks::default();
        for step in 1..=10_000 {
            marks.add(step, at("/a", step));
            assert!(marks.steps.len() <= STEPS_MAX);
        }
        for arrived in [1, 100, 5000, 9999] {
            let saved = offset(&marks.take(arrived), "/a");
            assert!(saved.is_none_or(|saved| saved <= arrived), "{saved:?} of {arrived}");
        }
        assert_eq!(offset(&marks.take(10_000), "/a"), Some(10_000));
    }
}

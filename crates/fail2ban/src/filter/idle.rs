//! Lines that a filter keeps for `maxlines` and has not looked at: none of them may match anything,
//! alone or with the lines before. They are kept for it without asking it.

use std::collections::VecDeque;
use std::rc::Rc;

use super::buffer::Cut;

/// Those of one filter, behind the lines that it keeps itself.
#[derive(Debug)]
pub(super) struct Idle {
    lines: VecDeque<Line>,
    most: usize,
    /// Whether a line that the filter keeps itself may match something: it has to be asked.
    pub waits: bool,
}

#[derive(Debug)]
struct Line {
    text: Rc<str>,
    cut: Option<(usize, usize)>,
}

impl Idle {
    /// Of a filter that keeps so many lines.
    pub fn new(most: usize) -> Self {
        Self { lines: VecDeque::new(), most, waits: false }
    }

    /// Keeps a line; what is cut out of it is its date.
    pub fn push(&mut self, text: Rc<str>, cut: Option<(usize, usize)>) {
        if self.lines.len() >= self.most {
            self.lines.pop_front();
        }
        self.lines.push_back(Line { text, cut });
    }

    /// Hands them to the filter, oldest first.
    pub fn hand_over(&mut self, mut to: impl FnMut(Cut<'_>)) {
        for line in self.lines.drain(..) {
            to(Cut::at(&line.text, line.cut));
        }
    }
}

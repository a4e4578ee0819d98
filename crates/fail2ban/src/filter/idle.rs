//! Lines that a filter keeps for `maxlines` and has not looked at: none of them may match anything,
//! alone or with the lines before. They are kept for it without asking it.

use super::buffer::Cut;

/// Room that a line keeps for the next one in its place.
const ROOM_BYTES: usize = 1024;

/// Those of one filter, behind the lines that it keeps itself.
#[derive(Debug)]
pub(super) struct Idle {
    /// Their room, in a ring: the texts are written over.
    lines: Vec<Line>,
    /// The oldest one's place in it, and how many there are.
    first: usize,
    count: usize,
    most: usize,
    /// Whether a line that the filter keeps itself may match something: it has to be asked.
    pub waits: bool,
}

#[derive(Debug, Default)]
struct Line {
    text: String,
    cut: Option<(usize, usize)>,
}

impl Idle {
    /// Of a filter that keeps so many lines.
    pub fn new(most: usize) -> Self {
        Self { lines: Vec::new(), first: 0, count: 0, most: most.max(1), waits: false }
    }

    /// The place of a line in the ring, by its age.
    fn place(&self, number: usize) -> usize {
        let place = self.first + number;
        if place >= self.most { place - self.most } else { place }
    }

    /// Keeps a line; what is cut out of it is its date.
    pub fn push(&mut self, text: &str, cut: Option<(usize, usize)>) {
        let place = self.place(self.count);
        match self.count < self.most {
            true => self.count += 1,
            false => self.first = self.place(1),
        }
        if place >= self.lines.len() {
            self.lines.resize_with(place + 1, Line::default);
        }
        let line = &mut self.lines[place];
        line.text.clear();
        if line.text.capacity() > ROOM_BYTES {
            line.text.shrink_to(text.len().max(ROOM_BYTES));
        }
        line.text.push_str(text);
        line.cut = cut;
    }

    /// Takes back the line that was kept last: the filter reads it after all.
    pub fn take_back(&mut self) {
        self.count = self.count.saturating_sub(1);
    }

    /// Hands them to the filter, oldest first.
    pub fn hand_over(&mut self, mut to: impl FnMut(Cut<'_>)) {
        for number in 0..self.count {
            let line = &self.lines[self.place(number)];
            to(Cut::at(&line.text, line.cut));
        }
        (self.first, self.count) = (0, 0);
    }
}

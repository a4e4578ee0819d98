//! Lines that a filter keeps for `maxlines` and has not looked at: none of them may match anything,
//! alone or with the lines before. They are kept for it without asking it, and their texts once for
//! all filters that read the same lines.

use std::cell::RefCell;
use std::rc::Rc;

use super::buffer::Cut;

/// Room that a line keeps for the next one in its place.
const ROOM_BYTES: usize = 1024;

/// What came last, in room for so many that is a power of two: what came long before is written
/// over.
#[derive(Debug)]
struct Ring<T> {
    room: Vec<T>,
    /// How many came so far.
    count: u64,
}

impl<T: Clone + Default> Ring<T> {
    fn new(most: usize) -> Self {
        Self { room: vec![T::default(); most.next_power_of_two()], count: 0 }
    }

    /// The one with this number.
    fn at(&mut self, number: u64) -> &mut T {
        let place = number as usize & (self.room.len() - 1);
        &mut self.room[place]
    }

    /// The place of the next one, and its number.
    fn next(&mut self) -> (&mut T, u64) {
        let number = self.count;
        self.count += 1;
        (self.at(number), number)
    }
}

/// The texts of the last lines that were kept for any of some filters.
#[derive(Debug)]
pub(super) struct Texts(Ring<String>);

impl Texts {
    /// For filters of which none keeps more lines than these.
    pub fn new(most: usize) -> Self {
        // One more may come for others before a filter is handed its lines.
        Self(Ring::new(most + 1))
    }

    /// Keeps a line; gives its number.
    pub fn push(&mut self, text: &str) -> u64 {
        let (line, number) = self.0.next();
        line.clear();
        if line.capacity() > ROOM_BYTES {
            line.shrink_to(text.len().max(ROOM_BYTES));
        }
        line.push_str(text);
        number
    }
}

/// Those of one filter, behind the lines that it keeps itself.
#[derive(Debug)]
pub(super) struct Idle {
    texts: Rc<RefCell<Texts>>,
    /// The number of its text, and what is cut out of it.
    lines: Ring<(u64, Option<(usize, usize)>)>,
    /// How many of the last ones it keeps, and how many at most.
    count: u64,
    most: usize,
    /// Whether a line that the filter keeps itself may match something: it has to be asked.
    pub waits: bool,
}

impl Idle {
    /// Of a filter that keeps so many lines.
    pub fn new(most: usize) -> Self {
        let texts = Rc::new(RefCell::new(Texts::new(0)));
        Self { texts, lines: Ring::new(most), count: 0, most, waits: false }
    }

    /// How many lines are kept at most.
    pub fn most(&self) -> usize {
        self.most
    }

    /// Has the texts of all lines from now on there; those before have to be handed over.
    pub fn share(&mut self, texts: &Rc<RefCell<Texts>>) {
        self.texts = texts.clone();
    }

    /// Keeps a line whose text has this number; what is cut out of it is its date.
    pub fn push(&mut self, text: u64, cut: Option<(usize, usize)>) {
        *self.lines.next().0 = (text, cut);
        self.count = (self.count + 1).min(self.most as u64);
    }

    /// Takes back the line that was kept last: the filter reads it after all.
    pub fn take_back(&mut self) {
        let taken = self.count.min(1);
        self.count -= taken;
        self.lines.count -= taken;
    }

    /// Hands them to the filter, oldest first.
    pub fn hand_over(&mut self, mut to: impl FnMut(Cut<'_>)) {
        let mut texts = self.texts.borrow_mut();
        let end = self.lines.count;
        for number in end - self.count..end {
            let (text, cut) = *self.lines.at(number);
            to(Cut::at(texts.0.at(text), cut));
        }
        self.count = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_there_until_they_are_handed_over() {
        let texts = Rc::new(RefCell::new(Texts::new(4)));
        let mut idle = Idle::new(4);
        idle.share(&texts);
        let kept = |idle: &mut Idle| {
            let mut lines = Vec::new();
            idle.hand_over(|cut| lines.push(format!("{}|{}", cut.before, cut.behind)));
            lines
        };
        for number in 0..9 {
            let text = texts.borrow_mut().push(&format!("line {number}"));
            idle.push(text, (number % 2 == 0).then_some((0, 5)));
        }
        // A line that is kept for another filter, while this one reads it.
        texts.borrow_mut().push("line 9");
        assert_eq!(kept(&mut idle), ["|line 5", "|6", "|line 7", "|8"]);
        assert_eq!(kept(&mut idle), [""; 0]);
        for number in 10..12 {
            let text = texts.borrow_mut().push(&format!("line {number}"));
            idle.push(text, None);
        }
        idle.take_back();
        assert_eq!(kept(&mut idle), ["|line 10"]);
        idle.take_back();
        assert_eq!(kept(&mut idle), [""; 0]);
    }
}

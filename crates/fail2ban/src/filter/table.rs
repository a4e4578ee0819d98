//! A machine for texts in which each byte of a line is one step of a table.

use std::collections::VecDeque;

use super::sieve::Reads;

/// Set in a cell whose state is one that a text ends in.
const ENDS: u32 = Table::ENDS;

/// The machine of Aho and Corasick, every step written out.
pub(super) struct Table {
    /// By byte: its column. Bytes that are in no text have the first one.
    columns: Box<[u8; 256]>,
    width: usize,
    /// By state and column: the place of the next state in it.
    cells: Vec<u32>,
    /// By state: the texts that end in it.
    texts: Vec<Box<[u32]>>,
}

impl Table {
    /// Looks for these texts, with `any_case` for letters of ASCII in either case. They have to
    /// have less than 2^21 bytes in all.
    pub fn new(texts: &[&str], any_case: bool) -> Self {
        let folded = |byte: u8| if any_case { byte.to_ascii_lowercase() } else { byte };
        let mut columns = Box::new([0_u8; 256]);
        let mut count = 1_u8;
        for byte in texts.iter().flat_map(|text| text.bytes()).map(folded) {
            let column = &mut columns[usize::from(byte)];
            if *column == 0 {
                *column = count;
                // A text of UTF-8 does not have all 256.
                count = count.saturating_add(1);
            }
        }
        for byte in 0..=u8::MAX {
            columns[usize::from(byte)] = columns[usize::from(folded(byte))];
        }
        let width = usize::from(count);
        let mut table = Self { columns, width, cells: vec![0; width], texts: vec![Box::default()] };
        let mut ends: Vec<Vec<u32>> = vec![Vec::new()];
        for (number, text) in (0..).zip(texts) {
            let state = table.add(text.as_bytes());
            ends.resize(table.cells.len() / width, Vec::new());
            ends[state].push(number);
        }
        table.fill(&mut ends);
        table.texts = ends.into_iter().map(Vec::into_boxed_slice).collect();
        table
    }

    fn column(&self, byte: u8) -> usize {
        usize::from(self.columns[usize::from(byte)])
    }

    /// The way of a text; gives its last state.
    fn add(&mut self, text: &[u8]) -> usize {
        let mut state = 0;
        for byte in text {
            let cell = state * self.width + self.column(*byte);
            if self.cells[cell] == 0 {
                self.cells[cell] = u32::try_from(self.cells.len()).unwrap_or(0);
                self.cells.resize(self.cells.len() + self.width, 0);
            }
            state = self.cells[cell] as usize / self.width;
        }
        state
    }

    /// Where no text goes on, the longest end of what was read goes on that begins one.
    fn fill(&mut self, ends: &mut [Vec<u32>]) {
        let width = self.width;
        // By state: that of the end which is shorter.
        let mut shorter = vec![0_usize; ends.len()];
        let mut queue = VecDeque::from([0]);
        while let Some(state) = queue.pop_front() {
            for column in 0..width {
                let cell = state * width + column;
                let other = match state {
                    0 => 0,
                    _ => self.cells[shorter[state] * width + column],
                };
                let own = self.cells[cell] as usize / width;
                if own == 0 {
                    self.cells[cell] = other;
                    continue;
                }
                let end = (other & !ENDS) as usize / width;
                shorter[own] = end;
                let more = ends[end].clone();
                ends[own].extend(more);
                if !ends[own].is_empty() {
                    self.cells[cell] |= ENDS;
                }
                queue.push_back(own);
            }
        }
    }
}

impl Reads for Table {
    #[inline]
    fn next(&self, state: u32, byte: u8) -> u32 {
        let column = self.columns[usize::from(byte)];
        self.cells[((state & !ENDS) + u32::from(column)) as usize]
    }

    fn texts(&self, state: u32) -> impl Iterator<Item = usize> {
        let texts = self.texts.get((state & !ENDS) as usize / self.width);
        texts.into_iter().flatten().map(|text| *text as usize)
    }
}

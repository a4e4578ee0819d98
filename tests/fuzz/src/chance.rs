//! Chance from a seed, and what it makes of texts.

/// Chance (xorshift), the same on every machine.
pub struct Chance(u64);

impl Chance {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) % end.max(1) as u64) as usize
    }

    /// One of them; the default of an empty list.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }
}

/// What inputs are made from.
#[derive(Default)]
pub struct Corpus {
    /// Whole inputs.
    pub seeds: Vec<String>,
    /// Pieces that mean something to the target.
    pub words: Vec<String>,
    /// Longest input, in characters.
    pub longest: usize,
}

impl Corpus {
    /// The next input: a seed, changed in a few places.
    pub fn input(&self, chance: &mut Chance) -> String {
        let seed = chance.pick(&self.seeds).map_or("", String::as_str);
        let mut text: Vec<char> = seed.chars().collect();
        if chance.below(4) == 0 && text.len() > 200 {
            let from = chance.below(text.len() - 200);
            text = text[from..from + 200].to_vec();
        }
        for _ in 0..1 + chance.below(6) {
            self.change(&mut text, chance);
        }
        text.truncate(self.longest);
        text.into_iter().collect()
    }

    fn change(&self, text: &mut Vec<char>, chance: &mut Chance) {
        let at = chance.below(text.len() + 1);
        let (from, to) = range(text.len(), at, chance);
        match chance.below(9) {
            0 => drop(text.drain(from..to)),
            1 => {
                let copy = text[from..to].to_vec();
                text.splice(at..at, copy);
            }
            2 => {
                // A piece many times: what grows faster than its input shows.
                let piece = text[from..to.min(from + 12)].to_vec();
                let times = [3, 20, 200, 3000][chance.below(4)];
                let room = self.longest.saturating_sub(text.len());
                let many = piece.iter().copied().cycle().take((piece.len() * times).min(room));
                let many: Vec<char> = many.collect();
                text.splice(at..at, many);
            }
            3 | 4 => {
                let word = chance.pick(&self.words).map_or("", String::as_str);
                text.splice(at..at, word.chars());
            }
            5 => {
                let word = chance.pick(&self.words).map_or("", String::as_str);
                text.splice(from..to, word.chars());
            }
            6 => {
                let other = chance.pick(&self.seeds).map_or("", String::as_str);
                let other: Vec<char> = other.chars().collect();
                let start = chance.below(other.len() + 1);
                let (from, to) = range(other.len(), start, chance);
                text.splice(at..at, other[from..to].iter().copied());
            }
            7 => {
                if let Some(c) = text.get_mut(at) {
                    *c = character(chance);
                }
            }
            _ => text.insert(at, character(chance)),
        }
    }
}

/// A range that begins at a place, mostly short.
fn range(length: usize, at: usize, chance: &mut Chance) -> (usize, usize) {
    let longest = [2, 8, 40, length][chance.below(4)];
    let at = at.min(length);
    (at, (at + chance.below(longest + 1)).min(length))
}

fn character(chance: &mut Chance) -> char {
    const ODD: &[char] = &[
        '\0', '\n', '\r', '\t', '\x0b', '\x1c', ' ', '%', '<', '>', '(', ')', '[', ']', '{', '}',
        '?', '*', '+', '|', '\\', '"', '\'', '=', ':', ';', '#', '\u{85}', '\u{a0}', '\u{2028}',
        'é', 'ß', 'İ', 'ſ', '\u{3000}', '中', '😀', '\u{301}', '\u{fffd}', '\u{feff}',
    ];
    match chance.below(3) {
        0 => char::from(32 + chance.below(95) as u8),
        1 => char::from(48 + chance.below(10) as u8),
        _ => chance.pick(ODD).copied().unwrap_or(' '),
    }
}

//! Patterns and texts by chance: valid ones over all of the syntax, and junk.

/// Chance from a seed (xorshift), the same on every machine.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) % end as u64) as usize
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// Characters that are told apart by some definition, and a few that are not.
const CHARS: &[&str] = &[
    "a", "b", "a", "b", "a", "b", "A", "k", "K", "s", "i", "I", "1", "_", " ", ":", ".", "-", "\n",
    "\n", "\r", "\t", "\x0b", "\x1c", "\x1f", "\u{85}", "\u{a0}", "\u{2028}", "é", "É", "ß", "ſ",
    "\u{212a}", "İ", "ı", "µ", "μ", "Σ", "σ", "ς", "²", "½", "٣", "Ⅷ", "ⅷ", "\u{301}", "‿", "中",
    "😀", "\u{200d}", "[", "]", "{", "<", "ß", "ẞ", "ﬅ", "ﬆ", "\u{345}", "ι", "ǅ",
];

/// How they are written in a pattern.
const ITEMS: &[&str] = &[
    "a",
    "b",
    "a",
    "b",
    "a",
    "b",
    "ab",
    "k",
    "K",
    "s",
    "i",
    "I",
    ":",
    "_",
    "-",
    ".",
    ".",
    r"\d",
    r"\D",
    r"\w",
    r"\W",
    r"\s",
    r"\S",
    r"\.",
    r"\<",
    r"\>",
    r"\-",
    r"\n",
    r"\t",
    r"\x61",
    r"\141",
    r"\0",
    r"\u0131",
    r"\U0000212a",
    "é",
    "ß",
    "ſ",
    "İ",
    "ı",
    "µ",
    "ς",
    "ﬅ",
    "{",
    "{,",
    "a{",
    "<",
    "}",
    "]",
    "[ab]",
    "[^a]",
    "[]a]",
    "[^]a]",
    "[a-k]",
    "[a&&b]",
    "[a--b]",
    "[~~a]",
    "[||a]",
    "[[a]",
    "[a-]",
    "[-a]",
    r"[\w-]",
    r"[\d\s]",
    r"[^\W_]",
    r"[\]b]",
    r"[\b]",
    "[ſ-ﬆ]",
    "[^k]",
    "[^é-ÿ]",
    "[A-Z]",
    "[İı]",
    r"[\x00-\x1f]",
    r"[^\s]",
    r"[^\n]",
    "[ab]",
    r"\Za?",
    "[:]",
    "²",
    "\u{301}",
];

const ANCHORS: &[&str] = &["^", "$", r"\A", r"\Z", r"\b", r"\B", "$", "^"];

const LOOPS: &[&str] =
    &["*", "+", "?", "*", "+", "?", "{2}", "{1,2}", "{,2}", "{1,}", "{,}", "{0}", "{0,1}", "{2,3}"];

const FLAGS: &[&str] = &["i", "s", "m", "a", "im", "-i", "i-s", "u", "x", "ia"];

pub struct Pattern<'a> {
    chance: &'a mut Chance,
    out: String,
    groups: usize,
    closed: Vec<usize>,
    /// In a look-behind every part has the same length.
    fixed: bool,
}

pub fn pattern(chance: &mut Chance) -> String {
    let mut pattern =
        Pattern { chance, out: String::new(), groups: 0, closed: Vec::new(), fixed: false };
    if pattern.chance.one_in(12) {
        let flags =
            pattern.chance.pick(&["(?i)", "(?s)", "(?m)", "(?a)", "(?im)(?s)", "(?#c)(?i)"]);
        pattern.out.push_str(flags);
    }
    pattern.alternatives(3);
    pattern.out
}

impl Pattern<'_> {
    fn alternatives(&mut self, depth: usize) {
        self.sequence(depth);
        while !self.fixed && self.chance.one_in(4) {
            self.out.push('|');
            self.sequence(depth);
        }
    }

    fn sequence(&mut self, depth: usize) {
        if self.chance.one_in(12) {
            return;
        }
        for _ in 0..1 + self.chance.below(3) {
            self.item(depth);
        }
    }

    fn item(&mut self, depth: usize) {
        match self.chance.below(if depth == 0 { 9 } else { 18 }) {
            0 => {
                let anchor = self.chance.pick(ANCHORS);
                self.out.push_str(anchor);
                return;
            }
            1 if !self.closed.is_empty() => self.reference(),
            1..=8 => {
                let item = self.chance.pick(ITEMS);
                self.out.push_str(item);
            }
            9..=12 => self.capture(depth),
            13 | 14 => self.group("(?:", depth),
            15 => {
                let flags = self.chance.pick(FLAGS);
                self.group(&format!("(?{flags}:"), depth);
            }
            16 => match self.chance.below(6) {
                0 => self.group("(?>", depth),
                1 => self.group("(?=", depth),
                2 => self.group("(?!", depth),
                3 | 4 => self.look_behind(depth),
                _ => self.out.push_str("(?#c)"),
            },
            _ => self.conditional(depth),
        }
        if !self.fixed && self.chance.one_in(3) {
            let repeat = self.chance.pick(LOOPS);
            self.out.push_str(repeat);
            match self.chance.below(6) {
                0 | 1 => self.out.push('?'),
                2 => self.out.push('+'),
                _ => {}
            }
        }
    }

    fn group(&mut self, open: &str, depth: usize) {
        self.out.push_str(open);
        self.alternatives(depth - 1);
        self.out.push(')');
    }

    fn capture(&mut self, depth: usize) {
        self.groups += 1;
        let number = self.groups;
        let open = if self.chance.one_in(3) { format!("(?P<n{number}>") } else { "(".to_owned() };
        self.group(&open, depth);
        self.closed.push(number);
    }

    fn look_behind(&mut self, depth: usize) {
        let outer = self.fixed;
        self.fixed = true;
        let open = self.chance.pick(&["(?<=", "(?<!"]);
        self.group(open, depth.min(2));
        self.fixed = outer;
    }

    fn reference(&mut self) {
        let number = self.closed[self.chance.below(self.closed.len())];
        let named = format!("(?P<n{number}>");
        if self.out.contains(&named) && self.chance.one_in(2) {
            self.out.push_str(&format!("(?P=n{number})"));
        } else {
            self.out.push_str(&format!("(?:\\{number})"));
        }
    }

    fn conditional(&mut self, depth: usize) {
        if self.groups == 0 {
            return self.group("(?:", depth);
        }
        let number = 1 + self.chance.below(self.groups);
        self.out.push_str(&format!("(?({number})"));
        self.sequence(depth - 1);
        if self.chance.one_in(2) {
            self.out.push('|');
            self.sequence(depth - 1);
        }
        self.out.push(')');
    }
}

/// Anything over the characters that mean something.
pub fn junk(chance: &mut Chance) -> String {
    const PARTS: &[&str] = &[
        "a",
        "b",
        "1",
        "(",
        ")",
        "(",
        ")",
        "[",
        "]",
        "^",
        "-",
        "{",
        "}",
        ",",
        "|",
        "*",
        "+",
        "?",
        "?",
        "\\",
        "\\",
        "P",
        "<",
        ">",
        "=",
        "!",
        ":",
        "#",
        "i",
        "x",
        "s",
        "u",
        "L",
        "0",
        "7",
        "8",
        "9",
        " ",
        "\n",
        "(?",
        "(?P<",
        "(?P=",
        "(?(",
        "(?<",
        "n",
        "é",
        "{2,1}",
        "(?P<a>",
        "(a)",
        "\\1",
        "(?i)",
        "(?-",
        "\\x",
        "\\u00e",
        "\\N{",
        "(?P",
        "\\8",
        "\\377",
        "\\400",
        "(?<=",
        "(?>",
        "{99999999999}",
        "(?x)",
    ];
    (0..1 + chance.below(9)).map(|_| chance.pick(PARTS)).collect()
}

/// A short text; every third has only characters of ASCII.
pub fn text(chance: &mut Chance) -> String {
    let chars = if chance.one_in(3) { CHARS } else { &CHARS[..28] };
    let chars = if chance.one_in(3) { &CHARS[..4] } else { chars };
    let mut text: String = (0..chance.below(9)).map(|_| chance.pick(chars)).collect();
    if chance.one_in(3) {
        text.push('\n');
    }
    text
}

//! Texts that an expression matches, or nearly.

use std::collections::HashMap;

use monban_pyre::ast::{Ast, Class, ClassItem, Kind, Node, PerlKind};

use crate::chance::Chance;

/// What stands in groups of these names, most of the time.
const ADDRESSES: [&str; 14] = [
    "192.0.2.1",
    "192.0.2.2",
    "198.51.100.77",
    "203.0.113.250",
    "999.1.1.1",
    "192.030.0.6",
    "0.0.0.0",
    "2001:db8::1",
    "2001:DB8:0:0::7",
    "::1",
    "::ffff:192.0.2.9",
    "::ffff:c000:20a",
    "fe80:",
    ":",
];
const NAMES: [&str; 5] = ["example.com", "a-b.example.org", "host_1", "localhost", "1.2.3.4.5"];
const USERS: [&str; 10] = [
    "root",
    "admin",
    "x from 198.51.100.1 port 22",
    "",
    "j\u{f6}rg",
    "a b",
    "\u{661}\u{662}",
    "<user>",
    "\\",
    "a\u{2028}b\u{1c}c",
];
const SIGNS: [char; 20] = [
    'a', 'Z', '0', '9', ' ', ':', '.', '-', '[', ']', '"', '\'', '=', '/', '_', '\u{e9}', '\u{a0}',
    '\u{85}', '\u{663}', '\u{130}',
];

/// Writes texts of expressions.
#[derive(Default)]
pub struct Words {
    /// What stood in groups before, by name: lines of one connection have its key in common.
    known: HashMap<String, Vec<String>>,
}

struct Writer<'w> {
    words: &'w mut Words,
    chance: &'w mut Chance,
    ast: &'w Ast,
    groups: Vec<Option<String>>,
    /// What stands in the group of this name.
    given: Option<(&'w str, &'w str)>,
    out: String,
}

impl Words {
    /// A text that the expression may match; in the group `given.0` stands `given.1`.
    pub fn write(&mut self, ast: &Ast, given: Option<(&str, &str)>, chance: &mut Chance) -> String {
        let groups = vec![None; ast.group_names.len()];
        let mut writer = Writer { words: self, chance, ast, groups, given, out: String::new() };
        writer.node(&ast.root);
        writer.out
    }
}

impl Writer<'_> {
    fn node(&mut self, node: &Node) {
        // Long loops of loops are no better than short ones.
        if self.out.len() > 600 {
            return;
        }
        match &node.kind {
            Kind::Literal(c) if node.flags.ignore_case && self.chance.one_in(2) => {
                self.out.extend(c.to_uppercase());
            }
            Kind::Literal(c) => self.out.push(*c),
            Kind::Dot => {
                let sign = self.one_of(&SIGNS);
                self.out.push(sign);
            }
            Kind::Class(class) => self.class(class),
            Kind::Concat(nodes) => nodes.iter().for_each(|node| self.node(node)),
            Kind::Alternation(nodes) => {
                let node = self.chance.below(nodes.len());
                self.node(&nodes[node]);
            }
            Kind::Repeat { node, min, max, .. } => {
                let more = [0, 0, 1, 1, 2, 3][self.chance.below(6)];
                let times = (min + more).min(max.unwrap_or(u32::MAX)).max(*min);
                (0..times).for_each(|_| self.node(node));
            }
            Kind::Group { index, node } => self.group(*index, node),
            Kind::Atomic(node) => self.node(node),
            Kind::Look { negated: false, behind: false, node } if self.chance.one_in(2) => {
                self.node(node);
            }
            Kind::Backref(group) => {
                let text = self.groups.get(*group).cloned().flatten().unwrap_or_default();
                self.out.push_str(&text);
            }
            Kind::Conditional { group, yes, no } => {
                let taken = self.groups.get(*group).is_some_and(Option::is_some);
                self.node(if taken { yes } else { no });
            }
            Kind::Empty | Kind::Anchor(_) | Kind::Look { .. } => {}
        }
    }

    fn group(&mut self, index: Option<usize>, node: &Node) {
        let Some(index) = index else { return self.node(node) };
        let name = self.ast.group_names.get(index).cloned().flatten().unwrap_or_default();
        let start = self.out.len();
        match self.usual(&name) {
            Some(text) => self.out.push_str(&text),
            None => self.node(node),
        }
        let text = self.out[start..].to_owned();
        if self.words.known.len() < 50 && !name.is_empty() {
            let known = self.words.known.entry(name).or_default();
            known.truncate(2);
            known.push(text.clone());
        }
        if let Some(slot) = self.groups.get_mut(index) {
            *slot = Some(text);
        }
    }

    fn usual(&mut self, name: &str) -> Option<String> {
        if let Some((given, text)) = self.given
            && given == name
        {
            return Some(text.to_owned());
        }
        if self.chance.one_in(4) {
            return None;
        }
        let list: &[&str] = match name {
            "ip4" => &ADDRESSES[..7],
            "ip6" => &ADDRESSES[7..],
            "dns" => &NAMES,
            "user" => &USERS,
            "mlfid" if !self.chance.one_in(3) => {
                let known = self.words.known.get(name)?;
                return Some(self.chance.of(known).clone());
            }
            _ => return None,
        };
        Some((*self.chance.of(list)).to_owned())
    }

    fn class(&mut self, class: &Class) {
        if class.negated {
            let fits = |c: &char| !class.items.iter().any(|item| is_in(item, *c));
            let fitting: Vec<char> = SIGNS.iter().copied().filter(fits).collect();
            let sign = if fitting.is_empty() { '~' } else { self.one_of(&fitting) };
            return self.out.push(sign);
        }
        let sign = match *self.chance.of(&class.items) {
            ClassItem::Range(from, to) => {
                let width = (u32::from(to) - u32::from(from)) as usize + 1;
                let at = u32::from(from) + self.chance.below(width) as u32;
                char::from_u32(at).unwrap_or(from)
            }
            item @ ClassItem::Perl { .. } => {
                let fitting = SIGNS.iter().copied().filter(|c| is_in(&item, *c));
                let fitting: Vec<char> = fitting.collect();
                self.one_of(&fitting)
            }
        };
        self.out.push(sign);
    }

    /// Mostly one of ASCII, if there is one.
    fn one_of(&mut self, signs: &[char]) -> char {
        let plain = signs.iter().filter(|c| c.is_ascii()).count();
        let count = if plain > 0 && !self.chance.one_in(8) { plain } else { signs.len() };
        // Those of ASCII stand first.
        signs[self.chance.below(count)]
    }
}

fn is_in(item: &ClassItem, c: char) -> bool {
    match item {
        ClassItem::Range(from, to) => (*from..=*to).contains(&c),
        ClassItem::Perl { kind, negated } => {
            let is = match kind {
                PerlKind::Digit => c.is_ascii_digit() || c == '\u{663}',
                PerlKind::Space => c.is_whitespace(),
                PerlKind::Word => c.is_alphanumeric() || c == '_',
            };
            is != *negated
        }
    }
}

//! Lines that an expression is written for, made from its tree.
//!
//! A sample is a guess: look-arounds are passed over. Whoever uses one searches it first.

use std::collections::HashMap;
use std::ops::Range;

use monban_pyre::ast::{Ast, Class, ClassItem, Kind, Node, PerlKind};

/// Longest sample, in bytes.
const SAMPLE_MAX: usize = 2000;
/// Nodes that are walked for one sample at most.
const STEPS_MAX: usize = 20_000;
/// Ways that are tried through one expression.
const WAYS_MAX: usize = 48;

/// A line, and what is known of its parts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample {
    /// The line.
    pub text: String,
    /// Parts that may hold other texts, in their order.
    pub free: Vec<Free>,
    /// Where the address stands.
    pub address: Option<Range<usize>>,
    /// Parts that may be repeated without end: where one round begins, and its text.
    pub rounds: Vec<(usize, String)>,
    /// Places where another way could be taken, and how many ways there are.
    pub points: Vec<(Range<usize>, usize)>,
}

/// A part of a sample that may hold other texts.
#[derive(Clone, Debug)]
pub(crate) struct Free {
    /// Its place in the sample.
    pub range: Range<usize>,
    /// Where it is written in the expression.
    pub written: Range<usize>,
    atom: Node,
    max: Option<u32>,
}

impl Free {
    /// Whether it may hold this text.
    pub fn holds(&self, text: &str) -> bool {
        let length = text.chars().count();
        self.max.is_none_or(|max| length <= max as usize)
            && text.chars().all(|c| has(&self.atom, c))
    }
}

/// The groups that stand for the address, in the order in which they are asked.
fn address_groups(ast: &Ast) -> Vec<usize> {
    let numbered = |wanted: &str| ast.group_names.iter().position(|n| n.as_deref() == Some(wanted));
    let first = ["ip4", "ip6", "fid", "host"].into_iter().find_map(numbered);
    first.into_iter().collect()
}

/// Samples of an expression: the plain one, and others that take another way through it.
/// `content` stands where the expression has a group of that name.
pub(crate) fn samples(ast: &Ast, address: &str, content: Option<&Sample>) -> Vec<Sample> {
    let base = Wish { address, content, with_optional: false, turns: HashMap::new() };
    let full = Wish { with_optional: true, ..base.clone() };
    let mut found = Vec::new();
    for wish in [base, full] {
        let Some(sample) = of(ast, &wish) else { continue };
        let points = sample.points.clone();
        if found.iter().all(|known: &Sample| known.text != sample.text) {
            found.push(sample);
        }
        for (point, ways) in points {
            for way in 0..ways {
                if found.len() >= WAYS_MAX {
                    return found;
                }
                let mut turned = wish.clone();
                turned.turns.insert((point.start, point.end), way);
                let new = of(ast, &turned);
                found.extend(new.filter(|new| found.iter().all(|known| known.text != new.text)));
            }
        }
    }
    found
}

#[derive(Clone)]
struct Wish<'a> {
    address: &'a str,
    content: Option<&'a Sample>,
    with_optional: bool,
    /// Which way is taken at a place of the expression.
    turns: HashMap<(usize, usize), usize>,
}

fn of(ast: &Ast, wish: &Wish<'_>) -> Option<Sample> {
    let mut walk = Walk {
        ast,
        wish,
        sample: Sample::default(),
        groups: vec![None; ast.group_names.len()],
        addresses: address_groups(ast),
        steps: 0,
    };
    walk.node(&ast.root).then_some(walk.sample)
}

struct Walk<'a> {
    ast: &'a Ast,
    wish: &'a Wish<'a>,
    sample: Sample,
    groups: Vec<Option<String>>,
    addresses: Vec<usize>,
    steps: usize,
}

impl Walk<'_> {
    /// Adds what the node stands for. False if that becomes too much.
    fn node(&mut self, node: &Node) -> bool {
        self.steps += 1;
        if self.steps > STEPS_MAX || self.sample.text.len() > SAMPLE_MAX {
            return false;
        }
        match &node.kind {
            Kind::Empty | Kind::Anchor(_) | Kind::Look { .. } => true,
            Kind::Literal(c) => self.push(*c),
            Kind::Dot => self.push('x'),
            Kind::Class(class) => self.push(one_of(class)),
            Kind::Concat(nodes) => nodes.iter().all(|node| self.node(node)),
            Kind::Alternation(nodes) => {
                let way =
                    if self.holds_address(node) { 0 } else { self.turn(node, nodes.len(), 0) };
                nodes.get(way).is_none_or(|node| self.node(node))
            }
            Kind::Repeat { node: body, min, max, .. } => self.repeat(node, body, *min, *max),
            Kind::Group { index, node } => self.group(*index, node),
            Kind::Atomic(node) => self.node(node),
            Kind::Backref(group) => {
                let text = self.groups.get(*group).cloned().flatten();
                self.sample.text.push_str(&text.unwrap_or_default());
                true
            }
            Kind::Conditional { group, yes, no } => {
                let is_set = self.groups.get(*group).is_some_and(Option::is_some);
                self.node(if is_set { yes } else { no })
            }
        }
    }

    fn push(&mut self, c: char) -> bool {
        self.sample.text.push(c);
        true
    }

    /// Which way is taken here.
    fn turn(&mut self, node: &Node, ways: usize, usual: usize) -> usize {
        let at = (node.span.start, node.span.end);
        if self.sample.points.iter().all(|(known, _)| *known != node.span) {
            self.sample.points.push((node.span.clone(), ways));
        }
        self.wish.turns.get(&at).copied().unwrap_or(usual)
    }

    fn repeat(&mut self, whole: &Node, body: &Node, min: u32, max: Option<u32>) -> bool {
        let is_long = max.is_none_or(|max| max >= 12);
        let start = self.sample.text.len();
        if let (true, Some(c)) = (is_long, example(body)) {
            let count = if min == 0 && has(body, 'x') { 1 } else { min as usize };
            if count > SAMPLE_MAX {
                return false;
            }
            self.sample.text.extend(std::iter::repeat_n(c, count));
            let range = start..self.sample.text.len();
            let (written, atom) = (whole.span.clone(), body.clone());
            self.sample.free.push(Free { range, written, atom, max });
            self.sample.rounds.push((start, c.to_string()));
            return true;
        }
        let usual = usize::from(self.wish.with_optional);
        let count = match (min, max) {
            (0, Some(0)) => 0,
            (0, _) => self.turn(whole, 2, usual) as u32,
            _ => min,
        };
        for round in 0..count {
            let start = self.sample.text.len();
            if !self.node(body) {
                return false;
            }
            if round == 0 && is_long {
                let text = self.sample.text[start..].to_owned();
                self.sample.rounds.push((start, text));
            }
        }
        true
    }

    fn group(&mut self, index: Option<usize>, node: &Node) -> bool {
        let Some(index) = index else { return self.node(node) };
        let start = self.sample.text.len();
        let name = self.ast.group_names.get(index).and_then(Option::as_deref);
        if self.addresses.contains(&index) {
            self.sample.text.push_str(self.wish.address);
            self.sample.address = Some(start..self.sample.text.len());
        } else if let (Some("content"), Some(content)) = (name, self.wish.content) {
            self.put(content);
        } else if !self.node(node) {
            return false;
        }
        let text = self.sample.text[start..].to_owned();
        if let Some(slot) = self.groups.get_mut(index) {
            *slot = Some(text);
        }
        true
    }

    fn put(&mut self, content: &Sample) {
        let at = self.sample.text.len();
        let moved = |range: &Range<usize>| range.start + at..range.end + at;
        self.sample.text.push_str(&content.text);
        let free =
            content.free.iter().map(|free| Free { range: moved(&free.range), ..free.clone() });
        self.sample.free.extend(free);
        if let Some(address) = &content.address {
            self.sample.address = Some(moved(address));
        }
    }

    fn holds_address(&self, node: &Node) -> bool {
        match &node.kind {
            Kind::Group { index, node } => {
                let is_address = index.is_some_and(|index| self.addresses.contains(&index));
                is_address || self.holds_address(node)
            }
            // In `<HOST>` a network or a name follows the address: the first way is the address.
            Kind::Alternation(nodes) => nodes.first().is_some_and(|node| self.holds_address(node)),
            Kind::Concat(nodes) => nodes.iter().any(|node| self.holds_address(node)),
            Kind::Repeat { node, .. } | Kind::Atomic(node) => self.holds_address(node),
            _ => false,
        }
    }
}

/// A character of a node that stands for exactly one of several.
fn example(node: &Node) -> Option<char> {
    match &node.kind {
        Kind::Dot => Some('x'),
        Kind::Class(class) => Some(one_of(class)),
        Kind::Group { index: None, node } => example(node),
        _ => None,
    }
}

/// Whether such a node stands for this character too.
fn has(node: &Node, c: char) -> bool {
    match &node.kind {
        Kind::Dot => c != '\n',
        Kind::Class(class) => class.items.iter().any(|item| item_has(*item, c)) != class.negated,
        Kind::Group { index: None, node } => has(node, c),
        _ => false,
    }
}

fn item_has(item: ClassItem, c: char) -> bool {
    match item {
        ClassItem::Range(from, to) => (from..=to).contains(&c),
        ClassItem::Perl { kind, negated } => {
            let is_in = match kind {
                PerlKind::Digit => c.is_numeric(),
                PerlKind::Space => c.is_whitespace(),
                PerlKind::Word => c.is_alphanumeric() || c == '_',
            };
            is_in != negated
        }
    }
}

fn one_of(class: &Class) -> char {
    let is_in = |c: &char| class.items.iter().any(|item| item_has(*item, *c)) != class.negated;
    let usual = ['x', '1', ' ', 'A', 'a', '-', '.', '/', '"', '\''];
    let first = class.items.iter().find_map(|item| match item {
        ClassItem::Range(from, _) => Some(*from),
        ClassItem::Perl { .. } => None,
    });
    usual.into_iter().find(is_in).or(first.filter(is_in)).unwrap_or('x')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(pattern: &str) -> Vec<String> {
        let ast = monban_pyre::parse(pattern, Default::default()).expect("a pattern");
        samples(&ast, "192.0.2.1", None).into_iter().map(|sample| sample.text).collect()
    }

    #[test]
    fn a_sample_takes_each_way_through_an_expression() {
        let found = texts(r"^(?:bad|wrong) (?:user )?\S+ from (?P<ip4>\d+\.\d+) \d{2}$");
        assert_eq!(
            found,
            [
                "bad x from 192.0.2.1 11",
                "wrong x from 192.0.2.1 11",
                "bad user x from 192.0.2.1 11",
                "wrong user x from 192.0.2.1 11",
            ]
        );
        assert_eq!(texts(r#"(["'])a\1(?(1)b|c)"#), [r#""a"b"#]);
        assert!(texts(r"(?:(?:a{50}){50}){50}").is_empty());
    }

    #[test]
    fn a_free_part_knows_what_it_may_hold() {
        let ast = monban_pyre::parse(r"user=([^ >]*), \d+", Default::default()).expect("a pattern");
        let all = samples(&ast, "", None);
        let free = &all[0].free;
        assert!(free[0].holds("a,b=192.0.2.1") && !free[0].holds("a b"));
        assert!(free[1].holds("12") && !free[1].holds("1.2"));
    }
}

//! Lines with which a stranger chooses whom a filter reports: each claim has its proof.
//!
//! A proof is two lines that differ in one part, the part that a stranger fills. With a harmless
//! word in it the filter reports the true address, with the other text the one in that text.

use std::ops::Range;

use monban_pyre::ast::{Anchor, Kind, Node};

use super::reader::{Expression, Reader};
use super::sample::{Free, Sample, samples};

/// The address that the program wrote.
pub const TRUE_ADDRESS: &str = "203.0.113.5";
/// The address that the stranger typed.
pub const TYPED_ADDRESS: &str = "198.51.100.9";

/// Two lines that show that a stranger chooses the address.
pub(crate) struct Proof {
    /// The line for which the typed address is reported.
    pub line: String,
    /// What the stranger typed in it.
    pub typed: String,
    /// The part of the expression that holds what he typed; empty if it is none of its parts.
    pub part: String,
}

/// Lines that are searched for one expression at most.
const TRIES_MAX: usize = 3000;

/// Looks for a line of the expression itself in which the typed address is reported.
pub(crate) fn forged(reader: &Reader, at: usize) -> Option<Proof> {
    let one = reader.fail.get(at)?;
    let strict = with_true_address(one);
    let is_ended = is_ended(&one.ast.root);
    let mut tries = 0;
    let typed = lines(reader, one, TYPED_ADDRESS);
    for (sample, typed) in lines(reader, one, TRUE_ADDRESS).iter().zip(&typed) {
        let Some(address) = sample.address.clone() else { continue };
        if reader.read(&sample.text) != Some((at, TRUE_ADDRESS.to_owned())) {
            continue;
        }
        let first = first_word(sample).unwrap_or(usize::MAX);
        // An address at the very beginning of an anchored line could only be taken for the head
        // of the line by a log that has no head.
        if address.start < first && !is_loose(&one.ast.root) {
            continue;
        }
        for free in sample.free.iter().filter(|free| free.range.start >= first) {
            for text in payloads(sample, typed, &free.range, &address) {
                tries += 1;
                if tries > TRIES_MAX {
                    return None;
                }
                if !free.holds(&text) {
                    continue;
                }
                let line = replaced(&sample.text, &free.range, &text);
                let is_true = strict.as_ref().is_none_or(|strict| strict.may_read(&line));
                if is_true && reader.read(&line) == Some((at, TYPED_ADDRESS.to_owned())) {
                    return Some(Proof { line, typed: text, part: part(one, free) });
                }
            }
        }
        if !is_ended && let Some(proof) = behind(reader, at, sample, typed, &address) {
            return Some(proof);
        }
    }
    None
}

/// A text behind the match, where the expression does not say how the line ends.
fn behind(
    reader: &Reader,
    at: usize,
    sample: &Sample,
    typed: &Sample,
    address: &Range<usize>,
) -> Option<Proof> {
    let end = sample.text.len();
    for (open, close) in [(" to=<", ">"), (" ", "")] {
        let plain = format!("{}{open}x{close}", sample.text);
        if reader.read(&plain) != Some((at, TRUE_ADDRESS.to_owned())) {
            continue;
        }
        for text in payloads(sample, typed, &(end..end), address) {
            let line = format!("{}{open}{text}{close}", sample.text);
            if reader.read(&line) == Some((at, TYPED_ADDRESS.to_owned())) {
                return Some(Proof { line, typed: text, part: String::new() });
            }
        }
    }
    None
}

/// Looks for a text that is reported wherever it stands in a line.
pub(crate) fn loose(reader: &Reader, at: usize) -> Option<Proof> {
    let one = reader.fail.get(at)?;
    if !is_loose(&one.ast.root) {
        return None;
    }
    for typed in samples(&one.ast, TYPED_ADDRESS, None) {
        let address = typed.address.clone()?;
        let word = first_word(&typed).unwrap_or(0);
        let start = if word < address.start { word } else { 0 };
        let text = typed.text[start..].trim().to_owned();
        // A line of the same service that is about something else.
        let line = |text: &str| format!("login of \"{text}\" refused from {TRUE_ADDRESS} port 22");
        for head in [&typed.text[..start], "host service[123]: "] {
            let with_head = |text: &str| in_prefix(reader, &format!("{head}{}", line(text)));
            let Some((plain, forged)) = with_head("x").zip(with_head(&text)) else { continue };
            let is_new = reader.read(&plain).is_none_or(|(_, who)| who == TRUE_ADDRESS);
            if is_new && reader.read(&forged) == Some((at, TYPED_ADDRESS.to_owned())) {
                return Some(Proof { line: forged, typed: text, part: String::new() });
            }
        }
    }
    None
}

/// The lines of an expression, within the prefregex of its filter if it has one.
fn lines(reader: &Reader, one: &Expression, address: &str) -> Vec<Sample> {
    let contents = samples(&one.ast, address, None);
    let Some(prefix) = &reader.prefix else { return contents };
    if !prefix.ast.group_names.iter().flatten().any(|name| name == "content") {
        return contents;
    }
    let whole = |content: &Sample| samples(&prefix.ast, address, Some(content)).into_iter().next();
    contents.iter().filter_map(whole).collect()
}

/// A text where the failregexes look for it.
fn in_prefix(reader: &Reader, text: &str) -> Option<String> {
    let Some(prefix) = &reader.prefix else { return Some(text.to_owned()) };
    let content = Sample { text: text.to_owned(), ..Sample::default() };
    let whole = samples(&prefix.ast, TRUE_ADDRESS, Some(&content)).into_iter().next()?;
    Some(whole.text)
}

/// What a stranger might type into a part: the rest of the line with another address.
fn payloads(
    sample: &Sample,
    typed: &Sample,
    part: &Range<usize>,
    address: &Range<usize>,
) -> Vec<String> {
    let Some(other) = typed.address.clone() else { return Vec::new() };
    let moved = |at: usize| if at >= address.end { at - address.end + other.end } else { at };
    let cut = |from: usize, to: usize| typed.text.get(from..to).unwrap_or_default();
    let mut starts: Vec<usize> = sample.free.iter().map(|free| free.range.end).collect();
    starts.push(0);
    starts.retain(|start| *start <= address.start);
    if part.end <= address.start {
        starts.retain(|start| *start == part.end || *start == 0);
    }
    starts.sort_unstable_by(|a, b| b.cmp(a));
    starts.dedup();
    let mut ends = vec![typed.text.len(), other.end];
    if part.start >= address.end {
        ends.push(moved(part.start));
    }
    ends.extend((1..=3).map(|more| other.end + more));
    let mut texts = Vec::new();
    for start in starts {
        for end in &ends {
            let text = cut(start, *end);
            for text in [text.to_owned(), format!("x{text}"), format!("{text}x")] {
                if text.contains(TYPED_ADDRESS) && !texts.contains(&text) {
                    texts.push(text);
                }
            }
        }
    }
    texts
}

/// The end of the first word that the program itself wrote: what stands before it is the head of
/// the line, which no stranger fills.
fn first_word(sample: &Sample) -> Option<usize> {
    let is_theirs = |at: usize| {
        let in_free = sample.free.iter().any(|free| free.range.contains(&at));
        in_free || sample.address.as_ref().is_some_and(|address| address.contains(&at))
    };
    let mut start = 0;
    for (at, c) in sample.text.char_indices() {
        let end = at + c.len_utf8();
        if !c.is_alphabetic() || is_theirs(at) {
            start = end;
        }
        let word = &sample.text[start..end];
        // `::ffff:` is a part of an address.
        if word.chars().count() >= 3 && word.chars().any(|c| c != 'f') {
            return Some(start);
        }
    }
    None
}

fn replaced(text: &str, range: &Range<usize>, with: &str) -> String {
    format!("{}{with}{}", &text[..range.start], &text[range.end..])
}

/// The part as it was written, with the name of its group in fail2ban's form left out.
fn part(one: &Expression, free: &Free) -> String {
    one.pattern.text().get(free.written.clone()).unwrap_or_default().to_owned()
}

/// The expression with the true address instead of any: it must still match a forged line, else
/// the program could not have written it.
struct Strict(monban_pyre::Regex);

impl Strict {
    fn may_read(&self, line: &str) -> bool {
        // With a prefregex the content begins anywhere: the anchors cannot be held against it.
        line.char_indices().any(|(at, _)| matches!(self.0.search(&line[at..]), Ok(Some(_))))
    }
}

fn with_true_address(one: &Expression) -> Option<Strict> {
    let any = r"(?:\d{1,3}\.){3}\d{1,3}";
    let text = one.pattern.text();
    if !text.contains(any) {
        return None;
    }
    let text = text.replacen(any, &TRUE_ADDRESS.replace('.', r"\."), 1);
    monban_pyre::Regex::new(&text, monban_pyre::Options::default()).ok().map(Strict)
}

/// Whether every way through the expression says how the line ends.
fn is_ended(node: &Node) -> bool {
    match &node.kind {
        Kind::Anchor(Anchor::End | Anchor::TextEnd) => true,
        Kind::Concat(nodes) => nodes.last().is_some_and(is_ended),
        Kind::Alternation(nodes) => nodes.iter().all(is_ended),
        Kind::Group { node, .. } | Kind::Atomic(node) => is_ended(node),
        _ => false,
    }
}

/// Whether an expression begins anywhere: without `^`, or with `.*` behind it.
fn is_loose(node: &Node) -> bool {
    match &node.kind {
        Kind::Anchor(Anchor::Start | Anchor::TextStart) => false,
        Kind::Concat(nodes) => {
            let mut nodes = nodes.iter();
            match nodes.next() {
                Some(first) if is_loose(first) => true,
                _ => nodes.next().is_some_and(is_anything),
            }
        }
        Kind::Alternation(nodes) => nodes.iter().any(is_loose),
        Kind::Group { node, .. } | Kind::Atomic(node) => is_loose(node),
        _ => true,
    }
}

/// `.*` and its like.
fn is_anything(node: &Node) -> bool {
    match &node.kind {
        Kind::Repeat { node, max: None, .. } => matches!(node.kind, Kind::Dot),
        Kind::Group { node, .. } => is_anything(node),
        Kind::Concat(nodes) => nodes.first().is_some_and(is_anything),
        _ => false,
    }
}

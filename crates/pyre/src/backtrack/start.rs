//! Where a match can begin: most places of a line are passed over without trying.

use crate::chars;
use crate::ir::{At, Ir, Repeat};
use crate::linear::is_nullable;

/// Where a match can begin.
#[derive(Clone, Debug)]
pub(super) enum Start {
    Anywhere,
    /// At the start of the text.
    Text,
    /// At the start of the text and after each `\n`.
    Line,
    /// At one of these bytes.
    Bytes(Box<[bool; 256]>),
}

impl Start {
    pub(super) fn of(ir: &Ir) -> Self {
        if is_tied_to_start(ir) {
            return Self::Text;
        }
        if begins_with(ir, &|at| matches!(at, At::TextStart | At::LineStart)) {
            return Self::Line;
        }
        if is_nullable(ir) {
            return Self::Anywhere;
        }
        let mut bytes = Box::new([false; 256]);
        first_bytes(ir, &mut bytes);
        // No character begins with a byte that continues one.
        bytes[0x80..0xc0].fill(false);
        Self::Bytes(bytes)
    }

    /// The next place at or after `from` where a match can begin.
    pub(super) fn next(&self, text: &[u8], from: usize) -> Option<usize> {
        match self {
            Self::Anywhere => {
                let is_boundary = |byte: &u8| *byte & 0xc0 != 0x80;
                let rest = text.get(from..)?;
                Some(from + rest.iter().position(is_boundary).unwrap_or(rest.len()))
            }
            Self::Text => (from == 0).then_some(0),
            Self::Line if from == 0 => Some(0),
            Self::Line => {
                let rest = text.get(from - 1..)?;
                memchr::memchr(b'\n', rest).map(|at| from + at)
            }
            Self::Bytes(bytes) => {
                let rest = text.get(from..)?;
                rest.iter().position(|byte| bytes[usize::from(*byte)]).map(|at| from + at)
            }
        }
    }
}

/// Whether a match can begin at the start of the text only.
pub(crate) fn is_tied_to_start(ir: &Ir) -> bool {
    begins_with(ir, &|at| at == At::TextStart)
}

/// Whether every way through begins with such an anchor.
fn begins_with(ir: &Ir, wanted: &dyn Fn(At) -> bool) -> bool {
    match ir {
        Ir::At(at) => wanted(*at),
        Ir::Concat(parts) => {
            for part in parts {
                if begins_with(part, wanted) {
                    return true;
                }
                if !matches!(part, Ir::At(_) | Ir::Look(_) | Ir::Empty) {
                    return false;
                }
            }
            false
        }
        Ir::Alternation(parts) => parts.iter().all(|part| begins_with(part, wanted)),
        Ir::Repeat(Repeat { node, min, .. }) => *min > 0 && begins_with(node, wanted),
        Ir::Capture(_, node) | Ir::Atomic(node) => begins_with(node, wanted),
        _ => false,
    }
}

/// Adds the bytes that can come first.
fn first_bytes(ir: &Ir, bytes: &mut [bool; 256]) {
    match ir {
        Ir::Char(c) => {
            bytes[usize::from(c.encode_utf8(&mut [0; 4]).as_bytes()[0])] = true;
        }
        Ir::Set(set) => {
            for c in '\0'..='\x7f' {
                bytes[c as usize] |= chars::contains(set, c);
            }
            let wide = set.iter().any(|range| !range.end().is_ascii());
            bytes[0x80..].iter_mut().for_each(|byte| *byte |= wide);
        }
        Ir::Concat(parts) => {
            for part in parts {
                first_bytes(part, bytes);
                if !is_nullable(part) {
                    break;
                }
            }
        }
        Ir::Alternation(parts) => parts.iter().for_each(|part| first_bytes(part, bytes)),
        Ir::Repeat(Repeat { node, max, .. }) if *max != Some(0) => first_bytes(node, bytes),
        Ir::Capture(_, node) | Ir::Atomic(node) => first_bytes(node, bytes),
        Ir::Conditional { yes, no, .. } => {
            first_bytes(yes, bytes);
            first_bytes(no, bytes);
        }
        // A reference to a group that took something begins with what that began with.
        Ir::Backref { .. } => bytes.fill(true),
        _ => {}
    }
}

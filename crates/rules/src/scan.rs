//! Matching a compiled linear pattern: byte scans, no allocation.

use std::net::Ipv4Addr;

use monban_model::Address;
use monban_model::limits::{LINE_MAX, MATCH_STEPS_MAX};

use crate::class::Class;
use crate::field::{Field, Shape, Slot, quoted_end, quoted_start};
use crate::linear::{Fixed, Free, Step};
use crate::quad::{quad, quad_behind_space, read_address};
use crate::tree::{Back, Front};

/// Longest message that is matched: offsets are kept in 16 bits.
pub(crate) const MESSAGE_MAX: usize = u16::MAX as usize - 1;

// The text of a JSON line may come from a buffer of twice a line.
const _: () = assert!(LINE_MAX * 2 < MESSAGE_MAX);

/// What a match captured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Captures {
    /// Where the slots of `held` stand; the others hold what an earlier try left behind.
    spans: [(u16, u16); Slot::COUNT],
    address: Address,
    /// A bit for each slot.
    held: u16,
}

impl Captures {
    /// Nothing captured.
    pub(crate) const NONE: Self =
        Self { spans: [(0, 0); Slot::COUNT], address: Address::UNSPECIFIED, held: 0 };

    /// The text of a slot.
    #[inline]
    pub(crate) fn get<'m>(&self, slot: Slot, message: &'m [u8]) -> Option<&'m [u8]> {
        let (start, end) = self.span(slot)?;
        message.get(start..end)
    }

    /// The place of a slot.
    #[inline]
    pub(crate) fn span(&self, slot: Slot) -> Option<(usize, usize)> {
        let (start, end) = self.spans[slot as usize];
        (self.held & bit(slot) != 0).then_some((usize::from(start), usize::from(end)))
    }

    /// The address, parsed.
    #[inline]
    pub(crate) fn address(&self) -> Option<Address> {
        (self.held & bit(Slot::Address) != 0).then_some(self.address)
    }

    /// Keeps the place of a slot.
    #[inline]
    pub(crate) fn set(&mut self, slot: Slot, start: usize, end: usize) {
        self.spans[slot as usize] = (start as u16, end as u16);
        self.held |= bit(slot);
    }

    /// Keeps the address and its place.
    #[inline]
    pub(crate) fn set_address(&mut self, address: Address, start: usize, end: usize) {
        self.address = address;
        self.set(Slot::Address, start, end);
    }

    /// Whether everything that is captured ends before this place.
    pub(crate) fn end_before(&self, place: usize) -> bool {
        let mut held = self.held;
        while held != 0 {
            let (_, end) = self.spans[held.trailing_zeros() as usize % Slot::COUNT];
            if usize::from(end) > place {
                return false;
            }
            held &= held - 1;
        }
        true
    }

    /// Forgets everything.
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.held = 0;
    }

    #[inline]
    fn keep(&mut self, field: &Field, start: usize, end: usize) {
        if let Some(slot) = field.slot {
            self.set(slot, start, end);
        }
    }
}

const fn bit(slot: Slot) -> u16 {
    1 << slot as u16
}

impl Front {
    /// Matches `message`, of which `start` bytes are matched already, as a whole.
    #[inline]
    pub(crate) fn matches(&self, message: &[u8], start: usize, captures: &mut Captures) -> bool {
        self.walk(message, start, captures, &mut { MATCH_STEPS_MAX })
    }

    fn walk(&self, message: &[u8], start: usize, caps: &mut Captures, budget: &mut usize) -> bool {
        let (mut node, mut start) = (self, start);
        // As long as there is one way only.
        while let ([(step, next)], None, false) = (&node.branches[..], &node.back, node.end) {
            match step_right(step, message, start, caps) {
                Some(at) => (node, start) = (next, at),
                None => return false,
            }
        }
        let held = caps.held;
        for (step, next) in &node.branches {
            if let Some(at) = step_right(step, message, start, caps) {
                if next.walk(message, at, caps, budget) {
                    return true;
                }
                // What a way that led nowhere has kept.
                caps.held = held;
            }
        }
        (node.end && start == message.len())
            || node
                .back
                .as_ref()
                .is_some_and(|back| back.walk(message, start, message.len(), caps, budget))
    }
}

impl Back {
    fn walk(
        &self,
        message: &[u8],
        start: usize,
        end: usize,
        caps: &mut Captures,
        budget: &mut usize,
    ) -> bool {
        let (mut node, mut end) = (self, end);
        while let ([(step, next)], true) = (&node.branches[..], node.free.is_empty()) {
            match step_left(step, message, start, end, caps) {
                Some(at) => (node, end) = (next, at),
                None => return false,
            }
        }
        let held = caps.held;
        for (step, next) in &node.branches {
            if let Some(at) = step_left(step, message, start, end, caps) {
                if next.walk(message, start, at, caps, budget) {
                    return true;
                }
                caps.held = held;
            }
        }
        node.free.iter().any(|free| {
            caps.held = held;
            between(free, &message[..end], start, caps, budget)
        })
    }
}

/// One step to the right; the new position.
#[inline(always)]
fn step_right(step: &Step, message: &[u8], start: usize, captures: &mut Captures) -> Option<usize> {
    let text = message.get(start..)?;
    match step {
        Step::Literal(literal) => literal.begins(text).then_some(start + literal.len()),
        Step::Fixed(fixed) => fixed_right(fixed, text, start, captures),
    }
}

/// The end of a field that begins at `start`, where `text` does.
#[inline]
fn fixed_right(fixed: &Fixed, text: &[u8], start: usize, captures: &mut Captures) -> Option<usize> {
    let field = &fixed.field;
    let length = match field.shape {
        Shape::Run => {
            let length = fixed.runner.run(text).checked_sub(fixed.strip)?;
            (length >= field.min).then_some(length)?
        }
        Shape::Int => {
            let sign = usize::from(text.first() == Some(&b'-'));
            let digits = fixed.runner.run(&text[sign..]).checked_sub(fixed.strip)?;
            (digits > 0).then_some(sign + digits)?
        }
        Shape::Address => {
            let (address, length) = address_right(fixed, text)?;
            if field.slot.is_some() {
                captures.set_address(address, start, start + length);
            }
            return Some(start + length);
        }
        Shape::Quoted => quoted_end(text),
    };
    captures.keep(field, start, start + length);
    Some(start + length)
}

/// The address that `text` begins with, and its length.
#[inline]
fn address_right(fixed: &Fixed, text: &[u8]) -> Option<(Address, usize)> {
    if let Some((bits, length)) = quad(text)
        && !fixed.to_last_colon
        && fixed.field.class.run(&text[length..]) == fixed.strip
    {
        return Some((Address::new(Ipv4Addr::from_bits(bits).into()), length));
    }
    let run = fixed.field.class.run(text);
    let length = match fixed.to_last_colon {
        true => memchr::memrchr(b':', &text[..run])?,
        false => run.checked_sub(fixed.strip)?,
    };
    Some((read_address(&text[..length])?, length))
}

/// The address that `text` ends with, and its length.
#[inline]
fn address_left(fixed: &Fixed, text: &[u8]) -> Option<(Address, usize)> {
    // A space is in no address, so the run of its bytes ends there.
    if fixed.strip == 0
        && let Some((bits, length)) = quad_behind_space(text)
    {
        return Some((Address::new(Ipv4Addr::from_bits(bits).into()), length));
    }
    let length = fixed.field.class.run_back(text).checked_sub(fixed.strip)?;
    Some((read_address(&text[text.len() - length..])?, length))
}

/// One step to the left from `end`, not beyond `floor`; the new end.
#[inline(always)]
fn step_left(
    step: &Step,
    message: &[u8],
    floor: usize,
    end: usize,
    captures: &mut Captures,
) -> Option<usize> {
    let text = message.get(floor..end)?;
    match step {
        Step::Literal(literal) => literal.ends(text).then(|| end - literal.len()),
        Step::Fixed(fixed) => fixed_left(fixed, text, end, captures),
    }
}

/// The start of a field that ends at `end`, where `text` does.
#[inline]
fn fixed_left(fixed: &Fixed, text: &[u8], end: usize, captures: &mut Captures) -> Option<usize> {
    let field = &fixed.field;
    let length = match field.shape {
        Shape::Run => {
            let length = fixed.runner.run_back(text).checked_sub(fixed.strip)?;
            (length >= field.min).then_some(length)?
        }
        Shape::Int => {
            let digits = fixed.runner.run_back(text).checked_sub(fixed.strip)?;
            let before = text.len() - digits;
            let sign = fixed.minus && fixed.strip == 0 && text[..before].ends_with(b"-");
            (digits > 0).then_some(digits + usize::from(sign))?
        }
        Shape::Address => {
            let (address, length) = address_left(fixed, text)?;
            if field.slot.is_some() {
                captures.set_address(address, end - length, end);
            }
            return Some(end - length);
        }
        Shape::Quoted => {
            let start = quoted_start(text)?;
            field.accepts(&text[start..]).then_some(text.len() - start)?
        }
    };
    captures.keep(field, end - length, end);
    Some(end - length)
}

/// Matches free fields and what stands between them against all of `message` from `start`.
fn between(
    free: &[Free],
    message: &[u8],
    start: usize,
    captures: &mut Captures,
    budget: &mut usize,
) -> bool {
    let Some((first, rest)) = free.split_first() else {
        return start == message.len();
    };
    let field = &first.field;
    if rest.is_empty() {
        let fits = message.get(start..).is_some_and(|text| field.accepts(text));
        if fits {
            captures.keep(field, start, message.len());
        }
        return fits;
    }
    let mut at = start + field.min;
    loop {
        if let Some(finder) = &first.finder {
            match message.get(at..).and_then(|text| finder.find(text)) {
                Some(offset) => at += offset,
                None => return false,
            }
        }
        let Some(text) = message.get(start..at) else {
            return false;
        };
        let cost = text.len() + 16;
        if *budget < cost {
            return false;
        }
        *budget -= cost;
        let fits = field.accepts(text);
        if fits {
            let mut position = Some(at);
            for step in &first.then {
                position = position.and_then(|p| step_right(step, message, p, captures));
            }
            if let Some(next) = position {
                if between(rest, message, next, captures, budget) {
                    captures.keep(field, start, at);
                    return true;
                }
                // A later place leaves less to a field that takes anything: it cannot help.
                let next = &rest[0].field;
                if next.shape == Shape::Run && next.class == Class::ANY {
                    return false;
                }
            }
        } else if field.shape == Shape::Run {
            return false;
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::Linear;
    use crate::pattern::variants;
    use crate::tree::Shared;

    fn front(pattern: &str) -> (Front, Vec<u8>) {
        let mut front = Front::default();
        let mut prefix = Vec::new();
        for variant in variants(pattern).unwrap() {
            let linear = Linear::compile(&variant).unwrap();
            prefix = linear.prefix.to_vec();
            front.add(linear, &mut Shared::default());
        }
        (front, prefix)
    }

    fn read(pattern: &str, message: &str) -> Option<String> {
        let (front, prefix) = front(pattern);
        let mut captures = Captures::NONE;
        let message = message.as_bytes();
        if message.starts_with(&prefix) && front.matches(message, prefix.len(), &mut captures) {
            let text = |slot| {
                let bytes = captures.get(slot, message).unwrap_or(b"-");
                String::from_utf8_lossy(bytes).into_owned()
            };
            return Some(format!("{} {}", text(Slot::Address), text(Slot::User)));
        }
        None
    }

    #[test]
    fn what_an_attacker_types_does_not_move_the_address() {
        let pattern = "Invalid user {user} from {address}[ port {int}]";
        let told = |message| read(pattern, message);
        assert_eq!(
            told("Invalid user x from 8.8.8.8 from 192.0.2.1 port 1").unwrap(),
            "192.0.2.1 x from 8.8.8.8"
        );
        assert_eq!(told("Invalid user  from 192.0.2.1").unwrap(), "192.0.2.1 ");
        assert_eq!(told("Invalid user x from 192.0.2.1 port x"), None);
        assert_eq!(told("Invalid user x from 192.0.2.999"), None);
    }

    #[test]
    fn a_field_leaves_what_belongs_to_the_next_literal() {
        let cases = [
            ("from {address}: 11: {text}", "from 2001:db8::: 11: x", "2001:db8:: -"),
            ("from {address}.", "from 192.0.2.1.", "192.0.2.1 -"),
            ("client {address}:{int}", "client 2001:db8::1:4711", "2001:db8::1 -"),
            ("pam\\({word}:auth\\): {address}", "pam(sshd:auth): 192.0.2.1", "192.0.2.1 -"),
            ("{user}x:.{address}", "ax:.1.2.3.4x:.192.0.2.1", "192.0.2.1 ax:.1.2.3.4"),
            ("{text} id=-{int} a={user} {word} b", "t id=-5 a=x y z b", "- x y"),
            ("{int}[ {user:word}][ b]c", "1 bc", "- b"),
            ("{int}[ {user:word}][ c]", "1 b c", "- b"),
            ("{address} \"{quoted}\" {user}", r#"1.2.3.4 "a\" b" c"#, "1.2.3.4 c"),
        ];
        for (pattern, message, expected) in cases {
            assert_eq!(read(pattern, message).as_deref(), Some(expected), "{pattern}");
        }
    }

    #[test]
    fn a_hostile_text_costs_bounded_time() {
        let (front, _) = front("{text}a{word}b{word}c {text}d");
        let message = "ab".repeat(8192);
        let start = std::time::Instant::now();
        let mut captures = Captures::NONE;
        assert!(!front.matches(message.as_bytes(), 0, &mut captures));
        assert!(start.elapsed().as_millis() < 500);
    }
}

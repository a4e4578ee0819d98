//! Matching a compiled linear pattern: byte scans, no allocation.

use monban_model::Address;
use monban_model::limits::{LINE_MAX, MATCH_STEPS_MAX};

use crate::bytes::same;
use crate::class::Class;
use crate::field::{Field, Shape, Slot, quoted_end, quoted_start};
use crate::linear::{Fixed, Free, Step};
use crate::tree::{Back, Front};

/// Longest message that is matched: offsets are kept in 16 bits.
pub(crate) const MESSAGE_MAX: usize = u16::MAX as usize - 1;

// The text of a JSON line may come from a buffer of twice a line.
const _: () = assert!(LINE_MAX * 2 < MESSAGE_MAX);

/// What a match captured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Captures {
    spans: [(u16, u16); Slot::COUNT],
    /// The address, parsed.
    pub(crate) address: Option<Address>,
}

impl Captures {
    /// Nothing captured.
    pub(crate) const NONE: Self = Self { spans: [(u16::MAX, 0); Slot::COUNT], address: None };

    /// The text of a slot.
    #[inline]
    pub(crate) fn get<'m>(&self, slot: Slot, message: &'m [u8]) -> Option<&'m [u8]> {
        let (start, end) = self.spans[slot as usize];
        message.get(usize::from(start)..usize::from(end))
    }

    /// The place of a slot.
    pub(crate) fn span(&self, slot: Slot) -> Option<(usize, usize)> {
        let (start, end) = self.spans[slot as usize];
        (start != u16::MAX).then_some((usize::from(start), usize::from(end)))
    }

    /// Keeps the place of a slot.
    #[inline]
    pub(crate) fn set(&mut self, slot: Slot, start: usize, end: usize) {
        self.spans[slot as usize] = (start as u16, end as u16);
    }

    /// Takes back what a step kept that led nowhere.
    #[inline]
    fn forget(&mut self, step: &Step) {
        if let Step::Fixed(fixed) = step
            && let Some(slot) = fixed.field.slot
        {
            self.spans[slot as usize] = (u16::MAX, 0);
            if slot == Slot::Address {
                self.address = None;
            }
        }
    }

    #[inline]
    fn keep(&mut self, field: &Field, start: usize, end: usize) {
        if let Some(slot) = field.slot {
            self.set(slot, start, end);
        }
    }
}

/// Reads an address; dotted quads, by far the most, by hand.
#[inline]
pub(crate) fn read_address(bytes: &[u8]) -> Option<Address> {
    match read_v4(bytes) {
        Some(bits) => Some(Address::new(std::net::Ipv4Addr::from_bits(bits).into())),
        // Only what has a colon can be an address besides.
        None if bytes.contains(&b':') => Address::from_bytes(bytes),
        None => None,
    }
}

fn read_v4(bytes: &[u8]) -> Option<u32> {
    let (mut bits, mut part, mut digits, mut dots) = (0u32, 0u32, 0, 0);
    if bytes.len() > 15 {
        return None;
    }
    for &byte in bytes {
        if byte == b'.' {
            if digits == 0 || dots == 3 {
                return None;
            }
            bits = bits << 8 | part;
            (part, digits) = (0, 0);
            dots += 1;
        } else {
            let digit = u32::from(byte.wrapping_sub(b'0'));
            // A zero in front would be octal to some readers: refused, as std does.
            if digit > 9 || (digits > 0 && part == 0) {
                return None;
            }
            part = part * 10 + digit;
            digits += 1;
            if part > 255 {
                return None;
            }
        }
    }
    (dots == 3 && digits > 0).then_some(bits << 8 | part)
}

impl Front {
    /// Matches `message`, of which `start` bytes are matched already, as a whole.
    #[inline]
    pub(crate) fn matches(&self, message: &[u8], start: usize, captures: &mut Captures) -> bool {
        self.walk(message, start, captures, &mut { MATCH_STEPS_MAX })
    }

    fn walk(&self, message: &[u8], start: usize, caps: &mut Captures, budget: &mut usize) -> bool {
        for (step, next) in &self.branches {
            if let Some(at) = step_right(step, message, start, caps) {
                if next.walk(message, at, caps, budget) {
                    return true;
                }
                caps.forget(step);
            }
        }
        (self.end && start == message.len())
            || self
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
        for (step, next) in &self.branches {
            if let Some(at) = step_left(step, message, start, end, caps) {
                if next.walk(message, start, at, caps, budget) {
                    return true;
                }
                caps.forget(step);
            }
        }
        let mut free = self.free.iter();
        free.any(|free| between(free, &message[..end], start, caps, budget))
    }
}

/// One step to the right; the new position.
#[inline]
fn step_right(step: &Step, message: &[u8], start: usize, captures: &mut Captures) -> Option<usize> {
    match step {
        Step::Literal(bytes) => {
            let end = start + bytes.len();
            same(message.get(start..end)?, bytes).then_some(end)
        }
        Step::Fixed(fixed) => {
            let end = start + fixed_length(fixed, &message[start..], captures)?;
            captures.keep(&fixed.field, start, end);
            Some(end)
        }
    }
}

#[inline]
fn fixed_length(fixed: &Fixed, text: &[u8], captures: &mut Captures) -> Option<usize> {
    let field = &fixed.field;
    match field.shape {
        Shape::Run => {
            let length = field.class.run(text).checked_sub(fixed.strip)?;
            (length >= field.min).then_some(length)
        }
        Shape::Int => {
            let sign = usize::from(text.first() == Some(&b'-'));
            let digits = field.class.run(&text[sign..]).checked_sub(fixed.strip)?;
            (digits > 0).then_some(sign + digits)
        }
        Shape::Address => {
            let run = field.class.run(text);
            let length = if fixed.to_last_colon {
                memchr::memrchr(b':', &text[..run])?
            } else {
                run.checked_sub(fixed.strip)?
            };
            keep_address(field, &text[..length], captures)?;
            Some(length)
        }
        Shape::Quoted => Some(quoted_end(text)),
    }
}

#[inline]
fn keep_address(field: &Field, text: &[u8], captures: &mut Captures) -> Option<()> {
    let address = read_address(text)?;
    if field.slot.is_some() {
        captures.address = Some(address);
    }
    Some(())
}

/// One step to the left from `end`, not beyond `floor`; the new end.
#[inline]
fn step_left(
    step: &Step,
    message: &[u8],
    floor: usize,
    end: usize,
    captures: &mut Captures,
) -> Option<usize> {
    let text = message.get(floor..end)?;
    let length = match step {
        Step::Literal(bytes) => {
            let tail = text.get(text.len().checked_sub(bytes.len())?..)?;
            same(tail, bytes).then_some(bytes.len())?
        }
        Step::Fixed(fixed) => {
            let length = fixed_length_back(fixed, text, captures)?;
            captures.keep(&fixed.field, end - length, end);
            length
        }
    };
    Some(end - length)
}

#[inline]
fn fixed_length_back(fixed: &Fixed, text: &[u8], captures: &mut Captures) -> Option<usize> {
    let field = &fixed.field;
    match field.shape {
        Shape::Run => {
            let length = field.class.run_back(text).checked_sub(fixed.strip)?;
            (length >= field.min).then_some(length)
        }
        Shape::Int => {
            let digits = field.class.run_back(text).checked_sub(fixed.strip)?;
            let before = text.len() - digits;
            let sign = fixed.minus && fixed.strip == 0 && text[..before].ends_with(b"-");
            (digits > 0).then_some(digits + usize::from(sign))
        }
        Shape::Address => {
            let length = field.class.run_back(text).checked_sub(fixed.strip)?;
            keep_address(field, &text[text.len() - length..], captures)?;
            Some(length)
        }
        Shape::Quoted => {
            let start = quoted_start(text)?;
            field.accepts(&text[start..]).then_some(text.len() - start)
        }
    }
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

    fn front(pattern: &str) -> (Front, Vec<u8>) {
        let mut front = Front::default();
        let mut prefix = Vec::new();
        for variant in variants(pattern).unwrap() {
            let linear = Linear::compile(&variant).unwrap();
            prefix = linear.prefix.to_vec();
            front.add(linear);
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
    fn a_dotted_quad_is_read_as_std_reads_it() {
        for text in [
            "1.2.3.4",
            "255.255.255.255",
            "0.0.0.0",
            "01.2.3.4",
            "1.2.3",
            "1.2.3.4.5",
            "256.1.1.1",
            "1..2.3",
            ".1.2.3",
            "1.2.3.",
            "",
            "::1",
            "::ffff:1.2.3.4",
            "1.2.3.00",
        ] {
            assert_eq!(
                read_address(text.as_bytes()),
                Address::from_bytes(text.as_bytes()),
                "{text}"
            );
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

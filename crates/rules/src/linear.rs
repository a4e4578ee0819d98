//! A linear pattern compiled into steps, with the proof that its address cannot be moved.
//!
//! Every field is either *fixed* or *free*. A field is fixed, seen from one side, if its end
//! follows from the bytes without a choice: it is as long as its class of bytes runs, less the
//! bytes at the end of that run which belong to the next literal. All other fields are free,
//! above all `{user}` and `{text}`. The parts before the first free field are matched from the
//! left (`front`), those behind the last one from the right (`back`). Both are deterministic and
//! look at no free byte, so what an attacker types into a free field cannot move them. What
//! stands between two free fields is searched for, and may therefore not hold the address, the
//! session or the number of attempts: [`Linear::compile`] refuses that.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use memchr::memmem::Finder;

use crate::bytes::Literal;
use crate::class::{Class, Runner};
use crate::field::{Field, Shape, Slot};
use crate::pattern::{Part, Variant};

/// How a fixed field ends.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Fixed {
    pub(crate) field: Field,
    /// Its class of bytes.
    pub(crate) runner: Runner,
    /// Bytes of the run that belong to the neighbour on the far side.
    pub(crate) strip: usize,
    /// `{address}:{int}`: the address ends at the last colon of the run.
    pub(crate) to_last_colon: bool,
    /// Seen from the right, a `-` before the digits belongs to the number.
    pub(crate) minus: bool,
}

impl Fixed {
    /// A field that is as long as its bytes run.
    fn of(field: &Field) -> Self {
        let runner = Runner::of(field.class);
        Self { field: field.clone(), runner, strip: 0, to_last_colon: false, minus: true }
    }
}

/// One step of a deterministic match.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Literal(Literal),
    Fixed(Arc<Fixed>),
}

/// A free field and the steps that follow it up to the next free field.
#[derive(Clone, Debug)]
pub(crate) struct Free {
    pub(crate) field: Field,
    /// Searches for the literal with which `then` begins.
    pub(crate) finder: Option<Finder<'static>>,
    pub(crate) then: Vec<Step>,
}

/// What is searched for follows from the steps.
impl PartialEq for Free {
    fn eq(&self, other: &Self) -> bool {
        (&self.field, &self.then) == (&other.field, &other.then)
    }
}

impl Eq for Free {}

impl Hash for Free {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.field, &self.then).hash(state);
    }
}

/// A compiled linear pattern.
#[derive(Clone, Debug)]
pub(crate) struct Linear {
    /// The literal it begins with, perhaps empty.
    pub(crate) prefix: Box<[u8]>,
    /// Matched from the left, behind the prefix.
    pub(crate) front: Vec<Step>,
    /// The free fields; none if the front covers the whole message.
    pub(crate) free: Vec<Free>,
    /// Matched from the right, in this order.
    pub(crate) back: Vec<Step>,
}

impl Linear {
    /// Compiles a variant.
    ///
    /// # Errors
    /// The field that an attacker could move, and why.
    pub(crate) fn compile(variant: &Variant) -> Result<Self, (Slot, String)> {
        let (prefix, rest) = match variant.split_first() {
            Some((Part::Literal(bytes), rest)) => (bytes.clone().into_boxed_slice(), rest),
            _ => (Box::default(), &variant[..]),
        };
        let (front, used) = steps_from_left(rest, rest.len());
        let middle = &rest[used..];
        let mut linear = Self { prefix, front, free: Vec::new(), back: Vec::new() };
        if middle.is_empty() {
            return Ok(linear);
        }
        let (back, last_free) = steps_from_right(middle);
        linear.back = back;
        let mut at = 0;
        while at <= last_free {
            let Part::Field(field) = &middle[at] else {
                // Both walks stop at a field; a literal cannot stand here.
                break;
            };
            let rest = &middle[at + 1..];
            let (then, used) = steps_from_left(rest, last_free.saturating_sub(at + 1));
            let finder = match then.first() {
                Some(Step::Literal(literal)) => Some(Finder::new(literal.bytes()).into_owned()),
                _ => None,
            };
            refuse_free(field)?;
            then.iter().try_for_each(refuse_between)?;
            linear.free.reserve_exact(1);
            linear.free.push(Free { field: field.clone(), finder, then });
            at += 1 + used;
        }
        Ok(linear)
    }
}

fn refuse_free(field: &Field) -> Result<(), (Slot, String)> {
    match field.slot {
        Some(slot) if slot.must_be_fixed() => Err((
            slot,
            format!("`{{{}}}` has no certain end: what follows it could belong to it", field.text),
        )),
        _ => Ok(()),
    }
}

fn refuse_between(step: &Step) -> Result<(), (Slot, String)> {
    match step {
        Step::Fixed(fixed) => match fixed.field.slot {
            Some(slot) if slot.must_be_fixed() => Err((
                slot,
                format!(
                    "`{{{}}}` stands between two texts of which an attacker types one",
                    fixed.field.text
                ),
            )),
            _ => Ok(()),
        },
        Step::Literal(_) => Ok(()),
    }
}

/// The steps of the first `most` parts up to the first free field, and how many parts they cover.
fn steps_from_left(parts: &[Part], most: usize) -> (Vec<Step>, usize) {
    let mut steps = Vec::new();
    for (at, part) in parts.iter().enumerate().take(most) {
        match part {
            Part::Literal(bytes) => steps.push(Step::Literal(Literal::of(bytes))),
            Part::Field(field) => match fixed_from_left(field, &parts[at + 1..]) {
                Some(fixed) => steps.push(Step::Fixed(Arc::new(fixed))),
                None => return (steps, at),
            },
        }
    }
    (steps, most)
}

/// How `field` ends if `after` follows it up to the end of the message or to a free field.
fn fixed_from_left(field: &Field, after: &[Part]) -> Option<Fixed> {
    let mut fixed = Fixed::of(field);
    let Some(next) = after.first() else {
        return Some(fixed);
    };
    let Part::Literal(next) = next else {
        return None;
    };
    if field.shape == Shape::Quoted {
        return (next.first() == Some(&b'"')).then_some(fixed);
    }
    let inside = field.class.run(next);
    if inside < next.len() || after.len() == 1 {
        fixed.strip = inside;
        return Some(fixed);
    }
    if field.shape == Shape::Address && next.as_slice() == b":" && port_follows(&after[1..]) {
        fixed.to_last_colon = true;
        return Some(fixed);
    }
    None
}

/// Whether a number follows whose end is also the end of the run of an address's bytes.
fn port_follows(after: &[Part]) -> bool {
    let Some(Part::Field(field)) = after.first() else {
        return false;
    };
    let ends = match after.get(1) {
        None => true,
        Some(Part::Literal(next)) => next.first().is_some_and(|b| !Class::ADDRESS.has(*b)),
        Some(Part::Field(_)) => false,
    };
    ends && field.shape == Shape::Int
}

/// The steps from the end back to the last free field, and the index of that field.
fn steps_from_right(parts: &[Part]) -> (Vec<Step>, usize) {
    let mut steps = Vec::new();
    for (at, part) in parts.iter().enumerate().rev() {
        match part {
            Part::Literal(bytes) => steps.push(Step::Literal(Literal::of(bytes))),
            Part::Field(field) => match (at > 0).then(|| fixed_from_right(field, &parts[at - 1])) {
                Some(Some(fixed)) => steps.push(Step::Fixed(Arc::new(fixed))),
                _ => return (steps, at),
            },
        }
    }
    (steps, 0)
}

/// How `field` begins if `before` stands before it.
fn fixed_from_right(field: &Field, before: &Part) -> Option<Fixed> {
    let Part::Literal(before) = before else {
        return None;
    };
    let mut fixed = Fixed { minus: before.last() != Some(&b'-'), ..Fixed::of(field) };
    if field.shape == Shape::Quoted {
        // A `\` before the quote would make it look like an escaped one.
        let certain = matches!(before.as_slice(), [.., other, b'"'] if *other != b'\\');
        return certain.then_some(fixed);
    }
    fixed.strip = field.class.run_back(before);
    (fixed.strip < before.len()).then_some(fixed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::variants;

    fn safe(text: &str) -> bool {
        variants(text).unwrap().iter().all(|variant| Linear::compile(variant).is_ok())
    }

    #[test]
    fn an_address_behind_or_before_all_hostile_text_is_safe() {
        for text in [
            "Invalid user {user} from {address}[ port {int}]",
            "from {address}: {int}: {text}",
            "\\[client {address}:{int}\\] {text}",
            "client={name}[\\[{address}\\]:{int}], {text}",
            "{user}@{address}",
            "rip={address}, {text}",
            "from {address}.",
            "user=<{user:>}>, method={method:,}, rip={address}, {text}",
        ] {
            assert!(safe(text), "{text}");
        }
    }

    #[test]
    fn an_address_that_a_text_could_move_is_refused() {
        for text in [
            "{user} failed from {address}: {text}",
            "{user} from {address}[: {text}]",
            "{user}{address}",
            "{address}{text}",
            "{address}{int}",
            "{word}{address}",
            "a{hex}{address}",
            "{text}:{address}",
            "x {user}, {times} times, {text}",
            "{user} \\({session}\\) {text}",
            "{user}, rip={address}, lip={ip}{text}",
            "user=<{user}>, rip={address}, session=<{text}>",
        ] {
            assert!(!safe(text), "{text}");
        }
    }
}

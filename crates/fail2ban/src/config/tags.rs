//! `<tag>`: options within options, after `%(..)s` was put in, until nothing changes any more.
//!
//! A tag that nobody knows stays as it is: that is how `<HOST>` and `<ip>` come through.

use std::collections::HashSet;
use std::sync::Arc;

use monban_model::limits::{FAIL2BAN_TAG_REPEATS_MAX, FAIL2BAN_VALUE_MAX, FAIL2BAN_VALUE_WORK_MAX};
use smallvec::SmallVec;

use super::complaint::Complaint;
use super::options::{Options, Quickly};
use super::place::{Spare, Text};

/// Names of tags.
pub(crate) type Names = HashSet<String, Quickly>;

/// Puts tags into all options.
///
/// Tags named in `ignore` stay; `other` is asked for names that are not among the options. With a
/// `family`, the option `x?family=..` is put in for `<x>` where there is one.
///
/// # Errors
/// A tag that leads to itself, a value over our limits, or what `other` refuses.
pub(crate) fn substitute(
    options: Options,
    ignore: &Names,
    family: Option<&str>,
    other: &mut dyn FnMut(&str) -> Result<Option<Text>, Complaint>,
) -> Result<Options, Complaint> {
    // Most values have no tag in them.
    let is_open = |(key, value): &(&Arc<str>, &Text)| has_tag(value) && !ignore.contains(&***key);
    let mut open: Vec<Open> = options.entries().filter(is_open).map(Open::of).collect();
    let (moved, spare) = (0, Spare::default());
    let mut work = Work { options, ignore, family, other, moved, spare };
    loop {
        let mut again = false;
        for Open { key, counts: kept, is_settled } in &mut open {
            let is_kept = kept.is_some();
            let mut counts = kept.take().unwrap_or_default();
            let done = work.one(key, &mut counts)?;
            *is_settled = done == Done::Nothing;
            let is_open = done == Done::Changed
                && work.options.get(key).is_some_and(|v| find(v.as_str(), 0).is_some());
            again |= is_open;
            *kept = (is_open || is_kept).then_some(counts);
        }
        if !again {
            return Ok(work.options);
        }
        open.retain(|open| !open.is_settled && work.options.get(&open.key).is_some_and(has_tag));
    }
}

/// An option that may have tags in it.
struct Open {
    key: Arc<str>,
    /// Kept from the round on that left something to do.
    counts: Option<Counts>,
    /// All its tags are unknown, and stay so.
    is_settled: bool,
}

impl Open {
    fn of((key, _): (&Arc<str>, &Text)) -> Self {
        Self { key: Arc::clone(key), counts: None, is_settled: false }
    }
}

/// Whether a value may have a tag in it.
fn has_tag(value: &Text) -> bool {
    memchr::memchr(b'<', value.as_str().as_bytes()).is_some()
}

/// How often each tag was put into an option.
type Counts = Vec<(Name, u32)>;

/// The bytes of a tag's name; most are short.
type Name = SmallVec<[u8; 24]>;

/// What became of an option in one round.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Done {
    /// There was nothing to put in.
    Nothing,
    /// It is as it was.
    Same,
    /// It is another.
    Changed,
}

struct Work<'a> {
    options: Options,
    ignore: &'a Names,
    family: Option<&'a str>,
    other: &'a mut dyn FnMut(&str) -> Result<Option<Text>, Complaint>,
    moved: usize,
    spare: Spare,
}

impl Work<'_> {
    /// Puts tags into one option.
    fn one(&mut self, key: &str, counts: &mut Counts) -> Result<Done, Complaint> {
        let Some(original) = self.options.get(key).cloned() else { return Ok(Done::Nothing) };
        let mut value = original.clone();
        let mut done = Done::Nothing;
        let mut next = find(value.as_str(), 0);
        while let Some((start, end)) = next {
            let tag = &value.as_str()[start + 1..end - 1];
            if self.ignore.contains(tag) {
                next = find(value.as_str(), end);
                continue;
            }
            let known = counts.iter().position(|(known, _)| **known == *tag.as_bytes());
            let count = known.map_or(1, |at| counts[at].1);
            if tag == key || count > FAIL2BAN_TAG_REPEATS_MAX {
                return Err(wrong("tag-recursion", key, tag, &value, start));
            }
            let replacement = match of_family(&self.options, tag, self.family) {
                Some(known) => Some(known.clone()),
                None => (self.other)(tag)?,
            };
            let Some(replacement) = replacement else {
                next = find(value.as_str(), end);
                continue;
            };
            match known {
                Some(at) => counts[at].1 += 1,
                None => counts.push((Name::from_slice(tag.as_bytes()), 1)),
            }
            let places = self.places(key, &value, (start, end), &replacement)?;
            value.replace(&places, end - start, &replacement, &mut self.spare);
            self.moved += value.as_str().len();
            done = Done::Same;
            next = find(value.as_str(), start);
        }
        // What leads back to itself within one round is left as it is, without a complaint.
        if value.as_str() != original.as_str() {
            self.options.set(key, value);
            done = Done::Changed;
        }
        Ok(done)
    }

    /// Where a tag that was found stands in a value, which is to be replaced there.
    fn places(
        &mut self,
        key: &str,
        value: &Text,
        (start, end): (usize, usize),
        replacement: &Text,
    ) -> Result<SmallVec<[usize; 16]>, Complaint> {
        let (text, length) = (value.as_str(), end - start);
        let in_brackets = &text[start..end];
        let mut places = SmallVec::<[usize; 16]>::new();
        // Of what stands before the place that was found last, with all before it replaced.
        let mut grown = 0;
        for found in memchr::memmem::find_iter(text.as_bytes(), in_brackets) {
            grown += found - places.last().map_or(0, |last| last + length);
            grown += replacement.as_str().len();
            places.push(found);
            // Finding the line of a part costs up to the length of the whole.
            self.moved += text.len() / 8 + replacement.as_str().len() + 16;
            if grown > FAIL2BAN_VALUE_MAX || self.moved > FAIL2BAN_VALUE_WORK_MAX {
                let tag = &in_brackets[1..length - 1];
                return Err(wrong("value-too-long", key, tag, value, found));
            }
        }
        Ok(places)
    }
}

/// What stands for a tag, for one address family if there is a value of its own.
pub(crate) fn of_family<'a>(
    options: &'a Options,
    tag: &str,
    family: Option<&str>,
) -> Option<&'a Text> {
    let own = family.and_then(|family| options.get(&format!("{tag}?family={family}")));
    own.or_else(|| options.get(tag))
}

fn wrong(kind: &'static str, key: &str, tag: &str, value: &Text, at: usize) -> Complaint {
    Complaint::error(kind, value.place_at(at))
        .with("key", key)
        .with("section", "Definition")
        .with("text", format!("<{tag}>"))
        .with("tag", tag)
}

/// The next innermost `<..>` without a space in it: where it begins and where it has ended.
pub(crate) fn find(text: &str, from: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut at = from;
    loop {
        let before = bytes.get(at..)?;
        let before = &before[..memchr::memchr(b'>', before)?];
        let (begun, end) = (memchr::memrchr2(b'<', b' ', before), before.len());
        if let Some(begun) = begun.filter(|begun| before[*begun] == b'<' && end > begun + 1) {
            return Some((at + begun, at + end + 1));
        }
        at += end + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(pairs: &[(&str, &str)], key: &str) -> Result<String, &'static str> {
        let mut options = Options::default();
        for (key, value) in pairs {
            options.set(key, Text::built_in(*value));
        }
        let ignore = Names::from_iter(["matches".to_owned()]);
        let mut other = |name: &str| Ok((name == "far").then(|| Text::built_in("away")));
        let found = substitute(options, &ignore, None, &mut other).map_err(|c| c.kind)?;
        Ok(found.get(key).map_or(String::new(), |text| text.as_str().to_owned()))
    }

    #[test]
    fn tags_are_put_in_until_nothing_changes() {
        let pairs =
            [("a", "<b>-<HOST>-<far>-<matches>"), ("b", "<c>c"), ("c", "3"), ("matches", "m")];
        assert_eq!(put(&pairs, "a").as_deref(), Ok("3c-<HOST>-away-<matches>"));
        let nested = [("mode", "x"), ("re-x", "1"), ("a", "<re-<mode>>"), ("b", "<a>")];
        assert_eq!(put(&nested, "a").as_deref(), Ok("1"));
        assert_eq!(put(&nested, "b").as_deref(), Ok("1"));
    }

    #[test]
    fn what_is_no_tag_stays() {
        for text in ["<a b>", "<>", "a < b > c", "<b", "<<", "x>"] {
            assert_eq!(put(&[("z", text), ("b", "1")], "z").as_deref(), Ok(text), "{text}");
        }
    }

    #[test]
    fn a_tag_that_leads_to_itself_is_refused() {
        assert_eq!(put(&[("a", "<a>")], "a"), Err("tag-recursion"));
        assert_eq!(put(&[("a", "<b>"), ("b", "<c>"), ("c", "<b>")], "a"), Err("tag-recursion"));
        let grows = [("a", "<b><b>"), ("b", "<c><c>x"), ("c", "<b><b>y")];
        assert!(put(&grows, "a").is_err());
    }

    #[test]
    fn values_that_explode_have_an_end() {
        let name = |n: usize| format!("k{n}");
        let names: Vec<String> = (0..25).map(name).collect();
        let values: Vec<String> = (1..26).map(|n| format!("<k{n}>").repeat(9)).collect();
        let mut pairs: Vec<(&str, &str)> =
            names.iter().zip(&values).map(|(n, v)| (n.as_str(), v.as_str())).collect();
        pairs.push(("k25", "xx"));
        assert_eq!(put(&pairs, "k0"), Err("value-too-long"));
    }
}

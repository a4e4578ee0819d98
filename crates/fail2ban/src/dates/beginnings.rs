//! What lines begin with in which a date may be: a few bytes tell most templates that are tied to
//! the beginning of the line that they do not fit, all of them at once.

use std::ptr;
use std::sync::LazyLock;

use monban_pyre::{Needed, Regex};

use super::forms::FORMS;
use super::glance::Glance;
use super::heads::BYTES;
use super::scan::Scan;
use super::template::{Begins, Template};

/// By place and byte of ASCII: who may see a date in a line with that byte there, as bits.
struct Rows(Box<[[u64; 128]; BYTES]>);

impl Rows {
    /// Who may see a date in a line that begins like this.
    #[inline]
    fn admitted(&self, line: &str) -> u64 {
        let mut bits = u64::MAX;
        for (row, byte) in self.0.iter().zip(line.as_bytes()) {
            // Digits and letters of other scripts are left to who looks closer.
            let Some(known) = row.get(usize::from(*byte)) else { break };
            bits &= known;
        }
        bits
    }

    /// Notes the bytes with which the one with this bit cannot see a date.
    fn refuse(&mut self, bit: u64, may_stand: impl Fn(usize, u8) -> bool) {
        for (place, row) in self.0.iter_mut().enumerate() {
            let refused = (0..).zip(row).filter(|(byte, _)| !may_stand(place, *byte));
            refused.for_each(|(_, bits)| *bits &= !bit);
        }
    }
}

impl Default for Rows {
    /// All see dates everywhere.
    fn default() -> Self {
        Self(Box::new([[u64::MAX; 128]; BYTES]))
    }
}

/// By the number of a default form at a place.
static SCANS: LazyLock<Rows> = LazyLock::new(|| {
    let mut rows = Rows::default();
    for scan in Scan::all().chain(FORMS.iter().filter_map(Scan::at_first)) {
        if let Some(head) = scan.head() {
            rows.refuse(scan.bit(), |place, byte| head.has(place, byte));
        }
    }
    rows
});

/// The default forms, by their numbers as bits, that a line's first bytes refuse.
pub fn refused_scans(line: &str) -> u64 {
    !SCANS.admitted(line)
}

/// What lines begin with in which a finder may see a date.
#[derive(Clone)]
pub struct Beginning {
    /// The default forms, as bits.
    scans: u64,
    /// By place: the bytes of ASCII with which an expression may fit, as bits.
    expressions: [u128; BYTES],
    /// What the expressions need, if it is the same for all.
    glance: Option<Glance>,
}

impl Beginning {
    /// Of a finder with these templates.
    pub fn of(templates: &[Template]) -> Self {
        let mut beginning = Self { scans: 0, expressions: [0; BYTES], glance: None };
        let (mut last, mut glances): (Option<&Regex>, _) = (None, Vec::new());
        for template in templates {
            match template.beginning() {
                Begins::Scan(scan) => beginning.scans |= scan.bit(),
                // Templates made of one pattern share what stands before the date.
                Begins::Expression(regex) if last.is_some_and(|last| ptr::eq(last, regex)) => {}
                Begins::Expression(regex) => {
                    last = Some(regex);
                    glances.push(template.glance.as_ref());
                    for (place, known) in beginning.expressions.iter_mut().enumerate() {
                        *known |= regex.opening().map_or(u128::MAX, |opening| opening.at(place));
                    }
                }
            }
        }
        if let [Some(glance), others @ ..] = &*glances
            && others.iter().all(|other| other.is_some_and(|other| other.is_alike(glance)))
        {
            beginning.glance = Some((*glance).clone());
        }
        beginning
    }

    /// Whether there may be a date in a line that begins like this.
    pub fn admits(&self, line: &str, refused_scans: u64) -> bool {
        if self.scans & !refused_scans != 0 || self.expressions[0] == u128::MAX {
            return true;
        }
        let begin = line.as_bytes().iter().zip(&self.expressions);
        let mut begin = begin.take_while(|(byte, _)| byte.is_ascii());
        begin.all(|(byte, known)| has(*known, *byte))
    }
}

fn has(bytes: u128, byte: u8) -> bool {
    bytes >> byte & 1 == 1
}

/// Finders of one line, by number: which of them may see a date in it. The first 64 finders are
/// bits.
#[derive(Default)]
pub struct Beginnings {
    expressions: Rows,
    /// What the expressions of these need.
    glances: Vec<(Glance, u64)>,
    /// These have these default forms.
    scans: Vec<(u64, u64)>,
}

impl Beginnings {
    /// Takes in what lines begin with for the finder with this bit.
    pub fn add(&mut self, bit: u64, beginning: &Beginning) {
        self.expressions.refuse(bit, |place, byte| has(beginning.expressions[place], byte));
        if let Some(own) = &beginning.glance {
            match self.glances.iter_mut().find(|(glance, _)| glance.is_alike(own)) {
                Some((_, finders)) => *finders |= bit,
                None => self.glances.push((own.clone(), bit)),
            }
        }
        match self.scans.iter_mut().find(|(scans, _)| *scans == beginning.scans) {
            Some((_, finders)) => *finders |= bit,
            None => self.scans.push((beginning.scans, bit)),
        }
    }

    /// The texts that lines are to be looked at for, by glance; each line has those of `None`.
    pub fn needed(&self) -> impl Iterator<Item = Option<Needed>> {
        self.glances.iter().map(|(glance, _)| glance.needed())
    }

    /// Those of these that may see a date in the line, as far as a glance at it tells; by glance
    /// it is known whether the line may have a text that it needs.
    #[inline]
    pub fn admitted(&self, of: u64, line: &str, refused_scans: u64, has_needed: &[bool]) -> u64 {
        let mut admitted = of & self.expressions.admitted(line);
        for ((glance, finders), has_needed) in self.glances.iter().zip(has_needed) {
            if admitted & finders != 0 && !glance.admits_knowing(line, *has_needed) {
                admitted &= !finders;
            }
        }
        let scans = self.scans.iter().filter(|(scans, _)| scans & !refused_scans != 0);
        scans.fold(admitted, |admitted, (_, finders)| admitted | of & finders)
    }
}

/// The places of the bits that are set.
pub fn bits(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let first = (bits != 0).then(|| bits.trailing_zeros() as usize);
        bits &= bits.wrapping_sub(1);
        first
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dates::line::Line;
    use crate::dates::memo::Readings;
    use crate::dates::starts::Starts;

    const DATES: [&str; 20] = [
        "2025-12-10T07:01:02.5+01:00",
        "Wed Dec 10 07:01:02 2025",
        "dec  9 2025  7:01:02",
        "10/12/2025 07:01:02",
        "10/Dec/2025:07:01:02 +0000",
        "12/10/2025:07:01:02",
        "12-10-2025 7:01:02.123",
        "1765350062.123",
        "07:01:02",
        "<12/10/25@07:01:02>",
        "251210  7:01:02",
        "Dec 10, 2025 7:01:02 AM",
        "Dec-10-25 07:01:02",
        "20251210T070102,5Z",
        "CET Wed Dec 10 07:01:02",
        "+0100 Dec 10 07:01:02",
        "UTC Dec 10 07:01:02",
        "@4000000043d7a1b2c3d4e5f6",
        "198.51.100.7 - - [",
        "\u{661}0/Dec/2025 07:01:02",
    ];

    /// The dates in several places, each with another character in each place.
    fn lines() -> Vec<String> {
        let begun = DATES.iter().flat_map(|date| {
            ["", "[", " (", "x", "\u{2014}"].map(|before| format!("{before}{date} h"))
        });
        let mut lines: Vec<String> = begun.collect();
        for number in 0..lines.len() {
            let characters: Vec<char> = lines[number].chars().collect();
            for place in 0..characters.len().min(10) {
                for other in "0 2:-/.[Da\u{663}".chars() {
                    let mut line = characters.clone();
                    line[place] = other;
                    lines.push(line.into_iter().collect());
                }
            }
        }
        lines
    }

    #[test]
    fn no_form_fits_in_a_line_that_refuses_it() {
        let (mut fitted, mut refused) = (0_u64, 0);
        for line in lines() {
            let bits = refused_scans(&line);
            for scan in Scan::all().chain(FORMS.iter().filter_map(Scan::at_first)) {
                let memory = (&mut Starts::default(), &mut Readings::default());
                let fits = scan.search(Line::new(&line), 0, 202, memory).is_some();
                assert!(!fits || bits & scan.bit() == 0, "{} {line}", scan.name());
                fitted |= if fits { scan.bit() } else { 0 };
                refused += u32::from(bits & scan.bit() != 0);
            }
        }
        assert!(fitted.count_ones() > 40 && refused > 100_000, "{fitted:b} {refused}");
    }

    #[test]
    fn what_a_finder_needs_is_told_for_many_at_once() {
        let patterns = ["^%Y-%m-%d", "{^LN-BEG}", "{^LN-BEG}Epoch", "EPOCH", "^<W>{DATE}", "%d/%b"];
        let mut beginnings = Beginnings::default();
        let each: Vec<Beginning> = patterns
            .iter()
            .map(|pattern| Beginning::of(&super::super::custom::templates(pattern, 202).unwrap()))
            .collect();
        for (number, beginning) in each.iter().enumerate() {
            beginnings.add(1 << number, beginning);
        }
        let mut told = 0;
        for line in lines().iter().map(String::as_str).chain(["audit(1765350062.1:2)", "<W>2025-"])
        {
            let has = |text: &String| line.contains(text.as_str());
            let needed = beginnings.needed();
            let has_needed: Vec<bool> = needed
                .map(|needed| needed.is_none_or(|needed| needed.texts.iter().any(has)))
                .collect();
            let refused = refused_scans(line);
            let bits = beginnings.admitted(u64::MAX >> 58, line, refused, &has_needed);
            for (number, beginning) in each.iter().enumerate() {
                let admits = bits >> number & 1 == 1;
                let has_glance = beginning.glance.as_ref().is_none_or(|own| own.admits(line));
                assert_eq!(
                    admits,
                    beginning.admits(line, refused_scans(line)) && has_glance,
                    "{line}"
                );
                told += u32::from(!admits);
            }
        }
        assert!(told > 10_000, "{told}");
    }
}

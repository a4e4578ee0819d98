//! One template of a filter.

use std::sync::Arc;

use monban_pyre::Regex;

use super::characters::digit_value;
use super::glance::Glance;
use super::keys::Key;
use super::line::Line;
use super::memo::{LineMemo, Readings, Searched};
use super::scan::{Hit, Scan, Value};
use super::starts::Starts;
use super::steps::Spans;
use super::usual::Usual;
use super::value::{NoDate, Now, Parts};

/// One way in which dates of a filter may look.
#[derive(Clone)]
pub struct Template {
    /// Its name in fail2ban's messages.
    pub name: String,
    /// Whether it is tied to the beginning or the end of the line.
    pub anchored: bool,
    /// How much a hit counts: 100 for the copies that look at the beginning of the line.
    pub weight: f64,
    /// How often it fitted, also when another one won.
    pub fits: u64,
    /// How often the search was given up, because it went back and forth too much.
    pub overruns: u64,
    /// Tells most lines in which it does not fit.
    pub glance: Option<Glance>,
    kind: Kind,
}

/// What tells how a line begins in which a template fits.
pub enum Begins<'t> {
    /// This form.
    Scan(Scan),
    /// What this expression matches.
    Expression(&'t Regex),
}

#[derive(Clone)]
enum Kind {
    Scan(Scan),
    Expression(Arc<Expression>),
}

/// A regular expression of a `datepattern`.
pub struct Expression {
    pub regex: Regex,
    pub meaning: Meaning,
    /// The dates that it mostly finds.
    pub usual: Option<Usual>,
}

/// What its groups mean.
#[derive(PartialEq, Eq)]
pub enum Meaning {
    /// Parts of a date, by group.
    Parts(Vec<(usize, Key)>),
    /// Seconds since 1970 in this group; if `long`, perhaps with thousandths or millionths.
    Epoch {
        group: usize,
        long: bool,
    },
    Tai,
}

impl Template {
    /// A default template.
    pub fn of_scan(scan: Scan) -> Self {
        let weight = if scan.is_copy() { 100.0 } else { 1.0 };
        Self::new(scan.name(), scan.is_anchored(), weight, Kind::Scan(scan))
    }

    /// A default form that a `datepattern` ties to the first character.
    pub fn at_first(name: String, scan: Scan) -> Self {
        Self::new(name, true, 1.0, Kind::Scan(scan))
    }

    /// A template of a `datepattern`.
    pub fn of_expression(name: String, anchored: bool, expression: Expression) -> Self {
        Self::new(name, anchored, 1.0, Kind::Expression(Arc::new(expression)))
    }

    fn new(name: String, anchored: bool, weight: f64, kind: Kind) -> Self {
        Self { name, anchored, weight, fits: 0, overruns: 0, glance: None, kind }
    }

    /// The same, which fits in no whole line that a glance says no of.
    pub fn only_where(self, glance: Glance) -> Self {
        Self { glance: Some(glance), ..self }
    }

    /// Whether it is known already that it fits nowhere in the line.
    #[inline]
    pub fn is_absent(&self, decade_max: u16, memo: &LineMemo) -> bool {
        matches!(&self.kind, Kind::Scan(scan) if memo.lacks(*scan, decade_max))
    }

    /// Whether the line's bytes, or what is known already, tell that it fits nowhere in the line.
    pub fn lacks(&self, line: Line, decade_max: u16, memo: &LineMemo) -> bool {
        match &self.kind {
            Kind::Scan(scan) => memo.lacks(scan.alike_in(line), decade_max),
            Kind::Expression(expression) => !expression.regex.admits(line.text()),
        }
    }

    /// The leftmost place where it fits in the whole line.
    pub fn search(&mut self, line: Line, decade_max: u16, memo: &mut LineMemo) -> Option<Hit> {
        let hit = match &self.kind {
            Kind::Scan(scan) => memo.search(*scan, line, decade_max),
            Kind::Expression(_) if self.glance.as_ref().is_some_and(|g| !g.admits(line.text())) => {
                None
            }
            Kind::Expression(expression) => {
                let hit = memo.search_expression(expression, line, decade_max);
                self.overruns += u64::from(hit.is_err());
                hit.ok().flatten()
            }
        };
        self.fits += u64::from(hit.is_some());
        hit
    }

    /// The leftmost place where it fits in a beginning of the line, from the byte `from` on.
    pub fn search_part(
        &mut self,
        line: Line,
        from: usize,
        decade_max: u16,
        readings: &mut Readings,
    ) -> Option<Hit> {
        let hit = match &self.kind {
            Kind::Scan(scan) => {
                scan.search(line, from, decade_max, (&mut Starts::default(), readings))
            }
            Kind::Expression(expression) => {
                let hit = expression.search(line, from, decade_max, readings);
                self.overruns += u64::from(hit.is_err());
                hit.ok().flatten()
            }
        };
        self.fits += u64::from(hit.is_some());
        hit
    }

    /// The form it is, if that is tied to the beginning of the line.
    pub fn anchored_scan(&self) -> Option<Scan> {
        match &self.kind {
            Kind::Scan(scan) if self.anchored => Some(*scan),
            _ => None,
        }
    }

    /// The dates that it mostly finds; where it is tied to the beginning of the line, no others
    /// further right.
    pub fn usual(&self) -> Option<Usual> {
        match &self.kind {
            Kind::Scan(scan) => scan.usual(),
            Kind::Expression(expression) => expression.usual,
        }
    }

    /// What tells how a line begins in which it fits.
    pub fn beginning(&self) -> Begins<'_> {
        match &self.kind {
            Kind::Scan(scan) => Begins::Scan(*scan),
            Kind::Expression(expression) => {
                let stem = self.glance.as_ref().and_then(Glance::regex);
                Begins::Expression(stem.unwrap_or(&expression.regex))
            }
        }
    }

    /// Whether it finds the same as another one.
    pub fn is_alike(&self, other: &Self) -> bool {
        let is_same = match (&self.kind, &other.kind) {
            (Kind::Scan(one), Kind::Scan(other)) => one.number == other.number,
            (Kind::Expression(one), Kind::Expression(other)) => one.is_alike(other),
            _ => false,
        };
        is_same && (self.fits == 0) == (other.fits == 0)
    }
}

impl Expression {
    /// Whether it finds the same as another one.
    pub fn is_alike(&self, other: &Self) -> bool {
        self.regex.pattern() == other.regex.pattern() && self.meaning == other.meaning
    }

    /// The leftmost place where it fits from the byte `from` on.
    pub fn search(
        &self,
        line: Line,
        from: usize,
        decade_max: u16,
        readings: &mut Readings,
    ) -> Searched {
        let usual = self.usual.and_then(|usual| usual.find(line, from, decade_max, readings));
        if let Some(sight) = usual {
            return Ok(Some(sight.into()));
        }
        let Some(found) = self.regex.search_at(line.text(), from.min(line.text().len()))? else {
            return Ok(None);
        };
        let full = found.span(0).unwrap_or_default();
        let value = match &self.meaning {
            // An expression that only looks as if it had a group.
            _ if self.regex.group_count() == 0 => Value::NoGroup,
            Meaning::Tai => Value::Tai,
            Meaning::Epoch { group, long } => match found.span(*group) {
                Some((start, end)) => Value::Epoch { start, end, long: *long },
                None => Value::NoNumber,
            },
            Meaning::Parts(keys) => {
                Value::Groups(keys.iter().map(|(group, key)| (*key, found.span(*group))).collect())
            }
        };
        Ok(Some(Hit { cut: found.span(1), full, value }))
    }
}

/// The moment of a date that was found, in seconds since 1970.
pub fn read(line: Line, hit: &Hit, now: &mut Now) -> Result<i64, NoDate> {
    let text = |start: usize, end: usize| line.text().get(start..end).unwrap_or_default();
    match &hit.value {
        Value::Read(written) => written.read(now),
        Value::Parts(spans) => parts(line, spans)?.resolve(now),
        Value::Groups(groups) => {
            let find = |key: Key| groups.iter().find(|(other, _)| *other == key);
            let half = find(Key::HalfDay).map(|(_, span)| span.map(|(from, to)| text(from, to)));
            let mut parts = Parts::default();
            for &(key, span) in groups {
                if let Some((start, end)) = span {
                    parts.put(key, text(start, end), half)?;
                }
            }
            parts.resolve(now)
        }
        Value::Epoch { start, end, long } => seconds(text(*start, *end), *long),
        // The label has 16 digits of seconds; fail2ban leaves out the first, which is 4, and
        // takes no leap seconds away.
        Value::Tai => {
            let label = hit.cut.map_or("", |(start, end)| text(start, end));
            let digits = label.get(2..17).unwrap_or_default();
            i64::from_str_radix(digits, 16).map_err(|_| NoDate::Impossible)
        }
        Value::NoNumber | Value::NoGroup => Err(NoDate::Stumble),
    }
}

fn parts(line: Line, spans: &Spans) -> Result<Parts, NoDate> {
    let text = |key: Key| {
        let (start, end) = spans[key as usize];
        line.text().get(start as usize..end as usize).filter(|text| !text.is_empty())
    };
    let mut parts = Parts::default();
    for key in Key::ALL {
        if let Some(part) = text(key) {
            parts.put(key, part, Some(text(Key::HalfDay)))?;
        }
    }
    Ok(parts)
}

/// Seconds with a fraction, as floating point numbers round them.
fn seconds(text: &str, long: bool) -> Result<i64, NoDate> {
    let ascii = text.chars().map(|character| match digit_value(character) {
        Some(digit) => char::from(b'0' + digit),
        None => character,
    });
    let ascii: String = ascii.collect();
    let number: f64 = ascii.parse().map_err(|_| NoDate::Impossible)?;
    let divisor = match ascii.len() {
        16.. if long && !ascii.contains('.') => 1_000_000.0,
        13.. if long => 1000.0,
        _ => 1.0,
    };
    Ok((number / divisor) as i64)
}

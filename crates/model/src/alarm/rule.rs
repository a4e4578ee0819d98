//! The rule of a composite alarm: `ALARM("a") AND NOT (OK("b") OR INSUFFICIENT_DATA("c"))`,
//! `AT_LEAST(2, ALARM, ("a", "b", "c"))`, `AT_LEAST(50%, NOT OK, ("a", "b"))`, `TRUE`, `FALSE`.
//!
//! `NOT` binds most, then `AND`, then `OR`. Names may stand without quotes if they have no blank,
//! quote, comma or parenthesis.

use std::fmt;

use super::AlarmState;
use crate::limits::{
    ALARM_NAME_MAX, ALARM_RULE_BYTES_MAX, ALARM_RULE_CHILDREN_MAX, ALARM_RULE_DEPTH_MAX,
    ALARM_RULE_ELEMENTS_MAX,
};

/// A rule over other alarms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlarmRule {
    /// `TRUE` or `FALSE`.
    Always(bool),
    /// The alarm of this name is in this state.
    In(AlarmState, String),
    /// It is not so.
    Not(Box<Self>),
    /// All of them; two or more.
    All(Vec<Self>),
    /// Any of them; two or more.
    Any(Vec<Self>),
    /// So many of these alarms are in this state, or are not.
    AtLeast {
        /// How many.
        least: AtLeast,
        /// False: they are in any other state.
        is: bool,
        /// The state.
        state: AlarmState,
        /// The alarms.
        of: Vec<String>,
    },
}

/// How many of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtLeast {
    /// This number, from 1.
    Count(u32),
    /// This share in percent, 1 to 100, rounded up.
    Percent(u32),
}

impl AtLeast {
    /// How many that are of `all`.
    pub const fn of(self, all: usize) -> usize {
        match self {
            Self::Count(count) => count as usize,
            Self::Percent(percent) => (all * percent as usize).div_ceil(100),
        }
    }
}

/// Why a rule was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    /// Where, in bytes from the beginning of the rule.
    pub at: usize,
    /// A sentence.
    pub what: String,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at character {} of the rule)", self.what, self.at + 1)
    }
}

impl AlarmRule {
    /// Reads a rule.
    ///
    /// # Errors
    /// What is wrong with it, and where: a word or sign that is not expected, more than 100
    /// alarms or 500 elements.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        if text.len() > ALARM_RULE_BYTES_MAX {
            let what = format!("the rule has more than {ALARM_RULE_BYTES_MAX} bytes");
            return Err(RuleError { at: 0, what });
        }
        let mut parser = Parser { text, at: 0, elements: 0, depth: 0 };
        let rule = parser.any()?;
        match parser.peek() {
            None => {}
            Some(_) => return Err(parser.wrong("`AND`, `OR` or the end of the rule")),
        }
        let children = rule.children().len();
        if children > ALARM_RULE_CHILDREN_MAX {
            let what =
                format!("the rule names {children} alarms; {ALARM_RULE_CHILDREN_MAX} are the most");
            return Err(RuleError { at: 0, what });
        }
        Ok(rule)
    }

    /// The alarms it names, each once, sorted.
    pub fn children(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.add_names(&mut names);
        names.sort_unstable();
        names.dedup();
        names
    }

    fn add_names<'a>(&'a self, names: &mut Vec<&'a str>) {
        match self {
            Self::Always(_) => {}
            Self::In(_, name) => names.push(name),
            Self::Not(inner) => inner.add_names(names),
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().for_each(|part| part.add_names(names));
            }
            Self::AtLeast { of, .. } => names.extend(of.iter().map(String::as_str)),
        }
    }

    /// Whether it holds, with the states of the alarms.
    pub fn holds(&self, state_of: &impl Fn(&str) -> AlarmState) -> bool {
        match self {
            Self::Always(always) => *always,
            Self::In(state, name) => state_of(name) == *state,
            Self::Not(inner) => !inner.holds(state_of),
            Self::All(parts) => parts.iter().all(|part| part.holds(state_of)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(state_of)),
            Self::AtLeast { least, is, state, of } => {
                let matches = of.iter().filter(|name| (state_of(name) == *state) == *is).count();
                matches >= least.of(of.len())
            }
        }
    }
}

impl fmt::Display for AlarmRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |f: &mut fmt::Formatter<'_>, parts: &[Self], word: &str| {
            for (n, part) in parts.iter().enumerate() {
                if n > 0 {
                    write!(f, " {word} ")?;
                }
                match part {
                    Self::All(_) | Self::Any(_) => write!(f, "({part})")?,
                    _ => write!(f, "{part}")?,
                }
            }
            Ok(())
        };
        match self {
            Self::Always(true) => f.write_str("TRUE"),
            Self::Always(false) => f.write_str("FALSE"),
            Self::In(state, name) => write!(f, "{}(\"{name}\")", state.word()),
            Self::Not(inner) => match **inner {
                Self::All(_) | Self::Any(_) => write!(f, "NOT ({inner})"),
                _ => write!(f, "NOT {inner}"),
            },
            Self::All(parts) => join(f, parts, "AND"),
            Self::Any(parts) => join(f, parts, "OR"),
            Self::AtLeast { least, is, state, of } => {
                let least = match least {
                    AtLeast::Count(count) => count.to_string(),
                    AtLeast::Percent(percent) => format!("{percent}%"),
                };
                let not = if *is { "" } else { "NOT " };
                let names: Vec<String> = of.iter().map(|name| format!("\"{name}\"")).collect();
                write!(f, "AT_LEAST({least}, {not}{}, ({}))", state.word(), names.join(", "))
            }
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    elements: usize,
    depth: usize,
}

/// What a word ends at.
const ENDS: [char; 5] = ['(', ')', ',', '"', '\''];

impl<'a> Parser<'a> {
    fn any(&mut self) -> Result<AlarmRule, RuleError> {
        let mut parts = vec![self.all()?];
        while self.takes("OR") {
            self.count()?;
            parts.push(self.all()?);
        }
        Ok(one_or(parts, AlarmRule::Any))
    }

    fn all(&mut self) -> Result<AlarmRule, RuleError> {
        let mut parts = vec![self.unary()?];
        while self.takes("AND") {
            self.count()?;
            parts.push(self.unary()?);
        }
        Ok(one_or(parts, AlarmRule::All))
    }

    fn unary(&mut self) -> Result<AlarmRule, RuleError> {
        // Many in a row cost no depth of the stack.
        let mut negated = false;
        let mut any = false;
        while self.takes("NOT") {
            self.count()?;
            (negated, any) = (!negated, true);
        }
        let inner = self.primary()?;
        Ok(match (any, negated) {
            (true, true) => AlarmRule::Not(Box::new(inner)),
            _ => inner,
        })
    }

    fn primary(&mut self) -> Result<AlarmRule, RuleError> {
        self.count()?;
        if self.sign('(') {
            self.depth += 1;
            if self.depth > ALARM_RULE_DEPTH_MAX {
                let what = format!("more than {ALARM_RULE_DEPTH_MAX} parentheses in each other");
                return Err(RuleError { at: self.at, what });
            }
            let inner = self.any()?;
            self.expect(')')?;
            self.depth -= 1;
            return Ok(inner);
        }
        let before = self.at;
        match self.word() {
            "TRUE" => Ok(AlarmRule::Always(true)),
            "FALSE" => Ok(AlarmRule::Always(false)),
            "AT_LEAST" => self.at_least(),
            word => match AlarmState::from_word(word) {
                Some(state) => {
                    self.expect('(')?;
                    let name = self.name()?;
                    self.expect(')')?;
                    Ok(AlarmRule::In(state, name))
                }
                None => {
                    self.at = before;
                    Err(self.wrong(
                        "ALARM(\"name\"), OK(\"name\"), INSUFFICIENT_DATA(\"name\"), AT_LEAST(...), \
                         TRUE, FALSE, NOT or a parenthesis",
                    ))
                }
            },
        }
    }

    fn at_least(&mut self) -> Result<AlarmRule, RuleError> {
        self.expect('(')?;
        let at = self.at;
        let text = if matches!(self.peek(), Some('"' | '\'')) {
            self.name()?
        } else {
            self.word().to_owned()
        };
        let least = match text.strip_suffix('%') {
            Some(percent) => percent.parse().ok().map(AtLeast::Percent),
            None => text.parse().ok().map(AtLeast::Count),
        };
        self.expect(',')?;
        let is = !self.takes("NOT");
        let Some(state) = AlarmState::from_word(self.word()) else {
            return Err(self.wrong("ALARM, OK or INSUFFICIENT_DATA"));
        };
        self.expect(',')?;
        self.expect('(')?;
        let mut of = Vec::new();
        loop {
            self.count()?;
            of.push(self.name()?);
            if !self.sign(',') {
                break;
            }
        }
        self.expect(')')?;
        self.expect(')')?;
        let least = least.filter(|least| match least {
            AtLeast::Count(count) => (1..=of.len()).contains(&(*count as usize)),
            AtLeast::Percent(percent) => (1..=100).contains(percent),
        });
        let Some(least) = least else {
            let what = format!(
                "AT_LEAST wants a number from 1 to {} or a percentage such as 50%",
                of.len()
            );
            return Err(RuleError { at, what });
        };
        Ok(AlarmRule::AtLeast { least, is, state, of })
    }

    fn count(&mut self) -> Result<(), RuleError> {
        self.elements += 1;
        if self.elements > ALARM_RULE_ELEMENTS_MAX {
            let what = format!("the rule has more than {ALARM_RULE_ELEMENTS_MAX} elements");
            return Err(RuleError { at: self.at, what });
        }
        Ok(())
    }

    fn rest(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        trimmed
    }

    fn peek(&mut self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The next word, which may be empty.
    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let ends = |c: char| c.is_whitespace() || ENDS.contains(&c);
        let word = &rest[..rest.find(ends).unwrap_or(rest.len())];
        self.at += word.len();
        word
    }

    fn takes(&mut self, wanted: &str) -> bool {
        let before = self.at;
        if self.word() == wanted {
            return true;
        }
        self.at = before;
        false
    }

    fn sign(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += if found { wanted.len_utf8() } else { 0 };
        found
    }

    fn expect(&mut self, wanted: char) -> Result<(), RuleError> {
        if self.sign(wanted) { Ok(()) } else { Err(self.wrong(&format!("`{wanted}`"))) }
    }

    fn name(&mut self) -> Result<String, RuleError> {
        let quote = self.peek().filter(|c| matches!(c, '"' | '\''));
        let name = match quote {
            Some(quote) => {
                let inner = &self.rest()[1..];
                let Some(end) = inner.find(quote) else {
                    return Err(self.wrong("a name with a quote at its end"));
                };
                self.at += end + 2;
                &inner[..end]
            }
            None => self.word(),
        };
        if name.is_empty() || name.len() > ALARM_NAME_MAX {
            return Err(self.wrong("the name of an alarm"));
        }
        Ok(name.to_owned())
    }

    fn wrong(&mut self, wanted: &str) -> RuleError {
        let found: String = self.rest().chars().take(20).collect();
        let found = if found.is_empty() { "the end".to_owned() } else { format!("`{found}`") };
        RuleError { at: self.at, what: format!("{wanted} is wanted, here stands {found}") }
    }
}

fn one_or(mut parts: Vec<AlarmRule>, many: fn(Vec<AlarmRule>) -> AlarmRule) -> AlarmRule {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            many(parts)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(name: &str) -> AlarmState {
        match name.as_bytes()[0] {
            b'a' => AlarmState::Alarm,
            b'o' => AlarmState::Ok,
            _ => AlarmState::Insufficient,
        }
    }

    #[test]
    fn rules_are_read_written_and_hold() {
        let cases = [
            (r#"ALARM("a")"#, true),
            ("ALARM(a1) AND OK(o1)", true),
            (r#"ALARM('o') OR INSUFFICIENT_DATA("i")"#, true),
            (r#"NOT ALARM("a")"#, false),
            (r#"NOT NOT ALARM("a")"#, true),
            (r#"ALARM("o") AND ALARM("o") OR ALARM("a")"#, true),
            (r#"ALARM("o") AND (ALARM("o") OR ALARM("a"))"#, false),
            (r#"NOT (ALARM("o") OR FALSE) AND TRUE"#, true),
            (r#"AT_LEAST(2, ALARM, ("a1", "a2", "o3"))"#, true),
            (r#"AT_LEAST("50%", OK, (o1, a2, a3))"#, false),
            (r#"AT_LEAST(60%, NOT OK, (a1, i2, o3))"#, true),
        ];
        for (text, holds) in cases {
            let rule = AlarmRule::parse(text).unwrap();
            assert_eq!(rule.holds(&state), holds, "{text}");
            assert_eq!(AlarmRule::parse(&rule.to_string()), Ok(rule), "{text}");
        }
    }

    #[test]
    fn hostile_rules_are_refused_at_their_place() {
        let deep = "(".repeat(5000);
        let many = vec!["ALARM(a)"; 600].join(" OR ");
        let children: Vec<String> = (0..101).map(|n| format!("ALARM(a{n})")).collect();
        let children = children.join(" OR ");
        let nots = "NOT ".repeat(501);
        let long = " ".repeat(ALARM_RULE_BYTES_MAX + 1);
        let wrong = [
            "",
            "AND",
            "ALARM",
            "ALARM(",
            "ALARM()",
            "ALARM(\"a",
            "ALARM(a) ALARM(b)",
            "alarm(a)",
            "ALARM(a) AND",
            "ALARM(a) OR OR ALARM(b)",
            "(ALARM(a)",
            "ALARM(a))",
            "TRUE FALSE",
            "AT_LEAST(0, ALARM, (a))",
            "AT_LEAST(3, ALARM, (a, b))",
            "AT_LEAST(101%, OK, (a))",
            "AT_LEAST(1, WRONG, (a))",
            "AT_LEAST(1, ALARM, ())",
            "AT_LEAST(1, ALARM, a)",
            "AT_LEAST(99999999999, ALARM, (a))",
            "\u{3042}\u{3044}",
            "ALARM(\"\u{3042}\"",
            &deep,
            &many,
            &children,
            &nots,
            &long,
        ];
        for text in wrong {
            let error = AlarmRule::parse(text).expect_err(text);
            assert!(error.at <= text.len() && text.is_char_boundary(error.at));
        }
        let error = AlarmRule::parse("ALARM(a) XOR ALARM(b)").unwrap_err();
        assert_eq!(
            error.to_string(),
            "`AND`, `OR` or the end of the rule is wanted, here stands `XOR ALARM(b)` (at \
             character 10 of the rule)"
        );
    }

    #[test]
    fn no_text_makes_it_panic() {
        let parts = [
            "ALARM", "(", ")", "\"", "a", ",", "AND", "OR", "NOT", "AT_LEAST", "1", "%", " ", "OK",
            "'", "\u{3042}", "TRUE", "\n",
        ];
        let mut seed = 7_u64;
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..12 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                text.push_str(parts[(seed >> 33) as usize % parts.len()]);
            }
            if let Ok(rule) = AlarmRule::parse(&text) {
                rule.holds(&|_| AlarmState::Ok);
            }
        }
    }
}

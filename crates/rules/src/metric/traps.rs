//! Patterns that are right and mean something else than their writer may think.

use monban_model::limits::METRIC_REGEXES_MAX;

use super::cursor::is_plain;
use super::explain::shown;
use super::expression::Expression;
use super::fields::FieldsPattern;
use super::json_pattern::{Claim, Condition, JsonPattern};
use super::literals::is_within;
use super::logic::Logic;
use super::pattern::{Form, MetricPattern};
use super::terms::{Sign, Term, Terms, What};
use super::value::{Test, Want};

/// Something that a pattern means and its writer may not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trap {
    /// It is empty: every message matches.
    EmptyMatchesAll,
    /// Brackets without quotes are fields without conditions: nearly every line matches.
    BracketsUnquoted {
        /// How many fields a line needs.
        fields: usize,
        /// The same as a phrase.
        instead: String,
    },
    /// `?` terms mean nothing beside terms of other kinds.
    OptionalIgnored {
        /// The terms.
        terms: Vec<String>,
        /// A pattern that asks for one of them as well, if there is one.
        instead: String,
    },
    /// A phrase of spaces is not the pattern for everything.
    OnlySpaces,
    /// `*` in a phrase is a star, not any text.
    StarInPhrase {
        /// The phrase.
        term: String,
        /// The same without the stars at its ends.
        instead: String,
    },
    /// There are only `-` terms: all other lines match.
    OnlyExcluded,
    /// What must be there holds what must not be there: nothing matches.
    NeverMatches {
        /// What must be there.
        required: String,
        /// What must not.
        excluded: String,
    },
    /// Capitals count, and logs write this word in several ways.
    CaseCounts {
        /// The word.
        term: String,
        /// An expression with all of them.
        instead: String,
    },
    /// A bare dot in an expression is any character.
    DotIsAny {
        /// The expression.
        expression: String,
        /// With its dots escaped.
        instead: String,
    },
    /// A number is compared with the last field, which takes the rest of longer lines.
    LastTakesRest {
        /// The field.
        field: String,
    },
    /// `= true` compares with a text.
    WordIsText {
        /// The selector.
        selector: String,
        /// The word.
        word: String,
        /// What to write instead.
        instead: String,
    },
    /// `!=` does not hold for a value that is missing, null, true, false, an array or an object.
    NotEqualNeedsValue {
        /// The selector.
        selector: String,
        /// What to add.
        instead: String,
    },
    /// Conditions on members of the same array may hold for different members.
    MembersApart {
        /// The selector of the members.
        selector: String,
    },
    /// A `*` within a value; what CloudWatch makes of it is not written anywhere.
    StarWithin {
        /// The value.
        value: String,
    },
}

impl Trap {
    /// A name for machines, which stays.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::EmptyMatchesAll => "empty-matches-all",
            Self::BracketsUnquoted { .. } => "brackets-unquoted",
            Self::OptionalIgnored { .. } => "optional-ignored",
            Self::OnlySpaces => "only-spaces",
            Self::StarInPhrase { .. } => "star-in-phrase",
            Self::OnlyExcluded => "only-excluded",
            Self::NeverMatches { .. } => "never-matches",
            Self::CaseCounts { .. } => "case-counts",
            Self::DotIsAny { .. } => "dot-is-any",
            Self::LastTakesRest { .. } => "last-takes-rest",
            Self::WordIsText { .. } => "word-is-text",
            Self::NotEqualNeedsValue { .. } => "not-equal-needs-value",
            Self::MembersApart { .. } => "members-apart",
            Self::StarWithin { .. } => "star-within",
        }
    }

    /// Its values by name, for a sentence about it. `instead` is what to write, perhaps empty.
    pub fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::EmptyMatchesAll | Self::OnlySpaces | Self::OnlyExcluded => Vec::new(),
            Self::BracketsUnquoted { fields, instead } => {
                vec![("fields", fields.to_string()), ("instead", instead.clone())]
            }
            Self::OptionalIgnored { terms, instead } => {
                vec![("terms", terms.join(" ")), ("instead", instead.clone())]
            }
            Self::StarInPhrase { term, instead } | Self::CaseCounts { term, instead } => {
                vec![("term", term.clone()), ("instead", instead.clone())]
            }
            Self::NeverMatches { required, excluded } => {
                vec![("required", required.clone()), ("excluded", excluded.clone())]
            }
            Self::DotIsAny { expression, instead } => {
                vec![("expression", expression.clone()), ("instead", instead.clone())]
            }
            Self::LastTakesRest { field } => vec![("field", field.clone())],
            Self::WordIsText { selector, word, instead } => vec![
                ("selector", selector.clone()),
                ("word", word.clone()),
                ("instead", instead.clone()),
            ],
            Self::NotEqualNeedsValue { selector, instead } => {
                vec![("selector", selector.clone()), ("instead", instead.clone())]
            }
            Self::MembersApart { selector } => vec![("selector", selector.clone())],
            Self::StarWithin { value } => vec![("value", value.clone())],
        }
    }
}

impl MetricPattern {
    /// What its writer may not know, each kind at most once for a term or condition.
    pub fn traps(&self) -> Vec<Trap> {
        let mut traps = Vec::new();
        match &self.form {
            Form::Everything => traps.push(Trap::EmptyMatchesAll),
            Form::Terms(terms) => of_terms(terms, &mut traps),
            Form::Json(json) => of_json(json, &mut traps),
            Form::Fields(fields) => of_fields(fields, self.text(), &mut traps),
        }
        traps
    }
}

/// Words for which logs use small letters, capitals and both.
const WORDS: &[&str] = &[
    "alert",
    "critical",
    "debug",
    "denied",
    "emergency",
    "error",
    "exception",
    "fail",
    "failed",
    "failure",
    "fatal",
    "info",
    "invalid",
    "notice",
    "panic",
    "refused",
    "timeout",
    "unauthorized",
    "warn",
    "warning",
];

fn of_terms(terms: &Terms, traps: &mut Vec<Trap>) {
    let of = |sign: Sign| terms.terms.iter().filter(move |term| term.sign == sign);
    if !terms.has_choice() && of(Sign::Optional).next().is_some() {
        let ignored: Vec<String> = of(Sign::Optional).map(shown).collect();
        let instead = with_choice(terms, &ignored);
        let terms = ignored.iter().map(|term| format!("?{term}")).collect();
        traps.push(Trap::OptionalIgnored { terms, instead });
    }
    if terms.terms.iter().all(|term| term.sign == Sign::Excluded) {
        traps.push(Trap::OnlyExcluded);
    }
    let texts = |sign: Sign| of(sign).filter_map(|term| term.what.text());
    let clash = texts(Sign::Required).find_map(|required| {
        let excluded = texts(Sign::Excluded)
            .find(|excluded| is_within(excluded.as_bytes(), required.as_bytes()))?;
        Some((required.to_owned(), excluded.to_owned()))
    });
    if let Some((required, excluded)) = clash {
        traps.push(Trap::NeverMatches { required, excluded });
    }
    let counts = |term: &&Term| terms.has_choice() || term.sign != Sign::Optional;
    for term in terms.terms.iter().filter(counts) {
        match &term.what {
            What::Regex(expression) => of_regex(expression, traps),
            What::Text(text) => of_text(text, traps),
        }
    }
}

/// The pattern with its ignored terms as one expression; empty if they cannot be one.
fn with_choice(terms: &Terms, ignored: &[String]) -> String {
    let is_regex = |term: &&Term| term.what.text().is_none();
    let others = || terms.terms.iter().filter(|term| term.sign != Sign::Optional);
    let are_plain = ignored.iter().all(|term| term.chars().all(is_plain));
    if !are_plain || others().filter(is_regex).count() >= METRIC_REGEXES_MAX {
        return String::new();
    }
    let written = others().map(|term| {
        let sign = if term.sign == Sign::Excluded { "-" } else { "" };
        match &term.what {
            What::Text(text) if text.chars().all(is_plain) => format!("{sign}{text}"),
            What::Text(text) => format!("{sign}{}", in_quotes(text)),
            What::Regex(_) => format!("{sign}{}", shown(term)),
        }
    });
    let choice = format!("%{}%", ignored.join("|"));
    [choice].into_iter().chain(written).collect::<Vec<_>>().join(" ")
}

/// As a phrase of a pattern.
fn in_quotes(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn of_text(text: &str, traps: &mut Vec<Trap>) {
    if !text.is_empty() && text.chars().all(|c| c == ' ') {
        traps.push(Trap::OnlySpaces);
    }
    if text.contains('*') {
        let instead = in_quotes(text.trim_matches('*'));
        traps.push(Trap::StarInPhrase { term: text.to_owned(), instead });
    }
    let lower = text.to_ascii_lowercase();
    if WORDS.contains(&lower.as_str()) {
        let (first, rest) = lower.split_at(1);
        let title = format!("{}{rest}", first.to_ascii_uppercase());
        let instead = format!("%{lower}|{title}|{}%", lower.to_ascii_uppercase());
        traps.push(Trap::CaseCounts { term: text.to_owned(), instead });
    }
}

fn of_regex(expression: &Expression, traps: &mut Vec<Trap>) {
    if !expression.has_dot_in_address() {
        return;
    }
    let text = expression.text();
    let mut instead = String::from("%");
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let next = text[at..].chars().nth(1);
        if c == '.' && before.is_ascii_digit() && next.is_some_and(|c| c.is_ascii_digit()) {
            instead.push('\\');
        }
        instead.push(c);
        before = c;
    }
    instead.push('%');
    traps.push(Trap::DotIsAny { expression: format!("%{text}%"), instead });
}

fn of_test(test: &Test, traps: &mut Vec<Trap>) {
    match test {
        Test::Equal { want: Want::Regex(expression), .. } => of_regex(expression, traps),
        Test::Equal { want: Want::Glob(glob), .. } if glob.has_inner_star() => {
            traps.push(Trap::StarWithin { value: glob.text().to_owned() });
        }
        _ => {}
    }
}

fn of_fields(fields: &FieldsPattern, text: &str, traps: &mut Vec<Trap>) {
    let mut tests = Vec::new();
    for field in &fields.fields {
        if let Some(logic) = &field.logic {
            logic.each(&mut |test, _| tests.push((field, test)));
        }
    }
    if tests.is_empty() {
        let instead = in_quotes(text);
        traps.push(Trap::BracketsUnquoted { fields: fields.fields.len(), instead });
    }
    let last = fields.fields.last().and_then(|field| Some((field.name.as_deref()?, field)));
    if let (Some((name, last)), None) = (last, fields.gap) {
        let mut compares = false;
        if let Some(logic) = &last.logic {
            logic.each(&mut |test: &Test, _| compares |= matches!(test, Test::Ordered { .. }));
        }
        if compares {
            traps.push(Trap::LastTakesRest { field: name.to_owned() });
        }
    }
    tests.iter().for_each(|(_, test)| of_test(test, traps));
}

fn of_json(json: &JsonPattern, traps: &mut Vec<Trap>) {
    let mut absent = Vec::new();
    let mut conditions = Vec::new();
    json.logic.each(&mut |condition: &Condition, _| {
        conditions.push(condition);
        if matches!(condition.claim, Claim::NotExists) {
            absent.push(&condition.selector);
        }
    });
    for condition in conditions {
        let selector = condition.selector.text();
        let Claim::Compares(test) = &condition.claim else { continue };
        of_test(test, traps);
        let Test::Equal { negated, want } = test else { continue };
        let word = match want {
            Want::Text(word, false) if matches!(&**word, "true" | "false") => Some(word),
            _ => None,
        };
        if let Some(word) = word {
            let is_true = (&**word == "true") != *negated;
            let instead = format!("{selector} IS {}", if is_true { "TRUE" } else { "FALSE" });
            let (selector, word) = (selector.to_owned(), word.to_string());
            traps.push(Trap::WordIsText { selector, word, instead });
        } else if *negated && !absent.contains(&&condition.selector) {
            let instead = format!("|| {selector} NOT EXISTS");
            traps.push(Trap::NotEqualNeedsValue { selector: selector.to_owned(), instead });
        }
    }
    members_apart(&json.logic, traps);
}

/// Two conditions of one `&&` on members of the same container.
fn members_apart(logic: &Logic<Condition>, traps: &mut Vec<Trap>) {
    let (Logic::All(parts) | Logic::Any(parts)) = logic else { return };
    parts.iter().for_each(|part| members_apart(part, traps));
    if matches!(logic, Logic::Any(_)) {
        return;
    }
    let mut seen = Vec::new();
    for part in parts {
        let Logic::One(condition) = part else { continue };
        let Some(way) = condition.selector.before_wildcard() else { continue };
        if seen.contains(&way) {
            traps.push(Trap::MembersApart { selector: condition.selector.text().to_owned() });
            return;
        }
        seen.push(way);
    }
}

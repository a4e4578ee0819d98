//! How a pattern is read, for whoever wrote it.

use super::fields::FieldsPattern;
use super::json_pattern::{Claim, Condition};
use super::logic::Logic;
use super::pattern::{Form, MetricPattern};
use super::terms::{Sign, Term, Terms, What};
use super::value::{Order, Test, Want};

/// How a pattern is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Explanation {
    /// It is empty: every message matches.
    Everything,
    /// Terms, each as text, or as `%expression%`.
    Terms {
        /// All of these must be in the message, in any order.
        required: Vec<String>,
        /// One of these must be.
        optional: Vec<String>,
        /// None of these may be.
        excluded: Vec<String>,
        /// These were written with `?` and mean nothing, because there are others.
        ignored: Vec<String>,
    },
    /// The message must be a JSON object for which this holds.
    Json(Clause),
    /// The message is parted by whitespace into fields.
    Fields {
        /// The fields, in their order.
        fields: Vec<FieldText>,
        /// How many of them are counted from the beginning, if the others are counted from the
        /// end; `None` if there is no `...`.
        gap: Option<usize>,
    },
}

/// A field of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldText {
    /// Its name, `None` if it has none.
    pub name: Option<String>,
    /// What must hold for it, `None` if it may be anything.
    pub clause: Option<Clause>,
}

/// Conditions put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clause {
    /// All of these hold.
    All(Vec<Clause>),
    /// One of these holds.
    Any(Vec<Clause>),
    /// A value stands so to another one.
    Is {
        /// The selector or the field.
        subject: String,
        /// How it stands.
        relation: Relation,
        /// To what; empty where the relation says all.
        value: String,
    },
}

/// How a value stands to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It is this number.
    IsNumber,
    /// It is there, and not this number.
    IsNotNumber,
    /// It is this text.
    IsText,
    /// It is there, and not this text.
    IsNotText,
    /// It fits this text with `*`.
    Like,
    /// It is there, and does not fit it.
    NotLike,
    /// This expression finds something in it.
    Finds,
    /// It is there, and the expression finds nothing in it.
    FindsNot,
    /// It is a text or number, whichever.
    IsAny,
    /// It is no text and no number: nothing can be so.
    IsNotAny,
    /// It is a number below this one.
    Less,
    /// It is a number up to this one.
    LessOrEqual,
    /// It is a number above this one.
    Greater,
    /// It is a number from this one on.
    GreaterOrEqual,
    /// It is null, or an array with a null in it.
    IsNull,
    /// It is true.
    IsTrue,
    /// It is false.
    IsFalse,
    /// It is not there.
    NotExists,
}

impl MetricPattern {
    /// How it is read.
    pub fn explain(&self) -> Explanation {
        match &self.form {
            Form::Everything => Explanation::Everything,
            Form::Terms(terms) => of_terms(terms),
            Form::Json(json) => Explanation::Json(clause(&json.logic, &of_condition)),
            Form::Fields(fields) => of_fields(fields),
        }
    }
}

fn of_terms(terms: &Terms) -> Explanation {
    let of = |sign: Sign| {
        let of_sign = terms.terms.iter().filter(|term| term.sign == sign);
        of_sign.map(shown).collect::<Vec<_>>()
    };
    let mut optional = of(Sign::Optional);
    let ignored = match terms.has_choice() {
        true => Vec::new(),
        false => std::mem::take(&mut optional),
    };
    let (required, excluded) = (of(Sign::Required), of(Sign::Excluded));
    Explanation::Terms { required, optional, excluded, ignored }
}

/// A term as it is looked for.
pub(super) fn shown(term: &Term) -> String {
    match &term.what {
        What::Text(text) => text.to_string(),
        What::Regex(expression) => format!("%{}%", expression.text()),
    }
}

fn of_fields(pattern: &FieldsPattern) -> Explanation {
    let fields = pattern.fields.iter().map(|field| {
        let name = field.name.as_deref().map(str::to_owned);
        let of = |test: &Test| of_test(test, field.name.as_deref().unwrap_or_default(), true);
        FieldText { clause: field.logic.as_ref().map(|logic| clause(logic, &of)), name }
    });
    Explanation::Fields { fields: fields.collect(), gap: pattern.gap }
}

fn clause<T>(logic: &Logic<T>, of: &dyn Fn(&T) -> Clause) -> Clause {
    match logic {
        Logic::All(parts) => Clause::All(parts.iter().map(|part| clause(part, of)).collect()),
        Logic::Any(parts) => Clause::Any(parts.iter().map(|part| clause(part, of)).collect()),
        Logic::One(condition) => of(condition),
    }
}

fn of_condition(condition: &Condition) -> Clause {
    let subject = condition.selector.text();
    let relation = match &condition.claim {
        Claim::Compares(test) => return of_test(test, subject, false),
        Claim::IsNull => Relation::IsNull,
        Claim::IsTrue => Relation::IsTrue,
        Claim::IsFalse => Relation::IsFalse,
        Claim::NotExists => Relation::NotExists,
    };
    Clause::Is { subject: subject.to_owned(), relation, value: String::new() }
}

/// Fields of a line are texts: a number is compared as it is written.
fn of_test(test: &Test, subject: &str, is_field: bool) -> Clause {
    let (yes, no, value) = match test {
        Test::Ordered { order, than } => {
            let relation = match order {
                Order::Less => Relation::Less,
                Order::LessOrEqual => Relation::LessOrEqual,
                Order::Greater => Relation::Greater,
                Order::GreaterOrEqual => Relation::GreaterOrEqual,
            };
            (relation, relation, than.to_string())
        }
        Test::Equal { want, .. } => match want {
            Want::Number(text) if !is_field => {
                (Relation::IsNumber, Relation::IsNotNumber, text.to_string())
            }
            Want::Number(text) | Want::Text(text, _) => {
                (Relation::IsText, Relation::IsNotText, text.to_string())
            }
            Want::Glob(glob) if glob.is_any() => {
                (Relation::IsAny, Relation::IsNotAny, String::new())
            }
            Want::Glob(glob) => (Relation::Like, Relation::NotLike, glob.text().to_owned()),
            Want::Regex(expression) => {
                (Relation::Finds, Relation::FindsNot, expression.text().to_owned())
            }
        },
    };
    let is_negated = matches!(test, Test::Equal { negated: true, .. });
    Clause::Is { subject: subject.to_owned(), relation: if is_negated { no } else { yes }, value }
}

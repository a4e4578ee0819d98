//! `bantime.*`: how bans grow.

use super::complaint::{Complaint, Complaints};
use super::expression::NotUnderstood;
use super::formula::{Formula, factor};
use super::jail::bad_value;
use super::options::Options;
use super::place::{Place, Sourced, Text};
use super::resolved::Increment;
use super::seconds::Span;

/// Reads the options of a jail.
pub(crate) fn increment(options: &Options, complaints: &mut Complaints) -> Increment {
    let yes = |key: &str| match options.get(key) {
        Some(text) => Sourced::new(text.as_str() == "True", text.place()),
        None => Sourced::new(false, Place::default()),
    };
    let enabled = yes("bantime.increment");
    let overalljails = yes("bantime.overalljails");
    let mut span =
        |key: &'static str| read(options, key, "bad-extra-time", complaints, Span::parse);
    let (maxtime, rndtime) = (span("bantime.maxtime"), span("bantime.rndtime"));
    let written = read(options, "bantime.factor", "bad-factor", complaints, factor);
    let formula = read(options, "bantime.formula", "bad-formula", complaints, Formula::parse);
    if let Some(formula) = formula.as_ref().filter(|formula| !formula.value.has_values()) {
        let complaint = Complaint::warning("formula-fails", formula.from.clone());
        complaints.add(complaint.with("value", &formula.value.text));
    }
    let multipliers = read(options, "bantime.multipliers", "bad-multipliers", complaints, |text| {
        let numbers =
            text.split_whitespace().map(|word| word.parse().map_err(|_| NotUnderstood(0)));
        numbers.collect::<Result<Vec<i64>, _>>()
    });
    Increment {
        enabled,
        factor: written.unwrap_or_else(|| Sourced::new(1.0, Place::default())),
        formula,
        multipliers: multipliers.map(|numbers| numbers.value).unwrap_or_default(),
        maxtime,
        rndtime,
        overalljails,
    }
}

impl Increment {
    /// How bans grow with these `bantime.*`. What is wrong among them is left out.
    pub fn of_options(options: &Options) -> Self {
        increment(options, &mut Complaints::default())
    }

    /// Whether `factor`, `formula` or `multipliers` can have such a value.
    pub fn takes(option: &str, text: &str) -> bool {
        let mut options = Options::default();
        options.set(&format!("bantime.{option}"), Text::built_in(text));
        let mut complaints = Complaints::default();
        increment(&options, &mut complaints);
        complaints.list().is_empty()
    }
}

/// A value that may be absent or empty; a wrong one is complained about and left out.
fn read<T>(
    options: &Options,
    key: &'static str,
    kind: &'static str,
    complaints: &mut Complaints,
    parse: impl Fn(&str) -> Result<T, NotUnderstood>,
) -> Option<Sourced<T>> {
    let text: &Text = options.get(key).filter(|text| !text.as_str().is_empty())?;
    match parse(text.as_str()) {
        Ok(value) => Some(Sourced::new(value, text.place())),
        Err(_) => {
            complaints.add(bad_value(kind, key, text));
            None
        }
    }
}

//! Expressions that cost more and more time for longer lines: measured on lines made from them.

use monban_pyre::{EngineKind, Options, Trial};

use super::reader::Expression;
use super::sample::{Sample, samples};

/// What a line costs.
pub(crate) struct Cost {
    /// The line.
    pub line: String,
    /// How often an engine such as CPython's goes back on it, or `most` and one.
    pub backtracks: u32,
    /// Whether each further word doubles it, or thereabouts.
    pub is_endless: bool,
    /// Whether monban's own search gives up on it.
    pub gives_up: bool,
}

/// Rounds of the line on which each place is tried.
const ROUNDS: usize = 24;
/// Beyond this a place is looked at closely: what grows with the second power stays below.
const SUSPICIOUS: u32 = (ROUNDS * ROUNDS) as u32;
/// What doubles with each round, or nearly so, is beyond this.
const ENDLESS: u32 = 1_000_000;
/// Rounds of the lines on which growth is measured, each twice as many as before.
const GROWING: [usize; 5] = [10, 20, 40, 80, 160];
/// What is spent on one of them.
const GROWN_MAX: u32 = 2_000_000;
/// So much does twice the length cost: eight times for the third power, four for the second.
const CUBIC: u32 = 6;
/// Places of an expression that are tried.
const PLACES_MAX: usize = 400;

/// Looks for a line that is costly.
pub(crate) fn of(one: &Expression) -> Option<Cost> {
    let trial = Trial::new(one.pattern.text(), Options::default()).ok()?;
    let mut seen = Vec::new();
    let mut widest: Option<(u32, Place)> = None;
    for sample in samples(&one.ast, "203.0.113.5", None) {
        for place in places(&sample) {
            if seen.len() >= PLACES_MAX || seen.contains(&place) {
                continue;
            }
            let most = widest.as_ref().map_or(SUSPICIOUS, |(most, _)| *most);
            let cost = trial.backtracks(&place.line(ROUNDS), ENDLESS);
            if cost > most {
                widest = Some((cost, place.clone()));
            }
            seen.push(place);
        }
        if widest.as_ref().is_some_and(|(cost, _)| *cost > ENDLESS) {
            break;
        }
    }
    let (cost, place) = widest?;
    if cost > ENDLESS {
        return Some(found(one, place.line(ROUNDS), ENDLESS, true));
    }
    let mut before = 0;
    let mut is_cubic = false;
    let mut line = String::new();
    for rounds in GROWING {
        let longer = place.line(rounds);
        let cost = trial.backtracks(&longer, GROWN_MAX);
        if cost > GROWN_MAX {
            break;
        }
        is_cubic = cost / CUBIC >= before.max(1);
        (before, line) = (cost, longer);
    }
    is_cubic.then(|| found(one, line, before, false))
}

fn found(one: &Expression, line: String, backtracks: u32, is_endless: bool) -> Cost {
    let is_bounded = one.pattern.regex().engine() == EngineKind::Backtracking;
    let gives_up = is_bounded && one.pattern.search(&line).is_err();
    Cost { line, backtracks, is_endless, gives_up }
}

/// A place of a line where a text is repeated, and what follows it.
#[derive(Clone, PartialEq, Eq)]
struct Place {
    before: String,
    round: String,
    after: String,
}

impl Place {
    fn line(&self, rounds: usize) -> String {
        format!("{}{}{}", self.before, self.round.repeat(rounds), self.after)
    }
}

fn places(sample: &Sample) -> Vec<Place> {
    let mut places = Vec::new();
    for (at, round) in &sample.rounds {
        let before = sample.text[..*at].to_owned();
        let next: String = sample.text[*at..].chars().skip(round.chars().count()).take(1).collect();
        for round in [round.clone(), "x".to_owned(), " ".to_owned(), "x ".to_owned(), next] {
            if round.is_empty() {
                continue;
            }
            // A control character, which no part that ends the line expects, and so much more that
            // no engine sees at once that the line is too short.
            let after = format!("\u{1}{}", "~".repeat(sample.text.len()));
            places.push(Place { before: before.clone(), round, after });
        }
    }
    places
}

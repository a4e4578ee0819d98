//! The checks of a whole set: examples, confusable rules, hostile lines.

use monban_model::{Address, Kind, Problem, ServiceId};

use crate::field::Slot;
use crate::found::Found;
use crate::hostile::Share;
use crate::overlap::{self, Automaton};
use crate::pattern::{self, Node};
use crate::service::{Example, Rule, Service};
use crate::set::RuleSet;
use crate::table::Table;

/// Most problems of one kind and service that are told.
const TOLD_MAX: usize = 8;

/// Hostile lines that are tried for one service.
const LINES_MAX: usize = 40_000;

/// Runs all checks.
pub(crate) fn run(set: &RuleSet) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (number, service) in set.services.iter().enumerate() {
        let id = ServiceId(number as u16);
        examples(set, id, service, &mut problems);
        confusable(set, number, service, &mut problems);
        hostile(set, id, service, &mut problems);
    }
    problems
}

fn problem(service: &Service, line: u32, what: String, why: &str, hint: &str) -> Problem {
    Problem { line, ..Problem::of_file(&service.file, what, why).hint(hint) }
}

/// Every message in `sees` is seen by its rule, as it says, and none in `not` is.
fn examples(set: &RuleSet, id: ServiceId, service: &Service, problems: &mut Vec<Problem>) {
    for (index, rule) in service.rules.iter().enumerate() {
        for example in &rule.sees {
            let found = set.read_message(id, example.message.as_bytes());
            if let Err(what) = holds(service, index, example, found) {
                problems.push(problem(service, example.line, what, "", ""));
            }
        }
        for example in &rule.not {
            let found = set.read_message(id, example.message.as_bytes());
            if found.is_some_and(|found| found.index == index) {
                let what = format!("rule `{}` sees `{}`", rule.id, example.message);
                problems.push(problem(service, example.line, what, "it must not", ""));
            }
        }
    }
}

fn holds(
    service: &Service,
    index: usize,
    example: &Example,
    found: Option<Found<'_>>,
) -> Result<(), String> {
    let id = &service.rules[index].id;
    let Some(found) = found else {
        return Err(format!("rule `{id}` does not see `{}`", example.message));
    };
    if found.index != index {
        let other = &service.rules[found.index].id;
        return Err(format!("rule `{other}` sees `{}` before rule `{id}` does", example.message));
    }
    for (name, expected) in &example.expects {
        let value = shown(service, &found, name);
        if value != *expected {
            return Err(format!(
                "in `{}` {name} is `{}` and not `{}`",
                example.message,
                value.as_deref().unwrap_or("-"),
                expected.as_deref().unwrap_or("-")
            ));
        }
    }
    Ok(())
}

fn shown(service: &Service, found: &Found<'_>, name: &str) -> Option<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let Some(slot) = Slot::named(name) else {
        let details = service.rules[found.index].details.as_ref()?;
        return details.read(found.message).get_mut(name)?.map(text);
    };
    match slot {
        Slot::Address => found.address().map(|address| address.to_string()),
        Slot::User => found.user_of(service).map(text),
        Slot::Times => Some(found.times().to_string()),
        slot => found.get(slot).map(text),
    }
}

/// No line of one rule can be read by itself or an earlier rule with another address, nor by an
/// earlier rule as a login.
fn confusable(set: &RuleSet, number: usize, service: &Service, problems: &mut Vec<Problem>) {
    let groups: Vec<Vec<&Rule>> = set
        .table(number)
        .into_iter()
        .flat_map(Table::groups)
        .map(|rules| rules.iter().map(|index| &service.rules[usize::from(*index)]).collect())
        .collect();
    let automata = |writes| -> Vec<Automaton> {
        let parsed = |rule: &Rule| -> Vec<Vec<Node>> {
            let texts = rule.wordings.iter().map(|wording| &wording.text);
            texts.filter_map(|text| pattern::parse(text).ok()).collect()
        };
        let leaders = groups.iter().map(|rules| rules[0]);
        leaders.map(|rule| Automaton::of(&parsed(rule), writes)).collect()
    };
    let (writers, readers) = (automata(true), automata(false));
    let mut told = 0;
    for (from, writer) in writers.iter().enumerate() {
        for (to, reader) in readers.iter().enumerate().take(from + 1) {
            let kinds = |group: usize| groups[group].iter().map(|rule| rule.kind);
            if kinds(to).all(|kind| kind == Kind::Harmless) {
                continue;
            }
            let login = |kind| kind == Kind::LoginAccepted;
            let as_login = kinds(to).any(login) && !kinds(from).all(login);
            let (from, to) = (groups[from][0], groups[to][0]);
            let Some(line) = overlap::witness(writer, reader, as_login) else {
                continue;
            };
            told += 1;
            if told > TOLD_MAX {
                return;
            }
            let what = format!(
                "a line of rule `{}` could be read by rule `{}` with another meaning, such as `{}`",
                from.id,
                to.id,
                line.escape_ascii()
            );
            let why = "an attacker could choose the address, or hide a failure";
            let hint = "put the more certain rule first, limit the texts as in `{user:>}`, or \
                        write `{rest}` for a text that no attacker can influence";
            problems.push(problem(service, to.line, what, why, hint));
        }
    }
}

/// No generated line is read with the address that was typed.
fn hostile(set: &RuleSet, id: ServiceId, service: &Service, problems: &mut Vec<Problem>) {
    let texts = set.hostile_texts(id);
    let of = (set.hostile_places(id) * texts.len()).div_ceil(LINES_MAX);
    let lines = set.hostile_lines(id, &texts, Share { number: 0, of });
    let mut told = Vec::new();
    let wrong =
        lines.iter().filter_map(|line| Some((line, typed(set, id, &line.message, line.truth)?)));
    for (line, (by, address)) in wrong {
        if told.contains(&(line.rule, by)) || told.len() >= TOLD_MAX {
            continue;
        }
        told.push((line.rule, by));
        let what = format!(
            "rule `{}` reports the typed address {address} in `{}`, a line of rule `{}`",
            service.rules[by].id,
            line.message.escape_ascii(),
            service.rules[line.rule].id
        );
        let why = "an attacker could have others blocked";
        problems.push(problem(service, service.rules[by].line, what, why, ""));
    }
    regex_examples(set, id, service, &texts, problems);
}

/// The rule that reads another address than the true one, and that address.
fn typed(
    set: &RuleSet,
    id: ServiceId,
    message: &[u8],
    truth: Option<Address>,
) -> Option<(usize, Address)> {
    let found = set.read_message(id, message)?;
    let address = found.address()?;
    (Some(address) != truth).then_some((found.index, address))
}

/// Rules with a regular expression have no pattern to make lines from: their examples are taken,
/// with hostile texts in place of the user.
fn regex_examples(
    set: &RuleSet,
    id: ServiceId,
    service: &Service,
    texts: &[Vec<u8>],
    problems: &mut Vec<Problem>,
) {
    for rule in service.rules.iter().filter(|rule| rule.regex.is_some()) {
        'examples: for example in &rule.sees {
            let message = example.message.as_bytes();
            let Some(found) = set.read_message(id, message) else {
                continue;
            };
            let Some((start, end)) = found.captures.span(Slot::User) else {
                continue;
            };
            for text in texts {
                let line = [&message[..start], text, &message[end..]].concat();
                if let Some((_, address)) = typed(set, id, &line, found.address()) {
                    let what = format!(
                        "rule `{}` reports the typed address {address} in `{}`",
                        rule.id,
                        line.escape_ascii()
                    );
                    let why = "an attacker could have others blocked";
                    problems.push(problem(service, rule.line, what, why, "anchor it"));
                    continue 'examples;
                }
            }
        }
    }
}

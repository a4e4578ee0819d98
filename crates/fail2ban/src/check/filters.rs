//! The filters of the jails, each looked at once.

use monban_pyre::ast::{Ast, Kind};

use crate::config::{Complaint, FilterSpec, Jail, Place};
use crate::dates::{DateFinder, Zone};

use super::forge::{self, Proof, TYPED_ADDRESS};
use super::owner::{self, GoodLine};
use super::reader::{Expression, Reader};
use super::{Part, Reason, Report, Verdict, cost};

/// Filters that were looked at, in the order of the report.
#[derive(Default)]
pub(crate) struct Filters {
    known: Vec<Known>,
}

struct Known {
    spec: FilterSpec,
    logtimezone: Option<String>,
    takes_names: bool,
}

impl Filters {
    /// The place of a jail's filter in the report, where it is put if it is new.
    pub fn of(&mut self, jail: &Jail, good: &[GoodLine], report: &mut Report) -> usize {
        let zone = jail.logtimezone.as_ref().map(|zone| zone.value.clone());
        let same = |known: &Known| is_same(&known.spec, &jail.filter) && known.logtimezone == zone;
        if let Some(at) = self.known.iter().position(same) {
            if let Some(part) = report.filters.get_mut(at) {
                part.jails.push(jail.name.clone());
            }
            return at;
        }
        let reader = Reader::new(&jail.filter, &mut report.complaints);
        let takes_names = reader.fail.iter().any(|one| has_group(&one.ast, "dns"));
        let part = look(jail, &reader, good, &mut report.complaints);
        report.filters.push(part);
        let spec = jail.filter.clone();
        self.known.push(Known { spec, logtimezone: zone, takes_names });
        self.known.len() - 1
    }

    /// Whether the filter at this place may take a name for an address.
    pub fn takes_names(&self, at: usize) -> bool {
        self.known.get(at).is_some_and(|known| known.takes_names)
    }
}

fn is_same(a: &FilterSpec, b: &FilterSpec) -> bool {
    let texts = |spec: &FilterSpec| {
        (spec.failregex.clone(), spec.ignoreregex.clone(), spec.prefregex.clone())
    };
    let rest = |spec: &FilterSpec| {
        (spec.datepattern.clone(), spec.maxlines.value, spec.usedns.value, spec.name.clone())
    };
    rest(a) == rest(b) && texts(a) == texts(b)
}

fn look(jail: &Jail, reader: &Reader, good: &[GoodLine], complaints: &mut Vec<Complaint>) -> Part {
    let filter = &jail.filter;
    let (mut verdict, mut reasons) = of_expressions(filter, reader);
    let mut say = |least: Verdict, reason: Reason| {
        verdict = verdict.max(least);
        reasons.push(reason);
    };
    if let Err(complaint) = dates(jail) {
        complaints.push(complaint);
        say(Verdict::Cannot, Reason::new("wrong-dates"));
    }
    for (at, one) in reader.fail.iter().enumerate() {
        if let Some(complaint) = old_group(filter, one) {
            let number = one.number.to_string();
            complaints.push(complaint);
            say(Verdict::Differs, Reason::new("old-host").with("number", number));
        }
        if filter.maxlines.value <= 1 {
            complain_of_forgery(filter, reader, at, complaints);
        }
    }
    for one in reader.prefix.iter().chain(&reader.fail) {
        if let Some(cost) = cost::of(one) {
            if cost.gives_up {
                say(
                    Verdict::Differs,
                    Reason::new("gives-up").with("number", one.number.to_string()),
                );
            }
            complaints.push(costly(filter, one, &cost));
        }
    }
    if filter.maxlines.value <= 1 {
        owner::complain(filter, reader, good, complaints);
    }
    let place = place(filter);
    Part { name: name(filter), jails: vec![jail.name.clone()], verdict, reasons, place }
}

/// What the expressions alone come to.
fn of_expressions(filter: &FilterSpec, reader: &Reader) -> (Verdict, Vec<Reason>) {
    if reader.is_blocked {
        return (Verdict::Cannot, vec![Reason::new("wrong-prefix")]);
    }
    if reader.fail.is_empty() {
        return (Verdict::Cannot, vec![Reason::new("no-expression")]);
    }
    if reader.wrong > 0 {
        let all = filter.failregex.len() + filter.ignoreregex.len();
        let reason = Reason::new("wrong-expressions")
            .with("wrong", reader.wrong.to_string())
            .with("all", all.to_string());
        return (Verdict::Differs, vec![reason]);
    }
    (Verdict::Native, Vec::new())
}

fn dates(jail: &Jail) -> Result<(), Complaint> {
    let pattern = jail.filter.datepattern.as_ref();
    let new = |zone: Option<&str>| {
        let text = pattern.map(|text| text.value.as_str());
        DateFinder::new(text, 0, Zone::utc(), zone).map(|_| ())
    };
    let of_zone = jail.logtimezone.as_ref();
    new(None).map_err(|error| {
        let place = pattern.map(|text| text.from.clone()).unwrap_or_default();
        Complaint::error("datepattern-wrong", place)
            .with("error", error.to_string())
            .with("filter", &jail.filter.name)
    })?;
    let zone = of_zone.map(|zone| zone.value.as_str());
    new(zone).map_err(|_| {
        let place = of_zone.map(|zone| zone.from.clone()).unwrap_or_default();
        Complaint::error("logtimezone-wrong", place)
            .with("value", zone.unwrap_or_default())
            .with("jail", &jail.name)
    })
}

/// The old name of the group for the address: it works here.
fn old_group(filter: &FilterSpec, one: &Expression) -> Option<Complaint> {
    let opened = "(?P<host>";
    if !one.written.value.contains(opened) || !has_group(&one.ast, "host") {
        return None;
    }
    let instead = with_tag(&one.written.value, opened).unwrap_or_default();
    let complaint = Complaint::warning("old-host", one.written.from.clone());
    let complaint = complaint.with("filter", &filter.name).with("number", one.number.to_string());
    Some(complaint.with_whole("instead", &instead).with("near", opened))
}

/// The text with `<HOST>` in place of the group that begins with `opened`.
fn with_tag(text: &str, opened: &str) -> Option<String> {
    let ast = monban_pyre::parse(text, monban_pyre::Options::default()).ok()?;
    let start = text.find(opened)?;
    let end = end_of_group(&ast.root, start)?;
    Some(format!("{}<HOST>{}", text.get(..start)?, text.get(end..)?))
}

fn end_of_group(node: &monban_pyre::ast::Node, start: usize) -> Option<usize> {
    match &node.kind {
        Kind::Group { index: Some(_), .. } if node.span.start == start => Some(node.span.end),
        Kind::Concat(nodes) | Kind::Alternation(nodes) => {
            nodes.iter().find_map(|node| end_of_group(node, start))
        }
        Kind::Group { node, .. } | Kind::Repeat { node, .. } | Kind::Atomic(node) => {
            end_of_group(node, start)
        }
        _ => None,
    }
}

fn complain_of_forgery(
    filter: &FilterSpec,
    reader: &Reader,
    at: usize,
    complaints: &mut Vec<Complaint>,
) {
    let Some(one) = reader.fail.get(at) else { return };
    let proven = |kind, proof: Proof| {
        Complaint::warning(kind, one.written.from.clone())
            .with("filter", &filter.name)
            .with("number", one.number.to_string())
            .with("who", TYPED_ADDRESS)
            .with("real", forge::TRUE_ADDRESS)
            .with_whole("typed", &proof.typed)
            .with("part", proof.part)
            .with_whole("line", &proof.line)
    };
    if let Some(proof) = forge::forged(reader, at) {
        let kind = if proof.part.is_empty() { "injectable-behind" } else { "injectable" };
        complaints.push(proven(kind, proof));
    } else if let Some(proof) = forge::loose(reader, at) {
        complaints.push(proven("unanchored", proof));
    }
}

fn costly(filter: &FilterSpec, one: &Expression, cost: &cost::Cost) -> Complaint {
    let kind = match (cost.is_endless, cost.gives_up) {
        (true, false) => "hangs-elsewhere",
        (true, true) => "hangs-and-gives-up",
        (false, false) => "slows-elsewhere",
        (false, true) => "slows-and-gives-up",
    };
    Complaint::warning(kind, one.written.from.clone())
        .with("filter", &filter.name)
        .with("number", one.number.to_string())
        .with("backtracks", cost.backtracks.to_string())
        .with("length", cost.line.chars().count().to_string())
        .with_whole("line", &cost.line)
}

/// A filter and what the jail gives it.
fn name(filter: &FilterSpec) -> String {
    let given = filter.params.iter().filter(|(key, _)| *key != "logtype");
    let given: Vec<String> =
        given.map(|(key, value)| format!("{key}={}", value.as_str().replace('\n', " "))).collect();
    match given.is_empty() {
        true => filter.name.clone(),
        false => format!("{}[{}]", filter.name, given.join(", ")),
    }
}

/// Where its expressions begin.
fn place(filter: &FilterSpec) -> Place {
    filter.failregex.first().map_or(&filter.from, |text| &text.from).clone()
}

fn has_group(ast: &Ast, wanted: &str) -> bool {
    ast.group_names.iter().flatten().any(|name| name == wanted)
}

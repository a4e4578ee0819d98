//! From the texts of a filter to its parts.

use std::sync::Arc;

use super::complaint::{Complaint, Complaints};
use super::keys;
use super::layers::Layers;
use super::options::Options;
use super::place::{Place, Sourced, Text};
use super::reference::Reference;
use super::resolved::{FilterSpec, UseDns};
use super::words::shell_words;

/// What `logtype` becomes where neither the jail nor the filter says it.
pub(crate) fn set_logtype(params: &mut Options, layers: &Layers, backend: &str) {
    let is_given = params.get("logtype").is_some_and(|text| !text.as_str().is_empty());
    let is_written = layers.own(super::definition::DEFINITION).any(|(key, _)| key == "logtype");
    if !is_given && !is_written {
        let logtype = if backend.starts_with("systemd") { "journal" } else { "file" };
        params.set("logtype", Text::built_in(logtype));
    }
}

/// The parts of a filter: its own options, and over them those of the jail.
pub(crate) fn spec(
    reference: Reference,
    from: Place,
    layers: Option<&Arc<Layers>>,
    options: Options,
    of_jail: Options,
    complaints: &mut Complaints,
) -> FilterSpec {
    let all = [&options, &of_jail];
    let last = |key: &str| all.iter().rev().find_map(|options| options.get(key));
    let one = |key: &str| last(key).map(|t| Sourced::new(t.as_str().to_owned(), t.place()));
    let list = |key: &str| {
        let lines = all.iter().filter_map(|options| options.get(key)).flat_map(|text| text.lines());
        let lines = lines.filter(|(line, _)| !line.is_empty());
        lines.map(|(line, place)| Sourced::new(line.to_owned(), place.clone())).collect()
    };
    let logtype = options.get("logtype").map_or("", Text::as_str).to_owned();
    let name = reference.name.clone();
    let (failregex, ignoreregex) = (list("failregex"), list("ignoreregex"));
    let journalmatch = journal_matches(list("journalmatch"), complaints);
    let (maxlines, usedns) =
        (maxlines(last("maxlines"), complaints), use_dns(last("usedns"), complaints));
    let (prefregex, datepattern) = (one("prefregex"), one("datepattern"));
    let spec = FilterSpec {
        params: reference.params,
        files: layers.map_or_else(Vec::new, |layers| layers.files.iter().map(Arc::clone).collect()),
        logtype,
        failregex,
        ignoreregex,
        prefregex: prefregex.filter(|text| !text.value.is_empty()),
        datepattern: datepattern.filter(|text| !text.value.is_empty()),
        journalmatch,
        maxlines,
        usedns,
        name,
        from,
        options,
    };
    if spec.failregex.is_empty() {
        let complaint = Complaint::error("no-failregex", spec.from.clone());
        complaints.add(complaint.with("filter", &spec.name));
    }
    spec
}

fn journal_matches(
    lines: Vec<Sourced<String>>,
    complaints: &mut Complaints,
) -> Vec<Sourced<Vec<String>>> {
    let mut matches = Vec::new();
    for line in lines {
        match shell_words(&line.value) {
            Some(words) => matches.push(Sourced::new(words, line.from)),
            None => {
                let complaint = Complaint::error("open-quote", line.from).with("line", line.value);
                complaints.add(complaint);
            }
        }
    }
    matches
}

fn maxlines(text: Option<&Text>, complaints: &mut Complaints) -> Sourced<u32> {
    let Some(text) = text else { return Sourced::new(1, Place::default()) };
    let lines = keys::whole_number(text.as_str()).and_then(|lines| u32::try_from(lines).ok());
    let Some(lines) = lines.filter(|lines| *lines > 0) else {
        complaints.add(super::jail::bad_value("bad-lines", "maxlines", text));
        return Sourced::new(1, Place::default());
    };
    Sourced::new(lines, text.place())
}

fn use_dns(text: Option<&Text>, complaints: &mut Complaints) -> Sourced<UseDns> {
    let Some(text) = text else { return Sourced::new(UseDns::Warn, Place::default()) };
    let Some(value) = UseDns::from_name(text.as_str()) else {
        complaints.add(super::jail::bad_value("bad-usedns", "usedns", text));
        return Sourced::new(UseDns::No, text.place());
    };
    Sourced::new(value, text.place())
}

//! Keys that nothing reads: mistyped ones, and lines that lost their indentation.

use std::collections::HashSet;

use monban_model::closest;

use super::complaint::{Complaint, Complaints};
use super::definition::{DEFINITION, INIT};
use super::folder::Folder;
use super::ini::DEFAULT;
use super::keys;
use super::layers::{Layers, without_condition};
use super::oddities::holds_an_address;
use super::place::Text;
use super::resolved::Jail;

/// Names that filters have by custom, also where nothing refers to them.
const OF_FILTERS: &[&str] = &["logtype", "mode", "logging"];

/// Complains about the jail files, and about the filters and actions of the given jails.
pub(crate) fn complain(
    folder: &mut Folder,
    jail_layers: &Layers,
    jails: &[Jail],
    complaints: &mut Complaints,
) {
    let of_jails = Named::of(jail_layers);
    let defaults = jail_layers.defaults.iter();
    let sections = jail_layers.sections().filter(|section| section.name != "INCLUDES");
    for (key, value) in defaults.chain(sections.flat_map(|section| section.options.iter())) {
        let is_known = keys::is_jail_key(key) || key.starts_with("action_") || key.starts_with('_');
        if !is_known && jail_layers.is_own(value) && !of_jails.has(key) {
            complaints.add(unknown(key, value, keys::jail_keys()));
        }
    }
    let mut seen = HashSet::new();
    for jail in jails {
        let filter = format!("filter.d/{}", jail.filter.name);
        let is_new = !jail.filter.name.is_empty() && seen.insert(filter.clone());
        if let (true, Some(layers)) = (is_new, folder.layers(&filter, complaints)) {
            complain_of_filter(&layers, &of_jails, complaints);
        }
        for action in &jail.actions {
            let action = format!("action.d/{}", action.name);
            let is_done = action.ends_with(".py") || !seen.insert(action.clone());
            if let (false, Some(layers)) = (is_done, folder.layers(&action, complaints)) {
                complain_of_action(&layers, complaints);
            }
        }
    }
}

fn complain_of_filter(layers: &Layers, of_jails: &Named, complaints: &mut Complaints) {
    complain_of_sections(layers, complaints);
    let named = Named::of(layers);
    let known = || keys::FILTER.iter().map(|(key, _)| *key);
    for (key, value) in layers.own(DEFINITION).chain(layers.own(INIT)) {
        let base = without_condition(key).unwrap_or(key);
        let is_read = known().any(|known| known == base)
            || OF_FILTERS.contains(&base)
            || named.has(base)
            || of_jails.has(base);
        let is_private = base.starts_with('_') && !holds_an_address(value.as_str());
        if layers.is_own(value) && !is_read && !is_private {
            complaints.add(unknown(key, value, known()));
        }
    }
}

/// An action may have any parameter; only what is close to a command is suspicious.
fn complain_of_action(layers: &Layers, complaints: &mut Complaints) {
    complain_of_sections(layers, complaints);
    let named = Named::of(layers);
    let known = || keys::ACTION.iter().map(|(key, _)| *key);
    for (key, value) in layers.own(DEFINITION).chain(layers.own(INIT)) {
        let base = without_condition(key).unwrap_or(key);
        let is_read = known().any(|known| known == base) || named.has(base);
        if layers.is_own(value) && !is_read && closest(base, known()).is_some() {
            complaints.add(unknown(key, value, known()));
        }
    }
}

fn complain_of_sections(layers: &Layers, complaints: &mut Complaints) {
    let known = [DEFINITION, INIT, "INCLUDES", DEFAULT];
    for section in layers.sections().filter(|section| !known.contains(&section.name.as_str())) {
        if let Some(meant) = closest(&section.name, known) {
            let complaint = Complaint::error("unknown-section", section.place.clone());
            complaints.add(complaint.with("section", &section.name).with("meant", meant));
        }
    }
    if layers.section(DEFINITION).is_none() {
        let file = layers.own_files.first().or(layers.files.first()).cloned().unwrap_or_default();
        complaints.add(Complaint::error("no-definition", super::place::Place { file, line: 0 }));
    }
}

fn unknown<'a>(key: &str, value: &Text, known: impl Iterator<Item = &'a str>) -> Complaint {
    if holds_an_address(value.as_str()) {
        let line = value.as_str().lines().next().unwrap_or_default();
        return Complaint::error("lost-indent", value.place()).with("key", key).with("line", line);
    }
    let meant = closest(key, known).unwrap_or_default();
    Complaint::warning("unknown-key", value.place()).with("key", key).with("meant", meant)
}

/// Names that some value refers to, with `%(..)s` or `<..>`.
#[derive(Default)]
struct Named {
    names: HashSet<String>,
    /// Beginnings of names that are put together at run time, such as `re-` of `<re-<mode>>`.
    beginnings: Vec<String>,
}

impl Named {
    fn of(layers: &Layers) -> Self {
        let mut named = Self::default();
        let sections = layers.all_sections().flat_map(|section| section.options.iter());
        for (_, value) in layers.defaults.iter().chain(sections) {
            named.read(value.as_str());
        }
        named
    }

    fn has(&self, key: &str) -> bool {
        self.names.contains(key) || self.beginnings.iter().any(|start| key.starts_with(start))
    }

    fn read(&mut self, text: &str) {
        let is_part = |c: char| c.is_alphanumeric() || "_-.".contains(c);
        let mut before = ' ';
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if !is_part(c) {
                before = c;
                rest = &rest[c.len_utf8()..];
                continue;
            }
            let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            let (word, tail) = rest.split_at(end);
            let after = tail.chars().next().unwrap_or(' ');
            if "</(".contains(before) || after == '>' {
                self.names.insert(word.to_lowercase());
            }
            if before == '<' && after == '<' {
                self.beginnings.push(word.to_lowercase());
            }
            before = ' ';
            rest = tail;
        }
    }
}

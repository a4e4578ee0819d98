//! `mode` of a filter: one that it does not have leaves holes where its expressions would stand.

use std::collections::BTreeSet;

use monban_model::closest;

use super::complaint::Complaint;
use super::definition::{DEFINITION, INIT};
use super::layers::Layers;
use super::options::Options;
use super::place::Text;

const TAG: &str = "<mode>";

/// A complaint if a filter refers to parts by its mode, and has none of the mode that somebody
/// chose: with `params`, or in `own`, the options of the jail that stand for them.
pub(crate) fn complain(
    filter: &str,
    layers: &Layers,
    params: &Options,
    own: Option<&Text>,
) -> Option<Complaint> {
    let chosen = params.get("mode");
    let chosen =
        chosen.or_else(|| layers.own(DEFINITION).chain(layers.own(INIT)).find_map(mode))?;
    let mode = chosen.as_str();
    let parts = parts(layers);
    let is_there = |(before, after): &(String, String)| {
        let name = format!("{before}{mode}{after}");
        keys(layers).any(|key| key == name)
    };
    if mode.is_empty() || parts.is_empty() || parts.iter().any(is_there) {
        return None;
    }
    let known = modes(layers, &parts);
    let place = own.filter(|own| own.as_str() == mode).unwrap_or(chosen).place();
    let meant = closest(mode, known.iter().map(String::as_str)).unwrap_or_default().to_owned();
    let known = known.into_iter().collect::<Vec<_>>().join(", ");
    let complaint = Complaint::error("unknown-mode", place).with("value", mode);
    Some(complaint.with("filter", filter).with("known", known).with("meant", meant))
}

fn mode<'a>((key, value): (&str, &'a Text)) -> Option<&'a Text> {
    (key == "mode").then_some(value)
}

fn keys(layers: &Layers) -> impl Iterator<Item = &str> {
    let sections = layers.all_sections().flat_map(|section| section.options.iter());
    sections.map(|(key, _)| key)
}

/// What stands around the mode in the names of parts, such as `mdre-` and nothing.
fn parts(layers: &Layers) -> BTreeSet<(String, String)> {
    let is_part = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    let mut parts = BTreeSet::new();
    let sections = layers.all_sections().flat_map(|section| section.options.iter());
    for (_, value) in sections {
        let text = value.as_str();
        for (at, _) in text.match_indices(TAG) {
            let (before, after) = (&text[..at], &text[at + TAG.len()..]);
            let name = before.trim_end_matches(is_part);
            let before = &before[name.len()..];
            let after = &after[..after.find(|c| !is_part(c)).unwrap_or(after.len())];
            if name.ends_with('<') && !(before.is_empty() && after.is_empty()) {
                parts.insert((before.to_owned(), after.to_owned()));
            }
        }
    }
    parts
}

fn modes(layers: &Layers, parts: &BTreeSet<(String, String)>) -> BTreeSet<String> {
    let mut modes = BTreeSet::new();
    for key in keys(layers) {
        for (before, after) in parts {
            let inner = key.strip_prefix(before.as_str());
            let Some(mode) = inner.and_then(|inner| inner.strip_suffix(after.as_str())) else {
                continue;
            };
            // The longer names of other parts begin in the same way.
            let is_other =
                parts.iter().any(|(_, after)| !after.is_empty() && mode.ends_with(after));
            if !mode.is_empty() && !is_other {
                modes.insert(mode.to_owned());
            }
        }
    }
    modes
}

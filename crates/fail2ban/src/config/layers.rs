//! Several files, one over the other: what a later one says counts, what an earlier one said is
//! still known.

use std::collections::HashMap;
use std::sync::Arc;

use super::complaint::Complaint;
use super::ini::{DEFAULT, Ini, Section};
use super::interpolate::interpolate;
use super::options::{Options, Quickly, lower};
use super::place::{Place, Text};

/// Before the name of a section: what was overridden in it.
const KNOWN: &str = "KNOWN/";

/// All files of a jail configuration, a filter or an action, merged.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// The files in the order in which they were laid over each other.
    pub files: Vec<Arc<str>>,
    /// Those of them that have this name, and were not included.
    pub own_files: Vec<Arc<str>>,
    /// `[DEFAULT]` of all files.
    pub defaults: Options,
    sections: Vec<Section>,
    index: HashMap<String, usize, Quickly>,
}

impl Layers {
    /// Lays a file over what is there.
    pub fn add(&mut self, ini: &Ini, is_own: bool) {
        self.files.push(Arc::clone(&ini.file));
        if is_own {
            self.own_files.push(Arc::clone(&ini.file));
        }
        self.defaults.update(&ini.defaults);
        for section in &ini.sections {
            let (name, condition) = split_condition(&section.name);
            let conditional;
            let options = match condition {
                "" => &section.options,
                condition => {
                    conditional = with_condition(&section.options, condition);
                    &conditional
                }
            };
            if let Some(before) = self.section(name) {
                let mut known = Options::default();
                for (key, value) in before.options.iter().filter(|(key, _)| options.contains(key)) {
                    known.set(key, value.clone());
                }
                self.section_mut(&format!("{KNOWN}{name}"), &section.place).update(&known);
            }
            self.section_mut(name, &section.place).update(options);
        }
    }

    /// The sections in the order of their first mention.
    pub fn sections(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter().filter(|section| !section.name.starts_with(KNOWN))
    }

    /// All sections, also those that keep what was overridden.
    pub(crate) fn all_sections(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter()
    }

    /// Whether a value was written in a file of this name, and not in an included one.
    pub(crate) fn is_own(&self, value: &Text) -> bool {
        let place = value.place();
        self.own_files.contains(&place.file)
    }

    /// A section.
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.get(*self.index.get(name)?)
    }

    /// The own options of a section, without the defaults.
    pub fn own(&self, name: &str) -> impl Iterator<Item = (&str, &Text)> {
        self.section(name).into_iter().flat_map(|section| section.options.iter())
    }

    /// The options of a section, to add to.
    pub(crate) fn section_mut(&mut self, name: &str, place: &Place) -> &mut Options {
        let at = match self.index.get(name) {
            Some(at) => *at,
            None => {
                let at = self.sections.len();
                self.index.insert(name.to_owned(), at);
                let options = Options::default();
                let place = place.clone();
                self.sections.push(Section { name: name.to_owned(), place, options });
                at
            }
        };
        &mut self.sections[at].options
    }

    /// The value of an option as it was written, before interpolation: from `vars`, else from the
    /// section, else from the defaults. `None` if there is none, or no such section.
    pub fn raw<'a>(&'a self, section: &str, key: &str, vars: &'a Options) -> Option<&'a Text> {
        let own = self.section(section);
        if own.is_none() && section != DEFAULT {
            return None;
        }
        let key = &*lower(key);
        let of_section = || own.and_then(|own| own.options.get(key));
        vars.get(key).or_else(of_section).or_else(|| self.defaults.get(key))
    }

    /// The value of an option with everything put in.
    ///
    /// `vars` have keys in lower case.
    ///
    /// # Errors
    /// What fail2ban's interpolation refuses, or what is over our limits.
    pub fn get(&self, section: &str, key: &str, vars: &Options) -> Result<Option<Text>, Complaint> {
        let Some(raw) = self.raw(section, key, vars) else { return Ok(None) };
        interpolate(self, section, key, raw, vars).map(Some)
    }

    /// The same for a name that may have a section in it: `known/x`, `default/x`, `section/x`.
    pub fn get_of_any(
        &self,
        section: &str,
        name: &str,
        vars: &Options,
    ) -> Result<Option<Text>, Complaint> {
        let none = Options::default();
        if let Some((of, key)) = split_section(name) {
            let known = format!("{KNOWN}{section}");
            let places: &[&str] = match of.to_lowercase().as_str() {
                "known" => &[&known, section],
                "default" => &[DEFAULT],
                _ => &[of],
            };
            for place in places {
                if let Some(found) = self.get(place, key, &none)? {
                    return Ok(Some(found));
                }
            }
        }
        self.get(section, name, vars)
    }

    /// What `%(section/key)s` names: the value as written in that section, else in the defaults.
    /// Only names that are wholly in lower case are found.
    pub(crate) fn raw_of_other(&self, section: &str, name: &str) -> Option<&Text> {
        let (of, key) = name.split_once('/')?;
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        if of.is_empty()
            || key.is_empty()
            || !of.chars().all(is_word)
            || name != name.to_lowercase()
        {
            return None;
        }
        let own = match of {
            "default" => None,
            "known" => self.section(&format!("{KNOWN}{section}")),
            other => Some(self.section(other)?),
        };
        own.and_then(|own| own.options.get(key)).or_else(|| self.defaults.get(key))
    }
}

fn with_condition(options: &Options, condition: &str) -> Options {
    let mut conditional = Options::default();
    for (key, value) in options.iter() {
        conditional.set(&format!("{key}{condition}"), value.clone());
    }
    conditional
}

/// `Init?family=inet6` as `Init` and `?family=inet6`.
fn split_condition(name: &str) -> (&str, &str) {
    match name.find('?') {
        Some(at) if at > 0 && at + 1 < name.len() && is_words(&name[..at]) => name.split_at(at),
        _ => (name, ""),
    }
}

/// The name of an option without its condition, if it has one.
pub(crate) fn without_condition(key: &str) -> Option<&str> {
    let (name, condition) = split_condition(key);
    (!condition.is_empty()).then_some(name)
}

fn is_words(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// `section/key` of a `<section/key>`.
fn split_section(name: &str) -> Option<(&str, &str)> {
    let (section, key) = name.split_once('/')?;
    let is_section = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let is_good = !section.is_empty()
        && section.chars().all(is_section)
        && !key.is_empty()
        && !key.chars().any(|c| c == '>' || super::place::is_space(c));
    is_good.then_some((section, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(texts: &[&str]) -> Layers {
        let mut layers = Layers::default();
        for (number, text) in texts.iter().enumerate() {
            layers.add(&Ini::parse(&format!("f{number}"), text), true);
        }
        layers
    }

    fn get(layers: &Layers, section: &str, key: &str) -> Option<String> {
        let found = layers.get(section, key, &Options::default()).expect("good");
        found.map(|text| text.as_str().to_owned())
    }

    #[test]
    fn the_later_file_counts_and_the_earlier_value_is_known() {
        let all = layers(&[
            "[DEFAULT]\nd=1\n[s]\na=old\nb=%(d)s\n",
            "[DEFAULT]\nd=2\n[s]\na=%(known/a)s new\n[t]\n",
        ]);
        assert_eq!(get(&all, "s", "a").as_deref(), Some("old new"));
        assert_eq!(get(&all, "s", "b").as_deref(), Some("2"));
        assert_eq!(get(&all, "t", "d").as_deref(), Some("2"));
        assert_eq!(get(&all, "u", "d"), None);
        let names: Vec<&str> = all.sections().map(|section| section.name.as_str()).collect();
        assert_eq!(names, ["s", "t"]);
    }

    #[test]
    fn conditions_of_sections_become_part_of_the_keys() {
        let all = layers(&["[Init]\na=1\n[Init?family=inet6]\na=2\n"]);
        assert_eq!(get(&all, "Init", "a?family=inet6").as_deref(), Some("2"));
        assert_eq!(get(&all, "Init", "a").as_deref(), Some("1"));
        assert_eq!(without_condition("a?b=c"), Some("a"));
        assert_eq!(without_condition("a"), None);
    }

    #[test]
    fn names_with_a_section_are_found() {
        let all = layers(&["[DEFAULT]\nd=0\n[A]\nx=1\n[b]\nx=%(d)s2\n"]);
        let get = |name| {
            let found = all.get_of_any("b", name, &Options::default()).expect("good");
            found.map(|text| text.as_str().to_owned())
        };
        assert_eq!(get("A/x").as_deref(), Some("1"));
        assert_eq!(get("known/x").as_deref(), Some("02"));
        assert_eq!(get("default/d").as_deref(), Some("0"));
        assert_eq!(get("C/x"), None);
    }
}

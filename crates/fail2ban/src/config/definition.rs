//! `[Definition]` and `[Init]` of a filter or action, together with what a jail gives it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::complaint::Complaint;
use super::keys::Form;
use super::layers::{Layers, without_condition};
use super::options::{Options, Quickly};
use super::place::Text;
use super::tags;
use super::version::Version;

pub(crate) const DEFINITION: &str = "Definition";
pub(crate) const INIT: &str = "Init";

/// A filter or action that is being put together.
pub(crate) struct Definition {
    pub layers: Arc<Layers>,
    /// What the jail gives it, then what `[Init]` says, both as written.
    pub init: Options,
    /// Names that were given by the jail.
    given: HashSet<String>,
    /// What goes before the sections, with keys in lower case.
    vars: Options,
    options: Options,
    /// Names that were looked up for tags. fail2ban keeps them between its two rounds as well.
    found: HashMap<String, Option<Text>, Quickly>,
    version: Version,
}

impl Definition {
    pub fn new(layers: Arc<Layers>, params: &Options, version: Version) -> Self {
        Self {
            layers,
            init: params.clone(),
            given: params.iter().map(|(key, _)| key.to_owned()).collect(),
            vars: Options::default(),
            options: Options::default(),
            found: HashMap::default(),
            version,
        }
    }

    /// Interpolates the options in `keys`; with `all`, also all others of `[Definition]`.
    /// What the jail or `[Init]` says about a key goes before.
    pub fn read(
        &mut self,
        of_jail: &Options,
        keys: &[(&str, Form)],
        all: bool,
    ) -> Result<(), Complaint> {
        let before = of_jail.merged(&self.init);
        let vars = before.lower_cased();
        let none = Options::default();
        self.options = Options::default();
        for (key, _) in keys.iter().filter(|(key, _)| !before.contains(key)) {
            if let Some(value) = self.layers.get(DEFINITION, key, &vars)? {
                self.options.set(key, value);
            }
        }
        self.vars = vars;
        let layers = Arc::clone(&self.layers);
        for (key, _) in layers.own(INIT) {
            if self.is_overridden(key) {
                continue;
            }
            let Some(value) = layers.get(INIT, key, &none)? else { continue };
            if !key.starts_with("known/") {
                self.init.set(&format!("known/{key}"), value.clone());
            }
            if !self.init.contains(key) {
                self.init.set(key, value);
            }
        }
        if all {
            for (key, _) in layers.own(DEFINITION) {
                if self.options.contains(key) {
                    continue;
                }
                if let Some(value) = layers.get(DEFINITION, key, &none)? {
                    self.options.set(key, value);
                }
            }
        }
        Ok(())
    }

    /// All options with tags put in; those in `ignore` stay.
    pub fn combined(&mut self, ignore: &[&str]) -> Result<Options, Complaint> {
        let combined = self.options.merged(&self.init);
        let mut ignore: tags::Names = ignore.iter().map(|name| (*name).to_owned()).collect();
        let conditional = combined.iter().filter_map(|(key, _)| without_condition(key));
        ignore.extend(conditional.map(str::to_owned));
        let (layers, vars, found) = (&self.layers, &self.vars, &mut self.found);
        let mut other = |name: &str| {
            if let Some(known) = found.get(name) {
                return Ok(known.clone());
            }
            let value = layers.get_of_any(DEFINITION, name, vars)?;
            found.insert(name.to_owned(), value.clone());
            Ok(value)
        };
        tags::substitute(combined, &ignore, None, &mut other)
    }

    /// In newer versions what the jail gives counts for all address families.
    fn is_overridden(&self, key: &str) -> bool {
        let base = without_condition(key);
        self.version == Version::Newest && base.is_some_and(|base| self.given.contains(base))
    }
}

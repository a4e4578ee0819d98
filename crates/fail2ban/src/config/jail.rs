//! From the section of a jail to the jail.

use super::action;
use super::complaint::{Complaint, Complaints};
use super::definition::Definition;
use super::filter;
use super::folder::Folder;
use super::increment::increment;
use super::keys::{self, Form};
use super::layers::Layers;
use super::log_paths::log_paths;
use super::modes;
use super::options::Options;
use super::place::{Place, Sourced, Text};
use super::reference::{Reference, split_references};
use super::resolved::{ActionSpec, FilterSpec, Jail};
use super::seconds::Span;
use super::spared;
use super::version::Version;

/// What fail2ban's server has where a jail says nothing, in seconds and failures.
const TIME_S: u32 = 600;
const MAX_RETRY: i64 = 3;
const MAX_MATCHES: i64 = 5;

/// Longer names do not fit into the names of firewall chains.
const NAME_CHARS_MAX: usize = 26;

/// Puts jails together.
pub(crate) struct Jails<'a> {
    pub folder: &'a mut Folder,
    pub layers: &'a Layers,
    pub version: Version,
    pub complaints: &'a mut Complaints,
}

impl Jails<'_> {
    /// Whether a jail is switched on.
    pub fn is_enabled(&mut self, name: &str) -> Result<bool, Complaint> {
        let found = self.layers.get(name, "enabled", &Options::default())?;
        let Some(text) = found else { return Ok(false) };
        if !keys::is_yes_or_no(text.as_str()) {
            self.complaints.add(bad_value("bad-yes", "enabled", &text));
        }
        Ok(keys::is_yes(text.as_str()))
    }

    /// Puts one together.
    ///
    /// # Errors
    /// Why it cannot run.
    pub fn resolve(&mut self, name: &str) -> Result<Jail, Complaint> {
        let place = self.layers.section(name).map(|section| section.place.clone());
        let place = place.unwrap_or_default();
        let enabled = self.is_enabled(name)?;
        let mut first = self.read(name, keys::JAIL_FIRST, &Options::default(), false)?;
        for (key, value) in [("enabled", "False"), ("backend", "auto"), ("filter", "")] {
            if !first.contains(key) {
                first.set(key, Text::new(value, &place));
            }
        }
        let (reference, from) = self.filter_reference(name, &first)?;
        let mut definition = self.definition(&reference, &from, &first)?;
        let mut known = Options::default();
        if let Some(definition) = &mut definition {
            definition.read(&first, keys::FILTER, true)?;
            for (key, value) in definition.combined(&[])?.iter() {
                if !key.starts_with("known/") {
                    known.set(&format!("known/{key}"), value.clone());
                }
            }
        }
        let mut options = self.read(name, keys::JAIL, &known.lower_cased(), true)?;
        if !options.contains("backend") {
            options.set("backend", Text::built_in("auto"));
        }
        if let Some(definition) = &definition {
            let own = self.layers.get(name, "mode", &Options::default()).ok().flatten();
            let (layers, params) = (&definition.layers, &reference.params);
            let complaint = modes::complain(&reference.name, layers, params, own.as_ref());
            complaint.into_iter().for_each(|one| self.complaints.add(one));
        }
        let filter = self.filter(reference, from, definition.as_mut(), &options)?;
        let actions = self.actions(name, &place, &options)?;
        self.complain_of_names(name, &place, &filter);
        Ok(self.jail(name, place, enabled, options, filter, actions))
    }

    /// The options of a jail as the client reads them: yes and no as Python writes them, numbers
    /// as digits. Wrong ones are left out, with a complaint if `loud`.
    fn read(
        &mut self,
        name: &str,
        known: &[(&str, Form)],
        vars: &Options,
        loud: bool,
    ) -> Result<Options, Complaint> {
        let mut options = Options::default();
        for (key, form) in known {
            let Some(value) = self.layers.get(name, key, vars)? else { continue };
            let text = value.as_str();
            let value = match form {
                Form::Text => value,
                Form::Yes => {
                    if loud && !keys::is_yes_or_no(text) {
                        self.complaints.add(bad_value("bad-yes", key, &value));
                    }
                    let yes = if keys::is_yes(text) { "True" } else { "False" };
                    Text::new(yes, &value.place())
                }
                Form::Number => match keys::whole_number(text) {
                    Some(number) => Text::new(number.to_string(), &value.place()),
                    None => {
                        if loud {
                            let default = default_number(key).to_string();
                            let complaint = bad_value("bad-number", key, &value);
                            self.complaints.add(complaint.with("default", default));
                        }
                        continue;
                    }
                },
            };
            options.set(key, value);
        }
        Ok(options)
    }

    fn filter_reference(
        &mut self,
        jail: &str,
        first: &Options,
    ) -> Result<(Reference, Place), Complaint> {
        let text = first.get("filter").cloned().unwrap_or_else(|| Text::built_in(""));
        let from = text.place();
        if text.as_str().is_empty() {
            self.complaints.add(Complaint::warning("no-filter", from.clone()).with("jail", jail));
            return Ok((Reference { name: String::new(), params: Options::default() }, from));
        }
        Ok((parse_reference(text.as_str(), &from)?, from))
    }

    fn definition(
        &mut self,
        reference: &Reference,
        from: &Place,
        first: &Options,
    ) -> Result<Option<Definition>, Complaint> {
        if reference.name.is_empty() {
            return Ok(None);
        }
        let found = self.folder.layers(&format!("filter.d/{}", reference.name), self.complaints);
        let Some(layers) = found else {
            let meant = self.folder.closest_in("filter.d", &reference.name);
            let complaint = Complaint::error("no-filter-file", from.clone());
            return Err(complaint.with("filter", &reference.name).with("meant", meant));
        };
        let mut params = reference.params.clone();
        filter::set_logtype(&mut params, &layers, first.get("backend").map_or("", Text::as_str));
        let mut definition = Definition::new(layers, &reference.params, self.version);
        definition.init = params;
        Ok(Some(definition))
    }

    fn filter(
        &mut self,
        reference: Reference,
        from: Place,
        mut definition: Option<&mut Definition>,
        jail: &Options,
    ) -> Result<FilterSpec, Complaint> {
        let mut options = Options::default();
        if let Some(definition) = &mut definition {
            definition.read(jail, keys::FILTER, false)?;
            options = definition.combined(&[])?;
        }
        let mut of_jail = Options::default();
        for (key, value) in jail.iter() {
            if keys::FILTER.iter().any(|(known, _)| *known == key) {
                of_jail.set(key, value.clone());
            }
        }
        let layers = definition.map(|definition| &definition.layers);
        Ok(filter::spec(reference, from, layers, options, of_jail, self.complaints))
    }

    fn actions(
        &mut self,
        jail: &str,
        place: &Place,
        options: &Options,
    ) -> Result<Vec<ActionSpec>, Complaint> {
        let mut actions: Vec<ActionSpec> = Vec::new();
        let Some(text) = options.get("action") else {
            let complaint = Complaint::warning("no-action", place.clone());
            self.complaints.add(complaint.with("jail", jail));
            return Ok(actions);
        };
        for (at, named) in split_references(text.as_str()) {
            let from = text.place_at(at);
            let mut reference = parse_reference(named, &from)?;
            if reference.name.ends_with(".py") {
                actions.push(action::python(&reference, &from, self.complaints));
                continue;
            }
            let name = reference.name.clone();
            let Some(layers) = self.folder.layers(&format!("action.d/{name}"), self.complaints)
            else {
                let meant = self.folder.closest_in("action.d", &name);
                let complaint = Complaint::error("no-action-file", from);
                return Err(complaint.with("action", name).with("meant", meant));
            };
            action::set_names(&mut reference.params, &name, jail);
            let version = self.version;
            let action =
                action::shell(&reference, &from, layers, options, version, self.complaints)?;
            if actions.iter().any(|known| known.actname == action.actname) {
                let complaint = Complaint::error("twice-action", from);
                let complaint = complaint.with("action", &action.actname).with("jail", jail);
                self.complaints.add(complaint);
            }
            actions.push(action);
        }
        if actions.is_empty() {
            let complaint = Complaint::warning("no-action", text.place()).with("jail", jail);
            self.complaints.add(complaint);
        }
        Ok(actions)
    }

    fn complain_of_names(&mut self, name: &str, place: &Place, filter: &FilterSpec) {
        if name.chars().count() > NAME_CHARS_MAX {
            let complaint = Complaint::warning("long-name", place.clone()).with("jail", name);
            self.complaints.add(complaint);
        }
        if filter.name.contains(super::place::is_space) {
            let complaint = Complaint::warning("space-in-name", filter.from.clone());
            self.complaints.add(complaint.with("name", &filter.name));
        }
    }

    fn jail(
        &mut self,
        name: &str,
        place: Place,
        enabled: bool,
        options: Options,
        filter: FilterSpec,
        actions: Vec<ActionSpec>,
    ) -> Jail {
        let text = |key: &str| {
            let text = options.get(key)?;
            Some(Sourced::new(text.as_str().to_owned(), text.place()))
        };
        let yes = |key: &str, default: bool| match options.get(key) {
            Some(text) => Sourced::new(text.as_str() == "True", text.place()),
            None => Sourced::new(default, Place::default()),
        };
        let or_built_in = |key: &str, default: &str| {
            text(key).unwrap_or_else(|| Sourced::new(default.to_owned(), Place::default()))
        };
        let backend = self.backend(&options);
        let is_journal = backend.value.name == "systemd";
        let loud = enabled && !is_journal;
        Jail {
            name: name.to_owned(),
            folder: self.folder.path.clone(),
            enabled,
            logpath: log_paths(name, &place, &options, &filter, loud, self.complaints),
            backend,
            logencoding: or_built_in("logencoding", "auto"),
            logtimezone: text("logtimezone").filter(|text| !text.value.is_empty()),
            maxretry: count("maxretry", &options),
            findtime: self.span("findtime", &options),
            bantime: self.span("bantime", &options),
            increment: increment(&options, self.complaints),
            ignoreself: yes("ignoreself", true),
            ignoreip: spared::entries(&options, self.complaints),
            ignorecommand: or_built_in("ignorecommand", ""),
            ignorecache: text("ignorecache").filter(|text| !text.value.is_empty()),
            maxmatches: count("maxmatches", &options),
            port: self.port(name),
            filter,
            actions,
            options,
            place,
            faults: self.complaints.take_values(),
        }
    }

    /// It is no option of a jail, but what actions are given; what is wrong with it is said there.
    fn port(&self, name: &str) -> Option<Sourced<String>> {
        let port = self.layers.get(name, "port", &Options::default()).ok()??;
        Some(Sourced::new(port.as_str().to_owned(), port.place()))
    }

    fn backend(&mut self, options: &Options) -> Sourced<Reference> {
        let text = options.get("backend").cloned().unwrap_or_else(|| Text::built_in("auto"));
        let auto = Reference { name: "auto".to_owned(), params: Options::default() };
        let known = ["auto", "pyinotify", "gamin", "polling", "systemd"];
        let found = Reference::parse(text.as_str(), &text.place()).ok();
        let found = found.map(|mut found| {
            found.name = found.name.to_lowercase();
            found
        });
        match found.filter(|found| known.contains(&found.name.as_str())) {
            Some(found) => Sourced::new(found, text.place()),
            None => {
                self.complaints.add(bad_value("bad-backend", "backend", &text));
                Sourced::new(auto, text.place())
            }
        }
    }

    fn span(&mut self, key: &str, options: &Options) -> Sourced<Span> {
        let default = Sourced::new(Span::of_seconds(TIME_S), Place::default());
        let Some(text) = options.get(key) else { return default };
        match Span::parse(text.as_str()) {
            Ok(span) => Sourced::new(span, text.place()),
            Err(_) => {
                let complaint = bad_value("bad-time", key, text);
                self.complaints.add(complaint.with("default", format!("{TIME_S} s")));
                default
            }
        }
    }
}

/// A whole number of a jail, which was complained about when the options were read.
fn count(key: &str, options: &Options) -> Sourced<i64> {
    let read = |text: &Text| Some(Sourced::new(text.as_str().parse().ok()?, text.place()));
    let read = options.get(key).and_then(read);
    read.unwrap_or_else(|| Sourced::new(default_number(key), Place::default()))
}

/// What stands for a whole number that a jail does not have, or not so that it can be read.
fn default_number(key: &str) -> i64 {
    match key {
        "maxretry" => MAX_RETRY,
        "maxmatches" => MAX_MATCHES,
        _ => 1,
    }
}

/// A complaint about the value of a key.
pub(crate) fn bad_value(kind: &'static str, key: &str, text: &Text) -> Complaint {
    let complaint = Complaint::error(kind, text.place());
    complaint.with("key", key).with("value", text.as_str().replace('\n', " "))
}

pub(crate) fn parse_reference(text: &str, from: &Place) -> Result<Reference, Complaint> {
    Reference::parse(text, from).map_err(|wrong| {
        Complaint::error("bad-reference", from.clone())
            .with("text", text.replace('\n', " "))
            .with("at", (wrong.at + 1).to_string())
            .with("found", wrong.found.replace('\n', " "))
    })
}

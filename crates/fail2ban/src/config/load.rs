//! Reads a folder such as `/etc/fail2ban`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use monban_model::limits::FAIL2BAN_JAILS_MAX;

use super::complaint::{Complaint, Complaints};
use super::definition::Definition;
use super::files::Files;
use super::filter;
use super::folder::Folder;
use super::ini::DEFAULT;
use super::jail::{Jails, parse_reference};
use super::keys;
use super::layers::Layers;
use super::lists;
use super::options::Options;
use super::place::{Place, Text};
use super::resolved::{FilterSpec, Jail, ServerSettings};
use super::server;
use super::unused;
use super::version::Version;

/// How a folder is read.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// As which fail2ban.
    pub version: Version,
    /// Also the jails that are switched off.
    pub all: bool,
    /// This jail only, also if it is switched off.
    pub jail: Option<String>,
}

/// All that a folder says.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// `fail2ban.conf`.
    pub server: ServerSettings,
    /// The jails that can be put together, in the order of the files.
    pub jails: Vec<Jail>,
    /// The jails that cannot, or of which nobody can tell whether they are switched on, with what
    /// stands in the way.
    pub broken: Vec<(String, Complaint)>,
    /// The names of all jails, also of those that are switched off.
    pub names: Vec<String>,
    /// What is wrong, errors and warnings, also of the broken jails.
    pub complaints: Complaints,
}

impl Configuration {
    /// Reads a folder. It never fails as a whole: what is wrong is among the complaints, and what
    /// is not touched by it is there.
    pub fn read(path: &Path, reading: &Reading) -> Self {
        Self::read_within(path, Files::of_disk(), reading).0
    }

    /// Reads a folder out of these files, and gives them back with all that was read.
    pub fn read_within(path: &Path, files: Files, reading: &Reading) -> (Self, Files) {
        let mut complaints = Complaints::default();
        // In one spelling, so that places are told in one.
        let path = &*path.components().collect::<PathBuf>();
        let mut folder = Folder::within(path, files);
        let is_there = folder.source.is_folder(path);
        if !is_there {
            complaints.add(Complaint::error("no-folder", whole(path)));
        }
        let main = folder.layers("fail2ban", &mut complaints);
        let server = server::settings(main.as_deref(), &mut complaints);
        let mut layers = match folder.layers("jail", &mut complaints) {
            Some(layers) => (*layers).clone(),
            None => {
                if is_there {
                    complaints.add(Complaint::error("no-jail-files", whole(path)));
                }
                Layers::default()
            }
        };
        add_built_in(&mut layers, path, reading.version);
        let mut names: Vec<String> =
            layers.sections().map(|section| section.name.clone()).collect();
        names.retain(|name| name != "INCLUDES" && name != DEFAULT);
        if names.len() > FAIL2BAN_JAILS_MAX {
            let complaint = Complaint::error("too-many-jails", whole(path));
            complaints.add(complaint.with("limit", FAIL2BAN_JAILS_MAX.to_string()));
            names.truncate(FAIL2BAN_JAILS_MAX);
        }
        let mut found = Self { server, jails: Vec::new(), broken: Vec::new(), names, complaints };
        found.resolve(&mut folder, &layers, reading);
        // Who hands files on has told what is wrong with them.
        if !folder.source.are_held() {
            lists::read(&mut folder.source, &found.jails, &mut found.complaints);
            unused::complain(&mut folder, &layers, &found.jails, &mut found.complaints);
        }
        (found, folder.source)
    }

    /// One without any jail.
    pub fn none() -> Self {
        Self {
            server: server::settings(None, &mut Complaints::default()),
            jails: Vec::new(),
            broken: Vec::new(),
            names: Vec::new(),
            complaints: Complaints::default(),
        }
    }

    /// A jail.
    pub fn jail(&self, name: &str) -> Option<&Jail> {
        self.jails.iter().find(|jail| jail.name == name)
    }

    fn resolve(&mut self, folder: &mut Folder, layers: &Layers, reading: &Reading) {
        let complaints = &mut self.complaints;
        let mut jails = Jails { folder, layers, version: reading.version, complaints };
        let wanted = |name: &&String| reading.jail.as_ref().is_none_or(|jail| jail == *name);
        let off_too = reading.all || reading.jail.is_some();
        for name in self.names.iter().filter(wanted) {
            // What is wrong with the server's own values is no fault of a jail.
            jails.complaints.take_values();
            let resolved = match jails.is_enabled(name) {
                Ok(false) if !off_too => {
                    let mistake = jails.complaints.take_values().pop();
                    self.broken.extend(mistake.map(|complaint| (name.clone(), complaint)));
                    continue;
                }
                Ok(_) => jails.resolve(name),
                Err(complaint) => Err(complaint),
            };
            match resolved {
                Ok(jail) => self.jails.push(jail),
                Err(complaint) => {
                    jails.complaints.add(complaint.clone().with("jail", name));
                    self.broken.push((name.clone(), complaint));
                }
            }
        }
    }
}

/// Reads one filter as a jail would have it, from a reference such as `sshd[mode=aggressive]`.
/// `backend` decides on `logtype`.
///
/// # Errors
/// Why it cannot be put together. What is only odd goes to `complaints`.
pub fn read_filter(
    path: &Path,
    reference: &str,
    backend: &str,
    version: Version,
    complaints: &mut Complaints,
) -> Result<FilterSpec, Complaint> {
    let from = Place::default();
    let reference = parse_reference(reference.trim(), &from)?;
    let mut folder = Folder::new(path);
    let Some(layers) = folder.layers(&format!("filter.d/{}", reference.name), complaints) else {
        let meant = folder.closest_in("filter.d", &reference.name);
        let complaint = Complaint::error("no-filter-file", whole(path));
        return Err(complaint.with("filter", reference.name).with("meant", meant));
    };
    let mut definition = Definition::new(Arc::clone(&layers), &reference.params, version);
    filter::set_logtype(&mut definition.init, &layers, backend);
    let none = Options::default();
    definition.read(&none, keys::FILTER, false)?;
    let options = definition.combined(&[])?;
    Ok(filter::spec(reference, from, Some(&layers), options, none, complaints))
}

/// What fail2ban adds to `[DEFAULT]` of the jails.
fn add_built_in(layers: &mut Layers, path: &Path, version: Version) {
    let shown = path.display().to_string();
    let shown = if shown.len() > 1 { shown.trim_end_matches('/') } else { &shown };
    layers.defaults.set("fail2ban_version", Text::built_in(version.text()));
    layers.defaults.set("fail2ban_confpath", Text::built_in(shown));
}

fn whole(path: &Path) -> Place {
    Place::new(&Arc::from(path.display().to_string()), 0)
}

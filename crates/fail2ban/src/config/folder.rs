//! The files of a configuration: each is read once, however many jails use it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use monban_model::closest;
use monban_model::limits::{
    FAIL2BAN_FILE_BYTES_MAX, FAIL2BAN_FILES_MAX, FAIL2BAN_INCLUDE_DEPTH_MAX, FAIL2BAN_LAYERS_MAX,
    FAIL2BAN_LISTS_BYTES_MAX,
};

use super::complaint::{Complaint, Complaints};
use super::files::{Files, Unread};
use super::ini::Ini;
use super::layers::Layers;
use super::options::Options;
use super::place::Place;

/// The section that names further files.
const INCLUDES: &str = "INCLUDES";

/// A folder such as `/etc/fail2ban`.
#[derive(Debug)]
pub(crate) struct Folder {
    /// Its path.
    pub path: PathBuf,
    /// Where its files are read.
    pub source: Files,
    files: HashMap<PathBuf, Option<Arc<Ini>>>,
    layers: HashMap<String, Option<Arc<Layers>>>,
    full: bool,
}

impl Folder {
    /// A folder of the disk; nothing is read yet.
    pub fn new(path: &Path) -> Self {
        Self::within(path, Files::of_disk())
    }

    /// A folder whose files are read from there.
    pub fn within(path: &Path, source: Files) -> Self {
        let path = path.to_path_buf();
        Self { path, source, files: HashMap::new(), layers: HashMap::new(), full: false }
    }

    /// What all files of a name say together: `NAME.conf`, `NAME.d/*.conf`, `NAME.local`,
    /// `NAME.d/*.local`, each with what it includes. `None` if there is no such file.
    pub fn layers(&mut self, name: &str, complaints: &mut Complaints) -> Option<Arc<Layers>> {
        if let Some(known) = self.layers.get(name) {
            return known.clone();
        }
        let own = self.files_of(name);
        let mut order = Vec::new();
        for file in &own {
            let with_local = self.local_beside(file).filter(|local| !own.contains(local));
            for file in [file.clone()].into_iter().chain(with_local) {
                self.include(&file, &mut Vec::new(), &mut order, complaints);
            }
        }
        let mut layers = Layers::default();
        for path in &order {
            if let Some(ini) = self.read(path, complaints) {
                layers.add(&ini, own.contains(path));
            }
        }
        let found = (!layers.files.is_empty()).then(|| Arc::new(layers));
        self.layers.insert(name.to_owned(), found.clone());
        found
    }

    /// The names of the `.conf` and `.local` files of a folder below, without their endings.
    pub fn names_in(&self, below: &str) -> Vec<String> {
        let mut names = Vec::new();
        for ending in ["conf", "local"] {
            for path in self.files_with_ending(&self.path.join(below), ending) {
                names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
            }
        }
        names.sort();
        names.dedup();
        names
    }

    /// The name that was meant by one that does not exist.
    pub fn closest_in(&self, below: &str, name: &str) -> String {
        let names = self.names_in(below);
        closest(name, names.iter().map(String::as_str)).unwrap_or_default().to_owned()
    }

    fn files_of(&self, name: &str) -> Vec<PathBuf> {
        let base = self.path.join(name);
        let with = |ending: &str| PathBuf::from(format!("{}{ending}", base.display()));
        let mut files = Vec::new();
        for ending in ["conf", "local"] {
            files.push(with(&format!(".{ending}")));
            files.extend(self.files_with_ending(&with(".d"), ending));
        }
        files.retain(|file| self.source.exists(file));
        files
    }

    /// Adds a file with those it wants before and after it. `above` are the files that led here.
    fn include(
        &mut self,
        path: &Path,
        above: &mut Vec<PathBuf>,
        order: &mut Vec<PathBuf>,
        complaints: &mut Complaints,
    ) {
        if order.len() >= FAIL2BAN_LAYERS_MAX || above.len() > FAIL2BAN_INCLUDE_DEPTH_MAX {
            let kind = match order.len() >= FAIL2BAN_LAYERS_MAX {
                true => "too-many-includes",
                false => "includes-too-deep",
            };
            complaints.add(Complaint::error(kind, whole(path)));
            return;
        }
        let Some(ini) = self.read(path, complaints) else { return };
        above.push(path.to_path_buf());
        for (included, place) in included(&ini, "before", path, complaints) {
            self.include_one(&included, place, above, order, complaints);
        }
        order.push(path.to_path_buf());
        for (included, place) in included(&ini, "after", path, complaints) {
            self.include_one(&included, place, above, order, complaints);
        }
        above.pop();
    }

    fn include_one(
        &mut self,
        path: &Path,
        place: Place,
        above: &mut Vec<PathBuf>,
        order: &mut Vec<PathBuf>,
        complaints: &mut Complaints,
    ) {
        let shown = || path.display().to_string();
        if above.iter().any(|known| known == path) {
            complaints.add(Complaint::warning("include-loop", place).with("file", shown()));
            return;
        }
        // That a customary `.local` is not there is normal.
        let is_local = path.extension().is_some_and(|ending| ending == "local");
        let local = self.local_beside(path);
        if !self.source.is_file(path) && !is_local && local.is_none() {
            complaints.add(Complaint::warning("include-missing", place).with("file", shown()));
            return;
        }
        if self.source.is_file(path) {
            self.include(path, above, order, complaints);
        }
        if let Some(local) = local.filter(|local| local != path && !above.contains(local)) {
            self.include(&local, above, order, complaints);
        }
    }

    fn read(&mut self, path: &Path, complaints: &mut Complaints) -> Option<Arc<Ini>> {
        if let Some(known) = self.files.get(path) {
            return known.clone();
        }
        if self.files.len() >= FAIL2BAN_FILES_MAX {
            if !self.full {
                complaints.add(Complaint::error("too-many-files", whole(path)));
            }
            self.full = true;
            return None;
        }
        let found = match self.source.read(path) {
            Ok(text) => {
                let mut ini = Ini::parse(&path.display().to_string(), &text);
                ini.complaints.drain(..).for_each(|complaint| complaints.add(complaint));
                Some(Arc::new(ini))
            }
            Err(unread) => {
                complaints.add(refused(path, unread));
                None
            }
        };
        self.files.insert(path.to_path_buf(), found.clone());
        found
    }

    /// `x.local` beside `x.conf`, if there is one.
    fn local_beside(&self, path: &Path) -> Option<PathBuf> {
        let local = path.with_extension("local");
        (local != path && self.source.is_file(&local)).then_some(local)
    }

    /// Files of a folder, sorted by their names; as with shell patterns, hidden ones are left out.
    fn files_with_ending(&self, folder: &Path, ending: &str) -> Vec<PathBuf> {
        let mut files = self.source.in_folder(folder);
        files.retain(|path| has_ending(path, ending));
        files.sort();
        files
    }
}

/// The files that `[INCLUDES]` of a file names, in order and with their places.
fn included(
    ini: &Ini,
    which: &str,
    path: &Path,
    complaints: &mut Complaints,
) -> Vec<(PathBuf, Place)> {
    let Some(section) = ini.section(INCLUDES) else { return Vec::new() };
    let Some(raw) = section.options.get(which).or_else(|| ini.defaults.get(which)) else {
        return Vec::new();
    };
    let names = match raw.as_str().contains('%') {
        false => raw.clone(),
        true => {
            // Interpolation sees what this file alone says.
            let mut alone = Layers::default();
            alone.add(ini, true);
            match alone.get(INCLUDES, which, &Options::default()) {
                Ok(names) => names.unwrap_or_else(|| raw.clone()),
                Err(complaint) => {
                    complaints.add(complaint);
                    return Vec::new();
                }
            }
        }
    };
    let beside = path.parent().unwrap_or(Path::new(""));
    let named = names.lines().filter(|(name, _)| !name.is_empty());
    named.map(|(name, place)| (beside.join(name), place.clone())).collect()
}

fn has_ending(path: &Path, ending: &str) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    !name.starts_with('.') && name.strip_suffix(ending).is_some_and(|stem| stem.ends_with('.'))
}

fn whole(path: &Path) -> Place {
    Place::new(&Arc::from(path.display().to_string()), 0)
}

fn refused(path: &Path, unread: Unread) -> Complaint {
    let refused = |kind| Complaint::error(kind, whole(path));
    match unread {
        Unread::Io(error) => refused("unreadable").with("error", error),
        Unread::TooLarge => refused("too-large").with("limit", FAIL2BAN_FILE_BYTES_MAX.to_string()),
        Unread::NoRoom => refused("too-large").with("limit", FAIL2BAN_LISTS_BYTES_MAX.to_string()),
        Unread::NotUtf8(error) => {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
            let start = good.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let mut complaint = refused("not-utf8");
            complaint.place.line = u32::try_from(line).unwrap_or(0);
            complaint.at_column(String::from_utf8_lossy(&good[start..]).chars().count() + 1)
        }
    }
}

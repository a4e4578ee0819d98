//! From patterns to paths.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use glob::MatchOptions;
use monban_model::Rotation;
use monban_model::limits::{DIR_ENTRIES_MAX, FILES_MAX, PATH_MAX};

use super::Entry;

/// `*` means what it means to a shell.
const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// One pattern of the configuration.
#[derive(Debug)]
pub(super) enum Pattern {
    Path(String),
    Glob(String),
}

/// What the patterns lead to now.
#[derive(Default)]
pub(super) struct Found {
    /// At most one more than [`FILES_MAX`] paths, each once, and whether it is one of the first
    /// list of patterns.
    pub(super) paths: Vec<(String, bool)>,
    pub(super) directories: BTreeSet<String>,
    pub(super) unreadable: Vec<(String, io::Error)>,
    /// There were more.
    pub(super) more: bool,
}

impl Pattern {
    pub(super) fn new(text: &str) -> Result<Self, &'static str> {
        if !text.starts_with('/') {
            return Err("it does not begin with /");
        }
        if text.len() > PATH_MAX {
            return Err("it is too long");
        }
        if text.contains('\0') {
            return Err("it has a NUL byte");
        }
        if text.contains("**") {
            return Err("`**` would search whole trees every second");
        }
        if !text.contains(['*', '?', '[']) {
            return Ok(Self::Path(text.to_owned()));
        }
        match glob::Pattern::new(text) {
            Ok(_) => Ok(Self::Glob(text.to_owned())),
            Err(error) => Err(error.msg),
        }
    }

    /// As it was given.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Path(text) | Self::Glob(text) => text,
        }
    }

    /// Whether a path is one that it leads to.
    pub(super) fn matches(&self, path: &str) -> bool {
        match self {
            Self::Path(text) => text == path,
            Self::Glob(text) => {
                glob::Pattern::new(text).is_ok_and(|glob| glob.matches_with(path, OPTIONS))
            }
        }
    }
}

/// Expands both lists of patterns; what the second leads to takes no room from the first. Under a
/// glob, packed files are left out, and rotated turns of a log that is followed itself: these are
/// read by the path of that log.
pub(super) fn expand(lists: [&[Pattern]; 2], known: &BTreeMap<String, Entry>) -> Found {
    let (mut found, mut seen) = (Found::default(), BTreeSet::new());
    for (patterns, is_first) in lists.into_iter().zip([true, false]) {
        expand_list(patterns, is_first, known, &mut found, &mut seen);
    }
    found
}

fn expand_list(
    patterns: &[Pattern],
    is_first: bool,
    known: &BTreeMap<String, Entry>,
    found: &mut Found,
    seen: &mut BTreeSet<String>,
) {
    let mut literal = Vec::new();
    let mut matched = BTreeSet::new();
    for pattern in patterns {
        match pattern {
            Pattern::Path(path) => {
                found.directories.extend(parent(path));
                literal.push(path.clone());
            }
            Pattern::Glob(text) => matches(text, &mut matched, found),
        }
    }
    let is_rotated = |path: &str| {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let rotation = Rotation::of(name);
        let stem = format!("{directory}/{}", rotation.stem);
        rotation.packed || (stem != path && (matched.contains(&stem) || known.contains_key(&stem)))
    };
    let globbed = matched.iter().filter(|path| !is_rotated(path)).cloned();
    for path in literal.into_iter().chain(globbed) {
        if found.paths.len() > FILES_MAX {
            found.more = true;
            break;
        }
        if seen.insert(path.clone()) {
            found.directories.extend(parent(&path));
            found.paths.push((path, is_first));
        }
    }
}

fn matches(text: &str, matched: &mut BTreeSet<String>, found: &mut Found) {
    let Ok(paths) = glob::glob_with(text, OPTIONS) else { return };
    found.directories.extend(first_directory(text));
    for path in paths.take(DIR_ENTRIES_MAX) {
        match path {
            // A name that is not UTF-8 cannot be the durable name of a source.
            Ok(path) => matched.extend(path.to_str().map(str::to_owned)),
            Err(error) => {
                let directory = error.path().to_string_lossy().into_owned();
                found.unreadable.push((directory, error.into()));
            }
        }
    }
}

/// The directory of a glob above its first wildcard: there new matches begin.
fn first_directory(text: &str) -> Option<String> {
    let plain = text.find(['*', '?', '[']).map_or(text, |at| &text[..at]);
    plain.rsplit_once('/').map(|(directory, _)| {
        if directory.is_empty() { "/".to_owned() } else { directory.to_owned() }
    })
}

fn parent(path: &str) -> Option<String> {
    Some(Path::new(path).parent()?.to_str()?.to_owned())
}

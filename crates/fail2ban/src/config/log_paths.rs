//! `logpath`: which files there are.

use std::path::{Path, PathBuf};

use glob::MatchOptions;
use monban_model::limits::FAIL2BAN_GLOB_MAX;

use super::complaint::{Complaint, Complaints};
use super::options::Options;
use super::place::Place;
use super::resolved::{FilterSpec, LogPath};

/// The log files of a jail. What is missing is complained about if `loud`.
pub(crate) fn log_paths(
    jail: &str,
    place: &Place,
    options: &Options,
    filter: &FilterSpec,
    loud: bool,
    complaints: &mut Complaints,
) -> Vec<LogPath> {
    let mut paths = Vec::new();
    let Some(text) = options.get("logpath") else {
        if loud && filter.journalmatch.is_empty() {
            complaints.add(Complaint::error("no-logpath", place.clone()).with("jail", jail));
        }
        return paths;
    };
    for (line, from) in text.lines().filter(|(line, _)| !line.is_empty()) {
        // As fail2ban does: what stands behind the last space is `head` or `tail`.
        let (pattern, from_where) = line.rsplit_once(' ').unwrap_or((line, "head"));
        if loud && !matches!(from_where, "head" | "tail") {
            let complaint = Complaint::error("space-in-path", from.clone());
            complaints.add(complaint.with("path", line));
        }
        let files = expand(pattern, from, loud, complaints);
        if files.is_empty() && loud {
            let complaint = if pattern.starts_with(['"', '\'']) {
                Complaint::error("quoted-log", from.clone())
            } else {
                Complaint::warning("no-log", from.clone())
            };
            complaints.add(complaint.with("jail", jail).with("path", pattern));
        } else if loud && !pattern.starts_with('/') {
            let complaint = Complaint::error("relative-log", from.clone());
            complaints.add(complaint.with("jail", jail).with("path", pattern));
        }
        let tail = from_where == "tail";
        paths.push(LogPath { pattern: pattern.to_owned(), tail, files, from: from.clone() });
    }
    paths
}

fn expand(pattern: &str, from: &Place, loud: bool, complaints: &mut Complaints) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut add = |path: PathBuf, complaints: &mut Complaints| {
        if path.exists() {
            files.push(path);
        } else if loud && path.is_symlink() {
            let complaint = Complaint::warning("dangling-link", from.clone());
            complaints.add(complaint.with("path", path.display().to_string()));
        }
    };
    if !pattern.contains(['*', '?', '[']) {
        add(Path::new(pattern).to_path_buf(), complaints);
        return files;
    }
    let options = MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    // fail2ban does not go down into folders: `**` is `*`.
    let mut flat = pattern.to_owned();
    while flat.contains("**") {
        flat = flat.replace("**", "*");
    }
    let found = glob::glob_with(&flat, options).into_iter().flatten();
    for path in found.flatten().take(FAIL2BAN_GLOB_MAX) {
        add(path, complaints);
    }
    files
}

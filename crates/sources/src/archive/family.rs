//! Which files are meant, which of them belong together, and which is older.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::fault::{Fault, Skipped};
use monban_model::Stamp;
use monban_model::limits::{ARCHIVE_DEPTH_MAX, ARCHIVE_FILES_MAX};

/// One file of a family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// Its path; `-` is standard input.
    pub path: PathBuf,
    /// When it was last written: the dates in it lie before that.
    pub modified: Option<Stamp>,
    /// Its size on disk.
    pub size: u64,
}

/// A log with its rotated files, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// The name of the log without what rotation added.
    pub name: PathBuf,
    /// Its files.
    pub files: Vec<LogFile>,
}

/// Finds the files of these arguments: files, folders with all below them, patterns, `-`.
pub fn expand(arguments: &[PathBuf]) -> (Vec<Family>, Vec<Skipped>) {
    let mut found = Found::default();
    for argument in arguments {
        found.argument(argument);
    }
    let mut families: BTreeMap<PathBuf, Vec<(Age, LogFile)>> = BTreeMap::new();
    for (path, file) in found.files {
        let (name, age) = family_of(&path);
        families.entry(name).or_default().push((age, file));
    }
    let families = families
        .into_iter()
        .map(|(name, mut files)| {
            files.sort_by(|(a, x), (b, y)| a.cmp(b).then(x.modified.cmp(&y.modified)));
            Family { name, files: files.into_iter().map(|(_, file)| file).collect() }
        })
        .collect();
    (families, found.skipped)
}

#[derive(Default)]
struct Found {
    files: BTreeMap<PathBuf, LogFile>,
    skipped: Vec<Skipped>,
}

impl Found {
    fn argument(&mut self, argument: &Path) {
        if argument == Path::new("-") {
            let file = LogFile { path: argument.to_owned(), modified: None, size: 0 };
            self.files.insert(argument.to_owned(), file);
            return;
        }
        if argument.exists() {
            return self.path(argument, 0, true);
        }
        let matches: Vec<PathBuf> = match argument.to_str().map(glob::glob) {
            Some(Ok(paths)) => paths.flatten().take(ARCHIVE_FILES_MAX).collect(),
            _ => Vec::new(),
        };
        if matches.is_empty() {
            self.skip(argument, Fault::Missing);
        }
        for path in matches {
            self.path(&path, 0, true);
        }
    }

    /// Links are followed where they were named, not where they were found: a folder may hold a
    /// link to itself.
    fn path(&mut self, path: &Path, depth: usize, named: bool) {
        let facts = if named { fs::metadata(path) } else { fs::symlink_metadata(path) };
        let facts = match facts {
            Ok(facts) => facts,
            Err(error) => return self.skip(path, Fault::Closed(error.to_string())),
        };
        if facts.is_dir() {
            if depth >= ARCHIVE_DEPTH_MAX {
                return self.skip(path, Fault::TooDeep);
            }
            let mut below: Vec<PathBuf> = match fs::read_dir(path) {
                Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
                Err(error) => return self.skip(path, Fault::Closed(error.to_string())),
            };
            below.sort();
            for each in below {
                self.path(&each, depth + 1, false);
            }
        } else if facts.is_file() {
            if self.files.len() >= ARCHIVE_FILES_MAX {
                return self.skip(path, Fault::TooMany);
            }
            let since = facts.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
            let modified = since.map(|since| Stamp(since.as_millis() as i64));
            let file = LogFile { path: path.to_owned(), modified, size: facts.len() };
            self.files.insert(path.to_owned(), file);
        } else if named {
            self.skip(path, Fault::NotRegular);
        }
    }

    fn skip(&mut self, path: &Path, why: Fault) {
        self.skipped.push(Skipped { path: path.to_owned(), why });
    }
}

/// The place of a file in its family: smaller is older.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Age {
    /// `maillog-20260101`: by the digits of the date.
    Dated(String),
    /// `maillog.2`: the larger number is the older.
    Numbered(std::cmp::Reverse<u32>),
    /// `maillog`.
    Current,
}

/// `maillog-20260101.gz` and `maillog.2` are of the family `maillog`.
fn family_of(path: &Path) -> (PathBuf, Age) {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let packed = [".gz", ".xz", ".zst", ".bz2"];
    let bare = packed.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
    let (stem, age) = match bare.rfind(['.', '-']).map(|at| (&bare[..at], &bare[at + 1..])) {
        Some((stem, digits)) if !stem.is_empty() && is_date(digits) => {
            (stem, Age::Dated(digits.to_owned()))
        }
        Some((stem, digits)) if !stem.is_empty() && digits.len() <= 4 => {
            match digits.parse::<u32>() {
                Ok(number) => (stem, Age::Numbered(std::cmp::Reverse(number))),
                Err(_) => (bare, Age::Current),
            }
        }
        _ => (bare, Age::Current),
    };
    (path.with_file_name(stem), age)
}

/// `20260101`, perhaps with a time or a number behind: all digits, and eight at least.
fn is_date(digits: &str) -> bool {
    (8..=14).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_and_its_rotated_files_are_a_family_oldest_first() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "maillog",
            "maillog.1",
            "maillog.2.gz",
            "maillog.10.gz",
            "secure-20260101.xz",
            "secure-20260108",
            "secure",
        ] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        fs::create_dir(folder.path().join("nginx")).unwrap();
        fs::write(folder.path().join("nginx/access.log"), "x").unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("nginx/loop")).unwrap();
        let (families, skipped) = expand(&[folder.path().to_owned(), "/nonexistent/x".into()]);
        let names: Vec<Vec<String>> = families
            .iter()
            .map(|f| {
                f.files
                    .iter()
                    .map(|l| l.path.file_name().unwrap().to_string_lossy().into_owned())
                    .collect()
            })
            .collect();
        assert_eq!(
            names,
            [
                vec!["maillog.10.gz", "maillog.2.gz", "maillog.1", "maillog"],
                vec!["access.log"],
                vec!["secure-20260101.xz", "secure-20260108", "secure"],
            ]
        );
        assert_eq!(skipped.len(), 1);
    }

    #[test]
    fn a_pattern_and_a_file_named_twice_are_read_once() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.log"), "x").unwrap();
        let pattern = folder.path().join("*.log");
        let (families, skipped) = expand(&[pattern, folder.path().join("a.log"), "-".into()]);
        assert_eq!((families.len(), skipped.len()), (2, 0));
    }
}

//! The text files of the repository.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Folders that hold nothing that was written by hand.
const SKIPPED: &[&str] = &["target", ".git"];

/// What is longer is data and not text; no rule here is about data.
const TEXT_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// One text file.
#[derive(Clone, Debug)]
pub struct TextFile {
    /// Its path from the root of the repository, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
}

impl TextFile {
    /// A file that exists only in a test.
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// Whether it is Rust.
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether all of it is test code: it lies below a `tests` or `benches` folder, or is the
    /// test module of a file.
    pub fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or("");
        name == "tests.rs"
            || name.ends_with("_tests.rs")
            || self.path.split('/').any(|part| part == "tests" || part == "benches")
    }
}

/// The root of the repository.
pub fn root() -> PathBuf {
    // The manifest of this package lies two folders below it.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// Every text file below `root`, in the order of the paths.
pub fn read(root: &Path) -> io::Result<Vec<TextFile>> {
    let mut files = Vec::new();
    walk(root, root, &mut files)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<TextFile>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let name = entry.file_name();
        if kind.is_dir() {
            if !SKIPPED.iter().any(|skipped| name == *skipped) {
                walk(root, &entry.path(), files)?;
            }
            continue;
        }
        if !kind.is_file() || entry.metadata()?.len() > TEXT_BYTES_MAX {
            continue;
        }
        let Ok(text) = String::from_utf8(fs::read(entry.path())?) else {
            continue;
        };
        let path = entry.path();
        let path = path.strip_prefix(root).unwrap_or(&path);
        files.push(TextFile { path: path.to_string_lossy().into_owned(), text });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_file_is_found_and_is_test_code() {
        let files = read(&root()).unwrap();
        let this = files.iter().find(|file| file.path.ends_with("tidy/src/tree.rs"));
        assert!(this.unwrap().is_test());
    }

    #[test]
    fn a_source_file_is_not_test_code() {
        assert!(!TextFile::new("crates/rules/src/sample.rs", "").is_test());
        assert!(TextFile::new("crates/rules/src/sample/tests.rs", "").is_test());
        assert!(TextFile::new("crates/rules/tests/hostile.rs", "").is_test());
    }
}

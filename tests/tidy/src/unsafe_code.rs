//! `unsafe` lives in few, known files.

use crate::rust_text::{RustText, words};
use crate::tree::TextFile;

/// Files with `unsafe` that are not called `sys.rs`, do not lie in a folder `sys`, or are not
/// listed; and listed files without it.
pub fn misplaced(files: &[TextFile], listed: &str) -> Vec<String> {
    let mut left: Vec<&str> =
        listed.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let code = RustText::new(&file.text).code();
        if !words(&code).any(|(_, word)| word == "unsafe") {
            continue;
        }
        let mut parts = file.path.split('/');
        if !parts.any(|part| part == "sys.rs" || part == "sys") {
            complaints.push(format!("{}: `unsafe` belongs into a module `sys`", file.path));
        }
        match left.iter().position(|path| *path == file.path) {
            Some(index) => {
                left.remove(index);
            }
            None => complaints.push(format!("{} is not in unsafe.txt", file.path)),
        }
    }
    for path in left {
        complaints.push(format!("unsafe.txt: {path} has no `unsafe`; remove the line"));
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misplaced_unlisted_and_unneeded_are_told_apart() {
        let block = "fn a() { unsafe { b() } }";
        let good = TextFile::new("crates/a/src/sys.rs", block);
        let bad = TextFile::new("crates/a/src/b.rs", block);
        let none = TextFile::new("crates/a/src/c.rs", "#![forbid(unsafe_code)] // unsafe");
        let list = "# why\ncrates/a/src/sys.rs\n";
        assert!(misplaced(&[good.clone(), none], list).is_empty());
        assert_eq!(misplaced(std::slice::from_ref(&good), "").len(), 1);
        assert_eq!(misplaced(&[good, bad], list).len(), 2);
        assert_eq!(misplaced(&[], list).len(), 1);
    }
}

//! Words that have no place in finished source.

use crate::rust_text::{RustText, words};
use crate::tree::TextFile;

/// Marks of unfinished work, in any text file. They are put together here so that this file
/// does not hold them itself.
const MARKS: &[&str] = &[concat!("FIX", "ME"), concat!("TO", "DO"), concat!("X", "XX")];

/// Code that has no place outside of tests, and what to write instead.
const CODE: &[(&str, &str)] = &[
    (".unwrap(", "return an error, or give a value with unwrap_or"),
    (".expect(\"", "return an error"),
    ("panic!(", "return an error: input that an attacker reaches must not end a role"),
    ("dbg!(", "remove it"),
    (concat!("to", "do!("), "write it, or leave it out"),
    (concat!("unimpl", "emented!("), "write it, or leave it out"),
];

/// Code that has no place anywhere.
const NOWHERE: &[(&str, &str)] =
    &[(concat!("#[", "ignore"), "a test runs, or it says `left out:` and why")];

/// Names that say nothing of what a module holds.
const MODULES: &[&str] = &["util", "utils", "common", "helper", "helpers", "misc"];

/// Marks of unfinished work.
pub fn marks(files: &[TextFile]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.path != "Cargo.lock") {
        for (number, line) in (1..).zip(file.text.lines()) {
            for (_, word) in words(line) {
                if MARKS.contains(&word) {
                    complaints.push(format!("{}:{number}: {word}", file.path));
                }
            }
        }
    }
    complaints
}

/// Code that ends the process, or is left from looking for a mistake.
pub fn code(files: &[TextFile]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let text = RustText::new(&file.text);
        let in_test = text.test_lines();
        // A build script can say that something is wrong in no other way.
        let is_build = file.path.ends_with("/build.rs");
        for (index, line) in text.code().split('\n').enumerate() {
            let is_test = is_build || file.is_test() || in_test.get(index) == Some(&true);
            let banned = CODE.iter().filter(|_| !is_test).chain(NOWHERE);
            for (banned, instead) in banned.filter(|(banned, _)| line.contains(banned)) {
                let number = index + 1;
                complaints.push(format!("{}:{number}: `{banned}`: {instead}", file.path));
            }
        }
    }
    complaints
}

/// Modules without a subject.
pub fn modules(files: &[TextFile]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let parts = file.path.trim_end_matches(".rs").split('/');
        for part in parts.filter(|part| MODULES.contains(part)) {
            complaints.push(format!("{}: a module `{part}` has no subject", file.path));
        }
        let code = RustText::new(&file.text).code();
        let mut before = "";
        for (_, word) in words(&code) {
            if before == "mod" && MODULES.contains(&word) {
                complaints.push(format!("{}: a module `{word}` has no subject", file.path));
            }
            before = word;
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Vec<TextFile> {
        vec![TextFile::new("crates/a/src/a.rs", text)]
    }

    #[test]
    fn marks_are_found_as_whole_words() {
        for mark in MARKS {
            assert_eq!(marks(&source(&format!("// {mark}: later"))).len(), 1);
            assert_eq!(marks(&source(&format!("// {mark}{mark}"))).len(), 0);
        }
    }

    #[test]
    fn banned_code_is_found_outside_of_tests_only() {
        let bad = "fn a() { b().unwrap(); }\n";
        assert_eq!(code(&source(bad)).len(), 1);
        assert_eq!(code(&source(&format!("#[cfg(test)]\nmod tests {{ {bad} }}"))).len(), 0);
        assert_eq!(code(&source("fn a() { b().expect(\"c\") }")).len(), 1);
        assert_eq!(code(&source("fn a() { parser.expect(b'{') } // .unwrap()")).len(), 0);
        assert_eq!(code(&source("fn a() { panic!(\"b\") }")).len(), 1);
        assert_eq!(
            code(&source(&format!("#[cfg(test)]\nmod t {{\n{}]\nfn a() {{}}\n}}", NOWHERE[0].0)))
                .len(),
            1
        );
    }

    #[test]
    fn modules_without_a_subject_are_found() {
        assert_eq!(modules(&source("mod util;\nmod utility;")).len(), 1);
        assert_eq!(modules(&[TextFile::new("crates/a/src/misc.rs", "")]).len(), 1);
        assert_eq!(modules(&[TextFile::new("crates/a/src/common/b.rs", "")]).len(), 1);
    }
}

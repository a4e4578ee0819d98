//! Files and functions stay small, and their exceptions can only become fewer.

use std::collections::BTreeMap;

use crate::rust_text::RustText;
use crate::tree::TextFile;

/// Longest file, in lines.
pub const FILE_LINES_MAX: usize = 500;
/// Longest function, in lines.
pub const FUNCTION_LINES_MAX: usize = 70;
/// Largest median of all source files that are not tests, in lines.
pub const MEDIAN_LINES_MAX: usize = 180;
/// Widest line, in characters; the insides of strings are not counted.
pub const COLUMNS_MAX: usize = 100;
/// Entries of `exceptions.txt`. It may only be made smaller.
pub const EXCEPTIONS_MAX: usize = 0;

/// Files and functions that are too long. `exceptions` has lines such as
/// `crates/x/src/y.rs 512` and `crates/x/src/y.rs::name 80`: an entry must say exactly what
/// is there, so that what became shorter cannot grow again.
pub fn too_long(files: &[TextFile], exceptions: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut allowed = read_exceptions(exceptions, &mut complaints);
    for file in files.iter().filter(|file| file.is_rust()) {
        let lines = file.text.lines().count();
        judge(&file.path, lines, FILE_LINES_MAX, &mut allowed, &mut complaints);
        for function in RustText::new(&file.text).functions() {
            let name = format!("{}::{}", file.path, function.name);
            judge(&name, function.lines, FUNCTION_LINES_MAX, &mut allowed, &mut complaints);
        }
    }
    for name in allowed.keys() {
        complaints.push(format!("exceptions.txt: {name} is not there; remove the line"));
    }
    complaints
}

fn read_exceptions(text: &str, complaints: &mut Vec<String>) -> BTreeMap<String, usize> {
    let mut allowed = BTreeMap::new();
    let entries = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    for entry in entries {
        match entry.split_once(' ').map(|(name, lines)| (name, lines.parse())) {
            Some((name, Ok(lines))) => {
                allowed.insert(name.to_owned(), lines);
            }
            _ => complaints.push(format!("exceptions.txt: `{entry}` is not `NAME LINES`")),
        }
    }
    if allowed.len() > EXCEPTIONS_MAX {
        complaints.push(format!(
            "exceptions.txt has {} entries, {EXCEPTIONS_MAX} are allowed: split, do not list",
            allowed.len()
        ));
    }
    allowed
}

fn judge(
    name: &str,
    lines: usize,
    limit: usize,
    allowed: &mut BTreeMap<String, usize>,
    complaints: &mut Vec<String>,
) {
    match allowed.remove(name) {
        Some(listed) if listed == lines && lines > limit => {}
        Some(listed) => complaints.push(format!(
            "{name} has {lines} lines and exceptions.txt says {listed}: it may only shrink, and \
             under {limit} its line goes"
        )),
        None if lines > limit => {
            complaints.push(format!("{name} has {lines} lines, the limit is {limit}"));
        }
        None => {}
    }
}

/// Whether the median source file is too long.
pub fn median_too_long(files: &[TextFile]) -> Vec<String> {
    let sources = files.iter().filter(|file| file.is_rust() && !file.is_test());
    let mut lengths: Vec<usize> = sources.map(|file| file.text.lines().count()).collect();
    lengths.sort_unstable();
    let median = lengths.get(lengths.len() / 2).copied().unwrap_or(0);
    if median <= MEDIAN_LINES_MAX {
        return Vec::new();
    }
    vec![format!("the median source file has {median} lines, the limit is {MEDIAN_LINES_MAX}")]
}

/// Lines of Rust that are too wide.
pub fn too_wide(files: &[TextFile]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        for (number, width) in (1..).zip(RustText::new(&file.text).widths()) {
            if width > COLUMNS_MAX {
                complaints.push(format!("{}:{number}: {width} columns", file.path));
            }
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(lines: usize) -> TextFile {
        let body = "    x();\n".repeat(lines - 2);
        TextFile::new("crates/a/src/a.rs", &format!("fn a() {{\n{body}}}\n"))
    }

    #[test]
    fn a_long_file_and_a_long_function_are_found() {
        assert_eq!(too_long(&[long(70)], "").len(), 0);
        assert_eq!(too_long(&[long(71)], "").len(), 1);
        assert_eq!(too_long(&[long(501)], "").len(), 2);
    }

    #[test]
    fn an_exception_has_to_be_exact_and_needed() {
        let listed = "crates/a/src/a.rs::a 90\n";
        // One complaint is always about the number of entries.
        assert_eq!(too_long(&[long(90)], listed).len(), 1);
        assert_eq!(too_long(&[long(89)], listed).len(), 2);
        assert_eq!(too_long(&[long(91)], listed).len(), 2);
        assert_eq!(too_long(&[long(60)], listed).len(), 2);
        assert_eq!(too_long(&[], listed).len(), 2);
        assert_eq!(too_long(&[], "nonsense\n").len(), 1);
    }

    #[test]
    fn the_median_is_of_sources_and_not_of_tests() {
        let mut test = long(400);
        test.path = "crates/a/tests/a.rs".to_owned();
        assert!(median_too_long(&[test.clone(), test, long(180)]).is_empty());
        assert_eq!(median_too_long(&[long(181)]).len(), 1);
    }

    #[test]
    fn a_wide_line_is_found_but_not_a_long_string() {
        let comment = format!("// {}\n", "a".repeat(98));
        assert_eq!(too_wide(&[TextFile::new("a.rs", &comment)]).len(), 1);
        let string = format!("f(\"{}\")\n", "a".repeat(200));
        assert!(too_wide(&[TextFile::new("a.rs", &string)]).is_empty());
    }
}

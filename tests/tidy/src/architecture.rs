//! What ARCHITECTURE.md names exists, and what it claims has a test.

use crate::rust_text::words;
use crate::tree::TextFile;

/// Folders whose paths are checked wherever the text names them.
const FOLDERS: &[&str] = &["crates/", "rules/", "docs/", "tests/", "xtask/", "packaging/"];

/// Paths that the text names and that are not there.
pub fn missing_paths(text: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let mut complaints = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let ends = |c: char| c.is_whitespace() || "`()|,;\"'<>".contains(c);
        for token in line.split(ends) {
            if !FOLDERS.iter().any(|folder| token.starts_with(folder)) {
                continue;
            }
            let path = token.trim_end_matches(['.', ':', '/']);
            // Of a path with a wildcard or a placeholder, the folder before it has to exist.
            let path = match path.find(['*', '{', '[']) {
                Some(at) => path[..at].rsplit_once('/').map_or("", |(folder, _)| folder),
                None => path,
            };
            // `file.rs:12` and `file.rs#anchor` name a place in a file.
            let path = path.split([':', '#']).next().unwrap_or(path);
            if !exists(path) {
                complaints.push(format!("line {number}: {path} does not exist"));
            }
        }
    }
    complaints
}

/// Names in backticks with a capital at the front that no source file has.
pub fn missing_names(text: &str, files: &[TextFile]) -> Vec<String> {
    let sources: Vec<&TextFile> = files.iter().filter(|file| file.is_rust()).collect();
    let known = |name: &str| {
        let has = |file: &&TextFile| words(&file.text).any(|(_, word)| word == name);
        sources.iter().any(has)
    };
    let mut complaints = Vec::new();
    let mut in_block = false;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
            continue;
        }
        let quoted = line.split('`').skip(1).step_by(2).filter(|_| !in_block);
        for code in quoted.filter(|code| code.starts_with(|c: char| c.is_ascii_uppercase())) {
            // `README.md` is a file, `Engine::step(now, ..)` names two things before the bracket.
            if code.contains(['.', '/', '-', '=']) && !code.contains('(') {
                continue;
            }
            let names = code.split(['(', '<', ' ', '{']).next().unwrap_or(code);
            for name in names.split("::").filter(|name| !name.is_empty() && !known(name)) {
                complaints.push(format!("line {number}: no source file has `{name}`"));
            }
        }
    }
    complaints
}

/// Invariants that the text claims and that no test is named after. A claim is a line that
/// begins with `I-` and a number, after the marks of a list or a table.
pub fn unpinned_invariants(text: &str, files: &[TextFile]) -> Vec<String> {
    let claims: Vec<&str> = text.lines().filter_map(claimed).collect();
    if claims.is_empty() {
        return vec!["no invariant is claimed: write them as `I-1 ...` lines".to_owned()];
    }
    let tests: Vec<String> = files
        .iter()
        .filter(|file| file.is_rust())
        .flat_map(|file| words(&file.text))
        .filter(|(_, word)| word.starts_with("invariant_i"))
        .map(|(_, word)| format!("{word}_"))
        .collect();
    let pinned = |number: &&str| {
        let name = format!("invariant_i{number}_");
        tests.iter().any(|test| test.starts_with(&name))
    };
    let unpinned = claims.iter().filter(|number| !pinned(number));
    unpinned
        .map(|number| format!("I-{number} is claimed; no test is named invariant_i{number}..."))
        .collect()
}

fn claimed(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches([' ', '-', '*', '|', '`']).strip_prefix("I-")?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    (end > 0).then(|| &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_not_there_is_found() {
        let text = "See `crates/a/src/b.rs:12`, crates/gone/, rules/*.toml and gone/*.\n";
        let missing = missing_paths(text, |path| path == "crates/a/src/b.rs" || path == "rules");
        assert_eq!(missing, ["line 1: crates/gone does not exist"]);
    }

    #[test]
    fn a_type_that_is_not_there_is_found() {
        let files = [TextFile::new("a.rs", "pub struct Engine; fn step() {}")];
        let text = "`Engine::step(now)` `Gone` `README.md` `lower` `Engine<'a>`\n```\n`Out`\n```";
        assert_eq!(missing_names(text, &files), ["line 1: no source file has `Gone`"]);
    }

    #[test]
    fn a_claim_without_a_test_is_found() {
        let files = [TextFile::new("a.rs", "fn invariant_i1_replay() {} fn invariant_i10() {}")];
        let text = "| I-1 | x |\n- **I-10** y\nas I-7 says\n* I-2 z\n";
        let unpinned = unpinned_invariants(text, &files);
        assert_eq!(unpinned, ["I-2 is claimed; no test is named invariant_i2..."]);
        assert_eq!(unpinned_invariants("none", &files).len(), 1);
    }
}

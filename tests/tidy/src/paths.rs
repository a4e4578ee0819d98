//! Nothing in the repository depends on the machine that it was written on.

use crate::tree::TextFile;

/// Beginnings of paths that exist on one machine only, with the reason. They are put together
/// here so that this file does not hold them itself.
const MACHINE: &[(&str, &str)] = &[
    (concat!("/wo", "rk/"), "a folder of one machine"),
    (concat!("/ro", "ot/"), "a folder of one machine"),
    (concat!("/ho", "me/"), "a folder of one machine"),
    (concat!("crates", ".io"), "the host of a registry"),
    (concat!("deb.debian", ".org"), "the host of a registry"),
    (concat!("pypi", ".org"), "the host of a registry"),
];

/// The folder beside the repository that some checks read, as a default only.
const SHARED: &str = concat!("..", "/shared");

/// Paths of a machine. `examples` has lines `FILE<TAB>TEXT`: in that file that text is an
/// example for the reader, such as a path in the manual or in a log line.
pub fn of_a_machine(files: &[TextFile], examples: &str) -> Vec<String> {
    let entries = examples.lines().filter(|line| !line.starts_with('#'));
    let examples: Vec<(&str, &str)> = entries.filter_map(|line| line.split_once('\t')).collect();
    let mut used = vec![false; examples.len()];
    let mut complaints = Vec::new();
    // The lock file names the registry of every package, and the list names its examples.
    let own = |path: &str| path == "Cargo.lock" || path == "tests/tidy/examples.txt";
    for file in files.iter().filter(|file| !own(&file.path)) {
        let checked = mask(file, &examples, &mut used);
        for (number, line) in (1..).zip(checked.lines()) {
            for (text, why) in MACHINE.iter().filter(|(text, _)| line.contains(text)) {
                complaints.push(format!("{}:{number}: `{text}`: {why}", file.path));
            }
            let may_read = ["xtask/", "tests/"];
            let may_read = may_read.iter().any(|folder| file.path.starts_with(folder))
                || file.path.contains("/tests/");
            if line.contains(SHARED) && !may_read {
                complaints.push(format!("{}:{number}: `{SHARED}`", file.path));
            }
        }
    }
    for ((path, text), _) in examples.iter().zip(&used).filter(|(_, used)| !**used) {
        complaints.push(format!("examples.txt: {path} has no `{text}`; remove the line"));
    }
    complaints
}

fn mask(file: &TextFile, examples: &[(&str, &str)], used: &mut [bool]) -> String {
    let mut text = file.text.clone();
    for ((path, example), used) in examples.iter().zip(used) {
        if *path == file.path && text.contains(example) {
            *used = true;
            text = text.replace(example, "");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_a_machine_are_found_unless_they_are_examples() {
        let path = format!("see {}a/b", MACHINE[2].0);
        let file = TextFile::new("docs/guide/a.md", &path);
        assert_eq!(of_a_machine(std::slice::from_ref(&file), "").len(), 1);
        let example = format!("docs/guide/a.md\t{}a/b", MACHINE[2].0);
        assert!(of_a_machine(&[file], &example).is_empty());
        assert_eq!(of_a_machine(&[], &example).len(), 1);
    }

    #[test]
    fn the_shared_folder_is_read_by_checks_only() {
        assert_eq!(of_a_machine(&[TextFile::new("crates/a.rs", SHARED)], "").len(), 1);
        assert!(of_a_machine(&[TextFile::new("tests/a.rs", SHARED)], "").is_empty());
    }
}

//! The house rules, over the whole tree.
#![forbid(unsafe_code)]

use std::fs;
use std::process::Command;

use monban_tidy::tree::{self, TextFile};
use monban_tidy::{architecture, layers, licences, paths, service_files, size, unsafe_code, words};

fn files() -> Vec<TextFile> {
    tree::read(&tree::root()).expect("the tree of the repository can be read")
}

fn text(path: &str) -> String {
    let full = tree::root().join(path);
    fs::read_to_string(&full).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn the_source_is_formatted() {
    let mut command = Command::new("cargo");
    command.args(["fmt", "--all", "--", "--check", "-l"]).current_dir(tree::root());
    if !Command::new("rustfmt").arg("--version").output().is_ok_and(|out| out.status.success()) {
        println!("left out: rustfmt is not installed");
        return;
    }
    let output = command.output().expect("cargo runs");
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "run `cargo fmt`:\n{shown}");
}

#[test]
fn files_and_functions_are_short() {
    none(size::too_long(&files(), &text("tests/tidy/exceptions.txt")));
}

#[test]
fn the_median_file_is_short() {
    none(size::median_too_long(&files()));
}

#[test]
fn lines_are_at_most_100_columns_wide() {
    none(size::too_wide(&files()));
}

#[test]
fn nothing_is_marked_as_unfinished() {
    none(words::marks(&files()));
}

#[test]
fn nothing_panics_outside_of_tests() {
    none(words::code(&files()));
}

#[test]
fn every_module_has_a_subject() {
    none(words::modules(&files()));
}

#[test]
fn unsafe_lives_in_sys_modules_that_are_listed() {
    none(unsafe_code::misplaced(&files(), &text("tests/tidy/unsafe.txt")));
}

#[test]
fn crates_use_only_what_the_table_allows() {
    none(layers::against_the_table(&files()));
}

#[test]
fn the_pure_crates_reach_for_nothing() {
    none(layers::impure(&files()));
}

#[test]
fn the_architecture_names_what_exists() {
    let text = text("ARCHITECTURE.md");
    let root = tree::root();
    let mut complaints = architecture::missing_paths(&text, |path| root.join(path).exists());
    complaints.extend(architecture::missing_names(&text, &files()));
    none(complaints);
}

#[test]
fn every_claimed_invariant_has_its_test() {
    none(architecture::unpinned_invariants(&text("ARCHITECTURE.md"), &files()));
}

#[test]
fn the_architecture_is_short() {
    let lines = text("ARCHITECTURE.md").lines().count();
    assert!(lines <= 300, "ARCHITECTURE.md has {lines} lines, 300 are the limit");
}

#[test]
fn the_changelog_exists() {
    assert!(text("CHANGELOG.md").lines().any(|line| line.starts_with("## ")));
}

#[test]
fn every_shipped_rule_has_its_evidence() {
    none(service_files::without_evidence(&files()));
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    none(paths::of_a_machine(&files(), &text("tests/tidy/examples.txt")));
}

#[test]
fn every_dependency_is_permissive() {
    // Of this system only: what is compiled for others is not linked and need not be here.
    let output = Command::new("cargo")
        .args(["tree", "--offline", "--workspace", "--edges", "normal,build,dev"])
        .args(["--prefix", "none", "--format", "{p}|{l}"])
        .current_dir(tree::root())
        .output()
        .expect("cargo runs");
    let shown = String::from_utf8_lossy(&output.stderr);
    if shown.contains("--offline was specified") {
        println!("left out: licences: not every dependency has been downloaded");
        return;
    }
    assert!(output.status.success(), "cargo tree: {shown}");
    none(licences::not_permissive(&String::from_utf8_lossy(&output.stdout)));
}

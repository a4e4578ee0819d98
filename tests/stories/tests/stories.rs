//! Plays every story. `MONBAN_BLESS=1 cargo test -p monban-stories` writes what came out into the
//! stories; read the difference before you commit it.
#![forbid(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};

use monban_stories::{DIVIDER, tell};

fn stories() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("stories");
    let entries = fs::read_dir(&folder).expect("there are stories");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a file").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "story"));
    paths.sort();
    paths
}

#[test]
fn every_story_ends_as_it_is_written() {
    let bless = std::env::var_os("MONBAN_BLESS").is_some();
    let mut wrong = Vec::new();
    for path in stories() {
        let text = fs::read_to_string(&path).expect("a story is text");
        let name = path.file_name().unwrap_or_default().display().to_string();
        let (story, expected) = text.split_once(DIVIDER).unwrap_or((&text, ""));
        match tell(&text, false) {
            Ok(told) if told == expected => {}
            Ok(told) if bless => {
                fs::write(&path, format!("{story}{DIVIDER}{told}")).expect("it can be written");
            }
            Ok(told) => wrong.push(format!("{name}: it ends otherwise:\n{told}")),
            Err(error) => wrong.push(format!("{name}: {error}")),
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_story_ends_the_same_with_a_kill_after_each_line() {
    for path in stories() {
        let text = fs::read_to_string(&path).expect("a story is text");
        let (_, expected) = text.split_once(DIVIDER).unwrap_or((&text, ""));
        let told = tell(&text, true).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(told, expected, "{}", path.display());
    }
}

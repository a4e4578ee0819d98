//! Puts the shipped rule files into the binary: every `rules/*.toml`, so that adding a service
//! takes one file and no Rust. Each is there twice: as it is, and without what only tests and
//! people read, which is three quarters of it and would be parsed at each start.

use std::path::Path;
use std::{env, fs};

/// What a rule says of itself and nobody matches with.
const FOR_PEOPLE: [&str; 3] = ["cites", "sees", "not"];

fn main() {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let out = env::var("OUT_DIR").expect("cargo sets it");
    let folder = Path::new(&root).join("../../rules");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files: Vec<_> = fs::read_dir(&folder)
        .expect("the folder rules/ is part of the source")
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect();
    files.sort();
    let mut code = String::from("&[\n");
    for path in files {
        println!("cargo::rerun-if-changed={}", path.display());
        let path = path.canonicalize().expect("it was just listed");
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("it was just listed");
        let brief_path = Path::new(&out).join(&name);
        fs::write(&brief_path, brief(&name, &text)).expect("OUT_DIR can be written");
        code.push_str(&format!(
            "    Shipped {{ file: {:?}, text: include_str!({path:?}), brief: include_str!({:?}) }},\n",
            format!("rules/{name}"),
            brief_path,
        ));
    }
    code.push(']');
    fs::write(Path::new(&out).join("shipped_rules.rs"), code).expect("OUT_DIR can be written");
}

/// A rule file without what is there for people. What is not TOML is left to the test of the rules,
/// which tells where.
fn brief(name: &str, text: &str) -> String {
    let Ok(mut table) = text.parse::<toml::Table>() else {
        println!("cargo::warning=rules/{name} is not TOML");
        return text.to_owned();
    };
    let lists = ["rule", "harmless"].map(|list| table.remove(list).map(|rules| (list, rules)));
    for (list, mut rules) in lists.into_iter().flatten() {
        for rule in rules.as_array_mut().into_iter().flatten() {
            if let Some(rule) = rule.as_table_mut() {
                rule.retain(|key, _| !FOR_PEOPLE.contains(&key));
            }
        }
        table.insert(list.to_owned(), rules);
    }
    table.to_string()
}

//! Puts the shipped rule files into the binary: every `rules/*.toml`, so that adding a service
//! takes one file and no Rust.

use std::path::Path;
use std::{env, fs};

fn main() {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
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
        code.push_str(&format!("    ({:?}, include_str!({path:?})),\n", format!("rules/{name}")));
    }
    code.push(']');
    let out = env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("shipped_rules.rs"), code).expect("OUT_DIR can be written");
}

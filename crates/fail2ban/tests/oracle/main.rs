//! fail2ban itself as the judge of what a configuration means: `fail2ban-client -d` and its Python
//! modules. Left out where it is not installed.

mod folders;
mod golden;
mod random;
mod stock;

use std::path::Path;
use std::process::{Command, Stdio};

use monban_fail2ban::config::{Configuration, Reading, Version, Word};
use serde_json::Value;

/// Whether fail2ban is here; says so if not.
pub fn is_here() -> bool {
    let found = Command::new("fail2ban-client")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let here = found.is_ok_and(|status| status.success());
    if !here {
        println!("left out: fail2ban is not installed");
    }
    here
}

/// What fail2ban makes of a folder: its commands, or what it says when it refuses.
pub fn theirs(folder: &Path) -> Result<Vec<Value>, String> {
    let run = Command::new("fail2ban-client")
        .arg("-c")
        .arg(folder)
        .arg("-d")
        .env("LC_ALL", "C.UTF-8")
        .output()
        .map_err(|error| error.to_string())?;
    let dump = String::from_utf8_lossy(&run.stdout).into_owned();
    if !run.status.success() {
        return Err(dump + &String::from_utf8_lossy(&run.stderr));
    }
    let mut commands = Vec::new();
    for line in json_of_dump(&dump).lines() {
        commands.push(serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?);
    }
    Ok(sorted_paths(commands))
}

/// The lines of a dump, which are Python's, as JSON.
fn json_of_dump(dump: &str) -> String {
    use std::io::Write;
    let program = "import sys, ast, json\n\
        for line in sys.stdin:\n    if line.startswith('['): print(json.dumps(ast.literal_eval(line)))";
    let mut python = Command::new("python3")
        .args(["-c", program])
        .env("PYTHONIOENCODING", "utf-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("fail2ban is written in Python");
    let mut input = python.stdin.take().expect("piped");
    let dump = dump.to_owned();
    let writer = std::thread::spawn(move || input.write_all(dump.as_bytes()));
    let output = python.wait_with_output().expect("it ends");
    writer.join().expect("it ends").expect("it reads");
    String::from_utf8(output.stdout).expect("JSON")
}

/// What we make of the same folder.
pub fn ours(folder: &Path) -> (Vec<Value>, Configuration) {
    let reading = Reading { version: Version::V1_0, ..Reading::default() };
    let found = Configuration::read(folder, &reading);
    let commands = found.commands().iter().map(|words| list(words)).collect();
    (sorted_paths(commands), found)
}

/// A command as JSON.
pub fn list(words: &[Word]) -> Value {
    Value::Array(words.iter().map(value).collect())
}

fn value(word: &Word) -> Value {
    match word {
        Word::Text(text) => Value::from(text.as_str()),
        Word::Number(number) => Value::from(*number),
        Word::Yes(yes) => Value::from(*yes),
        Word::List(words) => list(words),
        Word::Table(pairs) => {
            pairs.iter().map(|(name, word)| (name.clone(), value(word))).collect()
        }
    }
}

/// Python gives the files of a wildcard in the order of the directory, which is no order.
pub fn sorted_paths(mut commands: Vec<Value>) -> Vec<Value> {
    let is_path = |command: &Value| command[2] == "addlogpath";
    let mut at = 0;
    while at < commands.len() {
        let end =
            commands[at..].iter().position(|c| !is_path(c)).map_or(commands.len(), |n| at + n);
        commands[at..end].sort_by_key(Value::to_string);
        at = end + 1;
    }
    commands
}

/// Compares command by command; gives back how many were equal.
pub fn compare(ours: &[Value], theirs: &[Value]) -> usize {
    let mut differences = Vec::new();
    for at in 0..ours.len().max(theirs.len()) {
        if ours.get(at) != theirs.get(at) {
            differences.push(format!("ours:   {:?}\ntheirs: {:?}", ours.get(at), theirs.get(at)));
        }
    }
    let count = differences.len();
    differences.truncate(3);
    assert_eq!(count, 0, "{count} differences, the first of them:\n{}", differences.join("\n"));
    ours.len()
}

//! Every search that fail2ban's own tests cause, against what CPython answered.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use monban_pyre::{EngineKind, Options, Regex};
use serde_json::Value;

/// The recorded searches: below `MONBAN_CORPUS`, or beside the repository.
fn recorded() -> Option<Value> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let corpus = std::env::var_os("MONBAN_CORPUS").map_or(beside, PathBuf::from);
    let path = corpus.join("fail2ban/searches.json.gz");
    let Ok(file) = std::fs::File::open(&path) else {
        println!("left out: {} is missing", path.display());
        return None;
    };
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("it is gzip");
    Some(serde_json::from_str(&text).expect("it is JSON"))
}

#[test]
fn every_recorded_search_gives_what_cpython_gave() {
    let Some(recorded) = recorded() else {
        return;
    };
    let memory = resident_kib();
    let start = Instant::now();
    let regexes: Vec<Regex> =
        recorded["rx"].as_array().expect("patterns").iter().map(compiled).collect();
    let compiling = start.elapsed();
    let mut engines: BTreeMap<&str, (usize, usize, Duration)> = BTreeMap::new();
    for regex in &regexes {
        engines.entry(name(regex)).or_default().0 += 1;
        if regex.engine() == EngineKind::Backtracking && std::env::var_os("MONBAN_SHOW").is_some() {
            println!("{}", regex.pattern());
        }
    }
    let compiled = resident_kib();
    let mut differences = Vec::new();
    for search in recorded["rec"].as_array().expect("searches") {
        let regex = &regexes[search[0].as_u64().expect("an index") as usize];
        let text = search[1].as_str().expect("a text");
        let start = Instant::now();
        let found = regex.search(text);
        let engine = engines.entry(name(regex)).or_default();
        engine.1 += 1;
        engine.2 += start.elapsed();
        let Ok(found) = found else {
            differences.push(format!("overrun: {} on {text:?}", regex.pattern()));
            continue;
        };
        let got = found.map_or(Value::Null, |found| {
            let chars = |byte: usize| text[..byte].chars().count();
            let whole = found.span(0).map(|(from, to)| [chars(from), chars(to)]);
            let groups = regex.group_names().iter().flatten().map(|name| {
                let span = found.named(regex, name);
                (name.clone(), span.map(|(from, to)| &text[from..to]).into())
            });
            let groups: serde_json::Map<String, Value> = groups.collect();
            serde_json::json!([whole, groups])
        });
        if got != search[2] {
            differences.push(format!("{} on {text:?}: {got}, not {}", regex.pattern(), search[2]));
        }
    }
    println!(
        "{} patterns compiled in {compiling:?}, {} KiB; {} KiB after all searches",
        regexes.len(),
        compiled.saturating_sub(memory),
        resident_kib().saturating_sub(memory)
    );
    for regex in &regexes {
        let _ = regex.search("ünïcode and nothing else\n");
    }
    println!("{} KiB with the alphabets for other texts", resident_kib().saturating_sub(memory));
    for (name, (patterns, searches, time)) in engines {
        println!("{name}: {patterns} patterns, {searches} searches in {time:?}");
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}

/// What the process holds in memory, in KiB; 0 where there is no /proc.
fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

fn compiled(pattern: &Value) -> Regex {
    let text = pattern[0].as_str().expect("a pattern");
    let multiline = pattern[1].as_bool().unwrap_or(pattern[1] == 1);
    let options = Options { multiline, ..Options::default() };
    Regex::new(text, options).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn name(regex: &Regex) -> &'static str {
    match regex.engine() {
        EngineKind::Linear => "linear",
        EngineKind::Backtracking => "backtracking",
    }
}

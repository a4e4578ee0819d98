//! Reads the lines of a log with the rule files of a folder and tells how many were known:
//! `cargo run --release -p monban-rules --example read -- rules some.log`. Instructions are counted
//! with it (`cargo xtask cost`).

use std::process::ExitCode;

use monban_model::{Line, SourceId, Stamp};
use monban_rules::{Clock, RuleSet, RuleText, Scratch, Seen};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, log] = &arguments[..] else {
        eprintln!("usage: read FOLDER LOG");
        return ExitCode::from(2);
    };
    match read(folder, log) {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

fn read(folder: &str, log: &str) -> Result<String, String> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| format!("{folder}: {error}"))? {
        let path = entry.map_err(|error| error.to_string())?.path();
        let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
        texts.push(RuleText { file: path.display().to_string(), text });
    }
    let set = RuleSet::compile_unchecked(&texts).map_err(|problems| format!("{problems:?}"))?;
    let bytes = std::fs::read(log).map_err(|error| format!("{log}: {error}"))?;
    let now = std::time::UNIX_EPOCH.elapsed().map_err(|error| error.to_string())?;
    let arrival = Stamp::from_s(i64::try_from(now.as_secs()).unwrap_or(0));
    let mut clock = Clock::new("UTC", arrival).ok_or("no UTC")?;
    let mut scratch = Scratch::default();
    let mut seen = [0usize; 3];
    let mut begin = 0;
    for end in memchr::memchr_iter(b'\n', &bytes) {
        let line = Line { bytes: &bytes[begin..end], source: SourceId(0), position: 0, arrival };
        let reading = set.read(&line, &mut clock, &mut scratch);
        seen[match reading.seen {
            Seen::Known(_) => 0,
            Seen::Unknown(_) => 1,
            Seen::Foreign => 2,
        }] += 1;
        begin = end + 1;
    }
    let [known, unknown, foreign] = seen;
    Ok(format!("{known} known, {unknown} unknown, {foreign} foreign"))
}

//! Nanoseconds for a search: `cargo bench -p monban-pyre`.

use std::hint::black_box;
use std::time::Instant;

use monban_pyre::{EngineKind, Options, Regex};

const HOST: &str = r"(?:\[?(?:(?:::f{4,6}:)?(?P<ip4>(?:\d{1,3}\.){3}\d{1,3})|(?P<ip6>(?:[0-9a-fA-F]{1,4}::?|:){1,7}(?:[0-9a-fA-F]{1,4}|(?<=:):)))\]?|(?P<dns>[\w\-.^_]*\w))";

const HIT: &str = "Failed password for invalid user admin from 203.0.113.77 port 51022 ssh2";
const MISS: &str = "Received disconnect from 203.0.113.77 port 51022:11: Bye Bye [preauth]";
const WIDE: &str = "Failed password for invalid user ädmin from 203.0.113.77 port 51022 ssh2";

fn main() {
    let failed = format!(
        r"^Failed \S+ for (?:invalid user )?(?P<user>.*) from {HOST}(?: port \d+)?(?: ssh\d*)?$"
    );
    let patterns = [
        ("linear", failed.clone()),
        ("with a look-ahead", failed.replacen("^Failed", "^(?!Accepted)Failed", 1)),
        ("with a conditional", failed.replacen("(?: ssh", "(?(user):? | )(?:ssh", 1)),
        ("unanchored, with a look-behind", format!(r"(?<!\w)user (?P<user>\S+) from {HOST}")),
    ];
    for (name, pattern) in patterns {
        let start = Instant::now();
        let regex = match Regex::new(&pattern, Options::default()) {
            Ok(regex) => regex,
            Err(error) => {
                println!("{name}: {error}");
                continue;
            }
        };
        let engine = match regex.engine() {
            EngineKind::Linear => "linear",
            EngineKind::Backtracking => "backtracking",
        };
        println!("{name}: {engine}, compiled in {:?}", start.elapsed());
        for (what, line) in [("hit", HIT), ("miss", MISS), ("hit, not ASCII", WIDE)] {
            measure(&regex, what, line);
        }
    }
}

/// The best of some runs, so that other work on the machine counts little.
fn measure(regex: &Regex, what: &str, line: &str) {
    const ROUNDS: u32 = 10_000;
    let mut best = f64::MAX;
    let mut found = false;
    for _ in 0..30 {
        let start = Instant::now();
        for _ in 0..ROUNDS {
            found = matches!(black_box(regex.search(black_box(line))), Ok(Some(_)));
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(ROUNDS));
    }
    println!("  {what}: {best:.0} ns a line{}", if found { "" } else { ", no match" });
}

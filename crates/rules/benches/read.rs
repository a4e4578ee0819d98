//! Nanoseconds for a line: `cargo bench -p monban-rules`. With `MONBAN_BENCH_LOG` set to the path
//! of a log, its lines are measured too; with `MONBAN_BENCH_RULES` to a folder of rule files,
//! those of that folder are loaded in place of the shipped ones; with `MONBAN_BENCH_ONLY` to a
//! name that is printed, only that is measured.

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use monban_model::{Line, SourceId, Stamp};
use monban_rules::{Clock, RuleSet, RuleText, Scratch, Seen};

const HITS: &[&str] = &[
    "Nov 22 05:33:01 host sshd[24200]: Failed password for root from 192.0.2.1 port 56502 ssh2",
    "Nov 22 05:33:02 host sshd[24201]: Failed password for invalid user admin from 203.0.113.77 port 1024 ssh2",
    "Nov 22 05:33:02 host sshd[24202]: Invalid user oracle from 198.51.100.23 port 40112",
    "Nov 22 05:33:03 host sshd[24203]: Connection closed by authenticating user root 192.0.2.9 port 4711 [preauth]",
    "Nov 22 05:33:04 host sshd[24204]: Received disconnect from 192.0.2.9 port 4711:11: Bye Bye [preauth]",
];

const MISSES: &[&str] = &[
    "Nov 22 05:33:01 host systemd[1]: Started Session 4711 of user backup, which does nothing here.",
    "Nov 22 05:33:01 host CRON[24200]: (root) CMD (command -v debian-sa1 > /dev/null && debian-sa1 1 1)",
    "Nov 22 05:33:02 host kernel: [12345.678901] usb 1-1: new high-speed USB device number 4 using xhci",
    "Nov 22 05:33:03 host sshd[24203]: some line of the service that no rule of it has ever heard of",
];

fn main() {
    let folder = std::env::var_os("MONBAN_BENCH_RULES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../rules"),
        PathBuf::from,
    );
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
        if let Ok(text) = std::fs::read_to_string(entry.path()) {
            let file = entry.path().display().to_string();
            // A file that somebody is writing just now is left out.
            let one = RuleText { file, text };
            if RuleSet::compile_unchecked(std::slice::from_ref(&one)).is_ok() {
                texts.push(one);
            } else {
                println!("left out: {}", one.file);
            }
        }
    }
    let start = Instant::now();
    let Ok(set) = RuleSet::compile_unchecked(&texts) else {
        println!("left out: the rule files do not compile together");
        return;
    };
    let rules = set.catalog().rules.len();
    println!("{} files, {rules} rules, compiled in {:?}", texts.len(), start.elapsed());
    measure(&set, "hit", &lines(HITS));
    measure(&set, "miss", &lines(MISSES));
    for (number, text) in HITS.iter().chain(MISSES).enumerate() {
        measure(&set, &format!("line {number}"), &lines(&[text]));
    }
    if let Some(path) = std::env::var_os("MONBAN_BENCH_LOG") {
        match std::fs::read(&path) {
            Ok(bytes) => {
                let all = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec);
                measure(&set, "log", &all.filter(|line| !line.is_empty()).collect::<Vec<_>>());
            }
            Err(error) => println!("left out: {}: {error}", path.display()),
        }
    }
}

fn lines(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Whether only another measurement is wanted.
fn left_out(name: &str) -> bool {
    std::env::var("MONBAN_BENCH_ONLY").is_ok_and(|only| only != name)
}

/// The best of some runs, so that other work on the machine counts little.
fn measure(set: &RuleSet, name: &str, lines: &[Vec<u8>]) {
    if left_out(name) {
        return;
    }
    let arrival = Stamp::from_s(1_795_325_600);
    let Some(mut clock) = Clock::new("UTC", arrival) else {
        return;
    };
    let mut scratch = Scratch::default();
    let rounds = 10_000usize.div_ceil(lines.len());
    let bytes: usize = lines.iter().map(Vec::len).sum();
    let (mut best, mut seen) = (f64::MAX, [0usize; 3]);
    for _ in 0..100 {
        seen = [0; 3];
        let start = Instant::now();
        for _ in 0..rounds {
            for bytes in lines {
                let line = Line { bytes, source: SourceId(0), position: 0, arrival };
                let reading = black_box(set.read(&line, &mut clock, &mut scratch));
                seen[match reading.seen {
                    Seen::Known(_) => 0,
                    Seen::Unknown(_) => 1,
                    Seen::Foreign => 2,
                }] += 1;
            }
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / (rounds * lines.len()) as f64);
    }
    let speed = bytes as f64 / lines.len() as f64 / best;
    let [known, unknown, foreign] = seen.map(|count| count / rounds);
    println!(
        "{name}: {best:.1} ns a line, {speed:.2} GB/s ({known} known, {unknown} unknown, {foreign} foreign)"
    );
}

//! A line through a metric's filter pattern: `cargo bench -p monban-rules --bench metric`.
//!
//! A pattern of each form, over lines of which few match, as in a log; `needed` asks for the text
//! that every match needs first, as the daemon does.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use monban_rules::{MetricPattern, MetricReader, MetricReading, MetricScratch, MetricSet, ValueOf};

const LINES: &[&str] = &[
    "Nov 22 05:33:01 host sshd[24200]: Failed password for root from 192.0.2.1 port 56502 ssh2",
    "Nov 22 05:33:03 host sshd[24203]: Connection closed by authenticating user root 192.0.2.9 port 4711 [preauth]",
    "Nov 22 05:33:01 host systemd[1]: Started Session 4711 of user backup, which does nothing here.",
    "Nov 22 05:33:01 host CRON[24200]: (root) CMD (command -v debian-sa1 > /dev/null && debian-sa1 1 1)",
    "127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] \"GET /index.html HTTP/1.0\" 404 1534",
    "127.0.0.4 - frank [10/Oct/2000:13:25:18 -0700] \"GET /index.html HTTP/1.0\" 200 100",
    r#"{"time":"2026-11-22T05:33:01Z","level":"error","latency":12.5,"user":{"name":"frank","id":7},"tags":["a","b"]}"#,
    r#"{"time":"2026-11-22T05:33:02Z","level":"info","latency":0.5,"user":{"name":"jane","id":8},"tags":[]}"#,
];

const PATTERNS: &[&str] = &[
    "\"[preauth]\"",
    "sshd Failed -cron",
    "?Failed ?preauth ?refused ?denied ?invalid",
    "%from 192\\.0\\.2\\.[0-9]{1,3}%",
    "{ $.level = \"error\" && $.latency > 10 }",
    "{ $.tags[*] = b || $.* = info }",
    "[ip, id, user, ts, req, status = 4*, bytes]",
    "[..., status >= 400, bytes]",
];

fn main() {
    divan::main();
}

#[divan::bench(args = PATTERNS)]
fn line(bencher: Bencher<'_, '_>, text: &str) {
    let Ok(pattern) = MetricPattern::parse(text) else { return };
    let mut scratch = MetricScratch::default();
    bencher.counter(ItemsCount::new(LINES.len())).bench_local(|| {
        let matches = |line: &&&str| pattern.matches(black_box(line.as_bytes()), &mut scratch);
        LINES.iter().filter(matches).count()
    });
}

#[divan::bench(args = PATTERNS)]
fn needed(bencher: Bencher<'_, '_>, text: &str) {
    let Ok(pattern) = MetricPattern::parse(text) else { return };
    let finder = memchr::memmem::Finder::new(pattern.needed_text().unwrap_or_default());
    let mut scratch = MetricScratch::default();
    bencher.counter(ItemsCount::new(LINES.len())).bench_local(|| {
        let matches = |line: &&&str| {
            let line = black_box(line.as_bytes());
            finder.find(line).is_some() && pattern.matches(line, &mut scratch)
        };
        LINES.iter().filter(matches).count()
    });
}

/// With a value taken out of the line.
#[divan::bench(args = [("[..., bytes]", "$bytes"), ("{ $.level = * }", "$.latency")])]
fn value(bencher: Bencher<'_, '_>, (pattern, value): (&str, &str)) {
    let (Ok(pattern), Ok(value)) = (MetricPattern::parse(pattern), ValueOf::parse(value)) else {
        return;
    };
    let Ok(reader) = MetricReader::new(pattern, value, None, &[]) else { return };
    let mut scratch = MetricScratch::default();
    bencher.counter(ItemsCount::new(LINES.len())).bench_local(|| {
        let has_value = |line: &&&str| {
            let reading = reader.read(black_box(line.as_bytes()), &mut scratch);
            matches!(reading, MetricReading::Value { .. })
        };
        LINES.iter().filter(has_value).count()
    });
}

/// All patterns together, as in the daemon, once and four times over with other words.
#[divan::bench(args = [1, 4])]
fn set(bencher: Bencher<'_, '_>, times: usize) {
    let texts = (0..times).flat_map(|time| {
        PATTERNS.iter().map(move |text| match time {
            0 => (*text).to_owned(),
            _ => text.replace("Failed", &format!("Failed{time}")),
        })
    });
    let readers = texts.filter_map(|text| {
        let pattern = MetricPattern::parse(&text).ok()?;
        MetricReader::new(pattern, ValueOf::parse("1").ok()?, None, &[]).ok()
    });
    let set = MetricSet::new(readers.collect());
    let mut scratch = MetricScratch::default();
    bencher.counter(ItemsCount::new(LINES.len())).bench_local(|| {
        let mut count = 0;
        for line in LINES {
            set.read(black_box(line.as_bytes()), &mut scratch, &mut |_, _| count += 1);
        }
        count
    });
}

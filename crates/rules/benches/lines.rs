//! A line through the head of syslog and the rules: `cargo bench -p monban-rules --bench lines`.
//!
//! * `service`: the examples of each shipped rule file, through all shipped rules.
//! * `rules`: one line that a rule knows and one that none does, with ten to a thousand rules of
//!   their service.

use std::path::PathBuf;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use monban_model::{Line, SourceId, Stamp};
use monban_rules::{Clock, RuleSet, RuleText, Scratch};

/// 2026-11-22, when the lines were logged.
const ARRIVAL: Stamp = Stamp::from_s(1_795_325_600);

const SERVICES: &[&str] = &[
    "apache",
    "dovecot",
    "dropbear",
    "nginx",
    "pam-generic",
    "postfix",
    "sshd",
    "su",
    "sudo",
    "web-access",
];

fn main() {
    divan::main();
}

#[divan::bench(args = SERVICES)]
fn service(bencher: Bencher<'_, '_>, name: &str) {
    let texts: Vec<RuleText> = SERVICES.iter().map(|name| shipped(name)).collect();
    read(bencher, &texts, &examples(&shipped(name).text));
}

#[divan::bench(args = [10, 100, 300, 1_000])]
fn rules_known(bencher: Bencher<'_, '_>, count: usize) {
    let line = head("made") + "Bad word-3 for root from 192.0.2.1 port 4711";
    read(bencher, &[made(count)], &vec![line.into_bytes(); 100]);
}

#[divan::bench(args = [10, 100, 300, 1_000])]
fn rules_unknown(bencher: Bencher<'_, '_>, count: usize) {
    let line = head("made") + "worker 17 is idle and has nothing to say to anybody";
    read(bencher, &[made(count)], &vec![line.into_bytes(); 100]);
}

fn read(bencher: Bencher<'_, '_>, texts: &[RuleText], lines: &[Vec<u8>]) {
    let set = RuleSet::compile_unchecked(texts).expect("the rules compile");
    let mut clock = Clock::new("UTC", ARRIVAL).expect("there is UTC");
    let mut scratch = Scratch::default();
    bencher.counter(ItemsCount::new(lines.len())).bench_local(|| {
        for bytes in lines {
            let line = Line { bytes, source: SourceId(0), position: 0, arrival: ARRIVAL };
            black_box(set.read(black_box(&line), &mut clock, &mut scratch).seen);
        }
    });
}

fn shipped(name: &str) -> RuleText {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../rules");
    let path = folder.join(format!("{name}.toml"));
    let text = std::fs::read_to_string(&path).expect("the rule file is there");
    RuleText { file: path.display().to_string(), text }
}

/// A file with so many rules that differ in their second word.
fn made(count: usize) -> RuleText {
    let mut text = "service = \"made\"\ntitle = \"Made\"\nprograms = [\"made\"]\n".to_owned();
    for number in 0..count {
        let pattern = format!("Bad word-{number} for {{user}} from {{address}} port {{int}}");
        text.push_str(&format!(
            "[[rule]]\nid = \"r{number}\"\nkind = \"login-failed\"\nline = '{pattern}'\n\
             cites = \"made\"\n\
             sees = ['Bad word-{number} for a from 192.0.2.1 port 1 => user=a']\nnot = ['Good']\n"
        ));
    }
    RuleText { file: "made.toml".to_owned(), text }
}

/// What the rules of a file must see, as whole lines.
fn examples(text: &str) -> Vec<Vec<u8>> {
    let table: toml::Table = text.parse().expect("a rule file is TOML");
    let strings = |value: Option<&toml::Value>| -> Vec<String> {
        let list = value.and_then(toml::Value::as_array).into_iter().flatten();
        list.filter_map(toml::Value::as_str).map(str::to_owned).collect()
    };
    let has_head = !table.contains_key("shape");
    let program = strings(table.get("programs")).into_iter().next().unwrap_or_default();
    let entries =
        |name: &str| table.get(name).and_then(toml::Value::as_array).into_iter().flatten();
    let rules = entries("rule").chain(entries("harmless"));
    let seen = rules.flat_map(|rule| strings(rule.get("sees")));
    let message = |seen: String| seen.rsplit_once(" => ").map_or(seen.clone(), |(m, _)| m.into());
    let head = if has_head { head(&program) } else { String::new() };
    seen.map(|seen| (head.clone() + &message(seen)).into_bytes()).collect()
}

fn head(program: &str) -> String {
    format!("Nov 22 05:33:01 host {program}[24200]: ")
}

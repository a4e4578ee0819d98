//! The whole filter against the installed fail2ban: which expressions match which line, who, when,
//! what was captured, and what the lines before have to do with it.
//!
//! `MONBAN_FILTER_LINES` lines (default 3,000), from `MONBAN_FILTER_SEED`, over the filters of
//! /etc/fail2ban, of `MONBAN_CORPUS`/fail2ban/config (default `../shared/corpus`) and of
//! `tests/pipeline/config`: sample lines of the same corpus, of this filter and of others, changed
//! lines, and lines made from the expressions. Both sides get the same lines in the same order.

#[path = "../chance/mod.rs"]
mod chance;
mod lines;
mod oracle;
#[path = "../python/mod.rs"]
mod python;
mod setting;
mod words;

use std::collections::BTreeMap;
use std::path::PathBuf;

use chance::Chance;
use lines::{NOW_S, Sample};
use monban_fail2ban::filter::{Filter, UseDns, When};
use monban_pyre::ast::Ast;
use oracle::{Answer, Order};
use setting::{Setting, Texts};
use words::Words;

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn corpus() -> PathBuf {
    let shared = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus");
    std::env::var_os("MONBAN_CORPUS").map_or_else(|| shared.into(), PathBuf::from)
}

fn own_filters() -> PathBuf {
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pipeline/config").into()
}

/// What a comparison came to.
#[derive(Debug, Default)]
struct Counts {
    lines: usize,
    hits: usize,
    /// Searches that one side gave up, with all that came after them.
    unknown: usize,
    differences: BTreeMap<String, usize>,
}

/// Our side of a session.
enum Ours {
    Ready(Box<Filter>),
    Refused,
    /// From here on the sides do not know the same.
    Lost,
}

/// Compares all orders and shows the first differences of each filter.
fn compare(orders: &[Order], counts: &mut Counts) -> bool {
    let Some(theirs) = oracle::ask(orders) else { return false };
    assert_eq!(theirs.len(), orders.len());
    let mut ours = Ours::Lost;
    let mut setting: Option<&Setting> = None;
    let mut history: Vec<&str> = Vec::new();
    for (order, theirs) in orders.iter().zip(&theirs) {
        let answer = match order {
            Order::New(new) => {
                setting = Some(new);
                history.clear();
                let (side, answer) = begin(new);
                ours = side;
                answer
            }
            Order::Line { line, now, journal } => {
                history.push(line);
                match &mut ours {
                    Ours::Refused => Answer::Failures(Vec::new()),
                    Ours::Lost => continue,
                    Ours::Ready(filter) if *journal => {
                        Answer::of(&filter.read_at(line, *now, *now, When::Ever))
                    }
                    Ours::Ready(filter) => Answer::of(&filter.read(line, *now)),
                }
            }
        };
        counts.lines += usize::from(matches!(order, Order::Line { .. }));
        if answer == Answer::Unknown || *theirs == Answer::Unknown {
            counts.unknown += 1;
            ours = Ours::Lost;
            continue;
        }
        if let Answer::Failures(found) = theirs {
            counts.hits += found.len();
        }
        if !theirs.agrees(&answer) {
            let name = setting.map_or("", |setting| setting.name()).to_owned();
            let known = counts.differences.entry(name).or_default();
            *known += 1;
            if *known <= 2 {
                println!("{setting:?}\n{order:?}\n  ours   {answer:?}\n  theirs {theirs:?}");
                println!("  after {:#?}", &history[history.len().saturating_sub(6)..]);
            }
            ours = Ours::Lost;
        }
    }
    true
}

fn begin(setting: &Setting) -> (Ours, Answer) {
    let Some(texts) = setting.texts() else { return (Ours::Refused, Answer::Refused) };
    match setting.compile(&texts) {
        Some(filter) => (Ours::Ready(Box::new(filter)), Answer::Ready(texts)),
        None => (Ours::Refused, Answer::Refused),
    }
}

/// All filters that there are, with the samples.
struct Stock {
    filters: Vec<(Setting, Texts)>,
    samples: Vec<Sample>,
}

impl Stock {
    fn new() -> Self {
        let corpus = corpus().join("fail2ban");
        let mut samples = lines::samples(&corpus.join("logs"));
        if samples.is_empty() {
            println!("left out: no sample logs in {}", corpus.display());
            let line = "Aug 14 11:59:58 host program[12]: at 192.0.2.1 and [2001:db8::1]:22";
            samples.push(Sample { name: String::new(), lines: vec![line.to_owned()] });
        }
        let mut filters = Vec::new();
        let folders = [own_filters(), "/etc/fail2ban".into(), corpus.join("config")];
        for folder in folders {
            filters.extend(setting::of_folder(&folder));
        }
        Self { filters, samples }
    }

    /// A filter with lines for it.
    fn session(&self, number: usize, chance: &mut Chance) -> Vec<Order> {
        let (setting, texts) = &self.filters[number];
        let mut setting = setting.clone();
        setting.all = chance.one_in(2);
        setting.usedns = *chance.of(&[UseDns::Raw, UseDns::Warn, UseDns::No]);
        let own = self.samples.iter().find(|sample| sample.name == setting.name());
        let mut maker = Maker { words: Words::default(), asts: Asts::of(texts), chance };
        let mut lines: Vec<String> = Vec::new();
        let wanted = 60;
        if let Some(own) = own {
            let from = maker.chance.below(own.lines.len());
            lines.extend(own.lines[from..].iter().take(wanted / 3).cloned());
        }
        while lines.len() < wanted {
            let foreign = maker.chance.of(&self.samples);
            let some = own.filter(|_| !maker.chance.one_in(4)).unwrap_or(foreign);
            let sample = maker.chance.of(&some.lines);
            let line = match maker.chance.below(8) {
                0 => sample.clone(),
                1..4 => lines::changed(sample, maker.chance),
                _ => maker.made(sample),
            };
            let twice = maker.chance.one_in(5);
            lines.push(if twice { lines::changed(&line, maker.chance) } else { line });
        }
        if !chance.one_in(3) {
            lines::reordered(&mut lines, chance);
        }
        let mut now = NOW_S;
        let journal = setting.journal;
        let mut orders = vec![Order::New(setting)];
        for line in lines {
            // Connections and dates are remembered for some time.
            now += [0, 0, 0, 1, 20, 59, 61, 299, 301][chance.below(9)];
            orders.push(Order::Line { line: line.replace(['\n', '\r'], " "), now, journal });
        }
        orders
    }
}

struct Asts {
    prefix: Option<Ast>,
    failures: Vec<Ast>,
    ignored: Vec<Ast>,
}

impl Asts {
    fn of(texts: &Texts) -> Self {
        let parse = |text: &String| {
            let pattern = monban_fail2ban::filter::Pattern::new(text, UseDns::Warn, false).ok()?;
            monban_pyre::parse(pattern.text(), monban_pyre::Options::default()).ok()
        };
        Self {
            prefix: texts.prefregex.as_ref().and_then(parse),
            failures: texts.failregex.iter().filter_map(parse).collect(),
            ignored: texts.ignoreregex.iter().filter_map(parse).collect(),
        }
    }
}

struct Maker<'c> {
    words: Words,
    asts: Asts,
    chance: &'c mut Chance,
}

impl Maker<'_> {
    /// A line from the expressions, with the date of `sample` or another one.
    fn made(&mut self, sample: &str) -> String {
        let ignored = !self.asts.ignored.is_empty() && self.chance.one_in(5);
        let list = if ignored { &self.asts.ignored } else { &self.asts.failures };
        if list.is_empty() {
            return sample.to_owned();
        }
        let ast = self.chance.of(list);
        let mut text = self.words.write(ast, None, self.chance);
        if let Some(prefix) = &self.asts.prefix {
            text = self.words.write(prefix, Some(("content", &text)), self.chance);
        }
        let (before, own, _) = lines::split(sample);
        let date = if self.chance.one_in(3) { lines::date(self.chance) } else { &own };
        let places = [0, 0, 1, before.len()];
        let place = *self.chance.of(&places);
        let place = if text.is_char_boundary(place) { place.min(text.len()) } else { 0 };
        let space = if self.chance.one_in(2) { " " } else { "" };
        format!("{}{date}{space}{}", &text[..place], &text[place..])
    }
}

#[test]
fn lines_come_out_as_in_fail2ban() {
    let stock = Stock::new();
    let wanted = number("MONBAN_FILTER_LINES", 3_000);
    let seed = number("MONBAN_FILTER_SEED", 1) as u64;
    let mut chance = Chance::new(seed);
    let mut counts = Counts::default();
    let mut next = chance.below(stock.filters.len());
    let only = std::env::var("MONBAN_FILTER_ONLY").ok();
    while counts.lines < wanted {
        let mut orders = Vec::new();
        while orders.len() < (wanted - counts.lines).min(20_000) {
            next += 1;
            let number = (next * 7919) % stock.filters.len();
            let name = stock.filters[number].0.name();
            if only.as_deref().is_none_or(|only| only == name) {
                orders.extend(stock.session(number, &mut chance));
            }
        }
        if !compare(&orders, &mut counts) {
            return;
        }
    }
    println!("{} filters; {counts:?}", stock.filters.len());
    assert!(counts.differences.is_empty(), "{:?}", counts.differences);
}

#[test]
fn filters_are_read_and_refused_as_by_fail2ban() {
    let stock = Stock::new();
    // To read them all takes fail2ban some time.
    let step = if number("MONBAN_FILTER_LINES", 0) < 100_000 { 8 } else { 1 };
    let some = stock.filters.iter().step_by(step);
    let orders: Vec<Order> = some.map(|(setting, _)| Order::New(setting.clone())).collect();
    let mut counts = Counts::default();
    if compare(&orders, &mut counts) {
        println!("{} filters", orders.len());
        assert!(counts.differences.is_empty(), "{:?}", counts.differences);
    }
}

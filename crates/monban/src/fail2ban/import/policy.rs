//! The policy of a fail2ban configuration, written as a monban.toml that says where each value is
//! from.

use std::collections::BTreeMap;
use std::path::Path;

use monban_fail2ban::config::{Configuration, Jail, Place, Span};
use monban_model::Net;
use monban_model::limits::{ALLOW_MAX, DURATION_MAX_S, PATH_MAX, POLICY_FAILURES_MAX};
use monban_views::{Say, printable};

use super::table::{Counterpart, counterpart, is_block, reads_nginx_errors};
use crate::discover::USUAL_LOGS;

/// fail2ban doubles this often; a ban time is longer than a life then.
const DOUBLINGS: u32 = 20;

/// Columns before the comment of a line.
const VALUE_WIDTH: usize = 32;

/// Writes it.
pub fn policy(dir: &Path, found: &Configuration, say: &Say) -> String {
    let mut page = Page { text: String::new(), say, dir: dir.display().to_string() };
    page.note("import-head", &[]);
    page.note("import-head-counts", &[]);
    page.sources(found);
    page.allow(found);
    let mut tables: BTreeMap<&str, bool> = BTreeMap::new();
    for jail in &found.jails {
        page.line("");
        let Some(counts) = judged(jail) else {
            page.without_counterpart(jail);
            continue;
        };
        if tables.insert(counts.policy, true).is_some() {
            page.also(jail, counts.policy);
            continue;
        }
        page.jail("import-jail", jail, &[]);
        page.oddities(jail);
        page.line(&format!("[policy.{}]", counts.policy));
        page.list("services", counts.services);
        page.list("kinds", counts.kinds);
        page.values(jail, &found.server.dbpurgeage.value, &found.server.dbpurgeage.from);
    }
    for (name, complaint) in &found.broken {
        page.line("");
        let place = complaint.place.to_string();
        page.note("import-broken", &[("jail", name), ("place", &place)]);
    }
    page.text
}

/// What of monban's counts the failures of a jail: by its filter and in its logs.
fn judged(jail: &Jail) -> Option<Counterpart> {
    counterpart(&jail.filter).filter(|_| !reads_nginx_errors(jail))
}

/// The networks that `ignoreip` of any jail names, each once.
pub fn ignored(found: &Configuration) -> Vec<(Net, Place)> {
    let mut nets: Vec<(Net, Place)> = Vec::new();
    for word in found.jails.iter().flat_map(|jail| &jail.ignoreip) {
        if let Ok(net) = word.value.parse::<Net>()
            && !nets.iter().any(|(known, _)| *known == net)
        {
            nets.push((net, word.from.clone()));
        }
    }
    nets.truncate(ALLOW_MAX);
    nets
}

/// The text so far.
struct Page<'a> {
    text: String,
    say: &'a Say,
    dir: String,
}

impl Page<'_> {
    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// A comment; what it holds of others' texts cannot end it.
    fn note(&mut self, key: &str, values: &[(&str, &str)]) {
        let dir = self.dir.clone();
        let values: Vec<(&str, &str)> = [("dir", dir.as_str())]
            .into_iter()
            .chain(values.iter().map(|(name, value)| (*name, *value)))
            .collect();
        let text = self.say.text(key, &values);
        for line in text.lines() {
            let line = printable(line.as_bytes());
            self.line(&format!("# {line}"));
        }
    }

    /// A value and where it is from.
    fn value(&mut self, key: &str, value: &str, from: &str) {
        let written = format!("{key} = {value}");
        let from = printable(from.as_bytes());
        self.line(&format!("{written:VALUE_WIDTH$} # {from}"));
    }

    fn list(&mut self, key: &str, texts: &[&str]) {
        if !texts.is_empty() {
            let quoted: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
            self.line(&format!("{key} = [{}]", quoted.join(", ")));
        }
    }

    fn jail(&mut self, key: &str, jail: &Jail, more: &[(&str, &str)]) {
        let place = jail.place.to_string();
        let filter = jail.filter.name.as_str();
        let mut values = vec![("jail", jail.name.as_str()), ("place", &place), ("filter", filter)];
        values.extend_from_slice(more);
        self.note(key, &values);
    }

    /// Logs that monban does not look for by itself.
    fn sources(&mut self, found: &Configuration) {
        let mut logs: Vec<(&str, &Place)> = Vec::new();
        let read = found.jails.iter().filter(|jail| judged(jail).is_some());
        for log in read.clone().flat_map(|jail| &jail.logpath) {
            let path = log.pattern.as_str();
            let fits = path.starts_with('/') && path.len() <= PATH_MAX;
            if fits && !is_usual(path) && !logs.iter().any(|(known, _)| *known == path) {
                logs.push((path, &log.from));
            }
        }
        let journal = read.clone().find(|jail| jail.backend.value.name == "systemd");
        if logs.is_empty() && journal.is_none() {
            return;
        }
        self.line("");
        self.line("[sources]");
        if !logs.is_empty() {
            self.line("logs = [");
            for (path, from) in logs {
                let path = quoted(path);
                let from = printable(from.to_string().as_bytes());
                self.line(&format!("  {:VALUE_WIDTH$} # {from}", format!("{path},")));
            }
            self.line("]");
        }
        if let Some(jail) = journal {
            self.value("journal", "\"on\"", &format!("backend, {}", jail.backend.from));
        }
    }

    fn allow(&mut self, found: &Configuration) {
        let nets = ignored(found);
        let mut others: Vec<(&str, &Place)> = Vec::new();
        for word in found.jails.iter().flat_map(|jail| &jail.ignoreip) {
            let known = others.iter().any(|(known, _)| *known == word.value);
            if word.value.parse::<Net>().is_err() && !known {
                others.push((&word.value, &word.from));
            }
        }
        if nets.is_empty() && others.is_empty() {
            return;
        }
        self.line("");
        for (word, from) in others {
            let from = from.to_string();
            self.note("import-ignoreip-other", &[("word", word), ("place", &from)]);
        }
        self.line("[allow]");
        self.line("addresses = [");
        for (net, from) in nets {
            let net = format!("\"{net}\",");
            let from = printable(from.to_string().as_bytes());
            self.line(&format!("  {net:VALUE_WIDTH$} # ignoreip, {from}"));
        }
        self.line("]");
    }

    fn without_counterpart(&mut self, jail: &Jail) {
        let key = match jail.filter.name.as_str() {
            "recidive" => "import-recidive",
            _ if reads_nginx_errors(jail) => "import-jail-nginx-errors",
            _ => "import-jail-none",
        };
        self.jail(key, jail, &[]);
        self.oddities(jail);
    }

    /// A jail whose failures a table counts that stands above.
    fn also(&mut self, jail: &Jail, policy: &str) {
        let (maxretry, findtime) = (jail.maxretry.value.to_string(), &jail.findtime.value.text);
        let more = [
            ("policy", policy),
            ("maxretry", maxretry.as_str()),
            ("findtime", findtime),
            ("bantime", &jail.bantime.value.text),
        ];
        self.jail("import-jail-also", jail, &more);
        self.oddities(jail);
    }

    /// What of a jail has no counterpart.
    fn oddities(&mut self, jail: &Jail) {
        let own = jail.filter.files.iter().find(|file| file.ends_with(".local"));
        let written = jail.filter.failregex.iter().map(|regex| &regex.from.file);
        let in_jail =
            written.chain(own).find(|file| !file.contains("filter.d/") || file.ends_with(".local"));
        if let Some(file) = in_jail {
            self.note("import-own-filter", &[("file", file)]);
        }
        if !jail.ignorecommand.value.is_empty() {
            let place = jail.ignorecommand.from.to_string();
            self.note("import-ignorecommand", &[("place", &place)]);
        }
        for action in jail.actions.iter().filter(|action| !is_block(&action.name)) {
            let place = action.from.to_string();
            self.note("import-action", &[("action", &action.name), ("place", &place)]);
        }
    }

    fn values(&mut self, jail: &Jail, purge: &Span, purge_from: &Place) {
        let failures = jail.maxretry.value.clamp(1, i64::from(POLICY_FAILURES_MAX)).to_string();
        self.value(
            "failures",
            &failures,
            &format!("maxretry, {}", self.place(&jail.maxretry.from)),
        );
        let from =
            |name: &str, span: &Span, from: String| format!("{name} = {}, {from}", span.text);
        let place = self.place(&jail.findtime.from);
        let findtime = from("findtime", &jail.findtime.value, place);
        self.value("within", &length(jail.findtime.value.seconds.max(1.0)), &findtime);
        self.value("slow_failures", "0", self.say.text("import-slow", &[]).as_str());
        let bantime = from("bantime", &jail.bantime.value, self.place(&jail.bantime.from));
        if jail.bantime.value.is_forever() {
            return self.value("block", "\"forever\"", &bantime);
        }
        let first = jail.bantime.value.seconds.max(1.0);
        self.value("block", &length(first), &bantime);
        self.growth(jail, first);
        let purge_text = from("dbpurgeage", purge, self.place(purge_from));
        self.value("forget_after", &length(purge.seconds.max(1.0)), &purge_text);
    }

    /// Where a value stands, if somebody wrote it.
    fn place(&self, place: &Place) -> String {
        match place.is_built_in() {
            true => self.say.text("import-built-in", &[]),
            false => place.to_string(),
        }
    }

    /// monban multiplies by one factor; fail2ban's formula is tried for its first bans.
    fn growth(&mut self, jail: &Jail, first: f64) {
        let grows = &jail.increment;
        let from = format!("bantime.increment, {}", self.place(&grows.enabled.from));
        if !grows.enabled.value {
            self.value("block_factor", "1", &from);
            return self.value("block_max", &length(first), &from);
        }
        let next = |count| grows.next_seconds(first, count).clamp(1.0, DURATION_MAX_S as f64);
        let factor = (next(1) / first).round().clamp(1.0, 100.0);
        let shown: Vec<String> = (1..=4).map(|count| format!("{}s", next(count).round())).collect();
        let (shown, place) = (shown.join(", "), grows.enabled.from.to_string());
        self.note("import-growth", &[("times", &shown), ("place", &place)]);
        if let Some(chance) = grows.rndtime.as_ref().filter(|chance| chance.value.seconds > 0.0) {
            let (time, place) = (chance.value.text.as_str(), chance.from.to_string());
            self.note("import-rndtime", &[("time", time), ("place", &place)]);
        }
        self.value("block_factor", &factor.to_string(), &from);
        let last = next(DOUBLINGS).max(first);
        let most = grows.maxtime.as_ref();
        let from = most
            .map_or(from, |most| format!("bantime.maxtime = {}, {}", most.value.text, most.from));
        self.value("block_max", &length(last), &from);
    }
}

/// Whether monban looks for this log by itself.
fn is_usual(path: &str) -> bool {
    USUAL_LOGS.iter().any(|usual| {
        let pattern = glob::Pattern::new(usual);
        *usual == path || pattern.is_ok_and(|pattern| pattern.matches(path))
    })
}

/// Seconds as a length of time of monban.toml.
fn length(seconds: f64) -> String {
    let whole = seconds.round().clamp(1.0, DURATION_MAX_S as f64) as u64;
    let mut rest = whole;
    let mut text = String::new();
    for (size, unit) in [(86_400, 'd'), (3600, 'h'), (60, 'm'), (1, 's')] {
        if rest >= size {
            text.push_str(&format!("{}{unit}", rest / size));
        }
        rest %= size;
    }
    quoted(&text)
}

/// A text of TOML.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_written_in_its_largest_units_and_is_read_as_the_same() {
        for (seconds, text) in [
            (1, "1s"),
            (600, "10m"),
            (5400, "1h30m"),
            (90_061, "1d1h1m1s"),
            (629_145_600, "7281d18h40m"),
            (DURATION_MAX_S, "36600d"),
        ] {
            let written = length(seconds as f64);
            assert_eq!(written, format!("\"{text}\""));
            assert_eq!(monban_model::parse_duration_s(text), Ok(seconds));
        }
        assert_eq!(length(0.2), "\"1s\"");
    }
}

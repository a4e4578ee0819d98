//! A jail for people.

use monban_fail2ban::config::{ActionKind, ActionSpec, Jail, Place, Sourced, Span};
use monban_views::{Say, printable};

/// One jail: each value under fail2ban's own name, with the line it came from.
pub fn jail(jail: &Jail, say: &Say) -> String {
    let mut page = Page { text: String::new(), say };
    let state = if jail.enabled { "f2b-jail" } else { "f2b-jail-off" };
    page.head(state, &[("jail", &jail.name), ("place", &jail.place.to_string())]);
    let filter = &jail.filter;
    let backend = &jail.backend;
    page.row("backend", &backend.value.name, &backend.from);
    for path in &jail.logpath {
        let count = path.files.len().to_string();
        let values = [("path", path.pattern.as_str()), ("count", &count)];
        page.row("logpath", &say.text("f2b-files", &values), &path.from);
    }
    page.row("filter", &filter.name, &filter.from);
    page.maybe("datepattern", filter.datepattern.as_ref());
    page.maybe("prefregex", filter.prefregex.as_ref());
    page.list("failregex", &filter.failregex);
    page.list("ignoreregex", &filter.ignoreregex);
    for one in &filter.journalmatch {
        page.row("journalmatch", &one.value.join(" "), &one.from);
    }
    page.row("maxlines", &filter.maxlines.value.to_string(), &filter.maxlines.from);
    page.row("usedns", filter.usedns.value.name(), &filter.usedns.from);
    page.row("logencoding", &jail.logencoding.value, &jail.logencoding.from);
    page.maybe("logtimezone", jail.logtimezone.as_ref());
    page.row("maxretry", &jail.maxretry.value.to_string(), &jail.maxretry.from);
    page.span("findtime", &jail.findtime);
    page.span("bantime", &jail.bantime);
    page.grown(jail);
    page.row("ignoreself", page.yes(jail.ignoreself.value), &jail.ignoreself.from);
    page.list("ignoreip", &jail.ignoreip);
    if !jail.ignorecommand.value.is_empty() {
        page.row("ignorecommand", &jail.ignorecommand.value, &jail.ignorecommand.from);
        page.maybe("ignorecache", jail.ignorecache.as_ref());
    }
    page.row("maxmatches", &jail.maxmatches.value.to_string(), &jail.maxmatches.from);
    for action in &jail.actions {
        page.action(action);
    }
    page.text.push('\n');
    page.text
}

struct Page<'a> {
    text: String,
    say: &'a Say,
}

impl Page<'_> {
    fn head(&mut self, key: &str, values: &[(&str, &str)]) {
        let line = self.say.text(key, values);
        self.text.push_str(&printable(line.as_bytes()));
        self.text.push('\n');
    }

    /// A value of one or more lines; further ones stand under the first.
    fn row(&mut self, name: &str, value: &str, from: &Place) {
        let from = match from.is_built_in() {
            true => self.say.text("f2b-built-in", &[]),
            false => from.to_string(),
        };
        for (number, line) in value.split('\n').enumerate() {
            let name = if number == 0 { name } else { "" };
            let from = if number == 0 { format!("   ({from})") } else { String::new() };
            let line = printable(line.as_bytes());
            self.text.push_str(&format!("  {name:22} {line}{from}\n"));
        }
    }

    fn maybe(&mut self, name: &str, one: Option<&Sourced<String>>) {
        if let Some(one) = one {
            self.row(name, &one.value, &one.from);
        }
    }

    fn list(&mut self, name: &str, list: &[Sourced<String>]) {
        for one in list {
            self.row(name, &one.value, &one.from);
        }
    }

    fn span(&mut self, name: &str, one: &Sourced<Span>) {
        let value = self.length(&one.value);
        self.row(name, &value, &one.from);
    }

    fn length(&self, span: &Span) -> String {
        if span.is_forever() {
            return self.say.text("forever", &[]);
        }
        self.say.duration(span.seconds.round() as u64)
    }

    fn yes(&self, yes: bool) -> &'static str {
        if yes { "true" } else { "false" }
    }

    fn grown(&mut self, jail: &Jail) {
        let increment = &jail.increment;
        if !increment.enabled.value {
            return;
        }
        self.row("bantime.increment", "true", &increment.enabled.from);
        if let Some(formula) = &increment.formula {
            self.row("bantime.formula", &formula.value.text, &formula.from);
        }
        let base = jail.bantime.value.seconds;
        let lengths: Vec<String> = (0..6)
            .map(|count| increment.next_seconds(base, count).max(0.0) as u64)
            .map(|seconds| self.say.duration(seconds))
            .collect();
        let value = self.say.text("f2b-grows", &[("lengths", &lengths.join(", "))]);
        self.row("", &value, &increment.factor.from);
        if let Some(most) = &increment.maxtime {
            self.span("bantime.maxtime", most);
        }
        if let Some(most) = &increment.rndtime {
            self.span("bantime.rndtime", most);
        }
        let all = &increment.overalljails;
        self.row("bantime.overalljails", self.yes(all.value), &all.from);
    }

    fn action(&mut self, action: &ActionSpec) {
        let kind = match action.kind {
            ActionKind::Shell => action.actname.clone(),
            ActionKind::Python if action.is_mail() => action.actname.clone(),
            ActionKind::Python => self.say.text("f2b-python", &[("name", &action.name)]),
        };
        self.row("action", &kind, &action.from);
        let commands = [
            ("  start", &action.start),
            ("  stop", &action.stop),
            ("  check", &action.check),
            ("  ban", &action.ban),
            ("  unban", &action.unban),
            ("  flush", &action.flush),
            ("  prolong", &action.prolong),
            ("  reban", &action.reban),
            ("  repair", &action.repair),
            ("  reload", &action.reload),
        ];
        for (name, command) in commands {
            self.maybe(name, command.as_ref().filter(|command| !command.value.is_empty()));
        }
        for (name, value) in action.shown.iter() {
            self.row(&format!("  <{name}>"), value.as_str(), &value.place());
        }
    }
}

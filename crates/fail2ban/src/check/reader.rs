//! The expressions of a filter, one by one: which of them are good, and whom they report.

use monban_pyre::ast::Ast;
use monban_pyre::{Options, parse};

use crate::config::{Complaint, FilterSpec, Sourced, UseDns};
use crate::filter::{Groups, Pattern, Problem, Value};

/// An expression that can be used.
pub(crate) struct Expression {
    /// Its number in the list, from 1.
    pub number: usize,
    /// As it was written.
    pub written: Sourced<String>,
    /// Its tree.
    pub ast: Ast,
    /// Compiled.
    pub pattern: Pattern,
}

/// The expressions of a filter.
#[derive(Default)]
pub(crate) struct Reader {
    /// The prefregex, if there is one and it is good.
    pub prefix: Option<Expression>,
    /// The good ones of the failregexes.
    pub fail: Vec<Expression>,
    ignore: Vec<Expression>,
    /// How many were given that are of no use.
    pub wrong: usize,
    /// Whether the prefregex is of no use, so that no line comes through.
    pub is_blocked: bool,
}

impl Reader {
    /// Compiles them all. What is wrong goes to `complaints`.
    pub fn new(filter: &FilterSpec, complaints: &mut Vec<Complaint>) -> Self {
        let dns = filter.usedns.value;
        let several = filter.maxlines.value > 1;
        let mut reader = Self::default();
        let mut compile = |list, number: usize, text: &Sourced<String>, multiline| match expression(
            number + 1,
            text,
            dns,
            multiline,
        ) {
            Ok(found) => Some(found),
            Err(problem) => {
                reader.wrong += 1;
                complaints.push(complaint(list, number + 1, text, &problem, filter));
                None
            }
        };
        let prefix = filter.prefregex.as_ref();
        let found = prefix.and_then(|text| compile("prefregex", 0, text, false));
        let is_blocked = prefix.is_some() && found.is_none();
        let prefix = found;
        let by_prefix = prefix.as_ref().is_some_and(|prefix| prefix.pattern.names_somebody());
        let mut fail = Vec::new();
        for (number, text) in filter.failregex.iter().enumerate() {
            fail.extend(compile("failregex", number, text, several));
        }
        let mut ignore = Vec::new();
        for (number, text) in filter.ignoreregex.iter().enumerate() {
            ignore.extend(compile("ignoreregex", number, text, false));
        }
        let names = |one: &Expression| by_prefix || one.pattern.names_somebody();
        for nobody in fail.iter().filter(|one| !names(one)) {
            reader.wrong += 1;
            let problem = Problem::NamesNobody;
            let complaint =
                complaint("failregex", nobody.number, &nobody.written, &problem, filter);
            complaints.push(complaint);
        }
        fail.retain(names);
        Self { prefix, fail, ignore, is_blocked, ..reader }
    }

    /// Whom the filter reports for a line without its date, and by which of its failregexes, by
    /// its place among the good ones.
    pub fn read(&self, line: &str) -> Option<(usize, String)> {
        let (content, prefix) = self.content(line)?;
        let found = self.fail.iter().enumerate().find_map(|(at, one)| {
            let groups = one.groups(&content)?;
            Some((at, who(&prefix, &groups)))
        });
        let (at, who) = found?;
        let is_ignored = self.ignore.iter().any(|one| one.groups(&content).is_some());
        (!is_ignored).then(|| who.map(|who| (at, who)))?
    }

    /// What the failregexes see of a line, and what the prefregex took out of it.
    fn content(&self, line: &str) -> Option<(String, Groups)> {
        let line = format!("{line}\n");
        let Some(prefix) = &self.prefix else { return Some((line, Groups::default())) };
        let mut groups = prefix.groups(&line)?;
        match groups.remove("content") {
            Some(Value::Text(content)) if !content.is_empty() => {
                Some((format!("{content}\n"), groups))
            }
            _ => Some((line, groups)),
        }
    }
}

impl Expression {
    fn groups(&self, text: &str) -> Option<Groups> {
        let found = self.pattern.search(text).ok()??;
        Some(self.pattern.groups(&found, text))
    }
}

/// Whom the groups name: those of the failregex go before those of the prefregex.
fn who(prefix: &Groups, groups: &Groups) -> Option<String> {
    ["fid", "ip4", "ip6", "dns", "host"].into_iter().find_map(|name| {
        let text = |groups: &Groups| groups.get(name)?.text().map(str::to_owned);
        text(groups).or_else(|| text(prefix))
    })
}

fn expression(
    number: usize,
    text: &Sourced<String>,
    dns: UseDns,
    multiline: bool,
) -> Result<Expression, Problem> {
    let pattern = Pattern::new(&text.value, dns, multiline)?;
    let options = Options { multiline, ..Options::default() };
    let ast = parse(pattern.text(), options).map_err(Problem::Regex)?;
    Ok(Expression { number, written: text.clone(), ast, pattern })
}

fn complaint(
    list: &str,
    number: usize,
    text: &Sourced<String>,
    problem: &Problem,
    filter: &FilterSpec,
) -> Complaint {
    let place = text.from.clone();
    let complaint = match problem {
        Problem::Empty => Complaint::error("regex-empty", place),
        Problem::NamesNobody if is_lost_tag(&text.value) => {
            Complaint::error("regex-lost-tag", place).with("tag", text.value.trim())
        }
        Problem::NamesNobody => Complaint::error("regex-names-nobody", place),
        Problem::Regex(error) => {
            let near = near(&text.value, filter, error.offset);
            let hint = error.hint.map_or("none", monban_pyre::Hint::name);
            Complaint::error("regex-wrong", place)
                .with("error", &error.message)
                .with("offset", error.offset.to_string())
                .with("near", near)
                .with("hint", hint)
        }
    };
    complaint.with("list", list).with("number", number.to_string()).with("filter", &filter.name)
}

/// Whether an expression is nothing but a tag for which nothing was put in.
fn is_lost_tag(text: &str) -> bool {
    let name = text.trim().strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    name.is_some_and(|name| name.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c)))
}

/// What stands at the mistake.
fn near(text: &str, filter: &FilterSpec, offset: usize) -> String {
    let expanded = crate::filter::expanded(text, filter.usedns.value);
    expanded.chars().skip(offset).take(24).collect()
}

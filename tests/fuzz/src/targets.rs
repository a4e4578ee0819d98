//! What is tried, and what each input must hold to.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use monban_fail2ban::config::{Complaints, Configuration, Files, FilterSpec, Reading, read_filter};
use monban_fail2ban::dates::{DateFinder, Zone};
use monban_fail2ban::filter::{Filter, Texts, Use, UseDns};
use monban_pyre::{Options, Regex};

use crate::chance::Corpus;
use crate::oracle::Case;
use crate::seeds;

/// The time for all of them, in seconds since 1970.
const NOW_S: i64 = 1_124_013_600;

/// What one input came to: a digest, or what is wrong with the answer.
pub type Answer = Result<u64, String>;

/// Something that reads texts.
pub enum Target {
    /// Files of a configuration, and all that is made of them.
    Ini,
    /// An expression, and a text behind the first line end.
    Regex,
    /// Lines, the first perhaps a `datepattern`.
    Dates,
    /// Lines for one of these filters.
    Filter(Vec<FilterSpec>),
}

impl Target {
    /// By its name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "ini" => Self::Ini,
            "regex" => Self::Regex,
            "dates" => Self::Dates,
            "filter" => Self::Filter(filters()),
            _ => return None,
        })
    }

    /// What its inputs are made from.
    pub fn corpus(&self) -> Corpus {
        match self {
            Self::Ini => seeds::files(),
            Self::Regex => seeds::expressions(),
            Self::Dates => seeds::dated(),
            Self::Filter(_) => seeds::lines(),
        }
    }

    /// Tries an input.
    pub fn run(&self, input: &str) -> Answer {
        match self {
            Self::Ini => ini(input),
            Self::Regex => regex(input),
            Self::Dates => dates(input),
            Self::Filter(specs) => filter(specs, input),
        }
    }

    /// What is to be asked of Python, if this target has something.
    pub fn case(&self, input: &str) -> Option<Case> {
        matches!(self, Self::Regex).then(|| Case::of(input)).flatten()
    }
}

fn digest(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// The input is each kind of file at once. What was read is given to roles and read again there:
/// that must be the same.
fn ini(input: &str) -> Answer {
    let folder = Path::new("/nowhere/f");
    let names = ["jail.conf", "jail.local", "fail2ban.conf", "filter.d/x.conf", "action.d/x.conf"];
    let texts = names.map(|name| (folder.join(name), input.to_owned()));
    let reading = Reading { all: true, ..Reading::default() };
    let (found, files) = Configuration::read_within(folder, Files::held(texts), &reading);
    let kept: Vec<(PathBuf, String)> =
        files.texts().map(|(path, text)| (path.to_path_buf(), text.to_owned())).collect();
    let (again, _) = Configuration::read_within(folder, Files::held(kept), &reading);
    let shown = shown(&found);
    match shown == self::shown(&again) {
        true => Ok(digest(&shown)),
        false => Err("read again from its files it is another".to_owned()),
    }
}

/// All that is told of it.
fn shown(found: &Configuration) -> String {
    let Configuration { server, jails, broken, names, complaints } = found;
    let told = (complaints.list(), complaints.more);
    format!("{server:?} {jails:?} {broken:?} {names:?} {told:?}")
}

/// An expression and its text.
pub fn parts(input: &str) -> (&str, &str) {
    input.split_once('\n').unwrap_or((input, ""))
}

fn regex(input: &str) -> Answer {
    let (pattern, text) = parts(input);
    let regex = match Regex::new(pattern, Options::default()) {
        Ok(regex) => regex,
        Err(error) => return Ok(digest(&error.message)),
    };
    let Ok(found) = regex.search(text) else { return Ok(1) };
    let Some(found) = found else { return Ok(2) };
    let spans: Vec<_> = (0..=regex.group_count()).map(|group| found.span(group)).collect();
    if let Some((from, to)) =
        spans.iter().flatten().find(|(from, to)| text.get(*from..*to).is_none())
    {
        return Err(format!("no span of the text: {from} to {to}"));
    }
    if let Some(needed) = regex.needed() {
        let texts: Vec<String> = match needed.any_case {
            true => needed.texts.iter().map(|text| text.to_ascii_lowercase()).collect(),
            false => needed.texts,
        };
        let lower = if needed.any_case { text.to_ascii_lowercase() } else { text.to_owned() };
        if !texts.iter().any(|needed| lower.contains(needed)) {
            return Err(format!("it matches without any of {texts:?}"));
        }
    }
    Ok(digest(&spans))
}

fn dates(input: &str) -> Answer {
    let (first, rest) = parts(input);
    let is_pattern = ["%", "{", "**", "EPOCH"].iter().any(|mark| first.contains(mark));
    let pattern = is_pattern.then_some(first);
    let finder = DateFinder::new(pattern, NOW_S, Zone::utc(), None);
    let Ok(mut finder) = finder else { return Ok(1) };
    let mut found = Vec::new();
    for (line, now_s) in rest.split('\n').chain([first]).zip(NOW_S..) {
        let Some(date) = finder.find(line, now_s) else { continue };
        for (from, to) in [date.cut, date.full] {
            if line.get(from..to).is_none() {
                return Err(format!("no span of the line {line:?}: {from} to {to}"));
            }
        }
        found.push(format!("{date:?}"));
    }
    Ok(digest(&found))
}

/// The filters of the installed configuration that can be read.
fn filters() -> Vec<FilterSpec> {
    let folder = seeds::configuration();
    let entries = std::fs::read_dir(folder.join("filter.d")).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".conf")?.to_owned()))
        .collect();
    names.sort();
    let read = |name: &String| {
        let mut complaints = Complaints::default();
        read_filter(&folder, name, "auto", Default::default(), &mut complaints).ok()
    };
    names.iter().filter_map(read).filter(|spec| !spec.failregex.is_empty()).collect()
}

fn filter(specs: &[FilterSpec], input: &str) -> Answer {
    // Which one follows from the input, so that an input is all that is needed to see it again.
    let at = digest(&input) as usize % specs.len().max(1);
    let Some(spec) = specs.get(at) else { return Ok(0) };
    let texts = |list: &[_]| -> Vec<String> {
        list.iter()
            .map(|one: &monban_fail2ban::config::Sourced<String>| one.value.clone())
            .collect()
    };
    let (failregex, ignoreregex) = (texts(&spec.failregex), texts(&spec.ignoreregex));
    let written = Texts {
        prefregex: spec.prefregex.as_ref().map(|one| one.value.as_str()),
        failregex: &failregex,
        ignoreregex: &ignoreregex,
        maxlines: spec.maxlines.value as usize,
        usedns: UseDns::Warn,
    };
    let pattern = spec.datepattern.as_ref().map(|one| one.value.as_str());
    let Ok(dates) = DateFinder::new(pattern, NOW_S, Zone::utc(), None) else { return Ok(1) };
    let Ok(mut filter) = Filter::new(&written, dates, Use::default()) else { return Ok(2) };
    let mut read = Vec::new();
    for (line, now_s) in input.split('\n').zip(NOW_S..) {
        read.push(format!("{:?}", filter.read(line, now_s)));
    }
    Ok(digest(&read))
}

//! Filters as they are set up on both sides, and where they are found.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use monban_fail2ban::config::{Complaints, Version, read_filter};
use monban_fail2ban::dates::{DateFinder, Zone};
use monban_fail2ban::filter::{self, Filter, Use, UseDns};
use serde_json::{Value, json};

const RULE: &str = "CET-01CEST-02,M3.5.0,M10.5.0";

/// What fail2ban after 1.0.2 does otherwise, and we as well.
pub const RULES: [&str; 2] = [
    // An address of IPv6 may begin with a lone colon: `(?:[0-9a-fA-F]{1,4}::?|:){1,7}`, where
    // 1.0.2 has `::` for the second.
    "lone colon",
    // A group that the prefregex has set stays, unless a group of that name in the failregex
    // takes part in the match; 1.0.2 lost it if it took no part.
    "prefix stays",
];

/// A filter as it is used.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The folder with `filter.d`.
    pub folder: PathBuf,
    /// Its name, perhaps with options.
    pub filter: String,
    /// Every expression is tried on every line.
    pub all: bool,
    pub usedns: UseDns,
    pub journal: bool,
    pub rules: Vec<&'static str>,
}

/// Its texts after all interpolation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Texts {
    pub failregex: Vec<String>,
    pub ignoreregex: Vec<String>,
    pub prefregex: Option<String>,
    pub datepattern: Option<String>,
    pub maxlines: usize,
}

impl Setting {
    pub fn new(folder: &Path, filter: &str) -> Self {
        Self {
            folder: folder.to_owned(),
            filter: filter.to_owned(),
            all: true,
            usedns: UseDns::Raw,
            journal: filter.contains("logtype=\"journal\""),
            rules: RULES.to_vec(),
        }
    }

    pub fn json(&self) -> Value {
        let usedns = match self.usedns {
            UseDns::Yes => "yes",
            UseDns::Warn => "warn",
            UseDns::No => "no",
            UseDns::Raw => "raw",
        };
        json!({
            "folder": self.folder, "filter": self.filter, "usedns": usedns, "all": self.all,
            // A test of a filter resolves no name.
            "raw": self.all, "rules": self.rules,
        })
    }

    /// What our reader makes of the files.
    pub fn texts(&self) -> Option<Texts> {
        let mut odd = Complaints::default();
        let spec = read_filter(&self.folder, &self.filter, "auto", Version::V1_0, &mut odd).ok()?;
        Some(Texts {
            failregex: spec.failregex.into_iter().map(|text| text.value).collect(),
            ignoreregex: spec.ignoreregex.into_iter().map(|text| text.value).collect(),
            prefregex: spec.prefregex.map(|text| text.value),
            datepattern: spec.datepattern.map(|text| text.value),
            maxlines: usize::try_from(spec.maxlines.value).expect("a small number"),
        })
    }

    /// The filter, compiled.
    pub fn compile(&self, texts: &Texts) -> Option<Filter> {
        let pattern = texts.datepattern.as_deref();
        let zone = Zone::named(RULE).expect("a zone");
        let dates = DateFinder::new(pattern, real_now_s(), zone, None).ok()?;
        let all = filter::Texts {
            prefregex: texts.prefregex.as_deref(),
            failregex: &texts.failregex,
            ignoreregex: &texts.ignoreregex,
            maxlines: texts.maxlines,
            usedns: self.usedns,
        };
        Filter::new(&all, dates, Use { all: self.all }).ok()
    }

    pub fn name(&self) -> &str {
        self.filter.split('[').next().unwrap_or_default()
    }
}

fn real_now_s() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.expect("after 1970").as_secs()).expect("in range")
}

/// All filters of a folder that have expressions, each in all its modes and kinds of log.
pub fn of_folder(folder: &Path) -> Vec<(Setting, Texts)> {
    let mut found = Vec::new();
    for path in files(&folder.join("filter.d")) {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if path.extension().is_none_or(|end| end != "conf") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a readable filter");
        let mut seen: Vec<Texts> = Vec::new();
        for options in options(&text) {
            let setting = Setting::new(folder, &format!("{name}{options}"));
            let Some(texts) = setting.texts() else { continue };
            if !texts.failregex.is_empty() && !seen.contains(&texts) {
                seen.push(texts.clone());
                found.push((setting, texts));
            }
        }
    }
    found
}

/// What may stand behind the name of a filter: `mode` where its keys end in one, and the like.
fn options(text: &str) -> Vec<String> {
    let mut modes = BTreeSet::from(["normal", "ddos", "aggressive", "extra"]);
    for line in text.lines() {
        let key = line.split(['=', ' ']).next().unwrap_or_default();
        if let Some((_, mode)) = key.rsplit_once('-')
            && !mode.is_empty()
            && mode.chars().all(|c| c.is_ascii_lowercase())
        {
            modes.insert(mode);
        }
    }
    let mut options = vec![String::new()];
    options.extend(modes.iter().map(|mode| format!("[mode=\"{mode}\"]")));
    options.push("[logtype=\"journal\"]".to_owned());
    options.push("[logtype=\"short\"]".to_owned());
    options.push("[mode=\"aggressive\", logtype=\"journal\"]".to_owned());
    options.push("[logging=\"syslog\"]".to_owned());
    options.push("[type=\"nginx\"]".to_owned());
    options
}

/// The files of a folder, sorted.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.is_file());
    paths.sort();
    paths
}

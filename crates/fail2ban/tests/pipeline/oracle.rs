//! The installed fail2ban as a child, and the answers of both sides in one form.

use std::collections::BTreeMap;
use std::net::IpAddr;

use monban_fail2ban::filter::{Hit, Id, Reading, Value as Group};
use serde_json::{Value, json};

use crate::python::{Python, script};
use crate::setting::{Setting, Texts};

/// What both sides do.
#[derive(Clone, Debug)]
pub enum Order {
    New(Setting),
    Line { line: String, now: i64, journal: bool },
}

/// What they say.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The filter is ready; its texts.
    Ready(Texts),
    /// It cannot be used.
    Refused,
    /// The failures of a line, by [`Failure`]'s fields.
    Failures(Vec<Failure>),
    /// fail2ban drops the line over an exception.
    Stumbles(String),
    /// What came of the line is not known, nor what was remembered: a search took too long.
    Unknown,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub regex: usize,
    pub id: Option<String>,
    /// `net`, `name` or `text`.
    pub kind: Option<&'static str>,
    pub time: Option<i64>,
    pub groups: BTreeMap<String, Value>,
    pub users: Option<Vec<String>>,
    pub ip: Option<String>,
    pub count: usize,
    /// The last of the lines that it stands for.
    pub lines: Vec<String>,
    /// Lines that wait for a failure of their connection.
    pub quiet: usize,
}

impl Answer {
    pub fn of(reading: &Reading) -> Self {
        if reading.overruns > 0 {
            return Self::Unknown;
        }
        Self::Failures(reading.hits.iter().map(Failure::of).collect())
    }

    fn of_json(answer: &Value) -> Self {
        if let Some(texts) = answer.get("texts") {
            return Self::Ready(serde_texts(texts));
        }
        if answer.get("refused").is_some() {
            return Self::Refused;
        }
        if answer.get("slow").is_some() {
            return Self::Unknown;
        }
        if let Some(text) = answer["stumbles"].as_str() {
            return Self::Stumbles(text.to_owned());
        }
        let hits = answer["hits"].as_array().map_or(&[] as &[_], Vec::as_slice);
        Self::Failures(hits.iter().map(Failure::of_json).collect())
    }

    /// Whether ours is what we want where this is fail2ban's.
    pub fn agrees(&self, ours: &Self) -> bool {
        match (self, ours) {
            (Self::Stumbles(_), Self::Failures(hits)) => hits.is_empty() || self.is_lost_on(hits),
            (Self::Failures(theirs), Self::Failures(ours)) => {
                let same = |(theirs, ours): (&Failure, &Failure)| {
                    theirs == ours || *theirs == ours.with_loose_mask()
                };
                theirs.len() == ours.len() && theirs.iter().zip(ours).all(same)
            }
            _ => self == ours,
        }
    }

    /// fail2ban loses a failure whose own ID has a slash with no number or mask behind it; here
    /// it counts under that text.
    fn is_lost_on(&self, ours: &[Failure]) -> bool {
        let Self::Stumbles(text) = self else { return false };
        let slash = |hit: &Failure| {
            let id = hit.id.as_deref().unwrap_or_default();
            hit.kind == Some("text") && id.contains('/')
        };
        let known = ["invalid literal for int()", "invalid mask"];
        known.iter().any(|known| text.contains(known)) && ours.iter().any(slash)
    }
}

impl Failure {
    /// What fail2ban makes of an ID with a slash and a dot or a colon behind it, which it takes
    /// for a mask of no bits: the text before it, or every address there is. Here it is a text.
    fn with_loose_mask(&self) -> Self {
        let mut loose = self.clone();
        if self.kind == Some("text")
            && let Some((name, mask)) = self.id.as_deref().and_then(|id| id.split_once('/'))
            && mask.contains(['.', ':'])
            && mask.parse::<IpAddr>().is_err()
        {
            let all = name.parse::<IpAddr>().ok().map(|ip| match ip.to_canonical() {
                IpAddr::V4(_) => "0.0.0.0",
                IpAddr::V6(_) => "::",
            });
            loose.kind = Some(if all.is_some() { "net" } else { "text" });
            loose.id = Some(all.unwrap_or(name).to_owned());
        }
        loose
    }

    fn of(hit: &Hit) -> Self {
        let failure = &hit.failure;
        let groups = failure.groups.iter().filter_map(|(name, value)| {
            let value = match value {
                Group::None => return None,
                Group::Text(text) => json!(text.as_ref()),
                Group::Tuple(parts) => json!(parts),
            };
            Some((name.to_owned(), value))
        });
        Self {
            regex: hit.regex,
            id: hit.id.as_ref().map(|id| shown(&id.to_string())),
            kind: hit.id.as_ref().map(|id| match id {
                Id::Net(_) => "net",
                Id::Name(_) => "name",
                Id::Text(_) => "text",
            }),
            time: hit.time,
            groups: groups.collect(),
            users: failure.users.as_ref().map(|users| users.iter().cloned().collect()),
            ip: failure.ip.as_deref().map(shown),
            count: failure.attempts(),
            lines: failure.matches.kept().iter().map(|line| line.whole()).collect(),
            quiet: failure.quiet_matches.count(),
        }
    }

    fn of_json(hit: &Value) -> Self {
        let text = |key: &str| hit[key].as_str().map(str::to_owned);
        let number = |key: &str| {
            usize::try_from(hit[key].as_u64().expect("a number")).expect("a small number")
        };
        let list = |key: &str| {
            let list = hit[key].as_array()?;
            Some(list.iter().map(|v| v.as_str().unwrap_or_default().to_owned()).collect())
        };
        let groups = hit["groups"].as_object().expect("groups");
        Self {
            regex: number("regex"),
            id: text("id").map(|id| shown(&id)),
            kind: hit["kind"].as_str().map(|kind| match kind {
                "net" => "net",
                "name" => "name",
                _ => "text",
            }),
            time: hit["time"].as_i64(),
            groups: groups.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            users: list("users"),
            ip: text("ip").map(|ip| shown(&ip)),
            count: number("count"),
            lines: list("lines").unwrap_or_default(),
            quiet: number("quiet"),
        }
    }
}

/// Addresses and networks in one form: fail2ban leaves out a length of 0, writes `::1:9` as
/// `::0.1.0.9`, and takes `::ffff:192.0.2.1` for an address of IPv6 if a length stands behind it.
fn shown(id: &str) -> String {
    let (base, length) = id.split_once('/').unwrap_or((id, ""));
    let Ok(ip) = base.parse::<IpAddr>() else { return id.to_owned() };
    if !length.chars().all(|c| c.is_ascii_digit()) {
        return id.to_owned();
    }
    let bits = length.parse::<u32>().ok().filter(|bits| *bits > 0);
    match (ip, ip.to_canonical(), bits) {
        (IpAddr::V6(_), IpAddr::V4(v4), Some(bits @ 96..)) => shown(&format!("{v4}/{}", bits - 96)),
        (_, canonical, None) => canonical.to_string(),
        (_, _, Some(bits)) => format!("{ip}/{bits}"),
    }
}

fn serde_texts(texts: &Value) -> Texts {
    let list = |key: &str| {
        let list = texts[key].as_array().expect("a list");
        list.iter().map(|text| text.as_str().expect("text").to_owned()).collect()
    };
    let one = |key: &str| texts[key].as_str().filter(|t| !t.is_empty()).map(str::to_owned);
    Texts {
        failregex: list("failregex"),
        ignoreregex: list("ignoreregex"),
        prefregex: one("prefregex"),
        datepattern: one("datepattern"),
        maxlines: usize::try_from(texts["maxlines"].as_u64().expect("a number")).expect("small"),
    }
}

/// fail2ban's answers, or `None` with a sentence if it is not installed. Others than 1.0.2 may do
/// otherwise; the rules of this test are about the difference to this one.
pub fn ask(orders: &[Order]) -> Option<Vec<Answer>> {
    let is_wanted = |first: &str| {
        let hello: Value = serde_json::from_str(first).expect("JSON");
        hello["version"] == "1.0.2"
    };
    let fail2ban = Python::start(script("pipeline/fail2ban.py")?, is_wanted)?;
    let answers = fail2ban.ask_all(orders.iter().map(|order| order.json().to_string()));
    let answer = |line: String| Answer::of_json(&serde_json::from_str(&line).expect("JSON"));
    Some(answers.into_iter().map(answer).collect())
}

impl Order {
    fn json(&self) -> Value {
        match self {
            Self::New(setting) => json!({"new": setting.json()}),
            Self::Line { line, now, journal } => {
                json!({"line": line, "now": now, "journal": journal})
            }
        }
    }
}

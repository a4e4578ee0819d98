//! The settings of a running jail, as `get` shows them and `set` changes them.

use crate::action::COMMANDS;
use crate::config::{
    self, ActionKind, ActionSpec, Increment, Jail, Options, Seconds, Text, UseDns,
};
use crate::filter::Id;

use super::value::Value;

/// The settings of a jail. A jail begins with what its configuration says ([`JailSettings::of`]),
/// and `set` changes it until the next reload.
#[derive(Clone, Debug, PartialEq)]
pub struct JailSettings {
    /// `pyinotify`, `polling` or `systemd`.
    pub backend: String,
    /// Whether the jail does nothing for now.
    pub idle: bool,
    /// Log files that are read, in the order in which they were added; none for the journal.
    pub logpath: Vec<String>,
    /// `auto` or the name of an encoding.
    pub logencoding: String,
    /// The time zone of dates without one.
    pub logtimezone: Option<String>,
    /// Which entries of the journal are read: words of one match each. None for files.
    pub journalmatch: Vec<Vec<String>>,
    /// Whether addresses of this machine are spared.
    pub ignoreself: bool,
    /// Who is spared, in the order in which it was added: addresses, networks and names.
    pub ignoreip: Vec<Id>,
    /// The command that spares; empty for none, `None` if the configuration says nothing of it.
    pub ignorecommand: Option<String>,
    /// How its answers are kept.
    pub ignorecache: Option<IgnoreCache>,
    /// What each line must match first, with its tags; empty for nothing.
    pub prefregex: String,
    /// Expressions with their tags.
    pub failregex: Vec<String>,
    /// Expressions with their tags.
    pub ignoreregex: Vec<String>,
    /// What is done with names.
    pub usedns: UseDns,
    /// How dates are found; `None` for all the forms that there are.
    pub datepattern: Option<String>,
    /// Lines that are looked at together.
    pub maxlines: i64,
    /// Failures are counted for so long.
    pub findtime: Seconds,
    /// So many of them lead to a ban.
    pub maxretry: i64,
    /// Lines that are kept of an address.
    pub maxmatches: i64,
    /// A ban lasts so many seconds; below zero is for ever.
    pub bantime_s: i64,
    /// `bantime.*` by the names behind the point, in the order in which they were set.
    pub bantime_extra: Vec<(String, Value)>,
    /// What is done with an address. It cannot be changed without a reload.
    pub actions: Vec<ActionSettings>,
}

/// `ignorecache`.
#[derive(Clone, Debug, PartialEq)]
pub struct IgnoreCache {
    /// What an answer is kept for, such as `<ip>`.
    pub key: String,
    /// So many are kept.
    pub max_count: i64,
    /// For so long.
    pub max_time: Seconds,
}

/// An action of a jail.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionSettings {
    /// The name in its jail.
    pub name: String,
    /// Whether it runs commands of a shell.
    pub runs_commands: bool,
    /// Its commands and values by name.
    pub properties: Vec<(String, Value)>,
}

impl JailSettings {
    /// What the configuration says.
    pub fn of(jail: &Jail) -> Self {
        let filter = &jail.filter;
        let is_journal = jail.backend.value.name.starts_with("systemd");
        let files = jail.logpath.iter().flat_map(|path| &path.files);
        let mut settings = Self {
            backend: match jail.backend.value.name.as_str() {
                "auto" => "pyinotify".to_owned(),
                name => name.to_owned(),
            },
            idle: false,
            logpath: match is_journal {
                true => Vec::new(),
                false => files.map(|file| file.to_string_lossy().into_owned()).collect(),
            },
            logencoding: jail.logencoding.value.clone(),
            logtimezone: jail.logtimezone.as_ref().map(|zone| zone.value.clone()),
            journalmatch: Vec::new(),
            ignoreself: jail.ignoreself.value,
            ignoreip: Vec::new(),
            ignorecommand: (jail.options.contains("ignorecommand"))
                .then(|| jail.ignorecommand.value.clone()),
            ignorecache: None,
            prefregex: filter.prefregex.as_ref().map_or("", |regex| &regex.value).to_owned(),
            failregex: filter.failregex.iter().map(|regex| regex.value.clone()).collect(),
            ignoreregex: filter.ignoreregex.iter().map(|regex| regex.value.clone()).collect(),
            usedns: filter.usedns.value,
            datepattern: filter.datepattern.as_ref().map(|pattern| pattern.value.clone()),
            maxlines: i64::from(filter.maxlines.value),
            findtime: Seconds::of_span(&jail.findtime.value),
            maxretry: jail.maxretry.value,
            maxmatches: jail.maxmatches.value,
            bantime_s: Seconds::of_span(&jail.bantime.value).whole(),
            bantime_extra: Vec::new(),
            actions: jail.actions.iter().map(ActionSettings::of).collect(),
        };
        if is_journal {
            filter.journalmatch.iter().for_each(|words| settings.add_journal_match(&words.value));
        }
        for spared in &jail.ignoreip {
            settings.add_ignored(&spared.value);
        }
        settings.ignorecache =
            jail.ignorecache.as_ref().and_then(|cache| IgnoreCache::parse(&cache.value).ok()?);
        for (key, value) in jail.options.iter() {
            if let Some(option) = key.strip_prefix("bantime.") {
                // The client sends these two as yes or no, and all others as text.
                let is_yes_or_no = matches!(option, "increment" | "overalljails");
                let value = match is_yes_or_no {
                    true => Value::Bool(config::is_yes(value.as_str())),
                    false => Value::text(value.as_str()),
                };
                // What the configuration says was complained about where it is no time.
                let _ = settings.set_extra(option, value);
            }
        }
        settings
    }

    /// Whether it reads the journal and no files.
    pub fn is_journal(&self) -> bool {
        self.backend.starts_with("systemd")
    }

    /// How bans grow with these settings.
    pub fn increment(&self) -> Increment {
        let mut options = Options::default();
        for (option, value) in &self.bantime_extra {
            let text = match (option.as_str(), value) {
                ("overalljails", value) => Value::Bool(is_true(value)).shown(),
                (_, value) => value.shown(),
            };
            options.set(&format!("bantime.{option}"), Text::built_in(text));
        }
        Increment::of_options(&options)
    }

    /// Puts an address, network or name onto the list of who is spared; false if it is there.
    pub(super) fn add_ignored(&mut self, text: &str) -> bool {
        let id = ignored(text);
        let is_new = !text.is_empty() && !self.ignoreip.contains(&id);
        if is_new {
            self.ignoreip.push(id);
        }
        is_new
    }

    /// Adds matches of the journal; a `+` stands between two.
    pub(super) fn add_journal_match(&mut self, words: &[String]) {
        let alternatives = words.split(|word| word == "+").map(<[String]>::to_vec);
        self.journalmatch.extend(alternatives);
    }

    /// Sets `bantime.OPTION`; an empty text takes it away.
    ///
    /// # Errors
    /// A value that is no length of time, number or formula.
    pub(super) fn set_extra(&mut self, option: &str, value: Value) -> Result<(), String> {
        let is_empty = value == Value::text("");
        let value = match (option, &value) {
            ("increment", _) => Some(Value::Bool(is_true(&value))),
            (_, _) if is_empty => None,
            ("maxtime" | "rndtime", Value::Str(text)) => {
                let seconds = Seconds::parse(text).map_err(|_| no_time(text))?;
                Some(Value::of_seconds(seconds))
            }
            ("factor" | "formula" | "multipliers", Value::Str(text)) => {
                if !Increment::takes(option, text) {
                    return Err(format!("monban does not understand bantime.{option}: {text}"));
                }
                Some(value)
            }
            _ => Some(value),
        };
        match (self.bantime_extra.iter_mut().find(|(name, _)| name == option), value) {
            (Some((_, old)), Some(new)) => *old = new,
            (None, Some(new)) => self.bantime_extra.push((option.to_owned(), new)),
            (Some(_), None) => self.bantime_extra.retain(|(name, _)| name != option),
            (None, None) => {}
        }
        Ok(())
    }
}

/// Why a text is no length of time.
pub(super) fn no_time(text: &str) -> String {
    format!("this is no length of time: {text}")
}

/// Whether a value counts as yes.
pub(super) fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(yes) => *yes,
        Value::Str(text) => config::is_yes(text),
        _ => false,
    }
}

/// An entry of `ignoreip`.
pub(super) fn ignored(text: &str) -> Id {
    match text.starts_with("file:") {
        true => Id::Text(text.to_owned()),
        false => Id::of_text(text),
    }
}

impl Value {
    /// A length of time, with a point if it was computed with one.
    pub fn of_seconds(seconds: Seconds) -> Self {
        match seconds {
            Seconds::Whole(seconds) => Self::Int(seconds),
            Seconds::Real(seconds) => Self::Float(seconds),
        }
    }
}

impl IgnoreCache {
    /// Reads `key="<ip>", max-count=100, max-time=5m`; `None` for an empty text.
    ///
    /// # Errors
    /// What is missing or no number.
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        let whole = format!("cache[{text}]");
        let parsed = config::Reference::parse(&whole, &config::Place::default());
        let Ok(reference) = parsed else { return Err(format!("no options of a cache: {text}")) };
        let get = |key: &str| reference.params.get(key).map(Text::as_str);
        if reference.params.iter().next().is_none() {
            return Ok(None);
        }
        let key = get("key").ok_or("a cache needs a key")?.to_owned();
        let count = get("max-count").unwrap_or("100");
        let max_count = config::whole_number(count).ok_or_else(|| no_number(count))?;
        let time = get("max-time").unwrap_or("300");
        let max_time = Seconds::parse(time).map_err(|_| no_time(time))?;
        Ok(Some(Self { key, max_count, max_time }))
    }
}

/// Why a text is no number.
pub(super) fn no_number(text: &str) -> String {
    format!("invalid literal for int() with base 10: {}", Value::text(text).repr())
}

impl ActionSettings {
    fn of(action: &ActionSpec) -> Self {
        let runs_commands = action.kind == ActionKind::Shell;
        let mut properties: Vec<(String, Value)> = Vec::new();
        let mut set = |key: &str, value: Value| {
            properties.retain(|(known, _)| known != key);
            properties.push((key.to_owned(), value));
        };
        if runs_commands {
            for command in COMMANDS {
                set(command, Value::text(""));
            }
            set("timeout", Value::Int(60));
        }
        let is_switch =
            |key| matches!(key, "actionstart_on_demand" | "actionrepair_on_unban" | "norestored");
        for (key, value) in action.options.iter() {
            set(
                key,
                match is_switch(key) {
                    true => Value::Bool(config::is_yes(value.as_str())),
                    false => Value::text(value.as_str()),
                },
            );
        }
        for (key, value) in action.params.iter() {
            set(key, Value::text(value.as_str()));
        }
        properties.sort_by(|(one, _), (two, _)| one.cmp(two));
        Self { name: action.actname.clone(), runs_commands, properties }
    }
}

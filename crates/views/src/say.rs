//! What is said to people, in their language.

use std::sync::{Arc, LazyLock};

use crate::own_texts::OwnTable;
use crate::sentences::Sentences;
use crate::texts::{self, Texts};

/// A language of the message tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tongue {
    /// English.
    English,
    /// Japanese.
    Japanese,
}

impl Tongue {
    /// The language of a name such as `ja`, `ja_JP.UTF-8` or `en`; `None` for one we do not speak.
    pub fn from_name(name: &str) -> Option<Self> {
        match name.split(['_', '.', '@', '-']).next()? {
            "ja" => Some(Self::Japanese),
            "en" | "C" | "POSIX" => Some(Self::English),
            _ => None,
        }
    }

    /// The language of the environment: the first of `LC_ALL`, `LC_MESSAGES`, `LANG` that is set,
    /// as POSIX orders them; else English.
    pub fn from_environment() -> Self {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .find_map(set)
            .and_then(|value| Self::from_name(&value))
            .unwrap_or(Self::English)
    }

    /// `en` or `ja`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Japanese => "ja",
        }
    }

    /// The messages, read when one is first looked for.
    pub(crate) fn texts(self) -> &'static Texts {
        static ENGLISH: LazyLock<Texts> =
            LazyLock::new(|| texts::read(include_str!("say/en.toml")));
        static JAPANESE: LazyLock<Texts> =
            LazyLock::new(|| texts::read(include_str!("say/ja.toml")));
        match self {
            Self::English => &ENGLISH,
            Self::Japanese => &JAPANESE,
        }
    }
}

/// The message table of one language.
#[derive(Clone, Debug)]
pub struct Say {
    tongue: Tongue,
    pub(crate) sentences: Sentences,
    /// What the operator wants said otherwise in messages.
    own: Option<Arc<OwnTable>>,
}

impl Say {
    /// The table of a language.
    pub fn new(tongue: Tongue) -> Self {
        Self { tongue, sentences: Sentences::of(tongue), own: None }
    }

    /// The table of a language with texts of the operator's over it.
    pub(crate) fn with_own(tongue: Tongue, own: Arc<OwnTable>) -> Self {
        Self { own: Some(own), ..Self::new(tongue) }
    }

    /// Its language.
    pub const fn tongue(&self) -> Tongue {
        self.tongue
    }

    /// The text of a key with its values put in, `{count:block|blocks}` as `1 block` or
    /// `2 blocks`. A key that is missing is shown itself: a test
    /// keeps that from happening.
    pub fn text(&self, key: &str, values: &[(&str, &str)]) -> String {
        let Some(template) = self.template(key) else { return key.to_owned() };
        let mut text = String::with_capacity(template.len() + 32);
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let Some((hole, tail)) = after.split_once('}') else { break };
            let (name, words) = hole.split_once(':').unwrap_or((hole, ""));
            let value = values.iter().find(|(known, _)| *known == name).map_or("?", |(_, v)| v);
            text.push_str(value);
            if let Some((one, many)) = words.split_once('|') {
                text.push(' ');
                text.push_str(if value == "1" { one } else { many });
            }
            rest = tail;
        }
        text.push_str(rest);
        text
    }

    fn template(&self, key: &str) -> Option<&str> {
        let own = self.own.as_ref().and_then(|own| own.get(key)).map(String::as_str);
        own.or_else(|| self.tongue.texts().get(key).map(|text| &**text))
    }

    /// The text of a key, if there is such a key.
    pub fn find(&self, key: &str, values: &[(&str, &str)]) -> Option<String> {
        self.tongue.texts().contains_key(key).then(|| self.text(key, values))
    }

    /// The text of a key for what a policy decided, or for what a jail of fail2ban did, whose
    /// policy is called `jail NAME`.
    pub fn of_policy(&self, key: &str, policy: &str, values: &[(&str, &str)]) -> String {
        let of_jail = || {
            let jail = ("jail", policy.strip_prefix("jail ")?);
            self.find(&format!("of-jail-{key}"), &[values, &[jail]].concat())
        };
        of_jail().unwrap_or_else(|| self.text(key, values))
    }

    /// A duration with at most two units: `1h 30m`, `1時間30分`.
    pub fn duration(&self, seconds: u64) -> String {
        let text = monban_model::show_duration(seconds);
        match self.tongue {
            Tongue::English => text,
            Tongue::Japanese => text
                .chars()
                .filter_map(|c| match c {
                    ' ' => None,
                    'd' => Some("日".to_owned()),
                    'h' => Some("時間".to_owned()),
                    'm' => Some("分".to_owned()),
                    's' => Some("秒".to_owned()),
                    other => Some(other.to_string()),
                })
                .collect(),
        }
    }

    /// The text of a notice.
    pub fn notice(&self, notice: &monban_model::Notice) -> String {
        let clean: Vec<(&str, String)> = notice
            .values
            .iter()
            .map(|(name, value)| (name.as_str(), self.value(name, value)))
            .collect();
        let mut values: Vec<(&str, &str)> =
            clean.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let complaint = self.problem_of(&values).map(|problem| problem.to_string());
        if let Some(why) = &complaint {
            values.insert(0, ("why", why));
        }
        // An end that does not come reads badly in a sentence that waits for one.
        let endless =
            notice.values.iter().any(|(name, value)| name == "until" && value == "forever");
        let key = format!("{}-forever", notice.key);
        match endless && self.tongue.texts().contains_key(&*key) {
            true => self.text(&key, &values),
            false => self.text(&notice.key, &values),
        }
    }

    /// What a complaint about a fail2ban configuration says: what is wrong, why that matters, and
    /// what to write instead; the last two may be empty.
    pub fn complaint(&self, kind: &str, values: &[(&str, &str)]) -> [String; 3] {
        let key = format!("f2b-{kind}");
        let value = |name| values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let hint = match (kind, value("meant").filter(|meant| !meant.is_empty())) {
            // What a regular expression probably meant.
            ("regex-wrong", _) => {
                self.find(&format!("regex-hint-{}", value("hint").unwrap_or_default()), &[])
            }
            // What was meant is said only where there is something close.
            (_, Some(meant)) => Some(self.text("f2b-meant", &[("meant", meant)])),
            _ => self.find(&format!("{key}-hint"), values),
        };
        let why = self.find(&format!("{key}-why"), values);
        // What a crate without language says.
        let error = value("error").map(|error| self.sentence(error));
        let own = error.as_deref().map(|error| ("error", error));
        let values = &[own.as_slice(), values].concat();
        [self.text(&key, values), why.unwrap_or_default(), hint.unwrap_or_default()]
    }

    /// The problem of a notice that rests on a complaint, in this language.
    pub fn notice_problem(&self, notice: &monban_model::Notice) -> Option<monban_model::Problem> {
        let clean: Vec<(&str, String)> = notice
            .values
            .iter()
            .map(|(name, value)| (name.as_str(), crate::printable(value.as_bytes())))
            .collect();
        let values: Vec<(&str, &str)> = clean.iter().map(|(n, v)| (*n, v.as_str())).collect();
        self.problem_of(&values)
    }

    /// The problem of a notice that rests on a complaint, which it names as `complaint`.
    fn problem_of(&self, values: &[(&str, &str)]) -> Option<monban_model::Problem> {
        let value = |name| values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let kind = value("complaint")?;
        let [what, why, hint] = self.complaint(kind, values);
        let line = value("at_line").and_then(|line| line.parse().ok()).unwrap_or(0);
        let file = value("at_file").unwrap_or_default().to_owned();
        let column = value("at_column").and_then(|column| column.parse().ok()).unwrap_or(0);
        Some(monban_model::Problem { file, line, column, what, why, hint })
    }

    /// A value for people: the end of a block in local time, everything else made safe.
    fn value(&self, name: &str, value: &str) -> String {
        if name == "until" {
            return match value.parse::<jiff::Timestamp>() {
                Ok(time) => {
                    let stamp = monban_model::Stamp(time.as_millisecond());
                    crate::LocalClock::of_system().date_time(stamp)
                }
                Err(_) => self.text("forever", &[]),
            };
        }
        match name {
            // Problems of a configuration, which have lines; monban wrote them itself.
            "text" => crate::printable_lines(value),
            "why" | "error" => crate::printable(self.sentence(value).as_bytes()),
            _ => crate::printable(value.as_bytes()),
        }
    }

    /// All keys, for tests.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.tongue.texts().keys().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn holes(text: &str) -> BTreeSet<String> {
        text.split('{')
            .skip(1)
            .filter_map(|part| Some(part.split_once('}')?.0.split(':').next()?.to_owned()))
            .collect()
    }

    #[test]
    fn both_languages_say_the_same_with_the_same_values() {
        let (en, ja) = (Say::new(Tongue::English), Say::new(Tongue::Japanese));
        let keys = |say: &Say| say.keys().map(str::to_owned).collect::<BTreeSet<String>>();
        assert!(keys(&en).len() > 100);
        assert_eq!(keys(&en), keys(&ja));
        for key in en.keys() {
            assert_eq!(holes(&en.tongue.texts()[key]), holes(&ja.tongue.texts()[key]), "{key}");
            assert_ne!(en.tongue.texts()[key], "", "{key}");
        }
    }

    #[test]
    fn a_language_is_told_by_its_name() {
        assert_eq!(Tongue::from_name("ja_JP.UTF-8"), Some(Tongue::Japanese));
        assert_eq!(Tongue::from_name("C.UTF-8"), Some(Tongue::English));
        assert_eq!(Tongue::from_name("fr_FR"), None);
    }

    #[test]
    fn a_name_of_a_file_makes_no_line_of_its_own() {
        let hostile = "/var/log/a\n05:00:00  LOGIN root\u{9b}\u{1b}[2J".to_owned();
        let values = vec![("path".to_owned(), hostile)];
        let notice = monban_model::Notice { key: "source-gone".to_owned(), values };
        for tongue in [Tongue::English, Tongue::Japanese] {
            let said = Say::new(tongue).notice(&notice);
            assert!(said.contains("/var/log/a\\x0a05:00:00"), "{said}");
            assert!(!said.chars().any(char::is_control), "{said:?}");
        }
    }

    #[test]
    fn a_complaint_is_told_in_the_words_of_whoever_reads_it() {
        let values = [
            ("jail", "x"),
            ("complaint", "no-filter-file"),
            ("at_file", "/f/jail.local"),
            ("at_line", "7"),
            ("why", "in English"),
            ("filter", "nosuch"),
            ("meant", "nosuck"),
        ];
        let values = values.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let notice = monban_model::Notice { key: "jail-broken".to_owned(), values };
        let of = |tongue| Say::new(tongue).notice(&notice);
        let (english, japanese) = (of(Tongue::English), of(Tongue::Japanese));
        let begin = "[x] does not run: /f/jail.local:7: there is no filter nosuch (";
        assert!(english.starts_with(begin), "{english}");
        assert!(english.ends_with("did you mean `nosuck`?"), "{english}");
        let begin = "[x] は動きません: /f/jail.local:7: フィルター nosuch がありません (";
        assert!(japanese.starts_with(begin), "{japanese}");
    }

    #[test]
    fn durations_are_in_the_language() {
        assert_eq!(Say::new(Tongue::English).duration(5400), "1h 30m");
        assert_eq!(Say::new(Tongue::Japanese).duration(5400), "1時間30分");
    }

    /// Its unit is Japanese already, so that no space parts it from what follows.
    #[test]
    fn no_space_stands_behind_a_japanese_duration() {
        for (key, text) in Tongue::Japanese.texts() {
            for name in ["{span} ", "{window} ", "{ago} "] {
                let behind = text.split(name).skip(1).filter_map(|rest| rest.chars().next());
                assert!(behind.into_iter().all(|c| c.is_ascii()), "{key}: {text}");
            }
        }
    }

    #[test]
    fn a_word_goes_with_its_count() {
        let say = Say::new(Tongue::English);
        let of = |count| say.text("freed-all", &[("count", count)]);
        assert_eq!(
            [of("0"), of("1"), of("2")].join(", "),
            "0 blocks ended, 1 block ended, 2 blocks ended"
        );
    }

    /// A count before a word in the plural is written so that one reads well.
    #[test]
    fn no_english_text_has_a_bare_plural() {
        let counts = ["count", "failures", "lines", "rows", "records", "evidence", "sightings"];
        for (key, text) in Tongue::English.texts() {
            for count in counts {
                let after = text.split(&format!("{{{count}}} ")).nth(1).unwrap_or("");
                let word = after.split([' ', ',', ';', ':']).next().unwrap_or("");
                assert!(!word.ends_with('s') || word.len() < 3, "{key}: {text}");
            }
        }
    }

    #[test]
    fn values_are_put_in_and_never_read_as_a_template() {
        let say = Say::new(Tongue::English);
        let text = say.text("freed", &[("subject", "{subject} {x}")]);
        assert_eq!(text, "{subject} {x} is free");
        assert_eq!(say.text("no-such-key", &[]), "no-such-key");
    }
}

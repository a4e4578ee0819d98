//! What is found about the hook, with a code that stays, for people and for machines.

use std::path::Path;

use monban_model::{Problem, Severity};
use monban_views::{Say, printable};
use serde_json::{Value, json};

/// Something that is said of the hook, a script or sshd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which, for machines; its texts are `pam-` and this, with `-why` and `-hint` behind.
    pub code: &'static str,
    pub severity: Severity,
    /// The file that it is about, and the line, or 0.
    pub file: String,
    pub line: u32,
    /// What its texts name, as it was found.
    pub values: Vec<(&'static str, String)>,
}

impl Finding {
    /// One of a file as a whole.
    pub fn of(code: &'static str, severity: Severity, file: &Path) -> Self {
        let file = file.display().to_string();
        Self { code, severity, file, line: 0, values: Vec::new() }
    }

    /// The same at a line.
    pub fn at(mut self, line: u32) -> Self {
        self.line = line;
        self
    }

    /// The same with a value.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.values.push((name, value.into()));
        self
    }

    /// Whether somebody has to do something.
    pub fn is_wrong(&self) -> bool {
        self.severity >= Severity::Warning
    }

    /// Its texts.
    pub fn problem(&self, say: &Say) -> Problem {
        let clean: Vec<(&str, String)> =
            self.values.iter().map(|(name, value)| (*name, printable(value.as_bytes()))).collect();
        let values: Vec<(&str, &str)> = clean.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let key = format!("pam-{}", self.code);
        let part = |end: &str| say.find(&format!("{key}-{end}"), &values).unwrap_or_default();
        Problem {
            file: printable(self.file.as_bytes()),
            line: self.line,
            column: 0,
            what: say.text(&key, &values),
            why: part("why"),
            hint: part("hint"),
        }
    }

    /// For people: the place and what is wrong, then why and what to do, each on a line.
    pub fn in_words(&self, say: &Say) -> String {
        let problem = self.problem(say);
        let word = say.text(&format!("pam-severity-{}", self.severity.word()), &[]);
        let place = match (problem.file.as_str(), problem.line) {
            ("", _) => String::new(),
            (file, 0) => format!("{file}: "),
            (file, line) => format!("{file}:{line}: "),
        };
        let mut text = format!("{word}: {place}{}\n", problem.what);
        for part in [&problem.why, &problem.hint].into_iter().filter(|part| !part.is_empty()) {
            text.push_str(&format!("    {part}\n"));
        }
        text
    }

    /// For machines.
    pub fn in_json(&self, say: &Say) -> Value {
        let problem = self.problem(say);
        let values: serde_json::Map<String, Value> =
            self.values.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        json!({
            "code": self.code,
            "severity": self.severity.word(),
            "file": self.file,
            "line": self.line,
            "what": problem.what,
            "why": problem.why,
            "hint": problem.hint,
            "values": values,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use monban_views::Tongue;

    use super::*;

    /// The codes are read from the source of the commands.
    #[test]
    fn every_finding_has_its_texts_and_every_text_its_finding() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pam");
        let mut codes = BTreeSet::new();
        for name in ["survey.rs", "sshd.rs", "user_env.rs"] {
            let text = fs::read_to_string(folder.join(name)).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
            let words = code.split('"').skip(1).step_by(2);
            codes.extend(words.map(str::to_owned));
        }
        for tongue in [Tongue::English, Tongue::Japanese] {
            let say = Say::new(tongue);
            let keys: BTreeSet<&str> =
                say.keys().filter_map(|key| key.strip_prefix("pam-")).collect();
            let explained = keys.iter().filter_map(|key| key.strip_suffix("-why"));
            for code in explained.clone() {
                assert!(codes.contains(code), "a text of nothing: {code}");
            }
            assert!(explained.count() >= 25);
            let is_code = |word: &&str| {
                word.trim_matches('-').contains('-')
                    && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
            };
            for code in codes.iter().map(String::as_str).filter(is_code) {
                let is_state = keys.contains(format!("state-{code}").as_str());
                assert!(keys.contains(code) || is_state, "{code}");
            }
        }
    }

    #[test]
    fn a_name_of_a_file_makes_no_line_of_its_own() {
        let found = Finding::of("gone", Severity::Critical, Path::new("/etc/pam.d/a\nb\u{1b}[2J"));
        let found = found.at(3).with("service", "x\ny");
        for tongue in [Tongue::English, Tongue::Japanese] {
            let say = Say::new(tongue);
            let text = found.in_words(&say);
            assert_eq!(text.lines().count(), 3, "{text}");
            assert!(!text.contains('\u{1b}') && text.contains("/etc/pam.d/a\\x0ab"), "{text}");
        }
        let json = found.in_json(&Say::new(Tongue::English));
        assert_eq!((&json["code"], &json["line"]), (&json!("gone"), &json!(3)));
    }
}

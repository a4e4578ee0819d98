//! Sentences of the crates that know no language, in the reader's language.
//!
//! Problems of configuration and rule files and the errors of disks, firewalls and archives are
//! found there, and are English. For another language their sentences are looked up by their
//! form: `unknown key {key}` fits every such sentence.

use std::sync::OnceLock;

use monban_model::Problem;
use toml::de::DeTable;

use crate::{Say, Tongue};

/// The sentences of one language.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sentences {
    table: &'static str,
    /// English form and its translation; the form with the most letters first. Read for the first
    /// sentence.
    forms: OnceLock<Vec<(Vec<Piece>, String)>>,
}

/// A part of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Hole(String),
}

/// The hole whose content is looked up again.
const INNER: &str = "what";

impl Sentences {
    /// Those of a language; English needs none.
    pub(crate) fn of(tongue: Tongue) -> Self {
        let table = match tongue {
            Tongue::English => "",
            Tongue::Japanese => include_str!("say/sentences.ja.toml"),
        };
        Self { table, forms: OnceLock::new() }
    }

    fn forms(&self) -> &[(Vec<Piece>, String)] {
        self.forms.get_or_init(|| forms(self.table))
    }

    /// The sentence in this language, or as it is.
    pub(crate) fn text(&self, english: &str) -> String {
        let mut fitting =
            self.forms().iter().filter_map(|(form, text)| Some((values(form, english)?, text)));
        let Some((values, text)) = fitting.next() else {
            return english.to_owned();
        };
        let value = |name: &str| {
            let found = values.iter().find(|(known, _)| *known == name)?;
            // It is shorter than the sentence around it, so this ends.
            Some(if name == INNER { self.text(found.1) } else { found.1.to_owned() })
        };
        let put = |piece: Piece| match piece {
            Piece::Text(text) => text,
            Piece::Hole(name) => value(&name).unwrap_or_default(),
        };
        pieces(text).into_iter().map(put).collect()
    }
}

impl Say {
    /// A sentence of a crate that knows no language, as far as it is known.
    pub fn sentence(&self, english: &str) -> String {
        self.sentences.text(english)
    }

    /// The problems in this language, as far as their sentences are known.
    pub fn problems(&self, problems: &[Problem]) -> Vec<Problem> {
        let translate = |problem: &Problem| Problem {
            what: self.sentence(&problem.what),
            why: self.sentence(&problem.why),
            hint: self.sentence(&problem.hint),
            ..problem.clone()
        };
        problems.iter().map(translate).collect()
    }
}

fn forms(table: &str) -> Vec<(Vec<Piece>, String)> {
    let (table, _) = DeTable::parse_recoverable(table);
    let mut forms: Vec<(Vec<Piece>, String)> = table
        .into_inner()
        .into_iter()
        .filter_map(|(form, text)| {
            Some((pieces(form.get_ref()), text.get_ref().as_str()?.to_owned()))
        })
        .collect();
    forms.sort_by_key(|(form, _)| std::cmp::Reverse(letters(form)));
    forms
}

fn pieces(form: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = form;
    while let Some((before, name, after)) = hole(rest) {
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        pieces.push(Piece::Hole(name.to_owned()));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    pieces
}

fn hole(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

fn letters(form: &[Piece]) -> usize {
    let of = |piece: &Piece| if let Piece::Text(text) = piece { text.len() } else { 0 };
    form.iter().map(of).sum()
}

/// What stands in the holes of a sentence of this form.
fn values<'a, 'b>(form: &'a [Piece], sentence: &'b str) -> Option<Vec<(&'a str, &'b str)>> {
    let mut values = Vec::new();
    let mut rest = sentence;
    let mut open: Option<&str> = None;
    for (at, piece) in form.iter().enumerate() {
        match (piece, open.take()) {
            (Piece::Hole(name), _) => open = Some(name),
            (Piece::Text(text), None) => rest = rest.strip_prefix(text.as_str())?,
            (Piece::Text(text), Some(name)) => {
                let found = match at + 1 == form.len() {
                    true => rest.ends_with(text.as_str()).then(|| rest.len() - text.len())?,
                    false => rest.find(text.as_str())?,
                };
                values.push((name, &rest[..found]));
                rest = &rest[found + text.len()..];
            }
        }
    }
    if let Some(name) = open {
        values.push((name, rest));
        rest = "";
    }
    rest.is_empty().then_some(values)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    #[test]
    fn sentences_are_looked_up_by_their_form() {
        let japanese = Sentences::of(Tongue::Japanese);
        assert!(japanese.forms().len() > 80);
        for (english, expected) in [
            ("unknown key `a` in the file", "ファイルに不明なキー `a` があります"),
            ("unknown key `a` in [policy.x]", "[policy.x] に不明なキー `a` があります"),
            ("`within`: the path is too long", "`within`: パスが長すぎます"),
            ("`a` in [b] is the number 6", "[b] の `a` が数 6 です"),
            (
                "failregex 2: missing ), unterminated subpattern at position 4 (for the bracket itself \
                 write a backslash before it)",
                "failregex 2: 閉じ括弧 ) がありません (位置 4、括弧そのものは前にバックスラッシュを付けます)",
            ),
            ("unknown extension ?P>", "?P> という書き方はありません"),
            ("what nobody wrote", "what nobody wrote"),
            ("", ""),
        ] {
            assert_eq!(japanese.text(english), expected);
        }
        assert_eq!(Sentences::of(Tongue::English).text("it must not"), "it must not");
    }

    #[test]
    fn what_hinders_a_message_is_told_in_japanese() {
        let japanese = Sentences::of(Tongue::Japanese);
        for (english, expected) in [
            ("at EHLO: no answer in time", "EHLO: 時間内に応答がありません"),
            ("at the greeting: no answer in time", "接続直後: 時間内に応答がありません"),
            ("at DATA: Broken (os error 7)", "DATA: Broken (os error 7)"),
            (
                "no connection to mx.example.com port 25: connection refused",
                "mx.example.com のポート 25 に接続できません: 接続を拒否されました",
            ),
            ("/dev/log: connection refused", "/dev/log: 接続を拒否されました"),
            (
                "certificate of mx.example.com: it has expired",
                "mx.example.com の証明書: 有効期限が切れています",
            ),
            (
                "server said at MAIL FROM: 550 it has expired",
                "MAIL FROM に対するサーバーの応答: 550 it has expired",
            ),
            ("server said 404 no, and to go to /x", "サーバーの応答: 404 no (転送先 /x)"),
            ("/bin/x ended with 75: busy", "/bin/x が終了コード 75 で終わりました: busy"),
            ("421 too busy", "421 too busy"),
        ] {
            assert_eq!(japanese.text(english), expected);
        }
    }

    #[test]
    fn a_translation_has_the_holes_of_its_sentence() {
        let names = |form: &[Piece]| {
            let mut names: Vec<Piece> =
                form.iter().filter(|piece| matches!(piece, Piece::Hole(_))).cloned().collect();
            names.sort_by_key(|piece| format!("{piece:?}"));
            names
        };
        for (form, text) in Sentences::of(Tongue::Japanese).forms() {
            assert_eq!(names(form), names(&pieces(text)), "{text}");
        }
    }

    #[test]
    fn a_form_stands_once_in_the_table() {
        let table = Sentences::of(Tongue::Japanese);
        let (_, errors) = DeTable::parse_recoverable(table.table);
        let errors: Vec<_> = errors.iter().map(|error| (error.message(), error.span())).collect();
        assert!(errors.is_empty(), "{errors:?}");
        let mut known = std::collections::BTreeSet::new();
        for (form, text) in table.forms() {
            let nameless = form.iter().map(|piece| match piece {
                Piece::Text(text) => text.as_str(),
                Piece::Hole(_) => "{}",
            });
            assert!(known.insert(nameless.collect::<String>()), "{text} has a form twice");
        }
    }

    /// Whoever writes a mistake in the configuration wants it told in his language, too.
    #[test]
    fn each_sentence_of_the_configuration_is_translated() {
        let japanese = Sentences::of(Tongue::Japanese);
        let is_japanese = |text: &str| text.chars().any(|c| c >= '\u{3000}');
        let mut missing = Vec::new();
        let mut found = 0;
        for source in sources(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../config/src")) {
            for english in literals(&source).map(|literal| filled(&literal)) {
                if english.split_whitespace().count() < 3 || PARTS.contains(&english.as_str()) {
                    continue;
                }
                found += 1;
                if !is_japanese(&japanese.text(&english)) {
                    missing.push(english);
                }
            }
        }
        assert!(found > 200, "{found}");
        assert!(missing.is_empty(), "{missing:#?}");
    }

    /// What stands within another sentence, or is a command; with 7 in each hole.
    const PARTS: [&str; 17] = [
        "treatment of missing data",
        "decides whom monban shuts out",
        "decides what monban tells people",
        "whoever may change it 7",
        "chown root 7; chmod go-w 7",
        "mail, webhook (or url_file), sns, syslog, command",
        "to = \"alarms\"",
        "secret_file = \"/etc/..\"",
        "`7` is no 7; 7",
        "`7` in 7 is 7",
        "`7`: 7",
        "true or false",
        "a whole number from 7 to 7",
        "a text in quotes",
        "a list such as [\"a\", \"b\"]",
        "the text \"7\"",
        "the number 7",
    ];

    /// The files of Rust in a folder and below, without their tests.
    fn sources(folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.extend(sources(&path));
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap_or_default();
                let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
                // A quote as a character begins no text.
                let code = lines.collect::<Vec<_>>().join("\n").replace("'\"'", "");
                found.push(code);
            }
        }
        found
    }

    /// The texts in quotes of a source.
    fn literals(source: &str) -> impl Iterator<Item = String> {
        let mut rest = source.chars();
        std::iter::from_fn(move || {
            rest.by_ref().find(|c| *c == '"')?;
            let mut literal = String::new();
            while let Some(c) = rest.next() {
                match (c, rest.as_str().chars().next()) {
                    ('"', _) => break,
                    // A text that goes on in the next line.
                    ('\\', Some('\n')) => rest = rest.as_str().trim_start().chars(),
                    ('\\', _) => literal.extend(rest.next()),
                    _ => literal.push(c),
                }
            }
            Some(literal)
        })
    }

    /// A text for `format!` with something in its holes.
    fn filled(literal: &str) -> String {
        let braces = literal.replace("{{", "\u{1}").replace("}}", "\u{2}");
        let put = |piece: Piece| match piece {
            Piece::Text(text) => text,
            Piece::Hole(name) if name == "title" => "[[a]]".to_owned(),
            Piece::Hole(_) => "7".to_owned(),
        };
        let text: String = pieces(&braces).into_iter().map(put).collect();
        text.replace('\u{1}', "{").replace('\u{2}', "}")
    }
}

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
    use super::*;

    #[test]
    fn sentences_are_looked_up_by_their_form() {
        let japanese = Sentences::of(Tongue::Japanese);
        assert!(japanese.forms().len() > 80);
        for (english, expected) in [
            ("unknown key `a` in the file", "ファイル に不明なキー `a` があります"),
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
}

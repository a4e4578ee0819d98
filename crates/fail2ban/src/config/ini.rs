//! One file: sections, keys and values as Python's `configparser` reads them for fail2ban.
//!
//! What that parser refuses is complained about and repaired, so that the rest of the file and
//! all other files still count.

use std::sync::Arc;

use super::complaint::Complaint;
use super::oddities;
use super::options::Options;
use super::place::{Place, Text, is_space};

/// The name of the section whose values are valid in all others.
pub const DEFAULT: &str = "DEFAULT";

/// A section of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// Its name, as written.
    pub name: String,
    /// Its first header.
    pub place: Place,
    /// Its keys, in lower case.
    pub options: Options,
}

/// A file, read.
#[derive(Clone, Debug, Default)]
pub struct Ini {
    /// Its name.
    pub file: Arc<str>,
    /// `[DEFAULT]`.
    pub defaults: Options,
    /// All other sections in the order of their first headers.
    pub sections: Vec<Section>,
    /// What is wrong with it.
    pub complaints: Vec<Complaint>,
}

impl Ini {
    /// Reads a text. It never fails: what cannot be understood is complained about.
    pub fn parse(file: &str, text: &str) -> Self {
        let file: Arc<str> = Arc::from(file);
        let mut reader = Reader {
            ini: Self { file: Arc::clone(&file), ..Self::default() },
            at: None,
            key: None,
            indent: 0,
        };
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) => {
                let place = Place::new(&file, 1);
                reader.ini.complaints.push(Complaint::error("byte-order-mark", place));
                rest
            }
            None => text,
        };
        for (line, number) in lines(text).zip(1u32..) {
            reader.line(line, Place::new(&file, number));
        }
        reader.end();
        reader.ini
    }

    /// A section.
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }
}

/// Lines as Python's text files have them: each of `\n`, `\r\n` and `\r` ends one.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memchr2(b'\n', b'\r', rest.as_bytes()).unwrap_or(rest.len());
        let (line, tail) = rest.split_at(end);
        rest = tail.strip_prefix("\r\n").or_else(|| tail.get(1..)).unwrap_or("");
        Some(line)
    })
}

/// The section that is being filled.
#[derive(Clone, Copy, PartialEq)]
enum At {
    Default,
    Section(usize),
}

struct Reader {
    ini: Ini,
    at: Option<At>,
    /// The key that further lines belong to.
    key: Option<String>,
    /// How far the line is indented that began the key.
    indent: usize,
}

impl Reader {
    fn line(&mut self, line: &str, place: Place) {
        let (kept, had_comment) = without_comment(line);
        let value = kept.trim_matches(is_space);
        if value.is_empty() {
            // A blank line belongs to the value before; a comment does not.
            if let (false, Some(text)) = (had_comment, self.current_value()) {
                text.push_line("", place);
            }
            return;
        }
        self.ini.complaints.extend(oddities::odd_character(kept, &place));
        let indent = line.chars().take_while(|c| is_space(*c)).count();
        if self.at.is_some() && self.key.is_some() && indent > self.indent {
            self.further_line(value, place);
            return;
        }
        self.indent = indent;
        if let Some((name, tail)) = header(value) {
            self.header(name, tail, place);
        } else if self.at.is_none() {
            let complaint = Complaint::error("no-section", place).with("line", value);
            self.ini.complaints.push(complaint);
        } else {
            self.option(value, place);
        }
    }

    fn further_line(&mut self, value: &str, place: Place) {
        let Some(key) = self.key.clone() else { return };
        let file = Arc::clone(&self.ini.file);
        let Some(text) = self.current_value() else { return };
        let found = oddities::in_further_line(&file, &key, text.as_str(), value, &place);
        text.push_line(value, place);
        self.ini.complaints.extend(found);
    }

    fn header(&mut self, name: &str, tail: &str, place: Place) {
        if !tail.is_empty() {
            let complaint = Complaint::error("header-tail", place.clone())
                .with("section", name)
                .with("tail", tail);
            self.ini.complaints.push(complaint);
        }
        self.key = None;
        if name == DEFAULT {
            self.at = Some(At::Default);
            return;
        }
        if let Some(known) = self.ini.sections.iter().position(|known| known.name == name) {
            let first = self.ini.sections[known].place.to_string();
            let complaint =
                Complaint::error("twice-section", place).with("section", name).with("first", first);
            self.ini.complaints.push(complaint);
            self.at = Some(At::Section(known));
            return;
        }
        if name != name.trim() || name.eq_ignore_ascii_case(DEFAULT) {
            let complaint = Complaint::warning("section-name", place.clone()).with("section", name);
            self.ini.complaints.push(complaint);
        }
        self.at = Some(At::Section(self.ini.sections.len()));
        let options = Options::default();
        self.ini.sections.push(Section { name: name.to_owned(), place, options });
    }

    fn option(&mut self, line: &str, place: Place) {
        let Some(at) = line.find(['=', ':']) else {
            let before = self.key.clone().unwrap_or_default();
            let is_list = oddities::is_regex_list(&before);
            let (kind, before) = match is_list || oddities::holds_an_address(line) {
                true if is_list => ("lost-indent-line", before),
                true => ("lost-indent-line", "failregex".to_owned()),
                false => ("no-delimiter", before),
            };
            let complaint = Complaint::error(kind, place).with("line", line).with("key", before);
            self.ini.complaints.push(complaint);
            return;
        };
        let key = line[..at].trim_end_matches(is_space).to_lowercase();
        let value = line[at + 1..].trim_matches(is_space);
        if key.is_empty() {
            self.ini.complaints.push(Complaint::error("no-key", place).with("line", line));
            return;
        }
        let text = Text::new(value, &place);
        self.ini.complaints.extend(oddities::in_first_line(&key, value, &place));
        self.key = Some(key.clone());
        let Some(options) = self.options() else { return };
        if let Some(first) = options.get_mut(&key) {
            let before = first.place().to_string();
            // Two lists of regular expressions are one list; of anything else the later counts.
            let is_list = oddities::is_regex_list(&key);
            if is_list {
                first.push_lines(&text);
            } else {
                *first = text;
            }
            let kind = if is_list { "twice-list" } else { "twice-key" };
            let complaint = Complaint::error(kind, place).with("key", key).with("first", before);
            self.ini.complaints.push(complaint);
        } else {
            options.set(&key, text);
        }
    }

    fn options(&mut self) -> Option<&mut Options> {
        match self.at? {
            At::Default => Some(&mut self.ini.defaults),
            At::Section(at) => self.ini.sections.get_mut(at).map(|section| &mut section.options),
        }
    }

    fn current_value(&mut self) -> Option<&mut Text> {
        let key = self.key.clone()?;
        self.options()?.get_mut(&key)
    }

    /// Values end where their last character is.
    fn end(&mut self) {
        let sections = self.ini.sections.iter_mut().map(|section| &mut section.options);
        for options in sections.chain([&mut self.ini.defaults]) {
            options.values_mut().for_each(Text::trim_end);
        }
    }
}

/// The line without its comment, and whether it had one: `#` or `;` first in the line, or `;`
/// after white space.
fn without_comment(line: &str) -> (&str, bool) {
    if line.trim_start_matches(is_space).starts_with(['#', ';']) {
        return ("", true);
    }
    for at in memchr::memchr_iter(b';', line.as_bytes()) {
        if line[..at].chars().next_back().is_none_or(is_space) {
            return (&line[..at], true);
        }
    }
    (line, false)
}

/// A section header and what stands behind it: the last `]` of the line ends the name.
fn header(line: &str) -> Option<(&str, &str)> {
    let inner = line.strip_prefix('[')?;
    let end = inner.rfind(']')?;
    if end == 0 {
        return None;
    }
    Some((&inner[..end], inner[end + 1..].trim_matches(is_space)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<&'static str> {
        Ini::parse("f", text).complaints.iter().map(|complaint| complaint.kind).collect()
    }

    fn value(text: &str, section: &str, key: &str) -> Option<String> {
        let ini = Ini::parse("f", text);
        let options = match section {
            DEFAULT => &ini.defaults,
            _ => &ini.section(section)?.options,
        };
        options.get(key).map(|text| text.as_str().to_owned())
    }

    #[test]
    fn values_end_at_comments_and_go_on_in_deeper_lines() {
        let text = "[a]\nX = 1 ; no\ny: b;c # d\nz =\n  1\n # x\n\n  2=3 ; c\n\n\nw=4\n";
        assert_eq!(value(text, "a", "x").as_deref(), Some("1"));
        assert_eq!(value(text, "a", "y").as_deref(), Some("b;c # d"));
        assert_eq!(value(text, "a", "z").as_deref(), Some("\n1\n\n2=3"));
        assert_eq!(value(text, "a", "w").as_deref(), Some("4"));
        assert!(kinds(text).is_empty());
        let ini = Ini::parse("f", text);
        let z = ini.section("a").and_then(|section| section.options.get("z"));
        let lines: Vec<u32> = z.iter().flat_map(|z| z.lines()).map(|(_, p)| p.line).collect();
        assert_eq!(lines, [4, 5, 7, 8]);
    }

    #[test]
    fn section_names_are_kept_as_written_and_keys_are_not() {
        let text = "[A b]\nKey=v\n[DEFAULT]\nd = 1\n[DEFAULT]\ne=2\r\nf=3\rg=4";
        assert_eq!(value(text, "A b", "key").as_deref(), Some("v"));
        for (key, expected) in [("d", "1"), ("e", "2"), ("f", "3"), ("g", "4")] {
            assert_eq!(value(text, DEFAULT, key).as_deref(), Some(expected));
        }
    }

    #[test]
    fn what_fail2ban_refuses_is_named_and_the_rest_counts() {
        assert_eq!(kinds("a = 1\n[s]\nb=2"), ["no-section"]);
        assert_eq!(kinds("[s]\nword\nb=2"), ["no-delimiter"]);
        assert_eq!(kinds("[s]\nfailregex = a\nword <HOST>"), ["lost-indent-line"]);
        assert_eq!(kinds("[s]\n= 2"), ["no-key"]);
        assert_eq!(kinds("[s]\na=1\n[s]\nb=2"), ["twice-section"]);
        assert_eq!(kinds("[s]\na=1\na=2"), ["twice-key"]);
        assert_eq!(kinds("\u{feff}[s]\na=1"), ["byte-order-mark"]);
        assert_eq!(kinds("[s] enabled = true\na=1"), ["header-tail"]);
        assert_eq!(kinds("[Default]\na=1"), ["section-name"]);
        let twice = "[s]\na=1\nfailregex = x\n[s]\nb=2\nfailregex = y\n  z";
        assert_eq!(value(twice, "s", "a").as_deref(), Some("1"));
        assert_eq!(value(twice, "s", "failregex").as_deref(), Some("x\ny\nz"));
        assert_eq!(value("[s]\na=1\na=2", "s", "a").as_deref(), Some("2"));
    }

    #[test]
    fn an_indented_key_after_a_header_is_a_key() {
        let text = "[s]\n   a = 1\n   b = 2\n     c\n";
        assert_eq!(value(text, "s", "a").as_deref(), Some("1"));
        assert_eq!(value(text, "s", "b").as_deref(), Some("2\nc"));
    }

    #[test]
    fn an_indented_header_is_swallowed_as_fail2ban_does_and_said() {
        let text = "[a]\nx = 1\n  [b]\n  enabled = true\n";
        assert_eq!(value(text, "a", "x").as_deref(), Some("1\n[b]\nenabled = true"));
        assert_eq!(kinds(text), ["header-indented", "second-key"]);
    }
}

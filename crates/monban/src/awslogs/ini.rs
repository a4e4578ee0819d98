//! The agent's files: INI as Python's `ConfigParser` read it in 2015, with the line of each value.

use std::collections::BTreeMap;

/// Longest file that is read, in bytes.
pub const FILE_BYTES_MAX: usize = 1 << 20;

/// A value and its line, from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Value {
    pub text: String,
    pub line: u32,
}

/// A section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    pub name: String,
    pub line: u32,
    pub values: BTreeMap<String, Value>,
}

/// A line that is not what its writer meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Odd {
    /// It is neither a section nor `name = value`: the agent refuses the file.
    NoValue,
    /// A value before the first section: the same.
    NoSection,
    /// It looks like a value of its own, but begins with a space: it goes on with the one before.
    Indented,
}

/// A file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ini {
    pub sections: Vec<Section>,
    pub odd: Vec<(u32, Odd)>,
}

impl Ini {
    /// Reads a text; whatever stands in it is a file. A section that stands there twice is one, and
    /// of a value that does the last counts.
    pub fn read(text: &str) -> Self {
        let mut ini = Self::default();
        let mut at: Option<usize> = None;
        let mut last: Option<String> = None;
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.trim().is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if line.starts_with([' ', '\t'])
                && let (Some(at), Some(name)) = (at, &last)
            {
                if looks_like_a_value(line.trim()) {
                    ini.odd.push((number, Odd::Indented));
                }
                if let Some(value) = ini.sections[at].values.get_mut(name) {
                    value.text.push('\n');
                    value.text.push_str(line.trim());
                }
                continue;
            }
            if let Some((name, _)) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
                let known = ini.sections.iter().position(|section| section.name == name);
                at = Some(known.unwrap_or_else(|| {
                    let name = name.to_owned();
                    ini.sections.push(Section { name, line: number, values: BTreeMap::new() });
                    ini.sections.len() - 1
                }));
                last = None;
                continue;
            }
            match (line.find(['=', ':']), at) {
                (None | Some(0), _) => ini.odd.push((number, Odd::NoValue)),
                (_, None) => ini.odd.push((number, Odd::NoSection)),
                (Some(sign), Some(at)) => {
                    let name = line[..sign].trim().to_ascii_lowercase();
                    let text = without_comment(line[sign + 1..].trim()).to_owned();
                    let value = Value { text, line: number };
                    ini.sections[at].values.insert(name.clone(), value);
                    last = Some(name);
                }
            }
        }
        ini
    }

    /// A section.
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }
}

fn looks_like_a_value(line: &str) -> bool {
    line.find(['=', ':']).is_some_and(|at| {
        let name = line[..at].trim();
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        !name.is_empty() && name.bytes().all(fits)
    })
}

/// A `;` behind a space begins a comment.
fn without_comment(value: &str) -> &str {
    let at = value.match_indices(';').map(|(at, _)| at);
    let mut comments = at.filter(|at| value[..*at].ends_with([' ', '\t']));
    comments.next().map_or(value, |at| value[..at].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_file_is_read_with_the_line_of_each_value() {
        let ini = Ini::read(
            "stray = 1\n[general]\nstate_file: /a ; note\n# b\n[/var/log/x]\nfile = /x\n  /y\n\
             junk\n log_group_name = g\n[/var/log/x]\nfile = a;b\n",
        );
        let names: Vec<&str> = ini.sections.iter().map(|section| section.name.as_str()).collect();
        assert_eq!(names, ["general", "/var/log/x"]);
        let value = |section: &str, name: &str| ini.section(section).unwrap().values[name].clone();
        assert_eq!(value("general", "state_file"), Value { text: "/a".to_owned(), line: 3 });
        assert_eq!(value("/var/log/x", "file"), Value { text: "a;b".to_owned(), line: 11 });
        assert_eq!(ini.odd, [(1, Odd::NoSection), (8, Odd::NoValue), (9, Odd::Indented)]);
    }

    proptest! {
        #[test]
        fn any_text_is_a_file(text in "[\\[\\]a-c=:;# \\t\\n\\r\u{9580}]{0,200}") {
            let ini = Ini::read(&text);
            let lines = text.lines().count() as u32;
            for section in &ini.sections {
                prop_assert!(section.values.values().all(|value| value.line <= lines));
            }
        }
    }
}

//! A message table. Most starts read one, so it is read as it is written, which is a little of
//! TOML: `key = "text"` on a line, or a text of several lines between `'''`.

use std::borrow::Cow;
use std::collections::HashMap;

/// The texts of a table by their keys.
pub(crate) type Texts = HashMap<&'static str, Cow<'static, str>>;

/// Reads a table of this crate. A test keeps what it leaves out from being written.
pub(crate) fn read(table: &'static str) -> Texts {
    let mut texts = Texts::with_capacity(1024);
    let mut rest = table;
    while !rest.is_empty() {
        let (line, tail) = rest.split_once('\n').unwrap_or((rest, ""));
        rest = tail;
        let Some((key, value)) = line.split_once(" = ") else { continue };
        if value == "'''" {
            let Some((text, tail)) = rest.split_once("'''") else { break };
            texts.insert(key, Cow::Borrowed(text));
            rest = tail;
        } else if let Some(text) = value.strip_prefix('"').and_then(|text| text.strip_suffix('"'))
            && !key.starts_with('#')
        {
            texts.insert(key, unescaped(text));
        }
    }
    texts
}

fn unescaped(text: &'static str) -> Cow<'static, str> {
    let mut parts = text.split('\\');
    let first = parts.next().unwrap_or_default();
    if first.len() == text.len() {
        return Cow::Borrowed(text);
    }
    let mut out = first.to_owned();
    while let Some(part) = parts.next() {
        let mut chars = part.chars();
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some(other) => out.push(other),
            // A backslash twice: what stands behind it is a text again.
            None => {
                out.push('\\');
                out.push_str(parts.next().unwrap_or_default());
            }
        }
        out.push_str(chars.as_str());
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use toml::de::DeTable;

    use super::*;

    #[test]
    fn the_tables_are_read_as_toml_reads_them() {
        for table in [include_str!("say/en.toml"), include_str!("say/ja.toml")] {
            let ours = read(table);
            let theirs = DeTable::parse(table).unwrap().into_inner();
            assert_eq!(ours.len(), theirs.len());
            for (key, value) in &theirs {
                assert_eq!(Some(&*ours[&**key.get_ref()]), value.get_ref().as_str(), "{key:?}");
            }
        }
    }
}

//! Values as Python prints them: some reach a shell in that form.

use std::sync::LazyLock;

use regex_syntax::hir::{ClassUnicode, HirKind};

use crate::filter::Value;

use super::ticket::Time;

/// Characters that Python shows as an escape.
static HIDDEN: LazyLock<Option<ClassUnicode>> = LazyLock::new(|| {
    let class = regex_syntax::parse(r"[[\p{C}\p{Z}]--[ ]]").ok()?;
    match class.into_kind() {
        HirKind::Class(regex_syntax::hir::Class::Unicode(class)) => Some(class),
        _ => None,
    }
});

/// What a capture becomes; nothing for a group that took no part.
pub(crate) fn of_value(value: &Value) -> Option<String> {
    match value {
        Value::None => None,
        Value::Text(text) => Some(text.as_ref().to_owned()),
        Value::Tuple(parts) => {
            let shown =
                |part: &Option<String>| part.as_ref().map_or("None".to_owned(), |p| text(p));
            let shown: Vec<String> = parts.iter().map(shown).collect();
            let comma = if shown.len() == 1 { "," } else { "" };
            Some(format!("({}{comma})", shown.join(", ")))
        }
    }
}

/// A list of texts.
pub(crate) fn list(texts: &[String]) -> String {
    let shown: Vec<String> = texts.iter().map(|one| text(one)).collect();
    format!("[{}]", shown.join(", "))
}

/// A text in quotes.
pub(crate) fn text(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            // It is left out everywhere: no program takes it.
            '\0' => {}
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            c if is_hidden(c) => out.push_str(&escape(u32::from(c))),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// A time.
pub(crate) fn time(time: Time) -> String {
    match time {
        Time::Whole(seconds) => seconds.to_string(),
        // Both print the shortest form that reads back, and whole numbers with `.0`.
        Time::Fraction(seconds) => format!("{seconds:?}"),
    }
}

fn escape(code: u32) -> String {
    match code {
        0..=0xff => format!("\\x{code:02x}"),
        0x100..=0xffff => format!("\\u{code:04x}"),
        _ => format!("\\U{code:08x}"),
    }
}

fn is_hidden(c: char) -> bool {
    let Some(class) = HIDDEN.as_ref() else { return true };
    let ranges = class.ranges();
    let at = ranges.partition_point(|range| range.end() < c);
    ranges.get(at).is_some_and(|range| range.start() <= c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_as_in_python() {
        for (plain, shown) in [
            ("a", "'a'"),
            ("it's", "\"it's\""),
            ("'\"", "'\\'\"'"),
            ("\\\n\t\u{1}\u{7f}\u{a0}", r"'\\\n\t\x01\x7f\xa0'"),
            ("é門\u{200b}\u{e000}\u{10ffff}", r"'é門\u200b\ue000\U0010ffff'"),
        ] {
            assert_eq!(text(plain), shown);
        }
        let tuple = Value::Tuple(vec![Some("a".to_owned()), None]);
        assert_eq!(of_value(&tuple).as_deref(), Some("('a', None)"));
        assert_eq!(time(Time::Fraction(1_124_013_600.0)), "1124013600.0");
    }
}

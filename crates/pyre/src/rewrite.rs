//! What fail2ban does to a pattern before it compiles it.

use std::borrow::Cow;

/// Makes flags that stand first in a group hold for that group: `((?i)a)` and `(?:(?i)a)` become
/// `(?i:a)`. fail2ban does so since its tags put flags of a filter into the middle of a pattern,
/// where Python 3.11 and later refuses them. The brackets lose their number on the way, as there.
pub fn localise_flags(pattern: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(open) = pattern.get(at..).and_then(|rest| rest.find('(')) {
        let open = at + open;
        match flags_in_front(pattern, open) {
            Some((flags, end)) => {
                out.push_str(&pattern[copied..open]);
                out.push_str("(?");
                out.push_str(flags);
                out.push(':');
                copied = end;
                at = end;
            }
            None => at = open + 1,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(pattern);
    }
    out.push_str(&pattern[copied..]);
    Cow::Owned(out)
}

/// The flags of a group that opens at `open` and begins with them, and where they end.
fn flags_in_front(pattern: &str, open: usize) -> Option<(&str, usize)> {
    if pattern[..open].ends_with('\\') {
        return None;
    }
    let inner = &pattern[open + 1..];
    let inner = inner.strip_prefix("?:").unwrap_or(inner);
    let flags = inner.strip_prefix("(?")?;
    let length = flags.bytes().take_while(u8::is_ascii_lowercase).count();
    let after = flags[length..].strip_prefix(')').filter(|_| length > 0)?;
    Some((&flags[..length], pattern.len() - after.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_in_a_group_become_the_groups() {
        for (given, wanted) in [
            ("a((?i)b)c", "a(?i:b)c"),
            ("(?:(?im)b|c)", "(?im:b|c)"),
            (r"\((?i)b", r"\((?i)b"),
            ("(?i)b", "(?i)b"),
            ("((?i:b))", "((?i:b))"),
            ("((?i)a)|((?s).)", "(?i:a)|(?s:.)"),
            ("((?)a)", "((?)a)"),
        ] {
            assert_eq!(localise_flags(given), wanted);
        }
    }
}

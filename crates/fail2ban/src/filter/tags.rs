//! The tags of a filter's expressions become groups of a regular expression.
//!
//! The groups and their expressions are fail2ban's (1.1): the names are seen by actions, and what
//! `<HOST>` accepts decides who is banned.

use std::borrow::Cow;

use crate::filter::UseDns;

const IP4: &str = r"(?:::f{4,6}:)?(?P<ip4>(?:\d{1,3}\.){3}\d{1,3})";
const IP6: &str = r"(?P<ip6>(?:[0-9a-fA-F]{1,4}::?|:){1,7}(?:[0-9a-fA-F]{1,4}|(?<=:):))";
const DNS: &str = r"(?P<dns>[\w\-.^_]*\w)";
const CIDR: &str = r"(?P<cidr>\d+)";

/// Puts the groups in place of the tags.
pub fn expand(regex: &str, dns: UseDns) -> String {
    let mut out = String::with_capacity(regex.len() + 200);
    let mut opened: Vec<String> = Vec::new();
    let mut skips = 0;
    let mut rest = regex;
    while let Some(at) = rest.find('<') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let Some(tag) = tag_at(from) else {
            out.push('<');
            rest = &from[1..];
            continue;
        };
        let name = &tag[1..tag.len() - 1];
        match group_of(name, dns, &mut opened, &mut skips) {
            Some(group) => out.push_str(&group),
            None => out.push_str(tag),
        }
        rest = &from[tag.len()..];
    }
    out.push_str(rest);
    out
}

/// The tag at the start of `text`: `<`, an optional `/`, letters, digits, `_` or `-`, an optional
/// `/`, `>`.
fn tag_at(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('<')?;
    let name = inner.strip_prefix('/').unwrap_or(inner);
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let end = name.find(|c: char| !is_word(c)).filter(|end| *end > 0)?;
    let after = &name[end..];
    let closed = after.strip_prefix('/').unwrap_or(after);
    let tail = closed.strip_prefix('>')?;
    Some(&text[..text.len() - tail.len()])
}

fn group_of(
    name: &str,
    dns: UseDns,
    opened: &mut Vec<String>,
    skips: &mut usize,
) -> Option<Cow<'static, str>> {
    let fixed = match name {
        "HOST" if dns == UseDns::No => addr(),
        "HOST" => format!("(?:{}|{DNS})", addr()),
        "ADDR" | "F-ADDR/" => addr(),
        "IP4" | "F-IP4/" => IP4.to_owned(),
        "IP6" | "F-IP6/" => IP6.to_owned(),
        "DNS" | "F-DNS/" => DNS.to_owned(),
        "CIDR" | "F-CIDR/" => CIDR.to_owned(),
        "SUBNET" | "F-SUBNET/" => format!(r"\[?(?:{IP4}|{IP6})(?:/{CIDR})?\]?"),
        "F-ID/" => r"(?P<fid>\S+)".to_owned(),
        "F-PORT/" => r"(?P<fport>\w+)".to_owned(),
        "SKIPLINES" => {
            *skips += 1;
            format!(r"\n(?P<skiplines{}>(?:(?:.*\n)*?))", *skips - 1)
        }
        _ => return own_group(name, opened).map(Cow::Owned),
    };
    Some(Cow::Owned(fixed))
}

/// `<F-NAME>` opens a group of its own, `</F-NAME>` closes it.
fn own_group(name: &str, opened: &mut Vec<String>) -> Option<String> {
    let (closes, plain) = match name.strip_prefix('/') {
        Some(plain) => (true, plain),
        None => (false, name),
    };
    let plain = plain.strip_prefix("F-")?;
    let known = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_' || c == '-';
    if plain.is_empty() || !plain.chars().all(known) {
        return None;
    }
    if closes {
        return opened.iter().any(|open| open == plain).then(|| ")".to_owned());
    }
    opened.push(plain.to_owned());
    Some(format!("(?P<{}>", group_name(plain)))
}

/// The group of a tag: lower-case, and two short names stand for longer ones.
pub fn group_name(tag: &str) -> String {
    match tag.to_lowercase().as_str() {
        "id" => "fid".to_owned(),
        "port" => "fport".to_owned(),
        other => other.to_owned(),
    }
}

fn addr() -> String {
    format!(r"\[?(?:{IP4}|{IP6})\]?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_tag_is_a_group_and_an_unopened_end_stays() {
        assert_eq!(expand("a <F-USER>x</F-USER> b", UseDns::Warn), "a (?P<user>x) b");
        assert_eq!(expand("</F-USER>", UseDns::Warn), "</F-USER>");
        assert_eq!(expand("<F-ID>x</F-ID>", UseDns::Warn), "(?P<fid>x)");
        assert_eq!(expand("<F-ALT_USER1>x</F-ALT_USER1>", UseDns::Warn), "(?P<alt_user1>x)");
    }

    #[test]
    fn a_name_is_a_host_unless_names_are_not_used() {
        assert!(expand("<HOST>", UseDns::Warn).contains("(?P<dns>"));
        assert!(!expand("<HOST>", UseDns::No).contains("(?P<dns>"));
        assert!(!expand("<ADDR>", UseDns::Yes).contains("(?P<dns>"));
    }

    #[test]
    fn what_is_no_tag_stays_as_it_is() {
        for text in ["(?<=x)", "(?P<name>x)", "a<b", "<unknown>", "<", "<>", "<f-user>", "user=<>"]
        {
            assert_eq!(expand(text, UseDns::Warn), text);
        }
    }

    #[test]
    fn skipped_lines_are_numbered() {
        let text = expand("a<SKIPLINES>b<SKIPLINES>c", UseDns::Warn);
        assert!(text.contains("skiplines0") && text.contains("skiplines1"));
    }
}

//! Mail addresses and names of hosts, as far as every server takes them.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Whether a mail may be sent to this: `Dot-string@Domain` of RFC 5321 (4.1.2), or an address in
/// brackets behind the `@`. Quotes, comments and other letters than ASCII (RFC 6531) are refused,
/// since no server has to take those; so is a `-` in front, which a program takes for an option.
/// At most 64 bytes before the `@` and 254 in all (RFC 5321, 4.5.3.1).
pub fn is_mail_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let atom = |text: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
        !text.is_empty() && text.chars().all(fits)
    };
    let is_local = local.len() <= 64 && !local.starts_with('-') && local.split('.').all(atom);
    let domain_fits = match domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => match inner.strip_prefix("IPv6:") {
            Some(inner) => inner.parse::<Ipv6Addr>().is_ok(),
            None => inner.parse::<Ipv4Addr>().is_ok(),
        },
        None => is_host_name(domain),
    };
    text.len() <= 254 && is_local && domain_fits
}

/// Whether it is the name of a host: RFC 1123, with underlines, which names of hosts do have.
pub fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=63).contains(&label.len())
            && label.bytes().all(plain)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= crate::limits::DNS_NAME_MAX - 2 && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_every_server_takes_is_a_mail_address() {
        for text in [
            "a@example.com",
            "root@localhost",
            "first.last+tag@ex-ample.co.jp",
            "o'brien@example.com",
            "m@[192.0.2.1]",
            "m@[IPv6:2001:db8::1]",
            "a@xn--r8jz45g.jp",
        ] {
            assert!(is_mail_address(text), "{text}");
        }
        let long = format!("{}@example.com", "a".repeat(65));
        let longer = format!("a@{}example.com", "a.".repeat(130));
        for text in [
            "",
            "a",
            "@",
            "a@",
            "@b",
            "a b@c",
            "a@b c",
            "a@b@c",
            "a@b\r\nBcc: c@d",
            "<a@b>",
            "a@b,c@d",
            "a@b;c",
            "\"a b\"@c",
            "müller@example.de",
            "門@example.com",
            "ユーザー@例え.jp",
            "a..b@c",
            ".a@c",
            "a.@c",
            "a@b..c",
            "a@-b.example",
            "a@.c",
            "-oX@example.net",
            "m@[192.0.2.256]",
            "m@[PI]",
            &long,
            &longer,
        ] {
            assert!(!is_mail_address(text), "{text}");
        }
    }
}

//! Addresses of others are nobody's business but theirs.

use std::net::IpAddr;

use monban_model::{Address, Subject};

/// What stands for an address that is left out.
const LEFT_OUT: &str = "[address]";

/// A line without the addresses that are neither of `subject` nor `destination`: those of this
/// server, and of others that happen to stand in it.
pub(super) fn mask(line: &str, subject: Subject, destination: Option<Address>) -> String {
    let mut masked = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = rest.find(is_part) {
        masked.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(end);
        rest = tail;
        match address_of(word) {
            Some((address, after))
                if !subject.contains(address) && destination != Some(address) =>
            {
                masked.push_str(LEFT_OUT);
                masked.push_str(after);
            }
            _ => masked.push_str(word),
        }
    }
    masked + rest
}

/// What an address may be written with.
fn is_part(c: char) -> bool {
    c.is_ascii_hexdigit() || c == '.' || c == ':'
}

/// The address that a word is, and what follows it: a port, the end of a sentence.
fn address_of(word: &str) -> Option<(Address, &str)> {
    let of = |text: &str| text.parse::<IpAddr>().ok().map(Address::new);
    if let Some(address) = of(word) {
        return Some((address, ""));
    }
    let bare = word.trim_end_matches(['.', ':']);
    if let Some(address) = of(bare) {
        return Some((address, &word[bare.len()..]));
    }
    let (head, _) = bare.split_once(':')?;
    of(head).map(|address| (address, &word[head.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_attackers_addresses_stay() {
        let subject = Subject::of("203.0.113.9".parse().unwrap());
        let destination = Some("198.51.100.7".parse().unwrap());
        for (line, masked) in [
            ("sshd[9]: Failed password for root from 203.0.113.9 port 22", None),
            ("lip=192.0.2.1, rip=203.0.113.9", Some("lip=[address], rip=203.0.113.9")),
            ("to 198.51.100.7.", None),
            ("to 192.0.2.1:443 (192.0.2.1).", Some("to [address]:443 ([address]).")),
            ("at 12:34:56, Feb 3: 1.2.3 face:b00k", None),
            ("from 2001:db8::1: no", Some("from [address]: no")),
            ("::ffff:203.0.113.9", None),
            ("", None),
            ("門 10.0.0.1 番", Some("門 [address] 番")),
        ] {
            assert_eq!(mask(line, subject, destination), masked.unwrap_or(line));
        }
        let net = Subject::of("2001:db8:0:1::5".parse().unwrap());
        assert_eq!(mask("2001:db8:0:1::9 2001:db8:0:2::9", net, None), "2001:db8:0:1::9 [address]");
    }
}

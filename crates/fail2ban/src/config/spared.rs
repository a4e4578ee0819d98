//! The entries of `ignoreip`, and those that spare nobody or somebody else than was meant.

use std::net::{IpAddr, Ipv4Addr};

use super::complaint::{Complaint, Complaints};
use super::options::Options;
use super::place::Sourced;
use super::words::words;
use crate::filter::Id;

/// Whether somebody can be spared by an entry of `ignoreip`: it is an address, a network, a list
/// or what may be the name of a host.
pub fn can_spare(entry: &str) -> bool {
    let is_known = matches!(Id::of_text(entry), Id::Net(_)) || entry.starts_with("file:");
    is_known || odd_address(entry).is_some() || is_host_name(entry)
}

/// The entries of a jail.
pub(crate) fn entries(options: &Options, complaints: &mut Complaints) -> Vec<Sourced<String>> {
    let Some(text) = options.get("ignoreip") else { return Vec::new() };
    let mut found = Vec::new();
    for (at, word) in words(text.as_str()) {
        let entry = Sourced::new(word.to_owned(), text.place_at(at));
        if let Some(complaint) = doubt(&entry) {
            complaints.add(complaint);
        }
        found.push(entry);
    }
    found
}

fn doubt(entry: &Sourced<String>) -> Option<Complaint> {
    let word = entry.value.as_str();
    let warning = |kind| Complaint::warning(kind, entry.from.clone()).with("net", word);
    // Private addresses are 172.16.0.0/12; many pages print a sixteenth of them.
    if word == "172.16.0.0/16" {
        return Some(warning("private-network"));
    }
    if let Some(address) = wrong_prefix(word) {
        return Some(warning("bad-prefix").with("address", address));
    }
    if matches!(Id::of_text(word), Id::Net(_)) {
        return None;
    }
    if let Some(address) = odd_address(word) {
        return Some(warning("odd-address").with("address", address.to_string()));
    }
    let meant = word.trim_end_matches([';', ',', '.', ':']);
    let meant = if meant != word && can_spare(meant) { meant } else { "" };
    let wrong = || Complaint::error("bad-address", entry.from.clone()).with("net", word);
    (!can_spare(word)).then(|| wrong().with("near", word).with("meant", meant))
}

/// The address of a network whose length is more than its family has bits: fail2ban takes it for
/// that address alone.
fn wrong_prefix(word: &str) -> Option<&str> {
    let (address, length) = word.split_once('/')?;
    let most = match address.parse().ok()? {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    };
    let is_number = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && length.parse().ok().is_none_or(|length: u32| length > most)).then_some(address)
}

/// What the C library makes of numbers that are no address: fewer than four, of which the last
/// fills what is missing, octal or hexadecimal ones.
fn odd_address(word: &str) -> Option<Ipv4Addr> {
    let mut numbers: Vec<u32> = Vec::new();
    for part in word.split('.') {
        let (digits, radix) = match (part.strip_prefix("0x"), part.strip_prefix('0')) {
            (Some(digits), _) => (digits, 16),
            (None, Some(digits)) if !digits.is_empty() => (digits, 8),
            _ => (part, 10),
        };
        let is_number =
            numbers.len() < 4 && digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
        numbers.push(u32::from_str_radix(digits, radix).ok().filter(|_| is_number)?);
    }
    let last = numbers.pop().filter(|_| numbers.iter().all(|number| *number < 256))?;
    let bits = 32 - 8 * numbers.len();
    let head = numbers.iter().zip([24, 16, 8]).map(|(number, by)| number << by);
    (u64::from(last) < 1 << bits).then(|| Ipv4Addr::from_bits(head.sum::<u32>() | last))
}

/// Labels of letters, digits, `-` and `_`, the last of which is no number.
fn is_host_name(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.split('.').all(is_label) && !last.chars().all(char::is_numeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(word: &str) -> Option<(&'static str, Option<String>)> {
        let doubt = doubt(&Sourced::new(word.to_owned(), Default::default()))?;
        let told = doubt.value("address").or(doubt.value("meant")).filter(|told| !told.is_empty());
        Some((doubt.kind, told.map(str::to_owned)))
    }

    #[test]
    fn what_can_spare_nobody_is_told_with_what_was_meant() {
        let good =
            ["127.0.0.1/8", "::1", "[::1]", "10.0.0.0/255.255.0.0", "office", "a-b_c.example."];
        let names = ["file:/x;y", "\u{3075}.example", "1and1.example"];
        for word in good.iter().chain(&names) {
            assert_eq!(kind(word), None, "{word}");
        }
        let bad = ["192.0.2.300", "10.0.0.1-10.0.0.9", "*.example.org", "10.0.0.*", "10.1.2.3/x"];
        let worse = ["192.0.2.1:22", "192.0.2.7/255.255.1.0", "a..b", "1.2.3.4.5", "09.1", "/24"];
        for word in bad.iter().chain(&worse) {
            assert_eq!(kind(word), Some(("bad-address", None)), "{word}");
        }
        let one = |kind: &'static str, told: &str| Some((kind, Some(told.to_owned())));
        assert_eq!(kind("::1;"), one("bad-address", "::1"));
        assert_eq!(kind("10.1.1.0/24;"), one("bad-address", "10.1.1.0/24"));
        assert_eq!(kind("198.51.100.0/33"), one("bad-prefix", "198.51.100.0"));
        // As inet_aton(3) has them.
        assert_eq!(kind("127.1"), one("odd-address", "127.0.0.1"));
        assert_eq!(kind("1.2.3"), one("odd-address", "1.2.0.3"));
        assert_eq!(kind("10.1.65535"), one("odd-address", "10.1.255.255"));
        assert_eq!(kind("10.1.65536"), Some(("bad-address", None)));
        assert_eq!(kind("010.1"), one("odd-address", "8.0.0.1"));
        assert_eq!(kind("0x7f.1"), one("odd-address", "127.0.0.1"));
        assert_eq!(kind("010.0.0.1"), one("odd-address", "8.0.0.1"));
        assert_eq!(kind("7"), one("odd-address", "0.0.0.7"));
    }
}

//! The text of a whois server as objects of keys and values.
//!
//! Each registry has a form of its own: RPSL (RIPE, APNIC, AFRINIC, and LACNIC with its own keys),
//! ARIN's, KRNIC's, which all are lines `key: value` with empty lines between objects, and JPNIC's
//! `a. [Key]   value`.

use monban_model::limits::WHOIS_LINES_MAX;
use monban_model::{Address, Net, Span};

use super::super::text::clean;

/// One object: its lines in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Object {
    /// Keys in small letters, and their values, which are clean.
    pub(super) fields: Vec<(String, String)>,
}

/// An answer, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Objects {
    pub(super) objects: Vec<Object>,
    /// The server's own remarks, which begin with `%` or `#`.
    pub(super) comments: Vec<String>,
}

impl Object {
    /// The first value of a key that is not empty.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.all(key).find(|value| !value.is_empty())
    }

    /// All values of a key.
    pub(super) fn all<'a>(&'a self, key: &str) -> impl Iterator<Item = &'a str> {
        let key = key.to_owned();
        self.fields.iter().filter(move |(known, _)| *known == key).map(|(_, value)| &value[..])
    }

    /// The first value that is not empty, of the first of these keys that has one.
    pub(super) fn first(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().find_map(|key| self.get(key))
    }

    /// The network that the object is about.
    pub(super) fn span(&self) -> Option<Span> {
        self.first(SPANS).and_then(read_span)
    }
}

/// Keys of the network that an object is about.
const SPANS: &[&str] =
    &["inetnum", "inet6num", "netrange", "cidr", "network number", "ipv4 address", "ipv6 address"];

impl Objects {
    /// Takes an answer apart; what comes after [`WHOIS_LINES_MAX`] lines is left out.
    pub(super) fn read(text: &str) -> Self {
        let mut page = Self::default();
        let mut object = Object::default();
        for line in text.lines().take(WHOIS_LINES_MAX) {
            let line = line.trim_end();
            if line.is_empty() {
                page.keep(&mut object);
            } else if line.starts_with(['%', '#']) {
                page.comments.push(clean(line));
            } else if let Some((key, value)) = in_brackets(line).or_else(|| with_colon(line)) {
                object.fields.push((clean(&key.to_lowercase()), clean(value)));
            } else if line.starts_with([' ', '\t', '+'])
                && let Some((_, last)) = object.fields.last_mut()
            {
                // RFC 2622: such a line goes on with the value before it.
                *last = clean(&format!("{last} {line}"));
            }
        }
        page.keep(&mut object);
        page
    }

    fn keep(&mut self, object: &mut Object) {
        if !object.fields.is_empty() {
            self.objects.push(std::mem::take(object));
        }
    }
}

/// `a. [Network Number]   192.0.2.0/24`, JPNIC's form.
fn in_brackets(line: &str) -> Option<(&str, &str)> {
    let head = line.find('[').filter(|at| *at <= 3)?;
    let (key, value) = line[head + 1..].split_once(']')?;
    // `[ Network Information ]` is a heading of KRNIC's, and `[ JPNIC database ... ]` a remark.
    (!key.starts_with(' ') && head != 1).then_some((key, value))
}

fn with_colon(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(':')?;
    let plain = !key.starts_with([' ', '\t']) && key.trim_end().chars().count() <= 40;
    plain.then_some((key, value))
}

/// `first - last`, `192.0.2.0/24`, LACNIC's short `200.160/20`, several networks with commas, or
/// one address. Behind it may stand something else, as KRNIC's `(/24)`.
pub(super) fn read_span(text: &str) -> Option<Span> {
    if let Some((first, last)) = text.split_once('-') {
        let first: Address = first.trim().parse().ok()?;
        let last: Address = last.split_whitespace().next()?.parse().ok()?;
        return Span::new(first, last);
    }
    let net = text.split([',', ' ']).next()?;
    let padded = match net.split_once('/') {
        Some((base, prefix)) if !base.contains(':') => {
            let missing = 3usize.checked_sub(base.matches('.').count())?;
            format!("{base}{}/{prefix}", ".0".repeat(missing))
        }
        _ => net.to_owned(),
    };
    padded.parse::<Net>().ok().map(Span::of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_in_every_form() {
        for (text, span) in [
            ("94.102.63.129 - 94.102.63.255", Some("94.102.63.129 - 94.102.63.255")),
            ("192.0.2.0-192.0.2.255", Some("192.0.2.0 - 192.0.2.255")),
            ("192.0.2.0/24", Some("192.0.2.0 - 192.0.2.255")),
            ("200.160/20", Some("200.160.0.0 - 200.160.15.255")),
            ("192.0.2.0/25, 192.0.2.128/25", Some("192.0.2.0 - 192.0.2.127")),
            ("1.208.0.0 - 1.255.255.255 (/12+/11)", Some("1.208.0.0 - 1.255.255.255")),
            ("2001:db8::/32", Some("2001:db8:: - 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff")),
            ("192.0.2.9 - 192.0.2.1", None),
            ("1.2.3.4.5/24", None),
            ("192.0.2.0/33", None),
            ("/", None),
            ("", None),
            ("-", None),
        ] {
            assert_eq!(read_span(text).map(|span| span.to_string()).as_deref(), span, "{text}");
        }
    }

    #[test]
    fn objects_of_all_forms_are_taken_apart() {
        let text = "% remark\n\ninetnum:  192.0.2.0/24\ndescr:  a\n  b\n+ c\n\n\nrole: x\n\
                    [ JPNIC database ]\na. [Network Number]    192.0.2.0/24\n[Assigned Date]  2004\n\
                    [ Network Information ]\nName               : IP Manager\n no key: here\n";
        let page = Objects::read(text);
        assert_eq!(page.comments, ["% remark"]);
        let [first, second] = &page.objects[..] else { panic!("{page:?}") };
        assert_eq!(first.get("descr"), Some("a b + c"));
        assert_eq!(second.get("network number"), Some("192.0.2.0/24"));
        assert_eq!(second.get("assigned date"), Some("2004"));
        assert_eq!(second.get("name"), Some("IP Manager no key: here"));
        assert!(second.fields.iter().all(|(key, _)| !key.contains("network information")));
    }
}

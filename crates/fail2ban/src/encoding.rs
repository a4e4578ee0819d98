//! The letters of a log: `logencoding`.

use std::borrow::Cow;

/// How the bytes of a line become letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding(&'static encoding_rs::Encoding);

impl Encoding {
    /// The encoding of this name as Python knows it; `auto` is UTF-8. `None` for names that nobody
    /// knows, and for those whose line ends are not one byte (UTF-16, UTF-32).
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim().to_lowercase().replace('_', "-");
        let label = match name.as_str() {
            "auto" | "" | "utf8" | "u8" => "utf-8",
            "latin-1" | "iso-8859-1" | "8859" | "cp819" | "l1" => "latin1",
            "646" | "us-ascii" | "ascii" => "ascii",
            other => other.strip_prefix("cp125").map_or(other, |_| other),
        };
        let label = match label.strip_prefix("cp125") {
            Some(rest) => format!("windows-125{rest}"),
            None => label.to_owned(),
        };
        let found = encoding_rs::Encoding::for_label(label.as_bytes())?;
        let is_wide = found == encoding_rs::UTF_16LE || found == encoding_rs::UTF_16BE;
        (!is_wide && found != encoding_rs::REPLACEMENT).then_some(Self(found))
    }

    /// A line as text; what is no letter becomes U+FFFD.
    pub fn decode<'b>(&self, bytes: &'b [u8]) -> Cow<'b, str> {
        if self.0 == encoding_rs::UTF_8 {
            return String::from_utf8_lossy(bytes);
        }
        self.0.decode_without_bom_handling(bytes).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_python() {
        let decoded = |name: &str| {
            Encoding::named(name).map(|encoding| encoding.decode(b"f\xe4il \xff").into_owned())
        };
        assert_eq!(decoded("auto").as_deref(), Some("f\u{fffd}il \u{fffd}"));
        for name in ["latin-1", "ISO-8859-1", "iso8859-1", "latin_1", "cp1252"] {
            assert_eq!(decoded(name).as_deref(), Some("fäil ÿ"), "{name}");
        }
        assert_eq!(decoded("koi8-r").as_deref(), Some("fДil Ъ"));
        assert_eq!(decoded("utf-16"), None);
        assert_eq!(decoded("no-such"), None);
    }
}

//! Values with `*`, which stands for any text.

use memchr::memmem::Finder;

/// A value with at least one `*`.
#[derive(Clone, Debug)]
pub(super) struct Glob {
    text: Box<str>,
    first: Box<[u8]>,
    /// What stands between two stars, in its order.
    middle: Vec<Finder<'static>>,
    last: Box<[u8]>,
}

impl Glob {
    /// `None` if there is no `*` in it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (first, rest) = text.split_once('*')?;
        let (between, last) = rest.rsplit_once('*').unwrap_or(("", rest));
        let pieces = between.split('*').filter(|piece| !piece.is_empty());
        Some(Self {
            text: text.into(),
            first: first.as_bytes().into(),
            middle: pieces.map(|piece| Finder::new(piece).into_owned()).collect(),
            last: last.as_bytes().into(),
        })
    }

    /// As it was written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it fits every text.
    pub(super) fn is_any(&self) -> bool {
        self.first.is_empty() && self.middle.is_empty() && self.last.is_empty()
    }

    /// Whether a star stands between two texts.
    pub(super) fn has_inner_star(&self) -> bool {
        let pieces = usize::from(!self.first.is_empty())
            + self.middle.len()
            + usize::from(!self.last.is_empty());
        pieces > 1
    }

    /// Each piece is searched for where the one before ended, so no byte is read for two of them.
    pub(super) fn matches(&self, text: &[u8]) -> bool {
        let rest = text.strip_prefix(&*self.first);
        let Some(mut rest) = rest.and_then(|rest| rest.strip_suffix(&*self.last)) else {
            return false;
        };
        self.middle.iter().all(|piece| match piece.find(rest) {
            Some(at) => {
                rest = &rest[at + piece.needle().len()..];
                true
            }
            None => false,
        })
    }

    /// The longest text that it demands.
    pub(super) fn longest(&self) -> &[u8] {
        let middle = self.middle.iter().map(Finder::needle);
        let all = [&*self.first, &*self.last].into_iter().chain(middle);
        all.max_by_key(|piece| piece.len()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (glob, yes, no) in [
            ("*", &["", "a", "*"][..], &[][..]),
            ("4*", &["4", "404"], &["", "14"]),
            ("*.html*", &["a.html", ".html?x"], &["html"]),
            ("Ev*ent", &["Event", "Evxent", "Ev*ent"], &["Evnt", "Evenx", "xEvent"]),
            ("aba*aba", &["abaaba", "aba-aba"], &["aba", "ababa"]),
            ("a*b*c**d", &["abcd", "axbxcxd", "abbccd"], &["acbd", "abc"]),
        ] {
            let compiled = Glob::parse(glob).unwrap();
            yes.iter().for_each(|text| assert!(compiled.matches(text.as_bytes()), "{glob} {text}"));
            no.iter().for_each(|text| assert!(!compiled.matches(text.as_bytes()), "{glob} {text}"));
        }
        assert!(Glob::parse("plain").is_none());
        assert_eq!(Glob::parse("ab*cde*f").unwrap().longest(), b"cde");
    }
}

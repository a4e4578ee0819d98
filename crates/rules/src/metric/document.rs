//! A message as one JSON object (RFC 8259), read once into memory that is used again.
//!
//! Containers are kept on a stack of ours, so depth costs nothing and is not limited: who can make
//! a line deeper than a limit would make it pass by a filter.

use monban_model::limits::METRIC_JSON_NODES_MAX;

use super::selector::Step;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    Array,
    /// The name of a member; its value follows.
    Key,
    Text,
    Number,
    True,
    False,
    Null,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    kind: Kind,
    /// Its text stands in `texts`, unescaped.
    is_unescaped: bool,
    /// A later member of the object has the same name.
    is_shadowed: bool,
    start: u32,
    end: u32,
    /// The node behind it and all within it.
    next: u32,
}

/// The values of a message, each before those within it.
#[derive(Clone, Debug, Default)]
pub(super) struct Document {
    nodes: Vec<Node>,
    texts: Vec<u8>,
    open: Vec<u32>,
    members: Vec<u32>,
}

/// A value of a document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'d> {
    document: &'d Document,
    message: &'d [u8],
    at: usize,
}

/// What may stand next.
#[derive(Clone, Copy)]
enum Next {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Comma,
}

impl Document {
    /// Reads a message. False if it is not one JSON object and nothing else. With `shadows`,
    /// members are marked whose name comes again, so that a wildcard passes them over.
    pub(super) fn read(&mut self, message: &[u8], shadows: bool) -> bool {
        self.nodes.clear();
        self.texts.clear();
        self.open.clear();
        self.read_all(message, shadows).is_some()
    }

    /// The object as a whole; call it after a `read` that succeeded.
    pub(super) fn root<'d>(&'d self, message: &'d [u8]) -> Value<'d> {
        Value { document: self, message, at: 0 }
    }

    fn read_all(&mut self, message: &[u8], shadows: bool) -> Option<()> {
        u32::try_from(message.len()).ok()?;
        let mut at = skip_space(message, 0);
        if message.get(at) != Some(&b'{') {
            return None;
        }
        let mut next = Next::Value;
        loop {
            at = skip_space(message, at);
            let byte = *message.get(at)?;
            next = match (next, byte) {
                (Next::KeyOrEnd | Next::Comma, b'}') => {
                    self.close(message, Kind::Object, shadows)?;
                    at += 1;
                    Next::Comma
                }
                (Next::ValueOrEnd | Next::Comma, b']') => {
                    self.close(message, Kind::Array, shadows)?;
                    at += 1;
                    Next::Comma
                }
                (Next::Comma, b',') => {
                    at += 1;
                    let inside = *self.open.last()?;
                    match self.nodes[inside as usize].kind {
                        Kind::Object => Next::Key,
                        _ => Next::Value,
                    }
                }
                (Next::Key | Next::KeyOrEnd, b'"') => {
                    at = skip_space(message, self.text(message, at, Kind::Key)?);
                    (message.get(at) == Some(&b':')).then_some(())?;
                    at += 1;
                    Next::Value
                }
                (Next::Value | Next::ValueOrEnd, b'{') => {
                    self.begin(Kind::Object, at)?;
                    at += 1;
                    Next::KeyOrEnd
                }
                (Next::Value | Next::ValueOrEnd, b'[') => {
                    self.begin(Kind::Array, at)?;
                    at += 1;
                    Next::ValueOrEnd
                }
                (Next::Value | Next::ValueOrEnd, _) => {
                    at = self.scalar(message, at)?;
                    Next::Comma
                }
                _ => return None,
            };
            if self.open.is_empty() {
                return (skip_space(message, at) == message.len()).then_some(());
            }
        }
    }

    fn begin(&mut self, kind: Kind, at: usize) -> Option<()> {
        self.open.push(u32::try_from(self.nodes.len()).ok()?);
        self.push(kind, at, at + 1, false)
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize, is_unescaped: bool) -> Option<()> {
        if self.nodes.len() >= METRIC_JSON_NODES_MAX {
            return None;
        }
        let next = u32::try_from(self.nodes.len() + 1).ok()?;
        let (start, end) = (u32::try_from(start).ok()?, u32::try_from(end).ok()?);
        self.nodes.push(Node { kind, is_unescaped, is_shadowed: false, start, end, next });
        Some(())
    }

    /// Ends the innermost container, which must be of this kind.
    fn close(&mut self, message: &[u8], kind: Kind, shadows: bool) -> Option<()> {
        let at = self.open.pop()? as usize;
        let next = u32::try_from(self.nodes.len()).ok()?;
        let node = self.nodes.get_mut(at).filter(|node| node.kind == kind)?;
        node.next = next;
        if shadows && kind == Kind::Object {
            self.mark_shadowed(message, at);
        }
        Some(())
    }

    /// Sorted by name, equal ones stand together; all but the last of them are shadowed.
    fn mark_shadowed(&mut self, message: &[u8], object: usize) {
        let mut members = std::mem::take(&mut self.members);
        members.clear();
        let end = self.nodes[object].next;
        let mut key = u32::try_from(object + 1).unwrap_or(u32::MAX);
        while key < end {
            members.push(key);
            key = self.nodes[key as usize + 1].next;
        }
        let name = |key: &u32| Value { document: self, message, at: *key as usize }.bytes();
        members.sort_unstable_by(|left, right| name(left).cmp(name(right)).then(left.cmp(right)));
        let mut shadowed = 0;
        for at in 1..members.len() {
            if name(&members[at - 1]) == name(&members[at]) {
                members[shadowed] = members[at - 1];
                shadowed += 1;
            }
        }
        for key in &members[..shadowed] {
            self.nodes[*key as usize + 1].is_shadowed = true;
        }
        self.members = members;
    }

    /// Reads a text that begins with the quote at `at`; gives the offset behind it.
    fn text(&mut self, message: &[u8], at: usize, kind: Kind) -> Option<usize> {
        let start = at + 1;
        let rest = message.get(start..)?;
        let first = memchr::memchr2(b'"', b'\\', rest)?;
        let is_plain = |bytes: &[u8]| bytes.iter().all(|byte| *byte >= b' ');
        if rest[first] == b'"' {
            is_plain(&rest[..first]).then_some(())?;
            self.push(kind, start, start + first, false)?;
            return Some(start + first + 1);
        }
        let begin = self.texts.len();
        let mut at = start;
        loop {
            let rest = message.get(at..)?;
            let length = memchr::memchr2(b'"', b'\\', rest)?;
            is_plain(&rest[..length]).then_some(())?;
            self.texts.extend_from_slice(&rest[..length]);
            at += length + 1;
            if rest[length] == b'"' {
                break;
            }
            at = self.escape(message, at)?;
        }
        self.push(kind, begin, self.texts.len(), true)?;
        Some(at)
    }

    /// Reads what follows a backslash; gives the offset behind it.
    fn escape(&mut self, message: &[u8], at: usize) -> Option<usize> {
        let byte = match message.get(at)? {
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            same @ (b'"' | b'\\' | b'/') => *same,
            b'u' => {
                let (c, end) = unicode(message, at + 1)?;
                self.texts.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                return Some(end);
            }
            _ => return None,
        };
        self.texts.push(byte);
        Some(at + 1)
    }

    /// Reads a text, a number or a word; gives the offset behind it.
    fn scalar(&mut self, message: &[u8], at: usize) -> Option<usize> {
        let rest = message.get(at..)?;
        if rest.first() == Some(&b'"') {
            return self.text(message, at, Kind::Text);
        }
        let words = [(&b"true"[..], Kind::True), (b"false", Kind::False), (b"null", Kind::Null)];
        let (kind, length) = match words.iter().find(|(word, _)| rest.starts_with(word)) {
            Some((word, kind)) => (*kind, word.len()),
            None => (Kind::Number, number_length(rest)?),
        };
        self.push(kind, at, at + length, false)?;
        Some(at + length)
    }
}

impl<'d> Value<'d> {
    fn node(&self) -> Node {
        self.document.nodes[self.at]
    }

    pub(super) fn kind(&self) -> Kind {
        self.node().kind
    }

    /// The text, or the number as it is written.
    pub(super) fn bytes(&self) -> &'d [u8] {
        let node = self.node();
        let from = if node.is_unescaped { &self.document.texts } else { self.message };
        from.get(node.start as usize..node.end as usize).unwrap_or_default()
    }

    /// Whether `test` says so of a value at the end of these steps.
    pub(super) fn any(self, steps: &[Step], test: &mut dyn FnMut(Value<'d>) -> bool) -> bool {
        let mut here = self;
        for (at, step) in steps.iter().enumerate() {
            let found = match step {
                Step::Key(name) => here.member(name.as_bytes()),
                Step::Index(index) => match here.kind() {
                    Kind::Array => here.children().nth(*index),
                    _ => None,
                },
                Step::Each => {
                    let rest = &steps[at + 1..];
                    let mut visible = here.children().filter(|child| !child.node().is_shadowed);
                    return visible.any(|child| child.any(rest, test));
                }
            };
            match found {
                Some(found) => here = found,
                None => return false,
            }
        }
        test(here)
    }

    /// The value at the end of steps without a wildcard.
    pub(super) fn at(self, steps: &[Step]) -> Option<Value<'d>> {
        let mut found = None;
        self.any(steps, &mut |value| {
            found = Some(value);
            true
        });
        found
    }

    /// The last member with this name.
    fn member(self, name: &[u8]) -> Option<Value<'d>> {
        if self.kind() != Kind::Object {
            return None;
        }
        let key_of = |child: &Value<'d>| Value { at: child.at - 1, ..*child }.bytes();
        self.children().filter(|child| key_of(child) == name).last()
    }

    /// The values in it, none if it is no container.
    pub(super) fn children(self) -> impl Iterator<Item = Value<'d>> {
        let kind = self.kind();
        // Before each value of an object stands its name.
        let names = usize::from(kind == Kind::Object);
        let end = match kind {
            Kind::Object | Kind::Array => self.node().next as usize,
            _ => 0,
        };
        let mut at = self.at + 1 + names;
        std::iter::from_fn(move || {
            let child = (at < end).then_some(Value { at, ..self })?;
            at = child.node().next as usize + names;
            Some(child)
        })
    }
}

fn skip_space(message: &[u8], mut at: usize) -> usize {
    while matches!(message.get(at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        at += 1;
    }
    at
}

/// The length of the number at the beginning: no leading zeros, no plus sign.
fn number_length(text: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (length > 0).then_some(from + length)
    };
    let start = usize::from(text.first() == Some(&b'-'));
    let mut end = match text.get(start)? {
        b'0' => start + 1,
        _ => digits(start)?,
    };
    if text.get(end) == Some(&b'.') {
        end = digits(end + 1)?;
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        let signed = usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        end = digits(end + 1 + signed)?;
    }
    Some(end)
}

/// The character of `\u`, both halves of a pair together; half of one is U+FFFD.
fn unicode(message: &[u8], at: usize) -> Option<(char, usize)> {
    let high = hex_unit(message, at)?;
    if (0xd800..0xdc00).contains(&high) && message.get(at + 4..at + 6) == Some(b"\\u") {
        let low = hex_unit(message, at + 6)?;
        if (0xdc00..0xe000).contains(&low) {
            let point = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            return Some((char::from_u32(point)?, at + 10));
        }
    }
    Some((char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), at + 4))
}

fn hex_unit(message: &[u8], at: usize) -> Option<u32> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    message.get(at..at + 4)?.iter().try_fold(0, |sum, byte| Some(sum * 16 + digit(byte)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_object(text: &str) -> bool {
        Document::default().read(text.as_bytes(), true)
    }

    fn value(text: &str, steps: &[Step]) -> Option<Vec<u8>> {
        let mut document = Document::default();
        assert!(document.read(text.as_bytes(), true), "{text}");
        Some(document.root(text.as_bytes()).at(steps)?.bytes().to_vec())
    }

    #[test]
    fn only_a_whole_object_is_one() {
        for good in [
            "{}",
            " { } \n",
            r#"{"a":1,"b":[true,false,null,-0.5e-3,"x",{},[]]}"#,
            "{\"a\":\"\u{9580}\"}",
            r#"{"a":"\u0041\ud83d\ude00\ud800 \/"}"#,
        ] {
            assert!(is_object(good), "{good}");
        }
        for bad in [
            "",
            " ",
            "{",
            "}",
            "[]",
            "1",
            "{}x",
            "{}{}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{,}",
            "{\"a\":[1,]}",
            "{\"a\":[1}",
            "{\"a\":1]",
            "{\"a\":01}",
            "{\"a\":+1}",
            "{\"a\":.5}",
            "{\"a\":1.}",
            "{\"a\":1e}",
            "{\"a\":tru}",
            "{\"a\":nul}",
            "{a:1}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u12\"}",
            "{\"a\":\"\u{1}\"}",
            "{\"a\":\"b}",
            "{\"a\" 1}",
            "{\"a\":1 \"b\":2}",
            "{'a':1}",
            "{\"a\":NaN}",
            "{\"a\":[1 2]}",
            "{1:2}",
        ] {
            assert!(!is_object(bad), "{bad}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
        assert!(is_object(&deep));
    }

    #[test]
    fn values_are_found_by_their_way() {
        let key = |name: &str| Step::Key(name.into());
        let text = r#"{"a":{"b":[10,{"c\u0064":"\ttext"}]},"a2":1,"dup":1,"dup":"last"}"#;
        let steps = [key("a"), key("b"), Step::Index(1), key("cd")];
        assert_eq!(value(text, &steps).unwrap(), b"\ttext");
        assert_eq!(value(text, &[key("dup")]).unwrap(), b"last");
        assert_eq!(value(text, &[key("a"), key("b"), Step::Index(2)]), None);
        assert_eq!(value(text, &[key("a"), Step::Index(0)]), None);
    }

    #[test]
    fn a_wildcard_sees_the_last_of_equal_names_only() {
        let mut document = Document::default();
        let text = br#"{"b":"x","a":"1","b":"y","a":"2","b":"z","c":"3"}"#;
        assert!(document.read(text, true));
        let mut seen = Vec::new();
        document.root(text).any(&[Step::Each], &mut |value| {
            seen.push(value.bytes().to_vec());
            false
        });
        assert_eq!(seen, [&b"2"[..], b"z", b"3"]);
    }
}

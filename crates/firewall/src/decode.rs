//! Netlink messages from bytes. They come from the kernel; what is malformed ends the reading.

use crate::encode::HEADER_BYTES;
use crate::uapi::{NLA_F_NESTED, NLA_TYPE_MASK};

/// One message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'a> {
    pub(crate) kind: u16,
    pub(crate) flags: u16,
    pub(crate) seq: u32,
    /// The socket whose request caused it; 0 is the kernel itself.
    pub(crate) port_id: u32,
    /// What follows the header.
    pub(crate) payload: &'a [u8],
}

impl<'a> Message<'a> {
    /// The family in the header of netfilter's messages.
    pub(crate) fn family(&self) -> Option<u8> {
        self.payload.first().copied()
    }

    /// The attributes behind the header of netfilter's messages.
    pub(crate) fn attributes(&self) -> Attributes<'a> {
        Attributes(self.payload.get(4..).unwrap_or(&[]))
    }

    /// The number of an error message: 0 is an acknowledgement.
    pub(crate) fn error(&self) -> Option<i32> {
        let bytes = self.payload.get(..4)?.try_into().ok()?;
        Some(i32::from_ne_bytes(bytes).wrapping_neg())
    }
}

/// The messages of one datagram.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Messages<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        let header = self.0.get(..HEADER_BYTES)?;
        let half = |at: usize| header[at..at + 2].try_into().map(u16::from_ne_bytes);
        let word = |at: usize| header[at..at + 4].try_into().map(u32::from_ne_bytes);
        let length = usize::try_from(word(0).ok()?).ok()?;
        let message = Message {
            kind: half(4).ok()?,
            flags: half(6).ok()?,
            seq: word(8).ok()?,
            port_id: word(12).ok()?,
            payload: self.0.get(HEADER_BYTES..length)?,
        };
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or(&[]);
        Some(message)
    }
}

/// One attribute.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attribute<'a> {
    pub(crate) kind: u16,
    /// Whether its sender marked it as nested; the kernel does not mark every nest.
    pub(crate) nested: bool,
    pub(crate) value: &'a [u8],
}

impl<'a> Attribute<'a> {
    /// The attributes in it.
    pub(crate) const fn inner(&self) -> Attributes<'a> {
        Attributes(self.value)
    }

    /// A number in network order.
    pub(crate) fn number(&self) -> Option<u32> {
        self.value.try_into().ok().map(u32::from_be_bytes)
    }

    /// A long number in network order.
    pub(crate) fn long(&self) -> Option<u64> {
        self.value.try_into().ok().map(u64::from_be_bytes)
    }

    /// A text without the zero byte behind it; what is not UTF-8 is none of ours.
    pub(crate) fn text(&self) -> Option<&'a str> {
        let end = self.value.iter().position(|byte| *byte == 0);
        let bytes = self.value.get(..end.unwrap_or(self.value.len()))?;
        std::str::from_utf8(bytes).ok()
    }
}

/// Attributes one behind the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attributes<'a>(pub(crate) &'a [u8]);

impl<'a> Attributes<'a> {
    /// The first attribute of that kind.
    pub(crate) fn find(mut self, kind: u16) -> Option<Attribute<'a>> {
        Iterator::find(&mut self, |attribute| attribute.kind == kind)
    }

    /// The text of the first attribute of that kind.
    pub(crate) fn find_text(self, kind: u16) -> Option<&'a str> {
        self.find(kind)?.text()
    }

    /// The number of the first attribute of that kind.
    pub(crate) fn find_number(self, kind: u16) -> Option<u32> {
        self.find(kind)?.number()
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        let header = self.0.get(..4)?;
        let length = usize::from(u16::from_ne_bytes([header[0], header[1]]));
        let kind = u16::from_ne_bytes([header[2], header[3]]);
        let attribute = Attribute {
            kind: kind & NLA_TYPE_MASK,
            nested: kind & NLA_F_NESTED != 0,
            value: self.0.get(4..length)?,
        };
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or(&[]);
        Some(attribute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::{Batch, Encoder};

    #[test]
    fn what_is_written_is_read() {
        let mut encoder = Encoder::default();
        let mark = encoder.begin(7, 9, 11);
        encoder.text(1, "monban");
        encoder.nest(2, |e| e.number(3, 0xfeed));
        encoder.long(4, u64::MAX);
        encoder.end(mark);
        let message = Messages(encoder.bytes()).next().unwrap();
        assert_eq!((message.kind, message.seq), (7, 11));
        let attributes = message.attributes();
        assert_eq!(attributes.find_text(1), Some("monban"));
        let nest = attributes.find(2).unwrap();
        assert!(nest.nested);
        assert_eq!(nest.inner().find_number(3), Some(0xfeed));
        assert_eq!(attributes.find(4).unwrap().long(), Some(u64::MAX));
    }

    #[test]
    fn broken_bytes_end_the_reading() {
        let mut batch = Batch::new(1, Some(5));
        batch.message(3, 0, |e| e.text(1, "a text that is long enough"));
        let (bytes, acknowledged) = batch.finish(true);
        assert_eq!(acknowledged, 2);
        assert_eq!(Messages(&bytes).count(), 3);
        // Every cut and every single byte set to each of some values: it ends, and never panics.
        for cut in 0..bytes.len() {
            for message in Messages(&bytes[..cut]) {
                let _ = (message.attributes().count(), message.error());
            }
            for value in [0, 1, 3, 4, 15, 16, 0x7f, 0xff] {
                let mut broken = bytes.clone();
                broken[cut] = value;
                for message in Messages(&broken).take(100) {
                    let _ = message.attributes().take(100).count();
                }
            }
        }
    }
}

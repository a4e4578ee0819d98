//! Netlink messages as bytes.

use crate::uapi::{
    NFNL_BATCH_GENID, NFNL_MSG_BATCH_BEGIN, NFNL_MSG_BATCH_END, NFNL_SUBSYS_NFTABLES, NFPROTO_INET,
    NLA_F_NESTED, NLM_F_ACK, NLM_F_REQUEST,
};

/// Length of `struct nlmsghdr`.
pub(crate) const HEADER_BYTES: usize = 16;

/// Messages one behind the other, as they are sent.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    bytes: Vec<u8>,
}

/// Where a message or nested attribute began, whose length is not known yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark(usize);

impl Encoder {
    /// The bytes so far.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Bytes since `mark`.
    pub(crate) fn since(&self, mark: Mark) -> usize {
        self.bytes.len() - mark.0
    }

    /// Begins a message of the family inet.
    pub(crate) fn begin(&mut self, kind: u16, flags: u16, seq: u32) -> Mark {
        self.begin_of(NFPROTO_INET, kind, flags, seq)
    }

    /// Begins a message of this family.
    pub(crate) fn begin_of(&mut self, family: u8, kind: u16, flags: u16, seq: u32) -> Mark {
        self.header(kind, flags, seq, family, 0)
    }

    /// Ends the message: now its length is known.
    pub(crate) fn end(&mut self, mark: Mark) {
        // A batch is far below 4 GiB; a wrong length would be refused by the kernel.
        let length = u32::try_from(self.since(mark)).unwrap_or(u32::MAX);
        self.overwrite(mark.0, &length.to_ne_bytes());
    }

    fn header(&mut self, kind: u16, flags: u16, seq: u32, family: u8, resource: u16) -> Mark {
        let mark = Mark(self.bytes.len());
        self.bytes.extend_from_slice(&0_u32.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(&(flags | NLM_F_REQUEST).to_ne_bytes());
        self.bytes.extend_from_slice(&seq.to_ne_bytes());
        // The port id 0 in a request means the sender, whatever it is.
        self.bytes.extend_from_slice(&0_u32.to_ne_bytes());
        self.bytes.push(family);
        self.bytes.push(0);
        self.bytes.extend_from_slice(&resource.to_be_bytes());
        mark
    }

    /// An attribute with these bytes.
    pub(crate) fn attribute(&mut self, kind: u16, value: &[u8]) {
        let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
        self.bytes.extend_from_slice(&length.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    /// An attribute with a text and the zero byte behind it.
    pub(crate) fn text(&mut self, kind: u16, value: &str) {
        let mut bytes = Vec::with_capacity(value.len() + 1);
        bytes.extend_from_slice(value.as_bytes());
        bytes.push(0);
        self.attribute(kind, &bytes);
    }

    /// An attribute with a number in network order, as nftables has nearly all of them.
    pub(crate) fn number(&mut self, kind: u16, value: u32) {
        self.attribute(kind, &value.to_be_bytes());
    }

    /// An attribute with a long number in network order.
    pub(crate) fn long(&mut self, kind: u16, value: u64) {
        self.attribute(kind, &value.to_be_bytes());
    }

    /// Begins an attribute that holds attributes.
    pub(crate) fn begin_nest(&mut self, kind: u16) -> Mark {
        let mark = Mark(self.bytes.len());
        self.attribute(kind | NLA_F_NESTED, &[]);
        mark
    }

    /// Ends the nested attribute.
    pub(crate) fn end_nest(&mut self, mark: Mark) {
        // Who fills a nest with a list splits it far below 64 KiB; a wrong length would be refused.
        let length = u16::try_from(self.since(mark)).unwrap_or(u16::MAX);
        self.overwrite(mark.0, &length.to_ne_bytes());
    }

    /// An attribute that holds what `fill` writes.
    pub(crate) fn nest(&mut self, kind: u16, fill: impl FnOnce(&mut Self)) {
        let mark = self.begin_nest(kind);
        fill(self);
        self.end_nest(mark);
    }

    fn overwrite(&mut self, at: usize, bytes: &[u8]) {
        if let Some(place) = self.bytes.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }
}

/// Messages that the kernel takes all or none.
#[derive(Debug)]
pub(crate) struct Batch {
    encoder: Encoder,
    seq: u32,
    last: Option<Mark>,
}

impl Batch {
    /// An empty batch whose messages are numbered from `seq`. With a `generation` the kernel
    /// refuses it (ERESTART) if anybody changed the firewall since that generation.
    pub(crate) fn new(seq: u32, generation: Option<u32>) -> Self {
        let mut encoder = Encoder::default();
        let mark = encoder.header(NFNL_MSG_BATCH_BEGIN, 0, seq, 0, NFNL_SUBSYS_NFTABLES);
        if let Some(generation) = generation {
            encoder.number(NFNL_BATCH_GENID, generation);
        }
        encoder.end(mark);
        Self { encoder, seq, last: None }
    }

    /// Adds a message.
    pub(crate) fn message(&mut self, kind: u16, flags: u16, fill: impl FnOnce(&mut Encoder)) {
        let mark = self.begin(kind, flags);
        fill(&mut self.encoder);
        self.encoder.end(mark);
    }

    /// Begins a message that is filled through [`Batch::encoder`] and ended there.
    pub(crate) fn begin(&mut self, kind: u16, flags: u16) -> Mark {
        self.begin_of(NFPROTO_INET, kind, flags)
    }

    /// The same for a message of this family.
    pub(crate) fn begin_of(&mut self, family: u8, kind: u16, flags: u16) -> Mark {
        self.seq = self.seq.wrapping_add(1);
        let mark = self.encoder.begin_of(family, kind, flags, self.seq);
        self.last = Some(mark);
        mark
    }

    /// Where the open message is written to.
    pub(crate) fn encoder(&mut self) -> &mut Encoder {
        &mut self.encoder
    }

    /// Whether no message was added.
    pub(crate) fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    /// The bytes, and the number of the message that the kernel acknowledges: the last one. The
    /// acknowledgement is sent after the whole batch was taken or dropped (`nfnetlink.c`).
    pub(crate) fn finish(self, commit: bool) -> (Vec<u8>, u32) {
        let acknowledged = self.seq;
        let mut encoder = self.encoder;
        if let Some(Mark(at)) = self.last {
            let flags_at = at + 6;
            let flags = encoder
                .bytes
                .get(flags_at..flags_at + 2)
                .and_then(|b| b.try_into().ok())
                .map_or(0, u16::from_ne_bytes);
            encoder.overwrite(flags_at, &(flags | NLM_F_ACK).to_ne_bytes());
        }
        // Without its end the kernel checks a batch and drops it: a dry run.
        if commit {
            let seq = acknowledged.wrapping_add(1);
            let mark = encoder.header(NFNL_MSG_BATCH_END, 0, seq, 0, NFNL_SUBSYS_NFTABLES);
            encoder.end(mark);
        }
        (encoder.bytes, acknowledged)
    }
}

//! Primitive fields, and the nouns that more than one frame carries.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::limits::{FRAME_MAX, PATH_MAX, PORTS_MAX};
use crate::{Address, Net, Notice, OrderId, Outcome, OutcomeResult, Scope, Stamp, Subject};

/// Why a frame was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// It ends within a field.
    Short,
    /// Bytes follow its last field.
    Long,
    /// A number that names nothing: a verb, a variant, a prefix length.
    Unknown,
    /// A length or count over its limit.
    Limit,
    /// A text that is not UTF-8.
    Text,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Short => "the frame ends within a field",
            Self::Long => "bytes follow the last field of the frame",
            Self::Unknown => "the frame names something unknown",
            Self::Limit => "a field of the frame is over its limit",
            Self::Text => "a text of the frame is not UTF-8",
        })
    }
}

impl std::error::Error for FrameError {}

/// Something that stands in a frame.
pub trait Wire: Sized {
    /// Appends its bytes.
    fn put(&self, out: &mut Writer);
    /// Takes its bytes.
    ///
    /// # Errors
    /// If they are not what [`Wire::put`] writes.
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError>;
}

/// A frame under construction.
#[derive(Debug, Default)]
pub struct Writer(Vec<u8>);

/// A frame that is being read.
#[derive(Debug)]
pub struct Reader<'a>(&'a [u8]);

/// The bytes of one frame.
pub fn encode<T: Wire>(frame: &T) -> Vec<u8> {
    let bytes = encode_long(frame);
    debug_assert!(bytes.len() <= FRAME_MAX, "a sender keeps its frames under the limit");
    bytes
}

/// The bytes of something that travels in a memory file, and may be longer than a frame.
pub fn encode_long<T: Wire>(whole: &T) -> Vec<u8> {
    let mut out = Writer::default();
    whole.put(&mut out);
    out.0
}

/// The frame of these bytes, all of them.
///
/// # Errors
/// If the bytes are not exactly one frame.
pub fn decode<T: Wire>(bytes: &[u8]) -> Result<T, FrameError> {
    decode_long(bytes, FRAME_MAX)
}

/// What [`encode_long`] wrote, of at most so many bytes.
///
/// # Errors
/// If the bytes are not exactly that.
pub fn decode_long<T: Wire>(bytes: &[u8], most: usize) -> Result<T, FrameError> {
    if bytes.len() > most {
        return Err(FrameError::Limit);
    }
    let mut from = Reader(bytes);
    let whole = T::take(&mut from)?;
    if from.0.is_empty() { Ok(whole) } else { Err(FrameError::Long) }
}

impl Writer {
    /// What was written so far.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// One byte, usually a verb or variant.
    pub fn byte(&mut self, value: u8) {
        self.0.push(value);
    }

    /// A list: its count, then its items.
    pub fn list<T: Wire>(&mut self, items: &[T]) {
        (items.len() as u32).put(self);
        for item in items {
            item.put(self);
        }
    }

    /// Bytes, at most `limit` of them.
    pub fn bytes(&mut self, bytes: &[u8], limit: usize) {
        let end = bytes.len().min(limit);
        (end as u32).put(self);
        self.0.extend_from_slice(&bytes[..end]);
    }

    /// A text, cut at `limit` bytes on a character's edge: what is told to people is better cut
    /// than not said.
    pub fn text(&mut self, text: &str, limit: usize) {
        let mut end = text.len().min(limit);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        (end as u32).put(self);
        self.0.extend_from_slice(&text.as_bytes()[..end]);
    }
}

impl<'a> Reader<'a> {
    /// Reads these bytes.
    pub fn over(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether all was read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn bytes(&mut self, count: usize) -> Result<&'a [u8], FrameError> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(FrameError::Short)?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        self.bytes(N)?.try_into().map_err(|_| FrameError::Short)
    }

    /// One byte.
    ///
    /// # Errors
    /// If none is left.
    pub fn byte(&mut self) -> Result<u8, FrameError> {
        Ok(self.array::<1>()?[0])
    }

    /// A list of at most `limit` items.
    ///
    /// # Errors
    /// If it is longer, or an item is wrong.
    pub fn list<T: Wire>(&mut self, limit: usize) -> Result<Vec<T>, FrameError> {
        let count = u32::take(self)? as usize;
        if count > limit {
            return Err(FrameError::Limit);
        }
        (0..count).map(|_| T::take(self)).collect()
    }

    /// At most `limit` bytes, as [`Writer::bytes`] writes them.
    ///
    /// # Errors
    /// If they are more.
    pub fn byte_list(&mut self, limit: usize) -> Result<Vec<u8>, FrameError> {
        let count = u32::take(self)? as usize;
        if count > limit {
            return Err(FrameError::Limit);
        }
        self.bytes(count).map(<[u8]>::to_vec)
    }

    /// A text of at most `limit` bytes.
    ///
    /// # Errors
    /// If it is longer, or not UTF-8.
    pub fn text(&mut self, limit: usize) -> Result<String, FrameError> {
        let count = u32::take(self)? as usize;
        if count > limit {
            return Err(FrameError::Limit);
        }
        let bytes = self.bytes(count)?;
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| FrameError::Text)
    }
}

macro_rules! numbers {
    ($($type:ty),*) => {$(
        impl Wire for $type {
            fn put(&self, out: &mut Writer) {
                out.0.extend_from_slice(&self.to_le_bytes());
            }
            fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
                Ok(<$type>::from_le_bytes(from.array()?))
            }
        }
    )*};
}
numbers!(u16, u32, u64, i64);

impl Wire for bool {
    fn put(&self, out: &mut Writer) {
        out.byte(u8::from(*self));
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        match from.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(FrameError::Unknown),
        }
    }
}

impl<T: Wire> Wire for Option<T> {
    fn put(&self, out: &mut Writer) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(if bool::take(from)? { Some(T::take(from)?) } else { None })
    }
}

/// Texts without a limit of their own: a path at most.
impl Wire for String {
    fn put(&self, out: &mut Writer) {
        out.text(self, PATH_MAX);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        from.text(PATH_MAX)
    }
}

impl Wire for Stamp {
    fn put(&self, out: &mut Writer) {
        self.0.put(out);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        i64::take(from).map(Self)
    }
}

impl Wire for OrderId {
    fn put(&self, out: &mut Writer) {
        self.0.put(out);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        u64::take(from).map(Self)
    }
}

impl Wire for Net {
    fn put(&self, out: &mut Writer) {
        match self.base() {
            IpAddr::V4(ip) => {
                out.byte(4);
                out.0.extend_from_slice(&ip.octets());
            }
            IpAddr::V6(ip) => {
                out.byte(6);
                out.0.extend_from_slice(&ip.octets());
            }
        }
        out.byte(self.prefix());
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let ip = match from.byte()? {
            4 => IpAddr::V4(Ipv4Addr::from(from.array::<4>()?)),
            6 => IpAddr::V6(Ipv6Addr::from(from.array::<16>()?)),
            _ => return Err(FrameError::Unknown),
        };
        Self::new(ip, from.byte()?).ok_or(FrameError::Unknown)
    }
}

impl Wire for Address {
    fn put(&self, out: &mut Writer) {
        Net::host(*self).put(out);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Net::take(from).map(|net| Self::new(net.base()))
    }
}

impl Wire for Subject {
    fn put(&self, out: &mut Writer) {
        self.net().put(out);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Net::take(from).map(Self::exactly)
    }
}

impl Wire for Scope {
    fn put(&self, out: &mut Writer) {
        match self {
            Self::All => out.list::<u16>(&[]),
            Self::Ports(ports) => out.list(ports),
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let ports = from.list::<u16>(PORTS_MAX)?;
        Ok(if ports.is_empty() { Self::All } else { Self::Ports(ports) })
    }
}

impl Wire for Notice {
    fn put(&self, out: &mut Writer) {
        out.text(&self.key, 64);
        (self.values.len().min(16) as u32).put(out);
        for (name, value) in self.values.iter().take(16) {
            out.text(name, 32);
            out.text(value, 1024);
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let key = from.text(64)?;
        let count = u32::take(from)?;
        if count > 16 {
            return Err(FrameError::Limit);
        }
        let pair = |from: &mut Reader<'_>| Ok((from.text(32)?, from.text(1024)?));
        let values = (0..count).map(|_| pair(from)).collect::<Result<_, FrameError>>()?;
        Ok(Self { key, values })
    }
}

impl Wire for Outcome {
    fn put(&self, out: &mut Writer) {
        self.order.put(out);
        self.subject.put(out);
        let (number, text) = match &self.result {
            OutcomeResult::Applied => (0, ""),
            OutcomeResult::Observed => (1, ""),
            OutcomeResult::Refused(why) => (2, why.as_str()),
            OutcomeResult::Failed(why) => (3, why.as_str()),
        };
        out.byte(number);
        out.text(text, 100);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let (order, subject) = (OrderId::take(from)?, Subject::take(from)?);
        let number = from.byte()?;
        let text = from.text(100)?;
        let result = match number {
            0 => OutcomeResult::Applied,
            1 => OutcomeResult::Observed,
            2 => OutcomeResult::Refused(text),
            3 => OutcomeResult::Failed(text),
            _ => return Err(FrameError::Unknown),
        };
        Ok(Self { order, subject, result })
    }
}

//! Reads set elements and the table's state from the kernel.

use std::time::Duration;

use crate::FirewallError;
use crate::decode::{Attributes, Message};
use crate::encode::Encoder;
use crate::layout::TABLE;
use crate::socket::Socket;
use crate::target::{Key, SetSpec};
use crate::uapi::*;

/// Questions that are sent at once; each answer takes a few KiB of the receive buffer.
const QUESTIONS_MAX: usize = 512;

/// One element as the kernel has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RawElement {
    /// Its address and port, or the first ones.
    pub(crate) first: (u128, u16),
    /// The last ones, where one element is a whole range.
    pub(crate) last: Option<(u128, u16)>,
    /// The time that is left; `None` has no end.
    pub(crate) left: Option<Duration>,
}

/// Asks for a list of something in our table.
fn list_request(socket: &mut Socket, kind: u16, set: Option<&str>) -> (Encoder, u32) {
    let seq = socket.reserve(1);
    let mut encoder = Encoder::default();
    let mark = encoder.begin(kind, NLM_F_DUMP, seq);
    encoder.text(NFTA_TABLE_NAME, TABLE);
    if let Some(set) = set {
        encoder.text(NFTA_SET_ELEM_LIST_SET, set);
    }
    encoder.end(mark);
    (encoder, seq)
}

/// The messages of a list of something in our table, made into what is wanted of them. The
/// kernel filters lists by the table only since some version, so each message is checked.
pub(crate) fn list<T>(
    socket: &mut Socket,
    kind: u16,
    set: Option<&str>,
    doing: &'static str,
    mut each: impl FnMut(Attributes<'_>, &mut Vec<T>),
) -> Result<Vec<T>, FirewallError> {
    let (request, seq) = list_request(socket, kind, set);
    socket.dump(request.bytes(), seq, doing, |message, list| {
        let attributes = message.attributes();
        if is_ours(message) {
            each(attributes, list);
        }
    })
}

/// Whether a message is about our table.
pub(crate) fn is_ours(message: &Message<'_>) -> bool {
    message.family() == Some(NFPROTO_INET)
        && message.attributes().find_text(NFTA_TABLE_NAME) == Some(TABLE)
}

/// The flags of our table; `None` if there is none.
pub(crate) fn table_flags(socket: &mut Socket) -> Result<Option<u32>, FirewallError> {
    let doing = "read the table";
    let seq = socket.reserve(1);
    let mut encoder = Encoder::default();
    let mark = encoder.begin(GETTABLE, 0, seq);
    encoder.text(NFTA_TABLE_NAME, TABLE);
    encoder.end(mark);
    let mut flags = None;
    let mut failed = None;
    socket.ask(encoder.bytes(), doing, |message| match message.kind {
        NLMSG_ERROR => failed = message.error(),
        NEWTABLE if is_ours(message) => {
            flags = Some(message.attributes().find_number(NFTA_TABLE_FLAGS).unwrap_or(0));
        }
        _ => {}
    })?;
    match failed.map(rustix::io::Errno::from_raw_os_error) {
        Some(rustix::io::Errno::NOENT) => Ok(None),
        // The kernel has no such part of netfilter, or not for this family.
        Some(rustix::io::Errno::INVAL | rustix::io::Errno::OPNOTSUPP) => {
            Err(FirewallError::NoNftables { errno: failed.unwrap_or(0), doing })
        }
        Some(errno) if errno.raw_os_error() != 0 => Err(FirewallError::kernel(errno, doing)),
        _ => Ok(flags),
    }
}

/// The number that grows with every change of anybody's nftables rules.
pub(crate) fn generation(socket: &mut Socket) -> Result<Option<u32>, FirewallError> {
    let seq = socket.reserve(1);
    let mut encoder = Encoder::default();
    let mark = encoder.begin(GETGEN, 0, seq);
    encoder.end(mark);
    let mut generation = None;
    socket.ask(encoder.bytes(), "read the generation", |message| {
        if message.kind == NEWGEN && message.seq == seq {
            generation = message.attributes().find_number(NFTA_GEN_ID);
        }
    })?;
    Ok(generation)
}

/// All elements of a set of ours that have not ended.
pub(crate) fn elements(
    socket: &mut Socket,
    spec: SetSpec,
) -> Result<Vec<RawElement>, FirewallError> {
    let doing = "read the elements of a set";
    let elements = list(socket, GETSETELEM, Some(spec.name), doing, |message, list| {
        if let Some(elements) = message.find(NFTA_SET_ELEM_LIST_ELEMENTS) {
            list.extend(elements.inner().filter_map(|e| element(spec, e.inner())));
        }
    });
    elements.map_err(FirewallError::gone_if_missing)
}

/// Looks single elements of hash sets up; an answer for each, `None` for a missing one.
pub(crate) fn find(
    socket: &mut Socket,
    wanted: &[(SetSpec, Key)],
) -> Result<Vec<Option<RawElement>>, FirewallError> {
    let doing = "read elements back";
    let mut found = Vec::with_capacity(wanted.len());
    for part in wanted.chunks(QUESTIONS_MAX) {
        let count = u32::try_from(part.len()).unwrap_or(0);
        let base = socket.reserve(count);
        let mut encoder = Encoder::default();
        for (seq, (spec, key)) in (0..count).zip(part) {
            let mark = encoder.begin(GETSETELEM, 0, base.wrapping_add(seq));
            encoder.text(NFTA_SET_ELEM_LIST_TABLE, TABLE);
            encoder.text(NFTA_SET_ELEM_LIST_SET, spec.name);
            encoder.nest(NFTA_SET_ELEM_LIST_ELEMENTS, |e| {
                e.nest(NFTA_LIST_ELEM, |e| {
                    e.nest(NFTA_SET_ELEM_KEY, |e| {
                        e.attribute(NFTA_DATA_VALUE, key.bytes());
                    });
                });
            });
            encoder.end(mark);
        }
        let at = found.len();
        found.resize(at + part.len(), None);
        socket.ask(encoder.bytes(), doing, |message| {
            let index = message.seq.wrapping_sub(base);
            if message.kind != NEWSETELEM || index >= count {
                return;
            }
            let index = usize::try_from(index).unwrap_or(usize::MAX);
            let read = message
                .attributes()
                .find(NFTA_SET_ELEM_LIST_ELEMENTS)
                .and_then(|list| list.inner().next())
                .zip(part.get(index))
                .and_then(|(first, (spec, _))| element(*spec, first.inner()));
            if let Some(place) = found.get_mut(at.saturating_add(index)) {
                *place = read;
            }
        })?;
    }
    Ok(found)
}

fn element(spec: SetSpec, attributes: Attributes<'_>) -> Option<RawElement> {
    let key = |kind| {
        let value = attributes.find(kind)?.inner().find(NFTA_DATA_VALUE)?.value;
        Key::parse(spec, value)
    };
    Some(RawElement {
        first: key(NFTA_SET_ELEM_KEY)?,
        last: key(NFTA_SET_ELEM_KEY_END),
        left: attributes
            .find(NFTA_SET_ELEM_EXPIRATION)
            .and_then(|left| left.long())
            .map(Duration::from_millis),
    })
}

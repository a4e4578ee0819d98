//! What a set of somebody else is like, and what it holds.

use std::collections::BTreeMap;
use std::net::IpAddr;

use monban_model::{Net, SetName, TableFamily};
use rustix::io::Errno;

use crate::FirewallError;
use crate::decode::{Attributes, Message};
use crate::encode::Encoder;
use crate::set_writer::NotWritten;
use crate::socket::Socket;
use crate::uapi::*;

/// Flags of sets that are written: another one would change what an element is.
const KNOWN_FLAGS: u32 = NFT_SET_INTERVAL | NFT_SET_TIMEOUT | NFT_SET_EVAL;

/// The form of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    /// Its keys are IPv6 addresses, else IPv4.
    pub(crate) v6: bool,
    /// It holds ranges: each is an element where it starts and another one behind its end.
    pub(crate) interval: bool,
    /// The generation of the firewall in which it was so.
    pub(crate) generation: u32,
}

/// Addresses, from the first to the last one.
pub(crate) type Range = (u128, u128);

/// Ranges that a set holds; they do not meet.
#[derive(Debug, Default)]
pub(crate) struct Ranges(BTreeMap<u128, u128>);

impl Form {
    /// Asks the kernel. Both questions are one call, the generation first: whatever changes
    /// behind it makes the kernel refuse a batch for this form.
    pub(crate) fn read(socket: &mut Socket, set: &SetName) -> Result<Self, NotWritten> {
        let doing = "read the form of a set";
        let seq = socket.reserve(2);
        let mut encoder = Encoder::default();
        let mark = encoder.begin(GETGEN, 0, seq);
        encoder.end(mark);
        let mark = encoder.begin_of(number(set.family), GETSET, 0, seq.wrapping_add(1));
        encoder.text(NFTA_SET_TABLE, &set.table);
        encoder.text(NFTA_SET_NAME, &set.set);
        encoder.end(mark);
        let (mut generation, mut form, mut failed) = (None, None, None);
        socket.ask(encoder.bytes(), doing, |message| match message.kind {
            NEWGEN if message.seq == seq => {
                generation = message.attributes().find_number(NFTA_GEN_ID);
            }
            NEWSET if message.seq == seq.wrapping_add(1) => {
                form = Some(of_attributes(message.attributes()));
            }
            NLMSG_ERROR if message.seq.wrapping_sub(seq) < 2 => failed = message.error(),
            _ => {}
        })?;
        let missing = Errno::NOENT.raw_os_error();
        match (generation, form, failed) {
            (Some(generation), Some(form), _) => {
                let (v6, interval) = form.ok_or(NotWritten::OtherForm)?;
                Ok(Self { v6, interval, generation })
            }
            (_, _, Some(errno)) if errno == missing => Err(NotWritten::Gone),
            (_, _, Some(errno)) if errno != 0 => {
                let errno = Errno::from_raw_os_error(errno);
                Err(FirewallError::kernel(errno, doing).into())
            }
            _ => Err(FirewallError::kernel(Errno::PROTO, doing).into()),
        }
    }

    /// The range of a network; `None` if the set takes no such element.
    pub(crate) fn range(self, net: Net) -> Option<Range> {
        let (first, bits) = match net.base() {
            IpAddr::V4(v4) if !self.v6 => (u128::from(v4.to_bits()), 32),
            IpAddr::V6(v6) if self.v6 => (v6.to_bits(), 128),
            _ => return None,
        };
        let host_bits = bits - u32::from(net.prefix());
        let more = 1_u128.checked_shl(host_bits).map_or(u128::MAX, |size| size - 1);
        (self.interval || more == 0).then_some((first, first | more))
    }

    /// The key of the element that ends a range; the last of all addresses needs none.
    pub(crate) fn end(self, last: u128) -> Option<u128> {
        (last < self.top()).then(|| last + 1)
    }

    /// The last of all addresses.
    const fn top(self) -> u128 {
        if self.v6 { u128::MAX } else { u32::MAX as u128 }
    }

    /// Bytes of a key.
    pub(crate) const fn key_bytes(self) -> usize {
        if self.v6 { 16 } else { 4 }
    }

    /// All that the set holds. The kernel begins at the start of a set for every 32 KiB, so this
    /// is quadratic: some 10 ms for 20,000 elements.
    pub(crate) fn held(self, socket: &mut Socket, set: &SetName) -> Result<Ranges, FirewallError> {
        let seq = socket.reserve(1);
        let mut encoder = Encoder::default();
        let mark = encoder.begin_of(number(set.family), GETSETELEM, NLM_F_DUMP, seq);
        encoder.text(NFTA_SET_ELEM_LIST_TABLE, &set.table);
        encoder.text(NFTA_SET_ELEM_LIST_SET, &set.set);
        encoder.end(mark);
        let doing = "read the elements of a set";
        let mut keys = socket.dump(encoder.bytes(), seq, doing, |message, keys| {
            self.read_keys(message, keys);
        })?;
        if !self.interval {
            return Ok(Ranges(keys.into_iter().map(|(key, _)| (key, key)).collect()));
        }
        // Where one range ends the next may start.
        keys.sort_unstable();
        let mut ranges = BTreeMap::new();
        let mut rest = keys.iter().peekable();
        while let Some((first, is_start)) = rest.next() {
            // Sets that `nft` filled begin with an end at 0.
            if *is_start {
                let end = rest.next_if(|(_, is_start)| !is_start);
                ranges.insert(*first, end.map_or(self.top(), |(end, _)| end.saturating_sub(1)));
            }
        }
        Ok(Ranges(ranges))
    }

    /// Keys, each with whether a range starts there.
    fn read_keys(self, message: &Message<'_>, keys: &mut Vec<(u128, bool)>) {
        let list = message.attributes().find(NFTA_SET_ELEM_LIST_ELEMENTS);
        for element in list.into_iter().flat_map(|list| list.inner()) {
            let element = element.inner();
            let flags = element.find_number(NFTA_SET_ELEM_FLAGS).unwrap_or(0);
            let key = element.find(NFTA_SET_ELEM_KEY).and_then(|k| k.inner().find(NFTA_DATA_VALUE));
            if let Some(key) = key.filter(|key| key.value.len() == self.key_bytes()) {
                let key = key.value.iter().fold(0, |sum, byte| sum << 8 | u128::from(*byte));
                keys.push((key, flags & NFT_SET_ELEM_INTERVAL_END == 0));
            }
        }
    }
}

impl Ranges {
    /// Whether exactly this range is there.
    pub(crate) fn holds(&self, (first, last): Range) -> bool {
        self.0.get(&first) == Some(&last)
    }

    /// Takes out exactly this range; false if it is not there.
    pub(crate) fn remove(&mut self, range: Range) -> bool {
        self.holds(range) && self.0.remove(&range.0).is_some()
    }

    /// Puts a range in; false if it meets another one.
    pub(crate) fn insert(&mut self, (first, last): Range) -> bool {
        let before = self.0.range(..=last).next_back();
        if before.is_some_and(|(_, end)| *end >= first) {
            return false;
        }
        self.0.insert(first, last);
        true
    }
}

/// The number of a family of tables.
pub(crate) const fn number(family: TableFamily) -> u8 {
    match family {
        TableFamily::Inet => NFPROTO_INET,
        TableFamily::Ip => NFPROTO_IPV4,
        TableFamily::Ip6 => NFPROTO_IPV6,
    }
}

/// Whether keys are IPv6, and whether they are ranges; `None` for a set of another kind: a map, a
/// set of several fields, of anything but addresses, with counters, or of ranges that `nft` joins.
fn of_attributes(attributes: Attributes<'_>) -> Option<(bool, bool)> {
    let flags = attributes.find_number(NFTA_SET_FLAGS).unwrap_or(0);
    let key =
        (attributes.find_number(NFTA_SET_KEY_TYPE)?, attributes.find_number(NFTA_SET_KEY_LEN)?);
    let v6 = match key {
        (TYPE_IPADDR, 4) => false,
        (TYPE_IP6ADDR, 16) => true,
        _ => return None,
    };
    let counts = [NFTA_SET_EXPR, NFTA_SET_EXPRESSIONS];
    let counts = counts.into_iter().any(|kind| attributes.find(kind).is_some());
    let noted = attributes.find(NFTA_SET_USERDATA).map_or(&[][..], |noted| noted.value);
    let is_plain = flags & !KNOWN_FLAGS == 0 && !counts && !joins(noted);
    is_plain.then_some((v6, flags & NFT_SET_INTERVAL != 0))
}

/// Whether `nft` noted that it joins ranges which touch.
fn joins(mut noted: &[u8]) -> bool {
    while let [kind, length, rest @ ..] = noted {
        let Some((value, behind)) = rest.split_at_checked(usize::from(*length)) else {
            // It is not known what this says.
            return true;
        };
        if *kind == NFTNL_UDATA_SET_MERGE_ELEMENTS && value.iter().any(|byte| *byte != 0) {
            return true;
        }
        noted = behind;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUR: Form = Form { v6: false, interval: true, generation: 1 };

    #[test]
    fn a_network_is_a_range_of_its_family() {
        let range = |form: Form, net: &str| form.range(net.parse().unwrap());
        assert_eq!(range(FOUR, "0.0.1.0/24"), Some((256, 511)));
        assert_eq!(range(FOUR, "0.0.0.0/0"), Some((0, u128::from(u32::MAX))));
        assert_eq!(range(FOUR, "2001:db8::1"), None);
        let six = Form { v6: true, ..FOUR };
        assert_eq!(range(six, "::/0"), Some((0, u128::MAX)));
        assert_eq!(range(six, "::1"), Some((1, 1)));
        let single = Form { interval: false, ..FOUR };
        assert_eq!((range(single, "0.0.0.1"), range(single, "0.0.1.0/24")), (Some((1, 1)), None));
        assert_eq!((FOUR.end(5), FOUR.end(u128::from(u32::MAX))), (Some(6), None));
        assert_eq!((six.end(u128::from(u32::MAX)).is_some(), six.end(u128::MAX)), (true, None));
    }

    #[test]
    fn ranges_do_not_meet() {
        let mut ranges = Ranges::default();
        assert!(ranges.insert((10, 19)) && ranges.insert((20, 29)) && ranges.insert((0, 9)));
        for range in [(10, 10), (19, 19), (5, 12), (0, 99), (29, 40), (12, 13)] {
            assert!(!ranges.insert(range) && !ranges.remove(range), "{range:?}");
        }
        assert!(ranges.remove((10, 19)) && ranges.insert((12, 13)));
    }

    #[test]
    fn what_nft_noted_is_read_and_what_is_cut_is_not_trusted() {
        assert!(!joins(&[]) && !joins(&[0, 4, 0, 0, 0, 1]));
        assert!(joins(&[0, 4, 0, 0, 0, 1, 2, 4, 0, 0, 0, 1]));
        assert!(!joins(&[2, 4, 0, 0, 0, 0]));
        assert!(joins(&[0, 200, 1]));
    }
}

//! In which order a search is given its texts.
//!
//! The searcher compares four bytes of the log at a time with the first four of all texts, which
//! it keeps in 8 or 16 groups: of each group it knows which values the halves of a byte may have
//! (`aho_corasick::packed`, after Hyperscan's Teddy). Halves of several texts mixed may fit what is
//! none of them. So those share a group of which, mixed, hardly anything stands in logs.

use std::cmp::Reverse;

/// Bytes that are compared first.
pub(crate) const START: usize = 4;

/// Up to so many texts are kept in 8 groups, more in 16.
pub(crate) const FEW: usize = 32;

/// The texts in an order in which hardly anything else fits the group of each: the searcher puts
/// them into its groups in turn.
pub(crate) fn grouped(texts: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let sample = Sample::of(SAMPLE);
    let count = if texts.len() > FEW { 16 } else { 8 };
    let (full, larger) = (texts.len() / count, texts.len() % count);
    let mut texts: Vec<Text> = texts.into_iter().map(|text| Text::of(text, &sample)).collect();
    // What fits most first: where it stands alone yet, the others still keep away from it.
    texts.sort_by(|a, b| (b.fitting, &a.bytes).cmp(&(a.fitting, &b.bytes)));
    let mut groups: Vec<Group> = vec![Group::default(); count];
    for text in texts {
        let are_larger = groups.iter().filter(|group| group.texts.len() > full).count();
        let room = full + usize::from(are_larger < larger);
        let with_room = groups.iter_mut().filter(|group| group.texts.len() < room);
        if let Some(group) = with_room.min_by_key(|group| group.rise_with(&text, &sample)) {
            group.add(text, &sample);
        }
    }
    exchange(&mut groups, &sample);
    groups.sort_by_key(|group| Reverse(group.texts.len()));
    let nth_of = |group: &Group, nth| group.texts.get(nth).map(|text: &Text| text.bytes.clone());
    let in_turn = |nth| groups.iter().filter_map(move |group| nth_of(group, nth));
    (0..=full).flat_map(in_turn).collect()
}

/// Texts of groups that more fits than they need change places with others, as long as less fits
/// both groups then.
fn exchange(groups: &mut [Group], sample: &Sample) {
    let mut rests: Vec<Vec<Group>> = groups.iter().map(|group| group.rests(sample)).collect();
    for one in 0..groups.len() {
        for other in (0..groups.len()).filter(|other| *other != one) {
            for (mine, theirs) in pairs(groups[one].texts.len(), groups[other].texts.len()) {
                if groups[one].share.0 == 0 {
                    break;
                }
                let (a, b) = (&rests[one][mine], &rests[other][theirs]);
                let (to_b, to_a) = (&groups[one].texts[mine], &groups[other].texts[theirs]);
                let after = a.share_with(to_a, sample).0 + b.share_with(to_b, sample).0;
                if after < groups[one].share.0 + groups[other].share.0 {
                    let changed = [(one, a.with(to_a, sample)), (other, b.with(to_b, sample))];
                    for (number, group) in changed {
                        rests[number] = group.rests(sample);
                        groups[number] = group;
                    }
                }
            }
        }
    }
}

fn pairs(a: usize, b: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..a).flat_map(move |a| (0..b).map(move |b| (a, b)))
}

/// A text, and at how many places of the sample it begins.
#[derive(Clone, Debug)]
struct Text {
    bytes: Vec<u8>,
    fitting: u32,
}

impl Text {
    fn of(bytes: Vec<u8>, sample: &Sample) -> Self {
        let fitting = sample.fitting(&bytes);
        Self { bytes, fitting }
    }
}

/// How much of a log fits a group: places of the sample at which none of its texts begins, and in
/// how many ways four bytes can fit.
type Share = (u32, u32);

/// Texts that are compared together.
#[derive(Clone, Debug, Default)]
struct Group {
    texts: Vec<Text>,
    /// For each half of the first bytes the values that it may have, a bit each.
    values: [u16; HALVES],
    /// Where the sample has one of them.
    places: [Places; HALVES],
    share: Share,
}

impl Group {
    fn add(&mut self, text: Text, sample: &Sample) {
        self.share = self.share_with(&text, sample);
        self.put(text, sample);
    }

    fn put(&mut self, text: Text, sample: &Sample) {
        for (nth, value) in halves(&text.bytes).enumerate() {
            self.values[nth] |= 1 << value;
            self.places[nth].add(&sample.0[nth][value]);
        }
        self.texts.push(text);
    }

    fn with(&self, text: &Text, sample: &Sample) -> Self {
        let mut group = self.clone();
        group.add(text.clone(), sample);
        group
    }

    /// The group without each of its texts.
    fn rests(&self, sample: &Sample) -> Vec<Self> {
        let rest = |without: usize| {
            let mut rest = Self::default();
            let others = self.texts.iter().enumerate().filter(|(nth, _)| *nth != without);
            others.for_each(|(_, text)| rest.put(text.clone(), sample));
            rest
        };
        (0..self.texts.len()).map(rest).collect()
    }

    /// How much would fit with this text.
    fn share_with(&self, text: &Text, sample: &Sample) -> Share {
        let (mut fitting, mut ways) = (Places::ALL, 1);
        for (nth, value) in halves(&text.bytes).enumerate() {
            fitting.keep(&self.places[nth], &sample.0[nth][value]);
            ways *= (self.values[nth] | 1 << value).count_ones();
        }
        let begin: u32 = self.texts.iter().map(|text| text.fitting).sum();
        (fitting.count().saturating_sub(begin + text.fitting), ways)
    }

    /// How much more would fit with this text.
    fn rise_with(&self, text: &Text, sample: &Sample) -> Share {
        let (fitting, ways) = self.share_with(text, sample);
        (fitting.saturating_sub(self.share.0), ways - self.share.1)
    }
}

/// Halves of the bytes that are compared first, with 16 values each.
const HALVES: usize = 2 * START;

/// The halves of the first bytes of a text, the lower before the upper.
fn halves(text: &[u8]) -> impl Iterator<Item = usize> {
    text.iter().take(START).flat_map(|byte| [usize::from(byte & 15), usize::from(byte >> 4)])
}

/// What logs are made of: harmless lines of many services.
const SAMPLE: &[u8] = include_bytes!("sample.log");

/// Places of the sample, a bit each.
#[derive(Clone, Copy, Debug)]
struct Places([u64; SAMPLE.len().div_ceil(64)]);

impl Default for Places {
    fn default() -> Self {
        Self([0; SAMPLE.len().div_ceil(64)])
    }
}

impl Places {
    const ALL: Self = Self([u64::MAX; SAMPLE.len().div_ceil(64)]);

    fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(own, bits)| *own |= bits);
    }

    /// Keeps what is in one of the two.
    fn keep(&mut self, a: &Self, b: &Self) {
        let either = a.0.iter().zip(b.0).map(|(a, b)| a | b);
        self.0.iter_mut().zip(either).for_each(|(own, bits)| *own &= bits);
    }

    fn count(&self) -> u32 {
        self.0.iter().map(|bits| bits.count_ones()).sum()
    }
}

/// At which places of the sample bytes begin that have a value in a half.
struct Sample(Box<[[Places; 16]; HALVES]>);

impl Sample {
    fn of(sample: &[u8]) -> Self {
        let mut places: Box<[[Places; 16]; HALVES]> = Box::default();
        for (at, start) in sample.windows(START).enumerate() {
            for (nth, value) in halves(start).enumerate() {
                places[nth][value].0[at / 64] |= 1 << (at % 64);
            }
        }
        Self(places)
    }

    /// At how many places a text begins.
    fn fitting(&self, text: &[u8]) -> u32 {
        let mut fitting = Places::ALL;
        for (nth, value) in halves(text).enumerate() {
            fitting.keep(&self.0[nth][value], &self.0[nth][value]);
        }
        fitting.count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The groups as the searcher makes them of an order.
    fn groups_of(texts: &[Vec<u8>], count: usize) -> Vec<Group> {
        let sample = Sample::of(SAMPLE);
        let mut groups = vec![Group::default(); count];
        for (nth, text) in texts.iter().enumerate() {
            groups[nth % count].add(Text::of(text.clone(), &sample), &sample);
        }
        groups
    }

    #[test]
    fn a_group_of_texts_that_begin_alike_fits_nothing_else() {
        let texts: Vec<Vec<u8>> =
            (0..24).map(|n| vec![b'a' + n / 3, b'#', b'#', b'0' + n % 3]).collect();
        let placed = grouped(texts.clone());
        for group in groups_of(&placed, 8) {
            assert_eq!((group.texts.len(), group.share.1), (3, 3), "{:?}", group.texts);
        }
        let mut sorted = placed;
        sorted.sort();
        assert_eq!(sorted, texts);
    }

    #[test]
    fn no_group_fits_what_is_common_in_logs() {
        let texts = "auth|httpd|sudo|reject: |submission|pache|ginx|imap|lda(|lmtp|pop3|sshd|ing: |\
                     lost connection| su[|>su[|improper command|dovecot|repeated |ropbear|pam_unix(";
        let texts: Vec<Vec<u8>> = texts.split('|').map(|text| text.into()).collect();
        let mixed = |texts: &[Vec<u8>]| -> u32 {
            groups_of(texts, 8).iter().map(|group| group.share.0).sum()
        };
        assert!(mixed(&texts) > 5, "as they come: {}", mixed(&texts));
        assert_eq!(mixed(&grouped(texts)), 0);
    }

    #[test]
    fn texts_that_differ_in_one_byte_share_a_group() {
        let of = |first: u8| (b'1'..=b'8').map(move |n| vec![first, n, n, n]);
        let placed = grouped(of(b'a').chain(of(b'q')).collect());
        for group in 0..8 {
            let of: Vec<_> = placed.iter().skip(group).step_by(8).collect();
            assert!(of.len() == 2 && of.iter().all(|text| text[1..] == of[0][1..]), "{of:?}");
        }
    }
}

//! One search for many texts: which part of each is looked for, and in which order they are given.
//!
//! The searcher compares four bytes of the log at a time with the first four of all texts, which
//! it keeps in 8 or 16 groups: of each group it knows which values the halves of a byte may have.
//! What fits a group is compared with the texts themselves, and that costs more than all the rest.
//! So each text begins where its bytes are rare, and those that begin alike share a group.

use std::cmp::Reverse;

use aho_corasick::packed::{Config, MatchKind, Searcher};
use memchr::memmem;

/// More texts than this cannot be searched for at once.
pub(crate) const TEXTS_MAX: usize = 64;

/// Bytes that are compared first.
const START: usize = 4;

/// Up to so many texts are kept in 8 groups, more in 16.
const FEW: usize = 32;

/// A search for all of these texts; `None` if they are more than `most`. Where it finds something,
/// there is a part of one of them.
pub(crate) fn searcher(texts: Vec<Vec<u8>>, most: usize) -> Option<Searcher> {
    let cut = texts.into_iter().map(|text| text[rarest_start(&text)..].to_vec());
    let texts = least(cut.collect());
    if texts.len() > most.min(TEXTS_MAX) {
        return None;
    }
    let config = Config::new().match_kind(MatchKind::LeftmostFirst).clone();
    config.builder().extend(grouped(texts)).build()
}

/// The texts without those that have another one in them.
pub(crate) fn least(mut texts: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    texts.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    let mut least: Vec<Vec<u8>> = Vec::new();
    for text in texts {
        if !least.iter().any(|part| memmem::find(&text, part).is_some()) {
            least.push(text);
        }
    }
    least
}

/// Where the rarest bytes of a text begin.
fn rarest_start(text: &[u8]) -> usize {
    let rarity = |start: &[u8]| -> u32 { start.iter().map(|byte| rarity(*byte)).sum() };
    let starts = text.windows(START).map(rarity).enumerate();
    // Of equal ones the first: the longest text.
    starts.max_by_key(|(at, rarity)| (*rarity, text.len() - at)).map_or(0, |(at, _)| at)
}

/// How rare a byte is in logs: each step stands half as often, about.
fn rarity(byte: u8) -> u32 {
    match byte {
        b' ' => 0,
        b'a' | b'c'..=b'e' | b'i' | b'l' | b'n' | b'o' | b'r'..=b'u' => 1,
        b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'/' | b':' | b'=' | b'[' | b']' => 2,
        b'A'..=b'Z' => 4,
        _ => 5,
    }
}

/// The texts in an order in which those that begin alike share a group, so that hardly anything
/// else fits it: the searcher puts them into its groups in turn.
fn grouped(mut texts: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let count = if texts.len() > FEW { 16 } else { 8 };
    let (full, larger) = (texts.len() / count, texts.len() % count);
    texts.sort();
    // What fits most first: where it stands alone yet, the others still keep away from it.
    texts.sort_by_cached_key(|text| Reverse(Starts::default().with(text).share()));
    let mut groups: Vec<(Starts, Vec<Vec<u8>>)> = vec![Default::default(); count];
    for text in texts {
        let are_larger = groups.iter().filter(|(_, texts)| texts.len() > full).count();
        let room = full + usize::from(are_larger < larger);
        let best = groups.iter_mut().filter(|(_, texts)| texts.len() < room).min_by_key(
            |(starts, texts)| {
                let before = if texts.is_empty() { 0 } else { starts.share() };
                starts.with(&text).share() - before
            },
        );
        if let Some((starts, texts)) = best {
            *starts = starts.with(&text);
            texts.push(text);
        }
    }
    groups.sort_by_key(|(_, texts)| Reverse(texts.len()));
    let in_turn = |round| groups.iter().filter_map(move |(_, texts)| texts.get(round).cloned());
    (0..=full).flat_map(in_turn).collect()
}

/// What fits a group: for each of the first bytes the values that its lower and its upper half may
/// have, a bit each.
#[derive(Clone, Copy, Debug, Default)]
struct Starts([(u16, u16); START]);

impl Starts {
    fn with(mut self, text: &[u8]) -> Self {
        for ((low, high), byte) in self.0.iter_mut().zip(text) {
            *low |= 1 << (byte & 15);
            *high |= 1 << (byte >> 4);
        }
        self
    }

    /// How much of a log fits, as far as it can be told.
    fn share(&self) -> u64 {
        let of_byte = |(low, high): (u16, u16)| -> u64 {
            let bits = |half: u16| (0..16u8).filter(move |bit| half & 1 << bit != 0);
            let bytes = bits(high).flat_map(|high| bits(low).map(move |low| high << 4 | low));
            bytes.map(|byte| 32 >> rarity(byte)).sum::<u64>().max(1)
        };
        self.0.into_iter().map(of_byte).product()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_found_wherever_it_stands() {
        for count in 1..=TEXTS_MAX {
            let texts: Vec<Vec<u8>> =
                (0..count).map(|n| format!(" text {n:03} from=<{n:03}").into_bytes()).collect();
            let searcher = searcher(texts.clone(), TEXTS_MAX).unwrap();
            for text in texts {
                for before in [0, 1, 31, 500] {
                    let log = [&vec![b'x'; before][..], &text, b"\n"].concat();
                    let found = searcher.find(&log).unwrap();
                    assert!(found.start() >= before && found.end() < log.len());
                }
            }
        }
        let many = (0..65).map(|n| format!("({n:03}").into_bytes()).collect();
        assert!(searcher(many, usize::MAX).is_none());
    }

    #[test]
    fn texts_that_begin_alike_share_a_group() {
        let texts: Vec<Vec<u8>> = (0..24).map(|n| vec![b'a' + n / 3, b'0' + n % 3]).collect();
        let placed = grouped(texts.clone());
        for group in 0..8 {
            let of: Vec<_> = placed.iter().skip(group).step_by(8).collect();
            assert!(of.len() == 3 && of.iter().all(|text| text[0] == of[0][0]), "{of:?}");
        }
        let mut sorted = placed;
        sorted.sort();
        assert_eq!(sorted, texts);
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

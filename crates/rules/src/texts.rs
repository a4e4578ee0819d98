//! One search for many texts: which part of each is looked for.
//!
//! The searcher compares a few bytes of the log at a time with the first ones of all texts. Where
//! they fit, it compares the texts themselves, and that costs more than all the rest: so each text
//! begins where its bytes are rare.

use aho_corasick::packed::{Config, MatchKind, Searcher};
use memchr::memmem;

use crate::groups;

/// More texts than this cannot be searched for at once.
pub(crate) const TEXTS_MAX: usize = 64;

/// A search for all of these texts; `None` if they are more than `most`. Where it finds something,
/// there is a part of one of them.
pub(crate) fn searcher(texts: Vec<Vec<u8>>, most: usize) -> Option<Searcher> {
    let texts = sought(texts);
    if texts.len() > most.min(TEXTS_MAX) {
        return None;
    }
    let config = Config::new().match_kind(MatchKind::LeftmostFirst).clone();
    config.builder().extend(groups::grouped(texts)).build()
}

/// What of these texts is searched for.
pub(crate) fn sought(texts: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let cut = texts.into_iter().map(|text| text[rarest_start(&text)..].to_vec());
    least(cut.collect())
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
    let starts = text.windows(groups::START).map(rarity).enumerate();
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
}

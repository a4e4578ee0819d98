//! "Did you mean ...?"

/// The one of `known` that is closest to `word`, if it is close enough to be meant.
pub fn closest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance in bytes; words are cut at 64 bytes.
fn distance(one: &str, other: &str) -> usize {
    let cut = |text: &str| text.bytes().take(64).collect::<Vec<u8>>();
    let (one, other) = (cut(one), cut(other));
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_understood() {
        let known = ["failures", "within", "block", "block_max"];
        assert_eq!(closest("failure", known), Some("failures"));
        assert_eq!(closest("bock", known), Some("block"));
        assert_eq!(closest("findtime", known), None);
    }
}

//! Finds the patterns whose leading literal a message begins with, in one walk over its bytes.

use crate::bytes::Literal;

/// A radix tree over the literals with which patterns begin. Each node knows all patterns that
/// may match once it is reached, in the order of the rule file.
#[derive(Debug, Default)]
pub(crate) struct Trie {
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    /// The bytes that lead here from the parent.
    label: Literal,
    /// The first byte of the first child's label; `children` begins with that child.
    lowest: u8,
    /// The child for each first byte from there to that of the last child; 0, the root itself, for
    /// none.
    children: Box<[u32]>,
    /// The patterns whose literal ends here or above, ascending.
    candidates: Box<[u32]>,
}

impl Trie {
    /// Builds the tree; the number of a pattern is its place in `prefixes`.
    pub(crate) fn build(prefixes: &[&[u8]]) -> Self {
        let mut trie = Self::default();
        let all: Vec<u32> = (0..prefixes.len() as u32).collect();
        trie.grow(prefixes, &all, 0, 0, &[]);
        trie.nodes.shrink_to_fit();
        trie
    }

    /// Adds the node for `members`, which agree in the first `depth` bytes; its label begins at
    /// `from`. Returns its number.
    fn grow(
        &mut self,
        prefixes: &[&[u8]],
        members: &[u32],
        from: usize,
        depth: usize,
        above: &[u32],
    ) -> u32 {
        let prefix = |member: u32| prefixes[member as usize];
        let (ending, going): (Vec<u32>, Vec<u32>) =
            members.iter().partition(|&&m| prefix(m).len() == depth);
        let mut candidates = [above, &ending].concat();
        candidates.sort_unstable();
        let number = self.nodes.len();
        self.nodes.push(Node::default());
        let mut firsts: Vec<u8> = going.iter().map(|&m| prefix(m)[depth]).collect();
        firsts.sort_unstable();
        firsts.dedup();
        let lowest = firsts.first().copied().unwrap_or(0);
        let mut children = vec![0; firsts.last().map_or(0, |last| usize::from(last - lowest) + 1)];
        for first in firsts {
            let group: Vec<u32> =
                going.iter().copied().filter(|&m| prefix(m)[depth] == first).collect();
            let end = common_length(group.iter().map(|&m| prefix(m)));
            let child = self.grow(prefixes, &group, depth, end, &candidates);
            children[usize::from(first - lowest)] = child;
        }
        let label = members.first().map_or(&[][..], |&m| &prefix(m)[from..depth]);
        let label = Literal::of(label);
        let children = children.into();
        self.nodes[number] = Node { label, lowest, children, candidates: candidates.into() };
        number as u32
    }

    /// The patterns whose literal `message` begins with, in file order.
    #[inline]
    pub(crate) fn candidates(&self, message: &[u8]) -> &[u32] {
        let Some(mut node) = self.nodes.first() else {
            return &[];
        };
        let mut rest = message;
        while let Some(&byte) = rest.first() {
            let place = usize::from(byte.wrapping_sub(node.lowest));
            // The root is nobody's child.
            let Some(&child @ 1..) = node.children.get(place) else { break };
            let next = &self.nodes[child as usize];
            if !next.label.begins(rest) {
                break;
            }
            (node, rest) = (next, &rest[next.label.len()..]);
        }
        &node.candidates
    }
}

fn common_length<'a>(mut texts: impl Iterator<Item = &'a [u8]>) -> usize {
    let Some(first) = texts.next() else {
        return 0;
    };
    texts.fold(first.len(), |length, text| {
        let same = first.iter().zip(text).take_while(|(a, b)| a == b).count();
        length.min(same)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_literals_at_the_start_are_found_in_order() {
        let prefixes = ["Failed ", "", "Fail", "Connection closed by ", "Connection ", "Failed "];
        let bytes: Vec<&[u8]> = prefixes.iter().map(|p| p.as_bytes()).collect();
        let trie = Trie::build(&bytes);
        for message in
            ["Failed x", "Fail", "Fai", "", "Connection closed by", "Connection closed by x", "x"]
        {
            let expected: Vec<u32> =
                (0..6).filter(|&i| message.starts_with(prefixes[i as usize])).collect();
            assert_eq!(trie.candidates(message.as_bytes()), expected, "{message}");
        }
        assert!(Trie::build(&[]).candidates(b"x").is_empty());
    }
}

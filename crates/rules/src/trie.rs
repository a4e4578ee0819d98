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
        let mut all: Vec<u32> = (0..prefixes.len() as u32).collect();
        all.sort_by_key(|&member| prefixes[member as usize]);
        trie.grow(prefixes, &all, 0, 0, &[]);
        trie.nodes.shrink_to_fit();
        trie
    }

    /// Adds the node for `members`, which agree in the first `depth` bytes and are sorted by their
    /// prefixes; its label begins at `from`. Returns its number.
    fn grow(
        &mut self,
        prefixes: &[&[u8]],
        members: &[u32],
        from: usize,
        depth: usize,
        above: &[u32],
    ) -> u32 {
        let prefix = |member: u32| prefixes[member as usize];
        let ending = members.partition_point(|&member| prefix(member).len() == depth);
        let (ending, going) = members.split_at(ending);
        let mut candidates = [above, ending].concat();
        candidates.sort_unstable();
        let number = self.nodes.len();
        self.nodes.push(Node::default());
        let first = |member: u32| prefix(member)[depth];
        let (lowest, highest) = match (going.first(), going.last()) {
            (Some(&lowest), Some(&highest)) => (first(lowest), first(highest)),
            _ => (0, 0),
        };
        let span = if going.is_empty() { 0 } else { usize::from(highest - lowest) + 1 };
        let mut children = vec![0; span];
        for group in going.chunk_by(|&a, &b| first(a) == first(b)) {
            let (Some(&one), Some(&other)) = (group.first(), group.last()) else { continue };
            // All between two that are sorted agree as far as these do.
            let end = common_length(prefix(one), prefix(other));
            let child = self.grow(prefixes, group, depth, end, &candidates);
            children[usize::from(first(one) - lowest)] = child;
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

fn common_length(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
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

//! Finds the patterns whose leading literal a message begins with, in one walk over its bytes.

use crate::bytes::after;

/// A radix tree over the literals with which patterns begin. Each node knows all patterns that
/// may match once it is reached, in the order of the rule file.
#[derive(Debug, Default)]
pub(crate) struct Trie {
    nodes: Vec<Node>,
    /// The child of the root for each first byte; 0, the root itself, for none.
    first: Vec<u32>,
}

#[derive(Debug, Default)]
struct Node {
    /// The bytes that lead here from the parent.
    label: Box<[u8]>,
    /// First byte of each child's label, and the child.
    children: Box<[(u8, u32)]>,
    /// The patterns whose literal ends here or above, ascending.
    candidates: Box<[u32]>,
}

impl Trie {
    /// Builds the tree; the number of a pattern is its place in `prefixes`.
    pub(crate) fn build(prefixes: &[&[u8]]) -> Self {
        let mut trie = Self::default();
        let all: Vec<u32> = (0..prefixes.len() as u32).collect();
        trie.grow(prefixes, &all, 0, 0, &[]);
        trie.first = vec![0; 256];
        for &(byte, child) in &trie.nodes[0].children {
            trie.first[usize::from(byte)] = child;
        }
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
        let mut children = Vec::new();
        for first in firsts {
            let group: Vec<u32> =
                going.iter().copied().filter(|&m| prefix(m)[depth] == first).collect();
            let end = common_length(group.iter().map(|&m| prefix(m)));
            let child = self.grow(prefixes, &group, depth, end, &candidates);
            children.push((first, child));
        }
        let label = members.first().map_or(&[][..], |&m| &prefix(m)[from..depth]);
        self.nodes[number] =
            Node { label: label.into(), children: children.into(), candidates: candidates.into() };
        number as u32
    }

    /// The patterns whose literal `message` begins with, in file order.
    #[inline]
    pub(crate) fn candidates(&self, message: &[u8]) -> &[u32] {
        let Some(mut node) = self.nodes.first() else {
            return &[];
        };
        let mut rest = message;
        if let Some(&byte) = message.first() {
            let child = self.first[usize::from(byte)];
            match self.nodes.get(child as usize) {
                Some(next) if child > 0 => match after(message, &next.label) {
                    Some(tail) => (node, rest) = (next, tail),
                    None => return &node.candidates,
                },
                _ => return &node.candidates,
            }
        }
        'down: while let Some(&byte) = rest.first() {
            for &(first, child) in &node.children {
                if first == byte {
                    let next = &self.nodes[child as usize];
                    let Some(tail) = after(rest, &next.label) else {
                        break 'down;
                    };
                    (node, rest) = (next, tail);
                    continue 'down;
                }
            }
            break;
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

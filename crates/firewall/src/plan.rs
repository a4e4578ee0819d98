//! From changes to set elements, and from these to the messages of a batch.

use std::collections::HashSet;
use std::time::Duration;

use monban_model::Scope;

use crate::elements::List;
use crate::encode::Batch;
use crate::layout::TABLE;
use crate::target::{Key, SETS, SetSpec, Target};
use crate::uapi::*;
use crate::{Change, FirewallError};

/// What an element shall be afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// There for this time, or without end.
    Held(Option<Duration>),
    /// Not there.
    Gone,
}

/// One element that is to be changed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) target: Target,
    pub(crate) wish: Wish,
    /// The change that wants it.
    pub(crate) change: usize,
    /// Whether the kernel is to be told to take it away first.
    pub(crate) clears: bool,
}

/// Elements that are to be changed in one transaction, each at most once, grouped by set.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    /// Whether the kernel has a way to remove that does not mind a missing element.
    pub(crate) can_destroy: bool,
}

impl Plan {
    /// The plan of these changes; `ports` are all ports that any block ever named. Changes that
    /// cannot be are returned beside it.
    pub(crate) fn new<'a>(
        changes: impl Iterator<Item = (usize, &'a Change)>,
        ports: impl Iterator<Item = u16> + Clone,
        can_destroy: bool,
    ) -> (Self, Vec<(usize, FirewallError)>) {
        let mut steps = Vec::new();
        let mut refused = Vec::new();
        for (index, change) in changes {
            match targets(change, ports.clone()) {
                Ok(targets) => steps.extend(targets.map(|(target, wish)| Step {
                    target,
                    wish,
                    change: index,
                    clears: true,
                })),
                Err(error) => refused.push((index, error)),
            }
        }
        // The last wish for an element counts: the sort is stable, and the reverse makes the
        // last the first, which dedup keeps.
        steps.reverse();
        steps.sort_by_key(|step| (step.target.set(), step.target));
        steps.dedup_by_key(|step| step.target);
        (Self { steps, can_destroy }, refused)
    }

    /// The plan for a table that has just been made: nothing is there to be cleared.
    pub(crate) fn fresh(wishes: impl Iterator<Item = (Target, Wish)>) -> Self {
        let mut steps: Vec<_> =
            wishes.map(|(target, wish)| Step { target, wish, change: 0, clears: false }).collect();
        steps.sort_by_key(|step| (step.target.set(), step.target));
        Self { steps, can_destroy: false }
    }

    /// Leaves the steps of these changes out.
    pub(crate) fn without(&mut self, refused: &[(usize, FirewallError)]) {
        let refused: HashSet<usize> = refused.iter().map(|(change, _)| *change).collect();
        self.steps.retain(|step| !refused.contains(&step.change));
    }

    /// Adds the messages: per set first what is taken away, then what is put in. A block that is
    /// there is taken away and put in anew, because kernels before 6.12 do not change the time
    /// of an element; both happen at the same instant.
    pub(crate) fn encode(&self, batch: &mut Batch) {
        for steps in self.steps.chunk_by(|a, b| a.target.set() == b.target.set()) {
            let Some(spec) = steps.first().and_then(|step| SETS.get(step.target.set())) else {
                continue;
            };
            let cleared = || {
                let cleared = steps.iter().filter(|step| step.clears);
                cleared.map(|step| (step.target, None))
            };
            if self.can_destroy {
                write_elements(batch, *spec, DESTROYSETELEM, cleared());
            } else {
                // What is put in first is surely there to be removed. A range is only cleared if
                // it was seen, and putting it in again might be refused.
                if !spec.is_ranges() {
                    write_elements(batch, *spec, NEWSETELEM, cleared());
                }
                write_elements(batch, *spec, DELSETELEM, cleared());
            }
            let held = steps.iter().filter_map(|step| match step.wish {
                Wish::Held(left) => Some((step.target, left)),
                Wish::Gone => None,
            });
            write_elements(batch, *spec, NEWSETELEM, held);
        }
    }
}

/// The elements that a change is about.
pub(crate) fn targets<'a>(
    change: &'a Change,
    ports: impl Iterator<Item = u16> + 'a,
) -> Result<Box<dyn Iterator<Item = (Target, Wish)> + 'a>, FirewallError> {
    let subject = change.subject();
    let target = move |port| Target { subject, port };
    Ok(match change {
        Change::Block { scope, left, .. } => {
            let wish = Wish::Held(*left);
            match scope {
                Scope::All => Box::new(std::iter::once((target(None), wish))),
                Scope::Ports(ports) if ports.is_empty() => {
                    return Err(FirewallError::NoPorts { subject });
                }
                Scope::Ports(ports) => {
                    Box::new(ports.iter().map(move |port| (target(Some(*port)), wish)))
                }
            }
        }
        Change::Free { .. } => Box::new(
            std::iter::once(None)
                .chain(ports.map(Some))
                .map(move |port| (target(port), Wish::Gone)),
        ),
    })
}

/// Writes as many messages as the elements need.
fn write_elements(
    batch: &mut Batch,
    spec: SetSpec,
    kind: u16,
    elements: impl Iterator<Item = (Target, Option<Duration>)>,
) {
    let flags = if kind == NEWSETELEM { NLM_F_CREATE } else { 0 };
    let list = List { family: NFPROTO_INET, table: TABLE, set: spec.name };
    list.write(batch, (kind, flags), elements, |batch, (target, left)| {
        write_element(batch, spec, target, left);
    });
}

/// Writes one element: a key, or a range with two keys.
fn write_element(batch: &mut Batch, spec: SetSpec, target: Target, left: Option<Duration>) {
    let (first, last) = target.bounds();
    let port = target.port.unwrap_or(0);
    let encoder = batch.encoder();
    encoder.nest(NFTA_LIST_ELEM, |e| {
        e.nest(NFTA_SET_ELEM_KEY, |e| {
            e.attribute(NFTA_DATA_VALUE, Key::new(spec, first, port).bytes());
        });
        if spec.is_ranges() {
            e.nest(NFTA_SET_ELEM_KEY_END, |e| {
                e.attribute(NFTA_DATA_VALUE, Key::new(spec, last, port).bytes());
            });
        }
        if let Some(left) = left {
            // 0 would have no end.
            let left_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX).max(1);
            e.long(NFTA_SET_ELEM_TIMEOUT, left_ms);
        }
    });
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::NetlinkMessage;
    use netlink_packet_netfilter::NetfilterMessage;

    use super::*;
    use crate::layout::create;

    /// Our bytes as a decoder that others wrote reads them; when it writes them they are the same.
    fn decoded(batch: Batch) -> Vec<String> {
        let (bytes, _) = batch.finish(true);
        let mut rest = bytes.as_slice();
        let mut messages = Vec::new();
        while !rest.is_empty() {
            let message = NetlinkMessage::<NetfilterMessage>::deserialize(rest).unwrap();
            let length = message.header.length as usize;
            let mut again = vec![0; message.buffer_len()];
            message.serialize(&mut again);
            // It knows the description of a set only as bytes, and forgets a mark of nesting.
            for (theirs, ours) in again.iter().zip(&rest[..length]) {
                assert!(theirs == ours || (*theirs, *ours) == (0, 0x80), "{message:?}");
            }
            messages.push(format!("{:?}", message.payload));
            rest = &rest[length..];
        }
        messages
    }

    fn block(subject: &str, port: Option<u16>, left_s: Option<u64>) -> Change {
        Change::Block {
            subject: subject.parse().unwrap(),
            scope: port.map_or(Scope::All, |port| Scope::Ports(vec![port])),
            left: left_s.map(Duration::from_secs),
        }
    }

    fn plan(changes: &[Change]) -> Plan {
        let (plan, refused) = Plan::new(changes.iter().enumerate(), [22].into_iter(), false);
        assert_eq!(refused, []);
        plan
    }

    #[test]
    fn another_decoder_reads_the_layout() {
        let mut batch = Batch::new(0, None);
        create(&mut batch, TABLE);
        let messages = decoded(batch);
        // Begin, table, ten sets, two chains, thirteen rules, end.
        assert_eq!(messages.len(), 1 + 1 + 10 + 2 + 13 + 1);
        let all = messages.join("\n");
        for expected in [
            "Name(\"monban\")",
            "Name(\"hosts6\")",
            "KeyLen(16)",
            "Priority(4294966996)",
            "PreRouting",
            "Set(\"netports6\")",
        ] {
            assert!(all.contains(expected), "{expected} in {all}");
        }
        assert!(!all.contains("Other { message_type"), "{all}");
    }

    #[test]
    fn another_decoder_reads_the_elements() {
        let mut batch = Batch::new(0, None);
        let changes = [
            block("192.0.2.1", None, Some(600)),
            block("2001:db8::1", Some(443), None),
            block("10.0.0.0/8", Some(22), None),
        ];
        plan(&changes).encode(&mut batch);
        let all = decoded(batch).join("\n");
        for expected in [
            "Timeout(600000)",
            "[192, 0, 2, 1]",
            "[32, 1, 13, 184, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 187, 0, 0]",
        ] {
            assert!(all.contains(expected), "{expected} in {all}");
        }
    }

    #[test]
    fn many_elements_are_many_messages() {
        let mut batch = Batch::new(0, None);
        let changes: Vec<_> = (0..10_000_u32)
            .map(|i| block(&std::net::Ipv4Addr::from_bits(i).to_string(), None, Some(60)))
            .collect();
        plan(&changes).encode(&mut batch);
        let (bytes, _) = batch.finish(true);
        let kinds: Vec<_> = crate::decode::Messages(&bytes)
            .map(|message| {
                assert!(message.payload.len() < 32 * 1024);
                let lists = message.attributes();
                let list = lists.find(NFTA_SET_ELEM_LIST_ELEMENTS);
                (message.kind, list.map_or(0, |list| list.inner().count()))
            })
            .collect();
        let count = |kind| -> usize {
            let of_kind = kinds.iter().filter(|entry| entry.0 == kind);
            of_kind.map(|entry| entry.1).sum()
        };
        assert_eq!((count(NEWSETELEM), count(DELSETELEM)), (20_000, 10_000));
    }

    #[test]
    fn of_two_wishes_the_later_counts() {
        let subject = "192.0.2.1".parse().unwrap();
        let free = Change::Free { subject };
        let ported = block("192.0.2.1", Some(22), None);
        let steps = plan(&[block("192.0.2.1", None, None), free.clone(), ported.clone()]).steps;
        let wishes: Vec<_> = steps.iter().map(|step| (step.change, step.wish)).collect();
        assert_eq!(wishes, [(1, Wish::Gone), (2, Wish::Held(None))]);
        let steps = plan(&[ported, free]).steps;
        assert!(steps.iter().all(|step| step.wish == Wish::Gone));
    }
}

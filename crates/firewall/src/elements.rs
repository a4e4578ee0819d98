//! Changes of a set of somebody else as the messages of a batch.

use monban_model::{Net, SetName};

use crate::encode::{Batch, Mark};
use crate::form::{Form, Range, Ranges, number};
use crate::set_writer::NotWritten;
use crate::uapi::*;

/// A list of elements is a nested attribute, whose length has 16 bits; and the kernel returns a
/// failing message whole, which must fit our receive buffer.
const LIST_BYTES_MAX: usize = 30 * 1024;

/// What shall become of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    In,
    Out,
}

/// One element that is to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) range: Range,
    pub(crate) wish: Wish,
}

/// The steps for wishes.
pub(crate) fn steps(form: Form, wishes: &[(Net, Wish)]) -> Result<Vec<Step>, NotWritten> {
    let step = |(net, wish): &(Net, Wish)| {
        let range = form.range(*net).ok_or(NotWritten::Elements)?;
        Ok(Step { range, wish: *wish })
    };
    wishes.iter().map(step).collect()
}

/// Leaves out what is so already: what is not there to be removed, and what is there.
pub(crate) fn fit(steps: &mut Vec<Step>, mut held: Ranges) -> Result<(), NotWritten> {
    let mut all_fit = true;
    steps.retain(|Step { range, wish }| match wish {
        Wish::Out => held.remove(*range),
        Wish::In if held.holds(*range) => false,
        Wish::In => {
            all_fit &= held.insert(*range);
            true
        }
    });
    if all_fit { Ok(()) } else { Err(NotWritten::Elements) }
}

/// Adds the messages for steps, in their order.
pub(crate) fn write(batch: &mut Batch, set: &SetName, form: Form, steps: &[Step]) {
    for group in steps.chunk_by(|a, b| a.wish == b.wish) {
        let (kind, flags) = match group.first().map(|step| step.wish) {
            Some(Wish::Out) => (DELSETELEM, 0),
            _ => (NEWSETELEM, NLM_F_CREATE),
        };
        let list = List { family: number(set.family), table: &set.table, set: &set.set };
        let ranges = group.iter().map(|step| step.range);
        list.write(batch, (kind, flags), ranges, |batch, range| write_range(batch, form, range));
    }
}

/// Where elements go to, or leave.
pub(crate) struct List<'n> {
    pub family: u8,
    pub table: &'n str,
    pub set: &'n str,
}

impl List<'_> {
    /// Adds messages with elements, in their order, as many to each as fit.
    pub(crate) fn write<T>(
        &self,
        batch: &mut Batch,
        (kind, flags): (u16, u16),
        elements: impl Iterator<Item = T>,
        mut write: impl FnMut(&mut Batch, T),
    ) {
        let mut open: Option<(Mark, Mark)> = None;
        for element in elements {
            let (message, list) = *open.get_or_insert_with(|| {
                let message = batch.begin_of(self.family, kind, flags);
                let encoder = batch.encoder();
                encoder.text(NFTA_SET_ELEM_LIST_TABLE, self.table);
                encoder.text(NFTA_SET_ELEM_LIST_SET, self.set);
                (message, encoder.begin_nest(NFTA_SET_ELEM_LIST_ELEMENTS))
            });
            write(batch, element);
            let encoder = batch.encoder();
            if encoder.since(list) > LIST_BYTES_MAX {
                encoder.end_nest(list);
                encoder.end(message);
                open = None;
            }
        }
        if let Some((message, list)) = open {
            batch.encoder().end_nest(list);
            batch.encoder().end(message);
        }
    }
}

/// One element; in a set of ranges its end right behind it.
fn write_range(batch: &mut Batch, form: Form, (first, last): Range) {
    write_key(batch, form, first, false);
    if form.interval
        && let Some(end) = form.end(last)
    {
        write_key(batch, form, end, true);
    }
}

fn write_key(batch: &mut Batch, form: Form, key: u128, is_end: bool) {
    let bytes = key.to_be_bytes();
    let bytes = bytes.get(bytes.len() - form.key_bytes()..).unwrap_or(&[]);
    batch.encoder().nest(NFTA_LIST_ELEM, |e| {
        if is_end {
            e.number(NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
        }
        e.nest(NFTA_SET_ELEM_KEY, |e| e.attribute(NFTA_DATA_VALUE, bytes));
    });
}

#[cfg(test)]
mod tests {
    use monban_model::TableFamily;

    use super::*;
    use crate::decode::Messages;

    #[test]
    fn many_elements_are_many_messages_that_the_kernel_can_return() {
        let form = Form { v6: true, interval: true, generation: 1 };
        let set = SetName { family: TableFamily::Ip6, table: "t".to_owned(), set: "s".to_owned() };
        let steps: Vec<Step> = (0..20_000_u128)
            .map(|n| Step { range: (n * 2, n * 2), wish: if n < 5 { Wish::Out } else { Wish::In } })
            .collect();
        let mut batch = Batch::new(7, Some(1));
        write(&mut batch, &set, form, &steps);
        let (bytes, acknowledged) = batch.finish(true);
        let (mut removed, mut added, mut messages) = (0, 0, 0);
        for message in Messages(&bytes).filter(|message| message.kind >= NEWSETELEM) {
            messages += 1;
            assert!(message.payload.len() < 32 * 1024);
            assert_eq!((message.family(), message.seq), (Some(NFPROTO_IPV6), 7 + messages));
            let list = message.attributes().find(NFTA_SET_ELEM_LIST_ELEMENTS).unwrap();
            let count = list.inner().count();
            assert_eq!(count % 2, 0, "a start and its end stand together");
            *(if message.kind == DELSETELEM { &mut removed } else { &mut added }) += count;
        }
        assert_eq!((removed, added, acknowledged), (10, 39_990, 7 + messages));
    }

    #[test]
    fn what_is_so_already_is_left_out_and_what_overlaps_is_refused() {
        let step = |range, wish| Step { range, wish };
        let held = || {
            let mut held = Ranges::default();
            assert!(held.insert((10, 19)) && held.insert((20, 29)));
            held
        };
        let mut steps = vec![
            step((10, 29), Wish::Out),
            step((10, 19), Wish::Out),
            step((20, 29), Wish::In),
            step((12, 12), Wish::In),
            step((12, 12), Wish::In),
        ];
        assert_eq!(fit(&mut steps, held()), Ok(()));
        assert_eq!(steps, [step((10, 19), Wish::Out), step((12, 12), Wish::In)]);
        let mut steps = vec![step((0, 12), Wish::In)];
        assert_eq!(fit(&mut steps, held()), Err(NotWritten::Elements));
    }
}

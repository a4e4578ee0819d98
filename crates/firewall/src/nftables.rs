//! The firewall as the rest of monban sees it.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::{Duration, Instant};

use monban_model::Scope;

use crate::change::{Change, Dropped, Held, Placed, Probe, Refused};
use crate::encode::Batch;
use crate::layout::TABLE;
use crate::placed::{held_in, look, place, rehearse};
use crate::plan::Plan;
use crate::read::{elements, generation, list, table_flags};
use crate::socket::Socket;
use crate::spans::{fit, fit_alone};
use crate::target::SETS;
use crate::uapi::*;
use crate::verify::verify;
use crate::{FirewallError, Watch};

/// Changes of one transaction. It bounds the bytes that are built at once (about 7 MB) and how
/// long other programs wait for the kernel's lock (some hundred milliseconds).
const TRANSACTION_CHANGES_MAX: usize = 131_072;

/// The table `inet monban` of this network namespace, open for changes.
#[derive(Debug)]
pub struct Nftables {
    socket: Socket,
    placed: Placed,
    can_destroy: bool,
    /// Every port that a block named since there is this table: where to look when a subject is
    /// freed. There are few, so this costs less than an index of subjects.
    ports: BTreeSet<u16>,
    /// Whether `ports` has those of earlier runs too.
    ports_known: bool,
    /// How long the last [`Nftables::apply`] took: so much less time its blocks may have.
    apply_took: Duration,
}

impl Nftables {
    /// Whether nftables can be used here, without changing anything: the kernel checks the whole
    /// layout and drops it.
    ///
    /// # Errors
    /// Why not: [`FirewallError::NotPermitted`] or [`FirewallError::NoNftables`].
    pub fn probe() -> Result<Probe, FirewallError> {
        let mut socket = Socket::open(0)?;
        let table_present = table_flags(&mut socket)?.is_some();
        rehearse(&mut socket)?;
        Ok(Probe { table_present })
    }

    /// Makes the table if it is missing and opens it. What an earlier run blocked stays blocked;
    /// a table of another layout is replaced in one transaction, with what it holds.
    ///
    /// # Errors
    /// As [`Nftables::probe`], or what the kernel said.
    pub fn open() -> Result<Self, FirewallError> {
        let mut nftables = Self {
            socket: Socket::open(0)?,
            placed: Placed::AsItWas,
            can_destroy: false,
            ports: BTreeSet::new(),
            ports_known: false,
            apply_took: Duration::ZERO,
        };
        nftables.repair()?;
        nftables.can_destroy = nftables.probe_destroy();
        Ok(nftables)
    }

    /// What [`Nftables::open`] or the last [`Nftables::repair`] found.
    pub const fn placed(&self) -> Placed {
        self.placed
    }

    /// Makes the table as it should be, if it is not. Elements that somebody removed do not come
    /// back by this; [`Nftables::apply`] the blocks that are in force again.
    ///
    /// # Errors
    /// As [`Nftables::open`].
    pub fn repair(&mut self) -> Result<Placed, FirewallError> {
        self.placed = place(&mut self.socket)?;
        Ok(self.placed)
    }

    /// Makes all these changes in one transaction: all packets see either the state before or
    /// the one after. More than 131,072 changes are split. If the kernel refuses some, they are
    /// found by halving and returned, and the others are made (in several transactions then).
    /// Of two changes of the same element the later counts.
    ///
    /// # Errors
    /// If nothing more can be done: no right, no memory, or [`FirewallError::Gone`], after which
    /// [`Nftables::repair`] helps. Changes may have been made in part then; they may be repeated.
    pub fn apply(&mut self, changes: &[Change]) -> Result<Vec<Refused>, FirewallError> {
        let start = Instant::now();
        self.learn_ports(changes)?;
        self.ports.extend(changes.iter().flat_map(ports));
        let mut refused = Vec::new();
        for first in (0..changes.len()).step_by(TRANSACTION_CHANGES_MAX) {
            let end = changes.len().min(first + TRANSACTION_CHANGES_MAX);
            self.apply_part(changes, first..end, &mut refused)?;
        }
        self.apply_took = start.elapsed();
        refused.sort_unstable_by_key(|refused: &Refused| refused.index);
        Ok(refused)
    }

    /// Makes the kernel hold these blocks and no other. It is one transaction, in which a block
    /// that stays is never away; more than 131,072 blocks are split behind the first so many. What
    /// is held is emptied and not compared: to list a set takes the kernel quadratic time. What the
    /// kernel refuses is returned; all is emptied first then, and the others follow.
    ///
    /// # Errors
    /// As [`Nftables::apply`].
    pub fn hold_only(&mut self, blocks: &[Change]) -> Result<Vec<Refused>, FirewallError> {
        let first = blocks.len().min(TRANSACTION_CHANGES_MAX);
        let wanted = blocks.iter().enumerate().take(first);
        let (mut plan, mut refused) = Plan::new(wanted, std::iter::empty(), self.can_destroy);
        refused.extend(fit_alone(&mut plan));
        plan.without(&refused);
        let mut batch = Batch::new(self.socket.reserve(1), None);
        empty(&mut batch);
        plan.encode(&mut batch);
        match self.socket.transact(batch, true, "put the blocks in place of others") {
            Ok(()) => {}
            // A table that is gone is told by this, too.
            Err(error) if error.is_about_elements() => {
                self.clear()?;
                return self.apply(blocks);
            }
            Err(error) => return Err(error),
        }
        self.ports = blocks.iter().take(first).flat_map(ports).copied().collect();
        self.ports_known = true;
        let refused = refused.into_iter().map(|(index, error)| Refused { index, error });
        let behind = self.apply(&blocks[first..])?.into_iter();
        let behind = behind.map(|Refused { index, error }| Refused { index: first + index, error });
        let mut refused: Vec<Refused> = refused.chain(behind).collect();
        refused.sort_unstable_by_key(|refused| refused.index);
        Ok(refused)
    }

    /// Reads back what the changes should have led to; true for each that the kernel has so. A
    /// block counts if its time is within 2 seconds of the wished one (the time that the last
    /// apply and this reading took may be missing), so one that ends before it is read back is
    /// false. The changes are looked at one by one: a later one for the same subject makes an
    /// earlier one false. It takes the same time for each change however many are held, and
    /// is the way to compare a list of blocks with the kernel. Without a table no block is there.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn verify(&mut self, changes: &[Change]) -> Result<Vec<bool>, FirewallError> {
        self.learn_ports(changes)?;
        verify(&mut self.socket, &self.ports, changes, self.apply_took)
    }

    /// Every block that the kernel holds now, those of earlier runs included. The kernel begins
    /// at the start of a set for every 32 KiB, so this is quadratic: about a second for 100,000
    /// in one set, two minutes for a million. Ranges that are no
    /// networks, which only somebody else can have put in, are left out.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn list(&mut self) -> Result<Vec<Held>, FirewallError> {
        let mut held = Vec::new();
        for spec in SETS {
            held.extend(held_in(&mut self.socket, spec)?);
        }
        Ok(held)
    }

    /// Whether table, chains, hook, sets and rules are as they were made, with nothing beside
    /// them: the table is monban's alone. It does not look at the elements.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn intact(&mut self) -> Result<bool, FirewallError> {
        Ok(look(&mut self.socket)?.is_intact())
    }

    /// What the rules dropped so far. Costs reading eleven rules.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn counters(&mut self) -> Result<Dropped, FirewallError> {
        let doing = "read the counters";
        let counters = list(&mut self.socket, GETRULE, None, doing, |rule, list| {
            let expressions = rule.find(NFTA_RULE_EXPRESSIONS).map(|e| e.inner());
            for expression in expressions.into_iter().flatten() {
                let expression = expression.inner();
                if expression.find_text(NFTA_EXPR_NAME) == Some("counter") {
                    let data = expression.find(NFTA_EXPR_DATA).map(|data| data.inner());
                    let count = |kind| data.and_then(|d| d.find(kind)?.long()).unwrap_or(0);
                    list.push((count(NFTA_COUNTER_PACKETS), count(NFTA_COUNTER_BYTES)));
                }
            }
        })?;
        Ok(counters.iter().fold(Dropped::default(), |sum, counter| Dropped {
            packets: sum.packets.saturating_add(counter.0),
            bytes: sum.bytes.saturating_add(counter.1),
        }))
    }

    /// Ends every block, in one transaction; the table stays.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn clear(&mut self) -> Result<(), FirewallError> {
        let mut batch = Batch::new(self.socket.reserve(1), None);
        empty(&mut batch);
        self.socket.transact(batch, true, "empty the sets").map_err(FirewallError::gone_if_missing)
    }

    /// Takes everything out of the kernel: every block ends.
    ///
    /// # Errors
    /// What the kernel said; a missing table is no error.
    pub fn remove(mut self) -> Result<(), FirewallError> {
        remove_table(&mut self.socket)
    }

    /// As [`Nftables::remove`], without making the table first.
    ///
    /// # Errors
    /// As [`Nftables::remove`].
    pub fn remove_all() -> Result<(), FirewallError> {
        remove_table(&mut Socket::open(0)?)
    }

    /// Begins to watch for changes of our table that are not made through this `Nftables`.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn watch(&self) -> Result<Watch, FirewallError> {
        Watch::open(self.socket.port_id())
    }

    /// How many changes of anybody's nftables rules there were since some time, but for those that
    /// were made here.
    pub(crate) fn generation(&mut self) -> Result<Option<u32>, FirewallError> {
        let all = generation(&mut self.socket)?;
        Ok(all.map(|all| all.wrapping_sub(self.socket.commits())))
    }

    /// Reads which ports an earlier run blocked, once, when a subject is freed for the first time.
    fn learn_ports(&mut self, changes: &[Change]) -> Result<(), FirewallError> {
        if self.ports_known || !changes.iter().any(|c| matches!(c, Change::Free { .. })) {
            return Ok(());
        }
        for spec in SETS.iter().filter(|spec| spec.port) {
            for element in elements(&mut self.socket, *spec)? {
                self.ports.insert(element.first.1);
            }
        }
        self.ports_known = true;
        Ok(())
    }

    /// Applies `changes[part]`, halving it around what the kernel refuses.
    fn apply_part(
        &mut self,
        changes: &[Change],
        part: Range<usize>,
        refused: &mut Vec<Refused>,
    ) -> Result<(), FirewallError> {
        let mut parts = vec![part];
        while let Some(part) = parts.pop() {
            match self.apply_once(changes, part.clone()) {
                Ok(some) => {
                    refused.extend(some.into_iter().map(|(index, error)| Refused { index, error }));
                }
                Err(error) if error.is_about_elements() => {
                    if error.is_missing() && !self.intact()? {
                        return Err(FirewallError::Gone);
                    }
                    if part.len() == 1 {
                        refused.push(Refused { index: part.start, error });
                        continue;
                    }
                    let middle = part.start + part.len() / 2;
                    parts.push(middle..part.end);
                    parts.push(part.start..middle);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// One transaction; returns the changes that were not even tried.
    fn apply_once(
        &mut self,
        changes: &[Change],
        part: Range<usize>,
    ) -> Result<Vec<(usize, FirewallError)>, FirewallError> {
        let wanted = changes.iter().enumerate().skip(part.start).take(part.len());
        let ports = self.ports.iter().copied();
        let (mut plan, mut refused) = Plan::new(wanted, ports, self.can_destroy);
        refused.extend(fit(&mut plan, &mut self.socket)?);
        plan.without(&refused);
        let mut batch = Batch::new(self.socket.reserve(1), None);
        plan.encode(&mut batch);
        self.socket.transact(batch, true, "change the blocks")?;
        Ok(refused)
    }

    /// Whether the kernel (6.3 or later) can remove an element without minding that it is not
    /// there: it learned that of elements and of sets at once, and is asked of a set that nobody
    /// has. What it does not do it takes without a word; to drop a batch that it was only to check
    /// takes it some ten milliseconds.
    fn probe_destroy(&mut self) -> bool {
        let mut batch = Batch::new(self.socket.reserve(1), None);
        batch.message(DESTROYSET, 0, |e| {
            e.text(NFTA_SET_TABLE, TABLE);
            e.text(NFTA_SET_NAME, "nobody");
        });
        self.socket.transact(batch, true, "destroy a set").is_ok()
    }
}

/// Adds the messages that take every element out of every set.
fn empty(batch: &mut Batch) {
    for spec in SETS {
        // Without a list of elements it means all of them.
        batch.message(DELSETELEM, 0, |e| {
            e.text(NFTA_SET_ELEM_LIST_TABLE, TABLE);
            e.text(NFTA_SET_ELEM_LIST_SET, spec.name);
        });
    }
}

/// The ports that a change names.
fn ports(change: &Change) -> &[u16] {
    match change {
        Change::Block { scope: Scope::Ports(ports), .. } => ports,
        _ => &[],
    }
}

fn remove_table(socket: &mut Socket) -> Result<(), FirewallError> {
    if table_flags(socket)?.is_none() {
        return Ok(());
    }
    let mut batch = Batch::new(socket.reserve(1), None);
    batch.message(DELTABLE, 0, |e| e.text(NFTA_TABLE_NAME, TABLE));
    match socket.transact(batch, true, "remove the table") {
        Err(error) if error.is_missing() => Ok(()),
        other => other,
    }
}

#[cfg(test)]
#[path = "../tests/namespace/mod.rs"]
mod namespace;

#[cfg(test)]
mod tests {
    use super::namespace::*;
    use super::*;

    #[test]
    fn the_kernel_is_asked_what_it_can_without_a_change() {
        in_namespace("nftables::tests::the_kernel_is_asked_what_it_can_without_a_change", || {
            let mut nftables = Nftables::open().unwrap();
            let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
            let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
            let kernel = (numbers.next().unwrap().unwrap(), numbers.next().unwrap().unwrap());
            if kernel >= (6, 3) {
                assert!(nftables.can_destroy, "{release}");
            }
            apply(&mut nftables, &[block("0.0.0.0", None)]);
            let before = sh("nft list ruleset");
            nftables.probe_destroy();
            assert_eq!(sh("nft list ruleset"), before);
        });
    }

    /// As every_kind_of_block_is_set_and_read_back of tests/kernel.rs, the way it goes on kernels
    /// before 6.3.
    #[test]
    fn an_older_kernel_is_told_in_its_own_way() {
        let name = "nftables::tests::an_older_kernel_is_told_in_its_own_way";
        in_namespace(name, || {
            let mut nftables = Nftables::open().unwrap();
            println!("this kernel can destroy: {}", nftables.can_destroy);
            nftables.can_destroy = false;
            let changes = [
                block("192.0.2.1", Some(600)),
                block("2001:db8::1", None),
                block("198.51.100.0/24", Some(60)),
                block_ports("192.0.2.2", &[22, 2222], Some(600)),
                block_ports("2001:db8:aa00::/40", &[25], None),
            ];
            for _ in 0..3 {
                apply(&mut nftables, &changes);
                assert_eq!(nftables.verify(&changes).unwrap(), [true; 5]);
            }
            let again = changes.clone().map(|change| match change {
                Change::Block { subject, scope, .. } => {
                    Change::Block { subject, scope, left: Some(Duration::from_secs(30)) }
                }
                free => free,
            });
            apply(&mut nftables, &again);
            assert_eq!(nftables.verify(&again).unwrap(), [true; 5]);
            let frees = ["192.0.2.1", "192.0.2.2", "2001:db8::1", "198.51.100.0/24", "9.9.9.9"];
            apply(&mut nftables, &frees.map(free));
            assert_eq!(targets(&mut nftables), ["2001:db8:aa00::/40 port 25"]);
        });
    }
}

//! Orders into the kernel's firewall, read back after writing.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use monban_firewall::{Change, FirewallError, Foreign, Nftables, Placed, Watch};
use monban_model::wire::{WireAct, WireOrder};
use monban_model::{Outcome, OutcomeResult};

/// The kernel's firewall, ready to take orders.
#[derive(Debug)]
pub struct Wall {
    nftables: Nftables,
    watch: Watch,
}

impl Wall {
    /// Opens nftables and places monban's table.
    ///
    /// # Errors
    /// Why this machine cannot be guarded.
    pub fn open() -> Result<Self, FirewallError> {
        let nftables = Nftables::open()?;
        let watch = nftables.watch()?;
        Ok(Self { nftables, watch })
    }

    /// Takes the table out again if [`Wall::open`] made it.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn take_back(self) -> Result<(), FirewallError> {
        match self.nftables.placed() {
            Placed::Created => self.nftables.remove(),
            _ => Ok(()),
        }
    }

    /// Opens what an earlier run placed, if there is something: nothing is made.
    ///
    /// # Errors
    /// Why the kernel cannot be asked.
    pub fn open_placed() -> Result<Option<Self>, FirewallError> {
        match Nftables::probe()?.table_present {
            true => Self::open().map(Some),
            false => Ok(None),
        }
    }

    /// Ends every block that the kernel holds, also those that somebody else put into the table.
    ///
    /// # Errors
    /// What the kernel said. A table that is gone holds nothing, which is no error.
    pub fn clear(&mut self) -> Result<(), FirewallError> {
        match self.nftables.clear() {
            Err(FirewallError::Gone) => self.nftables.repair().map(drop),
            other => other,
        }
    }

    /// Carries orders out in one transaction and reads them back.
    pub fn execute(&mut self, orders: &[WireOrder]) -> Vec<Outcome> {
        let changes: Vec<Change> = orders.iter().map(change).collect();
        let results = match self.apply(&changes) {
            Ok(results) => results,
            Err(error) => vec![OutcomeResult::Failed(error.to_string()); changes.len()],
        };
        let outcome = |(order, result): (&WireOrder, OutcomeResult)| Outcome {
            order: order.id,
            subject: order.subject,
            result,
        };
        orders.iter().zip(results).map(outcome).collect()
    }

    fn apply(&mut self, changes: &[Change]) -> Result<Vec<OutcomeResult>, FirewallError> {
        let refused = match self.nftables.apply(changes) {
            Err(FirewallError::Gone) => {
                self.nftables.repair()?;
                self.nftables.apply(changes)?
            }
            other => other?,
        };
        let held = self.nftables.verify(changes)?;
        let mut results: Vec<OutcomeResult> = held
            .into_iter()
            .map(|held| match held {
                true => OutcomeResult::Applied,
                false => OutcomeResult::Failed("not there when read back".to_owned()),
            })
            .collect();
        for each in refused {
            if let Some(result) = results.get_mut(each.index) {
                *result = OutcomeResult::Failed(each.error.to_string());
            }
        }
        Ok(results)
    }

    /// Makes the kernel hold exactly these blocks: what it has beside them goes. Returns how many
    /// the kernel refused.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn restore(&mut self, blocks: &[WireOrder]) -> Result<usize, FirewallError> {
        let blocks: Vec<Change> = blocks.iter().map(change).collect();
        Ok(self.watch.hold_only(&mut self.nftables, &blocks)?.len())
    }

    /// Who else changed the table, if somebody did.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn foreign_change(&mut self) -> Result<Option<Foreign>, FirewallError> {
        self.watch.foreign_change()
    }

    /// Whether anybody removed something in another table, among what
    /// [`Wall::foreign_change`] has read.
    pub fn take_removed_elsewhere(&mut self) -> bool {
        self.watch.take_removed_elsewhere()
    }

    /// Whether the table is as it should be.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn is_intact(&mut self) -> Result<bool, FirewallError> {
        self.nftables.intact()
    }

    /// Puts the table back if it is not as it should be; true if it had to be.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn repair(&mut self) -> Result<bool, FirewallError> {
        Ok(self.nftables.repair()? != Placed::AsItWas)
    }

    /// Packets that were dropped since the table was made.
    pub fn dropped_packets(&mut self) -> u64 {
        self.nftables.counters().map_or(0, |dropped| dropped.packets)
    }
}

impl AsFd for Wall {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.watch.as_fd()
    }
}

fn change(order: &WireOrder) -> Change {
    match &order.act {
        WireAct::Block { scope, left_ms } => Change::Block {
            subject: order.subject,
            scope: scope.clone(),
            left: left_ms.map(Duration::from_millis),
        },
        WireAct::Free => Change::Free { subject: order.subject },
    }
}

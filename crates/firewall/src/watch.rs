//! Notices when somebody else changes our table.

use std::os::fd::{AsFd, BorrowedFd};

use crate::decode::Message;
use crate::read::is_ours;
use crate::socket::Socket;
use crate::uapi::{
    DELCHAIN, DELRULE, DELSET, DELTABLE, NEWGEN, NEWSETELEM, NFNL_SUBSYS_NFTABLES,
    NFNLGRP_NFTABLES_BIT, NFTA_GEN_PROC_NAME, NFTA_GEN_PROC_PID, NFTA_RULE_CHAIN,
};
use crate::{Change, FirewallError, Nftables, Refused};

/// Reports of the kernel about changes of nftables. Its descriptor becomes readable when there
/// are some; our own changes are among them, but for [`Watch::hold_only`].
#[derive(Debug)]
pub struct Watch {
    socket: Socket,
    own_port_id: u32,
    removed_elsewhere: bool,
    /// The kernel was asked to report nothing.
    deaf: bool,
    /// Somebody else may have changed something meanwhile.
    lost: bool,
}

/// From so many blocks on it is not heard how they are put in the place of others: describing
/// fewer takes a millisecond.
const UNHEARD_MIN: usize = 256;

/// So often, where somebody else changes the firewall at the same time.
const UNHEARD_TRIES: usize = 3;

/// Somebody else changed our table, or may have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Foreign {
    /// The name of his program, at most 15 bytes, as he chose it, without control characters;
    /// empty if the kernel did not say.
    pub program: String,
    /// The number of his process, 0 if the kernel did not say.
    pub pid: u32,
}

impl Watch {
    pub(crate) fn open(own_port_id: u32) -> Result<Self, FirewallError> {
        let socket = Socket::open(NFNLGRP_NFTABLES_BIT)?;
        Ok(Self { socket, own_port_id, removed_elsewhere: false, deaf: false, lost: false })
    }

    /// Makes the kernel hold these blocks and no other, as [`Nftables::hold_only`], without hearing
    /// of it: for a listener the kernel describes each element that goes or comes, which takes many
    /// times as long as the change. That nobody else changed the firewall meanwhile is seen by its
    /// generation; else it is done once more. Where somebody never rests the next answer is a
    /// nobody.
    ///
    /// # Errors
    /// As [`Nftables::hold_only`].
    pub fn hold_only(
        &mut self,
        nftables: &mut Nftables,
        blocks: &[Change],
    ) -> Result<Vec<Refused>, FirewallError> {
        if blocks.len() < UNHEARD_MIN {
            return nftables.hold_only(blocks);
        }
        for _ in 0..UNHEARD_TRIES {
            // Whatever is changed from here on is counted.
            let before = nftables.generation();
            self.deaf |= self.socket.hear(0).is_ok();
            let held = nftables.hold_only(blocks);
            self.listen();
            // Where elements were refused it took several transactions, and not each may count.
            let is_whole = held.as_ref().is_ok_and(Vec::is_empty);
            let is_alone = matches!(before, Ok(Some(_))) && nftables.generation() == before;
            if is_whole && !is_alone {
                self.removed_elsewhere = true;
                continue;
            }
            self.lost |= !is_whole;
            return held;
        }
        self.lost = true;
        Ok(Vec::new())
    }

    /// Hears again, if it can; somebody may have changed something while it cannot.
    fn listen(&mut self) {
        self.deaf = self.deaf && self.socket.hear(NFNLGRP_NFTABLES_BIT).is_err();
        self.lost |= self.deaf;
    }

    /// Reads all reports that wait, and never blocks. Says who else changed or removed the table
    /// or something in it; an element that somebody adds is no such change. If reports were lost
    /// (the kernel drops them when many wait) the answer is a nobody: look with
    /// [`crate::Nftables::intact`] and [`crate::Nftables::list`].
    ///
    /// # Errors
    /// What the kernel said.
    pub fn foreign_change(&mut self) -> Result<Option<Foreign>, FirewallError> {
        self.listen();
        let own = self.own_port_id;
        let (mut foreign, mut removed) = (None, false);
        let drained = self.socket.drain("read reports of changes", |message| {
            if message.port_id == own || message.kind >> 8 != NFNL_SUBSYS_NFTABLES {
                return;
            }
            if message.kind == NEWGEN {
                // It ends the reports of a transaction and names who made it.
                if let Some(unnamed @ Foreign { pid: 0, .. }) = &mut foreign {
                    *unnamed = who(message);
                }
            } else if message.kind != NEWSETELEM && is_ours(message) {
                foreign.get_or_insert_with(Foreign::default);
            } else {
                removed |= is_removal(message);
            }
        });
        self.lost |= matches!(&drained, Err(error) if error.is_loss());
        self.removed_elsewhere |= removed || self.lost;
        match drained {
            Err(error) if !error.is_loss() => Err(error),
            _ if std::mem::take(&mut self.lost) => Ok(Some(foreign.unwrap_or_default())),
            _ => Ok(foreign),
        }
    }

    /// Whether anybody removed a table, chain, set or rule that is not in our table, or may have,
    /// among the reports that were read since the last call. A rule in a chain `f2b-..` is none.
    pub fn take_removed_elsewhere(&mut self) -> bool {
        std::mem::take(&mut self.removed_elsewhere)
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Whether something is gone that others may rest on. Rules in chains with such names come and go
/// with every ban of a fail2ban action.
fn is_removal(message: &Message<'_>) -> bool {
    match message.kind {
        DELTABLE | DELCHAIN | DELSET => true,
        DELRULE => {
            let chain = message.attributes().find_text(NFTA_RULE_CHAIN);
            chain.is_none_or(|chain| !chain.starts_with(CHAINS_OF_BANS))
        }
        _ => false,
    }
}

/// How fail2ban's actions name their chains.
const CHAINS_OF_BANS: &str = "f2b-";

fn who(message: &Message<'_>) -> Foreign {
    let attributes = message.attributes();
    let name = attributes.find_text(NFTA_GEN_PROC_NAME).unwrap_or("");
    Foreign {
        program: name.chars().filter(|c| !c.is_control()).collect(),
        pid: attributes.find_number(NFTA_GEN_PROC_PID).unwrap_or(0),
    }
}

//! Notices when somebody else changes our table.

use std::os::fd::{AsFd, BorrowedFd};

use crate::decode::Message;
use crate::read::is_ours;
use crate::socket::Socket;
use crate::uapi::{
    DELCHAIN, DELRULE, DELSET, DELTABLE, NEWGEN, NEWSETELEM, NFNL_SUBSYS_NFTABLES,
    NFNLGRP_NFTABLES_BIT, NFTA_GEN_PROC_NAME, NFTA_GEN_PROC_PID, NFTA_RULE_CHAIN,
};
use crate::{FirewallError, Nftables};

/// Reports of the kernel about changes of nftables. Its descriptor becomes readable when there
/// are some; our own changes are among them.
#[derive(Debug)]
pub struct Watch {
    socket: Socket,
    own_port_id: u32,
    removed_elsewhere: bool,
    /// Somebody else may have changed something while nothing was heard.
    missed: bool,
}

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
        Ok(Self { socket, own_port_id, removed_elsewhere: false, missed: false })
    }

    /// Does something with our table, of which no reports are wanted: for a listener the kernel
    /// describes each element that changes, which takes longer than the change, and many times
    /// longer where a set is emptied and filled. That nobody else changed the firewall meanwhile
    /// is seen by its generation; if somebody did, the next answer is a nobody.
    ///
    /// # Errors
    /// What the kernel said. It is not known then what is heard from now on.
    pub fn unheard<T>(
        &mut self,
        nftables: &mut Nftables,
        act: impl FnOnce(&mut Nftables) -> T,
    ) -> Result<T, FirewallError> {
        let before = nftables.generation()?;
        self.socket.hear(0)?;
        let done = act(nftables);
        self.socket.hear(NFNLGRP_NFTABLES_BIT)?;
        let after = nftables.generation()?;
        self.missed |= after.is_none() || after != before;
        Ok(done)
    }

    /// Reads all reports that wait, and never blocks. Says who else changed or removed the table
    /// or something in it; an element that somebody adds is no such change. If reports were lost
    /// (the kernel drops them when many wait), or something went unheard, it is a nobody: look with
    /// [`crate::Nftables::intact`] and [`crate::Nftables::list`].
    ///
    /// # Errors
    /// What the kernel said.
    pub fn foreign_change(&mut self) -> Result<Option<Foreign>, FirewallError> {
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
        let is_overrun = matches!(&drained, Err(error) if error.is_loss());
        let is_loss = std::mem::take(&mut self.missed) || is_overrun;
        self.removed_elsewhere |= removed || is_loss;
        match drained {
            Err(error) if !is_overrun => Err(error),
            _ if is_loss => Ok(Some(foreign.unwrap_or_default())),
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

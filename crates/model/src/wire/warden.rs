//! What the watcher may ask of the warden: everything a compromised watcher could do.

use super::{FrameError, Peer, Reader, Refusal, Wire, Writer};
use crate::limits::{
    DNS_NAME_MAX, JAIL_ORDERS_PER_FRAME_MAX, ORDERS_PER_FRAME_MAX, PAM_NAME_MAX, TICKET_BYTES_MAX,
};
use crate::{Address, JailOrder, Notice, OrderId, Scope, Stamp, Subject};

/// What to do with a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WireAct {
    /// Block for so many milliseconds from now; `None` is forever.
    Block {
        /// Which ports.
        scope: Scope,
        /// How long.
        left_ms: Option<u64>,
    },
    /// End every block.
    Free,
}

/// An order with its time made relative, so that a step of the clock between the roles means
/// nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireOrder {
    /// Its number.
    pub id: OrderId,
    /// About whom.
    pub subject: Subject,
    /// What to do.
    pub act: WireAct,
}

/// Which file's siblings are wanted: the rotated files beside a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiblingsOf {
    /// The path; the warden answers only for paths that it offered.
    pub path: String,
    /// Device and inode of the half-read file.
    pub dev: u64,
    /// See `dev`.
    pub ino: u64,
}

/// What the watcher asks of the warden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToWarden {
    /// The configuration of this number is taken over.
    Ready {
        /// 0 at the start, then the number of the reload.
        reload: u32,
        /// What of it does not run, such as a broken jail; at most 16 are told.
        lacks: Vec<Notice>,
    },
    /// The configuration of this number is refused; the one before stays.
    Refused {
        /// See [`ToWarden::Ready`].
        reload: u32,
        /// Why.
        refusal: Refusal,
    },
    /// Carry these out.
    Orders(Vec<WireOrder>),
    /// These blocks are in force by the ledger; after the last frame, what the kernel holds
    /// beside them is removed.
    Restore {
        /// Some of the blocks.
        blocks: Vec<WireOrder>,
        /// Whether more frames follow.
        more: bool,
    },
    /// Offer the rotated files beside a path.
    Siblings(SiblingsOf),
    /// The answer to an operator's command.
    Answer {
        /// The command's number.
        id: u32,
        /// Whether it was done.
        done: bool,
        /// What to tell the operator.
        notices: Vec<Notice>,
    },
    /// Start `journalctl`, after this cursor if there is one, else from this time on.
    Journal {
        /// The cursor of the last entry that is committed; letters, digits, `=`, `-` and `;` only.
        after: Option<String>,
        /// Where to begin without a cursor.
        since: Option<Stamp>,
    },
    /// Carry these out with the actions of jails.
    Jails {
        /// The configuration that the numbers of jails are of: see [`ToWarden::Ready`].
        reload: u32,
        /// What is to be done.
        orders: Vec<JailOrder>,
        /// Whether others wait that come later.
        more: bool,
    },
    /// Does `ignorecommand` of a jail spare this address?
    AskCommand {
        /// The configuration that the number of the jail is of.
        reload: u32,
        /// The question's number.
        id: u64,
        /// The jail.
        jail: u32,
        /// Who it is about; see [`JailOrder::ticket`].
        ticket: Vec<u8>,
    },
    /// Which addresses has this name?
    AskName {
        /// The question's number.
        id: u64,
        /// The name; a stranger may have typed it.
        name: String,
    },
    /// The answer to [`super::ToWatcher::Words`]; it comes in a memory file with the frame.
    Words {
        /// The number of the question.
        id: u32,
        /// It is passed on once this order to a jail came to its end.
        after: Option<u64>,
    },
    /// Open the log that is written in fail2ban's form (anew).
    JailLog,
    /// Open the database that fail2ban kept its bans in.
    JailDatabase,
    /// Who is this address?
    AskWho {
        /// The address.
        address: Address,
    },
    /// Read the files with the keys that an account may log in with.
    AskKeys {
        /// The account, as a log named it.
        user: String,
        /// From where it came: sshd may have other files for some.
        address: Option<Address>,
    },
    /// What the hook in PAM wrote down, up to [`super::ToWatcher::SpoolEnds`], is in the ledger.
    SpoolKept,
    /// The socket of the hook in PAM failed: another is wanted.
    HookDeaf,
    /// There is something to deliver, and nobody to give it to.
    Want(Peer),
    /// Every source that was offered at the start is open and read to its end of then.
    CaughtUp,
    /// Lines come so fast that they are read in larger pieces from now on, or no longer.
    Flooded(bool),
}

impl Wire for WireOrder {
    fn put(&self, out: &mut Writer) {
        self.id.put(out);
        self.subject.put(out);
        match &self.act {
            WireAct::Block { scope, left_ms } => {
                out.byte(1);
                scope.put(out);
                left_ms.put(out);
            }
            WireAct::Free => out.byte(2),
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let (id, subject) = (OrderId::take(from)?, Subject::take(from)?);
        let act = match from.byte()? {
            1 => WireAct::Block { scope: Scope::take(from)?, left_ms: Wire::take(from)? },
            2 => WireAct::Free,
            _ => return Err(FrameError::Unknown),
        };
        Ok(Self { id, subject, act })
    }
}

impl ToWarden {
    /// What asks for an answer, or is one.
    fn put_question(&self, out: &mut Writer) {
        match self {
            Self::AskCommand { reload, id, jail, ticket } => {
                out.byte(10);
                reload.put(out);
                id.put(out);
                jail.put(out);
                out.bytes(ticket, TICKET_BYTES_MAX);
            }
            Self::AskName { id, name } => {
                out.byte(11);
                id.put(out);
                out.text(name, DNS_NAME_MAX);
            }
            Self::Words { id, after } => {
                out.byte(12);
                id.put(out);
                after.put(out);
            }
            Self::AskWho { address } => {
                out.byte(19);
                address.put(out);
            }
            Self::AskKeys { user, address } => {
                out.byte(20);
                out.text(user, PAM_NAME_MAX);
                address.put(out);
            }
            _ => {}
        }
    }
}

impl Wire for ToWarden {
    fn put(&self, out: &mut Writer) {
        match self {
            Self::Ready { reload, lacks } => {
                out.byte(1);
                reload.put(out);
                out.list(&lacks[..lacks.len().min(16)]);
            }
            Self::Refused { reload, refusal } => {
                out.byte(2);
                reload.put(out);
                refusal.put(out);
            }
            Self::Orders(orders) => {
                out.byte(3);
                out.list(orders);
            }
            Self::Restore { blocks, more } => {
                out.byte(4);
                out.list(blocks);
                more.put(out);
            }
            Self::Siblings(of) => {
                out.byte(5);
                of.path.put(out);
                of.dev.put(out);
                of.ino.put(out);
            }
            Self::Answer { id, done, notices } => {
                out.byte(6);
                id.put(out);
                done.put(out);
                out.list(&notices[..notices.len().min(16)]);
            }
            Self::CaughtUp => out.byte(7),
            Self::Journal { after, since } => {
                out.byte(8);
                after.put(out);
                since.put(out);
            }
            Self::Jails { reload, orders, more } => {
                out.byte(9);
                reload.put(out);
                out.list(orders);
                more.put(out);
            }
            Self::SpoolKept => out.byte(40),
            Self::HookDeaf => out.byte(41),
            Self::JailLog => out.byte(13),
            Self::JailDatabase => out.byte(14),
            Self::Want(peer) => out.byte(if *peer == Peer::Courier { 17 } else { 18 }),
            Self::Flooded(yes) => out.byte(if *yes { 15 } else { 16 }),
            asked => asked.put_question(out),
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(match from.byte()? {
            1 => Self::Ready { reload: u32::take(from)?, lacks: from.list(16)? },
            2 => Self::Refused { reload: u32::take(from)?, refusal: Refusal::take(from)? },
            3 => Self::Orders(from.list(ORDERS_PER_FRAME_MAX)?),
            4 => {
                Self::Restore { blocks: from.list(ORDERS_PER_FRAME_MAX)?, more: bool::take(from)? }
            }
            5 => Self::Siblings(SiblingsOf {
                path: String::take(from)?,
                dev: u64::take(from)?,
                ino: u64::take(from)?,
            }),
            6 => Self::Answer {
                id: u32::take(from)?,
                done: bool::take(from)?,
                notices: from.list(16)?,
            },
            7 => Self::CaughtUp,
            8 => Self::Journal { after: Wire::take(from)?, since: Wire::take(from)? },
            9 => Self::Jails {
                reload: u32::take(from)?,
                orders: from.list(JAIL_ORDERS_PER_FRAME_MAX)?,
                more: bool::take(from)?,
            },
            10 => Self::AskCommand {
                reload: u32::take(from)?,
                id: u64::take(from)?,
                jail: u32::take(from)?,
                ticket: from.byte_list(TICKET_BYTES_MAX)?,
            },
            11 => Self::AskName { id: u64::take(from)?, name: from.text(DNS_NAME_MAX)? },
            12 => Self::Words { id: u32::take(from)?, after: Wire::take(from)? },
            40 => Self::SpoolKept,
            41 => Self::HookDeaf,
            13 => Self::JailLog,
            14 => Self::JailDatabase,
            15 => Self::Flooded(true),
            16 => Self::Flooded(false),
            17 => Self::Want(Peer::Courier),
            19 => Self::AskWho { address: Address::take(from)? },
            18 => Self::Want(Peer::Runner),
            20 => Self::AskKeys { user: from.text(PAM_NAME_MAX)?, address: Wire::take(from)? },
            _ => return Err(FrameError::Unknown),
        })
    }
}

//! What the warden and the actor, which runs the commands of actions, say to each other.

use super::{FrameError, Reader, Wire, Writer};
use crate::limits::{
    FAIL2BAN_JAILS_MAX, JAIL_ORDERS_PER_FRAME_MAX, JAIL_OUTCOMES_PER_FRAME_MAX, TICKET_BYTES_MAX,
};
use crate::{JailOrder, JailOutcome};

/// What the warden tells the actor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToActor {
    /// A configuration to take over; its files come in a memory file with the frame. Jails whose
    /// actions are as before go on; those of others are ended.
    Table {
        /// 0 at the start, then the number of the reload.
        reload: u32,
    },
    /// Which jails are not started?
    AskFresh,
    /// Carry these out.
    Orders(Vec<JailOrder>),
    /// Ask `ignorecommand` of a jail.
    AskCommand {
        /// The question's number.
        id: u64,
        /// The jail.
        jail: u32,
        /// Who it is about.
        ticket: Vec<u8>,
    },
    /// End all bans, stop all jails, and end.
    Stop,
}

/// What the actor tells the warden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromActor {
    /// After a table, or when asked: the actions of these jails are not started.
    Fresh {
        /// See [`ToActor::Table`].
        reload: u32,
        /// The numbers of the jails.
        jails: Vec<u32>,
    },
    /// What became of orders.
    Outcomes(Vec<JailOutcome>),
    /// The jails that went with a table, or whose actions did, are ended with all that they did.
    Ended {
        /// See [`ToActor::Table`].
        reload: u32,
    },
    /// What `ignorecommand` said.
    Ignored {
        /// The question's number.
        id: u64,
        /// Whether the address is spared.
        yes: bool,
    },
}

impl Wire for ToActor {
    fn put(&self, out: &mut Writer) {
        match self {
            Self::Table { reload } => {
                out.byte(1);
                reload.put(out);
            }
            Self::AskFresh => out.byte(2),
            Self::Orders(orders) => {
                out.byte(3);
                out.list(orders);
            }
            Self::AskCommand { id, jail, ticket } => {
                out.byte(4);
                id.put(out);
                jail.put(out);
                out.bytes(ticket, TICKET_BYTES_MAX);
            }
            Self::Stop => out.byte(5),
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(match from.byte()? {
            1 => Self::Table { reload: u32::take(from)? },
            2 => Self::AskFresh,
            3 => Self::Orders(from.list(JAIL_ORDERS_PER_FRAME_MAX)?),
            4 => Self::AskCommand {
                id: u64::take(from)?,
                jail: u32::take(from)?,
                ticket: from.byte_list(TICKET_BYTES_MAX)?,
            },
            5 => Self::Stop,
            _ => return Err(FrameError::Unknown),
        })
    }
}

impl Wire for FromActor {
    fn put(&self, out: &mut Writer) {
        match self {
            Self::Fresh { reload, jails } => {
                out.byte(1);
                reload.put(out);
                out.list(jails);
            }
            Self::Outcomes(outcomes) => {
                out.byte(2);
                out.list(outcomes);
            }
            Self::Ignored { id, yes } => {
                out.byte(3);
                id.put(out);
                yes.put(out);
            }
            Self::Ended { reload } => {
                out.byte(4);
                reload.put(out);
            }
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(match from.byte()? {
            1 => Self::Fresh { reload: u32::take(from)?, jails: from.list(FAIL2BAN_JAILS_MAX)? },
            2 => Self::Outcomes(from.list(JAIL_OUTCOMES_PER_FRAME_MAX)?),
            3 => Self::Ignored { id: u64::take(from)?, yes: bool::take(from)? },
            4 => Self::Ended { reload: u32::take(from)? },
            _ => return Err(FrameError::Unknown),
        })
    }
}

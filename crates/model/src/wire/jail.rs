//! The nouns of jails in frames.

use super::{FrameError, Reader, Wire, Writer};
use crate::limits::{
    ADDRESSES_PER_NAME_MAX, JAIL_ACTIONS_MAX, JAIL_ORDERS_PER_FRAME_MAX, JAIL_WHY_MAX,
    TICKET_BYTES_MAX,
};
use crate::{JailAnswer, JailJob, JailOrder, JailOutcome, JailResult, Net, Refusal};

/// Bytes of tickets in one frame of orders.
const TICKETS_PER_FRAME: usize = 40 * 1024;

impl JailOrder {
    /// Orders as they go into frames: in their order, as many as fit into each.
    pub fn frames(orders: Vec<Self>) -> Vec<Vec<Self>> {
        let mut frames: Vec<Vec<Self>> = Vec::new();
        let (mut count, mut bytes) = (0, 0);
        for order in orders {
            let size = order.ticket.len().min(TICKET_BYTES_MAX) + 4 * order.actions.len();
            let fits = count < JAIL_ORDERS_PER_FRAME_MAX && bytes + size <= TICKETS_PER_FRAME;
            match frames.last_mut().filter(|_| fits) {
                Some(frame) => frame.push(order),
                None => {
                    frames.push(vec![order]);
                    (count, bytes) = (0, 0);
                }
            }
            count += 1;
            bytes += size;
        }
        frames
    }
}

impl Wire for JailJob {
    fn put(&self, out: &mut Writer) {
        out.byte(match self {
            Self::Start => 1,
            Self::Stop => 2,
            Self::Ban => 3,
            Self::Reban { .. } => 4,
            Self::Unban => 5,
            Self::Prolong => 6,
            Self::Flush { stopping: false } => 7,
            Self::Flush { stopping: true } => 8,
            Self::Check => 9,
            Self::Reload => 10,
        });
        if let Self::Reban { after } = self {
            after.put(out);
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(match from.byte()? {
            1 => Self::Start,
            2 => Self::Stop,
            3 => Self::Ban,
            4 => Self::Reban { after: u64::take(from)? },
            5 => Self::Unban,
            6 => Self::Prolong,
            7 => Self::Flush { stopping: false },
            8 => Self::Flush { stopping: true },
            9 => Self::Check,
            10 => Self::Reload,
            _ => return Err(FrameError::Unknown),
        })
    }
}

impl Wire for JailOrder {
    fn put(&self, out: &mut Writer) {
        self.id.put(out);
        self.jail.put(out);
        self.job.put(out);
        out.list(&self.actions[..self.actions.len().min(JAIL_ACTIONS_MAX)]);
        self.address.put(out);
        out.bytes(&self.ticket, TICKET_BYTES_MAX);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(Self {
            id: u64::take(from)?,
            jail: u32::take(from)?,
            job: JailJob::take(from)?,
            actions: from.list(JAIL_ACTIONS_MAX)?,
            address: Wire::take(from)?,
            ticket: from.byte_list(TICKET_BYTES_MAX)?,
        })
    }
}

impl Wire for JailOutcome {
    fn put(&self, out: &mut Writer) {
        self.order.put(out);
        self.jail.put(out);
        self.job.put(out);
        match &self.result {
            JailResult::Done { singly, epoch } => {
                out.byte(1);
                out.list(&singly[..singly.len().min(JAIL_ACTIONS_MAX)]);
                epoch.put(out);
            }
            JailResult::Refused(why) => {
                out.byte(2);
                why.put(out);
            }
            JailResult::Failed(why) => {
                out.byte(3);
                out.text(why, JAIL_WHY_MAX);
            }
            JailResult::Observed => out.byte(4),
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(Self {
            order: u64::take(from)?,
            jail: u32::take(from)?,
            job: JailJob::take(from)?,
            result: match from.byte()? {
                1 => JailResult::Done {
                    singly: from.list(JAIL_ACTIONS_MAX)?,
                    epoch: u64::take(from)?,
                },
                2 => JailResult::Refused(Refusal::take(from)?),
                3 => JailResult::Failed(from.text(JAIL_WHY_MAX)?),
                4 => JailResult::Observed,
                _ => return Err(FrameError::Unknown),
            },
        })
    }
}

impl Wire for Refusal {
    fn put(&self, out: &mut Writer) {
        match self {
            Self::Allowed(net) => {
                out.byte(1);
                net.put(out);
            }
            Self::Administrator => out.byte(2),
            Self::TooWide => out.byte(3),
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(match from.byte()? {
            1 => Self::Allowed(Net::take(from)?),
            2 => Self::Administrator,
            3 => Self::TooWide,
            _ => return Err(FrameError::Unknown),
        })
    }
}

impl Wire for JailAnswer {
    fn put(&self, out: &mut Writer) {
        match self {
            Self::Ignored(yes) => {
                out.byte(1);
                yes.put(out);
            }
            Self::Addresses(addresses) => {
                out.byte(2);
                out.list(&addresses[..addresses.len().min(ADDRESSES_PER_NAME_MAX)]);
            }
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(match from.byte()? {
            1 => Self::Ignored(bool::take(from)?),
            2 => Self::Addresses(from.list(ADDRESSES_PER_NAME_MAX)?),
            _ => return Err(FrameError::Unknown),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ToWarden, decode, encode};
    use super::*;
    use crate::limits::FRAME_MAX;

    fn order(id: u64, bytes: usize) -> JailOrder {
        let address = "192.0.2.0/24".parse().ok();
        let ticket = vec![7; bytes];
        let job = JailJob::Reban { after: id };
        JailOrder { id, jail: 3, job, actions: vec![1, 2], address, ticket }
    }

    #[test]
    fn orders_of_any_size_fit_into_frames_in_their_order() {
        let sizes = [0, TICKET_BYTES_MAX, 1, TICKET_BYTES_MAX, TICKET_BYTES_MAX, 30_000, 10_000];
        let many = sizes.into_iter().chain([20; 2000]);
        let orders: Vec<_> = (0..).zip(many).map(|(id, bytes)| order(id, bytes)).collect();
        let mut read = Vec::new();
        for frame in JailOrder::frames(orders.clone()) {
            let bytes = encode(&ToWarden::Jails(frame));
            assert!(bytes.len() <= FRAME_MAX, "{}", bytes.len());
            let Ok(ToWarden::Jails(part)) = decode(&bytes) else { panic!("a frame") };
            read.extend(part);
        }
        assert_eq!(read, orders);
    }
}

//! The nouns of jails in frames.

use super::{FrameError, Reader, Wire, Writer};
use crate::limits::{
    ACTION_NAME_MAX, ADDRESSES_PER_NAME_MAX, JAIL_ACTIONS_MAX, JAIL_ORDERS_PER_FRAME_MAX,
    JAIL_OUTCOMES_PER_FRAME_MAX, JAIL_WHY_MAX, TICKET_BYTES_MAX,
};
use crate::{
    ActionFailure, JailAnswer, JailJob, JailOrder, JailOutcome, JailRepairs, JailResult, Net,
    Refusal,
};

/// Bytes of tickets in one frame of orders, and of failures in one of outcomes.
const BYTES_PER_FRAME: usize = 40 * 1024;

/// Longest text of what failed, in bytes.
const WHAT_MAX: usize = 100;

/// What a failure takes beside its texts, at most.
const FAILURE_FIXED: usize = 16;

/// How failures went is left out of an outcome beyond so many bytes.
const FAILURES_MAX: usize = 20 * 1024;

const _: () = assert!(
    JAIL_ACTIONS_MAX * (ACTION_NAME_MAX + WHAT_MAX + FAILURE_FIXED + 4) + JAIL_WHY_MAX
        < FAILURES_MAX
);

impl JailOrder {
    /// Orders as they go into frames: in their order, as many as fit into each.
    pub fn frames(orders: Vec<Self>) -> Vec<Vec<Self>> {
        in_frames(orders, JAIL_ORDERS_PER_FRAME_MAX, |order| {
            order.ticket.len().min(TICKET_BYTES_MAX) + 4 * order.actions.len()
        })
    }
}

impl JailOutcome {
    /// Outcomes as they go into frames: in their order, as many as fit into each.
    pub fn frames(outcomes: Vec<Self>) -> Vec<Vec<Self>> {
        in_frames(outcomes, JAIL_OUTCOMES_PER_FRAME_MAX, |outcome| match &outcome.result {
            JailResult::Failed { failed, .. } => cut(failed).map(|one| size(&one)).sum(),
            _ => 0,
        })
    }
}

fn in_frames<T>(all: Vec<T>, most: usize, size: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    let mut frames: Vec<Vec<T>> = Vec::new();
    let (mut count, mut bytes) = (0, 0);
    for one in all {
        let size = size(&one);
        let fits = count < most && bytes + size <= BYTES_PER_FRAME;
        match frames.last_mut().filter(|_| fits) {
            Some(frame) => frame.push(one),
            None => {
                frames.push(vec![one]);
                (count, bytes) = (0, 0);
            }
        }
        count += 1;
        bytes += size;
    }
    frames
}

/// Failures as they go into a frame: whose and what always, and how as far as there is room.
fn cut(failed: &[ActionFailure]) -> impl Iterator<Item = ActionFailure> {
    let mut room = FAILURES_MAX;
    failed.iter().take(JAIL_ACTIONS_MAX).map(move |one| {
        let mut one = one.clone();
        if size(&one) > room {
            one.how = None;
        }
        room = room.saturating_sub(size(&one));
        one
    })
}

fn size(one: &ActionFailure) -> usize {
    let length = |text: &Option<String>, most| text.as_ref().map_or(0, |text| text.len().min(most));
    FAILURE_FIXED
        + length(&one.action, ACTION_NAME_MAX)
        + one.what.len().min(WHAT_MAX)
        + length(&one.how, JAIL_WHY_MAX)
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
            JailResult::Done { singly, repairs } => {
                out.byte(1);
                out.list(&singly[..singly.len().min(JAIL_ACTIONS_MAX)]);
                repairs.put(out);
            }
            JailResult::Refused(why) => {
                out.byte(2);
                why.put(out);
            }
            JailResult::Failed { failed, singly, repairs } => {
                out.byte(3);
                out.list(&cut(failed).collect::<Vec<_>>());
                out.list(&singly[..singly.len().min(JAIL_ACTIONS_MAX)]);
                repairs.put(out);
            }
            JailResult::Observed => out.byte(4),
            JailResult::Ended => out.byte(5),
            JailResult::Lost => out.byte(6),
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
                    repairs: JailRepairs::take(from)?,
                },
                2 => JailResult::Refused(Refusal::take(from)?),
                3 => JailResult::Failed {
                    failed: from.list(JAIL_ACTIONS_MAX)?,
                    singly: from.list(JAIL_ACTIONS_MAX)?,
                    repairs: Wire::take(from)?,
                },
                4 => JailResult::Observed,
                5 => JailResult::Ended,
                6 => JailResult::Lost,
                _ => return Err(FrameError::Unknown),
            },
        })
    }
}

impl Wire for JailRepairs {
    fn put(&self, out: &mut Writer) {
        self.epoch.put(out);
        self.mended.put(out);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(Self { epoch: u64::take(from)?, mended: u32::take(from)? })
    }
}

impl Wire for ActionFailure {
    fn put(&self, out: &mut Writer) {
        // An empty text stands for none.
        out.text(self.action.as_deref().unwrap_or_default(), ACTION_NAME_MAX);
        out.text(&self.what, WHAT_MAX);
        out.text(self.how.as_deref().unwrap_or_default(), JAIL_WHY_MAX);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        Ok(Self {
            action: some(from.text(ACTION_NAME_MAX)?),
            what: from.text(WHAT_MAX)?,
            how: some(from.text(JAIL_WHY_MAX)?),
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
            Self::Lost => out.byte(3),
            Self::Addresses(addresses) => {
                out.byte(2);
                out.list(&addresses[..addresses.len().min(ADDRESSES_PER_NAME_MAX)]);
            }
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(match from.byte()? {
            1 => Self::Ignored(bool::take(from)?),
            3 => Self::Lost,
            2 => Self::Addresses(from.list(ADDRESSES_PER_NAME_MAX)?),
            _ => return Err(FrameError::Unknown),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FromActor, ToWarden, decode, encode};
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
            let bytes = encode(&ToWarden::Jails { reload: 7, orders: frame, more: true });
            assert!(bytes.len() <= FRAME_MAX, "{}", bytes.len());
            let Ok(ToWarden::Jails { reload: 7, orders: part, more: true }) = decode(&bytes) else {
                panic!("a frame")
            };
            read.extend(part);
        }
        assert_eq!(read, orders);
    }

    #[test]
    fn failures_of_any_size_fit_into_frames_in_their_order() {
        let failure = |text: usize| ActionFailure {
            action: Some("a".repeat(text)),
            what: "actionban failed".to_owned(),
            how: Some("é".repeat(text)),
        };
        let outcome = |(order, actions, text): (u64, usize, usize)| JailOutcome {
            order,
            jail: 1,
            job: JailJob::Ban,
            result: match actions {
                0 => JailResult::Ended,
                _ => JailResult::Failed {
                    failed: vec![failure(text); actions],
                    singly: vec![3],
                    repairs: Some(JailRepairs { epoch: order, mended: 7 }),
                },
            },
        };
        let sizes = (0..300).map(|order| (order, order as usize % 70, 10 * order as usize));
        let outcomes: Vec<_> = sizes.map(outcome).collect();
        let mut read = Vec::new();
        for frame in JailOutcome::frames(outcomes.clone()) {
            assert!(frame.len() <= JAIL_OUTCOMES_PER_FRAME_MAX);
            let bytes = encode(&FromActor::Outcomes(frame));
            assert!(bytes.len() <= FRAME_MAX, "{}", bytes.len());
            let Ok(FromActor::Outcomes(part)) = decode(&bytes) else { panic!("a frame") };
            read.extend(part);
        }
        assert_eq!(read.len(), outcomes.len());
        for (one, other) in read.iter().zip(&outcomes) {
            assert_eq!((one.order, &one.job), (other.order, &other.job));
            match (&one.result, &other.result) {
                (
                    JailResult::Failed { failed, repairs, .. },
                    JailResult::Failed { failed: all, repairs: wanted, .. },
                ) => {
                    assert_eq!(repairs, wanted);
                    assert_eq!(failed.len(), all.len().min(JAIL_ACTIONS_MAX));
                    assert!(failed.iter().all(|one| one.what == "actionban failed"));
                }
                (one, other) => assert_eq!(one, other),
            }
        }
        assert_eq!(read[6], outcomes[6]);
    }
}

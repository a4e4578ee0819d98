//! What is known of one subscription.

use monban_model::limits::{CODE_VALID_S, CODES_MAX};
use monban_model::{CodeHash, Endpoint, Seq, Severity, Stamp, Subscription, Theme};

use crate::bunch::Bunch;
use crate::input::{Moment, Purpose};
use crate::mute;
use crate::status::{Figures, State};

/// Why something is held back, each with its own time to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum For {
    /// There were as many messages as there may be.
    Rate,
    /// The subscription wants digests only.
    Digest,
    /// It is quiet.
    Muted,
    /// It is only told once a day.
    Daily,
    /// The queue is full, or a group had to make room.
    Room,
}

impl For {
    pub(crate) const ALL: [Self; 5] =
        [Self::Rate, Self::Digest, Self::Muted, Self::Daily, Self::Room];
}

/// What is held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) since: Stamp,
    pub(crate) due: Stamp,
    pub(crate) bunch: Bunch,
}

/// A code that a reader may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Code {
    pub(crate) hash: CodeHash,
    pub(crate) purpose: Purpose,
    /// `None`: it does not age.
    pub(crate) until: Option<Stamp>,
}

/// What was told and waits for an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Awaiting {
    pub(crate) thread: String,
    pub(crate) seq: Seq,
    pub(crate) severity: Severity,
    pub(crate) theme: Theme,
    pub(crate) since: Stamp,
    pub(crate) due: Stamp,
    /// How often it was passed on already.
    pub(crate) depth: u8,
}

/// The window of a rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RateWindow {
    pub(crate) start: Option<Stamp>,
    pub(crate) used: u32,
    /// Used by critical ones beyond the rate.
    pub(crate) reserve: u32,
}

/// Critical messages that a window has room for beyond its rate, at least.
const RESERVE_LEAST: u32 = 3;

#[derive(Clone, Debug)]
pub(crate) struct Subscriber {
    pub(crate) config: Subscription,
    /// The place of its topic.
    pub(crate) topic: usize,
    pub(crate) state: State,
    /// Since when it is in that state.
    pub(crate) since: Stamp,
    /// Stands for its readers: others have to confirm anew.
    pub(crate) readers: u64,
    /// A code is to be sent.
    pub(crate) wants_code: bool,
    pub(crate) code_sent: Option<Stamp>,
    pub(crate) codes: Vec<Code>,
    pub(crate) held: [Option<Held>; For::ALL.len()],
    pub(crate) rate: RateWindow,
    pub(crate) mute_until: Option<Stamp>,
    /// Since when nothing is delivered, and what was answered.
    pub(crate) failing: Option<(Stamp, String)>,
    /// How many tries failed one after the other; those of letters underway together are one.
    pub(crate) streak: u32,
    /// When the last of these failed; those that were underway then are not counted again.
    pub(crate) failed_at: Option<Stamp>,
    pub(crate) awaiting: Vec<Awaiting>,
    pub(crate) figures: Figures,
    /// It differs from its row.
    pub(crate) changed: bool,
    /// When it is to be looked at next.
    pub(crate) wake: Stamp,
    /// A code to leave it was asked for in this run.
    pub(crate) leave_asked: bool,
}

impl Subscriber {
    /// One of which nothing is known yet.
    pub(crate) fn new(config: Subscription, topic: usize) -> Self {
        let pending = config.confirm;
        Self {
            topic,
            state: if pending { State::Pending } else { State::Active },
            since: Stamp::default(),
            readers: readers_of(&config.endpoint),
            wants_code: pending,
            code_sent: None,
            codes: Vec::new(),
            held: Default::default(),
            rate: RateWindow::default(),
            mute_until: None,
            failing: None,
            streak: 0,
            failed_at: None,
            awaiting: Vec::new(),
            figures: Figures::default(),
            changed: true,
            wake: Stamp(i64::MIN),
            leave_asked: false,
            config,
        }
    }

    /// Whether messages may go there and arrive.
    pub(crate) fn works(&self) -> bool {
        self.state == State::Active && self.failing.is_none()
    }

    pub(crate) fn quiet_until(&self, at: Moment) -> Option<Stamp> {
        let window = mute::quiet_until(at, &self.config.mute);
        let asked = self.mute_until.filter(|until| *until > at.now);
        window.max(asked)
    }

    /// Holds something back.
    pub(crate) fn hold(&mut self, why: For, bunch: &Bunch, now: Stamp, due: Stamp) {
        let new = || Held { since: now, due, bunch: Bunch::default() };
        let held = self.held[why as usize].get_or_insert_with(new);
        held.bunch.join(bunch);
        self.wake = self.wake.min(held.due);
        self.figures.held_back = self.figures.held_back.saturating_add(bunch.total());
        self.changed = true;
    }

    /// Nothing more goes there for now: what is held back for it is not told.
    pub(crate) fn close(&mut self, state: State, since: Stamp) {
        let held = std::mem::take(&mut self.held);
        self.leave_untold(held.iter().flatten().map(|held| held.bunch.total()).sum());
        (self.state, self.since, self.failing, self.streak) = (state, since, None, 0);
        self.codes.clear();
        self.awaiting.clear();
    }

    /// Counts what is not told as nobody confirmed it, or somebody left.
    pub(crate) fn leave_untold(&mut self, records: u64) {
        self.figures.unconfirmed = self.figures.unconfirmed.saturating_add(records);
        self.changed = true;
    }

    /// Takes one message from the rate, or tells when the window ends.
    pub(crate) fn take_rate(&mut self, now: Stamp, is_critical: bool) -> Result<(), Stamp> {
        let Some(rate) = self.config.rate else { return Ok(()) };
        self.changed = true;
        let end = self.rate.start.map(|start| start.plus_s(rate.window_s));
        let Some(end) = end.filter(|end| now < *end) else {
            self.rate = RateWindow { start: Some(now), used: 1, reserve: 0 };
            return Ok(());
        };
        if self.rate.used < rate.count {
            self.rate.used += 1;
            return Ok(());
        }
        if is_critical && self.rate.reserve < (rate.count / 4).max(RESERVE_LEAST) {
            self.rate.reserve += 1;
            return Ok(());
        }
        Err(end)
    }

    /// Keeps a code; the oldest of its kind makes room.
    pub(crate) fn keep_code(&mut self, hash: CodeHash, purpose: Purpose, now: Stamp) {
        let is_same = |code: &Code| code.purpose == purpose && code.hash == hash;
        self.codes.retain(|code| !is_same(code));
        if self.codes.iter().filter(|code| code.purpose == purpose).count() >= CODES_MAX
            && let Some(at) = self.codes.iter().position(|code| code.purpose == purpose)
        {
            self.codes.remove(at);
        }
        let until = (purpose == Purpose::Confirm).then(|| now.plus_s(CODE_VALID_S));
        self.codes.push(Code { hash, purpose, until });
        self.changed = true;
    }

    /// The clock was set.
    pub(crate) fn shift(&mut self, ms: i64) {
        let move_one = |stamp: &mut Stamp| *stamp = stamp.plus_ms(ms);
        for held in self.held.iter_mut().flatten() {
            move_one(&mut held.since);
            move_one(&mut held.due);
        }
        self.rate.start.as_mut().map(move_one);
        self.failed_at.as_mut().map(move_one);
        self.code_sent.as_mut().map(move_one);
        self.mute_until.as_mut().map(move_one);
        self.codes.iter_mut().filter_map(|code| code.until.as_mut()).for_each(move_one);
        self.awaiting.iter_mut().for_each(|awaiting| move_one(&mut awaiting.due));
        self.wake = Stamp(i64::MIN);
        self.changed = true;
    }
}

/// FNV-1a, for what is kept over restarts: the hash has to stay what it is.
pub(crate) fn fnv(parts: &[&[u8]]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.iter().chain(&[0xff]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}

/// Only mail has readers who may not want it.
fn readers_of(endpoint: &Endpoint) -> u64 {
    match endpoint {
        Endpoint::Mail { to, .. } => {
            let parts: Vec<&[u8]> = to.iter().map(String::as_bytes).collect();
            fnv(&parts)
        }
        _ => 0,
    }
}

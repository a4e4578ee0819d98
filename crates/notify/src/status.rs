//! What can be asked of the router.

use monban_model::{Silence, Stamp};

use crate::effect::Reason;
use crate::router::Router;

/// Whether a subscription is told anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its reader has not confirmed it yet.
    Pending,
    /// It is.
    Active,
    /// Its reader left it.
    Left,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Active, Self::Left];

    /// Its word in ledger and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Left => "left",
        }
    }
}

/// What a subscription was told and was not, in records; over restarts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Messages that were accepted.
    pub delivered: u64,
    /// Records that were not told since it is not confirmed or was left.
    pub unconfirmed: u64,
    /// Records that were held back for a digest.
    pub held_back: u64,
    /// Among them those that a full queue or too many groups made room with.
    pub overflowed: u64,
    /// Records of messages that could not be delivered.
    pub given_up: u64,
    /// Tries that failed.
    pub failed: u64,
    /// What was passed on as nobody answered.
    pub escalated: u64,
    /// What had no room to wait for its escalation.
    pub unescalated: u64,
}

/// What the limits cost and what was kept quiet, over restarts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// What was published.
    pub published: u64,
    /// What no topic takes in.
    pub unrouted: u64,
    /// Logins that are not told.
    pub untold: u64,
    /// What a silence kept quiet.
    pub silenced: u64,
    /// What an inhibition kept quiet.
    pub inhibited: u64,
    /// Ends of what nobody knew to last.
    pub unknown_ends: u64,
    /// Groups that made room.
    pub groups_evicted: u64,
    /// Things that last and made room.
    pub firing_evicted: u64,
    /// Outcomes of deliveries that were not underway.
    pub stale_outcomes: u64,
    /// Messages that were made twice.
    pub duplicates: u64,
    /// Keys and labels that were over their limits and cut.
    pub cut: u64,
    /// Saved rows that could not be read.
    pub unreadable_rows: u64,
}

/// How it goes with the deliveries of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// They arrive, as far as is known.
    Works,
    /// They fail, since then and with this answer.
    Failing(Stamp, String),
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionStatus {
    /// Its name.
    pub name: String,
    /// Its topic.
    pub topic: String,
    /// Whether it is told anything.
    pub state: State,
    /// Since when.
    pub since: Stamp,
    /// How it goes with its deliveries.
    pub health: Health,
    /// Until when it is quiet now.
    pub quiet_until: Option<Stamp>,
    /// Records that are held back now.
    pub held: u64,
    /// When the next of them are told.
    pub digest_due: Option<Stamp>,
    /// Messages that wait or are underway.
    pub queued: usize,
    /// Told and unanswered things that wait for their escalation.
    pub awaiting: usize,
    /// What it was told and was not.
    pub figures: Figures,
}

/// A message that waits or is underway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedStatus {
    /// Its name.
    pub id: String,
    /// The subscription.
    pub subscription: String,
    /// Why it is sent.
    pub reason: Reason,
    /// What belongs together.
    pub thread: String,
    /// When it was made.
    pub made: Stamp,
    /// Records that it tells of.
    pub records: u64,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next; `None` while it is underway.
    pub next: Option<Stamp>,
}

/// A silence, and the number of those that an operator made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SilenceStatus {
    /// `None`: it stands in the configuration.
    pub number: Option<u32>,
    /// It.
    pub silence: Silence,
    /// Whether it is in force now.
    pub active: bool,
}

impl Router {
    /// All subscriptions, in the order of the configuration.
    pub fn subscriptions(&self) -> Vec<SubscriptionStatus> {
        let one = |(at, sub): (usize, &crate::subscriber::Subscriber)| SubscriptionStatus {
            name: sub.config.name.clone(),
            topic: sub.config.topic.clone(),
            state: sub.state,
            since: sub.since,
            health: match &sub.failing {
                None => Health::Works,
                Some((since, why)) => Health::Failing(*since, why.clone()),
            },
            quiet_until: sub.quiet_until(self.at),
            held: sub.held.iter().flatten().map(|held| held.bunch.total()).sum(),
            digest_due: sub.held.iter().flatten().map(|held| held.due).min(),
            queued: self.queue_of(at).count(),
            awaiting: sub.awaiting.len(),
            figures: sub.figures,
        };
        self.subs.iter().enumerate().map(one).collect()
    }

    /// All messages that wait or are underway, by subscription and age.
    pub fn queue(&self) -> Vec<QueuedStatus> {
        let one = |(key, delivery): (&crate::queue::Key, &crate::queue::Delivery)| QueuedStatus {
            id: delivery.id.clone(),
            subscription: self.subs[usize::from(key.0)].config.name.clone(),
            reason: delivery.reason,
            thread: delivery.thread.clone(),
            made: delivery.made,
            records: delivery.more.saturating_add(delivery.items.len() as u64),
            attempts: delivery.attempt,
            next: delivery.underway.is_none().then_some(delivery.next),
        };
        self.deliveries.iter().map(one).collect()
    }

    /// All silences that are not over.
    pub fn silences(&self) -> Vec<SilenceStatus> {
        let written = self.written.iter().map(|silence| (None, silence));
        let asked = self.silences.iter().map(|(number, silence)| (Some(*number), silence));
        let is_left = |silence: &Silence| silence.until.is_none_or(|until| until > self.at.now);
        let all = written.chain(asked).filter(|(_, silence)| is_left(silence));
        all.map(|(number, silence)| SilenceStatus {
            number,
            active: silence.from <= self.at.now,
            silence: silence.clone(),
        })
        .collect()
    }

    /// What the limits cost and what was kept quiet.
    pub fn counters(&self) -> Counters {
        self.own.counters
    }

    /// Groups that are remembered, and things that last.
    pub fn sizes(&self) -> (usize, usize) {
        (self.groups.len(), self.firing.len())
    }
}

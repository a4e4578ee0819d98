//! What is answered to which sightings, and what the loaded rules are called.

use crate::{Kind, KindSet, RuleId, ServiceId};

/// A number of failures within a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Failures that fill it; 1 to [`crate::limits::POLICY_FAILURES_MAX`].
    pub failures: u32,
    /// Its length in seconds.
    pub length_s: u64,
}

/// How long a subject is blocked, and how that grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first block in seconds; `None` blocks forever.
    pub first_s: Option<u64>,
    /// Each further block is this many times the one before.
    pub factor: u32,
    /// The longest block in seconds.
    pub longest_s: u64,
    /// After so many quiet seconds the earlier blocks are forgotten.
    pub forget_s: u64,
}

/// Which ports a block closes.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Every packet of the subject.
    #[default]
    All,
    /// TCP and UDP packets to these ports, sorted, at most [`crate::limits::PORTS_MAX`].
    Ports(Vec<u16>),
}

/// Whose sightings a policy counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Those of every service.
    #[default]
    EveryService,
    /// Those of these services.
    Services(Vec<String>),
}

/// When a subject is blocked, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its name; durable state is kept under it.
    pub name: String,
    /// Which services it counts.
    pub reach: Reach,
    /// Which kinds it counts.
    pub kinds: KindSet,
    /// The window that is meant for hammering.
    pub window: Window,
    /// The window for the patient: it blocks only an address that never logged in.
    pub slow: Option<Window>,
    /// How long.
    pub backoff: Backoff,
    /// Which ports.
    pub scope: Scope,
    /// Whether it blocks, or only finds.
    pub blocks: bool,
}

/// What is known of a service of the loaded set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceInfo {
    /// Its name, such as `sshd`.
    pub name: String,
    /// Its usual ports.
    pub ports: Vec<u16>,
    /// Whether a login opens a shell: then each one is said.
    pub shell: bool,
}

/// What is known of a rule of the loaded set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleInfo {
    /// `service/rule`, such as `sshd/failed-password`.
    pub name: String,
    /// The service it belongs to.
    pub service: ServiceId,
    /// What it sees.
    pub kind: Kind,
}

/// The names behind [`ServiceId`] and [`RuleId`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    /// Indexed by [`ServiceId`].
    pub services: Vec<ServiceInfo>,
    /// Indexed by [`RuleId`].
    pub rules: Vec<RuleInfo>,
}

impl Catalog {
    /// The name of a service; `?` for an id of another set.
    pub fn service(&self, id: ServiceId) -> &str {
        self.services.get(usize::from(id.0)).map_or("?", |service| &service.name)
    }

    /// The name of a rule; `?` for an id of another set.
    pub fn rule(&self, id: RuleId) -> &str {
        self.rules.get(usize::from(id.0)).map_or("?", |rule| &rule.name)
    }
}

//! Credentials that are at hand when they are needed: fetched, kept, and renewed ahead of their
//! end.

use monban_model::Stamp;

use super::Keys;
use super::exchange::{Patience, Wire};
use super::fault::{Cause, Fault};
use super::metadata::{self, ContainerAt, Instance};

/// Where credentials come from.
#[derive(Debug)]
pub enum KeysFrom {
    /// They were given, and last.
    Given(Keys),
    /// The role of a container.
    Container(ContainerAt),
    /// The role of this instance.
    Instance(Instance),
}

/// Credentials of a role are renewed so long before their end, in seconds.
pub const RENEW_AHEAD_S: u64 = 300;
/// After a failure it is tried again after so many seconds, while the old ones still hold.
const RENEW_AGAIN_S: u64 = 30;

/// Keeps credentials.
#[derive(Debug)]
pub struct Holder {
    from: KeysFrom,
    wire: Wire,
    kept: Option<Keys>,
    /// When a renewal failed last.
    failed: Option<Stamp>,
}

impl Holder {
    /// One that has fetched nothing yet.
    pub fn new(from: KeysFrom) -> Self {
        Self { from, wire: Wire::new(Patience::METADATA), kept: None, failed: None }
    }

    /// Credentials that hold at `now`. May ask the metadata service, and waits for it.
    ///
    /// # Errors
    /// There are none, and none can be fetched.
    pub fn keys(&mut self, now: Stamp) -> Result<&Keys, Fault> {
        let until = |ahead_s: u64| {
            let holds = |ends: Stamp| now.plus_s(ahead_s) < ends;
            self.kept.as_ref().is_some_and(|keys| keys.expires.is_none_or(holds))
        };
        let (holds, is_fresh) = (until(0), until(RENEW_AHEAD_S));
        let waits = self
            .failed
            .is_some_and(|failed| now >= failed && now.since_s(failed) < RENEW_AGAIN_S && holds);
        if !is_fresh && !waits {
            match self.fetch() {
                Ok(keys) => (self.kept, self.failed) = (Some(keys), None),
                Err(_) if holds => self.failed = Some(now),
                Err(fault) => return Err(fault),
            }
        }
        let none = || {
            let text = "there are no credentials";
            Fault::transient(Cause::Credentials, text)
        };
        self.kept.as_ref().ok_or_else(none)
    }

    /// Forgets what was fetched: AWS says that it is over.
    pub fn forget(&mut self) {
        (self.kept, self.failed) = (None, None);
    }

    fn fetch(&mut self) -> Result<Keys, Fault> {
        match &mut self.from {
            KeysFrom::Given(keys) => Ok(keys.clone()),
            KeysFrom::Container(at) => metadata::of_container(&self.wire, at),
            KeysFrom::Instance(instance) => instance.keys(),
        }
    }
}

//! What a message tells, whatever line it stands in.

use monban_model::limits::USER_MAX;
use monban_model::{Address, Also, Kind, RuleId, ServiceId, Witness};

use crate::field::Slot;
use crate::found::Found;
use crate::read::Seen;
use crate::service::{Rule, Service};

/// What the rules say of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    /// Whether they know it.
    pub(crate) seen: Seen,
    /// What it means, unless it is harmless and says nothing of its connection.
    pub(crate) gist: Option<Gist>,
}

impl Told {
    /// It belongs to no service.
    pub(crate) const NOTHING: Self = Self { seen: Seen::Foreign, gist: None };
}

/// What a message means, with places in it instead of texts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gist {
    pub(crate) kind: Kind,
    pub(crate) also: Also,
    pub(crate) witness: Witness,
    pub(crate) service: ServiceId,
    pub(crate) rule: RuleId,
    /// How many attempts it stands for, at least 1.
    pub(crate) times: u32,
    pub(crate) address: Option<Address>,
    pub(crate) user: Option<Place>,
    pub(crate) method: Option<Place>,
    pub(crate) session: Option<Place>,
}

/// Where a text stands in a message; no message that is matched is longer than 16 bits tell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    start: u16,
    end: u16,
}

impl Place {
    /// The text.
    #[inline]
    pub(crate) fn of(self, message: &[u8]) -> Option<&[u8]> {
        message.get(usize::from(self.start)..usize::from(self.end))
    }
}

impl Gist {
    /// What `rule` of `service` read out of a message.
    pub(crate) fn of(id: ServiceId, service: &Service, rule: &Rule, found: &Found<'_>) -> Self {
        let place = |slot| {
            let (start, end) = found.captures.span(slot)?;
            Some(Place { start: start as u16, end: end as u16 })
        };
        let user = found.user_of(service).map(<[u8]>::len);
        let user = place(Slot::User).zip(user).map(|(Place { start, .. }, length)| Place {
            start,
            end: start + length.min(USER_MAX) as u16,
        });
        Self {
            kind: rule.kind,
            also: rule.also,
            witness: rule.witness,
            service: id,
            rule: found.rule,
            times: found.times(),
            address: found.address(),
            user,
            method: place(Slot::Method),
            session: place(Slot::Session),
        }
    }
}

//! One attempt, several lines: which lines of a connection add to its attempts.
//!
//! A wrong password is told by sshd, by PAM, and by the line that closes the connection. The
//! attempts of a connection are the maximum over these witnesses, so each attempt counts once,
//! whichever of them are logged and in whichever order.

use monban_model::limits::CONNECTION_IDLE_S;
use monban_model::{
    Address, CLOSE, ConnectionKey, ConnectionRow, Kind, Sighting, Stamp, WITNESSES,
};

/// The place of the probes among the counters.
const PROBES: usize = WITNESSES - 1;

/// What is known of one open connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection {
    address: Option<Address>,
    told: [u32; WITNESSES],
    /// Attempts that are already in a tally; they need the address.
    counted: u32,
    last: Stamp,
}

/// What one sighting adds to its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// The connection's address, as far as it is known.
    pub(crate) address: Option<Address>,
    /// Attempts that no earlier line told of.
    pub(crate) new: u32,
    /// What they are.
    pub(crate) kind: Kind,
}

impl Connection {
    /// Takes in a sighting of an attempt.
    #[inline]
    pub(crate) fn tell(&mut self, seen: &Sighting<'_>) -> Told {
        self.meet(seen);
        if seen.kind == Kind::Probe {
            return self.probe();
        }
        let weight = seen.weight.max(1);
        let told = &mut self.told[usize::from(seen.witness.0).min(PROBES - 1)];
        *told = match seen.witness {
            CLOSE => weight.max(*told),
            _ => told.saturating_add(weight),
        };
        let new = self.due();
        Told { address: self.address, new, kind: seen.kind }
    }

    /// A connection is one probe at most, and none if it tried something before. What it tries
    /// after a probe counts in full. What it tried before while nobody knew its address were
    /// logins (of all that is refused only they are told without one), and they count now.
    fn probe(&mut self) -> Told {
        let new = self.due();
        if new > 0 {
            return Told { address: self.address, new, kind: Kind::LoginFailed };
        }
        let first = self.told == [0; WITNESSES] && self.address.is_some();
        if first {
            self.told[PROBES] = 1;
        }
        Told { address: self.address, new: u32::from(first), kind: Kind::Probe }
    }

    /// The attempts that are not in a tally yet. Without an address they wait.
    fn due(&mut self) -> u32 {
        if self.address.is_none() {
            return 0;
        }
        let most = self.most();
        let new = most.saturating_sub(self.counted);
        self.counted = self.counted.max(most);
        new
    }

    /// An attempt that is nobody's failure: as if each witness but the closing one had told of
    /// it, and it were counted. The closing line's sum holds it.
    pub(crate) fn excuse(&mut self, seen: &Sighting<'_>) {
        self.meet(seen);
        let weight = seen.weight.max(1);
        for (witness, told) in self.told[..PROBES].iter_mut().enumerate() {
            if witness != usize::from(CLOSE.0) {
                *told = told.saturating_add(weight);
            }
        }
        self.counted = self.counted.saturating_add(weight);
    }

    /// The attempts: the maximum over the witnesses.
    fn most(&self) -> u32 {
        self.told[..PROBES].iter().copied().max().unwrap_or(0)
    }

    /// Takes in a sighting that is no attempt: the address, and that the connection lives.
    pub(crate) fn meet(&mut self, seen: &Sighting<'_>) {
        let idle = seen.time.since_s(self.last) > CONNECTION_IDLE_S;
        let other =
            seen.address.is_some() && self.address.is_some() && self.address != seen.address;
        // The pid came back for somebody else.
        if (idle && self.last != Stamp::default()) || other {
            *self = Self::default();
        }
        if self.address.is_none() {
            self.address = seen.address;
        }
        self.last = self.last.max(seen.time);
    }

    /// Somebody came in: what the connection tried before is settled.
    pub(crate) fn settle(&mut self) {
        self.told = [0; WITNESSES];
        self.counted = 0;
    }

    /// The clock was set.
    pub(crate) fn shift(&mut self, ms: i64) {
        self.last = self.last.plus_ms(ms);
    }

    pub(crate) fn address(&self) -> Option<Address> {
        self.address
    }

    pub(crate) fn last(&self) -> Stamp {
        self.last
    }

    pub(crate) fn to_row(&self, key: ConnectionKey) -> ConnectionRow {
        let pending = self.most().saturating_sub(self.counted);
        ConnectionRow { key, address: self.address, told: self.told, pending, last: self.last }
    }

    pub(crate) fn from_row(row: &ConnectionRow) -> Self {
        let mut connection =
            Self { address: row.address, told: row.told, counted: 0, last: row.last };
        connection.counted = connection.most().saturating_sub(row.pending);
        connection
    }
}

//! What is known of a ban: all that a request can say, as plain values.

use std::collections::BTreeMap;

use crate::filter::{Groups, Id};

use super::family::Family;
use super::python;

/// When something happened, in seconds since 1970. fail2ban shows the time of a line with its
/// fraction (`1700000000.0`), and that of a restored ban without.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Time {
    /// Whole seconds.
    Whole(i64),
    /// With a fraction.
    Fraction(f64),
}

/// Failures of an address in all its bans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// The lines.
    pub matches: Vec<String>,
    /// How many failures there were.
    pub failures: u64,
}

/// Counters of the jail at the time of the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// `jail.banned`: bans in force.
    pub banned: u64,
    /// `jail.banned_total`: bans since its start.
    pub banned_total: u64,
    /// `jail.found`: addresses that failures are counted for.
    pub found: u64,
    /// `jail.found_total`: failures since its start.
    pub found_total: u64,
}

/// A ban as an action sees it.
///
/// Every text in it may be a stranger's. [`super::Template::asks`] says which of the costly ones
/// (`host`, `of_ip`, `of_ip_in_jail`) an action wants at all.
#[derive(Clone, Debug, PartialEq)]
pub struct Ticket {
    /// Who is banned: `<fid>`.
    pub id: Id,
    /// The address, where it is not who is banned: `<ip>`.
    pub ip: Option<Id>,
    /// `<time>`.
    pub time: Time,
    /// `<bantime>` in seconds, -1 for ever; `None` for that of the jail.
    pub bantime_s: Option<i64>,
    /// `<bancount>`: earlier bans.
    pub bancount: u32,
    /// `<failures>`.
    pub failures: u64,
    /// `<matches>`: the lines.
    pub matches: Vec<String>,
    /// Whether the ban is from before a restart: `<restored>`.
    pub restored: bool,
    /// What the filter captured, by lower-case names: `<F-USER>` is `user`.
    pub captures: BTreeMap<String, String>,
    /// The name of the address, if it has one: `<ip-host>`.
    pub host: Option<String>,
    /// `<ipmatches>`, `<ipfailures>`: in all jails. `None`: those of this ban.
    pub of_ip: Option<Merged>,
    /// `<ipjailmatches>`, `<ipjailfailures>`: in this jail. `None`: those of this ban.
    pub of_ip_in_jail: Option<Merged>,
    /// Counters of the jail.
    pub jail: Counters,
}

impl Ticket {
    /// A ban of which nothing else is known.
    pub fn new(id: Id, time: Time) -> Self {
        Self {
            id,
            ip: None,
            time,
            bantime_s: None,
            bancount: 0,
            failures: 0,
            matches: Vec::new(),
            restored: false,
            captures: BTreeMap::new(),
            host: None,
            of_ip: None,
            of_ip_in_jail: None,
            jail: Counters::default(),
        }
    }

    /// The ticket that the commands of no ban are made with (start, stop, flush, ..).
    pub fn of_nobody(time: Time, jail: Counters) -> Self {
        Self { jail, ..Self::new(Id::Text(String::new()), time) }
    }

    /// Takes over what a filter captured, as fail2ban shows it.
    pub fn set_captures(&mut self, groups: &Groups) {
        self.captures = shown_captures(groups);
    }

    /// The address, or whatever is banned instead.
    pub fn address(&self) -> &Id {
        self.ip.as_ref().unwrap_or(&self.id)
    }

    /// The family of the address.
    pub fn family(&self) -> Family {
        match self.address() {
            Id::Net(net) if net.base().is_ipv4() => Family::Inet4,
            Id::Net(_) => Family::Inet6,
            Id::Name(_) | Id::Text(_) => Family::None,
        }
    }

    /// Bytes that it takes while it waits.
    pub(crate) fn size(&self) -> usize {
        let lines = |lines: &[String]| lines.iter().map(|line| line.len() + 24).sum::<usize>();
        let merged = |of: &Option<Merged>| of.as_ref().map_or(0, |of| lines(&of.matches));
        let captures = self.captures.iter().map(|(name, value)| name.len() + value.len() + 64);
        let id = |id: &Id| match id {
            Id::Net(_) => 0,
            Id::Name(text) | Id::Text(text) => text.len(),
        };
        size_of::<Self>()
            + lines(&self.matches)
            + merged(&self.of_ip)
            + merged(&self.of_ip_in_jail)
            + captures.sum::<usize>()
            + self.host.as_ref().map_or(0, String::len)
            + id(&self.id)
            + self.ip.as_ref().map_or(0, id)
    }
}

/// What a filter captured, as fail2ban shows it to actions.
pub fn shown_captures(groups: &Groups) -> BTreeMap<String, String> {
    let shown =
        groups.iter().filter_map(|(name, value)| Some((name.to_owned(), python::of_value(value)?)));
    shown.collect()
}

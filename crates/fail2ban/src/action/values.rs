//! The values of the tags that are known at run time only.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr};

use crate::filter::Id;

use super::family::Family;
use super::hostnames::Hostnames;
use super::python;
use super::shell::Values;
use super::ticket::{Merged, Ticket};

/// Tags whose values are others than with fail2ban: what is known of an address is that of its bans
/// in force, and addresses have no names.
pub const LESS_KNOWN: &[&str] =
    &["ipmatches", "ipjailmatches", "ipfailures", "ipjailfailures", "ip-host"];

/// The tags of a ticket.
pub(crate) const TAGS: [&str; 21] = [
    "ip",
    "family",
    "ip-rev",
    "ip-host",
    "fid",
    "failures",
    "time",
    "bantime",
    "bancount",
    "matches",
    "restored",
    "ipmatches",
    "ipjailmatches",
    "ipfailures",
    "ipjailfailures",
    "raw-ticket",
    "jail.name",
    "jail.banned",
    "jail.banned_total",
    "jail.found",
    "jail.found_total",
];

/// A ticket as an action of a jail sees it.
pub(crate) struct OfTicket<'a> {
    pub ticket: &'a Ticket,
    /// Another family than that of its address: for the commands of no ban.
    pub family: Option<Family>,
    pub jail: &'a str,
    /// The ban time of the jail in seconds.
    pub bantime_s: i64,
    pub hostnames: &'a Hostnames,
}

impl Values for OfTicket<'_> {
    fn value(&self, tag: &str) -> Option<Cow<'_, str>> {
        let ticket = self.ticket;
        let merged = |of: &'_ Option<Merged>| match of {
            Some(merged) => (merged.matches.join("\n"), merged.failures),
            None => (ticket.matches.join("\n"), ticket.failures),
        };
        Some(Cow::Owned(match tag {
            "ip" => shown(ticket.address()),
            "family" => self.family.unwrap_or_else(|| ticket.family()).text().to_owned(),
            "ip-rev" => reversed(ticket.address()),
            "ip-host" => ticket.host.clone().unwrap_or_else(|| "None".to_owned()),
            "fid" => shown(&ticket.id),
            "failures" => ticket.failures.to_string(),
            "time" => python::time(ticket.time),
            "bantime" => ticket.bantime_s.unwrap_or(self.bantime_s).to_string(),
            "bancount" => ticket.bancount.to_string(),
            "matches" => ticket.matches.join("\n"),
            "restored" => u8::from(ticket.restored).to_string(),
            "ipmatches" => merged(&ticket.of_ip).0,
            "ipjailmatches" => merged(&ticket.of_ip_in_jail).0,
            "ipfailures" => merged(&ticket.of_ip).1.to_string(),
            "ipjailfailures" => merged(&ticket.of_ip_in_jail).1.to_string(),
            "raw-ticket" => raw(ticket),
            "jail.name" => self.jail.to_owned(),
            "jail.banned" => ticket.jail.banned.to_string(),
            "jail.banned_total" => ticket.jail.banned_total.to_string(),
            "jail.found" => ticket.jail.found.to_string(),
            "jail.found_total" => ticket.jail.found_total.to_string(),
            other => return self.hostnames.value(other).map(Cow::Borrowed),
        }))
    }

    fn capture(&self, name: &str) -> Option<Cow<'_, str>> {
        let ticket = self.ticket;
        // They lie among the captures in fail2ban.
        Some(match (name, &ticket.ip) {
            ("failures", _) => Cow::Owned(ticket.failures.to_string()),
            ("matches", _) => Cow::Owned(python::list(&ticket.matches)),
            ("ip", Some(ip)) => Cow::Owned(shown(ip)),
            _ => Cow::Borrowed(ticket.captures.get(name)?.as_str()),
        })
    }
}

/// The family alone: fail2ban puts it in before anything else where no ban is the reason.
pub(crate) struct OfFamily<'a>(pub Family, pub &'a Hostnames);

impl Values for OfFamily<'_> {
    fn value(&self, tag: &str) -> Option<Cow<'_, str>> {
        let value = if tag == "family" { Some(self.0.text()) } else { self.1.value(tag) };
        value.map(Cow::Borrowed)
    }

    fn capture(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }
}

/// An address as the C library writes it.
pub(crate) fn shown(id: &Id) -> String {
    let Id::Net(net) = id else { return id.to_string() };
    let IpAddr::V6(v6) = net.base() else { return net.to_string() };
    let base = six(v6);
    if net.prefix() == 128 { base } else { format!("{base}/{}", net.prefix()) }
}

/// `::1.2.3.4` for an address that is compatible with IPv4; Rust writes it with hexadecimal digits.
fn six(v6: Ipv6Addr) -> String {
    let words = v6.segments();
    if words[..6].iter().all(|word| *word == 0) && words[6] != 0 {
        let [.., a, b, c, d] = v6.octets();
        return format!("::{a}.{b}.{c}.{d}");
    }
    v6.to_string()
}

/// The address as the name that a resolver is asked for, without its zone.
fn reversed(id: &Id) -> String {
    let Id::Net(net) = id else { return String::new() };
    let parts: Vec<String> = match net.base() {
        IpAddr::V4(_) => shown(id).split('.').map(str::to_owned).collect(),
        IpAddr::V6(v6) => format!("{:032x}", v6.to_bits()).chars().map(String::from).collect(),
    };
    let mut text = parts.into_iter().rev().collect::<Vec<_>>().join(".");
    text.push('.');
    text
}

fn raw(ticket: &Ticket) -> String {
    let bantime = ticket.bantime_s.map_or("None".to_owned(), |bantime| bantime.to_string());
    format!(
        "BanTicket: ip={} time={} bantime={bantime} bancount={} #attempts={} matches={}",
        shown(&ticket.id),
        python::time(ticket.time),
        ticket.bancount,
        ticket.failures,
        python::list(&ticket.matches),
    )
}

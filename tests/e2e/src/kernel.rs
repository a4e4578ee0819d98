//! What the server's nftables hold, read without monban.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::netlink::{NETFILTER, SocketAddrNetlink};
use rustix::net::{self, AddressFamily, RecvFlags, SocketFlags, SocketType, sockopt};
use serde_json::Value;

use crate::command::{run, run_within};
use crate::machine::Machine;
use crate::trouble::{Tried, Trouble, must};
use crate::waiting::until_true;

/// The table that monban owns.
pub const TABLE: &str = "inet monban";

/// The multicast group for changes of nftables (`NFNLGRP_NFTABLES`, linux/netfilter/nfnetlink.h).
const GROUP_NFTABLES: u32 = 1 << (7 - 1);
/// `NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM` (linux/netfilter/nf_tables.h).
const NEW_SET_ELEMENT: u16 = (10 << 8) | 12;
/// Length of the header of a netlink message.
const HEADER: usize = 16;

/// Every element of every set of monban's table, as nft writes it: `198.51.100.1`,
/// `2001:db8:a::`, `203.0.113.0/24`. Empty if the table is not there.
pub fn elements(machine: &Machine) -> Tried<BTreeSet<String>> {
    let mut command = machine.command("nft");
    command.args(["-j", "list", "table", "inet", "monban"]);
    let ran = run_within(&mut command, Duration::from_secs(60))?;
    if ran.code != Some(0) {
        return Ok(BTreeSet::new());
    }
    let json: Value = serde_json::from_str(&ran.out)?;
    let mut found = BTreeSet::new();
    for object in json["nftables"].as_array().into_iter().flatten() {
        for element in object["set"]["elem"].as_array().into_iter().flatten() {
            found.extend(element_text(element));
        }
    }
    Ok(found)
}

/// How many elements monban's sets hold, for sets that are too large to read as JSON.
pub fn count(machine: &Machine) -> Tried<usize> {
    let script = "nft list table inet monban | grep -o expires | wc -l";
    // nft takes minutes for a million.
    let ran = run_within(machine.command("bash").args(["-c", script]), Duration::from_secs(600))?;
    Ok(ran.out.trim().parse().unwrap_or(0))
}

fn element_text(element: &Value) -> Option<String> {
    // An element with a timeout is wrapped; one of several fields (address, port) is a list.
    let value = if element["elem"].is_object() { &element["elem"]["val"] } else { element };
    let value = value["concat"].get(0).unwrap_or(value);
    if let Some(text) = value.as_str() {
        return Some(text.to_owned());
    }
    let prefix = &value["prefix"];
    Some(format!("{}/{}", prefix["addr"].as_str()?, prefix["len"].as_u64()?))
}

/// The text that [`elements`] has for the subject of an address.
pub fn subject(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(v6)) => {
            let kept = v6.to_bits() & (u128::MAX << 64);
            std::net::Ipv6Addr::from_bits(kept).to_string()
        }
        _ => address.to_owned(),
    }
}

/// Waits until an address is in a set.
pub fn wait_blocked(machine: &Machine, address: &str, at_most: Duration) -> Tried<Duration> {
    let wanted = subject(address);
    until_true(&format!("{address} is blocked"), at_most, || {
        Ok(elements(machine)?.contains(&wanted))
    })
}

/// Waits until an address is in no set.
pub fn wait_free(machine: &Machine, address: &str, at_most: Duration) -> Tried<Duration> {
    let wanted = subject(address);
    until_true(&format!("{address} is free"), at_most, || Ok(!elements(machine)?.contains(&wanted)))
}

/// Throws everything away, as a foreign firewall script does.
pub fn flush_ruleset(machine: &Machine) -> Tried<()> {
    run(machine.command("nft").args(["flush", "ruleset"])).map(drop)
}

/// Hears of every new element at the moment the kernel has it.
pub struct Ear {
    socket: OwnedFd,
    buffer: Vec<u8>,
}

impl Ear {
    /// Listens on the machine.
    pub fn on(machine: &Machine) -> Tried<Self> {
        let socket = machine.inside(|| {
            let flags = SocketFlags::CLOEXEC;
            let protocol = Some(NETFILTER);
            let socket =
                net::socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, protocol)?;
            net::bind(&socket, &SocketAddrNetlink::new(0, GROUP_NFTABLES))?;
            sockopt::set_socket_recv_buffer_size_force(&socket, 64 << 20)?;
            Ok(socket)
        })?;
        Ok(Self { socket, buffer: vec![0; 1 << 20] })
    }

    /// Waits for an element that holds the bytes of this address, and when it was heard of.
    /// Others that are heard of before it are forgotten.
    pub fn wait_for(&mut self, address: &str, at_most: Duration) -> Tried<Instant> {
        let bytes = key_bytes(&subject(address))?;
        let deadline = Instant::now() + at_most;
        // No pause between two messages: each would be measured as the guard's.
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            must(!left.is_zero(), || format!("{address} in the kernel: not within {at_most:?}"))?;
            let wait = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
            if poll(&mut [PollFd::new(&self.socket, PollFlags::IN)], Some(&wait))? == 0 {
                continue;
            }
            let (length, _) = net::recv(&self.socket, &mut self.buffer[..], RecvFlags::empty())?;
            let now = Instant::now();
            if new_elements(&self.buffer[..length]).any(|message| contains(message, &bytes)) {
                return Ok(now);
            }
        }
    }
}

fn key_bytes(subject: &str) -> Tried<Vec<u8>> {
    match subject.parse() {
        Ok(IpAddr::V4(v4)) => Ok(v4.octets().to_vec()),
        Ok(IpAddr::V6(v6)) => Ok(v6.octets().to_vec()),
        Err(_) => Err(Trouble(format!("{subject} is not an address"))),
    }
}

/// The messages about new elements in what the kernel sent at once.
fn new_elements(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        loop {
            let header = bytes.get(..HEADER)?;
            let length = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]);
            let length = usize::try_from(length).ok()?;
            let message = bytes.get(HEADER..length)?;
            let kind = u16::from_ne_bytes([header[4], header[5]]);
            bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or(&[]);
            if kind == NEW_SET_ELEMENT {
                return Some(message);
            }
        }
    })
}

fn contains(message: &[u8], key: &[u8]) -> bool {
    message.windows(key.len()).any(|window| window == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_in_each_form() {
        let read = |text: &str| element_text(&serde_json::from_str(text).unwrap());
        assert_eq!(read("\"192.0.2.1\"").unwrap(), "192.0.2.1");
        let timed = r#"{"elem": {"val": "192.0.2.1", "timeout": 600, "expires": 1}}"#;
        assert_eq!(read(timed).unwrap(), "192.0.2.1");
        let net = r#"{"elem": {"val": {"prefix": {"addr": "192.0.2.0", "len": 24}}}}"#;
        assert_eq!(read(net).unwrap(), "192.0.2.0/24");
        let port = r#"{"elem": {"val": {"concat": ["192.0.2.1", 22]}, "timeout": 1}}"#;
        assert_eq!(read(port).unwrap(), "192.0.2.1");
        assert_eq!(subject("2001:db8:a:1:2::3"), "2001:db8:a:1::");
    }

    #[test]
    fn messages_are_told_apart_and_broken_ones_end_it() {
        let mut bytes = Vec::new();
        for (kind, body) in [(7_u16, *b"nope"), (NEW_SET_ELEMENT, *b"yes!")] {
            bytes.extend(20_u32.to_ne_bytes());
            bytes.extend(kind.to_ne_bytes());
            bytes.extend([0; 10]);
            bytes.extend(body);
        }
        let found: Vec<&[u8]> = new_elements(&bytes).collect();
        assert_eq!(found, [b"yes!"]);
        assert_eq!(new_elements(&bytes[..19]).count(), 0);
        assert_eq!(new_elements(&[0; 64]).count(), 0);
    }
}

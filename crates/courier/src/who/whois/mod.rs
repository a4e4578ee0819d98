//! whois (RFC 3912): a line to port 43, a text back, and what other servers it names.
//!
//! The text is a stranger's: long, slow, in any letters. A referral leads only to names of hosts
//! with public addresses and to port 43, each server is asked once, and only a few of them.

mod objects;
mod read;
#[cfg(test)]
mod tests;

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use monban_model::limits::{WHOIS_ANSWER_MAX, WHOIS_HOPS_MAX};
use monban_model::{AbuseFrom, Address, Registry, Span, Stamp, Who};

use super::dns::late;
use super::fill::fill;
use super::registries::{registry_at, registry_of, whois_of};
use super::text::decode;
use super::{Servers, contacts};
use read::{Next, Reading, WHOIS_PORT, read, read_contact};

/// A connection that is not made in this time will not be.
const CONNECT: Duration = Duration::from_secs(5);

/// Asks whois servers about an address.
///
/// # Errors
/// If no server has a network for it: the last reason.
pub(super) fn ask(servers: &Servers, address: Address, until: Instant) -> io::Result<Who> {
    let mut walk = Walk { servers, address, until, asked: Vec::new(), text: String::new() };
    let (host, port) = match &servers.whois {
        Some((host, port)) => (host.clone(), *port),
        None => (whois_of(registry_of(address)).to_owned(), WHOIS_PORT),
    };
    let mut best: Option<Who> = None;
    let mut failed = None;
    let mut next = Some((host, port));
    while let Some((host, port)) = next.take() {
        let registry = registry_at(&host);
        let reading = match walk.step(&host, port, &query(address, registry)) {
            Ok(()) => read(&walk.text, address, registry),
            Err(error) => {
                failed = Some(io::Error::new(error.kind(), format!("{host}: {error}")));
                break;
            }
        };
        let Reading { mut who, next: named, elsewhere } = reading;
        if who.net.is_some() {
            (who.registry, who.source) = (registry, host.clone());
        }
        match named {
            Some(Next::Server { host, port }) => next = Some((host, port)),
            Some(Next::Contact(handle)) => walk.contact(&host, port, &handle, &mut who),
            // ARIN knows where the old networks went that others only know not to have.
            None if elsewhere => {
                next = Some((whois_of(Registry::Arin).to_owned(), WHOIS_PORT));
            }
            None => {}
        }
        best = Some(match best {
            None => who,
            // Whoever was referred to may know less, or claim more.
            Some(mut before) if wider(&who, &before) => {
                fill(&mut before, &who);
                before
            }
            Some(before) => {
                fill(&mut who, &before);
                who
            }
        });
        next = next.filter(|(host, port)| walk.may_ask(host, *port));
    }
    best.filter(|who| who.net.is_some()).ok_or_else(|| {
        failed.unwrap_or_else(|| io::Error::other("no whois server has a network for it"))
    })
}

/// Whether an answer names no network, or a wider one than another.
fn wider(one: &Who, other: &Who) -> bool {
    let extent = |who: &Who| who.net.map_or(u128::MAX, Span::extent);
    extent(one) > extent(other) || one.net.is_none()
}

/// The line that a server of a registry wants.
fn query(address: Address, registry: Option<Registry>) -> String {
    match registry {
        // All networks around it, in full.
        Some(Registry::Arin) => format!("n + {address}"),
        // In English; what has no English comes as it is.
        Some(Registry::Jpnic) => format!("{address}/e"),
        _ => address.to_string(),
    }
}

/// The way from server to server.
struct Walk<'a> {
    servers: &'a Servers,
    address: Address,
    until: Instant,
    asked: Vec<(String, u16)>,
    /// The last answer.
    text: String,
}

impl Walk<'_> {
    fn step(&mut self, host: &str, port: u16, query: &str) -> io::Result<()> {
        self.asked.push((host.to_owned(), port));
        let until = self.until.min(Instant::now() + self.servers.wait);
        let named = self.servers.whois.as_ref() == Some(&(host.to_owned(), port));
        let mut failed = io::Error::other("its name has no public address");
        for address in self.servers.reach(host, named, until)? {
            match converse(SocketAddr::new(address.ip(), port), query, until) {
                Ok(bytes) => {
                    self.text = decode(&bytes, registry_at(host) == Some(Registry::Jpnic));
                    return Ok(());
                }
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// Whether a server that was named is asked: not twice, not too many, and no other port.
    fn may_ask(&self, host: &str, port: u16) -> bool {
        let known = self.asked.iter().any(|(other, at)| other == host && *at == port);
        let port_known = port == WHOIS_PORT || self.servers.anywhere;
        !known && self.asked.len() < WHOIS_HOPS_MAX && port_known
    }

    /// The mail address of a contact, if the server tells it. Without it, there is still the rest.
    fn contact(&mut self, host: &str, port: u16, handle: &str, who: &mut Who) {
        let said = self.step(host, port, &format!("{handle}/e"));
        let Some(mail) = said.ok().and_then(|()| read_contact(&self.text)) else { return };
        let mut found = Who::nothing(self.address, Stamp::default());
        let mut contacts = contacts::Contacts::default();
        contacts.add(AbuseFrom::Role, mail);
        contacts.give(&mut found);
        fill(who, &found);
    }
}

/// One question and its answer: at most [`WHOIS_ANSWER_MAX`] bytes; what comes after is not read.
fn converse(server: SocketAddr, query: &str, until: Instant) -> io::Result<Vec<u8>> {
    let left = || match until.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(io::Error::from(io::ErrorKind::TimedOut)),
        left => Ok(left),
    };
    let mut stream = TcpStream::connect_timeout(&server, left()?.min(CONNECT)).map_err(late)?;
    stream.set_write_timeout(Some(left()?))?;
    stream.write_all(format!("{query}\r\n").as_bytes()).map_err(late)?;
    let mut bytes = Vec::new();
    let mut piece = [0; 16 * 1024];
    while bytes.len() < WHOIS_ANSWER_MAX {
        stream.set_read_timeout(Some(left()?))?;
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // A server that has said something and then falls silent has said it.
            Err(error) if late_kind(&error) && !bytes.is_empty() => break,
            Err(error) => return Err(late(error)),
        }
    }
    bytes.truncate(WHOIS_ANSWER_MAX);
    Ok(bytes)
}

fn late_kind(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

//! Whom nothing may block: the configuration's list, this machine itself, and what an operator
//! added with `monban allow`. The watcher has a copy; the warden asks its own before each block.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use monban_model::limits::ALLOW_MAX;
use monban_model::{Address, Net, Stamp, Subject};

use crate::replace::replace;

/// Lines that cannot be read and are kept and told; a file with more is no allow list.
const UNREADABLE_MAX: usize = 64;

/// The allow list of the warden.
#[derive(Debug)]
pub struct AllowList {
    file: PathBuf,
    configured: Vec<Net>,
    own: Vec<Net>,
    added: Vec<Added>,
    /// Lines of the file that cannot be read, as they are: an operator may still mend them.
    unreadable: Vec<String>,
    told: bool,
}

/// One entry of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Never blocked.
    pub net: Net,
    /// Who says so.
    pub from: Origin,
    /// Until when; `None` is for good.
    pub until: Option<Stamp>,
}

/// Who put an entry on the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It belongs to this machine: an address, a gateway, a bridge.
    Own,
    /// `[allow]` of monban.toml.
    Configuration,
    /// `monban allow`.
    Operator,
}

impl Origin {
    /// Its name for machines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Configuration => "configuration",
            Self::Operator => "operator",
        }
    }
}

/// A network that was added, and when that ends.
type Added = (Net, Option<Stamp>);

impl AllowList {
    /// The list of a configuration, of this machine, and of the file in the state folder.
    ///
    /// # Errors
    /// If the file is there but cannot be read: to go on would be to block whom an operator
    /// protected.
    pub fn open(state: &Path, configured: Vec<Net>) -> io::Result<Self> {
        let file = state.join("allow");
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let (mut added, mut unreadable) = (Vec::new(), Vec::new());
        for line in text.lines() {
            match read_line(line) {
                Ok(Some(entry)) if added.len() < ALLOW_MAX => added.push(entry),
                Ok(None) => {}
                _ if unreadable.len() < UNREADABLE_MAX => unreadable.push(line.to_owned()),
                _ => {}
            }
        }
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = Stamp::from_s(i64::try_from(since.as_secs()).unwrap_or(i64::MAX));
        added.retain(|entry| is_in_force(entry, now));
        Ok(Self { file, configured, own: own_networks(), added, unreadable, told: false })
    }

    /// Everything on the list: where it is from, and until when it holds.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        let lasting = |from| move |net: &Net| Entry { net: *net, from, until: None };
        let own = self.own.iter().map(lasting(Origin::Own));
        let configured = self.configured.iter().map(lasting(Origin::Configuration));
        let added = self.added.iter();
        let added =
            added.map(|(net, until)| Entry { net: *net, from: Origin::Operator, until: *until });
        own.chain(configured).chain(added)
    }

    /// Lines of the file that cannot be read, to be told; none the second time.
    pub fn take_unreadable(&mut self) -> Vec<String> {
        if std::mem::replace(&mut self.told, true) { Vec::new() } else { self.unreadable.clone() }
    }

    /// Replaces the configuration's part.
    pub fn configure(&mut self, configured: Vec<Net>) {
        self.configured = configured;
    }

    /// Looks at this machine anew; true if the list is another now.
    pub fn refresh(&mut self) -> bool {
        let own = own_networks();
        let changed = own != self.own;
        self.own = own;
        changed
    }

    /// Drops what has run out; true if that is something.
    pub fn expire(&mut self, now: Stamp) -> bool {
        let before = self.added.len();
        self.added.retain(|entry| is_in_force(entry, now));
        before != self.added.len()
    }

    /// Adds a network until then, and keeps it over restarts.
    ///
    /// # Errors
    /// If the list is full or the file cannot be written.
    pub fn add(&mut self, net: Net, until: Option<Stamp>) -> io::Result<()> {
        let mut added = self.added.clone();
        added.retain(|(known, _)| *known != net);
        if added.len() >= ALLOW_MAX {
            return Err(io::Error::other(format!("the list holds {ALLOW_MAX} networks already")));
        }
        added.push((net, until));
        self.save(added)
    }

    /// Takes a network off that was added; false if it was not there.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn remove(&mut self, net: Net) -> io::Result<bool> {
        let mut added = self.added.clone();
        added.retain(|(known, _)| *known != net);
        if added.len() == self.added.len() {
            return Ok(false);
        }
        self.save(added)?;
        Ok(true)
    }

    /// All networks of the list.
    pub fn nets(&self) -> Vec<Net> {
        let added = self.added.iter().map(|(net, _)| *net);
        self.configured.iter().chain(&self.own).copied().chain(added).take(ALLOW_MAX).collect()
    }

    /// The network that shields a subject now, if one does: what has run out does not, also
    /// before it is dropped.
    pub fn shields(&self, subject: Subject, now: Stamp) -> Option<Net> {
        let touches = |net: &&Net| net.overlaps(subject.net());
        let in_force = self.added.iter().filter(|entry| is_in_force(entry, now));
        let added = in_force.map(|(net, _)| net);
        self.configured.iter().chain(&self.own).chain(added).find(touches).copied()
    }

    /// What stands on the list because of this machine alone.
    pub fn own(&self) -> &[Net] {
        &self.own
    }

    /// Only what is written is in force: else a restart would silently change the list.
    fn save(&mut self, added: Vec<Added>) -> io::Result<()> {
        let mut text =
            "# Written by `monban allow`: a network, and the second it ends or `forever`.\n"
                .to_owned();
        for (net, until) in &added {
            let end = until.map_or_else(|| "forever".to_owned(), |end| end.as_s().to_string());
            text.push_str(&format!("{net} {end}\n"));
        }
        for line in &self.unreadable {
            text.push_str(&format!("{line}\n"));
        }
        replace(&self.file, &text)?;
        self.added = added;
        Ok(())
    }
}

fn is_in_force((_, until): &Added, now: Stamp) -> bool {
    until.is_none_or(|end| end > now)
}

/// A line of the file: a network, perhaps the second it ends or `forever`, perhaps a comment.
/// `Ok(None)` if it holds nothing, an error if it holds anything else.
fn read_line(line: &str) -> Result<Option<Added>, ()> {
    let said = line.split('#').next().unwrap_or_default();
    let mut words = said.split_whitespace();
    let Some(net) = words.next() else { return Ok(None) };
    let until = match words.next() {
        None | Some("forever") => None,
        Some(seconds) => Some(Stamp::from_s(seconds.parse().map_err(|_| ())?)),
    };
    match (net.parse(), words.next()) {
        (Ok(net), None) => Ok(Some((net, until))),
        _ => Err(()),
    }
}

/// Loopback, this machine's own addresses, its gateways, and the networks of its bridges to
/// containers and virtual machines, in order and without doubles.
fn own_networks() -> Vec<Net> {
    let read =
        |name: &str| fs::read_to_string(Path::new("/proc/self/net").join(name)).unwrap_or_default();
    let mut nets = Vec::new();
    nets.extend(Net::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8));
    nets.push(Net::host(Address::new(IpAddr::V6(Ipv6Addr::LOCALHOST))));
    nets.extend(own_ipv4(&read("fib_trie")));
    nets.extend(read("if_inet6").lines().filter_map(own_ipv6));
    nets.extend(read("route").lines().skip(1).filter_map(|line| route_ipv4(line, is_bridge)));
    nets.extend(read("ipv6_route").lines().filter_map(|line| route_ipv6(line, is_bridge)));
    nets.sort();
    nets.dedup();
    let all = nets.clone();
    nets.retain(|net| !all.iter().any(|wider| wider != net && wider.covers(*net)));
    nets
}

fn is_bridge(interface: &str) -> bool {
    !interface.contains('/') && Path::new("/sys/class/net").join(interface).join("bridge").exists()
}

/// `/proc/net/fib_trie`: an address stands on the line before `/32 host LOCAL`.
fn own_ipv4(text: &str) -> Vec<Net> {
    let mut nets = Vec::new();
    let mut last: Option<Ipv4Addr> = None;
    for line in text.lines() {
        if line.contains("/32 host LOCAL") {
            nets.extend(last.map(|ip| Net::host(Address::new(IpAddr::V4(ip)))));
        } else if let Some(word) = line.trim_start().strip_prefix("|-- ") {
            last = word.trim().parse().ok();
        }
    }
    nets
}

/// A line of `/proc/net/if_inet6`: 32 hex digits, then interface number, prefix, scope, flags.
fn own_ipv6(line: &str) -> Option<Net> {
    Some(Net::host(Address::new(IpAddr::V6(hex_ipv6(line.split_whitespace().next()?)?))))
}

fn hex_ipv6(digits: &str) -> Option<Ipv6Addr> {
    (digits.len() == 32).then(|| u128::from_str_radix(digits, 16).ok().map(Ipv6Addr::from_bits))?
}

/// A line of `/proc/net/route`: the gateway, or the network of a bridge. The numbers are hex in
/// the byte order of the machine.
fn route_ipv4(line: &str, is_bridge: impl Fn(&str) -> bool) -> Option<Net> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let number = |at: usize| u32::from_str_radix(fields.get(at)?, 16).ok();
    let ip = |raw: u32| IpAddr::V4(Ipv4Addr::from(raw.to_ne_bytes()));
    let (destination, gateway, mask) = (number(1)?, number(2)?, number(7)?);
    if gateway != 0 {
        return Some(Net::host(Address::new(ip(gateway))));
    }
    if mask != 0 && is_bridge(fields.first()?) {
        return Net::new(ip(destination), mask.count_ones() as u8);
    }
    None
}

/// A line of `/proc/net/ipv6_route`: destination, prefix, source, prefix, next hop, metric,
/// counters, flags, interface.
fn route_ipv6(line: &str, is_bridge: impl Fn(&str) -> bool) -> Option<Net> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let hop = hex_ipv6(fields.get(4)?)?;
    if !hop.is_unspecified() {
        return Some(Net::host(Address::new(IpAddr::V6(hop))));
    }
    let prefix = u8::from_str_radix(fields.get(1)?, 16).ok()?;
    let base = hex_ipv6(fields.first()?)?;
    if prefix > 0 && prefix < 128 && !base.is_multicast() && is_bridge(fields.get(9)?) {
        return Net::new(IpAddr::V6(base), prefix);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Net {
        text.parse().unwrap()
    }

    #[test]
    fn what_was_added_stays_over_a_restart_and_runs_out() {
        let folder = tempfile::tempdir().unwrap();
        let mut list = AllowList::open(folder.path(), vec![net("10.0.0.0/8")]).unwrap();
        list.add(net("192.0.2.0/24"), None).unwrap();
        list.add(net("198.51.100.1"), Some(Stamp::from_s(9_000_000_000))).unwrap();
        list.add(net("198.51.100.2"), Some(Stamp::from_s(1000))).unwrap();
        let mut list = AllowList::open(folder.path(), vec![]).unwrap();
        let (before, end) = (Stamp::from_s(8_999_999_999), Stamp::from_s(9_000_000_000));
        let short = "198.51.100.1".parse().unwrap();
        assert_eq!(list.shields(short, before), Some(net("198.51.100.1")));
        let over = list.shields("198.51.100.2".parse().unwrap(), before);
        assert_eq!(over, None, "over since long");
        assert_eq!(list.shields(short, end), None, "at its end, before it is dropped");
        assert!(!list.expire(before));
        assert!(list.expire(end));
        assert!(!list.expire(end));
        assert!(list.remove(net("192.0.2.0/24")).unwrap());
        assert!(!list.remove(net("192.0.2.0/24")).unwrap());
    }

    #[test]
    fn a_file_that_a_person_wrote_is_read_and_what_cannot_be_is_told_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let text = "# ours\n\n192.0.2.0/24\n192.0.2.7 forever # the office\nlocalhost forever\n\
                    198.51.100.1 tomorrow\n198.51.100.2 9000000000 or so\n";
        fs::write(folder.path().join("allow"), text).unwrap();
        let mut list = AllowList::open(folder.path(), vec![]).unwrap();
        assert_eq!(list.added, [(net("192.0.2.0/24"), None), (net("192.0.2.7"), None)]);
        let told = list.take_unreadable();
        assert_eq!(told.len(), 3, "{told:?}");
        assert_eq!(told[0], "localhost forever");
        assert!(list.take_unreadable().is_empty());
        list.add(net("203.0.113.0/24"), None).unwrap();
        let mut list = AllowList::open(folder.path(), vec![]).unwrap();
        assert_eq!((list.added.len(), list.take_unreadable()), (3, told));
    }

    #[test]
    fn what_cannot_be_kept_is_not_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let mut list = AllowList::open(folder.path(), vec![]).unwrap();
        fs::create_dir(folder.path().join("allow.new")).unwrap();
        assert!(list.add(net("198.51.100.0/24"), None).is_err());
        assert_eq!(list.shields("198.51.100.1".parse().unwrap(), Stamp::default()), None);
    }

    #[test]
    fn loopback_is_always_on_it() {
        let folder = tempfile::tempdir().unwrap();
        let list = AllowList::open(folder.path(), vec![]).unwrap();
        assert!(list.shields("127.0.0.53".parse().unwrap(), Stamp::default()).is_some());
        assert!(list.shields("::1".parse().unwrap(), Stamp::default()).is_some());
    }

    #[test]
    fn the_kernels_tables_are_read() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 192.0.2.5\n        /32 host LOCAL\n\
                    \x20    |-- 192.0.2.255\n        /32 link BROADCAST\n";
        assert_eq!(own_ipv4(trie), [net("192.0.2.5")]);
        let gateway = "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0";
        assert_eq!(route_ipv4(gateway, |_| false), Some(net("192.0.2.1")));
        let docker = "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0";
        assert_eq!(route_ipv4(docker, |name| name == "docker0"), Some(net("172.17.0.0/16")));
        assert_eq!(route_ipv4(docker, |_| false), None);
        let hop = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 \
                   fe800000000000000000000000000001 00000400 00000001 00000000 00000003 eth0";
        assert_eq!(route_ipv6(hop, |_| false), Some(net("fe80::1")));
        let own = "20010db8000000000000000000000005 02 40 00 80 eth0";
        assert_eq!(own_ipv6(own), Some(net("2001:db8::5")));
    }
}

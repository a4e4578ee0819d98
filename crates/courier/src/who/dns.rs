//! A small resolver: it asks the name servers that it is told, by itself, with a limit for
//! everything. The C library's would read files and wait as it likes.
//!
//! An answer counts if it comes from the address and port that was asked, to a port that the
//! kernel chose for this question alone, with the random number of the question and the question
//! itself. That is what a resolver can do without DNSSEC; what it says is shown, never trusted.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use monban_model::limits::{ADDRESSES_PER_NAME_MAX, DNS_ANSWER_MAX, NAME_SERVERS_MAX};
use monban_model::{Address, is_host_name};
use ring::rand::{SecureRandom, SystemRandom};
use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, Question, RCODE, TYPE};

use super::text::clean;

/// One server has so long for its answer, as with the C library's `timeout:2 attempts:2`.
const WAIT: Duration = Duration::from_secs(2);

/// How often each server is asked.
const TRIES: usize = 2;

/// An answer by UDP; longer ones come with a mark, and are asked for by TCP.
const UDP_MAX: usize = 4096;

/// Packets that answer something else, before a server is given up: somebody is guessing.
const STRAY_MAX: usize = 32;

/// Aliases that are followed within one answer.
const ALIASES_MAX: usize = 8;

/// Name servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameServers {
    servers: Vec<SocketAddr>,
}

impl NameServers {
    /// These; at most [`NAME_SERVERS_MAX`] of them are asked.
    pub fn new(mut servers: Vec<SocketAddr>) -> Self {
        servers.truncate(NAME_SERVERS_MAX);
        Self { servers }
    }

    /// Those of the text of a `resolv.conf`; where it names none, the one of this machine, as
    /// resolv.conf(5) has it.
    pub fn of_resolv_conf(text: &str) -> Self {
        let server = |line: &str| {
            let mut words = line.split_whitespace();
            let (Some("nameserver"), Some(address)) = (words.next(), words.next()) else {
                return None;
            };
            // A zone names an interface, which a socket without rights cannot choose by name.
            let address = address.split('%').next()?;
            Some(SocketAddr::new(address.parse().ok()?, 53))
        };
        let servers: Vec<SocketAddr> = text.lines().filter_map(server).collect();
        match servers.is_empty() {
            true => Self::new(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 53))]),
            false => Self::new(servers),
        }
    }

    /// The servers.
    pub fn servers(&self) -> &[SocketAddr] {
        &self.servers
    }

    /// The name of an address; `None` if it has none, or one that is no name of a host.
    ///
    /// # Errors
    /// If no server answers until then.
    pub fn name_of(&self, address: Address, until: Instant) -> io::Result<Option<String>> {
        let found = self.ask(&reverse(address, "in-addr.arpa", "ip6.arpa"), TYPE::PTR, until)?;
        Ok(found.into_iter().find_map(|answer| match answer {
            Answer::Name(name) if is_host_name(&name) => Some(name.to_lowercase()),
            _ => None,
        }))
    }

    /// The addresses of a name, at most [`ADDRESSES_PER_NAME_MAX`], IPv4 first; a written address
    /// is its own.
    ///
    /// # Errors
    /// If no server answers until then.
    pub fn addresses_of(&self, name: &str, until: Instant) -> io::Result<Vec<Address>> {
        if let Ok(ip) = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            return Ok(vec![Address::new(ip)]);
        }
        let mut found = self.ask(name, TYPE::A, until)?;
        // A server that knows the one kind and fails at the other is still of use.
        match self.ask(name, TYPE::AAAA, until) {
            Ok(more) => found.extend(more),
            Err(error) if found.is_empty() => return Err(error),
            Err(_) => {}
        }
        let addresses = found.into_iter().filter_map(|answer| match answer {
            Answer::Address(address) => Some(address),
            _ => None,
        });
        Ok(addresses.take(ADDRESSES_PER_NAME_MAX).collect())
    }

    /// The texts of a name.
    ///
    /// # Errors
    /// If no server answers until then.
    pub fn texts_of(&self, name: &str, until: Instant) -> io::Result<Vec<String>> {
        let found = self.ask(name, TYPE::TXT, until)?.into_iter();
        let texts = found.filter_map(|answer| match answer {
            Answer::Text(text) => Some(text),
            _ => None,
        });
        Ok(texts.take(ADDRESSES_PER_NAME_MAX).collect())
    }

    fn ask(&self, name: &str, kind: TYPE, until: Instant) -> io::Result<Vec<Answer>> {
        if !is_host_name(name.trim_end_matches('.')) {
            return Err(wrong("that is no name of a host"));
        }
        let mut failed = io::Error::other("no name server is known");
        for server in (0..TRIES).flat_map(|_| &self.servers) {
            if Instant::now() >= until {
                return Err(io::ErrorKind::TimedOut.into());
            }
            match ask_one(*server, name, kind, until) {
                Ok(answers) => return Ok(answers),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }
}

/// The name below which things are told of an address.
pub(super) fn reverse(address: Address, four: &str, six: &str) -> String {
    let digits: Vec<String> = match address.ip() {
        IpAddr::V4(ip) => ip.octets().iter().rev().map(ToString::to_string).collect(),
        IpAddr::V6(ip) => {
            (0..32).map(|at| format!("{:x}", ip.to_bits() >> (4 * at) & 0xf)).collect()
        }
    };
    format!("{}.{}", digits.join("."), if address.is_ipv4() { four } else { six })
}

/// What a server said.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    Name(String),
    Address(Address),
    Text(String),
}

/// An answer that counts.
enum Reply {
    Whole(Vec<Answer>),
    /// It did not fit; ask by TCP.
    Cut,
    /// The server cannot or will not say; another one may.
    Refused,
}

fn ask_one(server: SocketAddr, name: &str, kind: TYPE, until: Instant) -> io::Result<Vec<Answer>> {
    let mut id = [0; 2];
    SystemRandom::new().fill(&mut id).map_err(|_| io::Error::other("no randomness"))?;
    let id = u16::from_ne_bytes(id);
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    let asked = Name::new(name).map_err(|_| wrong("that is no name of a host"))?;
    packet.questions.push(Question::new(asked, kind.into(), CLASS::IN.into(), false));
    let query = packet.build_bytes_vec().map_err(|_| wrong("that is no question"))?;
    let until = until.min(Instant::now() + WAIT);
    let read = |bytes: &[u8]| read(bytes, id, name, kind);
    match by_udp(server, &query, until, read)? {
        Reply::Whole(answers) => Ok(answers),
        Reply::Refused => Err(io::Error::other("the name server does not say")),
        Reply::Cut => match read(&by_tcp(server, &query, until)?) {
            Some(Reply::Whole(answers)) => Ok(answers),
            _ => Err(wrong("the name server answers something else")),
        },
    }
}

fn by_udp(
    server: SocketAddr,
    query: &[u8],
    until: Instant,
    read: impl Fn(&[u8]) -> Option<Reply>,
) -> io::Result<Reply> {
    let any: IpAddr =
        if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0))?;
    // The kernel then passes on only what comes from there.
    socket.connect(server)?;
    socket.send(query)?;
    let mut bytes = [0; UDP_MAX];
    for _ in 0..STRAY_MAX {
        socket.set_read_timeout(Some(left(until)?))?;
        let count = socket.recv(&mut bytes).map_err(late)?;
        if let Some(reply) = read(&bytes[..count]) {
            return Ok(reply);
        }
    }
    Err(wrong("the name server answers something else"))
}

fn by_tcp(server: SocketAddr, query: &[u8], until: Instant) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&server, left(until)?).map_err(late)?;
    stream.set_write_timeout(Some(left(until)?))?;
    let length = u16::try_from(query.len()).map_err(|_| wrong("that is no question"))?;
    stream.write_all(&[&length.to_be_bytes(), query].concat())?;
    let mut bytes = Vec::new();
    let mut piece = [0; UDP_MAX];
    loop {
        let whole = match bytes.first_chunk::<2>() {
            Some(head) => 2 + usize::from(u16::from_be_bytes(*head)),
            None => 2,
        };
        if whole > DNS_ANSWER_MAX {
            return Err(wrong("the name server's answer is too long"));
        }
        if bytes.len() >= whole && whole > 2 {
            return Ok(bytes[2..whole].to_vec());
        }
        stream.set_read_timeout(Some(left(until)?))?;
        match stream.read(&mut piece).map_err(late)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => bytes.extend_from_slice(&piece[..count]),
        }
    }
}

/// The answer in a packet; `None` if it is not the one to this question, or none at all.
fn read(bytes: &[u8], id: u16, name: &str, kind: TYPE) -> Option<Reply> {
    let packet = Packet::parse(bytes).ok()?;
    let [question] = &packet.questions[..] else { return None };
    let same = packet.id() == id
        && packet.has_flags(PacketFlag::RESPONSE)
        && question.qtype == kind.into()
        && question.qclass == CLASS::IN.into()
        && same_name(&question.qname, name);
    if !same {
        return None;
    }
    if packet.has_flags(PacketFlag::TRUNCATION) {
        return Some(Reply::Cut);
    }
    match packet.rcode() {
        RCODE::NoError => Some(Reply::Whole(collect(&packet, name))),
        RCODE::NameError => Some(Reply::Whole(Vec::new())),
        _ => Some(Reply::Refused),
    }
}

/// What it says of the name, or of the name that this is an alias of.
fn collect(packet: &Packet<'_>, name: &str) -> Vec<Answer> {
    let mut name = name.to_owned();
    for _ in 0..ALIASES_MAX {
        let of_name = || packet.answers.iter().filter(|record| same_name(&record.name, &name));
        let answers: Vec<Answer> = of_name()
            .filter_map(|record| match &record.rdata {
                RData::PTR(ptr) => Some(Answer::Name(ptr.0.to_string())),
                RData::A(a) => {
                    Some(Answer::Address(Address::new(Ipv4Addr::from(a.address).into())))
                }
                RData::AAAA(aaaa) => {
                    Some(Answer::Address(Address::new(Ipv6Addr::from(aaaa.address).into())))
                }
                RData::TXT(txt) => Some(Answer::Text(text_of(txt.clone()))),
                _ => None,
            })
            .collect();
        let alias = of_name().find_map(|record| match &record.rdata {
            RData::CNAME(alias) => Some(alias.0.to_string()),
            _ => None,
        });
        match alias {
            Some(alias) if answers.is_empty() => name = alias,
            _ => return answers,
        }
    }
    Vec::new()
}

fn text_of(txt: simple_dns::rdata::TXT<'_>) -> String {
    String::try_from(txt).map(|text| clean(&text)).unwrap_or_default()
}

fn same_name(found: &Name<'_>, name: &str) -> bool {
    found.to_string().trim_end_matches('.').eq_ignore_ascii_case(name.trim_end_matches('.'))
}

fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// A socket that waited for too long says that it would have to wait.
pub(super) fn late(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    }
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

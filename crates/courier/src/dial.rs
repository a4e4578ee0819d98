//! Connections that end in time, whatever the other side does.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::Failure;

/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;

/// The shortest time that one of several addresses is given.
const ADDRESS_MIN: Duration = Duration::from_secs(2);

/// When something has to be over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// So long from now.
    pub(crate) fn after(span: Duration) -> Self {
        Self(Instant::now() + span)
    }

    /// The earlier one of this and so long from now.
    pub(crate) fn step(self, span: Duration) -> Self {
        Self(self.0.min(Instant::now() + span))
    }

    /// What is left.
    ///
    /// # Errors
    /// `TimedOut` if nothing is.
    pub(crate) fn left(self) -> io::Result<Duration> {
        let left = self.0.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

/// A TCP connection whose every read and write ends with its deadline, also if the other side sends
/// a byte a second.
#[derive(Debug)]
pub(crate) struct Timed {
    stream: TcpStream,
    pub(crate) deadline: Deadline,
}

impl Timed {
    /// Whether the other side is this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        self.stream.peer_addr().is_ok_and(|peer| is_loopback(peer.ip()))
    }

    /// Says that nothing more comes.
    pub(crate) fn end(&self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    /// Our own end.
    pub(crate) fn local_ip(&self) -> Option<IpAddr> {
        self.stream.local_addr().ok().map(|own| own.ip().to_canonical())
    }
}

impl Read for Timed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.deadline.left()?))?;
        self.stream.read(into).map_err(late)
    }
}

impl Write for Timed {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.deadline.left()?))?;
        self.stream.write(from).map_err(late)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// Linux says `EAGAIN` when a socket's time is over.
fn late(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    }
}

/// Connects to this name or address. All its addresses share the time until `deadline`, which then
/// is that of the connection, too.
pub(crate) fn connect(host: &str, port: u16, deadline: Deadline) -> Result<Timed, Failure> {
    let addresses = resolve(host, port, deadline)?;
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    let mut others = u32::try_from(addresses.len()).unwrap_or(1);
    for address in addresses {
        let Ok(left) = deadline.left() else { break };
        let share = (left / others.max(1)).max(ADDRESS_MIN).min(left);
        others = others.saturating_sub(1);
        match TcpStream::connect_timeout(&address, share) {
            Ok(stream) => {
                // Each of our lines waits for an answer: nothing is won by holding them back.
                let _ = stream.set_nodelay(true);
                return Ok(Timed { stream, deadline });
            }
            Err(error) => last = error,
        }
    }
    Err(Failure::transient(format!("no connection to {host} port {port}: {}", cause(&last))))
}

/// The addresses of a name, without waiting longer than `deadline`: the C library asks its servers
/// for as long as it likes, so a thread does that, which may outlive this.
pub(crate) fn resolve(
    host: &str,
    port: u16,
    deadline: Deadline,
) -> Result<Vec<SocketAddr>, Failure> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if host.is_empty() || host.len() > 253 || !host.chars().all(fits) {
        return Err(Failure::permanent(format!("`{host}` is no name of a host")));
    }
    let (answer, answered) = mpsc::sync_channel(1);
    let name = host.to_owned();
    let ask = move || {
        let found = (name.as_str(), port).to_socket_addrs();
        let _ = answer.send(found.map(|all| all.take(ADDRESSES_MAX).collect::<Vec<_>>()));
    };
    let left = deadline.left().map_err(|error| Failure::transient(cause(&error)))?;
    if let Err(error) = thread::Builder::new().name("name".to_owned()).spawn(ask) {
        return Err(Failure::transient(format!("cannot look up {host}: {}", cause(&error))));
    }
    match answered.recv_timeout(left) {
        Ok(Ok(found)) if !found.is_empty() => Ok(found),
        Ok(Ok(_)) => Err(Failure::transient(format!("name not found: {host} has no address"))),
        Ok(Err(error)) => {
            Err(Failure::transient(format!("name not found: {host} ({})", cause(&error))))
        }
        Err(_) => Err(Failure::transient(format!("no name server told the address of {host}"))),
    }
}

/// Whether an address is this machine's own.
pub(crate) fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

/// An error of a socket in a few words.
pub(crate) fn cause(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => "no answer in time".to_owned(),
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
        io::ErrorKind::UnexpectedEof => "connection closed".to_owned(),
        io::ErrorKind::BrokenPipe => "connection closed".to_owned(),
        io::ErrorKind::NetworkUnreachable => "network is unreachable".to_owned(),
        io::ErrorKind::HostUnreachable => "host is unreachable".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn soon(ms: u64) -> Deadline {
        Deadline::after(Duration::from_millis(ms))
    }

    #[test]
    fn nobody_there_is_said() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let failure = connect("127.0.0.1", free, soon(2000)).unwrap_err();
        assert_eq!(
            failure.why,
            format!("no connection to 127.0.0.1 port {free}: connection refused")
        );
        assert!(!failure.permanent);
    }

    #[test]
    fn a_name_that_is_none_is_refused() {
        for name in ["", "a b", "x\r\ny", "exa$mple", &"a".repeat(300)] {
            assert!(resolve(name, 25, soon(1000)).unwrap_err().permanent, "{name}");
        }
        assert_eq!(resolve("[::1]", 25, soon(1)).unwrap()[0].to_string(), "[::1]:25");
    }

    #[test]
    fn a_read_ends_with_its_deadline() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port();
        let mut stream = connect("127.0.0.1", port, soon(300)).unwrap();
        let held = server.accept().unwrap();
        let start = Instant::now();
        let error = stream.read(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(start.elapsed() < Duration::from_secs(2));
        assert!(stream.is_loopback());
        drop(held);
    }
}

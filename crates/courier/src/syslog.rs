//! A letter to a syslog server. Nothing answers there: what left this host is all that is known,
//! and what lay in a buffer when a connection broke is lost (RFC 6587, RFC 5425 say so as well).

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::time::Duration;

use monban_model::limits::{DELIVERY_CONNECT_S, DELIVERY_S};
use monban_model::{Letter, Secrets, SyslogAt};

use crate::dial::{self, Deadline, cause};
use crate::shape::syslog as shape;
use crate::way::Way;
use crate::{Delivered, Dialogue, Failure, trust};

/// Where the syslog of this machine listens.
pub(crate) const LOCAL: &str = "/dev/log";

/// How long a server that closes gets to say so.
const GOODBYE: Duration = Duration::from_millis(200);

/// Sends the letter; `local` is where the syslog of this machine listens.
pub(crate) fn send(
    at: &SyslogAt,
    facility: u8,
    local: &Path,
    secrets: &Secrets,
    letter: &Letter,
    dialogue: &mut Dialogue,
) -> Result<Delivered, Failure> {
    match at {
        SyslogAt::Local => to_socket(local, &shape::local(letter, facility), dialogue)?,
        SyslogAt::Udp(host, port) => {
            let message = shape::rfc5424(letter, facility, shape::UDP_MAX);
            by_udp(host, *port, &message, dialogue)?;
        }
        SyslogAt::Tcp(host, port) => {
            let message = shape::rfc5424(letter, facility, shape::STREAM_MAX);
            by_stream(host, *port, None, &message, dialogue)?;
        }
        SyslogAt::Tls(host, port, _) => {
            let message = shape::rfc5424(letter, facility, shape::STREAM_MAX);
            by_stream(host, *port, Some(&secrets.ca_pem), &message, dialogue)?;
        }
    }
    Ok(Delivered::default())
}

fn to_socket(path: &Path, message: &[u8], dialogue: &mut Dialogue) -> Result<(), Failure> {
    let failed =
        |error: io::Error| Failure::transient(format!("{}: {}", path.display(), cause(&error)));
    told(message, dialogue);
    let datagram = UnixDatagram::unbound().map_err(failed)?;
    // A syslog that does not read must not hold us up.
    datagram.set_write_timeout(Some(Duration::from_secs(DELIVERY_CONNECT_S))).map_err(failed)?;
    match datagram.connect(path) {
        Ok(()) => datagram.send(message).map(|_| ()).map_err(failed),
        // `EPROTOTYPE`: the socket is one of streams, where a NUL ends a message.
        Err(error) if error.raw_os_error() == Some(91) => {
            let mut stream = UnixStream::connect(path).map_err(failed)?;
            let span = Duration::from_secs(DELIVERY_CONNECT_S);
            stream.set_write_timeout(Some(span)).map_err(failed)?;
            stream.write_all(&[message, b"\0"].concat()).map_err(failed)
        }
        Err(error) => Err(failed(error)),
    }
}

fn by_udp(host: &str, port: u16, message: &[u8], dialogue: &mut Dialogue) -> Result<(), Failure> {
    let deadline = Deadline::after(Duration::from_secs(DELIVERY_CONNECT_S));
    let to = dial::resolve(host, port, deadline)?;
    told(message, dialogue);
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in to {
        match one_datagram(address, message) {
            Ok(()) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(Failure::transient(format!("no way to {host} port {port}: {}", cause(&last))))
}

fn one_datagram(to: SocketAddr, message: &[u8]) -> io::Result<()> {
    let own: SocketAddr = match to {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(own)?;
    socket.set_write_timeout(Some(Duration::from_secs(DELIVERY_CONNECT_S)))?;
    socket.connect(to)?;
    socket.send(message).map(|_| ())
}

fn by_stream(
    host: &str,
    port: u16,
    ca_pem: Option<&[u8]>,
    message: &[u8],
    dialogue: &mut Dialogue,
) -> Result<(), Failure> {
    let config = ca_pem.map(trust::config).transpose()?;
    let all = Deadline::after(Duration::from_secs(DELIVERY_S));
    let step = all.step(Duration::from_secs(DELIVERY_CONNECT_S));
    let mut way = Way::Plain(dial::connect(host, port, step)?);
    dialogue.noted(&format!("connected to {host} port {port}"));
    way.until(all.step(Duration::from_secs(DELIVERY_S / 2)));
    if let Some(config) = config {
        let version = way.secure(host, config)?;
        dialogue.noted(&format!("TLS with {host} ({version})"));
    }
    told(message, dialogue);
    let failed = |error: io::Error| Failure::transient(format!("{host}: {}", cause(&error)));
    way.write_all(&shape::framed(message)).map_err(failed)?;
    way.finish().map_err(failed)?;
    // A server that refuses us says so as it closes: that is seen here or never. The others close
    // as soon as they see that nothing more comes, or let the time go by.
    way.until(all.step(GOODBYE));
    match way.read(&mut [0; 64]) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Err(failed(error)),
        Err(error) if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) => {
            Err(Failure::transient(trust::explain(host, &error)))
        }
        _ => Ok(()),
    }
}

fn told(message: &[u8], dialogue: &mut Dialogue) {
    dialogue.sent(&String::from_utf8_lossy(message));
}

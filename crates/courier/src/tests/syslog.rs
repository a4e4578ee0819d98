//! syslog servers of every kind.

use std::io::Read;
use std::net::UdpSocket;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;
use std::thread;

use monban_model::{Secrets, SyslogAt};

use super::{CA, GOOD, Session, serve};
use crate::shape::{samples, syslog as shape};
use crate::syslog::send;
use crate::{Delivered, Dialogue, Failure};

fn log(at: &SyslogAt, local: &Path, ca_pem: &[u8]) -> Result<Delivered, Failure> {
    let secrets = Secrets { ca_pem: ca_pem.to_vec(), ..Secrets::default() };
    send(at, 10, local, &secrets, &samples::hostile(), &mut Dialogue::default())
}

fn nowhere() -> &'static Path {
    Path::new("/nonexistent/log")
}

fn expected(limit: usize) -> Vec<u8> {
    shape::rfc5424(&samples::hostile(), 10, limit)
}

#[test]
fn udp_gets_one_datagram() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    log(&SyslogAt::Udp("127.0.0.1".to_owned(), port), nowhere(), &[]).unwrap();
    let mut bytes = [0; 65_536];
    let count = server.recv(&mut bytes).unwrap();
    assert_eq!(bytes[..count], expected(shape::UDP_MAX));
}

#[test]
fn tcp_and_tls_get_one_frame() {
    let (port, server) = serve(|stream| Session::plain(stream).hear_all());
    log(&SyslogAt::Tcp("127.0.0.1".to_owned(), port), nowhere(), &[]).unwrap();
    let frame = shape::framed(&expected(shape::STREAM_MAX));
    assert_eq!(server.join().unwrap(), frame);

    let (port, server) = serve(|stream| Session::tls(stream, GOOD).hear_all());
    log(&SyslogAt::Tls("127.0.0.1".to_owned(), port, None), nowhere(), CA).unwrap();
    assert_eq!(server.join().unwrap(), frame);

    let (port, server) = serve(|stream| Session::tls(stream, GOOD).hear_all());
    let at = SyslogAt::Tls("127.0.0.1".to_owned(), port, None);
    assert!(log(&at, nowhere(), &[]).unwrap_err().why.contains("not trusted"));
    assert!(server.join().unwrap().is_empty());
}

#[test]
fn the_syslog_of_this_machine_may_take_datagrams_or_a_stream() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("log"), folder.path().join("stream"));
    let message = shape::local(&samples::hostile(), 10);
    let server = UnixDatagram::bind(&path).unwrap();
    log(&SyslogAt::Local, &path, &[]).unwrap();
    let mut bytes = [0; 65_536];
    let count = server.recv(&mut bytes).unwrap();
    assert_eq!(bytes[..count], message);

    let listener = UnixListener::bind(&other).unwrap();
    let server = thread::spawn(move || {
        let mut bytes = Vec::new();
        listener.accept().unwrap().0.read_to_end(&mut bytes).unwrap();
        bytes
    });
    log(&SyslogAt::Local, &other, &[]).unwrap();
    assert_eq!(server.join().unwrap(), [&message[..], b"\0"].concat());

    let failure = log(&SyslogAt::Local, nowhere(), &[]).unwrap_err();
    assert!(!failure.permanent && failure.why.starts_with("/nonexistent/log: "), "{failure}");
}

//! Servers that behave, and servers that do not.

mod smtp;
mod syslog;
mod webhook;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use monban_model::{Secret, Secrets};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

pub(crate) const CA: &[u8] = include_bytes!("../../tests/data/ca.pem");
pub(crate) const GOOD: &[u8] = include_bytes!("../../tests/data/server.pem");
pub(crate) const EXPIRED: &[u8] = include_bytes!("../../tests/data/expired.pem");
const KEY: &[u8] = include_bytes!("../../tests/data/server.key");

/// The side of a server in one conversation. A client that went away ends it quietly.
pub(crate) struct Session {
    stream: BufReader<Box<dyn Both>>,
}

trait Both: Read + Write + Send {}
impl<T: Read + Write + Send> Both for T {}

impl Session {
    pub(crate) fn plain(stream: &TcpStream) -> Self {
        Self { stream: BufReader::new(Box::new(stream.try_clone().unwrap())) }
    }

    pub(crate) fn tls(stream: &TcpStream, certificate: &[u8]) -> Self {
        let chain = CertificateDer::pem_slice_iter(certificate).map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let connection = ServerConnection::new(Arc::new(config)).unwrap();
        let both = StreamOwned::new(connection, stream.try_clone().unwrap());
        Self { stream: BufReader::new(Box::new(both)) }
    }

    pub(crate) fn say(&mut self, text: &str) -> bool {
        let stream = self.stream.get_mut();
        stream.write_all(text.as_bytes()).and_then(|()| stream.flush()).is_ok()
    }

    /// The next line without its end; nothing if there is none.
    pub(crate) fn hear(&mut self) -> Option<String> {
        let mut line = Vec::new();
        match self.stream.read_until(b'\n', &mut line) {
            Ok(count) if count > 0 => Some(String::from_utf8_lossy(&line).trim_end().to_owned()),
            _ => None,
        }
    }

    /// So many bytes.
    pub(crate) fn hear_bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// All bytes until the client ends.
    pub(crate) fn hear_all(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let _ = self.stream.read_to_end(&mut bytes);
        bytes
    }
}

/// A server on loopback for one conversation.
pub(crate) fn serve<T: Send + 'static>(
    talk: impl FnOnce(&TcpStream) -> T + Send + 'static,
) -> (u16, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        // A test that fails shall not wait for ever.
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        talk(&stream)
    });
    (port, server)
}

pub(crate) fn secrets(key: &str) -> Secrets {
    Secrets { url: None, key: Some(Secret(key.to_owned())), ca_pem: CA.to_vec() }
}

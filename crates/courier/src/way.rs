//! The way to a server, with TLS or without.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::ClientConfig;

use crate::Failure;
use crate::dial::{Deadline, Timed};
use crate::trust::{self, Secured};

/// A connection.
#[derive(Debug)]
pub(crate) enum Way {
    /// As it is.
    Plain(Timed),
    /// With TLS.
    Secured(Box<Secured>),
    /// None any more: what was to be secured could not be.
    Gone,
}

impl Way {
    /// Secures what was plain; says with which version. After an error there is no way any more, so
    /// nothing can be said without TLS by mistake.
    pub(crate) fn secure(
        &mut self,
        host: &str,
        config: Arc<ClientConfig>,
    ) -> Result<String, Failure> {
        let Self::Plain(stream) = std::mem::replace(self, Self::Gone) else {
            return Err(Failure::transient("there is no connection to secure"));
        };
        let secured = trust::secure(stream, host, config)?;
        let version = secured.conn.protocol_version();
        *self = Self::Secured(Box::new(secured));
        Ok(version.map(|one| format!("{one:?}")).unwrap_or_default())
    }

    /// Whether what is said here stays between us and the server that was meant.
    pub(crate) const fn is_secured(&self) -> bool {
        matches!(self, Self::Secured(_))
    }

    /// Whether the server is this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_loopback(),
            Self::Secured(stream) => stream.sock.is_loopback(),
            Self::Gone => false,
        }
    }

    /// Everything from now on has to be over by then.
    pub(crate) fn until(&mut self, deadline: Deadline) {
        match self {
            Self::Plain(stream) => stream.deadline = deadline,
            Self::Secured(stream) => stream.sock.deadline = deadline,
            Self::Gone => {}
        }
    }

    /// Says that nothing more comes, so that the other side can tell the end from a cut.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        if let Self::Secured(stream) = self {
            stream.conn.send_close_notify();
        }
        self.flush()?;
        match self {
            Self::Plain(stream) => stream.end(),
            Self::Secured(stream) => stream.sock.end(),
            Self::Gone => Ok(()),
        }
    }
}

impl Read for Way {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(into),
            Self::Secured(stream) => stream.read(into),
            Self::Gone => Ok(0),
        }
    }
}

impl Write for Way {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(from),
            Self::Secured(stream) => stream.write(from),
            Self::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Secured(stream) => stream.flush(),
            Self::Gone => Ok(()),
        }
    }
}

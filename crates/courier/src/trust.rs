//! Which servers are believed to be who they say: one answer for mail, web hooks and syslog.

use std::io;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::Failure;
use crate::dial::{Timed, cause};

/// A connection with TLS.
pub(crate) type Secured = StreamOwned<ClientConnection, Timed>;

/// The usual roots (those of Mozilla, which are part of this program: it reads no files), and those
/// that the administrator names. TLS 1.2 and 1.3.
pub(crate) fn config(ca_pem: &[u8]) -> Result<Arc<ClientConfig>, Failure> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let mut own = 0;
    for certificate in CertificateDer::pem_slice_iter(ca_pem) {
        let added = certificate.map_err(|error| format!("{error}"));
        let added = added.and_then(|one| roots.add(one).map_err(|error| format!("{error}")));
        if let Err(why) = added {
            return Err(Failure::permanent(format!(
                "a certificate of the CA file is wrong: {why}"
            )));
        }
        own += 1;
    }
    if own == 0 && !ca_pem.is_empty() {
        return Err(Failure::permanent("the CA file holds no certificate (PEM)"));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::permanent(format!("TLS cannot be used: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Secures a connection: what is said after this is said to `host` only.
pub(crate) fn secure(
    mut stream: Timed,
    host: &str,
    config: Arc<ClientConfig>,
) -> Result<Secured, Failure> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(bare.to_owned())
        .map_err(|_| Failure::permanent(format!("no certificate can be for `{host}`")))?;
    let mut connection = ClientConnection::new(config, name)
        .map_err(|error| Failure::transient(format!("TLS with {host}: {error}")))?;
    match connection.complete_io(&mut stream) {
        Ok(_) => Ok(StreamOwned::new(connection, stream)),
        Err(error) => Err(Failure::transient(explain(host, &error))),
    }
}

/// Why TLS did not come about, in words that say what to look at.
pub(crate) fn explain(host: &str, error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(why)) => {
            format!("certificate of {host}: {}", certificate(why))
        }
        Some(rustls::Error::InvalidMessage(_)) => format!("{host} does not answer with TLS"),
        Some(other) => format!("TLS with {host}: {other}"),
        None => format!("TLS with {host}: {}", cause(error)),
    }
}

fn certificate(why: &CertificateError) -> String {
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet (is the clock right?)".to_owned()
        }
        CertificateError::UnknownIssuer => {
            "its issuer is not trusted (name its CA in ca_file)".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another name".to_owned()
        }
        other => format!("{other:?}"),
    }
}

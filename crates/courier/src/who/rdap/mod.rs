//! RDAP (RFC 9082, 9083): a question by HTTPS, JSON back.
//!
//! Redirects are followed here and not by the HTTP client: few, only to `https`, and only to
//! public addresses, since a registry's server may send whoever asks it anywhere.

mod read;

use std::io;
use std::sync::Arc;
use std::time::Instant;

use monban_model::limits::{RDAP_ANSWER_MAX, RDAP_REDIRECTS_MAX};
use monban_model::{Address, Who};
use ureq::Agent;
use ureq::http::{Uri, header};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use super::registries::{rdap_of, registry_at, registry_of};
use super::{Rdap, Servers};

/// Asks by RDAP about an address.
///
/// # Errors
/// If there is no server for it, or it does not answer with a network around the address.
pub(super) fn ask(servers: &Arc<Servers>, address: Address, until: Instant) -> io::Result<Who> {
    let base = match &servers.rdap {
        Rdap::At(base) => base.as_str(),
        Rdap::Registries => {
            rdap_of(registry_of(address)).ok_or_else(|| io::Error::other("no registry has it"))?
        }
        Rdap::Never => return Err(io::Error::other("not asked")),
    };
    let mut url = format!("{}/ip/{address}", base.trim_end_matches('/'));
    let until = until.min(Instant::now() + servers.wait);
    for _ in 0..=RDAP_REDIRECTS_MAX {
        let uri: Uri = url.parse().map_err(io::Error::other)?;
        let host = uri.host().unwrap_or_default().to_ascii_lowercase();
        let told = |error: io::Error| io::Error::new(error.kind(), format!("{host}: {error}"));
        match fetch(servers, &uri, until).map_err(told)? {
            Page::Answer(bytes) => {
                let mut who = read::read(&bytes, address)
                    .ok_or_else(|| told(io::Error::other("it answers about something else")))?;
                (who.registry, who.source) = (registry_at(&host), host);
                return Ok(who);
            }
            Page::Elsewhere(target) => url = elsewhere(&uri, &target, servers).map_err(told)?,
        }
    }
    Err(io::Error::other(format!("more than {RDAP_REDIRECTS_MAX} redirects")))
}

enum Page {
    Answer(Vec<u8>),
    Elsewhere(String),
}

fn fetch(servers: &Arc<Servers>, uri: &Uri, until: Instant) -> io::Result<Page> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let config = Agent::config_builder()
        .timeout_global(Some(left))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .proxy(None)
        .max_response_header_size(32 * 1024)
        .user_agent(concat!("monban/", env!("CARGO_PKG_VERSION")))
        .build();
    let names = Names { servers: servers.clone(), until };
    let agent = Agent::with_parts(config, DefaultConnector::default(), names);
    let request = agent.get(uri).header(header::ACCEPT, "application/rdap+json");
    let mut response = request.call().map_err(told)?;
    let status = response.status();
    if status.is_redirection() {
        let target = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
        let target = target.ok_or_else(|| io::Error::other("a redirect to nowhere"))?;
        return Ok(Page::Elsewhere(target.to_owned()));
    }
    if !status.is_success() {
        return Err(io::Error::other(format!("it answers with {}", status.as_u16())));
    }
    let body = response.body_mut().with_config().limit(RDAP_ANSWER_MAX as u64);
    Ok(Page::Answer(body.read_to_vec().map_err(told)?))
}

fn told(error: ureq::Error) -> io::Error {
    match error {
        ureq::Error::Io(error) => error,
        ureq::Error::Timeout(_) => io::ErrorKind::TimedOut.into(),
        other => io::Error::other(other.to_string()),
    }
}

/// Where a redirect leads: `https`, or below the same server.
fn elsewhere(from: &Uri, target: &str, servers: &Servers) -> io::Result<String> {
    if let Some(path) = target.strip_prefix('/').filter(|path| !path.starts_with('/')) {
        let scheme = from.scheme_str().unwrap_or("https");
        let authority = from.authority().map(ToString::to_string).unwrap_or_default();
        return Ok(format!("{scheme}://{authority}/{path}"));
    }
    match target.starts_with("https://") || servers.anywhere && target.starts_with("http://") {
        true => Ok(target.to_owned()),
        false => Err(io::Error::other("a redirect to something else than https")),
    }
}

/// Names of hosts for the HTTP client: by our own resolver, and only public addresses.
#[derive(Debug)]
struct Names {
    servers: Arc<Servers>,
    until: Instant,
}

impl Resolver for Names {
    fn resolve(
        &self,
        uri: &Uri,
        _: &ureq::config::Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().ok_or(ureq::Error::HostNotFound)?;
        let secure = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let named = match &self.servers.rdap {
            Rdap::At(base) => {
                base.parse::<Uri>().is_ok_and(|base| base.authority() == uri.authority())
            }
            _ => false,
        };
        let found = self.servers.reach(host, named, self.until).map_err(ureq::Error::Io)?;
        let mut sockets = self.empty();
        for address in found.into_iter().take(8) {
            sockets.push((address.ip(), port).into());
        }
        if sockets.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(sockets) }
    }
}

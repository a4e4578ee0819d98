//! One POST over a connection of our own: looked up, secured and timed as those of mail are, with
//! ureq for what HTTP is. No redirects, no proxy of the environment, no cookie, no second request.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use monban_model::limits::{DELIVERY_ANSWER_MAX, DELIVERY_CONNECT_S};
use rustls::ClientConfig;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};
use ureq::{Agent, Error};

use super::answer::Answer;
use super::request::Request;
use crate::dial::{self, Deadline, cause};
use crate::way::Way;
use crate::{Dialogue, Failure, trust};

/// Bytes of the head of an answer.
const HEAD_MAX: usize = 16 * 1024;

/// Sends the request and reads the answer, in `patience` altogether.
pub(super) fn post(
    request: &Request,
    ca_pem: &[u8],
    insecure: bool,
    patience: Duration,
    dialogue: &mut Dialogue,
) -> Result<Answer, Failure> {
    let secured = request.uri.scheme_str() == Some("https");
    let door = Door {
        deadline: Deadline::after(patience),
        config: if secured { Some(trust::config(ca_pem)?) } else { None },
        insecure,
    };
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .timeout_global(Some(patience))
        .max_response_header_size(HEAD_MAX)
        .accept_encoding("identity")
        .user_agent(concat!("monban/", env!("CARGO_PKG_VERSION")))
        .build();
    let agent = Agent::with_parts(config, door, Unasked);
    dialogue.sent(&format!("POST {}", request.shown));
    let mut post = agent.post(&request.uri).header("Content-Type", "application/json");
    for (name, value) in &request.headers {
        if *name != "Authorization" && *name != "X-Monban-Signature" {
            dialogue.sent(&format!("{name}: {value}"));
        }
        post = post.header(*name, value);
    }
    dialogue.sent(&format!("({} bytes of JSON)", request.body.len()));
    let mut answer = post.send(&request.body[..]).map_err(|error| failure(request, error))?;
    let header = |name: &str| {
        let value = answer.headers().get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    let (retry_after, location) = (header("Retry-After"), header("Location"));
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    // What was read before an error is worth telling; the status says what became of the request.
    let most = DELIVERY_ANSWER_MAX as u64;
    let _ = answer.body_mut().as_reader().take(most).read_to_end(&mut body);
    let body = String::from_utf8_lossy(&body).into_owned();
    dialogue.received(&format!("{status}"));
    body.lines().take(20).for_each(|line| dialogue.received(line));
    Ok(Answer { status, retry_after, location, body })
}

/// Why there was no answer. Causes of our own come back as they were given.
fn failure(request: &Request, error: Error) -> Failure {
    let host = request.uri.host().unwrap_or_default();
    match error {
        Error::Other(other) => match other.downcast::<Failure>() {
            Ok(ours) => *ours,
            Err(other) => Failure::transient(format!("{host}: {other}")),
        },
        Error::Timeout(_) => Failure::transient(format!("{host}: no answer in time")),
        Error::Io(error) => Failure::transient(format!("{host}: {}", cause(&error))),
        Error::Protocol(error) => {
            Failure::transient(format!("{host} does not answer with HTTP: {error}"))
        }
        Error::BadUri(_) | Error::Http(_) => Failure::permanent(format!("{host}: {error}")),
        other => Failure::transient(format!("{host}: {other}")),
    }
}

/// Makes the connection.
#[derive(Debug)]
struct Door {
    deadline: Deadline,
    config: Option<Arc<ClientConfig>>,
    insecure: bool,
}

impl Door {
    fn open(&self, uri: &Uri) -> Result<Way, Failure> {
        let host = uri.host().unwrap_or_default();
        let port = uri.port_u16().unwrap_or(if self.config.is_some() { 443 } else { 80 });
        let step = self.deadline.step(Duration::from_secs(DELIVERY_CONNECT_S));
        let mut way = Way::Plain(dial::connect(host, port, step)?);
        way.until(self.deadline);
        if let Some(config) = &self.config {
            way.secure(host, config.clone())?;
        } else if !self.insecure && !way.is_loopback() {
            return Err(Failure::permanent(format!("{host} is not this machine, so not by http")));
        }
        Ok(way)
    }
}

impl Connector for Door {
    type Out = Hallway;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<Hallway>, Error> {
        let way = self.open(details.uri).map_err(|failure| Error::Other(Box::new(failure)))?;
        let (input, output) =
            (details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(Hallway { way, buffers: LazyBuffers::new(input, output) }))
    }
}

/// The connection, as ureq uses it. Its own deadline ends every read and write.
#[derive(Debug)]
struct Hallway {
    way: Way,
    buffers: LazyBuffers,
}

impl Transport for Hallway {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        self.way.write_all(output)?;
        self.way.flush()?;
        Ok(())
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
        let amount = self.way.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        // There is one request for each connection.
        false
    }

    fn is_tls(&self) -> bool {
        self.way.is_secured()
    }
}

/// ureq wants addresses before it asks for a connection; ours looks them up itself.
#[derive(Debug)]
struct Unasked;

impl Resolver for Unasked {
    fn resolve(
        &self,
        _: &Uri,
        _: &ureq::config::Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let mut none = self.empty();
        none.push(([0, 0, 0, 0], 0).into());
        Ok(none)
    }
}

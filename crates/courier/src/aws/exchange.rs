//! One HTTP request and its answer: bounded in time and in bytes, without redirects and without a
//! proxy, so that nobody else gets what is signed.

use std::net::IpAddr;
use std::time::Duration;

use monban_model::Stamp;
use monban_model::limits::AWS_ANSWER_MAX;
use ureq::http;

use super::dates;
use super::fault::{Cause, Fault};

/// What came back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The time of the server.
    pub(crate) date: Option<Stamp>,
    /// The header `x-amzn-errortype`.
    pub(crate) error: String,
    pub(crate) body: Vec<u8>,
}

/// A request.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) method: &'a str,
    pub(crate) url: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: &'a [u8],
}

/// How long is waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For a connection, in milliseconds.
    pub connect_ms: u64,
    /// For everything, to the last byte of the answer, in milliseconds.
    pub all_ms: u64,
}

impl Patience {
    /// For AWS: 5 s for a connection, 30 s in all.
    pub const SERVICE: Self = Self { connect_ms: 5000, all_ms: 30_000 };
    /// For the metadata service of this machine: 1 s and 2 s.
    pub const METADATA: Self = Self { connect_ms: 1000, all_ms: 2000 };
}

/// A way out.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    agent: ureq::Agent,
}

impl Wire {
    pub(crate) fn new(patience: Patience) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .user_agent(concat!("monban/", env!("CARGO_PKG_VERSION")))
            .max_response_header_size(16 * 1024)
            .timeout_connect(Some(Duration::from_millis(patience.connect_ms)))
            .timeout_global(Some(Duration::from_millis(patience.all_ms)))
            .max_idle_connections(4)
            .max_idle_connections_per_host(2)
            .build();
        Self { agent: config.new_agent() }
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// Faults of the way; an answer with an error is an answer.
    pub(crate) fn ask(&self, ask: &Ask<'_>) -> Result<Answer, Fault> {
        let mut request = http::Request::builder().method(ask.method).uri(ask.url);
        for (name, value) in ask.headers {
            request = request.header(*name, *value);
        }
        let wrong = |_| Fault::permanent(Cause::Invalid, "the request cannot be written as HTTP");
        let mut response = if ask.method == "GET" {
            self.agent.run(request.body(()).map_err(wrong)?)
        } else {
            self.agent.run(request.body(ask.body).map_err(wrong)?)
        }
        .map_err(|error| fault_of(&error))?;
        let header = |name: &str| {
            let value = response.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let (date, error) = (header("date"), header("x-amzn-errortype").unwrap_or_default());
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(AWS_ANSWER_MAX).read_to_vec();
        let body = body.map_err(|error| fault_of(&error))?;
        Ok(Answer { status, date: date.as_deref().and_then(dates::http), error, body })
    }
}

fn fault_of(error: &ureq::Error) -> Fault {
    let text = match error {
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        ureq::Error::HostNotFound => "the name of the server is not found".to_owned(),
        ureq::Error::ConnectionFailed => "no connection to the server".to_owned(),
        ureq::Error::BodyExceedsLimit(_) => "the answer is too long".to_owned(),
        ureq::Error::Io(error) => format!("the connection failed: {error}"),
        ureq::Error::Tls(why) => format!("TLS failed: {why}"),
        ureq::Error::Rustls(why) => format!("TLS failed: {why}"),
        ureq::Error::Protocol(why) => format!("the answer is no HTTP: {why}"),
        other => format!("the connection failed: {other}"),
    };
    Fault::transient(Cause::Transport, text)
}

/// Where a service is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The whole address without a path, such as `https://logs.eu-west-1.amazonaws.com`.
    pub url: String,
    /// What stands in the header `Host`.
    pub host: String,
}

impl Endpoint {
    /// The public one of a service in a region. `service` is the first word of its name: `logs`,
    /// `monitoring`, `sns`.
    ///
    /// # Errors
    /// The region is no name of a region.
    pub fn of_region(service: &str, region: &str) -> Result<Self, Fault> {
        if !super::regions::is_region(region) {
            let text = format!("`{region}` is no name of a region");
            return Err(Fault::permanent(Cause::Invalid, text));
        }
        let host = format!("{service}.{region}.{}", super::regions::suffix(region));
        Ok(Self { url: format!("https://{host}"), host })
    }

    /// Another one: a private endpoint, or a server of a test. `http` only to loopback.
    ///
    /// # Errors
    /// It is no such address.
    pub fn given(url: &str) -> Result<Self, Fault> {
        let wrong = |why: &str| {
            let text = format!("the endpoint `{url}` {why}");
            Err(Fault::permanent(Cause::Invalid, text))
        };
        let bare = url.strip_suffix('/').unwrap_or(url);
        let Some((scheme, host)) = bare.split_once("://") else {
            return wrong("does not begin with https://");
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte);
        if host.is_empty() || !host.bytes().all(plain) {
            return wrong("is more than https:// and the name of a server");
        }
        match scheme {
            "https" => {}
            "http" if is_loopback(host) => {}
            "http" => return wrong("is not encrypted and not on this machine"),
            _ => return wrong("does not begin with https://"),
        }
        Ok(Self { url: bare.to_owned(), host: host.to_owned() })
    }
}

/// Whether a name with or without a port is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    name_without_port(host).is_some_and(|name| {
        name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    })
}

/// The name or address of `name:port` or `[address]:port`.
pub(crate) fn name_without_port(host: &str) -> Option<&str> {
    match host.strip_prefix('[') {
        Some(rest) => Some(rest.split_once(']')?.0),
        None => Some(host.split_once(':').map_or(host, |(name, _)| name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_names_its_servers() {
        let of = |service, region| Endpoint::of_region(service, region).map(|found| found.url);
        assert_eq!(
            of("logs", "ap-northeast-1").as_deref(),
            Ok("https://logs.ap-northeast-1.amazonaws.com")
        );
        assert_eq!(
            of("sns", "cn-north-1").as_deref(),
            Ok("https://sns.cn-north-1.amazonaws.com.cn")
        );
        for wrong in ["", "evil.example/", "a b", "ap-northeast-1.evil.example", "-"] {
            assert!(of("logs", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_this_machine_is_spoken_to_without_tls() {
        for good in [
            "https://vpce-1.logs.eu-west-1.vpce.amazonaws.com",
            "http://127.0.0.1:5000/",
            "http://localhost:5000",
            "http://[::1]:5000",
        ] {
            assert!(Endpoint::given(good).is_ok(), "{good}");
        }
        for wrong in [
            "http://logs.example",
            "http://127.0.0.1@evil.example",
            "http://127.0.0.1.evil.example",
            "https://a/b",
            "https://",
            "ftp://127.0.0.1",
            "logs.example",
        ] {
            assert!(Endpoint::given(wrong).is_err(), "{wrong}");
        }
    }
}

//! The metadata services of this machine: those of an EC2 instance (IMDSv2) and of a container.
//!
//! # Absent on purpose
//! IMDSv1, which answers whoever asks, also on behalf of a stranger who can make a program fetch a
//! page. A token is asked for with `PUT`, which carries no `X-Forwarded-For`; its answer may cross
//! no router (hop limit 1), so a container with a network of its own needs a limit of 2.

use std::net::IpAddr;

use monban_model::Secret;
use monban_model::limits::AWS_TOKEN_MAX;

use super::Keys;
use super::exchange::{Answer, Ask, Patience, Wire, is_loopback, name_without_port};
use super::fault::{Cause, Fault};

/// The metadata service of instances.
pub const INSTANCE: &str = "http://169.254.169.254";
/// The one that a relative path of a container is meant for.
const CONTAINER: &str = "http://169.254.170.2";
/// Whom else a container may ask without TLS: ECS, and the pod identity agent of EKS.
const CONTAINER_HOSTS: [&str; 3] = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];
/// How long a token is good for.
const TOKEN_S: &str = "21600";

/// How a container's role is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerAt {
    url: String,
    token: Option<Secret>,
}

impl ContainerAt {
    /// What the environment says, as `look` finds it: `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` or
    /// `.._FULL_URI`, with `AWS_CONTAINER_AUTHORIZATION_TOKEN`. `token_file` is what stands in the
    /// file that `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE` names. `None` outside of a container.
    ///
    /// # Errors
    /// The address is one that must not be asked, or the token is none.
    pub fn of_environment(
        look: &dyn Fn(&str) -> Option<String>,
        token_file: Option<&str>,
    ) -> Result<Option<Self>, Fault> {
        let look = |name| look(name).filter(|value| !value.is_empty());
        let invalid = |text: &str| Err(Fault::permanent(Cause::Invalid, text));
        let url = match look("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
            Some(path) if path.starts_with('/') => format!("{CONTAINER}{path}"),
            Some(_) => return invalid("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is no path"),
            None => match look("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
                Some(url) if may_be_asked(&url) => url,
                Some(_) => {
                    return invalid("AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor here");
                }
                None => return Ok(None),
            },
        };
        let token = token_file.map(str::to_owned);
        let token = token.or_else(|| look("AWS_CONTAINER_AUTHORIZATION_TOKEN"));
        let token = token.map(|token| token.trim_end().to_owned());
        let fits = |text: &str| text.len() <= AWS_TOKEN_MAX && !text.contains(char::is_control);
        match token {
            Some(token) if !fits(&token) => invalid("the container's token is none"),
            token => Ok(Some(Self { url, token: token.map(Secret) })),
        }
    }
}

fn may_be_asked(url: &str) -> bool {
    let host = |rest: &str| {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        rest[..end].to_owned()
    };
    if url.contains(|c: char| c.is_control() || c == '@' || c == ' ') {
        return false;
    }
    match url.split_once("://") {
        Some(("https", rest)) => !host(rest).is_empty(),
        Some(("http", rest)) => {
            let host = host(rest);
            let ip = name_without_port(&host).and_then(|name| name.parse::<IpAddr>().ok());
            let known = CONTAINER_HOSTS.iter().any(|known| known.parse().ok() == ip);
            is_loopback(&host) || (ip.is_some() && known)
        }
        _ => false,
    }
}

/// The credentials of a container's role.
///
/// # Errors
/// Nobody answers, or not with credentials.
pub(crate) fn of_container(wire: &Wire, at: &ContainerAt) -> Result<Keys, Fault> {
    let token = at.token.as_ref().map(|token| ("authorization", token.0.as_str()));
    let headers: Vec<(&str, &str)> = token.into_iter().collect();
    let ask = Ask { method: "GET", url: &at.url, headers: &headers, body: b"" };
    Keys::of_answer(&good(wire.ask(&ask)?)?)
}

/// What an instance says of itself.
#[derive(Debug)]
pub struct Instance {
    wire: Wire,
    base: String,
    token: Option<Secret>,
}

impl Instance {
    /// The service at `base`, usually [`INSTANCE`].
    pub fn new(base: &str) -> Self {
        let base = base.strip_suffix('/').unwrap_or(base).to_owned();
        Self { wire: Wire::new(Patience::METADATA), base, token: None }
    }

    /// The one that the environment names, as `look` finds it
    /// (`AWS_EC2_METADATA_SERVICE_ENDPOINT`), or [`INSTANCE`]. `None` where
    /// `AWS_EC2_METADATA_DISABLED` says that there is none.
    ///
    /// # Errors
    /// The address is not of this machine.
    pub fn of_environment(look: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, Fault> {
        let look = |name| look(name).filter(|value| !value.is_empty());
        let is_off = look("AWS_EC2_METADATA_DISABLED");
        if is_off.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Ok(None);
        }
        let base = look("AWS_EC2_METADATA_SERVICE_ENDPOINT");
        let base = base.unwrap_or_else(|| INSTANCE.to_owned());
        let host = base.strip_prefix("http://").map(|host| host.trim_end_matches('/'));
        let known = |host: &str| ["169.254.169.254", "[fd00:ec2::254]"].contains(&host);
        match host {
            Some(host) if known(host) || is_loopback(host) => Ok(Some(Self::new(&base))),
            _ => {
                let text = "AWS_EC2_METADATA_SERVICE_ENDPOINT is not of this machine";
                Err(Fault::permanent(Cause::Invalid, text))
            }
        }
    }

    /// Its region.
    ///
    /// # Errors
    /// Nobody answers, or not with a region.
    pub fn region(&mut self) -> Result<String, Fault> {
        let region = self.word("/latest/meta-data/placement/region")?;
        match super::regions::is_region(&region) {
            true => Ok(region),
            false => Err(garbage()),
        }
    }

    /// Its id, such as `i-0123456789abcdef0`.
    ///
    /// # Errors
    /// Nobody answers, or not with an id.
    pub fn id(&mut self) -> Result<String, Fault> {
        self.word("/latest/meta-data/instance-id")
    }

    /// The name of its role.
    ///
    /// # Errors
    /// Nobody answers, or it has no role.
    pub fn role(&mut self) -> Result<String, Fault> {
        self.word("/latest/meta-data/iam/security-credentials/").map_err(|fault| {
            if fault.cause == Cause::Missing {
                let text = "this instance has no role: attach an instance profile to it";
                return Fault::permanent(Cause::Credentials, text);
            }
            fault
        })
    }

    /// The credentials of its role.
    ///
    /// # Errors
    /// Nobody answers, it has no role, or the answer is none.
    pub fn keys(&mut self) -> Result<Keys, Fault> {
        let role = self.role()?;
        let path = format!("/latest/meta-data/iam/security-credentials/{role}");
        Keys::of_answer(&self.get(&path)?)
    }

    /// One word of letters, digits and `+=,.@_-`, as names of roles, regions and instances are.
    fn word(&mut self, path: &str) -> Result<String, Fault> {
        let body = self.get(path)?;
        let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(byte);
        let word = body.trim_ascii();
        match !word.is_empty() && word.len() <= 64 && word.iter().all(fits) {
            true => Ok(String::from_utf8_lossy(word).into_owned()),
            false => Err(garbage()),
        }
    }

    /// A page; with a new token where the old one is over.
    fn get(&mut self, path: &str) -> Result<Vec<u8>, Fault> {
        if let Some(token) = self.token.take() {
            let answer = self.page(path, &token)?;
            if answer.status != 401 {
                self.token = Some(token);
                return good(answer);
            }
        }
        let token = self.ask_token()?;
        let answer = self.page(path, &token)?;
        self.token = Some(token);
        good(answer)
    }

    fn page(&self, path: &str, token: &Secret) -> Result<Answer, Fault> {
        let url = format!("{}{path}", self.base);
        let headers = [("x-aws-ec2-metadata-token", token.0.as_str())];
        let ask = Ask { method: "GET", url: &url, headers: &headers, body: b"" };
        self.wire.ask(&ask).map_err(hinted)
    }

    fn ask_token(&self) -> Result<Secret, Fault> {
        let url = format!("{}/latest/api/token", self.base);
        let headers = [("x-aws-ec2-metadata-token-ttl-seconds", TOKEN_S)];
        let ask = Ask { method: "PUT", url: &url, headers: &headers, body: b"" };
        let token = good(self.wire.ask(&ask).map_err(hinted)?)?;
        let token = token.trim_ascii();
        let fits = token.iter().all(u8::is_ascii_graphic) && token.len() <= AWS_TOKEN_MAX;
        match fits && !token.is_empty() {
            true => Ok(Secret(String::from_utf8_lossy(token).into_owned())),
            false => Err(garbage()),
        }
    }
}

/// The body of an answer with status 200.
fn good(answer: Answer) -> Result<Vec<u8>, Fault> {
    let said = |cause, what: &str| {
        let text = format!("the metadata service {what} (status {})", answer.status);
        Fault::transient(cause, text)
    };
    match answer.status {
        200 => Ok(answer.body),
        404 => Err(said(Cause::Missing, "has no such page")),
        401 | 403 => Err(said(Cause::Credentials, "refuses to answer")),
        429 => Err(said(Cause::Throttled, "is asked too often")),
        _ => Err(said(Cause::Server, "has trouble")),
    }
}

fn garbage() -> Fault {
    Fault::transient(Cause::Server, "the metadata service answers what nobody can read")
}

/// A service that is not reached may not be there, or be one router too far.
fn hinted(fault: Fault) -> Fault {
    let hint = "is this EC2? In a container the hop limit has to be 2";
    Fault::transient(fault.cause, format!("the metadata service: {}; {hint}", fault.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(name: &'static str, value: &'static str) -> Result<Option<ContainerAt>, Fault> {
        ContainerAt::of_environment(&|asked| (asked == name).then(|| value.to_owned()), None)
    }

    #[test]
    fn a_container_asks_its_own_host_or_over_tls() {
        let relative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
        let full = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
        assert_eq!(at("OTHER", "x"), Ok(None));
        assert_eq!(
            at(relative, "/v2/credentials/1").map(|at| at.map(|at| at.url)),
            Ok(Some("http://169.254.170.2/v2/credentials/1".to_owned()))
        );
        for good in [
            "http://169.254.170.23/v1/credentials",
            "http://[fd00:ec2::23]/v1/credentials",
            "http://127.0.0.1:80/a?b",
            "http://localhost/a",
            "https://example.org/a",
        ] {
            assert!(at(full, good).unwrap().is_some(), "{good}");
        }
        for wrong in [
            "http://example.org/a",
            "http://169.254.170.2@example.org/",
            "http://127.0.0.1.example.org/",
            "https:///a",
            "ftp://127.0.0.1/",
            "/a",
        ] {
            assert!(at(full, wrong).is_err(), "{wrong}");
        }
        assert!(at(relative, "evil.example").is_err());
    }

    #[test]
    fn a_token_of_two_lines_is_none() {
        let look = |name: &str| {
            (name == "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").then(|| "/a".to_owned())
        };
        let token = |text| ContainerAt::of_environment(&look, Some(text));
        let found = token("secret\n").unwrap().unwrap();
        assert_eq!(found.token, Some(Secret("secret".to_owned())));
        assert!(!format!("{found:?}").contains("secret\""));
        assert!(token("a\r\nb: c").is_err());
    }
}

//! Why a call came to nothing, and whether another try may help.

use std::fmt;

use monban_model::Stamp;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Too many calls in too short a time.
    Throttled,
    /// The service has trouble of its own, or answers what nobody can read.
    Server,
    /// No connection, no name, broken TLS, or no answer in time.
    Transport,
    /// The clocks of this host and of AWS are too far apart.
    Clock,
    /// There are no credentials, or AWS does not know them.
    Credentials,
    /// The credentials are known and may not do this.
    Denied,
    /// The log group, stream or topic is not there.
    Missing,
    /// It is there already: no fault for whoever makes it when it is missing.
    Exists,
    /// What is sent is refused for itself; other things of the same kind may be taken.
    Unfit,
    /// The request is wrong as it is, or cannot be made.
    Invalid,
}

impl Cause {
    /// Its word in JSON and in the ledger.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Server => "server",
            Self::Transport => "transport",
            Self::Clock => "clock",
            Self::Credentials => "credentials",
            Self::Denied => "denied",
            Self::Missing => "missing",
            Self::Exists => "exists",
            Self::Unfit => "unfit",
            Self::Invalid => "invalid",
        }
    }
}

/// Why a call came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What went wrong.
    pub cause: Cause,
    /// Whether the same request may be taken later, without anybody's doing.
    pub transient: bool,
    /// In a few words, in English; at most [`TEXT_MAX`] bytes; may hold what the service said,
    /// without control characters.
    pub text: String,
}

/// Longest text of a fault, in bytes.
pub const TEXT_MAX: usize = 300;

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Fault {}

impl Fault {
    /// One that passes.
    pub(crate) fn transient(cause: Cause, text: impl Into<String>) -> Self {
        Self { cause, transient: true, text: short(&text.into()) }
    }

    /// One that stays until somebody changes something.
    pub(crate) fn permanent(cause: Cause, text: impl Into<String>) -> Self {
        Self { cause, transient: false, text: short(&text.into()) }
    }

    /// What an answer with an error means: its status, its code such as `ThrottlingException`,
    /// its message, and the time of the service, if it says one.
    pub(crate) fn of_answer(
        status: u16,
        code: &str,
        message: &str,
        server: Option<Stamp>,
        now: Stamp,
    ) -> Self {
        let (cause, transient) = meaning(status, code, message, server, now);
        let said = match (code.is_empty(), message.is_empty()) {
            (true, true) => format!("AWS answered with status {status}"),
            (false, true) => format!("AWS answered {code}"),
            (true, false) => format!("AWS answered with status {status}: {message}"),
            (false, false) => format!("AWS answered {code}: {message}"),
        };
        let text = match (cause, server) {
            (Cause::Clock, Some(server)) => {
                format!("the clock of this host says {now}, that of AWS {server}")
            }
            (Cause::Clock, None) => "the clock of this host differs from that of AWS".to_owned(),
            _ => said,
        };
        Self { cause, transient, text: short(&text) }
    }
}

/// How far apart AWS lets clocks be, in seconds, less a minute for the way.
const SKEW_S: u64 = 240;

const THROTTLED: &[&str] = &[
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "Throttled",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "ProvisionedThroughputExceededException",
    "SlowDown",
    "OperationAbortedException",
];

const SERVER: &[&str] = &[
    "InternalError",
    "InternalFailure",
    "InternalServiceError",
    "InternalServiceFault",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "RequestTimeout",
    "RequestTimeoutException",
];

const CLOCK: &[&str] = &["RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"];

const SIGNATURE: &[&str] =
    &["InvalidSignatureException", "InvalidSignature", "SignatureDoesNotMatch"];

const CREDENTIALS: &[&str] = &[
    "AuthFailure",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidClientTokenId",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "UnrecognizedClientException",
];

const EXPIRED: &[&str] = &["ExpiredToken", "ExpiredTokenException"];

const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "OptInRequired",
    "UnauthorizedOperation",
];

const EXISTS: &[&str] = &["ResourceAlreadyExistsException", "DataAlreadyAcceptedException"];

const UNFIT: &[&str] = &[
    "InvalidParameter",
    "InvalidParameterCombination",
    "InvalidParameterException",
    "InvalidParameterValue",
    "MalformedInput",
    "RequestEntityTooLarge",
    "RequestEntityTooLargeException",
    "SerializationException",
    "ValidationError",
    "ValidationException",
];

/// Words of a message that complains of where something goes to, not of what it is.
const PLACES: &[&str] = &["logGroupName", "logStreamName", "TopicArn", "Namespace"];

const MISSING: &[&str] = &["ResourceNotFoundException", "NotFound", "NotFoundException"];

fn meaning(
    status: u16,
    code: &str,
    message: &str,
    server: Option<Stamp>,
    now: Stamp,
) -> (Cause, bool) {
    let of_time = message.contains("expired") || message.contains("not yet current");
    let apart = server.is_some_and(|server| server.since_s(now).max(now.since_s(server)) > SKEW_S);
    let is = |codes: &[&str]| codes.contains(&code);
    match () {
        () if is(CLOCK) || (is(SIGNATURE) && (of_time || apart)) => (Cause::Clock, true),
        // Those of a role end; the next ones are fetched before the next try.
        () if is(EXPIRED) => (Cause::Credentials, true),
        () if is(THROTTLED) || status == 429 => (Cause::Throttled, true),
        () if is(SERVER) || status >= 500 => (Cause::Server, true),
        () if is(SIGNATURE) || is(CREDENTIALS) || status == 401 => (Cause::Credentials, false),
        () if is(DENIED) || status == 403 => (Cause::Denied, false),
        () if is(MISSING) => (Cause::Missing, false),
        () if is(EXISTS) => (Cause::Exists, false),
        () if status == 413 => (Cause::Unfit, false),
        () if is(UNFIT) && !PLACES.iter().any(|place| message.contains(place)) => {
            (Cause::Unfit, false)
        }
        // No service of AWS says nothing: something on the way answered instead.
        () if code.is_empty() => (Cause::Server, true),
        () => (Cause::Invalid, false),
    }
}

/// Without control characters, and not longer than [`TEXT_MAX`].
fn short(text: &str) -> String {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut text: String = clean.take(TEXT_MAX).collect();
    if text.len() > TEXT_MAX {
        text.truncate(text.floor_char_boundary(TEXT_MAX - 3));
        text.push_str("...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Stamp = Stamp(1_800_000_000_000);

    #[test]
    fn each_answer_is_put_where_it_belongs() {
        let far = Some(NOW.plus_s(600));
        let cases = [
            (400, "ThrottlingException", "Rate exceeded", None, Cause::Throttled, true),
            (429, "", "", None, Cause::Throttled, true),
            (400, "Throttling", "", None, Cause::Throttled, true),
            (500, "InternalFailure", "", None, Cause::Server, true),
            (503, "ServiceUnavailableException", "", None, Cause::Server, true),
            (502, "", "", None, Cause::Server, true),
            (403, "SignatureDoesNotMatch", "", Some(NOW), Cause::Credentials, false),
            (403, "SignatureDoesNotMatch", "", far, Cause::Clock, true),
            (400, "InvalidSignatureException", "Signature expired: a", None, Cause::Clock, true),
            (403, "RequestTimeTooSkewed", "", far, Cause::Clock, true),
            (403, "ExpiredToken", "", Some(NOW), Cause::Credentials, true),
            (400, "UnrecognizedClientException", "", None, Cause::Credentials, false),
            (400, "AccessDeniedException", "", None, Cause::Denied, false),
            (403, "AuthorizationError", "", None, Cause::Denied, false),
            (404, "NotFound", "Topic does not exist", None, Cause::Missing, false),
            (400, "ResourceNotFoundException", "", None, Cause::Missing, false),
            (400, "ResourceAlreadyExistsException", "", None, Cause::Exists, false),
            (400, "InvalidParameterException", "1 event too long", None, Cause::Unfit, false),
            (400, "InvalidParameterException", "at 'logGroupName'", None, Cause::Invalid, false),
            (400, "UnknownOperationException", "", None, Cause::Invalid, false),
            (413, "", "", None, Cause::Unfit, false),
            (301, "", "", None, Cause::Server, true),
            (400, "", "", None, Cause::Server, true),
        ];
        for (status, code, message, server, cause, transient) in cases {
            let fault = Fault::of_answer(status, code, message, server, NOW);
            assert_eq!((fault.cause, fault.transient), (cause, transient), "{status} {code}");
        }
    }

    #[test]
    fn a_wrong_clock_is_told_with_both_times() {
        let server = Some(NOW.plus_s(3600));
        let fault = Fault::of_answer(403, "RequestExpired", "x", server, NOW);
        let told =
            "the clock of this host says 2027-01-15T08:00:00Z, that of AWS 2027-01-15T09:00:00Z";
        assert_eq!(fault.to_string(), told);
    }

    #[test]
    fn what_a_service_says_is_cut_and_cleaned() {
        let fault = Fault::permanent(Cause::Invalid, format!("a\nb\u{1b}{}", "門".repeat(400)));
        assert!(fault.text.starts_with("a b 門") && fault.text.len() <= TEXT_MAX, "{fault}");
    }
}

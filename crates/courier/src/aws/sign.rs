//! Signature Version 4, by headers: what makes AWS believe who sent a request.
//!
//! Source: "Create a signed AWS API request" in AWS's Identity and Access Management guide. Tested
//! against the published suite (`tests/aws/sigv4.txt`) and the guide's derived keys.

use monban_model::{Stamp, civil_from_days};
use ring::{digest, hmac};

use super::Keys;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// A request that is to be signed.
#[derive(Clone, Copy, Debug)]
pub struct Unsigned<'a> {
    /// `GET`, `POST`, ...
    pub method: &'a str,
    /// The path from its `/` on, not encoded. Here it is always `/`; what services other than S3
    /// do with encoded ones is not written down alike everywhere.
    pub path: &'a str,
    /// The query as it is sent, without `?`.
    pub query: &'a str,
    /// The headers that are signed, `host` among them; those of the signature are added.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

/// For whom a request is signed.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// Such as `ap-northeast-1`.
    pub region: &'a str,
    /// The service's name in signatures: `logs`, `monitoring`, `sns`.
    pub service: &'a str,
    /// When; AWS takes it 5 minutes before and after its own time.
    pub time: Stamp,
}

/// The headers that a signature adds, in the order in which they are sent.
pub fn sign(request: &Unsigned<'_>, scope: &Scope<'_>, keys: &Keys) -> Vec<(&'static str, String)> {
    let time = amz_time(scope.time);
    let mut added = vec![("x-amz-date", time.clone())];
    if let Some(token) = &keys.token {
        added.push(("x-amz-security-token", token.0.clone()));
    }
    let mine = added.iter().map(|(name, value)| (*name, value.as_str()));
    let headers = canonical_headers(request.headers.iter().copied().chain(mine));
    let (canonical, signed) = canonical_request(request, &headers);
    let credential = format!("{}/{}/{}/aws4_request", &time[..8], scope.region, scope.service);
    let hashed = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let to_sign = format!("{ALGORITHM}\n{time}\n{credential}\n{hashed}");
    let key = derived_key(&keys.secret.0, &time[..8], scope.region, scope.service);
    let signature = hex(hmac::sign(&key, to_sign.as_bytes()).as_ref());
    let id = &keys.id;
    let authorization = format!(
        "{ALGORITHM} Credential={id}/{credential}, SignedHeaders={signed}, Signature={signature}"
    );
    added.push(("authorization", authorization));
    added
}

/// The key of a day, region and service.
fn derived_key(secret: &str, day: &str, region: &str, service: &str) -> hmac::Key {
    let first = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{secret}").as_bytes());
    [day, region, service, "aws4_request"].iter().fold(first, |key, word| {
        hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, word.as_bytes()).as_ref())
    })
}

/// The canonical request, and the names of its signed headers.
fn canonical_request(request: &Unsigned<'_>, headers: &[(String, String)]) -> (String, String) {
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let signed = names.join(";");
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let canonical = format!(
        "{}\n{}\n{}\n{lines}\n{signed}\n{}",
        request.method,
        canonical_path(request.path),
        canonical_query(request.query),
        hex(digest::digest(&digest::SHA256, request.body).as_ref())
    );
    (canonical, signed)
}

/// Names in small letters, sorted; values without spaces around them and with one for each run
/// of them within; values of one name joined by commas in the order in which they stand.
fn canonical_headers<'h>(
    headers: impl Iterator<Item = (&'h str, &'h str)>,
) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        let value = value.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        match found.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => {
                values.push(',');
                values.push_str(&value);
            }
            None => found.push((name, value)),
        }
    }
    found.sort();
    found
}

/// Without `.`, `..` and doubled slashes; each part encoded.
fn canonical_path(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    let encoded: String = parts.iter().map(|part| format!("/{}", encoded(part))).collect();
    match encoded.is_empty() {
        true => "/".to_owned(),
        false if ends_in_folder(path) => encoded + "/",
        false => encoded,
    }
}

fn ends_in_folder(path: &str) -> bool {
    matches!(path.rsplit('/').next(), Some("" | "." | ".."))
}

/// Names and values decoded, encoded anew and sorted by both.
fn canonical_query(query: &str) -> String {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<(String, String)> = pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (encoded_bytes(&decoded(name)), encoded_bytes(&decoded(value)))
        })
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// A text as it stands in queries and forms: all but letters, digits, `-`, `.`, `_`, `~` as `%XX`.
pub(crate) fn encoded(text: &str) -> String {
    encoded_bytes(text.as_bytes())
}

fn encoded_bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(char::from(*byte));
            }
            _ => {
                text.push('%');
                text.push(char::from(DIGITS_UPPER[usize::from(byte >> 4)]));
                text.push(char::from(DIGITS_UPPER[usize::from(byte & 15)]));
            }
        }
    }
    text
}

/// `%XX` as bytes; what is no such thing stays as it is.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digit = |at: usize| behind.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &behind[2..];
            }
            _ => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    bytes
}

const DIGITS_UPPER: &[u8; 16] = b"0123456789ABCDEF";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `20150830T123600Z`.
pub(crate) fn amz_time(time: Stamp) -> String {
    let seconds = time.as_s();
    let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
    let rest = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

#[cfg(test)]
#[path = "sign/tests.rs"]
mod tests;

//! Against what AWS published.

use monban_model::Secret;
use proptest::prelude::*;

use super::*;

const SUITE: &str = include_str!("../../../tests/aws/sigv4.txt");

fn keys(token: Option<&str>) -> Keys {
    let secret = Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned());
    let token = token.map(|token| Secret(token.to_owned()));
    Keys { id: "AKIDEXAMPLE".to_owned(), secret, token, expires: None }
}

/// 2015-08-30T12:36:00Z.
const TIME: Stamp = Stamp(1_440_938_160_000);

/// One case of the suite, by its passages.
struct Case {
    name: String,
    passages: Vec<(String, String)>,
}

impl Case {
    fn passage(&self, name: &str) -> Option<&str> {
        let found = self.passages.iter().find(|(known, _)| known == name);
        found.map(|(_, text)| text.trim_end_matches('\n'))
    }
}

fn cases() -> Vec<Case> {
    let texts = SUITE.split("\n== ").skip(1);
    let case = |text: &str| {
        let mut passages = text.split("\n-- ");
        let name = passages.next().unwrap_or_default().to_owned();
        let passages = passages.map(|passage| {
            let (name, text) = passage.split_once('\n').unwrap_or((passage, ""));
            (name.to_owned(), text.to_owned())
        });
        Case { name, passages: passages.collect() }
    };
    texts.map(case).collect()
}

#[test]
fn the_published_suite_is_signed_as_published() {
    let cases = cases();
    assert_eq!(cases.len(), 31);
    for case in cases {
        let request = case.passage("request").unwrap();
        let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
        let (line, fields) = head.split_once('\n').unwrap();
        let line = line.strip_suffix(" HTTP/1.1").unwrap();
        let (method, target) = line.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        // One path of the suite is encoded already.
        let path = &String::from_utf8(decoded(path)).unwrap();
        // A line that begins with a space goes on with the value before it.
        let fields = fields.replace("\n ", " ");
        let mut headers: Vec<(&str, &str)> =
            fields.lines().filter_map(|line| line.split_once(':')).collect();
        let hash = hex(digest::digest(&digest::SHA256, body.as_bytes()).as_ref());
        if case.passage("body").is_some() {
            headers.push(("x-amz-content-sha256", &hash));
        }
        let keys = keys(case.passage("token"));
        let request = Unsigned { method, path, query, headers: &headers, body: body.as_bytes() };
        let mut all = headers.clone();
        let time = amz_time(TIME);
        all.push(("x-amz-date", &time));
        all.extend(keys.token.as_ref().map(|token| ("x-amz-security-token", token.0.as_str())));
        let (canonical, _) = canonical_request(&request, &canonical_headers(all.into_iter()));
        assert_eq!(Some(canonical.as_str()), case.passage("canonical"), "{}", case.name);
        let scope = Scope { region: "us-east-1", service: "service", time: TIME };
        let added = sign(&request, &scope, &keys);
        let (_, authorization) = added.last().unwrap();
        let signature = authorization.rsplit("Signature=").next();
        assert_eq!(signature, case.passage("signature"), "{}", case.name);
    }
}

/// "Deriving the signing key" of the guide's page on calculating a signature, and "Examples of how
/// to derive a signing key" of its older edition.
#[test]
fn the_documented_keys_are_derived() {
    let of = |day| {
        let key = derived_key(&keys(None).secret.0, day, "us-east-1", "iam");
        // The guide's last step, over its hashed request.
        let to_sign = "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n\
            f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59";
        hex(hmac::sign(&key, to_sign.as_bytes()).as_ref())
    };
    assert_eq!(of("20150830"), "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
    let documented = [
        ("20150830", "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"),
        ("20120215", "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d"),
    ];
    for (day, key) in documented {
        let direct = derived_key(&keys(None).secret.0, day, "us-east-1", "iam");
        let again = hmac::Key::new(hmac::HMAC_SHA256, &from_hex(key));
        assert_eq!(hmac::sign(&direct, b"x").as_ref(), hmac::sign(&again, b"x").as_ref());
    }
}

fn from_hex(text: &str) -> Vec<u8> {
    decoded(
        &text
            .as_bytes()
            .chunks(2)
            .map(|two| format!("%{}{}", two[0] as char, two[1] as char))
            .collect::<String>(),
    )
}

#[test]
fn secrets_are_signed_with_and_never_shown() {
    let keys = keys(Some("session"));
    let shown = format!("{keys:?}");
    assert!(shown.contains("AKIDEXAMPLE"), "{shown}");
    assert!(!shown.contains("wJalr") && !shown.contains("session"), "{shown}");
}

proptest! {
    #[test]
    fn any_request_can_be_signed(path in ".{0,80}", query in ".{0,80}", value in ".{0,40}") {
        let headers = [("host", "h"), ("x", value.as_str())];
        let (method, body) = ("POST", &b""[..]);
        let request =
            Unsigned { method, path: &path, query: &query, headers: &headers, body };
        let scope = Scope { region: "r", service: "s", time: TIME };
        let added = sign(&request, &scope, &keys(None));
        prop_assert_eq!(added.len(), 2);
        prop_assert!(canonical_path(&path).is_ascii() && canonical_query(&query).is_ascii());
    }

    #[test]
    fn what_is_encoded_is_decoded(text in ".{0,60}") {
        prop_assert_eq!(decoded(&encoded(&text)), text.as_bytes());
    }
}

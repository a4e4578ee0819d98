//! What is sent, and where to.

use monban_model::limits::URL_MAX;
use monban_model::{Letter, Secrets, Shape, Stamp, Webhook};
use serde_json::Value;
use ureq::http::Uri;

use super::sign::signature;
use crate::Failure;
use crate::shape::{alertmanager, discord, json, ntfy, pagerduty, slack, teams, telegram};

const TELEGRAM: &str = "https://api.telegram.org";
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";

/// A request that is ready to be sent.
pub(super) struct Request {
    pub(super) uri: Uri,
    /// The address as it may be shown: without a path where that is a secret.
    pub(super) shown: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

/// The request that this letter is for this hook.
pub(super) fn make(
    hook: &Webhook,
    secrets: &Secrets,
    letter: &Letter,
    now: Stamp,
) -> Result<Request, Failure> {
    let key = secrets.key.as_ref().map(|key| key.0.trim()).filter(|key| !key.is_empty());
    let needed = |what: &str| {
        let shape = hook.shape.word();
        key.ok_or_else(|| Failure::permanent(format!("{shape} needs a secret: {what}")))
    };
    let value = match hook.shape {
        Shape::Json => json::json(letter),
        Shape::Alertmanager => alertmanager::json(letter),
        Shape::Slack => slack::json(letter),
        Shape::Discord => discord::json(letter),
        Shape::Teams => teams::json(letter),
        Shape::Ntfy => ntfy::json(letter, &hook.to),
        Shape::Telegram => telegram::json(letter, &hook.to),
        Shape::PagerDuty => pagerduty::json(letter, needed("its routing key")?),
    };
    if matches!(hook.shape, Shape::Ntfy | Shape::Telegram) && hook.to.is_empty() {
        let what = if hook.shape == Shape::Ntfy { "a topic" } else { "a chat" };
        let shape = hook.shape.word();
        return Err(Failure::permanent(format!("{shape} needs {what} to write to")));
    }
    let token = if hook.shape == Shape::Telegram { needed("the token of its bot")? } else { "" };
    let uri = address(hook, secrets, token)?;
    let body = bytes(&value);
    let mut headers = vec![("X-Monban-Id", letter.id.clone())];
    match (hook.shape, key) {
        (Shape::Json | Shape::Alertmanager, Some(key)) => {
            headers.push(("X-Monban-Signature", signature(key, &body, now)));
        }
        (Shape::Ntfy, Some(key)) => headers.push(("Authorization", format!("Bearer {key}"))),
        _ => {}
    }
    // A field of HTTP holds visible ASCII; an id has no other letters, a token might.
    let visible = |text: &str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    headers.retain(|(name, value)| *name == "Authorization" || visible(value));
    if headers.iter().any(|(_, value)| !visible(value)) {
        return Err(Failure::permanent("the secret holds letters that no header can hold"));
    }
    let is_secret = secrets.url.is_some() || !token.is_empty();
    let secret_path = is_secret || hook.shape.has_secret_address();
    Ok(Request { shown: shown(&uri, secret_path), uri, headers, body })
}

/// The address of the hook.
fn address(hook: &Webhook, secrets: &Secrets, token: &str) -> Result<Uri, Failure> {
    let text = secrets.url.as_ref().map_or(hook.url.as_str(), |url| url.0.trim());
    let wrong = |why: &str| Failure::permanent(format!("the address of the web hook {why}"));
    let text = match (hook.shape, text) {
        (Shape::Telegram, base) => {
            let fits = |c: char| c.is_ascii_alphanumeric() || ":_-".contains(c);
            if !token.chars().all(fits) {
                return Err(Failure::permanent("the token of the bot has letters that none has"));
            }
            let base = if base.is_empty() { TELEGRAM } else { base.trim_end_matches('/') };
            format!("{base}/bot{token}/sendMessage")
        }
        (Shape::PagerDuty, "") => PAGERDUTY.to_owned(),
        (_, "") => return Err(wrong("is missing")),
        (_, text) => text.to_owned(),
    };
    if text.len() > URL_MAX {
        return Err(wrong("is too long"));
    }
    let uri: Uri = text.parse().map_err(|_| wrong("cannot be read"))?;
    let Some(host) = uri.host().filter(|host| !host.is_empty()) else {
        return Err(wrong("names no host"));
    };
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(wrong("holds a user; give a secret instead"));
    }
    match uri.scheme_str() {
        Some("https") => Ok(uri),
        Some("http") if hook.insecure || is_near(host) => Ok(uri),
        Some("http") => Err(wrong("is http; only https goes to other machines (insecure = true)")),
        _ => Err(wrong("begins with neither https:// nor http://")),
    }
}

/// Whether a host is this machine by its name; the connection is asked again.
fn is_near(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let ip = bare.parse().is_ok_and(crate::dial::is_loopback);
    ip || host.eq_ignore_ascii_case("localhost")
}

fn shown(uri: &Uri, secret_path: bool) -> String {
    let base = format!(
        "{}://{}",
        uri.scheme_str().unwrap_or_default(),
        uri.authority().map(|one| one.as_str()).unwrap_or_default()
    );
    if secret_path { format!("{base}/***") } else { format!("{base}{}", uri.path()) }
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use monban_model::Secret;

    use super::*;
    use crate::shape::samples;

    fn hook(url: &str, shape: Shape) -> Webhook {
        Webhook {
            url: url.to_owned(),
            url_at: None,
            shape,
            secret: None,
            to: "ops".to_owned(),
            ca_file: None,
            insecure: false,
        }
    }

    fn secrets(key: &str) -> Secrets {
        Secrets { key: Some(Secret(key.to_owned())), ..Secrets::default() }
    }

    fn of(hook: &Webhook, secrets: &Secrets) -> Result<Request, Failure> {
        make(hook, secrets, &samples::login("en"), Stamp::from_s(1_795_325_581))
    }

    #[test]
    fn each_service_is_asked_at_its_place() {
        for (shape, url, key, uri) in [
            (Shape::Json, "https://h.example/a", "", "https://h.example/a"),
            (Shape::Telegram, "", "1:a-B", "https://api.telegram.org/bot1:a-B/sendMessage"),
            (
                Shape::Telegram,
                "http://127.0.0.1:1/",
                "1:a",
                "http://127.0.0.1:1/bot1:a/sendMessage",
            ),
            (Shape::PagerDuty, "", "R0", PAGERDUTY),
            (Shape::Ntfy, "https://ntfy.sh", "", "https://ntfy.sh/"),
        ] {
            let request = of(&hook(url, shape), &secrets(key)).unwrap();
            assert_eq!(request.uri.to_string(), uri);
        }
    }

    #[test]
    fn addresses_that_tell_others_are_refused() {
        for url in [
            "",
            "h.example/a",
            "ftp://h.example/a",
            "http://h.example/a",
            "http://192.0.2.1/",
            "https://u:p@h.example/",
            "https:///a",
            "http://localhost.example/",
            "https://h\r\nx/",
            "http://127.0.0.1.example/",
            &format!("https://h.example/{}", "a".repeat(URL_MAX)),
        ] {
            assert!(of(&hook(url, Shape::Json), &secrets("")).is_err_and(|e| e.permanent), "{url}");
        }
        for url in ["http://127.9.9.9/", "http://[::1]:8/", "http://LOCALHOST:8/", "https://h/"] {
            assert!(of(&hook(url, Shape::Json), &secrets("")).is_ok(), "{url}");
        }
        let mut insecure = hook("http://h.example/a", Shape::Json);
        insecure.insecure = true;
        assert!(of(&insecure, &secrets("")).is_ok());
    }

    #[test]
    fn what_is_missing_is_named_and_secrets_are_not() {
        let why = |hook: &Webhook, secrets: &Secrets| match of(hook, secrets) {
            Ok(_) => String::new(),
            Err(failure) => failure.why,
        };
        let none = Secrets::default();
        assert!(why(&hook("", Shape::PagerDuty), &none).contains("routing key"));
        assert!(why(&hook("", Shape::Telegram), &none).contains("token"));
        let mut lost = hook("https://ntfy.sh", Shape::Ntfy);
        lost.to = String::new();
        assert!(why(&lost, &none).contains("a topic"));
        assert!(!why(&hook("", Shape::Telegram), &secrets("1:a/../x")).contains("1:a"));
        let slack = Secrets {
            url: Some(Secret("https://hooks.slack.com/services/T0/B0/x".to_owned())),
            ..Secrets::default()
        };
        let request = of(&hook("", Shape::Slack), &slack).unwrap();
        assert_eq!(request.shown, "https://hooks.slack.com/***");
        for shape in [Shape::Slack, Shape::Discord, Shape::Teams] {
            let request = of(&hook("https://chat.example/hooks/s3cret", shape), &none).unwrap();
            assert_eq!(request.shown, "https://chat.example/***");
        }
        assert!(of(&hook("https://n.example", Shape::Ntfy), &secrets("t\r\nX: y")).is_err());
    }

    #[test]
    fn own_forms_are_signed_and_all_have_the_id() {
        let request = of(&hook("https://h.example/", Shape::Json), &secrets("s3cret")).unwrap();
        let names: Vec<_> = request.headers.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["X-Monban-Id", "X-Monban-Signature"]);
        let again = of(&hook("https://h.example/", Shape::Json), &secrets("s3cret")).unwrap();
        assert_eq!(request.body, again.body, "another try is the same request");
    }
}

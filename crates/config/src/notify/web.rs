//! Web hooks of a subscription.

use monban_model::{SecretAt, Shape, Webhook};

use super::endpoints::{host_and_port, is_loopback};
use crate::config::read_path;
use crate::words::{secret_at, word_of};
use crate::written::{Page, Table};

/// Whether a subscription says that it is a web hook.
pub(super) fn is_written(table: &Table<'_>) -> bool {
    table.place("webhook").is_some() || table.place("url_file").is_some()
}

/// The web hook of a subscription. The keys that only a web hook has stay unknown for others.
pub(super) fn read(table: &mut Table<'_>, page: &mut Page<'_>) -> Option<Webhook> {
    let place = table.place("webhook").or(table.place("url_file"))?;
    let insecure = table.bool("insecure", page).unwrap_or(false);
    let shape = table.text("shape", page, shape).unwrap_or_default();
    let is_given = table.place("webhook").is_some();
    let address = table.text("webhook", page, |text| url(text, insecure).map(|()| text.to_owned()));
    let url_at = table.text("url_file", page, read_path).map(SecretAt::File);
    let secret = secret_at(table, "secret_file", "secret_credential", page);
    let to = table.text("to", page, |text| match text.is_empty() || text.len() > 255 {
        true => Err("write 1 to 255 bytes".to_owned()),
        false => Ok(text.to_owned()),
    });
    let ca_file = table.text("ca_file", page, read_path);
    if is_given && url_at.is_some() {
        let what = "there are both `webhook` and `url_file`".to_owned();
        page.problem(place, what, "it is not clear which address is meant", "take one out");
    }
    for (is_missing, key, example) in [
        (needs_to(shape) && to.is_none(), "to", "to = \"alarms\""),
        (needs_secret(shape) && secret.is_none(), "secret_file", "secret_file = \"/etc/..\""),
    ] {
        if is_missing {
            let what = format!("a web hook of the shape `{}` has no `{key}`", shape.word());
            page.problem(place, what, "the service refuses it", &format!("write {example}"));
        }
    }
    let url = address.unwrap_or_default();
    let goes_out = scheme_and_host(&url).is_ok_and(|(_, host)| !is_loopback(&host));
    if shape.has_secret_address() && goes_out {
        let what = format!("the address of a web hook of the shape `{}` is a secret", shape.word());
        let why = "whoever knows it can write there as well, and this file is no place for secrets";
        let hint = "write url_file = \"/etc/monban/chat-url\", and the address into that file";
        page.problem(place, what, why, hint);
    }
    Some(Webhook { url, url_at, shape, secret, to: to.unwrap_or_default(), ca_file, insecure })
}

/// ntfy's topic, Telegram's chat.
const fn needs_to(shape: Shape) -> bool {
    matches!(shape, Shape::Ntfy | Shape::Telegram)
}

/// Telegram's bot, PagerDuty's routing key.
const fn needs_secret(shape: Shape) -> bool {
    matches!(shape, Shape::Telegram | Shape::PagerDuty)
}

fn shape(text: &str) -> Result<Shape, String> {
    word_of("shape", text, Shape::ALL, Shape::word)
}

/// Whether this is an address that messages may go to.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub(super) fn url(text: &str, insecure: bool) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c);
    if text.len() > 2048 || !text.chars().all(is_plain) {
        return Err("an address has at most 2048 characters, and no spaces in it".to_owned());
    }
    let (scheme, host) = scheme_and_host(text)?;
    match scheme {
        "https" => Ok(()),
        "http" if insecure || is_loopback(&host) => Ok(()),
        "http" => Err(format!(
            "everybody between reads what goes to {host} by http; use https, or write \
             insecure = true"
        )),
        _ => Err(format!("`{scheme}` is neither https nor http")),
    }
}

fn scheme_and_host(text: &str) -> Result<(&str, String), String> {
    let (scheme, rest) = text.split_once("://").ok_or("write https://HOST/PATH")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let place = &rest[..end];
    if place.contains('@') {
        return Err("no password stands in an address; use secret_file".to_owned());
    }
    host_and_port(place).map(|(host, _)| (scheme, host))
}

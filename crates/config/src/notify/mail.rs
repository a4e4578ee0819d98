//! `[mail]`: how mail leaves this host, and the short way for one person.

use monban_model::limits::MAIL_READERS_MAX;
use monban_model::{Endpoint, MailBy, Relay, Security, is_mail_address};

use super::endpoints::{host_and_port, is_loopback};
use super::subscriptions::{self, Written};
use crate::config::read_path;
use crate::words::{secret_at, word_of};
use crate::written::{Page, Table};

/// What each mail subscription takes from `[mail]`.
pub(super) struct Mail {
    pub(super) from: String,
    pub(super) by: MailBy,
}

/// How mail leaves, and the subscription of the short way, if there is a `to`.
pub(super) fn read(root: &mut Table<'_>, page: &mut Page<'_>) -> (Mail, Option<Written>) {
    let by = MailBy::Sendmail("/usr/sbin/sendmail".to_owned());
    let mut mail = Mail { from: String::new(), by };
    let place = root.place("mail").unwrap_or(0);
    let Some(mut table) = root.table("mail", page) else { return (mail, None) };
    let has_reader = table.place("to").is_some();
    let to = addresses(&mut table, "to", page).unwrap_or_default();
    mail.from = table.text("from", page, address).unwrap_or_default();
    let has_sendmail = table.place("sendmail");
    if let Some(path) = table.text("sendmail", page, read_path) {
        mail.by = MailBy::Sendmail(path);
    }
    let server_place = table.place("server");
    if let Some(relay) = relay(&mut table, page) {
        mail.by = MailBy::Relay(relay);
    }
    if let (Some(_), Some(place)) = (server_place, has_sendmail) {
        let what = "[mail] has both `server` and `sendmail`".to_owned();
        page.problem(place, what, "mail leaves one way", "take one of them out");
    }
    let endpoint = Endpoint::Mail { from: mail.from.clone(), to, by: mail.by.clone() };
    let mut written = subscriptions::plain("mail", endpoint, place);
    match has_reader {
        true => subscriptions::read_manner(&mut table, &mut written, page),
        false => nobody_is_told(&mut table, page),
    }
    table.finish(page);
    (mail, has_reader.then_some(written))
}

/// Without a `to` nothing is told in any manner.
fn nobody_is_told(table: &mut Table<'_>, page: &mut Page<'_>) {
    for key in subscriptions::MANNER {
        let Some(value) = table.any(key) else { continue };
        let what = format!("[mail] has `{key}`, and no `to`");
        let why = "it says how those are told who stand there";
        let hint = "write to = \"me@example.com\", or the key into the [[subscription]]";
        page.problem(value.span().start, what, why, hint);
    }
}

/// The mail server, if there is a `server`.
fn relay(table: &mut Table<'_>, page: &mut Page<'_>) -> Option<Relay> {
    let place = table.place("server");
    let security_place = table.place("security");
    let server = table.text("server", page, host_and_port);
    let security = table.text("security", page, security);
    let user_place = table.place("user");
    let user = table.text("user", page, |text| Ok(text.to_owned()));
    let password = secret_at(table, "password_file", "password_credential", page);
    let ca_file = table.text("ca_file", page, read_path);
    let Some(place) = place else {
        if let Some(at) = user_place.or(security_place) {
            let what = "[mail] has `user` or `security`, and no `server`".to_owned();
            let hint = "write server = \"smtp.example.com:587\"";
            page.problem(at, what, "sendmail is called without them", hint);
        }
        return None;
    };
    let (host, port) = server?;
    let usual = if port == Some(465) { Security::Tls } else { Security::StartTls };
    let security = security.unwrap_or(usual);
    if user.is_some() != password.is_some() {
        let what = "[mail] has only one of `user` and a password".to_owned();
        let hint = "write user = \"..\" and password_file = \"/etc/monban/mail-password\"";
        page.problem(user_place.unwrap_or(place), what, "the server wants both", hint);
    }
    if security == Security::Plain && user.is_some() && !is_loopback(&host) {
        let what = format!("the password would go to {host} in clear text");
        let hint = "write security = \"starttls\" or \"tls\"";
        page.problem(security_place.unwrap_or(place), what, "everybody between reads it", hint);
    }
    let port = port.unwrap_or(match security {
        Security::StartTls => 587,
        Security::Tls => 465,
        Security::Plain => 25,
    });
    Some(Relay { host, port, security, user, password, ca_file })
}

fn security(text: &str) -> Result<Security, String> {
    const WORDS: [(&str, Security); 3] =
        [("starttls", Security::StartTls), ("tls", Security::Tls), ("plain", Security::Plain)];
    word_of("security", text, WORDS, |(word, _)| word).map(|(_, security)| security)
}

/// The readers of a mail: one or a list of at most [`MAIL_READERS_MAX`].
pub(super) fn addresses(
    table: &mut Table<'_>,
    key: &'static str,
    page: &mut Page<'_>,
) -> Option<Vec<String>> {
    let place = table.place(key)?;
    let known = page.problems.len();
    let found = table.text_or_texts(key, page, address)?;
    if found.len() > MAIL_READERS_MAX {
        let what = format!("`{key}` has more than {MAIL_READERS_MAX} addresses");
        page.problem(place, what, "each of them is one mail", "use a mailing list");
    }
    if found.is_empty() && page.problems.len() == known {
        page.problem(place, format!("`{key}` names nobody"), "nobody would be told", "");
    }
    Some(found)
}

fn address(text: &str) -> Result<String, String> {
    match is_mail_address(text) {
        true => Ok(text.to_owned()),
        false if text.is_ascii() => {
            Err(format!("`{text}` is no plain mail address such as me@example.com"))
        }
        false => Err(format!(
            "`{text}` is no plain mail address: not every server takes other letters than ASCII; \
             a domain has a form that begins with xn--"
        )),
    }
}

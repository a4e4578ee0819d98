//! The message: its head, and its body as text and as HTML.

use monban_model::limits::MAIL_READERS_MAX;
use monban_model::{Letter, Severity, Stamp, Standing};
use ring::digest::{SHA256, digest};

use super::address::Mailbox;
use super::{header, mime};
use crate::Failure;
use crate::shape::{hex, html, text};

/// A message that is ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who sends it: `local@domain`.
    pub from: String,
    /// Who gets it: `local@domain` each.
    pub to: Vec<String>,
    /// All of it, ASCII, lines of less than 200 bytes that end with CR LF.
    pub text: String,
}

/// Makes the message that this letter is for these readers. Another try makes the same one but for
/// its `Date`, under the same `Message-ID`, so that a mailbox can tell that it has it already.
///
/// # Errors
/// If the sender or a reader is no address, or there are no readers or too many.
pub fn compose(letter: &Letter, from: &str, to: &[String], now: Stamp) -> Result<Message, Failure> {
    let from = Mailbox::read(from)?;
    let to: Vec<Mailbox> = to.iter().map(|one| Mailbox::read(one)).collect::<Result<_, _>>()?;
    if to.is_empty() || to.len() > MAIL_READERS_MAX {
        return Err(Failure::permanent(format!(
            "a mail has 1 to {MAIL_READERS_MAX} readers, not {}",
            to.len()
        )));
    }
    let mut out = String::with_capacity(16 * 1024);
    head(letter, &from, &to, now, &mut out);
    body(letter, &mut out);
    let to = to.into_iter().map(|one| one.address).collect();
    Ok(Message { from: from.address, to, text: out })
}

fn head(letter: &Letter, from: &Mailbox, to: &[Mailbox], now: Stamp, out: &mut String) {
    let host = host(letter);
    header::mailboxes(out, "From", std::slice::from_ref(from));
    header::mailboxes(out, "To", to);
    header::text(out, "Subject", &letter.subject);
    header::text(out, "Date", &header::date(now));
    header::fold(
        out,
        "Message-ID",
        [format!("<{}@{host}>", name(&letter.id)).as_str()].into_iter(),
    );
    // The messages of one matter all answer one that was never sent: readers show them together,
    // whichever of them came first or was lost.
    let root = format!("<thread.{}@{host}>", short_hash(&letter.thread));
    header::fold(out, "In-Reply-To", [root.as_str()].into_iter());
    header::fold(out, "References", [root.as_str()].into_iter());
    // Programs that answer mail by themselves leave these alone (RFC 3834).
    header::text(out, "Auto-Submitted", "auto-generated");
    header::text(out, "X-Auto-Response-Suppress", "All");
    if letter.severity == Severity::Critical && letter.standing != Standing::Resolved {
        header::text(out, "Importance", "high");
        header::text(out, "X-Priority", "1");
    }
    header::text(out, "X-Monban-Id", &letter.id);
    header::text(out, "X-Monban-Host", &letter.host);
    header::text(out, "X-Monban-Topic", &letter.topic);
    header::text(out, "X-Monban-Theme", letter.theme.word());
    header::text(out, "X-Monban-Severity", letter.severity.word());
    header::text(out, "X-Monban-Standing", letter.standing.word());
    header::text(out, "MIME-Version", "1.0");
}

fn body(letter: &Letter, out: &mut String) {
    // No body in quoted-printable or base64 holds `=_`.
    let seed = short_hash(&letter.id);
    let (outer, inner) = (format!("=_a{seed}"), format!("=_r{seed}"));
    out.push_str(&format!("Content-Type: multipart/alternative;\r\n boundary=\"{outer}\"\r\n\r\n"));
    out.push_str(&format!("--{outer}\r\n"));
    mime::text_part(out, "text/plain", &text::text(letter));
    out.push_str(&format!("\r\n--{outer}\r\n"));
    let page = html::html(letter);
    match letter.picture.as_ref().filter(|picture| !picture.png.is_empty()) {
        Some(picture) => {
            out.push_str(&format!(
                "Content-Type: multipart/related; type=\"text/html\";\r\n \
                 boundary=\"{inner}\"\r\n\r\n--{inner}\r\n"
            ));
            mime::text_part(out, "text/html", &page);
            out.push_str(&format!("\r\n--{inner}\r\n"));
            mime::picture_part(out, html::PICTURE_ID, &picture.png);
            out.push_str(&format!("\r\n--{inner}--\r\n"));
        }
        None => mime::text_part(out, "text/html", &page),
    }
    out.push_str(&format!("\r\n--{outer}--\r\n"));
}

/// The right side of our message ids.
fn host(letter: &Letter) -> String {
    let host = name(&letter.host);
    if host.is_empty() { "monban".to_owned() } else { host }
}

/// What may stand on a side of a message id: `dot-atom` of RFC 5322, of the letters that a name of
/// ours has anyway.
fn name(text: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let kept: String = text.chars().filter(|c| fits(*c)).take(64).collect();
    let parts: Vec<&str> = kept.split('.').filter(|part| !part.is_empty()).collect();
    parts.join(".")
}

fn short_hash(text: &str) -> String {
    hex(&digest(&SHA256, text.as_bytes()).as_ref()[..12])
}

#[cfg(test)]
mod tests {
    use mail_parser::{HeaderValue, MessageParser, MimeHeaders};

    use super::*;
    use crate::shape::samples;

    fn made(letter: &Letter) -> Message {
        let to = ["alice@example.com".to_owned(), "Bob B. <bob@example.com>".to_owned()];
        let now = Stamp::from_s(1_795_325_590);
        compose(letter, "門番 <monban@example.com>", &to, now).unwrap()
    }

    #[test]
    fn an_alarm_comes_back_from_another_reader_of_mail() {
        let letter = samples::alarm("ja");
        let message = made(&letter);
        let read = MessageParser::new().parse(&message.text).unwrap();
        assert_eq!(read.subject(), Some("[web1] アラーム: 変なSSHアクセスがありましたよ。"));
        assert_eq!(read.message_id(), Some("web1-00000107@web1"));
        assert_eq!(read.from().unwrap().first().unwrap().name(), Some("門番"));
        assert_eq!(read.to().unwrap().iter().count(), 2);
        assert_eq!(read.date().unwrap().to_timestamp(), 1_795_325_590);
        assert_eq!(read.body_text(0).unwrap().replace("\r\n", "\n"), text::text(&letter));
        assert_eq!(read.body_html(0).unwrap().replace("\r\n", "\n"), html::html(&letter));
        let picture = read.attachment(0).unwrap();
        assert_eq!(picture.content_id(), Some(html::PICTURE_ID));
        assert_eq!(picture.contents(), samples::PNG);
        let value = |name: &str| match read.header(name) {
            Some(HeaderValue::Text(text)) => text.to_string(),
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(value("Auto-Submitted"), "auto-generated");
        assert_eq!(value("X-Monban-Severity"), "critical");
        assert!(value("References").starts_with("thread."));
        assert!(read.header("Bcc").is_none());
    }

    #[test]
    fn messages_of_one_matter_stand_together_and_another_try_is_the_same_message() {
        let first = samples::alarm("en");
        let mut second = first.clone();
        second.id = "web1-00000108".to_owned();
        let line = |message: &Message, name: &str| {
            let found = message.text.lines().find(|line| line.starts_with(name));
            found.unwrap_or_default().to_owned()
        };
        let (one, two) = (made(&first), made(&second));
        assert_eq!(line(&one, "References:"), line(&two, "References:"));
        assert_ne!(line(&one, "Message-ID:"), line(&two, "Message-ID:"));
        assert_eq!(one, made(&first));
    }

    #[test]
    fn a_stranger_adds_no_field_no_reader_and_no_part() {
        for letter in [samples::hostile(), samples::huge()] {
            let message = made(&letter);
            assert!(message.text.is_ascii());
            let (head, _) = message.text.split_once("\r\n\r\n").unwrap();
            let names: Vec<&str> = head
                .split("\r\n")
                .filter(|line| !line.starts_with(' '))
                .map(|line| line.split(':').next().unwrap())
                .collect();
            assert_eq!(names.len(), 19, "{names:?}");
            assert!(!names.contains(&"Bcc") && message.to.len() == 2);
            assert!(
                message.text.split("\r\n").all(|line| {
                    line.len() < 200 && !line.contains('\n') && !line.contains('\r')
                })
            );
            let read = MessageParser::new().parse(&message.text).unwrap();
            assert_eq!(read.text_body.len(), 1);
            assert_eq!(read.html_body.len(), 1);
            assert_eq!(read.attachments.len(), 1);
        }
    }

    #[test]
    fn readers_that_are_none_are_refused() {
        let letter = samples::login("en");
        let to = |text: &str| vec![text.to_owned()];
        let now = Stamp(0);
        assert!(compose(&letter, "a@b", &[], now).unwrap_err().permanent);
        assert!(compose(&letter, "a@b", &to("x\r\nBcc: y@z"), now).unwrap_err().permanent);
        assert!(compose(&letter, "-bogus", &to("a@b"), now).unwrap_err().permanent);
        let many = vec!["a@b".to_owned(); MAIL_READERS_MAX + 1];
        assert!(compose(&letter, "a@b", &many, now).is_err());
    }

    #[test]
    fn sendmail_gets_the_line_ends_of_this_system() {
        let text =
            super::super::for_sendmail(&samples::login("en"), "a@b", &["c@d".to_owned()], Stamp(0));
        let text = text.unwrap();
        assert!(
            text.starts_with("From: a@b\nTo: c@d\nSubject: [web1] login") && !text.contains('\r')
        );
    }
}

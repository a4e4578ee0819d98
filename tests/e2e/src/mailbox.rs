//! What a person finds in a mailbox, read by somebody else's reader of mail.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use mail_parser::{HeaderValue, MessageParser};

use crate::machine::Machine;
use crate::trouble::{Tried, Trouble};
use crate::waiting::until;

/// The maildir of somebody of the server, which postfix's `local` writes.
pub struct Mailbox {
    folder: PathBuf,
}

impl Mailbox {
    /// Of a user whose home is under `/home`.
    pub fn of(server: &Machine, user: &str) -> Self {
        let root = PathBuf::from(format!("/proc/{}/root", server.pid));
        Self { folder: root.join("home").join(user).join("Maildir/new") }
    }

    /// All that lies there, the oldest first.
    pub fn mails(&self) -> Tried<Vec<Mail>> {
        let Ok(list) = fs::read_dir(&self.folder) else { return Ok(Vec::new()) };
        let mut mails = Vec::new();
        for entry in list {
            let path = entry?.path();
            let arrived = fs::metadata(&path)?.modified()?;
            mails.push(Mail { arrived, text: fs::read(&path)? });
        }
        mails.sort_by_key(|mail| mail.arrived);
        Ok(mails)
    }

    /// Waits until so many lie there; all of them.
    pub fn wait(&self, count: usize, at_most: Duration) -> Tried<Vec<Mail>> {
        let mut found = 0;
        let waited = until("mail arrives", at_most, || {
            let mails = self.mails()?;
            found = mails.len();
            Ok((found >= count).then_some(mails))
        });
        let waited = waited.map(|(mails, _)| mails);
        waited.map_err(|trouble| Trouble(format!("{trouble}: {found} of {count} are there")))
    }
}

/// A mail, and when it was written into its file.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The time of the file, which `local` writes once and then moves.
    pub arrived: SystemTime,
    /// All of it, as it arrived.
    pub text: Vec<u8>,
}

impl Mail {
    /// The subject, decoded as RFC 2047 has it.
    pub fn subject(&self) -> String {
        let read = MessageParser::new().parse(&self.text);
        read.and_then(|read| read.subject().map(str::to_owned)).unwrap_or_default()
    }

    /// The part in plain text, decoded.
    pub fn body(&self) -> String {
        let read = MessageParser::new().parse(&self.text);
        read.and_then(|read| read.body_text(0).map(|body| body.replace("\r\n", "\n")))
            .unwrap_or_default()
    }

    /// The part in HTML, decoded; empty if there is none.
    pub fn page(&self) -> String {
        let read = MessageParser::new().parse(&self.text);
        let part = |read: &mail_parser::Message<'_>| {
            let part = read.html_bodies().find(|part| part.is_text_html())?;
            part.text_contents().map(|page| page.replace("\r\n", "\n"))
        };
        read.as_ref().and_then(part).unwrap_or_default()
    }

    /// The picture that the part in HTML shows; empty if there is none.
    pub fn picture(&self) -> Vec<u8> {
        let read = MessageParser::new().parse(&self.text);
        let picture = read.as_ref().and_then(|read| read.attachment(0));
        picture.map(|part| part.contents().to_vec()).unwrap_or_default()
    }

    /// A field of the head; empty if it is not there.
    pub fn field(&self, name: &str) -> String {
        let read = MessageParser::new().parse(&self.text);
        match read.as_ref().and_then(|read| read.header(name)) {
            Some(HeaderValue::Text(text)) => text.to_string(),
            _ => String::new(),
        }
    }

    /// The name that another try of the same message has, too.
    pub fn id(&self) -> String {
        self.field("X-Monban-Id")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_decoded() {
        let text = b"Subject: =?utf-8?B?5aSJ?=\r\n =?utf-8?B?44Gq?=\r\nX-Monban-Id: web1-1\r\n\
            Content-Type: text/plain; charset=utf-8\r\n\
            Content-Transfer-Encoding: quoted-printable\r\n\r\n[pre=\r\nauth]\r\n";
        let mail = Mail { arrived: SystemTime::UNIX_EPOCH, text: text.to_vec() };
        assert_eq!((mail.subject().as_str(), mail.id().as_str()), ("変な", "web1-1"));
        assert_eq!(mail.body(), "[preauth]\n");
        assert_eq!(mail.field("X-None"), "");
    }
}

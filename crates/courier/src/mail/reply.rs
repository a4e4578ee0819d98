//! What a mail server answers: RFC 5321, 4.2.

use std::io::{self, Read};

use monban_model::limits::{SMTP_LINE_MAX, SMTP_REPLY_LINES_MAX};

use crate::dial::cause;
use crate::{Dialogue, Failure};

/// One reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    /// Its texts, without the code.
    pub(super) lines: Vec<String>,
}

impl Reply {
    /// Whether it is of this hundred.
    pub(super) fn is(&self, hundred: u16) -> bool {
        self.code / 100 == hundred
    }

    /// Code and texts on one line.
    pub(super) fn said(&self) -> String {
        format!("{} {}", self.code, self.lines.join(" "))
    }

    /// What it means for the delivery that this is not what was hoped for.
    pub(super) fn failure(&self, at: &str) -> Failure {
        let why = format!("server said at {at}: {}", self.said());
        if self.is(5) { Failure::permanent(why) } else { Failure::transient(why) }
    }

    /// The rest of the line of an extension, of a reply to EHLO.
    pub(super) fn extension(&self, name: &str) -> Option<&str> {
        self.lines.iter().skip(1).find_map(|line| {
            // Old servers write `AUTH=LOGIN`.
            let (word, rest) = line.split_once([' ', '=']).unwrap_or((line.as_str(), ""));
            word.eq_ignore_ascii_case(name).then_some(rest)
        })
    }
}

/// Bytes of the server that were not read as a reply yet.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    bytes: Vec<u8>,
}

impl Incoming {
    /// Whether the server said more than was asked for.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Reads one reply: at most so many lines of at most so many bytes, whatever comes.
    pub(super) fn reply(
        &mut self,
        from: &mut dyn Read,
        at: &str,
        dialogue: &mut Dialogue,
    ) -> Result<Reply, Failure> {
        let mut reply = Reply { code: 0, lines: Vec::new() };
        loop {
            let line = self.line(from, at)?;
            dialogue.received(&line);
            let garbage = || Failure::transient(format!("at {at} the server said no SMTP: {line}"));
            let code = line.get(..3).filter(|code| code.bytes().all(|b| b.is_ascii_digit()));
            let code: u16 = code.and_then(|code| code.parse().ok()).ok_or_else(garbage)?;
            let last = match line.as_bytes().get(3) {
                None | Some(b' ') => true,
                Some(b'-') => false,
                Some(_) => return Err(garbage()),
            };
            if !(200..600).contains(&code) || (reply.code != 0 && reply.code != code) {
                return Err(garbage());
            }
            reply.code = code;
            reply.lines.push(line.get(4..).unwrap_or_default().to_owned());
            if last {
                return Ok(reply);
            }
            if reply.lines.len() >= SMTP_REPLY_LINES_MAX {
                let why = format!("at {at} the server did not come to an end of its reply");
                return Err(Failure::transient(why));
            }
        }
    }

    /// One line without its end.
    fn line(&mut self, from: &mut dyn Read, at: &str) -> Result<String, Failure> {
        let mut chunk = [0; 1024];
        let mut searched = 0;
        loop {
            let end = self.bytes[searched..].iter().position(|byte| *byte == b'\n');
            if let Some(end) = end.map(|end| searched + end) {
                let line: Vec<u8> = self.bytes.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            if self.bytes.len() > SMTP_LINE_MAX {
                return Err(Failure::transient(format!("at {at} the server sent an endless line")));
            }
            searched = self.bytes.len();
            let failed = |why: &str| Failure::transient(format!("at {at}: {why}"));
            match from.read(&mut chunk) {
                Ok(0) => return Err(failed("connection closed by the server")),
                Ok(count) => self.bytes.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(&cause(&error))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Reply, Failure> {
        Incoming::default().reply(&mut &bytes[..], "EHLO", &mut Dialogue::default())
    }

    #[test]
    fn replies_of_several_lines_are_one() {
        let reply = read(b"250-mx.example.com hello\r\n250-SIZE 1000\r\n250 auth login PLAIN\r\n");
        let reply = reply.unwrap();
        assert_eq!((reply.code, reply.lines.len()), (250, 3));
        assert_eq!(reply.extension("AUTH"), Some("login PLAIN"));
        assert_eq!(reply.extension("SIZE"), Some("1000"));
        assert_eq!(reply.extension("STARTTLS"), None);
        assert_eq!(read(b"250\n").unwrap().lines, [""]);
    }

    #[test]
    fn what_is_no_reply_is_told_and_bounded() {
        for (bytes, why) in [
            (&b"HTTP/1.1 400 Bad Request\r\n"[..], "at EHLO the server said no SMTP: HTTP/1.1"),
            (b"250-a\r\n550 b\r\n", "at EHLO the server said no SMTP: 550 b"),
            (b"250-a", "at EHLO: connection closed by the server"),
            (b"", "at EHLO: connection closed by the server"),
            (b"999 x\r\n", "at EHLO the server said no SMTP: 999 x"),
            (b"25\xff x\r\n", "at EHLO the server said no SMTP"),
            (b"\xe9\x96\x80\xe7\x95\xaa\r\n", "at EHLO the server said no SMTP"),
        ] {
            let failure = read(bytes).unwrap_err();
            assert!(failure.why.starts_with(why), "{}", failure.why);
            assert!(!failure.permanent);
        }
        assert!(
            read(&b"250-x\r\n".repeat(10_000)).unwrap_err().why.contains("did not come to an end")
        );
        assert!(read(&b"2".repeat(1_000_000)).unwrap_err().why.contains("endless line"));
    }
}

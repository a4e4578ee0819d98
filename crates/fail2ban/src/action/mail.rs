//! What fail2ban's `smtp.py` does: a mail when a jail starts, bans or stops. Subject, headers and
//! parameters are fail2ban's; the body says the same in words of our own.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use monban_model::limits::{FAIL2BAN_OUTPUT_MAX, FAIL2BAN_SHELL_VALUE_MAX};

use crate::config::{ActionSpec, Text};

use super::hostnames::Hostnames;
use super::ticket::Ticket;
use super::values::shown;

/// A server may take so long to answer, and for everything.
const ANSWER: Duration = Duration::from_secs(20);
const WHOLE: Duration = Duration::from_secs(60);

/// How mails are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailer {
    host: String,
    login: Option<(String, String)>,
    sender_name: String,
    sender: String,
    dest: String,
    /// Which lines a mail of a ban holds.
    matches: String,
    me: Hostnames,
}

/// What a mail tells.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event<'t> {
    Start,
    Stop,
    Ban(&'t Ticket),
}

/// A mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    subject: String,
    body: String,
}

impl Mailer {
    /// By the parameters of an action; `None` if it is another one.
    pub(crate) fn of(spec: &ActionSpec, me: &Hostnames) -> Option<Self> {
        if !spec.is_mail() {
            return None;
        }
        let text = |key: &str| spec.params.get(key).map(|text: &Text| one_line(text.as_str()));
        let or = |key: &str, default: &str| text(key).unwrap_or_else(|| default.to_owned());
        let given = |key: &str| text(key).filter(|text| !text.is_empty());
        Some(Self {
            host: or("host", "localhost"),
            login: given("user").zip(given("password")),
            sender_name: or("sendername", "Fail2Ban"),
            sender: or("sender", "fail2ban"),
            dest: or("dest", "root"),
            matches: or("matches", ""),
            me: me.clone(),
        })
    }

    pub(crate) fn mail(&self, event: Event<'_>, jail: &str, bantime_s: i64) -> Mail {
        let host = self.me.short();
        let (what, body) = match event {
            Event::Start => (
                format!("started on {host}"),
                format!("On {host} the jail {jail} of fail2ban's configuration has started.\n"),
            ),
            Event::Stop => (
                format!("stopped on {host}"),
                format!("On {host} the jail {jail} of fail2ban's configuration has stopped.\n"),
            ),
            Event::Ban(ticket) => {
                let ip = shown(ticket.address());
                (format!("banned {ip} from {host}"), self.banned(ticket, jail, bantime_s))
            }
        };
        Mail { subject: one_line(&format!("[Fail2Ban] {jail}: {what}")), body }
    }

    fn banned(&self, ticket: &Ticket, jail: &str, bantime_s: i64) -> String {
        let (ip, host) = (shown(ticket.address()), self.me.short());
        let mut body = format!(
            "On {host} the jail {jail} banned {ip} for {bantime_s} seconds: {} attempts.\n",
            ticket.failures
        );
        let of = |merged: &Option<super::ticket::Merged>| {
            merged.as_ref().map_or_else(|| ticket.matches.clone(), |of| of.matches.clone())
        };
        let (what, lines) = match self.matches.as_str() {
            "matches" => ("of this ban".to_owned(), ticket.matches.clone()),
            "ipmatches" => (format!("of {ip}"), of(&ticket.of_ip)),
            "ipjailmatches" => (format!("of {ip} in {jail}"), of(&ticket.of_ip_in_jail)),
            _ => return body,
        };
        let _ = write!(body, "\nLines {what}:\n{}\n", lines.join("\n"));
        body.truncate(body.floor_char_boundary(FAIL2BAN_SHELL_VALUE_MAX));
        body
    }

    /// Sends a mail.
    ///
    /// # Errors
    /// What the server or the network said.
    pub(crate) fn send(&self, mail: &Mail) -> Result<(), String> {
        let mut line = Line::open(&self.host).map_err(|error| format!("{}: {error}", self.host))?;
        let sent = self.talk(&mut line, mail);
        let _ = line.say("QUIT");
        sent
    }

    fn talk(&self, line: &mut Line, mail: &Mail) -> Result<(), String> {
        line.expect(&[220])?;
        let name = self.me.full();
        let can = match line.ask(&format!("EHLO {name}"), &[250]) {
            Ok(can) => can,
            Err(_) => line.ask(&format!("HELO {name}"), &[250])?,
        };
        if let Some((user, password)) = &self.login {
            log_in(line, &can, user, password)?;
        }
        line.ask(&format!("MAIL FROM:<{}>", self.sender), &[250])?;
        let mut refused = Vec::new();
        let all: Vec<&str> = self.dest.split(", ").collect();
        for to in &all {
            if let Err(why) = line.ask(&format!("RCPT TO:<{to}>"), &[250, 251]) {
                refused.push(why);
            }
        }
        if refused.len() == all.len() {
            return Err(refused.join("; "));
        }
        line.ask("DATA", &[354])?;
        line.ask(&self.text(mail), &[250])?;
        Ok(())
    }

    /// The mail as it goes over the line, with the dot at its end.
    fn text(&self, mail: &Mail) -> String {
        let now = Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S -0000").to_string();
        let (charset, encoding, body) = match mail.body.is_ascii() {
            true => ("us-ascii", "7bit", mail.body.clone()),
            false => ("utf-8", "base64", folded(&base64(mail.body.as_bytes()))),
        };
        let mut text = format!(
            "Content-Type: text/plain; charset=\"{charset}\"\nMIME-Version: 1.0\n\
             Content-Transfer-Encoding: {encoding}\nSubject: {}\nFrom: {} <{}>\nTo: {}\n\
             Date: {now}\n\n{body}",
            header(&mail.subject),
            phrase(&self.sender_name),
            self.sender,
            header(&self.dest),
        );
        text = text.replace("\r\n", "\n").replace(['\r', '\0'], "");
        let lines = text.trim_end_matches('\n').split('\n');
        let stuffed =
            lines.map(|line| if line.starts_with('.') { "." } else { "" }.to_owned() + line);
        stuffed.chain([".".to_owned()]).collect::<Vec<_>>().join("\r\n")
    }
}

fn log_in(line: &mut Line, can: &str, user: &str, password: &str) -> Result<(), String> {
    let ways = can.lines().filter_map(|line| line.get(4..)?.strip_prefix("AUTH "));
    let ways: Vec<&str> = ways.flat_map(str::split_whitespace).collect();
    if ways.contains(&"PLAIN") {
        let both = base64(format!("\0{user}\0{password}").as_bytes());
        line.ask(&format!("AUTH PLAIN {both}"), &[235, 503])?;
    } else if ways.contains(&"LOGIN") {
        line.ask(&format!("AUTH LOGIN {}", base64(user.as_bytes())), &[334])?;
        line.ask(&base64(password.as_bytes()), &[235, 503])?;
    } else {
        return Err("the server knows neither AUTH PLAIN nor AUTH LOGIN".to_owned());
    }
    Ok(())
}

/// A connection to a server.
struct Line {
    reader: BufReader<TcpStream>,
    until: Instant,
}

impl Line {
    fn open(host: &str) -> io::Result<Self> {
        // An address of IPv6 has its own colons.
        let port = host.rsplit_once(':').filter(|(name, _)| !name.contains(':'));
        let port = port.and_then(|(name, port)| Some((name, port.parse().ok()?)));
        let (name, port): (&str, u16) = port.unwrap_or((host, 25));
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for address in (name, port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, ANSWER) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(ANSWER))?;
                    stream.set_write_timeout(Some(ANSWER))?;
                    let reader = BufReader::new(stream);
                    return Ok(Self { reader, until: Instant::now() + WHOLE });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn say(&mut self, text: &str) -> Result<(), String> {
        let bytes = format!("{text}\r\n");
        self.reader.get_mut().write_all(bytes.as_bytes()).map_err(|error| error.to_string())
    }

    fn ask(&mut self, text: &str, wanted: &[u16]) -> Result<String, String> {
        self.say(text)?;
        self.expect(wanted)
    }

    /// The server's answer, if it is one of these.
    fn expect(&mut self, wanted: &[u16]) -> Result<String, String> {
        let mut answer = String::new();
        loop {
            let mut one = Vec::new();
            let most = (FAIL2BAN_OUTPUT_MAX.saturating_sub(answer.len())) as u64;
            let read = self.reader.by_ref().take(most).read_until(b'\n', &mut one);
            if read.map_err(|error| error.to_string())? == 0 || Instant::now() > self.until {
                return Err("the server does not answer in time, or not to an end".to_owned());
            }
            let one = String::from_utf8_lossy(&one).into_owned();
            answer += &one;
            if one.as_bytes().get(3) != Some(&b'-') {
                let code = one.get(..3).and_then(|code| code.parse().ok());
                let is_wanted = code.is_some_and(|code| wanted.contains(&code));
                return if is_wanted { Ok(answer) } else { Err(one_line(answer.trim())) };
            }
        }
    }
}

/// No line of a mail's head ends where a stranger wants it to.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A value of a header: what is not ASCII stands as an encoded word.
fn header(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    // A word has at most 75 characters: 45 bytes in base64, with its frame.
    let mut words: Vec<String> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (word, more) = rest.split_at(rest.floor_char_boundary(45));
        words.push(format!("=?utf-8?b?{}?=", base64(word.as_bytes())));
        rest = more;
    }
    words.join("\n ")
}

/// A name before an address.
fn phrase(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " !#$%&'*+-/=?^_`{|}~".contains(c);
    match name.is_ascii() && !name.chars().all(is_plain) {
        true => format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")),
        false => header(name),
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for part in bytes.chunks(3) {
        let whole = (0..3).fold(0_u32, |sum, at| sum << 8 | u32::from(*part.get(at).unwrap_or(&0)));
        for at in 0..4 {
            let digit = DIGITS[(whole >> (18 - 6 * at) & 63) as usize];
            out.push(if at <= part.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

fn folded(text: &str) -> String {
    let lines = text.as_bytes().chunks(76).map(String::from_utf8_lossy);
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::ticket::Time;
    use super::*;
    use crate::filter::Id;

    fn mailer() -> Mailer {
        Mailer {
            host: "localhost".to_owned(),
            login: None,
            sender_name: "A \"B\", C".to_owned(),
            sender: "a@b".to_owned(),
            dest: "root".to_owned(),
            matches: "matches".to_owned(),
            me: Hostnames::new("h", "h.example"),
        }
    }

    #[test]
    fn nobody_writes_into_the_head_or_ends_the_mail() {
        let mut ticket = Ticket::new(Id::Text("x\r\nBcc: y".to_owned()), Time::Whole(1));
        ticket.matches = vec![".".to_owned(), "..a\r\n.\r\nQUIT".to_owned()];
        let mailer = mailer();
        let text = mailer.text(&mailer.mail(Event::Ban(&ticket), "j", 600));
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("\r\nSubject: [Fail2Ban] j: banned x  Bcc: y from h\r\n"), "{head}");
        assert!(head.contains("\r\nFrom: \"A \\\"B\\\", C\" <a@b>\r\n"), "{head}");
        assert!(!head.contains("\r\nBcc"));
        assert!(body.contains("\r\n..\r\n...a\r\n..\r\nQUIT\r\n."), "{body}");
        assert_eq!(text.matches("\r\n.\r\n").count(), 0);
    }

    #[test]
    fn base64_is_as_everywhere() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v")] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
        assert_eq!(base64(&[0xff, 0xfe, 0xfd, 0]), "//79AA==");
        assert_eq!(header("門"), "=?utf-8?b?6ZaA?=");
    }
}

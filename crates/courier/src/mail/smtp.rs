//! The conversation with a mail server: RFC 5321, STARTTLS by RFC 3207, AUTH by RFC 4954.

use std::io::Write;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use monban_model::limits::{DELIVERY_CONNECT_S, DELIVERY_S};
use monban_model::{Relay, Secrets, Security};
use rustls::ClientConfig;

use super::Message;
use super::reply::{Incoming, Reply};
use crate::dial::{self, Deadline, cause};
use crate::failure::{self, Refused};
use crate::trust;
use crate::way::Way;
use crate::{Delivered, Dialogue, Failure};

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) connect: Duration,
    /// One command and its reply.
    pub(crate) step: Duration,
    /// Everything.
    pub(crate) all: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(DELIVERY_CONNECT_S),
            step: Duration::from_secs(DELIVERY_S / 2),
            all: Duration::from_secs(DELIVERY_S),
        }
    }
}

/// Gives the message to this server. `helo` is the name that we give ourselves, if it is a full
/// one.
pub(crate) fn send(
    relay: &Relay,
    secrets: &Secrets,
    message: &Message,
    helo: &str,
    patience: Patience,
    dialogue: &mut Dialogue,
) -> Result<Delivered, Failure> {
    let trusted = match relay.security {
        Security::Plain => None,
        Security::StartTls | Security::Tls => Some(trust::config(&secrets.ca_pem)?),
    };
    let all = Deadline::after(patience.all);
    let stream = dial::connect(&relay.host, relay.port, all.step(patience.connect))?;
    dialogue.noted(&format!("connected to {} port {}", relay.host, relay.port));
    let own = own_name(helo, stream.local_ip());
    let mut talk = Talk {
        way: Way::Plain(stream),
        incoming: Incoming::default(),
        all,
        step: patience.step,
        dialogue,
    };
    if let (Security::Tls, Some(config)) = (relay.security, &trusted) {
        talk.secure(&relay.host, config.clone())?;
    }
    let greeting = talk.reply("the greeting")?;
    if !greeting.is(2) {
        return Err(greeting.failure("the greeting"));
    }
    let mut hello = talk.hello(&own)?;
    if let (Security::StartTls, Some(config)) = (relay.security, &trusted) {
        talk.start_tls(&hello, &relay.host, config.clone())?;
        hello = talk.hello(&own)?;
    }
    if let Some(user) = &relay.user {
        talk.authenticate(&hello, user, secrets)?;
    }
    talk.deliver(&hello, message)
}

/// The name of RFC 5321, 4.1.1.1: a full one, or else our address.
fn own_name(helo: &str, ip: Option<IpAddr>) -> String {
    let label = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if helo.contains('.') && helo.len() <= 255 && helo.split('.').all(label) {
        return helo.to_owned();
    }
    match ip {
        Some(IpAddr::V4(ip)) => format!("[{ip}]"),
        Some(IpAddr::V6(ip)) => format!("[IPv6:{ip}]"),
        None => "localhost".to_owned(),
    }
}

/// The conversation.
struct Talk<'a> {
    way: Way,
    incoming: Incoming,
    all: Deadline,
    step: Duration,
    dialogue: &'a mut Dialogue,
}

impl Talk<'_> {
    fn hello(&mut self, own: &str) -> Result<Reply, Failure> {
        let reply = self.ask("EHLO", &format!("EHLO {own}"))?;
        if reply.is(2) { Ok(reply) } else { Err(reply.failure("EHLO")) }
    }

    /// A server that does not offer STARTTLS, or somebody between us who took it out, gets nothing
    /// else: no readers, no text and no password.
    fn start_tls(
        &mut self,
        hello: &Reply,
        host: &str,
        config: Arc<ClientConfig>,
    ) -> Result<(), Failure> {
        if hello.extension("STARTTLS").is_none() {
            return Err(Failure::transient(format!(
                "{host} offers no STARTTLS, so nothing was sent (security = \"plain\" would send \
                 without it)"
            )));
        }
        let reply = self.ask("STARTTLS", "STARTTLS")?;
        if !reply.is(2) {
            return Err(reply.failure("STARTTLS"));
        }
        // What came before TLS may be of somebody between us: it must not pass for its replies.
        if !self.incoming.is_empty() {
            return Err(Failure::transient(format!("{host} said more before TLS began")));
        }
        self.secure(host, config)
    }

    fn secure(&mut self, host: &str, config: Arc<ClientConfig>) -> Result<(), Failure> {
        self.way.until(self.all.step(self.step));
        let version = self.way.secure(host, config)?;
        self.dialogue.noted(&format!("TLS with {host} ({version})"));
        Ok(())
    }

    fn authenticate(
        &mut self,
        hello: &Reply,
        user: &str,
        secrets: &Secrets,
    ) -> Result<(), Failure> {
        if !self.way.is_secured() && !self.way.is_loopback() {
            return Err(Failure::permanent(
                "a password is sent over TLS or to this machine only (security = \"starttls\")",
            ));
        }
        let Some(key) = &secrets.key else {
            return Err(Failure::permanent("there is a user for the mail server, but no password"));
        };
        if user.contains('\0') || key.0.contains('\0') {
            return Err(Failure::permanent("user and password may hold no NUL"));
        }
        let offered = hello.extension("AUTH").unwrap_or_default();
        let offers =
            |name: &str| offered.split([' ', '=']).any(|one| one.eq_ignore_ascii_case(name));
        let plain = STANDARD.encode(format!("\0{user}\0{}", key.0));
        self.dialogue.hide_text(&plain);
        let reply = if offers("PLAIN") {
            self.ask_hidden("AUTH", &format!("AUTH PLAIN {plain}"), "AUTH PLAIN ***")?
        } else if offers("LOGIN") {
            let mut reply = self.ask("AUTH", "AUTH LOGIN")?;
            for text in [user, key.0.as_str()] {
                if reply.code != 334 {
                    break;
                }
                reply = self.ask_hidden("AUTH", &STANDARD.encode(text), "***")?;
            }
            reply
        } else {
            let said = if offered.is_empty() { "none at all" } else { offered };
            return Err(Failure::permanent(format!(
                "the server takes no password by PLAIN or LOGIN, it offers {said}"
            )));
        };
        if reply.is(2) { Ok(()) } else { Err(reply.failure("AUTH")) }
    }

    fn deliver(&mut self, hello: &Reply, message: &Message) -> Result<Delivered, Failure> {
        let size = message.text.len();
        let most = hello.extension("SIZE").map(|most| most.trim().parse().unwrap_or(0));
        if let Some(most) = most.filter(|most| *most > 0 && *most < size) {
            return Err(Failure::permanent(format!(
                "the server takes messages of {most} bytes, this one has {size}"
            )));
        }
        let with_size = if most.is_some() { format!(" SIZE={size}") } else { String::new() };
        let reply = self.ask("MAIL", &format!("MAIL FROM:<{}>{with_size}", message.from))?;
        if !reply.is(2) {
            return Err(reply.failure("MAIL FROM"));
        }
        let mut refused = Vec::new();
        for to in &message.to {
            let reply = self.ask("RCPT", &format!("RCPT TO:<{to}>"))?;
            if !reply.is(2) {
                let why = failure::bounded(&reply.said());
                refused.push(Refused { to: to.clone(), permanent: reply.is(5), why });
            }
        }
        if refused.len() == message.to.len() {
            self.quit();
            return Err(all_refused(&refused));
        }
        let reply = self.ask("DATA", "DATA")?;
        if reply.code != 354 {
            return Err(reply.failure("DATA"));
        }
        self.dialogue.sent(&format!("(the message, {size} bytes)"));
        let reply = self.send_and_wait(&stuffed(&message.text), "the end of the message")?;
        if !reply.is(2) {
            return Err(reply.failure("the end of the message"));
        }
        self.quit();
        Ok(Delivered { said: failure::bounded(&reply.said()), refused })
    }

    /// The message was taken or refused already: what comes now changes nothing.
    fn quit(&mut self) {
        let _ = self.ask("QUIT", "QUIT");
    }

    fn ask(&mut self, at: &str, line: &str) -> Result<Reply, Failure> {
        self.ask_hidden(at, line, line)
    }

    fn ask_hidden(&mut self, at: &str, line: &str, seen: &str) -> Result<Reply, Failure> {
        self.dialogue.sent(seen);
        self.send_and_wait(&format!("{line}\r\n"), at)
    }

    fn send_and_wait(&mut self, text: &str, at: &str) -> Result<Reply, Failure> {
        // Before anything is asked nothing may have been said: an answer in advance is none.
        if !self.incoming.is_empty() {
            return Err(Failure::transient(format!("before {at} the server said too much")));
        }
        self.way.until(self.all.step(self.step));
        let sent = self.way.write_all(text.as_bytes()).and_then(|()| self.way.flush());
        if let Err(error) = sent {
            // The server may have said why before it closed.
            let said = self.reply(at).map(|reply| reply.failure(at));
            return Err(
                said.unwrap_or_else(|_| Failure::transient(format!("at {at}: {}", cause(&error))))
            );
        }
        self.reply(at)
    }

    fn reply(&mut self, at: &str) -> Result<Reply, Failure> {
        self.way.until(self.all.step(self.step));
        self.incoming.reply(&mut self.way, at, self.dialogue)
    }
}

/// The message with its dots doubled and its end (RFC 5321, 4.5.2).
fn stuffed(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    for line in text.split_inclusive("\r\n") {
        if line.starts_with('.') {
            out.push('.');
        }
        out.push_str(line);
    }
    if !out.ends_with("\r\n") {
        out.push_str("\r\n");
    }
    out.push_str(".\r\n");
    out
}

fn all_refused(refused: &[Refused]) -> Failure {
    let each: Vec<String> = refused.iter().map(|one| format!("{}: {}", one.to, one.why)).collect();
    let why = format!("the server refused every reader; {}", each.join("; "));
    if refused.iter().all(|one| one.permanent) {
        Failure::permanent(why)
    } else {
        Failure::transient(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_name_ourselves_in_full_or_by_address() {
        let ip = |text: &str| Some(text.parse().unwrap());
        assert_eq!(own_name("web1.example.com", ip("192.0.2.1")), "web1.example.com");
        assert_eq!(own_name("web1", ip("192.0.2.1")), "[192.0.2.1]");
        assert_eq!(own_name("a.b\r\nMAIL", ip("2001:db8::1")), "[IPv6:2001:db8::1]");
        assert_eq!(own_name("", None), "localhost");
    }

    #[test]
    fn a_dot_ends_nothing_but_the_message() {
        assert_eq!(stuffed("a\r\n.\r\n..b\r\n"), "a\r\n..\r\n...b\r\n.\r\n");
        assert_eq!(stuffed("a"), "a\r\n.\r\n");
    }
}

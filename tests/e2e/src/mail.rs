//! The real dovecot (IMAP, POP3, passwords for SMTP) and the real postfix.

use std::fs;
use std::time::Duration;

use crate::attacker::Knock;
use crate::machine::{Machine, World};
use crate::trouble::Tried;
use crate::waiting::until_true;

const DOVECOT: &str = "
protocols = imap pop3
listen = *, ::
base_dir = /run/dovecot
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_location = maildir:~/Maildir
syslog_facility = mail
passdb {
  driver = pam
}
userdb {
  driver = passwd
}
# Each failure would be answered later than the one before, up to 17 seconds.
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service auth {
  unix_listener /var/spool/postfix/private/auth {
    mode = 0660
    user = postfix
    group = postfix
  }
}
";

/// The names of these settings changed in dovecot 2.4.
const DOVECOT_2_4: &str = "
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
protocols = imap pop3
listen = *, ::
base_dir = /run/dovecot
ssl = no
auth_allow_cleartext = yes
auth_mechanisms = plain login
mail_driver = maildir
mail_path = ~/Maildir
syslog_facility = mail
passdb pam {
}
userdb passwd {
}
# Each failure would be answered later than the one before, up to 17 seconds.
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service auth {
  unix_listener /var/spool/postfix/private/auth {
    mode = 0660
    user = postfix
    group = postfix
  }
}
";

const POSTFIX: &str = "
compatibility_level = 3.6
myhostname = mail.example.com
mydestination = example.com, localhost
mynetworks = 127.0.0.0/8
inet_interfaces = all
inet_protocols = all
smtpd_peername_lookup = no
alias_maps =
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_tls_security_level = none
smtpd_recipient_restrictions = permit_sasl_authenticated, reject_unauth_destination
";

/// A postfix that puts what this machine sends to its people into their maildirs.
const MAILBOXES: &str = "
compatibility_level = 3.6
myhostname = mail.example.com
mydestination = example.com, localhost
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_peername_lookup = no
smtpd_tls_security_level = none
alias_maps =
home_mailbox = Maildir/
";

/// Starts postfix alone, without passwords, for [`crate::mailbox::Mailbox`].
pub fn start_mailboxes(server: &Machine) -> Tried<()> {
    start_postfix(server, MAILBOXES, "")?;
    until_true("postfix answers", Duration::from_secs(20), || {
        server.inside(|| Ok(std::net::TcpStream::connect("127.0.0.1:25").is_ok()))
    })?;
    Ok(())
}

/// Starts both and waits until they answer. The people of [`crate::sshd`] have to be there.
pub fn start(world: &World) -> Tried<()> {
    let server = &world.server;
    let is_2_4 = server.shell("dovecot --version")?.starts_with("2.4");
    let conf = if is_2_4 { DOVECOT_2_4 } else { DOVECOT };
    let etc = server.folder().join("etc");
    fs::write(etc.join("dovecot/dovecot.conf"), conf)?;
    start_postfix(server, POSTFIX, "dovecot;")?;
    for door in Door::ALL {
        until_true("the mail server answers", Duration::from_secs(20), || {
            Ok(world.attacker.knock("203.0.113.250", door.port())? == Knock::Open)
        })?;
    }
    Ok(())
}

fn start_postfix(server: &Machine, conf: &str, before: &str) -> Tried<()> {
    fs::write(server.folder().join("etc/postfix/main.cf"), conf)?;
    // Without their chroot postfix's parts find /dev/log and the files of `/etc`.
    server.shell(
        "sed -i -E 's/^([a-z]+ +(inet|unix) +[yn-] +[yn-] +)[y-]( )/\\1n\\3/' \
                  /etc/postfix/master.cf",
    )?;
    server.shell(&format!(
        "{before} postfix start >/run/postfix.said 2>&1 || {{ cat /run/postfix.said >&2; exit 1; }}"
    ))?;
    Ok(())
}

/// A way into the mail server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Reading mail.
    Imap,
    /// The same, older.
    Pop3,
    /// Sending mail.
    Smtp,
}

impl Door {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Imap, Self::Pop3, Self::Smtp];

    /// Where it is.
    pub const fn port(self) -> u16 {
        match self {
            Self::Imap => 143,
            Self::Pop3 => 110,
            Self::Smtp => 25,
        }
    }

    /// One login; whether it succeeded.
    pub fn login(self, world: &World, from: &str, user: &str, password: &str) -> Tried<bool> {
        let plain = base64(format!("\0{user}\0{password}").as_bytes());
        let imap = format!("a login {user} \"{password}\"\r\n");
        let pop3 = [format!("USER {user}\r\n"), format!("PASS {password}\r\n")];
        let smtp = ["EHLO client.example.net\r\n", &format!("AUTH PLAIN {plain}\r\n")];
        let (welcome, dialog) = match self {
            Self::Imap => ("a OK", vec![("* OK", &*imap), ("a ", "b logout\r\n"), ("b ", "")]),
            Self::Pop3 => (
                "+OK Logged in",
                vec![("+OK", &*pop3[0]), ("+OK", &*pop3[1]), ("", "QUIT\r\n"), ("", "")],
            ),
            Self::Smtp => {
                ("235 ", vec![("220 ", smtp[0]), ("250 ", smtp[1]), ("", "QUIT\r\n"), ("221 ", "")])
            }
        };
        Ok(world.attacker.talk(from, self.port(), &dialog)?.contains(welcome))
    }
}

/// The form of RFC 4648, with padding.
pub fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for index in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * index) & 63) as usize];
            text.push(if index > chunk.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads() {
        assert_eq!(base64(b"\0bob\0secret"), "AGJvYgBzZWNyZXQ=");
        assert_eq!(base64(b"abc"), "YWJj");
        assert_eq!(base64(b"a"), "YQ==");
    }
}

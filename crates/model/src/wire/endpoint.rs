//! Where a letter goes, and what only the courier gets for it.

use super::{FrameError, Reader, Wire, Writer};
use crate::limits::{
    CA_BYTES_MAX, COMMAND_WORDS_MAX, LETTER_NAME_MAX, MAIL_ADDRESS_MAX, MAIL_READERS_MAX, PATH_MAX,
    SECRET_MAX, URL_MAX,
};
use crate::{
    Endpoint, MailBy, Relay, Secret, SecretAt, Secrets, Security, Shape, SyslogAt, Webhook,
};

impl Wire for Secret {
    fn put(&self, out: &mut Writer) {
        out.text(&self.0, SECRET_MAX);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        from.text(SECRET_MAX).map(Self)
    }
}

impl Wire for Secrets {
    fn put(&self, out: &mut Writer) {
        self.url.put(out);
        self.key.put(out);
        out.bytes(&self.ca_pem, CA_BYTES_MAX);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let (url, key) = (Wire::take(from)?, Wire::take(from)?);
        Ok(Self { url, key, ca_pem: from.byte_list(CA_BYTES_MAX)? })
    }
}

impl Wire for SecretAt {
    fn put(&self, out: &mut Writer) {
        let (kind, at) = match self {
            Self::File(path) => (0, path),
            Self::Credential(name) => (1, name),
        };
        out.byte(kind);
        out.text(at, PATH_MAX);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let kind = from.byte()?;
        let at = from.text(PATH_MAX)?;
        match kind {
            0 => Ok(Self::File(at)),
            1 => Ok(Self::Credential(at)),
            _ => Err(FrameError::Unknown),
        }
    }
}

impl Wire for Security {
    fn put(&self, out: &mut Writer) {
        out.byte(match self {
            Self::StartTls => 0,
            Self::Tls => 1,
            Self::Plain => 2,
        });
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(match from.byte()? {
            0 => Self::StartTls,
            1 => Self::Tls,
            2 => Self::Plain,
            _ => return Err(FrameError::Unknown),
        })
    }
}

impl Wire for Relay {
    fn put(&self, out: &mut Writer) {
        out.text(&self.host, MAIL_ADDRESS_MAX);
        self.port.put(out);
        self.security.put(out);
        self.user.put(out);
        self.password.put(out);
        self.ca_file.put(out);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(Self {
            host: from.text(MAIL_ADDRESS_MAX)?,
            port: u16::take(from)?,
            security: Security::take(from)?,
            user: Wire::take(from)?,
            password: Wire::take(from)?,
            ca_file: Wire::take(from)?,
        })
    }
}

impl Wire for MailBy {
    fn put(&self, out: &mut Writer) {
        match self {
            Self::Sendmail(path) => {
                out.byte(0);
                path.put(out);
            }
            Self::Relay(relay) => {
                out.byte(1);
                relay.put(out);
            }
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(match from.byte()? {
            0 => Self::Sendmail(String::take(from)?),
            1 => Self::Relay(Relay::take(from)?),
            _ => return Err(FrameError::Unknown),
        })
    }
}

impl Wire for Webhook {
    fn put(&self, out: &mut Writer) {
        out.text(&self.url, URL_MAX);
        self.url_at.put(out);
        self.shape.put(out);
        self.secret.put(out);
        out.text(&self.to, URL_MAX);
        self.ca_file.put(out);
        self.insecure.put(out);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(Self {
            url: from.text(URL_MAX)?,
            url_at: Wire::take(from)?,
            shape: Shape::take(from)?,
            secret: Wire::take(from)?,
            to: from.text(URL_MAX)?,
            ca_file: Wire::take(from)?,
            insecure: bool::take(from)?,
        })
    }
}

impl Wire for SyslogAt {
    fn put(&self, out: &mut Writer) {
        match self {
            Self::Local => out.byte(0),
            Self::Udp(host, port) => remote(out, 1, host, *port),
            Self::Tcp(host, port) => remote(out, 2, host, *port),
            Self::Tls(host, port, ca_file) => {
                remote(out, 3, host, *port);
                ca_file.put(out);
            }
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let kind = from.byte()?;
        if kind == 0 {
            return Ok(Self::Local);
        }
        let (host, port) = (from.text(MAIL_ADDRESS_MAX)?, u16::take(from)?);
        Ok(match kind {
            1 => Self::Udp(host, port),
            2 => Self::Tcp(host, port),
            3 => Self::Tls(host, port, Wire::take(from)?),
            _ => return Err(FrameError::Unknown),
        })
    }
}

fn remote(out: &mut Writer, kind: u8, host: &str, port: u16) {
    out.byte(kind);
    out.text(host, MAIL_ADDRESS_MAX);
    port.put(out);
}

impl Wire for Endpoint {
    fn put(&self, out: &mut Writer) {
        match self {
            Self::Mail { from, to, by } => {
                out.byte(0);
                out.text(from, MAIL_ADDRESS_MAX);
                texts(out, to, MAIL_READERS_MAX, MAIL_ADDRESS_MAX);
                by.put(out);
            }
            Self::Webhook(hook) => {
                out.byte(1);
                hook.put(out);
            }
            Self::Sns { arn, url } => {
                out.byte(2);
                out.text(arn, URL_MAX);
                url.put(out);
            }
            Self::Syslog { at, facility } => {
                out.byte(3);
                at.put(out);
                out.byte(*facility);
            }
            Self::Command(words) => {
                out.byte(4);
                texts(out, words, COMMAND_WORDS_MAX, LETTER_NAME_MAX * 16);
            }
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(match from.byte()? {
            0 => Self::Mail {
                from: from.text(MAIL_ADDRESS_MAX)?,
                to: take_texts(from, MAIL_READERS_MAX, MAIL_ADDRESS_MAX)?,
                by: MailBy::take(from)?,
            },
            1 => Self::Webhook(Webhook::take(from)?),
            2 => Self::Sns { arn: from.text(URL_MAX)?, url: Wire::take(from)? },
            3 => {
                let (at, facility) = (SyslogAt::take(from)?, from.byte()?);
                if facility > 23 {
                    return Err(FrameError::Limit);
                }
                Self::Syslog { at, facility }
            }
            4 => Self::Command(take_texts(from, COMMAND_WORDS_MAX, LETTER_NAME_MAX * 16)?),
            _ => return Err(FrameError::Unknown),
        })
    }
}

fn texts(out: &mut Writer, texts: &[String], count: usize, limit: usize) {
    (texts.len().min(count) as u32).put(out);
    for text in texts.iter().take(count) {
        out.text(text, limit);
    }
}

fn take_texts(from: &mut Reader<'_>, most: usize, limit: usize) -> Result<Vec<String>, FrameError> {
    let count = u32::take(from)? as usize;
    if count > most {
        return Err(FrameError::Limit);
    }
    (0..count).map(|_| from.text(limit)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{decode, encode};
    use super::*;

    fn all() -> Vec<Endpoint> {
        let text = |text: &str| text.to_owned();
        let mail = |by| Endpoint::Mail {
            from: text("monban@example.com"),
            to: vec![text("a@example.com"), text("b@example.com")],
            by,
        };
        let relay = |security| Relay {
            host: text("mail.example.com"),
            port: 587,
            security,
            user: Some(text("u")),
            password: Some(SecretAt::Credential(text("smtp"))),
            ca_file: None,
        };
        let mut all = vec![mail(MailBy::Sendmail(text("/usr/sbin/sendmail")))];
        for security in [Security::StartTls, Security::Tls, Security::Plain] {
            all.push(mail(MailBy::Relay(relay(security))));
        }
        all.extend(Shape::ALL.map(|shape| {
            Endpoint::Webhook(Webhook {
                url: String::new(),
                url_at: Some(SecretAt::File(text("/etc/monban/slack"))),
                shape,
                secret: None,
                to: text("@ops"),
                ca_file: Some(text("/etc/ca.pem")),
                insecure: shape == Shape::Json,
            })
        }));
        all.push(Endpoint::Sns { arn: text("arn:aws:sns:eu-west-1:1:t"), url: None });
        let ats = [
            SyslogAt::Local,
            SyslogAt::Udp(text("::1"), 514),
            SyslogAt::Tcp(text("log"), 601),
            SyslogAt::Tls(text("log"), 6514, Some(text("/etc/ca.pem"))),
        ];
        all.extend(ats.map(|at| Endpoint::Syslog { at, facility: 10 }));
        all.push(Endpoint::Command(vec![text("/usr/local/bin/page"), text("-x")]));
        all
    }

    #[test]
    fn every_endpoint_comes_back_as_it_left() {
        for endpoint in all() {
            let bytes = encode(&endpoint);
            assert_eq!(decode::<Endpoint>(&bytes), Ok(endpoint));
            for end in 0..bytes.len() {
                assert!(decode::<Endpoint>(&bytes[..end]).is_err());
            }
            for at in 0..bytes.len() {
                let mut bad = bytes.clone();
                bad[at] ^= 0xff;
                let _ = decode::<Endpoint>(&bad);
            }
        }
    }

    #[test]
    fn secrets_travel_and_are_not_shown() {
        let secrets = Secrets {
            url: Some(Secret("https://hooks.example/T0/B0/x".to_owned())),
            key: Some(Secret("pw".to_owned())),
            ca_pem: vec![b'-', 0, 255],
        };
        assert_eq!(decode::<Secrets>(&encode(&secrets)), Ok(secrets.clone()));
        assert!(!format!("{secrets:?}").contains("pw"));
        assert!(!format!("{secrets:?}").contains("hooks"));
    }

    #[test]
    fn a_facility_that_syslog_has_not_is_refused() {
        let bytes = encode(&Endpoint::Syslog { at: SyslogAt::Local, facility: 24 });
        assert_eq!(decode::<Endpoint>(&bytes), Err(FrameError::Limit));
    }
}

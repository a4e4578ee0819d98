//! Where the messages of a subscription go.

use std::fmt;

/// A password, token or key. It is never shown, not even for debugging, and never stored: it lies
/// in a file of root's or among the credentials of systemd, and only the courier gets it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Where a secret lies, as the configuration names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretAt {
    /// A file that only root can read: its first line is the secret.
    File(String),
    /// A credential of systemd's (`LoadCredential=`), by its name below `$CREDENTIALS_DIRECTORY`.
    Credential(String),
}

/// How a connection to a mail server is secured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Security {
    /// STARTTLS, and nothing is sent without it.
    #[default]
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// None: for a relay on this machine.
    Plain,
}

/// The mail server that takes mail from this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the way to it is secured.
    pub security: Security,
    /// The account to log in with, if any.
    pub user: Option<String>,
    /// Where its password lies.
    pub password: Option<SecretAt>,
    /// A file with certificates (PEM) that are trusted beside the usual roots.
    pub ca_file: Option<String>,
}

/// How mail leaves this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailBy {
    /// `/usr/sbin/sendmail -t -i`, or another program that takes the same arguments.
    Sendmail(String),
    /// SMTP.
    Relay(Relay),
}

/// What a web hook is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// monban's own JSON, signed.
    #[default]
    Json,
    /// That of Alertmanager's webhook, version 4.
    Alertmanager,
    /// A Slack incoming webhook.
    Slack,
    /// A Discord webhook.
    Discord,
    /// Microsoft Teams: an Adaptive Card for a workflow's webhook.
    Teams,
    /// ntfy, as JSON to the server's root.
    Ntfy,
    /// Telegram's Bot API, `sendMessage`.
    Telegram,
    /// PagerDuty's Events API v2.
    PagerDuty,
}

impl Shape {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Json,
        Self::Alertmanager,
        Self::Slack,
        Self::Discord,
        Self::Teams,
        Self::Ntfy,
        Self::Telegram,
        Self::PagerDuty,
    ];

    /// Its word in the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Alertmanager => "alertmanager",
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Teams => "teams",
            Self::Ntfy => "ntfy",
            Self::Telegram => "telegram",
            Self::PagerDuty => "pagerduty",
        }
    }

    /// Whether the service tells who may write by the address alone, so that it is a secret.
    pub const fn has_secret_address(self) -> bool {
        matches!(self, Self::Slack | Self::Discord | Self::Teams)
    }
}

/// A web hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Where to; `http` only to loopback, unless `insecure`. Empty if it is a secret itself.
    pub url: String,
    /// Where the address lies, if it is a secret (Slack, Discord, Teams).
    pub url_at: Option<SecretAt>,
    /// What is sent.
    pub shape: Shape,
    /// The key of the signature for `json` and `alertmanager`, the token of Telegram's bot, the
    /// access token of ntfy, the routing key of PagerDuty.
    pub secret: Option<SecretAt>,
    /// Telegram's chat, ntfy's topic.
    pub to: String,
    /// A file with certificates (PEM) that are trusted beside the usual roots.
    pub ca_file: Option<String>,
    /// Whether `http` is allowed to other machines, too.
    pub insecure: bool,
}

/// Where syslog messages go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyslogAt {
    /// `/dev/log` of this machine.
    Local,
    /// RFC 5426.
    Udp(String, u16),
    /// RFC 6587, with octet counting.
    Tcp(String, u16),
    /// RFC 5425.
    Tls(String, u16, Option<String>),
}

/// Where the messages of a subscription go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Mail to these addresses.
    Mail {
        /// The sender.
        from: String,
        /// The readers; at least one.
        to: Vec<String>,
        /// How it leaves.
        by: MailBy,
    },
    /// An HTTP request.
    Webhook(Webhook),
    /// A topic of AWS SNS.
    Sns {
        /// Its ARN; the region stands in it.
        arn: String,
        /// Another address of the service than the region's own, for tests and private endpoints.
        url: Option<String>,
    },
    /// syslog, RFC 5424.
    Syslog {
        /// Where to.
        at: SyslogAt,
        /// The facility, 0 to 23; 10 is `authpriv`.
        facility: u8,
    },
    /// A program of the administrator's, run by the runner: the letter as JSON on its standard
    /// input, its main values in `MONBAN_*` variables, never in its arguments.
    Command(Vec<String>),
}

/// What an endpoint names and only the courier gets: it has no files, so whoever asks it to deliver
/// has read them. Never stored, and shown as little as a [`Secret`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secrets {
    /// What lies at [`Webhook::url_at`].
    pub url: Option<Secret>,
    /// What lies at [`Webhook::secret`] or [`Relay::password`].
    pub key: Option<Secret>,
    /// The certificates (PEM) of `ca_file`; empty if there is none. At most
    /// [`crate::limits::CA_BYTES_MAX`] bytes.
    pub ca_pem: Vec<u8>,
}

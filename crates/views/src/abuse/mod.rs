//! `monban report ADDRESS`: the mail to the provider of an attacker.
//!
//! X-ARF 0.2, which abuse desks read by machine: a mail of the type `multipart/mixed` with the
//! header `X-XARF: PLAIN`, whose parts are a text for people, the report as YAML, and the log. The
//! same as a part of RFC 5965 follows.

mod mask;

use monban_model::{Address, Country, Stamp, Subject, Who};
use serde_json::{Value, json};

use crate::{Say, Tongue, printable, time_json};
use mask::mask;

/// What is reported.
#[derive(Clone, Debug)]
pub struct AbuseReport<'a> {
    /// The attacker.
    pub address: Address,
    /// Who is counted for it: addresses of it stay in the lines.
    pub subject: Subject,
    /// The lines of the log, oldest first.
    pub lines: Vec<(Stamp, Vec<u8>)>,
    /// Earlier lines that are left out.
    pub lines_left_out: u64,
    /// Attempts that were counted.
    pub attempts: u64,
    /// The service that was attacked most, as its rule is called.
    pub service: String,
    /// The first and last attempt that is known.
    pub first: Stamp,
    /// See `first`.
    pub last: Stamp,
    /// What is known of the address.
    pub who: Option<&'a Who>,
    /// Its country, by whatever tells it: the text is also in Japanese for a network in Japan.
    pub country: Option<Country>,
    /// The sender: a plain mail address.
    pub from: String,
    /// The receiver: a plain mail address.
    pub to: String,
    /// The name of this host, with its domain.
    pub host: String,
    /// The attacked address of this server, if it is to be told.
    pub destination: Option<Address>,
    /// When the report is made.
    pub now: Stamp,
    /// The time zone of dates within lines, as `UTC+09:00`.
    pub zone: String,
}

/// The schema of X-ARF that the report follows.
const SCHEMA: &str = "http://www.x-arf.org/schema/abuse_login-attack_0.1.2.json";

impl AbuseReport<'_> {
    /// The whole mail, with lines that end as a Unix file's do, as programs that send mail want it.
    pub fn mail(&self) -> String {
        let (text, log, yaml, arf) = (self.text(), self.log(), self.yaml(), self.feedback());
        let parts = [text.as_str(), &log, &yaml, &arf];
        let boundary = self.boundary(&parts);
        let id = self.id();
        let mut mail = String::new();
        for (name, value) in [
            ("From", self.from.as_str()),
            ("To", &self.to),
            ("Subject", &self.subject_line()),
            ("Date", &mail_date(self.now)),
            ("Message-ID", &format!("<{id}>")),
            ("MIME-Version", "1.0"),
            ("Auto-Submitted", "auto-generated"),
            ("X-XARF", "PLAIN"),
            ("Content-Type", &format!("multipart/mixed; boundary=\"{boundary}\"")),
        ] {
            mail.push_str(&format!("{name}: {value}\n"));
        }
        let types = [
            ("text/plain; charset=utf-8", "", text.as_str()),
            ("text/plain; charset=utf-8; name=\"report.txt\"", "report.txt", &yaml),
            ("text/plain; charset=utf-8; name=\"evidence.log\"", "evidence.log", &log),
            ("message/feedback-report", "", &arf),
        ];
        for (kind, file, body) in types {
            let encoding = if body.is_ascii() { "7bit" } else { "8bit" };
            mail.push_str(&format!("\n--{boundary}\nContent-Type: {kind}\n"));
            mail.push_str(&format!("Content-Transfer-Encoding: {encoding}\n"));
            if !file.is_empty() {
                let kind = "Content-Disposition: attachment";
                mail.push_str(&format!("{kind}; filename=\"{file}\"\n"));
            }
            mail.push_str(&format!("\n{body}"));
        }
        mail + &format!("\n--{boundary}--\n")
    }

    /// The report for machines: `address`, `to`, `from`, `subject`, `attempts`, `service`, `first`,
    /// `last`, `lines` (`time`, `line`), `lines_left_out`, `country`, and the whole `mail`.
    pub fn json(&self) -> Value {
        let mut lines = Vec::new();
        for (time, line) in &self.lines {
            lines.push(json!({"time": time_json(*time), "line": self.shown(line)}));
        }
        json!({
            "address": self.address.to_string(),
            "to": self.to,
            "from": self.from,
            "subject": self.subject_line(),
            "attempts": self.attempts,
            "service": self.service,
            "first": time_json(self.first),
            "last": time_json(self.last),
            "lines": lines,
            "lines_left_out": self.lines_left_out,
            "country": self.country.map(|country| country.to_string()),
            "mail": self.mail(),
        })
    }

    /// In English in both languages: it is a header, and desks sort by it.
    fn subject_line(&self) -> String {
        let date = self.last.to_string();
        let date = date.split('T').next().unwrap_or_default();
        let values = [("address", self.address.to_string()), ("date", date.to_owned())];
        let values = values.each_ref().map(|(key, value)| (*key, value.as_str()));
        Say::new(Tongue::English).text("report-subject", &values)
    }

    /// The part for people: in Japanese first where it goes to Japan.
    fn text(&self) -> String {
        let english = self.letter(&Say::new(Tongue::English));
        match self.country {
            Some(Country::JP) => {
                format!("{}\n-- \n\n{english}", self.letter(&Say::new(Tongue::Japanese)))
            }
            _ => english,
        }
    }

    fn letter(&self, say: &Say) -> String {
        let mut text = say.text("report-hello", &[]) + "\n\n";
        let attempts = self.attempts.to_string();
        let (address, service) = (self.address.to_string(), printable(self.service.as_bytes()));
        let (first, last) = (self.first.to_string(), self.last.to_string());
        let values = [
            ("address", address.as_str()),
            ("attempts", &attempts),
            ("service", &service),
            ("first", &first),
            ("last", &last),
        ];
        text.push_str(&fold(&say.text("report-what", &values)));
        if let Some(who) = self.who
            && let Some(net) = who.net
        {
            let (net, name) = (net.to_string(), printable(who.netname.as_bytes()));
            let values = [("net", net.as_str()), ("name", name.as_str())];
            text.push_str(&fold(&say.text("report-network", &values)));
        }
        text.push_str(&fold(&say.text("report-ask", &[])));
        text.push('\n');
        text.push_str(&fold(&say.text("report-times", &[("zone", &self.zone)])));
        text.push_str(&fold(&say.text("report-parts", &[])));
        text.push_str(&format!("\n{}\n", say.text("report-lines", &[])));
        if self.lines_left_out > 0 {
            let count = self.lines_left_out.to_string();
            text.push_str(&say.text("report-lines-more", &[("count", &count)]));
            text.push('\n');
        }
        text + &self.log()
    }

    /// The lines, each behind its time in UTC.
    fn log(&self) -> String {
        let lines = self.lines.iter();
        lines.map(|(time, line)| format!("{time}  {}\n", self.shown(line))).collect()
    }

    /// A line as it may leave this host: printable, and short enough for mail (RFC 5322, 2.1.1).
    fn shown(&self, line: &[u8]) -> String {
        let mut shown = mask(&printable(line), self.subject, self.destination);
        if shown.len() > LINE_BYTES_MAX {
            let end = (0..=LINE_BYTES_MAX).rev().find(|at| shown.is_char_boundary(*at));
            shown.truncate(end.unwrap_or(0));
            shown.push_str("...");
        }
        shown
    }

    /// The report for machines.
    fn yaml(&self) -> String {
        let service = service_name(&self.service);
        let mut yaml = String::from("---\n");
        let mut put = |key: &str, value: &str| yaml.push_str(&format!("{key}: {value}\n"));
        put("Reported-From", &self.from);
        put("Category", "abuse");
        put("Report-Type", "login-attack");
        put("Service", service);
        put("Version", "0.2");
        put("User-Agent", AGENT);
        put("Date", &mail_date(self.last));
        put("Source-Type", "ip-address");
        put("Source", &quoted_if_six(self.address));
        if let Some(port) = port_of(service) {
            put("Port", &port.to_string());
        }
        if let Some(destination) = self.destination {
            put("Destination-Type", "ip-address");
            put("Destination", &quoted_if_six(destination));
        }
        put("Report-ID", &self.id());
        put("Schema-URL", SCHEMA);
        put("Attachment", "text/plain");
        put("Occurrences", &self.attempts.to_string());
        yaml
    }

    /// The same by RFC 5965. Its type `abuse` is that of mail; this is none.
    fn feedback(&self) -> String {
        format!(
            "Feedback-Type: other\nUser-Agent: {AGENT}\nVersion: 1\nSource-IP: {}\n\
             Arrival-Date: {}\nIncidents: {}\nReporting-MTA: dns; {}\n",
            self.address,
            mail_date(self.last),
            self.attempts,
            self.host
        )
    }

    fn id(&self) -> String {
        let digits: String = self.now.to_string().chars().filter(char::is_ascii_digit).collect();
        let address = self.address.to_string().replace(':', "-");
        format!("monban.{digits}.{}.{address}@{}", self.now.0.rem_euclid(1000), self.host)
    }

    /// One that no line of the parts holds.
    fn boundary(&self, parts: &[&str]) -> String {
        let mut number = self.now.0.unsigned_abs();
        loop {
            let boundary = format!("=_monban_{number:x}");
            if !parts.iter().any(|part| part.contains(&boundary)) {
                return boundary;
            }
            number = number.wrapping_add(1);
        }
    }
}

/// What of a log line is sent, in bytes, with its time in front.
const LINE_BYTES_MAX: usize = 900;

const AGENT: &str = concat!("monban ", env!("CARGO_PKG_VERSION"));

/// What X-ARF calls the service of a rule.
fn service_name(rule: &str) -> &str {
    match rule {
        "sshd" | "dropbear" => "ssh",
        "dovecot" => "imap",
        "postfix" | "exim" | "sendmail" => "smtp",
        "vsftpd" | "proftpd" | "pure-ftpd" => "ftp",
        "apache" | "nginx" => "http",
        other if !other.is_empty() && other.bytes().all(plain) => other,
        _ => "login",
    }
}

const fn plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

fn port_of(service: &str) -> Option<u16> {
    Some(match service {
        "ssh" => 22,
        "imap" => 143,
        "smtp" => 25,
        "ftp" => 21,
        "http" => 80,
        _ => return None,
    })
}

/// In YAML a text with a colon at its end or front needs quotes.
fn quoted_if_six(address: Address) -> String {
    if address.is_ipv4() { address.to_string() } else { format!("\"{address}\"") }
}

/// `Mon, 23 Nov 2026 05:33:01 +0000`, RFC 5322.
fn mail_date(stamp: Stamp) -> String {
    let time = jiff::Timestamp::from_millisecond(stamp.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// A sentence on lines of at most 76 columns; one without blanks, as Japanese, stays whole.
fn fold(text: &str) -> String {
    let mut folded = String::new();
    let mut column = 0;
    for word in text.split(' ') {
        if column > 0 && column + 1 + crate::width(word) > 76 {
            folded.push('\n');
            column = 0;
        } else if column > 0 {
            folded.push(' ');
            column += 1;
        }
        folded.push_str(word);
        column += crate::width(word);
    }
    folded + "\n"
}

#[cfg(test)]
mod tests;

//! Where the messages of a subscription go: exactly one of mail, web hook, SNS, syslog, command.

use std::net::IpAddr;

use monban_model::{Endpoint, SyslogAt};

use super::mail::{self, Mail};
use super::web;
use crate::config::read_path;
use crate::words::word_of;
use crate::written::{Page, Table};

/// The keys of which a subscription has one.
const WAYS: &str = "mail, webhook (or url_file), sns, syslog, command";

/// The endpoint of a subscription; `None` if it is not clear, which was said.
pub(super) fn read(
    place: usize,
    table: &mut Table<'_>,
    mail: &Mail,
    page: &mut Page<'_>,
) -> Option<Endpoint> {
    let is_web = web::is_written(table);
    let ways = ["mail", "sns", "syslog", "command"];
    let written = ways.iter().filter(|way| table.place(way).is_some()).count();
    let known = page.problems.len();
    let endpoints = [
        mail::addresses(table, "mail", page).map(|to| {
            let (from, by) = (mail.from.clone(), mail.by.clone());
            Endpoint::Mail { from, to, by }
        }),
        web::read(table, page).map(Endpoint::Webhook),
        sns(table, page),
        syslog(table, page),
        command(table, page),
    ];
    match written + usize::from(is_web) {
        1 => {}
        0 => {
            let hint = format!("write one of {WAYS}");
            page.problem(place, "a subscription goes nowhere".to_owned(), "", &hint);
        }
        _ => {
            let what = "a subscription goes several ways".to_owned();
            let hint = format!("write one of {WAYS}, and another [[subscription]] for the rest");
            page.problem(place, what, "what was delivered is kept of each way", &hint);
        }
    }
    let found = endpoints.into_iter().flatten().next();
    found.filter(|_| page.problems.len() == known)
}

fn sns(table: &mut Table<'_>, page: &mut Page<'_>) -> Option<Endpoint> {
    table.place("sns")?;
    let arn = table.text("sns", page, |text| {
        let parts: Vec<&str> = text.split(':').collect();
        let is_arn = matches!(
            parts[..],
            ["arn", partition, "sns", region, account, name]
                if partition.starts_with("aws") && !region.is_empty() && !name.is_empty()
                    && account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())
        );
        let example = "arn:aws:sns:ap-northeast-1:123456789012:alarms";
        is_arn
            .then(|| text.to_owned())
            .ok_or_else(|| format!("`{text}` is no topic of SNS such as {example}"))
    });
    let url = table.text("sns_url", page, |text| web::url(text, false).map(|()| text.to_owned()));
    Some(Endpoint::Sns { arn: arn?, url })
}

fn syslog(table: &mut Table<'_>, page: &mut Page<'_>) -> Option<Endpoint> {
    table.place("syslog")?;
    let at = table.text("syslog", page, |text| {
        let (kind, place) = text.split_once("://").unwrap_or((text, ""));
        let place = |usual: u16| {
            let (host, port) = host_and_port(place)?;
            Ok::<_, String>((host, port.unwrap_or(usual)))
        };
        match kind {
            "local" => Ok(SyslogAt::Local),
            "udp" => place(514).map(|(host, port)| SyslogAt::Udp(host, port)),
            "tcp" => place(514).map(|(host, port)| SyslogAt::Tcp(host, port)),
            "tls" => place(6514).map(|(host, port)| SyslogAt::Tls(host, port, None)),
            _ => Err(format!("`{text}` is none of \"local\", \"udp://HOST:PORT\", tcp, tls")),
        }
    });
    let facility = table.text("facility", page, facility).unwrap_or(10);
    let mut at = at?;
    if let SyslogAt::Tls(_, _, ca_file) = &mut at {
        *ca_file = table.text("ca_file", page, read_path);
    }
    Some(Endpoint::Syslog { at, facility })
}

/// The number of a facility (RFC 5424, table 1).
fn facility(text: &str) -> Result<u8, String> {
    const NAMES: [(&str, u8); 13] = [
        ("user", 1),
        ("daemon", 3),
        ("auth", 4),
        ("syslog", 5),
        ("authpriv", 10),
        ("local0", 16),
        ("local1", 17),
        ("local2", 18),
        ("local3", 19),
        ("local4", 20),
        ("local5", 21),
        ("local6", 22),
        ("local7", 23),
    ];
    word_of("facility", text, NAMES, |(name, _)| name).map(|(_, number)| number)
}

fn command(table: &mut Table<'_>, page: &mut Page<'_>) -> Option<Endpoint> {
    let place = table.place("command")?;
    let words = table.texts("command", page, |text| match text.contains('\0') {
        true => Err("a word holds a NUL".to_owned()),
        false => Ok(text.to_owned()),
    })?;
    if let Err(why) = read_path(words.first().map_or("", String::as_str)) {
        let hint = "write command = [\"/usr/local/bin/tell\", \"--loud\"]";
        page.problem(place, format!("`command`: {why}"), "no search path is used", hint);
    }
    Some(Endpoint::Command(words))
}

/// A host and perhaps its port: `smtp.example.com:587`, `[2001:db8::1]:25`.
///
/// # Errors
/// A sentence that says what was expected.
pub(super) fn host_and_port(text: &str) -> Result<(String, Option<u16>), String> {
    let wrong = || format!("`{text}` is no HOST:PORT such as smtp.example.com:587");
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or_else(wrong)?;
            host.parse::<std::net::Ipv6Addr>().map_err(|_| wrong())?;
            (host, port.strip_prefix(':'))
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
    if host.is_empty() || host.len() > 255 || !host.chars().all(is_plain) {
        return Err(wrong());
    }
    let port = match port {
        Some(port) => Some(port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?),
        None => None,
    };
    Ok((host.to_owned(), port))
}

/// Whether a host is this one.
pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

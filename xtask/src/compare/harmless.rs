//! Logs of a quiet day: nearly every line is harmless, one in ten thousand is an attack.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::log::Made;
use super::stamps::{Civil, DAY_S, now_s};

/// One line in so many is an attack.
pub const ATTACK_EVERY: u64 = 10_000;

/// The addresses that attack: 198.51.100.1 and so on.
const ATTACKERS: u64 = 20;

/// How long the log is; its last line is an hour old.
const LONG_S: i64 = 7 * DAY_S;

/// What a person would look for in such an access log.
pub const WEB_LITERALS: [&str; 4] = ["wp-login.php", "phpmyadmin", "/.env", "xmlrpc.php"];

/// What a person would look for in such a syslog.
pub const SYSLOG_LITERALS: [&str; 4] =
    ["Failed password", "Invalid user", "authentication failure", "Connection closed by"];

const PAGES: [&str; 10] = [
    "/",
    "/index.html",
    "/assets/app.css",
    "/assets/app.js",
    "/images/photo-",
    "/articles/",
    "/search?q=",
    "/feed.xml",
    "/api/v1/items/",
    "/favicon.ico",
];

const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
     Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like \
     Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
];

/// Who attacks in both logs.
pub fn attackers() -> Vec<String> {
    (1..=ATTACKERS).map(|number| format!("198.51.100.{number}")).collect()
}

/// An access log of nginx in its form `combined`.
pub fn access(to: &Path, lines: u64) -> io::Result<Made> {
    write(to, lines, |out, chance, date, number| {
        let date = date.access();
        if number % ATTACK_EVERY == ATTACK_EVERY / 2 {
            let nth = number / ATTACK_EVERY;
            let request = match nth % 4 {
                0 => "POST /wp-login.php HTTP/1.1\" 200 4512",
                1 => "GET /phpmyadmin/index.php HTTP/1.1\" 404 153",
                2 => "GET /.env HTTP/1.1\" 404 153",
                _ => "POST /xmlrpc.php HTTP/1.1\" 200 412",
            };
            let host = nth / 4 % ATTACKERS + 1;
            return writeln!(out, "198.51.100.{host} - - [{date}] \"{request} \"-\" \"curl/8\"");
        }
        let client = chance.below(1 << 16);
        let page = PAGES[chance.index(PAGES.len())];
        let id = chance.below(100_000);
        let (status, size) = match chance.below(20) {
            0 => (304, 0),
            1 => (301, 169),
            _ => (200, chance.below(60_000)),
        };
        let agent = AGENTS[chance.index(AGENTS.len())];
        writeln!(
            out,
            "10.7.{}.{} - - [{date}] \"GET {page}{id} HTTP/1.1\" {status} {size} \
             \"https://www.example.org/articles/{}\" \"{agent}\"",
            client >> 8,
            client & 255,
            chance.below(1000),
        )
    })
}

/// A syslog in which everything is written, of a server that runs a few services.
pub fn syslog(to: &Path, lines: u64) -> io::Result<Made> {
    write(to, lines, |out, chance, date, number| {
        let date = date.syslog();
        let process = chance.below(1 << 20);
        let id = chance.below(1 << 30);
        if number % ATTACK_EVERY == ATTACK_EVERY / 2 {
            let nth = number / ATTACK_EVERY;
            let from = format!("198.51.100.{}", nth / 4 % ATTACKERS + 1);
            let text = match nth % 4 {
                0 => format!("Failed password for root from {from} port 4711 ssh2"),
                1 => format!("Invalid user admin from {from} port 4711"),
                2 => format!("Failed password for invalid user x from {from} port 4711 ssh2"),
                _ => format!("Failed password for backup from {from} port 4711 ssh2"),
            };
            return writeln!(out, "{date} server sshd[{process}]: {text}");
        }
        write!(out, "{date} server ")?;
        match chance.below(10) {
            0 | 1 => writeln!(out, "systemd[1]: Started Session {id} of user backup."),
            2 => writeln!(out, "systemd[1]: session-{id}.scope: Deactivated successfully."),
            3 => writeln!(out, "CRON[{process}]: (root) CMD (test -x /usr/sbin/job && job {id})"),
            4 => writeln!(
                out,
                "kernel: [{id}.123456] usb 1-1: new high-speed USB device number 4 using xhci"
            ),
            5 => writeln!(out, "postfix/qmgr[{process}]: {id:X}: removed"),
            6 => writeln!(
                out,
                "postfix/cleanup[{process}]: {id:X}: message-id=<{id}@server.example.org>"
            ),
            7 => writeln!(
                out,
                "dbus-daemon[{process}]: [system] Successfully activated service 'org.example.{id}'"
            ),
            8 => writeln!(out, "dhclient[{process}]: DHCPREQUEST for 10.7.0.9 on eth0 xid={id:#x}"),
            _ => writeln!(out, "backup[{process}]: {id} files, 0 changed, 0 errors, 12.3 seconds"),
        }
    })
}

fn write(
    to: &Path,
    lines: u64,
    mut line: impl FnMut(&mut Vec<u8>, &mut Chance, Civil, u64) -> io::Result<()>,
) -> io::Result<Made> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(to)?);
    let mut chance = Chance(0x9E37_79B9_7F4A_7C15);
    let begin = now_s() - 3600 - LONG_S;
    let (mut bytes, mut text) = (0, Vec::new());
    for number in 0..lines {
        let at = i128::from(number) * i128::from(LONG_S) / i128::from(lines);
        let date = Civil::of(begin + i64::try_from(at).unwrap_or(0));
        text.clear();
        line(&mut text, &mut chance, date, number)?;
        bytes += text.len() as u64;
        out.write_all(&text)?;
    }
    out.flush()?;
    Ok(Made { path: to.to_owned(), lines, bytes })
}

/// The same numbers in every run (xorshift64*).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32) % end
    }

    fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }
}

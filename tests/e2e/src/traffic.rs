//! Log lines as a busy server writes them, as many as are wanted.

use std::fmt::Write;
use std::time::{Duration, Instant, SystemTime};

use crate::lines::{Dice, iso_time, many};

/// The daemon that writes a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Daemon {
    /// sshd on a server that strangers try all day: half of its lines are about failures.
    Sshd,
    /// nginx's access log: one request in 200 is a scanner's.
    Nginx,
    /// Postfix and dovecot: one line in 20 is a failure.
    Mail,
    /// What everybody else says to syslog: nothing that a rule sees.
    Noise,
}

/// Who fails at sshd's door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attackers {
    /// So many come again and again; they are blocked soon, and their lines still come.
    pub known: u32,
    /// Of this many others each comes once, before the first comes again.
    pub strangers: u32,
    /// One failure in so many is a stranger's.
    pub stranger_in: u32,
}

/// Writes lines. The same seed gives the same lines but for their times.
#[derive(Debug)]
pub struct Traffic {
    dice: Dice,
    attackers: Attackers,
    stranger: u32,
    time: String,
    common_time: String,
}

/// Numbers of [`many`] from here on are those who come again and again.
const KNOWN_FROM: u32 = 6_000_000;
/// And from here on the strangers.
const STRANGERS_FROM: u32 = 1_000_000;

/// Processes of sshd have numbers from here on: a line of a check that has the number of another
/// connection would tell of that one.
const SSHD_PIDS_FROM: usize = 1_000_000;

impl Traffic {
    /// Lines of a seed.
    pub fn new(seed: u64, attackers: Attackers) -> Self {
        let (time, common_time) = (String::new(), String::new());
        Self { dice: Dice::new(seed), attackers, stranger: 0, time, common_time }
    }

    /// Adds `count` lines of now to `text`.
    pub fn write(&mut self, daemon: Daemon, count: usize, text: &mut String) {
        let now = SystemTime::now();
        self.time = iso_time(now);
        self.common_time = common_time(&self.time);
        for _ in 0..count {
            // A String takes whatever is written.
            let _ = match daemon {
                Daemon::Sshd => self.sshd(text),
                Daemon::Nginx => self.nginx(text),
                Daemon::Mail => self.mail(text),
                Daemon::Noise => self.noise(text),
            };
        }
    }

    fn attacker(&mut self) -> String {
        if self.dice.below(self.attackers.stranger_in.max(1) as usize) > 0 {
            let known = self.dice.below(self.attackers.known.max(1) as usize);
            return many(KNOWN_FROM + u32::try_from(known).unwrap_or(0));
        }
        self.stranger = (self.stranger + 1) % self.attackers.strangers.max(1);
        many(STRANGERS_FROM + self.stranger)
    }

    fn number(&mut self, below: usize) -> usize {
        self.dice.below(below)
    }

    fn sshd(&mut self, text: &mut String) -> std::fmt::Result {
        let (kind, port) = (self.number(10), self.number(60_000));
        let pid = SSHD_PIDS_FROM + self.number(3_000_000);
        write!(text, "{} server sshd[{pid}]: ", self.time)?;
        match kind {
            0..=2 => {
                let from = self.attacker();
                writeln!(text, "Failed password for root from {from} port {port} ssh2")
            }
            3 | 4 => {
                let (from, user) = (self.attacker(), self.number(500));
                writeln!(text, "Invalid user user{user} from {from} port {port}")
            }
            5 | 6 => {
                let from = self.attacker();
                writeln!(text, "Received disconnect from {from} port {port}:11: Bye Bye [preauth]")
            }
            7 => writeln!(text, "pam_unix(sshd:auth): check pass; user unknown"),
            8 => writeln!(text, "Connection from 192.0.2.77 port {port} on 192.0.2.1 port 22"),
            _ => writeln!(text, "Server listening on 0.0.0.0 port {port}."),
        }
    }

    fn nginx(&mut self, text: &mut String) -> std::fmt::Result {
        let (host, page, bytes) = (self.number(200), self.number(5000), self.number(90_000));
        let (path, status) = match self.number(200) {
            0 => ("wp-login.php?", 404),
            1..=9 => ("missing/", 404),
            _ => ("articles/", 200),
        };
        writeln!(
            text,
            "192.0.2.{host} - - [{}] \"GET /{path}{page} HTTP/1.1\" {status} {bytes} \
             \"https://www.example.com/\" \"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) \
             Gecko/20100101 Firefox/128.0\"",
            self.common_time
        )
    }

    fn mail(&mut self, text: &mut String) -> std::fmt::Result {
        let (kind, pid, id) = (self.number(20), self.number(4_000_000), self.number(1 << 30));
        write!(text, "{} server ", self.time)?;
        match kind {
            0 => {
                let from = self.attacker();
                writeln!(
                    text,
                    "dovecot: imap-login: Disconnected: Connection closed (auth failed, 1 attempts \
                     in 2 secs): user=<alice>, method=PLAIN, rip={from}, lip=192.0.2.1, \
                     session=<{id:016x}>"
                )
            }
            1..=6 => writeln!(
                text,
                "dovecot: imap-login: Login: user=<bob>, method=PLAIN, rip=192.0.2.90, \
                 lip=192.0.2.1, mpid={pid}, TLS, session=<{id:016x}>"
            ),
            7..=12 => {
                writeln!(text, "postfix/smtpd[{pid}]: connect from mail.example.net[192.0.2.44]")
            }
            13..=16 => {
                writeln!(text, "postfix/qmgr[911]: {id:010X}: from=<a@example.net>, size=4711")
            }
            _ => writeln!(
                text,
                "postfix/smtp[{pid}]: {id:010X}: to=<b@example.org>, relay=mx.example.org, \
                 delay=0.4, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4F)"
            ),
        }
    }

    fn noise(&mut self, text: &mut String) -> std::fmt::Result {
        let (kind, pid, number) = (self.number(4), self.number(40_000), self.number(1 << 30));
        write!(text, "{} server ", self.time)?;
        match kind {
            0 => writeln!(text, "CRON[{pid}]: (root) CMD (test -x /usr/sbin/anacron)"),
            1 => writeln!(text, "systemd[1]: Started Session {number} of user backup."),
            2 => writeln!(text, "kernel: [{number}] device eth0 left promiscuous mode"),
            _ => writeln!(text, "dhclient[{pid}]: DHCPACK of 192.0.2.1 from 192.0.2.254"),
        }
    }
}

/// `22/Nov/2026:05:33:01 +0000`, made of a time as [`iso_time`] writes it.
fn common_time(iso: &str) -> String {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let month: usize = iso.get(5..7).and_then(|month| month.parse().ok()).unwrap_or(1);
    let at = month.saturating_sub(1) * 3;
    let part = |from, to| iso.get(from..to).unwrap_or_default();
    let name = MONTHS.get(at..at + 3).unwrap_or_default();
    format!("{}/{name}/{}:{} +0000", part(8, 10), part(0, 4), part(11, 19))
}

/// Keeps to a number of lines a second, in small pieces.
#[derive(Debug)]
pub struct Pace {
    per_s: f64,
    start: Instant,
    given: usize,
}

/// The pause between two pieces: a writer of many lines has them in its buffer.
const PIECE: Duration = Duration::from_millis(2);

impl Pace {
    /// So many lines a second from now on.
    pub fn new(per_s: u32) -> Self {
        Self { per_s: f64::from(per_s), start: Instant::now(), given: 0 }
    }

    /// Waits a little and says how many lines are to be written then.
    pub fn wait(&mut self) -> usize {
        std::thread::sleep(PIECE);
        let all = (self.start.elapsed().as_secs_f64() * self.per_s) as usize;
        let now = all.saturating_sub(self.given);
        self.given += now;
        now
    }

    /// Lines that were asked for so far, and the time that took.
    pub fn given(&self) -> (usize, Duration) {
        (self.given, self.start.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_daemon_writes_as_many_lines_as_are_wanted() {
        let mut traffic = Traffic::new(1, Attackers { known: 10, strangers: 100, stranger_in: 2 });
        for daemon in [Daemon::Sshd, Daemon::Nginx, Daemon::Mail, Daemon::Noise] {
            let mut text = String::new();
            traffic.write(daemon, 1000, &mut text);
            assert_eq!(text.lines().count(), 1000);
            assert!(text.lines().all(|line| line.len() > 40), "{daemon:?}");
        }
    }

    #[test]
    fn a_time_is_written_as_nginx_does() {
        assert_eq!(common_time("2026-11-22T05:33:01.1+00:00"), "22/Nov/2026:05:33:01 +0000");
    }

    #[test]
    fn a_pace_is_kept() {
        let mut pace = Pace::new(10_000);
        let sum: usize = (0..20).map(|_| pace.wait()).sum();
        let (given, took) = pace.given();
        assert_eq!(sum, given);
        assert!(given as f64 <= took.as_secs_f64() * 10_000.0 && given > 200);
    }
}

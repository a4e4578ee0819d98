//! Nanoseconds of processor time for the date of a line:
//! `cargo bench -p monban-fail2ban --bench dates`.

use std::hint::black_box;

use monban_fail2ban::dates::{DateFinder, Zone};
use rustix::time::{ClockId, clock_gettime};

const NOW_S: i64 = 1_795_340_000;

const CASES: &[(&str, Option<&str>, &[&str])] = &[
    (
        "syslog",
        None,
        &[
            "Nov 22 05:33:01 host sshd[24200]: Failed password for root from 192.0.2.1 port 56502 ssh2",
        ],
    ),
    (
        "ISO with an offset",
        None,
        &[
            "2026-11-22T05:33:01.123456+01:00 host sshd[24200]: Failed password for root from 192.0.2.1 port 56502 ssh2",
        ],
    ),
    (
        "web server",
        None,
        &[
            "192.0.2.1 - - [22/Nov/2026:05:33:01 +0100] \"GET /wp-login.php HTTP/1.1\" 404 153 \"-\" \"curl/8\"",
        ],
    ),
    (
        "epoch",
        None,
        &[
            "1795339981.123 host sshd[24200]: Failed password for root from 192.0.2.1 port 56502 ssh2",
        ],
    ),
    (
        "syslog and ISO in turn",
        None,
        &[
            "Nov 22 05:33:01 host sshd[24200]: Failed password for root from 192.0.2.1 port 56502",
            "2026-11-22 05:33:01 host sshd[24200]: Failed password for root from 192.0.2.1 port 565",
        ],
    ),
    (
        "no date",
        None,
        &[
            "host sshd[24200]: Failed password for root from 192.0.2.1 port 56502 ssh2: a line without one",
        ],
    ),
    (
        "no date, with colons and months",
        None,
        &[
            "may 12 or 12:34: host sshd[24200]: Failed password for root from 2001:db8::1 port 56502 ssh2",
        ],
    ),
    (
        "syslog, {^LN-BEG}",
        Some("{^LN-BEG}"),
        &[
            "Nov 22 05:33:01 host sshd[24200]: Failed password for root from 192.0.2.1 port 56502 ssh2",
        ],
    ),
    (
        "no date, {^LN-BEG}",
        Some("{^LN-BEG}"),
        &[
            "host sshd[24200]: Failed password for root from 192.0.2.1 port 56502 ssh2: a line without one",
        ],
    ),
    (
        "own pattern",
        Some("^%Y-%m-%d %H:%M:%S"),
        &["2026-11-22 05:33:01 host sshd[24200]: Failed password for root from 192.0.2.1 port 565"],
    ),
    (
        "own pattern with {DATE}",
        Some(r"^[^\[]*\[({DATE})"),
        &[
            "192.0.2.1 - - [22/Nov/2026:05:33:01 +0100] \"GET /wp-login.php HTTP/1.1\" 404 153 \"-\" \"curl/8\"",
        ],
    ),
    (
        "no date, own pattern with {DATE}",
        Some(r"^[^\[]*\[({DATE})"),
        &[
            "host sshd[24200]: Failed password for root from 192.0.2.1 port 56502 ssh2: a line without one",
        ],
    ),
];

fn main() {
    for (name, pattern, lines) in CASES {
        let Some(zone) = Zone::named("CET-01CEST-02,M3.5.0,M10.5.0") else { return };
        let Ok(mut finder) = DateFinder::new(*pattern, NOW_S, zone, None) else { return };
        let mut best = f64::MAX;
        for _ in 0..40 {
            let (rounds, start) = (2_000, processor_s());
            for _ in 0..rounds {
                for line in *lines {
                    black_box(finder.find(black_box(line), NOW_S));
                }
            }
            let lines = f64::from(rounds) * lines.len() as f64;
            best = best.min((processor_s() - start) * 1e9 / lines);
        }
        println!("{best:9.1} ns a line  {name}");
    }
}

fn processor_s() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

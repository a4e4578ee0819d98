//! A log is rotated in the middle of an attack.

use std::fs::OpenOptions;
use std::io::Write;
use std::time::Duration;

use crate::checks::config;
use crate::command::is_installed;
use crate::guard::Guard;
use crate::kernel::{elements, wait_blocked};
use crate::lines::failed_password;
use crate::machine::{Machine, World};
use crate::runner::Setting;
use crate::trouble::{Tried, must};

/// The ways to rotate `$1` in the folder of the log. The last two are logrotate's own.
const WAYS: &[(&str, &str)] = &[
    ("rename+create", "mv $1 $1.1; : >$1"),
    ("copytruncate", "cp $1 $1.1; : >$1"),
    ("delete+recreate", "rm $1; : >$1"),
    ("symlink swap", ": >$1.second; ln -s $1.second $1.new; mv -T $1.new $1"),
    ("dated rename", "mv $1 $1-20261122; : >$1"),
    ("logrotate create", "/usr/sbin/logrotate -f -s /run/rotated $1.create"),
    ("logrotate copytruncate", "/usr/sbin/logrotate -f -s /run/rotated $1.copytruncate"),
];

/// Three failures, the rotation, a fourth: not blocked. The fifth: blocked.
pub fn between_failures(setting: &Setting) -> Tried<String> {
    let world = World::new()?;
    let server = &world.server;
    let ways = WAYS.iter().filter(|(way, _)| is_installed("logrotate") || !way.starts_with("log"));
    let cases: Vec<Case> = (1..).zip(ways).map(|(number, way)| Case::new(number, way)).collect();
    for case in &cases {
        server.shell(&format!("cd /var/log; : >{0}.first; ln -s {0}.first {0}", case.log))?;
        if case.way != "symlink swap" {
            server.shell(&format!("cd /var/log; rm {0}; mv {0}.first {0}", case.log))?;
        }
        for style in ["create", "copytruncate"] {
            let conf = format!("/var/log/{} {{ rotate 4\n dateext\n {style}\n }}\n", case.log);
            std::fs::write(server.log(&format!("{}.{style}", case.log)), conf)?;
        }
    }
    let logs: Vec<&str> = cases.iter().map(|case| case.log.as_str()).collect();
    let guard = Guard::start(server, setting.plan(server, &config("10m"), &logs))?;
    for case in &cases {
        case.run(server, &guard).map_err(|trouble| format!("{}: {trouble}", case.way))?;
    }
    let names: Vec<&str> = cases.iter().map(|case| case.way).collect();
    Ok(format!("3 failures, a rotation, 1: not blocked; the 5th: blocked ({})", names.join(", ")))
}

/// A log, the way it is rotated, and who is told of in it.
struct Case {
    way: &'static str,
    script: &'static str,
    log: String,
    address: String,
}

impl Case {
    fn new(number: u32, (way, script): &(&'static str, &'static str)) -> Self {
        let (log, address) = (format!("auth{number}.log"), format!("198.51.100.{}", 100 + number));
        Self { way, script, log, address }
    }

    fn run(&self, server: &Machine, guard: &Guard<'_>) -> Tried<()> {
        self.fail(server, 1..=3)?;
        guard.wait_counted(&self.address, 3)?;
        let script = format!("cd /var/log; set -- {}; {}", self.log, self.script);
        server.shell(&script)?;
        self.fail(server, 4..=4)?;
        guard.wait_counted(&self.address, 4)?;
        let early = elements(server)?.contains(&self.address);
        must(!early, || "blocked after 4 failures".to_owned())?;
        self.fail(server, 5..=5)?;
        wait_blocked(server, &self.address, Duration::from_secs(5)).map(drop)
    }

    /// Whoever logs opens the log by its name, as after logrotate's `postrotate`.
    fn fail(&self, server: &Machine, numbers: std::ops::RangeInclusive<u32>) -> Tried<()> {
        let mut log = OpenOptions::new().append(true).open(server.log(&self.log))?;
        for number in numbers {
            log.write_all(failed_password(100 + number, &self.address).as_bytes())?;
        }
        Ok(())
    }
}

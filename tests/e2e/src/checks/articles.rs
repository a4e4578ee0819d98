//! The cases of the articles that monban has to replace, with lines like theirs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::checks::config;
use crate::checks::scan::{attackers, scan};
use crate::command::run;
use crate::guard::Guard;
use crate::kernel::{elements, wait_blocked};
use crate::lines::{Log, iso_time};
use crate::machine::World;
use crate::runner::Setting;
use crate::trouble::{Tried, must};

/// When the attacker of the last article came, in the form that he left in the log.
const TRIES: &[&str] = &[
    "Aug 10 14:25:01",
    "Aug 10 14:59:41",
    "Aug 10 14:59:42",
    "Aug 10 14:59:42",
    "Aug 11 03:11:39",
    "Aug 11 03:11:39",
    "Aug 11 03:11:39",
    "Aug 11 03:45:33",
    "Aug 11 03:45:33",
    "Aug 11 03:45:34",
];
const PATIENT: &str = "94.102.63.160";

/// Cases 5 to 7, 22 and 25 to 28, each with a log of its own.
pub fn scanned(setting: &Setting) -> Tried<String> {
    let folder = tempfile::tempdir()?;
    let scan_text = |name: &str, text: &str| -> Tried<Value> {
        let path = folder.path().join(name);
        fs::write(&path, text)?;
        scan(setting, &[&path])
    };
    a_login_is_no_failure(&scan_text("secure", CASES_5_TO_7)?)?;
    let typed = pop3("Aug 10 14:25:01", "<x, rip=198.51.100.9, y>", "203.0.113.5");
    typed_addresses_move_nothing(&scan_text("maillog-22", &typed)?, "case 22")?;
    let tries: String = TRIES.iter().map(|time| pop3(time, "", PATIENT)).collect();
    the_patient_attacker(&scan_text("maillog-25", &tries)?)?;
    let report = scan_text("maillog-26", CASE_26)?;
    must(attackers(&report).is_empty(), || format!("case 26: {report}"))?;
    let rotated = rotated_logs(folder.path())?;
    let paths: Vec<&Path> = rotated.iter().map(PathBuf::as_path).collect();
    counts_over_rotated_logs(&scan(setting, &paths)?)?;
    let typed = pop3("Aug 10 14:25:01", "<x,z, rip=198.51.100.9>", "203.0.113.5");
    typed_addresses_move_nothing(&scan_text("maillog-28", &typed)?, "case 28")?;
    Ok("cases 5, 6, 7, 22, 25, 26, 27 and 28".to_owned())
}

/// Case 25 live: nine tries in the last hours do not block, the tenth does.
pub fn slow_window(setting: &Setting) -> Tried<String> {
    let world = World::new()?;
    let mut log = Log::open(&world.server.log("mail.log"))?;
    let now = SystemTime::now();
    for half_hours in (1..=3).rev() {
        for second in 0..3 {
            let ago = Duration::from_secs(half_hours * 1800 - second);
            log.write(&pop3(&iso_time(now - ago), "", PATIENT))?;
        }
    }
    let plan = setting.plan(&world.server, &config("10m"), &["mail.log"]);
    let guard = Guard::start(&world.server, plan)?;
    thread::sleep(Duration::from_secs(1));
    let early = elements(&world.server)?;
    must(early.is_empty(), || format!("blocked after nine tries: {early:?}"))?;
    log.write(&pop3(&iso_time(SystemTime::now()), "", PATIENT))?;
    let took = wait_blocked(&world.server, PATIENT, Duration::from_secs(5))?;
    guard.why_names(PATIENT, &world.server.log_text("mail.log"), 10)?;
    Ok(format!("nine tries do not block, the tenth does, {} ms later", took.as_millis()))
}

const CASES_5_TO_7: &str = "\
Nov 25 08:21:45 ip-10-0-0-1 sshd[13990]: Connection closed by 10.0.0.167 [preauth]
Nov 26 08:23:07 ip-10-0-0-1 sshd[14178]: Accepted publickey for ec2-user from 10.0.0.167 \
port 52047 ssh2: RSA 00:11:22:33
Nov 26 08:23:07 ip-10-0-0-1 sshd[14178]: pam_unix(sshd:session): session opened for user \
ec2-user by (uid=0)
";

const CASE_26: &str = "\
Aug 10 14:25:01 main dovecot: pop3-login: Disconnected (no auth attempts): \
rip=203.0.113.5, lip=192.168.10.23
Aug 10 14:25:02 main dovecot: POP3(bob): Disconnected: Logged out top=0/0, retr=0/0, \
del=0/0, size=0
";

fn pop3(time: &str, user: &str, address: &str) -> String {
    format!(
        "{time} main dovecot: pop3-login: Disconnected (auth failed, 1 attempts): user={user}, \
         method=PLAIN, rip={address}, lip=192.168.10.23\n"
    )
}

fn a_login_is_no_failure(report: &Value) -> Tried<()> {
    must(report["sightings"] == 3, || format!("cases 5 to 7: not 3 sightings: {report}"))?;
    must(attackers(report).is_empty(), || format!("cases 5 to 7: a failure: {report}"))
}

fn typed_addresses_move_nothing(report: &Value, case: &str) -> Tried<()> {
    let expected = [("203.0.113.5".to_owned(), 1)];
    must(attackers(report) == expected, || format!("{case}: {report}"))
}

fn the_patient_attacker(report: &Value) -> Tried<()> {
    let expected = [(PATIENT.to_owned(), 10)];
    must(attackers(report) == expected, || format!("case 25: {report}"))?;
    let attacker = &report["attackers"][0];
    for (key, time) in [("first", "14:25:01"), ("last", "03:45:34")] {
        let shown = attacker[key].to_string();
        must(shown.contains(time), || format!("case 25: `{key}` is {shown}, not {time}"))?;
    }
    let users = attacker["users"].as_array().map_or(0, Vec::len);
    must(users == 0, || format!("case 25: nobody was named: {}", attacker["users"]))?;
    let blocks = attacker["blocks"].as_array().map_or(0, Vec::len);
    must(blocks == 1, || format!("case 25: one block, at the tenth line: {attacker}"))
}

/// `maillog`, `maillog-YYYYMMDD` and a packed older one.
fn rotated_logs(folder: &Path) -> Tried<Vec<PathBuf>> {
    let many = |count: usize, address: &str, day: u32| -> String {
        (0..count)
            .map(|at| {
                let (hour, minute, second) = (at / 60 % 24, at % 60, at / 24 % 60);
                let time = format!("Aug {day:2} {hour:02}:{minute:02}:{second:02}");
                pop3(&time, "<admin>", address)
            })
            .collect()
    };
    let logs = [
        ("maillog-20140803", many(161, "213.98.2.36", 2)),
        ("maillog-20140810", many(72, PATIENT, 8) + &many(1, "151.250.30.24", 9)),
        ("maillog", many(100, "213.98.2.36", 11)),
    ];
    let mut paths = Vec::new();
    for (name, text) in logs {
        let path = folder.join(name);
        fs::write(&path, text)?;
        paths.push(path);
    }
    run(Command::new("gzip").arg(&paths[0]))?;
    paths[0].set_extension("gz");
    Ok(paths)
}

fn counts_over_rotated_logs(report: &Value) -> Tried<()> {
    let expected = [("151.250.30.24", 1), ("213.98.2.36", 261), (PATIENT, 72)]
        .map(|(address, failures)| (address.to_owned(), failures));
    must(attackers(report) == expected, || format!("case 27: {:?}", attackers(report)))
}

//! fail2ban's own server and monban on the same configuration and the same log, each on a machine
//! of its own: the same bans, and what they cost.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use tempfile::TempDir;

use crate::checks::config;
use crate::command::{run, run_within};
use crate::guard::{Guard, Plan};
use crate::kernel::Ear;
use crate::lines::{Dice, Log, harmless, iso_time};
use crate::machine::Machine;
use crate::memory::{PeakPss, cpu_s, family};
use crate::runner::Setting;
use crate::trouble::{Tried, must};
use crate::waiting::until_true;

/// What is changed of the stock configuration: which jails run, on which logs.
const JAILS: &str = "
[DEFAULT]
bantime = 1h
findtime = 10m
maxretry = 5
banaction = nftables-multiport
banaction_allports = nftables-allports
[sshd]
enabled = true
backend = auto
mode = aggressive
logpath = FOLDER/auth.log
[dovecot]
enabled = true
backend = auto
logpath = FOLDER/mail.log
[postfix-sasl]
enabled = true
backend = auto
logpath = FOLDER/mail.log
maxretry = 3
";

const NAMES: &[&str] = &["sshd", "dovecot", "postfix-sasl"];

/// Addresses that fail, from all the time to now and then.
const ATTACKERS: usize = 600;

/// Lines a second: half of what fail2ban can read.
const LINES_PER_S: usize = 4000;

/// The configuration and the logs that both read.
pub(super) struct Shared {
    folder: TempDir,
}

impl Shared {
    pub(super) fn new() -> Tried<Self> {
        let folder = tempfile::Builder::new().prefix("monban-jails-").tempdir()?;
        let shared = Self { folder };
        // By path: these files are under another licence and no part of the repository.
        run(Command::new("cp").args(["-r", "/etc/fail2ban"]).arg(shared.configuration()))?;
        let own = shared.configuration().join("jail.d/defaults-debian.conf");
        if own.exists() {
            fs::remove_file(own)?;
        }
        let jails = JAILS.replace("FOLDER", &shared.folder.path().display().to_string());
        fs::write(shared.configuration().join("jail.local"), jails)?;
        let server = "[Definition]\nlogtarget = /var/log/fail2ban.log\n";
        fs::write(shared.configuration().join("fail2ban.local"), server)?;
        for log in ["auth.log", "mail.log"] {
            fs::write(shared.log(log), "")?;
        }
        Ok(shared)
    }

    fn configuration(&self) -> PathBuf {
        self.folder.path().join("fail2ban")
    }

    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// A running fail2ban-server. It ends with its machine.
pub(super) struct Theirs<'m> {
    machine: &'m Machine,
    configuration: PathBuf,
    pid: i32,
}

impl<'m> Theirs<'m> {
    pub(super) fn start(machine: &'m Machine, shared: &Shared) -> Tried<Self> {
        machine.shell("mkdir -p /run/fail2ban")?;
        let mut theirs = Self { machine, configuration: shared.configuration(), pid: 0 };
        let database = machine.folder().join("fail2ban.sqlite3");
        let database = format!("[Definition]\ndbfile = {}\n", database.display());
        fs::write(theirs.configuration.join("fail2ban.d/database.local"), database)?;
        theirs.client(&["start"])?;
        until_true("fail2ban starts", Duration::from_secs(20), || {
            Ok(theirs.client(&["ping"])?.contains("pong"))
        })?;
        let found = machine.shell("pgrep -f fail2ban-server | head -1")?;
        let inner: i32 = found.trim().parse().map_err(|_| "fail2ban has no process")?;
        // The namespace numbers it otherwise.
        let everybody = family(machine.pid);
        let is_it = |pid: &&i32| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let line = status.lines().find(|line| line.starts_with("NSpid:")).unwrap_or_default();
            line.split_whitespace().last() == Some(inner.to_string().as_str())
        };
        theirs.pid = *everybody.iter().find(is_it).ok_or("fail2ban is not on its machine")?;
        Ok(theirs)
    }

    pub(super) fn runs(&self) -> bool {
        PathBuf::from(format!("/proc/{}", self.pid)).exists()
    }

    fn client(&self, words: &[&str]) -> Tried<String> {
        let mut command = self.machine.command("fail2ban-client");
        command.arg("-c").arg(&self.configuration).args(words);
        Ok(run_within(&mut command, Duration::from_secs(600))?.out)
    }
}

/// What two servers answer.
pub(super) trait Ask {
    fn ask(&self, words: &[&str]) -> Tried<String>;
}

impl Ask for Theirs<'_> {
    fn ask(&self, words: &[&str]) -> Tried<String> {
        self.client(words)
    }
}

impl Ask for Guard<'_> {
    fn ask(&self, words: &[&str]) -> Tried<String> {
        let words: Vec<&str> =
            ["fail2ban-client"].into_iter().chain(words.iter().copied()).collect();
        Ok(self.words(&words)?.out)
    }
}

pub(super) fn banned(server: &dyn Ask, jail: &str) -> Tried<BTreeSet<String>> {
    let text = server.ask(&["get", jail, "banip"])?;
    Ok(text.split_whitespace().map(str::to_owned).collect())
}

/// Failures and bans so far.
fn totals(server: &dyn Ask) -> Tried<Vec<String>> {
    let total = |jail: &&str| -> Tried<String> {
        let text = server.ask(&["status", jail])?;
        let lines = text.lines().filter(|line| line.contains("Total "));
        Ok(lines.collect::<Vec<_>>().join(" "))
    };
    NAMES.iter().map(total).collect()
}

fn monban<'m>(setting: &Setting, machine: &'m Machine, shared: &Shared) -> Tried<Guard<'m>> {
    Guard::start(machine, plan_of(setting, machine, shared))
}

pub(super) fn plan_of(setting: &Setting, machine: &Machine, shared: &Shared) -> Plan {
    let fail2ban = Some(shared.configuration());
    Plan { fail2ban, ..setting.plan(machine, &config("10m"), &[]) }
}

/// One line of the live log: four in five are an attack.
fn line(dice: &mut Dice, number: u32, attackers: usize) -> (bool, String) {
    let time = iso_time(SystemTime::now());
    // Some fail all the time and some now and then.
    let who = dice.below(attackers).min(dice.below(attackers));
    let address = format!("198.18.{}.{}", who / 250, who % 250 + 1);
    match number % 10 {
        0 | 5 => (false, harmless(number)),
        1 | 2 => (
            true,
            format!(
                "{time} server dovecot: imap-login: Disconnected (auth failed, 1 attempts in 2 secs): \
             user=<bob>, method=PLAIN, rip={address}, lip=192.0.2.1, session=<a>\n"
            ),
        ),
        3 => (
            true,
            format!(
                "{time} server postfix/smtpd[{number}]: warning: unknown[{address}]: SASL LOGIN \
             authentication failed: UGFzc3dvcmQ6\n"
            ),
        ),
        _ => (
            false,
            format!(
                "{time} server sshd[{number}]: Failed password for root from {address} port 40022 ssh2\n"
            ),
        ),
    }
}

/// Writes the live log.
fn write(shared: &Shared, count: usize) -> Tried<()> {
    let mut auth = Log::open(&shared.log("auth.log"))?;
    let mut mail = Log::open(&shared.log("mail.log"))?;
    let mut dice = Dice::new(7);
    let start = Instant::now();
    for number in 0..count {
        let nth = u32::try_from(number).unwrap_or(u32::MAX) + 1000;
        let (is_mail, text) = line(&mut dice, nth, ATTACKERS);
        if is_mail {
            mail.write(&text)?
        } else {
            auth.write(&text)?
        }
        if number % 40 == 0 {
            let due = Duration::from_secs_f64(number as f64 / LINES_PER_S as f64);
            thread::sleep(due.saturating_sub(start.elapsed()));
        }
    }
    Ok(())
}

/// The same bans, processor time, memory, and time from a line to its ban.
pub fn side_by_side(setting: &Setting) -> Tried<String> {
    let shared = Shared::new()?;
    let (there, here) = (Machine::new()?, Machine::new()?);
    let theirs = Theirs::start(&there, &shared)?;
    let ours = monban(setting, &here, &shared)?;
    let (their_cpu, our_cpu) = (cpu_s(theirs.pid), cpu_s(ours.pid));
    let (their_peak, our_peak) = (PeakPss::of(theirs.pid), PeakPss::of(ours.pid));
    let lines = setting.sized(20_000, 200_000);
    write(&shared, lines)?;
    let mut last = Vec::new();
    until_true("fail2ban reads to the end", Duration::from_secs(300), || {
        thread::sleep(Duration::from_secs(4));
        let now = totals(&theirs)?;
        Ok(std::mem::replace(&mut last, now.clone()) == now)
    })?;
    let (their_cpu, our_cpu) = (cpu_s(theirs.pid) - their_cpu, cpu_s(ours.pid) - our_cpu);
    let (their_mib, our_mib) = (their_peak.stop_mib(), our_peak.stop_mib());
    let mut bans = 0;
    for jail in NAMES {
        let (one, other) = (banned(&theirs, jail)?, banned(&ours, jail)?);
        must(one == other && !one.is_empty(), || {
            let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| {
                a.difference(b).take(5).cloned().collect::<Vec<_>>().join(" ")
            };
            let (theirs, ours) = (only(&one, &other), only(&other, &one));
            format!(
                "{jail}: {} and {} bans; only there: {theirs}; only here: {ours}",
                one.len(),
                other.len()
            )
        })?;
        bans += one.len();
        same_set(&there, &here, jail)?;
    }
    let count = setting.sized(20, 100);
    let their_time = latency(&there, &shared, count, 60)?;
    let our_time = latency(&here, &shared, count, 61)?;
    must(our_cpu * 5.0 < their_cpu, || format!("{our_cpu:.2} s of {their_cpu:.2} s"))?;
    Ok(format!(
        "{lines} lines, {bans} bans, the same; CPU {our_cpu:.2} s (fail2ban {their_cpu:.2} s, \
         {:.0} times); memory {our_mib:.1} MiB (fail2ban {their_mib:.1}); line to element p50 \
         {:.2?}, p99 {:.2?} (fail2ban {:.2?}, {:.2?})",
        their_cpu / our_cpu,
        our_time.0,
        our_time.1,
        their_time.0,
        their_time.1
    ))
}

/// Both kernels hold the same addresses in the set of a jail.
fn same_set(there: &Machine, here: &Machine, jail: &str) -> Tried<()> {
    let elements = |machine: &Machine| -> Tried<BTreeSet<String>> {
        let text = machine.shell(&format!("nft list set inet f2b-table addr-set-{jail}"))?;
        let words = text.split(|c: char| c.is_whitespace() || c == ',');
        Ok(words.filter(|word| word.starts_with("198.18.")).map(str::to_owned).collect())
    };
    let (one, other) = (elements(there)?, elements(here)?);
    must(one == other && !one.is_empty(), || {
        format!("the set of {jail} has {} elements there, {} here", one.len(), other.len())
    })
}

/// From the write of the line that leads to a ban to the element in the kernel: p50 and p99.
fn latency(
    machine: &Machine,
    shared: &Shared,
    count: usize,
    network: u8,
) -> Tried<(Duration, Duration)> {
    let mut log = Log::open(&shared.log("auth.log"))?;
    let mut ear = Ear::on(machine)?;
    let mut taken = Vec::new();
    for number in 0..count {
        let address = format!("198.51.{network}.{}", number + 1);
        let one = |pid: usize| {
            let pid = u32::try_from(pid).unwrap_or(u32::MAX);
            crate::lines::failed_password(pid, &address)
        };
        for attempt in 0..4 {
            log.write(&one(number * 8 + attempt + 1000))?;
        }
        thread::sleep(Duration::from_millis(30));
        log.write(&one(number * 8 + 1004))?;
        let written = Instant::now();
        let heard = ear.wait_for(&address, Duration::from_secs(10))?;
        taken.push(heard.saturating_duration_since(written));
    }
    taken.sort_unstable();
    let at = |percent: usize| taken[(taken.len() - 1) * percent / 100];
    Ok((at(50), at(99)))
}

/// Many bans by hand, and all of them again at a start.
pub fn many_bans(setting: &Setting) -> Tried<String> {
    let shared = Shared::new()?;
    let (there, here) = (Machine::new()?, Machine::new()?);
    let theirs = Theirs::start(&there, &shared)?;
    let mut ours = monban(setting, &here, &shared)?;
    let address = |number: usize| format!("198.18.{}.{}", number / 250, number % 250 + 1);
    let (count, sample) = (setting.sized(2000, 20_000), setting.sized(50, 300));
    let ban = |server: &dyn Ask, machine: &Machine, count: usize| -> Tried<Duration> {
        let addresses: Vec<String> = (0..count).map(address).collect();
        let words = ["set", "sshd", "banip"].into_iter();
        let words: Vec<&str> = words.chain(addresses.iter().map(String::as_str)).collect();
        let start = Instant::now();
        let said = server.ask(&words)?;
        must(said.trim() == count.to_string(), || format!("banip said {said:?}"))?;
        wait_elements(machine, count)?;
        Ok(start.elapsed())
    };
    let our_time = ban(&ours, &here, count)?;
    let their_time = ban(&theirs, &there, sample)?;
    // At an end and at a start.
    let plan = ours.plan();
    let stopped = ours.stop()?;
    let left = elements(&here)?;
    must(left == 0, || format!("{left} elements after the end"))?;
    let start = Instant::now();
    ours = Guard::start(&here, plan)?;
    wait_elements(&here, count)?;
    let restored = start.elapsed();
    must(banned(&ours, "sshd")?.len() == count, || "bans are missing".to_owned())?;
    theirs.client(&["restart"])?;
    let start = Instant::now();
    wait_elements(&there, sample)?;
    let theirs_restored = start.elapsed();
    // Whoever comes from fail2ban keeps the bans that are in force.
    let third = Machine::new()?;
    let heir = monban(setting, &third, &shared)?;
    wait_elements(&third, sample)?;
    must(banned(&heir, "sshd")?.len() == sample, || "fail2ban's bans are not kept".to_owned())?;
    let each = |time: Duration, count: usize| time.as_secs_f64() * 1000.0 / count as f64;
    Ok(format!(
        "{count} by banip {:.2} s ({:.3} ms each; fail2ban {:.1} ms each, of {sample}); all ended \
         {:.2} s; restored at the start {:.2} s (fail2ban {:.1} ms each); fail2ban's {sample} taken over",
        our_time.as_secs_f64(),
        each(our_time, count),
        each(their_time, sample),
        stopped.as_secs_f64(),
        restored.as_secs_f64(),
        each(theirs_restored, sample)
    ))
}

fn elements(machine: &Machine) -> Tried<usize> {
    let script =
        "nft list set inet f2b-table addr-set-sshd 2>/dev/null | grep -o '198\\.18\\.' | wc -l";
    Ok(machine.shell(script)?.trim().parse().unwrap_or(0))
}

fn wait_elements(machine: &Machine, count: usize) -> Tried<()> {
    let what = format!("{count} elements");
    until_true(&what, Duration::from_secs(300), || Ok(elements(machine)? == count)).map(drop)
}

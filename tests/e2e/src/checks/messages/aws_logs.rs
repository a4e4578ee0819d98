//! Logs go to CloudWatch Logs, at least once and in order, whatever is killed, rotated or away.

use std::collections::BTreeSet;
use std::fs;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::guard::{Guard, Killed, Plan};
use crate::lines::{Dice, Log, iso_time};
use crate::machine::Machine;
use crate::moto::Moto;
use crate::runner::Setting;
use crate::trouble::{Tried, Trouble, must};
use crate::waiting::until_true;

/// moto answers nobody for so long.
const AWAY: Duration = Duration::from_secs(20);
/// Tries that fail are made again after a minute at most here.
const ARRIVES: Duration = Duration::from_secs(90);
/// Lines that are written while parts are killed, and pauses between them.
const KILLS: usize = 8;

/// Two streams and an imported one, against moto.
pub fn arrive(setting: &Setting) -> Tried<String> {
    let machine = Machine::new()?;
    let moto = Moto::start(&machine)?;
    let mut scene = Scene::new(setting, &machine, &moto)?;
    let count = setting.sized(1000, 10_000);

    let start = Instant::now();
    scene.write(count)?;
    let plain = scene.settled()?;
    let took_s = start.elapsed().as_secs_f64();
    must(plain.doubled == 0 && plain.in_order, || format!("{plain:?}"))?;
    scene.sshd_is_sent()?;

    scene.kill(count)?;
    let killed = scene.settled()?;
    scene.stay_away(300)?;
    let away = scene.settled()?;
    scene.rotate(200)?;
    let rotated = scene.settled()?;
    scene.rotate_while_away(200)?;
    let late = scene.settled()?;
    must(rotated.doubled == away.doubled, || format!("{rotated:?} after {away:?}"))?;
    let total = scene.written;
    let imported = scene.import(setting)?;
    setting.goal(
        plain.in_order && late.in_order_again,
        format!(
            "{count} lines once and in order in {took_s:.1} s; {count} while watcher and courier \
             are killed {KILLS} times and then all of it: none lost, {} doubled; moto away {} s: \
             none lost, {} doubled; 3 renames and 3 copytruncates, and as many while it is away: \
             none lost, {} doubled; {total} lines in all; {imported} of an imported agent",
            killed.doubled,
            AWAY.as_secs(),
            away.doubled - killed.doubled,
            late.doubled - away.doubled,
        ),
    )
}

/// What moto has of the lines.
#[derive(Debug)]
struct Tally {
    doubled: usize,
    /// Each came after the one before it, and once.
    in_order: bool,
    /// The same of the first time that each came.
    in_order_again: bool,
}

impl Tally {
    fn of(numbers: &[usize]) -> Self {
        let mut seen = BTreeSet::new();
        let first: Vec<usize> = numbers.iter().copied().filter(|one| seen.insert(*one)).collect();
        Self {
            doubled: numbers.len() - first.len(),
            in_order: numbers.is_sorted() && first.len() == numbers.len(),
            in_order_again: first.is_sorted(),
        }
    }
}

/// monban, which sends the logs of a machine to moto.
struct Scene<'a> {
    machine: &'a Machine,
    moto: &'a Moto<'a>,
    guard: Option<Guard<'a>>,
    log: Log,
    written: usize,
}

impl<'a> Scene<'a> {
    fn new(setting: &Setting, machine: &'a Machine, moto: &'a Moto<'a>) -> Tried<Self> {
        // Its own address, for the name of a stream.
        machine.shell("ip address add 192.0.2.9/24 dev lo")?;
        let secret = machine.folder().join("secret");
        fs::write(&secret, &moto.secret)?;
        machine.shell(&format!("chmod 600 {}", secret.display()))?;
        let config = format!(
            "[aws]\nregion = \"ap-northeast-1\"\nendpoint = \"{}\"\ncredentials = \"keys\"\n\
             key_id = \"{}\"\nsecret_file = \"{}\"\n\
             [[aws.logs]]\nfiles = [\"/var/log/app*.log\"]\ngroup = \"/app\"\nflush_ms = 500\n\
             from = \"start\"\nretention_days = 30\n\
             [[aws.logs]]\nservices = [\"sshd\"]\ngroup = \"sshd\"\nstream = \"{{ip_address}}\"\n\
             flush_ms = 500\n",
            moto.url(),
            moto.key_id,
            secret.display()
        );
        let log = Log::open(&machine.log("app.log"))?;
        Log::open(&machine.log("auth.log"))?;
        let guard = Guard::start(machine, setting.plan(machine, &config, &["auth.log"]))?;
        Ok(Self { machine, moto, guard: Some(guard), log, written: 0 })
    }

    fn guard(&self) -> Tried<&Guard<'a>> {
        self.guard.as_ref().ok_or_else(|| Trouble("monban does not run".to_owned()))
    }

    fn write(&mut self, count: usize) -> Tried<()> {
        for number in self.written..self.written + count {
            let time = iso_time(SystemTime::now());
            self.log.write(&format!("{time} server app[7]: line {number}\n"))?;
        }
        self.written += count;
        Ok(())
    }

    /// Waits until moto has each line, and a moment more.
    fn settled(&self) -> Tried<Tally> {
        let numbers = || -> Tried<Vec<usize>> {
            let events = self.moto.events("/app")?;
            let number = |text: &String| text.rsplit(' ').next()?.parse().ok();
            Ok(events.iter().filter_map(number).collect())
        };
        let distinct = || -> Tried<usize> { Ok(numbers()?.iter().collect::<BTreeSet<_>>().len()) };
        let waited = until_true("each line", ARRIVES, || Ok(distinct()? >= self.written));
        if let Err(trouble) = waited {
            let status = self.guard()?.monban(&["status"])?;
            let said = self.guard()?.said();
            let (found, of) = (distinct()?, self.written);
            return Err(Trouble(format!("{trouble}: {found} of {of}\n{}\n{said}", status.out)));
        }
        self.is_all_sent()?;
        Ok(Tally::of(&numbers()?))
    }

    /// `status` says so too.
    fn is_all_sent(&self) -> Tried<()> {
        until_true("no backlog", Duration::from_secs(20), || {
            let status = self.guard()?.json(&["status"])?;
            let streams = status["aws_logs"].as_array().cloned().unwrap_or_default();
            let is_sent = |stream: &serde_json::Value| {
                stream["backlog_bytes"] == 0 && stream["error"].is_null()
            };
            Ok(streams.len() == 2 && streams.iter().all(is_sent))
        })
        .map(drop)
    }

    /// Only the lines of a service go to the other stream.
    fn sshd_is_sent(&mut self) -> Tried<()> {
        let time = iso_time(SystemTime::now());
        let mut log = Log::open(&self.machine.log("auth.log"))?;
        let key = "Accepted publickey for u from 203.0.113.1 port 40022 ssh2: ED25519 SHA256:abc";
        log.write(&format!("{time} server sshd[5]: {key}\n{time} server CRON[6]: no\n"))?;
        let events = || self.moto.events("sshd");
        let waited = until_true("sshd's line", ARRIVES, || Ok(!events()?.is_empty()));
        let said = || self.guard().map(Guard::said).unwrap_or_default();
        waited.map_err(|trouble| Trouble(format!("{trouble}: {}", said())))?;
        let found = events()?;
        must(found.len() == 1 && found[0].contains(key), || format!("{found:?}"))
    }

    fn kill(&mut self, count: usize) -> Tried<()> {
        let mut dice = Dice::new(11);
        for kill in 0..KILLS {
            self.write(count / (KILLS + 1))?;
            thread::sleep(Duration::from_millis(100 + dice.below(900) as u64));
            match kill % 2 {
                0 => self.guard()?.kill_watcher()?,
                _ => self.guard()?.kill_courier()?,
            }
            self.write(5)?;
        }
        self.write(count / (KILLS + 1))?;
        let guard = self.guard.take().ok_or("monban does not run")?;
        self.guard = Some(guard.kill_and_restart(Killed::Both)?);
        Ok(())
    }

    fn stay_away(&mut self, count: usize) -> Tried<()> {
        self.moto.halt()?;
        let start = Instant::now();
        for _ in 0..10 {
            self.write(count / 10)?;
            thread::sleep(AWAY / 12);
        }
        thread::sleep(AWAY.saturating_sub(start.elapsed()));
        let status = self.guard()?.json(&["status"])?;
        self.moto.go_on()?;
        let waits = status["aws_logs"][0]["backlog_bytes"].as_u64();
        must(waits > Some(0), || format!("{status}"))
    }

    /// Renames and creates, then copies and truncates.
    fn rotate(&mut self, count: usize) -> Tried<()> {
        for _ in 0..3 {
            self.write(count / 6)?;
            thread::sleep(Duration::from_millis(300));
            self.write(count / 6)?;
            self.log.rotate()?;
        }
        for _ in 0..3 {
            self.write(count / 6)?;
            thread::sleep(Duration::from_millis(1500));
            self.write(count / 6)?;
            self.copy_and_truncate()?;
        }
        self.write(count / 6)
    }

    fn copy_and_truncate(&mut self) -> Tried<()> {
        let log = self.machine.log("app.log").display().to_string();
        let older = (1..14).rev().map(|number| {
            format!("[ ! -e {log}.{number} ] || mv {log}.{number} {log}.{}\n", number + 1)
        });
        let script = older.collect::<String>() + &format!("cp -p {log} {log}.1\n: >{log}");
        self.machine.shell(&script).map(drop)
    }

    fn rotate_while_away(&mut self, count: usize) -> Tried<()> {
        self.moto.halt()?;
        self.write(10)?;
        thread::sleep(Duration::from_secs(3));
        self.rotate(count)?;
        thread::sleep(AWAY / 2);
        self.moto.go_on()
    }

    /// An agent's configuration is taken over; how many lines arrive by it.
    fn import(mut self, setting: &Setting) -> Tried<usize> {
        if let Some(guard) = self.guard.take() {
            guard.stop()?;
        }
        let folder = "/etc/awslogs";
        let (id, secret) = (&self.moto.key_id, &self.moto.secret);
        self.machine.shell(&format!(
            "mkdir -p {folder}; cat >{folder}/awslogs.conf <<'E'\n\
             [general]\nstate_file = /var/lib/awslogs/agent-state\n\
             [/var/log/old.log]\nfile = /var/log/old.log\nlog_group_name = old\n\
             log_stream_name = {{hostname}}\ndatetime_format = %b %d %H:%M:%S\n\
             buffer_duration = 5000\ninitial_position = start_of_file\nencoding = utf-8\nE\n\
             cat >{folder}/awscli.conf <<'E'\n[plugins]\ncwlogs = cwlogs\n\
             [default]\nregion = ap-northeast-1\n\
             aws_access_key_id = {id}\naws_secret_access_key = {secret}\nE\n\
             chmod 600 {folder}/awscli.conf"
        ))?;
        let mut command = self.machine.command(&setting.binary);
        command.args(["import", "awslogs", "--output", "/etc/awslogs/piece.toml"]);
        crate::command::run(&mut command)?;
        let piece = self.machine.shell("cat /etc/awslogs/piece.toml")?;
        let endpoint = format!("[aws]\nendpoint = \"{}\"\n", self.moto.url());
        let config = piece.replacen("[aws]\n", &endpoint, 1);
        let mut log = Log::open(&self.machine.log("old.log"))?;
        let count = 50;
        for number in 0..count {
            let date = self.machine.shell("LC_ALL=C date '+%b %d %H:%M:%S'")?;
            log.write(&format!("{} server old: line {number}\n", date.trim()))?;
        }
        let plan = setting.plan(self.machine, &config, &["auth.log"]);
        let plan = Plan { state: self.machine.folder().join("other"), ..plan };
        let guard = Guard::start(self.machine, plan)?;
        let events = || self.moto.events("old");
        let waited = until_true("imported lines", ARRIVES, || Ok(events()?.len() >= count));
        waited.map_err(|trouble| Trouble(format!("{trouble}\n{config}\n{}", guard.said())))?;
        Ok(events()?.len())
    }
}

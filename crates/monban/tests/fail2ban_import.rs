//! `monban fail2ban import` with the database of a real fail2ban-server, and with hostile ones.

#![allow(clippy::unwrap_used, clippy::panic, reason = "all of it is test code")]

mod running;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use running::Running;
use serde_json::Value;

const JAILS: &str = "
[DEFAULT]
ignoreip = 127.0.0.1/8 203.0.113.250
bantime = 1h
backend = polling
action =
[sshd]
enabled = true
logpath = FOLDER/log
[dovecot]
enabled = true
bantime = -1
logpath = FOLDER/log
";

/// A configuration beside the installed one, and a state of monban.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// `None` where fail2ban is not installed.
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let stock = std::env::var("MONBAN_FAIL2BAN").unwrap_or("/etc/fail2ban".to_owned());
        if !Path::new(&stock).join("jail.conf").exists() {
            println!("left out: {stock}/jail.conf is missing");
            return None;
        }
        let place = Self { folder };
        let copied = Command::new("cp").arg("-rL").arg(&stock).arg(place.path("f2b")).status();
        assert!(copied.unwrap().success());
        let _ = fs::remove_dir_all(place.path("f2b") + "/jail.d");
        let here = place.folder.path().display().to_string();
        let server = format!(
            "[Definition]\ndbfile = {here}/db\nsocket = {here}/f.sock\npidfile = {here}/f.pid\n\
             logtarget = {here}/f.log\n"
        );
        fs::write(place.path("f2b/fail2ban.local"), server).unwrap();
        fs::write(place.path("f2b/jail.local"), JAILS.replace("FOLDER", &here)).unwrap();
        fs::write(place.path("log"), "").unwrap();
        Some(place)
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn monban(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_monban"));
        command.args(arguments).args(["--state", &self.path("state")]).env("LC_ALL", "C");
        command.current_dir(self.folder.path()).output().unwrap()
    }

    fn import(&self, more: &[&str]) -> Value {
        let f2b = self.path("f2b");
        let output = self.monban(&[&["fail2ban", "import", &f2b, "--json"], more].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        let found: Result<Value, _> = serde_json::from_str(&text);
        found.unwrap_or_else(|_| panic!("{text} {}", String::from_utf8_lossy(&output.stderr)))
    }

    fn blocked(&self) -> usize {
        let output = self.monban(&["bans", "--json"]);
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        found["blocks"].as_array().unwrap().len()
    }

    /// A database of fail2ban's form with these rows in `bips`, as SQL.
    fn database(&self, rows: &str) -> bool {
        let script = format!(
            "import sqlite3, time
db = sqlite3.connect({:?})
db.executescript('''CREATE TABLE bans(jail TEXT, ip TEXT, timeofban INTEGER, bantime INTEGER,
    bancount INTEGER, data JSON);
CREATE TABLE bips(ip TEXT, jail TEXT, timeofban INTEGER, bantime INTEGER, bancount INTEGER,
    data JSON, PRIMARY KEY(ip, jail));
{rows}'''.replace('NOW', str(int(time.time()))))",
            self.path("db")
        );
        let made = Command::new("python3").args(["-c", &script]).status();
        let is_made = made.is_ok_and(|status| status.success());
        if !is_made {
            println!("left out: no python3 with sqlite3");
        }
        is_made
    }
}

fn can_make_namespaces() -> bool {
    let quiet = Command::new("unshare").args(["-n", "true"]).stderr(Stdio::null()).status();
    let can = quiet.is_ok_and(|status| status.success());
    if !can {
        println!("left out: no right to make a namespace");
    }
    can
}

fn wait_for(what: &str, mut is_there: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !is_there() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A real server bans 25 addresses in each jail, and one of IPv6.
fn ban_with_fail2ban(place: &Place) -> bool {
    let client = |words: &[&str]| {
        let mut command = Command::new("fail2ban-client");
        command.args(["-c", &place.path("f2b")]).args(words);
        command.output()
    };
    if client(&["-V"]).is_err() || !can_make_namespaces() {
        println!("left out: no fail2ban-server");
        return false;
    }
    let mut server = Command::new("unshare");
    server.args(["-n", "fail2ban-server", "-xf", "-c", &place.path("f2b"), "start"]);
    let server = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let server = Running(server);
    let answers = |words: &[&str]| client(words).is_ok_and(|output| output.status.success());
    wait_for("fail2ban's server", || answers(&["status", "dovecot"]));
    for (jail, net) in [("sshd", "203.0.113"), ("dovecot", "198.51.100")] {
        let addresses: Vec<String> = (1..=25).map(|at| format!("{net}.{at}")).collect();
        let mut words = vec!["set", jail, "banip"];
        words.extend(addresses.iter().map(String::as_str));
        assert!(answers(&words));
        wait_for("the bans", || {
            let shown = client(&["get", jail, "banip"]).unwrap().stdout;
            String::from_utf8_lossy(&shown).split_whitespace().count() == 25
        });
    }
    assert!(answers(&["set", "sshd", "banip", "2001:db8::5"]));
    wait_for("the ban", || {
        let shown = client(&["get", "sshd", "banip"]).unwrap().stdout;
        String::from_utf8_lossy(&shown).contains("2001:db8::5")
    });
    drop(server);
    true
}

#[test]
fn bans_of_a_real_server_go_on() {
    let Some(place) = Place::new() else { return };
    if !ban_with_fail2ban(&place) {
        return;
    }
    let tried = place.import(&["--dry-run"]);
    assert_eq!(tried["blocks"], 51, "{tried}");
    assert!(!Path::new(&place.path("monban.toml")).exists());
    assert!(!Path::new(&place.path("state")).exists());
    let done = place.import(&[]);
    assert_eq!((&done["blocks"], &done["history"]), (&51.into(), &51.into()), "{done}");
    assert_eq!(done["left_out"], serde_json::json!({}));
    assert_eq!(place.blocked(), 51);
    let why = place.monban(&["why", "203.0.113.7"]);
    let why = String::from_utf8_lossy(&why.stdout).into_owned();
    assert!(why.contains("taken over from fail2ban: sshd"), "{why}");
    let good = place.monban(&["config", "check", "--config", &place.path("monban.toml")]);
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stdout));
    // A second time: the file stays, and the blocks are known.
    let again = place.import(&[]);
    assert!(again["error"].as_str().unwrap().contains("already"), "{again}");
    let again = place.import(&["--force"]);
    assert_eq!(again["left_out"]["known"]["count"], 51, "{again}");
    assert_eq!(place.blocked(), 51);
}

#[test]
fn a_daemon_that_runs_takes_the_bans() {
    let Some(place) = Place::new() else { return };
    let rows = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 200)
        INSERT INTO bips SELECT '203.0.113.' || x, 'sshd', NOW, 3600, 1, NULL FROM n;";
    if !place.database(rows) || !can_make_namespaces() {
        return;
    }
    let mut daemon = Command::new("unshare");
    daemon.args(["-n", env!("CARGO_BIN_EXE_monban"), "run", "--log", &place.path("log")]);
    daemon.args(["--state", &place.path("state")]).stdout(Stdio::null()).stderr(Stdio::null());
    let daemon = Running(daemon.spawn().unwrap());
    wait_for("the daemon", || place.monban(&["status"]).status.success());
    let started = Instant::now();
    let done = place.import(&["--output", "new.toml"]);
    assert_eq!(done["by_daemon"], true, "{done}");
    assert_eq!((&done["blocks"], &done["refused"]), (&200.into(), &0.into()), "{done}");
    println!("200 bans through the daemon: {:?}", started.elapsed());
    wait_for("the blocks", || place.blocked() == 200);
    drop(daemon);
}

#[test]
fn hostile_databases_are_told_of_and_change_nothing_else() {
    let Some(place) = Place::new() else { return };
    let none = place.import(&["--dry-run"]);
    assert_eq!((&none["database"], &none["blocks"]), (&Value::Null, &0.into()));
    for content in [&b"no database"[..], &[7; 100_000], b"SQLite format 3\0 and no more"] {
        fs::write(place.path("db"), content).unwrap();
        let refused = place.import(&[]);
        assert!(refused["error"].is_string(), "{refused}");
    }
    fs::remove_file(place.path("db")).unwrap();
    assert!(!Path::new(&place.path("monban.toml")).exists());
    let rows = "INSERT INTO bips VALUES ('203.0.113.1', 'sshd', NOW, 600, 1, NULL),
            ('203.0.113.2', 'sshd', 'x', 600, 1, 5), ('203.0.113.250', 'sshd', NOW, 600, 1, NULL),
            ('127.0.0.1', 'dovecot', NOW, -2, 1, NULL), ('$(id)', 'sshd', NOW, 600, 1, NULL),
            (char(27) || '[31m', 'sshd', NOW, 600, 1, NULL), ('203.0.113.3', 'off', NOW, -1, 1, 1),
            ('203.0.113.4', 'sshd', 5, 600, 7, NULL), ('203.0.113.5', 'dovecot', NOW, -2, 2, NULL);
        WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 300000)
        INSERT INTO bans SELECT 'sshd', printf('10.%d.%d.%d', x / 65536, x / 256 % 256, x % 256),
            NOW - x, 600, 1, NULL FROM n;";
    if !place.database(rows) {
        return;
    }
    let started = Instant::now();
    let done = place.import(&[]);
    let left = |why: &str| done["left_out"][why]["count"].as_u64().unwrap_or(0);
    assert_eq!((&done["blocks"], &done["unreadable"]), (&2.into(), &1.into()), "{done}");
    let counts = ["no-address", "allowed", "no-jail", "expired"].map(left);
    assert_eq!(counts, [2, 2, 1, 1], "{done}");
    assert_eq!(place.blocked(), 2);
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    let shown = place.monban(&["fail2ban", "import", &place.path("f2b"), "--dry-run"]);
    assert!(!shown.stdout.contains(&27), "escapes of a terminal are not passed on");
}

#[test]
fn every_stock_jail_gives_a_good_configuration() {
    let Some(place) = Place::new() else { return };
    let stock = fs::read_to_string(place.path("f2b/jail.conf")).unwrap();
    let names = stock.lines().filter(|line| line.starts_with('[') && !line.contains("INCLUDES"));
    let all: String = names
        .filter(|line| !line.contains("DEFAULT"))
        .map(|line| {
            format!("{line}\nenabled = true\nbantime.increment = true\nbantime.rndtime = 5m\n")
        })
        .collect();
    fs::write(place.path("f2b/jail.local"), all).unwrap();
    let done = place.import(&[]);
    let text = fs::read_to_string(place.path("monban.toml")).unwrap();
    assert_eq!(done["policy"], text);
    assert!(text.contains("NOT TAKEN OVER: jail asterisk"), "{text}");
    assert!(text.contains("NOT TAKEN OVER: bantime.rndtime = 5m"), "{text}");
    // Strangers write lines of their own into nginx's error log: monban's rules judge nobody there.
    for jail in ["nginx-http-auth", "nginx-limit-req", "nginx-botsearch"] {
        assert!(text.contains(&format!("NOT TAKEN OVER: jail {jail}")), "{jail}: {text}");
        assert!(!text.contains(&format!("[policy.{jail}]")), "{jail}: {text}");
    }
    assert!(text.contains("[policy.http-refused]"), "{text}");
    // Whoever leaves out the rest of the words names folders from here.
    let relative = place.monban(&["fail2ban", "import", "f2b", "--dry-run", "--json"]);
    let relative: Value = serde_json::from_slice(&relative.stdout).unwrap();
    assert!(relative["policy"].as_str().unwrap().contains("folder = \"/"), "{relative}");
    assert!(!relative["policy"].as_str().unwrap().contains("folder = \"f2b"), "{relative}");
    let good = place.monban(&["config", "check", "--config", &place.path("monban.toml")]);
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stdout));
}

//! The installed fail2ban: its server in a network namespace and a folder of its own, and its
//! client for each command.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub code: i64,
    pub out: String,
    pub err: String,
}

pub struct Oracle {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

/// Writes the configuration of a folder: its settings, one filter and one action for all jails.
pub fn write_folder(folder: &Path, jails: &str) {
    for name in ["filter.d", "action.d"] {
        fs::create_dir_all(folder.join(name)).expect("a folder");
    }
    let shown = folder.display();
    let main = format!(
        "[Definition]\nloglevel = INFO\nlogtarget = {shown}/f2b.log\nsyslogsocket = auto\n\
         socket = {shown}/f2b.sock\npidfile = {shown}/f2b.pid\ndbfile = {shown}/f2b.sqlite3\n\
         dbpurgeage = 1d\ndbmaxmatches = 10\n"
    );
    let filter = "[Definition]\n\
         failregex = ^ bad \\w+ from <HOST>$\n            ^ wrong <F-USER>\\S+</F-USER> at <ADDR>\n\
         ignoreregex = ^ bad dog\n";
    let action = "[Definition]\nactionstart = true start\nactionstop = true stop\n\
         actionban = true ban <ip> <color>\nactionunban = true unban <ip>\n\
         [Init]\ncolor = red\n";
    for (name, text) in [
        ("fail2ban.conf", main.as_str()),
        ("jail.conf", &jails.replace("FOLDER", &shown.to_string())),
        ("filter.d/made.conf", filter),
        ("action.d/quiet.conf", action),
        ("one.log", ""),
        ("two.log", ""),
    ] {
        fs::write(folder.join(name), text).expect("a file");
    }
}

impl Oracle {
    /// Starts it with the configuration of a folder, and waits for its last jail; says so where
    /// that cannot be done.
    pub fn start(folder: &Path, last_jail: &str) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            println!("left out: only root can run fail2ban in a network namespace of its own");
            return None;
        }
        let mut command = Command::new("unshare");
        command.args(["-n", "/usr/bin/python3"]);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/client/oracle.py"));
        command.arg(folder).arg(last_jail).env("LC_ALL", "C.UTF-8");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let Ok(mut child) = command.spawn() else {
            println!("left out: there is no unshare here");
            return None;
        };
        let input = child.stdin.take();
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        let mut first = String::new();
        output.read_line(&mut first).expect("a line");
        if !first.contains("here") {
            println!("left out: fail2ban is not installed: {first}");
            child.wait().expect("it ends");
            return None;
        }
        Some(Self { child, input, output })
    }

    pub fn ask(&mut self, words: &[String]) -> Told {
        let line = serde_json::json!(words).to_string() + "\n";
        self.input.as_mut().expect("open").write_all(line.as_bytes()).expect("it reads");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it answers");
        let told: Value = serde_json::from_str(&line).expect("JSON");
        let text = |name: &str| told[name].as_str().expect("a text").to_owned();
        Told { code: told["code"].as_i64().expect("a code"), out: text("out"), err: text("err") }
    }

    /// Lets the server work.
    pub fn wait(&mut self, seconds: f64) {
        self.ask(&["test sleep".to_owned(), seconds.to_string()]);
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        // At the end of its input it stops the server.
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

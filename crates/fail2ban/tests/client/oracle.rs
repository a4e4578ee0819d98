//! The installed fail2ban: its server in a network namespace and a folder of its own, and its
//! client for each command.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::python::{Python, script};

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub code: i64,
    pub out: String,
    pub err: String,
}

/// At its end it stops the server.
pub struct Oracle(Python);

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
        let python = script("client/oracle.py")?;
        let mut command = Command::new("unshare");
        command.arg("-n").arg(python.get_program()).args(python.get_args());
        command.arg(folder).arg(last_jail);
        Python::start(command, |first| first.contains("here")).map(Self)
    }

    pub fn ask(&mut self, words: &[String]) -> Told {
        let line = self.0.ask(&serde_json::json!(words).to_string());
        let told: Value = serde_json::from_str(&line).expect("JSON");
        let text = |name: &str| told[name].as_str().expect("a text").to_owned();
        Told { code: told["code"].as_i64().expect("a code"), out: text("out"), err: text("err") }
    }

    /// Lets the server work.
    pub fn wait(&mut self, seconds: f64) {
        self.ask(&["test sleep".to_owned(), seconds.to_string()]);
    }
}

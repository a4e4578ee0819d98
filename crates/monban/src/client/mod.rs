//! `monban fail2ban-client`: what scripts, monitors and panels ask of fail2ban, asked of monban.
//!
//! The same words give the same texts and exit codes (0, or 255 where something failed). What is
//! different is about the process: `reload` and `restart` have the whole configuration taken over,
//! `start` and `stop` without a jail say how monban is started and ended.

mod config;
mod interactive;
mod line;
mod options;
mod pretty;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;
use monban_fail2ban::client::{ClientError, Value, beautify};
use monban_fail2ban::config::{Seconds, Version, can_spare};
use monban_fail2ban::log_line::Event;
use monban_model::limits::PATH_MAX;
use monban_views::Say;

use crate::cli::Common;
use crate::out;
use crate::place::Place;
use line::{Line, Silence};
use options::{Only, Options};

/// Whether something runs is known after so long.
const PING: Duration = Duration::from_secs(10);

/// The arguments, if the program was called as `fail2ban-client`.
pub fn called_by_its_name() -> Option<Vec<OsString>> {
    let mut args = std::env::args_os();
    let name = args.next()?;
    (Path::new(&name).file_name()? == "fail2ban-client").then(|| args.collect())
}

/// The entries of `ignoreip` of all jails that run, each with its jails; none where no daemon of
/// this state folder answers. What can spare nobody is left out.
pub fn ignored(state: PathBuf) -> BTreeMap<String, Vec<String>> {
    let line = Line::new(state);
    let ask = |words: [&str; 3]| line.say(&words.map(str::to_owned)).ok().and_then(Result::ok);
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let Some(Value::Dict(jails)) = ask(["status", "--all", "stats"]) else { return found };
    for (jail, _) in jails {
        let Some(Value::List(entries)) = ask(["get", &jail, "ignoreip"]) else { continue };
        for entry in entries.iter().map(Value::shown).filter(|entry| can_spare(entry)) {
            found.entry(entry).or_default().push(jail.clone());
        }
    }
    found
}

/// Does what the arguments say.
pub fn main(common: &Common, args: &[OsString], say: &Say) -> ExitCode {
    let args: Vec<String> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let done = match Options::parse(&args) {
        Some(options) => run(common, &options, say),
        None => {
            out::write(&say.text("client-help", &[]));
            eprintln!("Init of command line failed");
            false
        }
    };
    if done { ExitCode::SUCCESS } else { ExitCode::from(255) }
}

fn run(common: &Common, options: &Options, say: &Say) -> bool {
    if let Some(only) = &options.only {
        return alone(only, say);
    }
    let conf = options.conf.clone().unwrap_or_else(|| PathBuf::from("/etc/fail2ban"));
    if let Some(dump) = options.dump {
        let good = config::dump(&conf, dump, say);
        if !options.test {
            return good;
        }
    }
    if options.test {
        if !config::test(&conf, say) {
            complain("ERROR: test configuration failed");
            return false;
        }
        if options.words.is_empty() {
            out::line("OK: configuration test is successful");
            return true;
        }
    }
    let named = options.socket.clone().filter(|path| path.is_dir());
    let line = Line::new(named.unwrap_or_else(|| Place::of(common).state));
    let client = Client { line, say };
    if options.interactive {
        return interactive::run(&client, &options.words);
    }
    if options.words.is_empty() {
        out::write(&say.text("client-help", &[]));
        return false;
    }
    client.command(&options.words)
}

fn alone(only: &Only, say: &Say) -> bool {
    match only {
        Only::Help => out::write(&say.text("client-help", &[])),
        Only::Version { short: true } => out::line(Version::default().text()),
        Only::Version { short: false } => {
            out::line(format!("Fail2Ban v{}", Version::default().text()));
        }
        Only::Seconds(text) => match Seconds::parse(text) {
            Ok(seconds) => out::line(Value::of_seconds(seconds).shown()),
            Err(_) => {
                out::line(format!("ERROR: this is no length of time: {text}"));
                eprintln!("Init of command line failed");
                return false;
            }
        },
    }
    true
}

/// Tells what is wrong, as a line of fail2ban's log.
pub fn complain(text: &str) {
    let event = Event::OfClient { text };
    let line = event.line(Timestamp::now(), &monban_zone::of_the_process(), std::process::id());
    eprintln!("{line}");
}

/// Asks one daemon.
pub struct Client<'s> {
    line: Line,
    say: &'s Say,
}

impl Client<'_> {
    /// Does one command; false if it failed.
    pub fn command(&self, words: &[String]) -> bool {
        let texts: Vec<&str> = words.iter().map(String::as_str).collect();
        match texts.as_slice() {
            ["start"] => self.start(),
            ["stop"] => {
                complain(&self.say.text("client-stop", &[]));
                false
            }
            ["restart", ..] => {
                let mut reload = vec!["reload".to_owned(), "--restart".to_owned()];
                reload.extend_from_slice(&words[1..]);
                self.reload(&reload)
            }
            ["reload", ..] => self.reload(words),
            ["ping", patience, ..] => match patience.trim().parse::<f64>() {
                Ok(seconds) if seconds > 0.0 => self.ping(seconds.min(3600.0)),
                _ => {
                    let shown = Value::text(*patience).repr();
                    complain(&format!("could not convert string to float: {shown}"));
                    false
                }
            },
            ["set", "logtarget", target, ..] => self.log_to(target, words),
            _ => self.ask(words),
        }
    }

    /// Only the warden opens a file, and only for whoever may ask it; what is no file is for the
    /// watcher to refuse.
    fn log_to(&self, target: &str, words: &[String]) -> bool {
        let path = target.split('[').next().unwrap_or_default();
        let moved = match path.starts_with('/') && path.len() <= PATH_MAX {
            true => self.line.log_to(path),
            false => Ok(true),
        };
        match moved {
            Ok(true) => self.ask(words),
            Ok(false) => refused(&ClientError::no_log_target()),
            Err(silence) => self.silent(&silence),
        }
    }

    /// Asks and shows the answer.
    fn ask(&self, words: &[String]) -> bool {
        match self.line.say(words) {
            Ok(Ok(value)) => {
                out::line(beautify(words, &value));
                true
            }
            Ok(Err(error)) => refused(&error),
            Err(silence) => self.silent(&silence),
        }
    }

    fn ping(&self, seconds: f64) -> bool {
        match self.line.ping(Duration::from_secs_f64(seconds.max(0.001))) {
            Ok(()) => {
                out::line("Server replied: pong");
                true
            }
            Err(silence) => self.silent(&silence),
        }
    }

    fn start(&self) -> bool {
        if self.line.ping(PING).is_ok() {
            complain("Server already running");
        } else {
            complain(&self.say.text("client-start", &[]));
        }
        false
    }

    /// The whole configuration is taken over, also where one jail is named: jails that are as
    /// before go on as they are. `--unban` ends the bans first; `--restart` asks for nothing that
    /// is not done anyway, since actions that have changed are stopped and started.
    fn reload(&self, words: &[String]) -> bool {
        let is_option =
            |word: &&String| matches!(word.as_str(), "--restart" | "--unban" | "--if-exists");
        let options: Vec<&String> = words[1..].iter().take_while(is_option).collect();
        let rest = &words[1 + options.len()..];
        if rest.len() > 1 {
            let shown = Value::texts(rest).repr();
            complain(&format!("Unexpected argument(s) for reload: {shown}"));
            return false;
        }
        let has = |option: &str| options.iter().any(|word| *word == option);
        if self.line.ping(PING).is_err() {
            complain("Could not find server");
            return false;
        }
        let jail = rest.first().filter(|jail| *jail != "--all");
        if has("--unban") && !self.unban(jail) {
            return false;
        }
        match self.line.reload(self.say) {
            Ok(Ok(told)) => told.iter().for_each(|text| complain(text)),
            Ok(Err(text)) => {
                complain(&text);
                return false;
            }
            Err(silence) => return self.silent(&silence),
        }
        if let Some(jail) = jail.filter(|_| !has("--if-exists")) {
            let words = ["status", jail, "short"].map(str::to_owned);
            match self.line.say(&words) {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return refused(&error),
                Err(silence) => return self.silent(&silence),
            }
        }
        out::line("OK");
        true
    }

    /// Ends all bans, or those of a jail, if there is such a jail.
    fn unban(&self, jail: Option<&String>) -> bool {
        let texts = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let mut words: Vec<String> = texts(&["unban", "--all"]);
        if let Some(jail) = jail {
            words = texts(&["set", jail, "unbanip"]);
            let banned: Vec<String> = texts(&["get", jail, "banned"]);
            if let Ok(Ok(Value::List(ids))) = self.line.say(&banned) {
                words.extend(ids.iter().map(Value::shown));
            }
            if words.len() == 3 {
                return true;
            }
        }
        match self.line.say(&words) {
            Ok(Ok(_)) => true,
            Ok(Err(error)) => refused(&error),
            Err(silence) => self.silent(&silence),
        }
    }

    /// Says why there is no answer.
    fn silent(&self, silence: &Silence) -> bool {
        let path = self.line.socket();
        let path = path.display();
        complain(&match silence {
            Silence::Nobody => {
                format!("Failed to access socket path: {path}. Is fail2ban running?")
            }
            Silence::Denied => {
                format!("Permission denied to socket: {path}, (you must be root)")
            }
            Silence::Broken(why) => {
                format!("[{why}] Unable to contact server. Is it running?")
            }
        });
        false
    }
}

fn refused(error: &ClientError) -> bool {
    complain(&error.logged());
    out::line(error.shown());
    false
}

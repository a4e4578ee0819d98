//! The exchange with the daemon: words in a memory file, and so the answer.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use monban_fail2ban::client::{ClientError, Value, question, reply};
use monban_model::limits::WORDS_BYTES_MAX;
use monban_model::wire::{Reply, Request};
use monban_views::Say;
use monban_warden::{memory_file, read_memory_file};

use crate::commands::{PATIENCE_WITH_ENDS, exchange};
use crate::problems;
use crate::roles::control::short_path;

/// An answer may be about hundreds of thousands of bans, or wait for the end of jails.
const PATIENCE: Duration = PATIENCE_WITH_ENDS;

/// Why there is no answer.
#[derive(Debug)]
pub enum Silence {
    /// Nobody listens.
    Nobody,
    /// This user may not ask.
    Denied,
    /// It was asked and did not answer.
    Broken(String),
}

/// The line to one daemon.
pub struct Line {
    state: PathBuf,
}

impl Line {
    /// To the daemon of this state folder.
    pub fn new(state: PathBuf) -> Self {
        Self { state }
    }

    /// The path of its socket.
    pub fn socket(&self) -> PathBuf {
        self.state.join(crate::roles::control::SOCKET)
    }

    /// Says words and hears what is answered.
    pub fn say(&self, words: &[String]) -> Result<Result<Value, ClientError>, Silence> {
        let broken = |text: &str| Silence::Broken(text.to_owned());
        let bytes = question(words);
        if bytes.len() > WORDS_BYTES_MAX {
            return Err(broken("the command is too long"));
        }
        let file = memory_file(&bytes).map_err(|error| Silence::Broken(error.to_string()))?;
        match self.exchange(&Request::Words, Some(&file), PATIENCE)? {
            (Reply::Words, Some(answer)) => {
                let bytes = read_memory_file(answer, WORDS_BYTES_MAX);
                let bytes = bytes.map_err(|error| Silence::Broken(error.to_string()))?;
                reply(&bytes).ok_or_else(|| broken("the answer cannot be read"))
            }
            (Reply::Done { notices, .. }, _) => Err(self.refused(&notices)),
            _ => Err(broken("the answer is none to a command")),
        }
    }

    /// Whether somebody answers.
    pub fn ping(&self, patience: Duration) -> Result<(), Silence> {
        let file = memory_file(&question(&["ping".to_owned()]));
        let file = file.map_err(|error| Silence::Broken(error.to_string()))?;
        match self.exchange(&Request::Words, Some(&file), patience)? {
            (Reply::Words, _) => Ok(()),
            (Reply::Done { notices, .. }, _) => Err(self.refused(&notices)),
            _ => Err(Silence::Broken("the answer is none to a command".to_owned())),
        }
    }

    /// Has the configuration taken over anew: what is to be told beside, or what is wrong with it.
    pub fn reload(&self, say: &Say) -> Result<Result<Vec<String>, String>, Silence> {
        match self.exchange(&Request::Reload, None, PATIENCE)?.0 {
            Reply::Done { done: true, notices } => {
                let ends = notices.iter().filter(|one| one.key == "jails-still-end");
                Ok(Ok(ends.map(|one| say.notice(one)).collect()))
            }
            // Taken over, but for some jails.
            Reply::Done { notices, .. } if notices.iter().any(|one| one.key == "reloaded") => {
                let lacks = notices.iter().filter(|one| one.key != "reloaded");
                let texts: Vec<String> = lacks.map(|one| say.notice(one)).collect();
                Ok(Err(texts.join("\n")))
            }
            Reply::Done { notices, .. } => Err(self.refused(&notices)),
            Reply::Refused(refusal) => Ok(Err(problems::show_refusal(&refusal, say))),
            _ => Err(Silence::Broken("the answer is none to a reload".to_owned())),
        }
    }

    /// Has the log in fail2ban's form written to this file; whether that could be done.
    pub fn log_to(&self, path: &str) -> Result<bool, Silence> {
        match self.exchange(&Request::JailLog { path: path.to_owned() }, None, PATIENCE)?.0 {
            Reply::Done { done, notices } if notices.is_empty() => Ok(done),
            Reply::Done { notices, .. } => Err(self.refused(&notices)),
            _ => Err(Silence::Broken("the answer is none to a change of the log".to_owned())),
        }
    }

    fn exchange(
        &self,
        request: &Request,
        file: Option<&std::os::fd::OwnedFd>,
        patience: Duration,
    ) -> Result<(Reply, Option<std::os::fd::OwnedFd>), Silence> {
        let answer = open(&self.state).and_then(|folder| match folder {
            None => Ok(None),
            Some(folder) => {
                exchange(&short_path(&folder), request, file.map(AsFd::as_fd), patience)
            }
        });
        match answer {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => Err(Silence::Nobody),
            Err(error) => Err(match error.kind() {
                io::ErrorKind::PermissionDenied => Silence::Denied,
                io::ErrorKind::WouldBlock => Silence::Broken("timed out".to_owned()),
                _ => Silence::Broken(error.to_string()),
            }),
        }
    }

    fn refused(&self, notices: &[monban_model::Notice]) -> Silence {
        match notices.first().map(|notice| notice.key.as_str()) {
            Some("not-allowed") => Silence::Denied,
            Some("watcher-away") => Silence::Broken("the watcher is away".to_owned()),
            other => Silence::Broken(other.unwrap_or("refused").to_owned()),
        }
    }
}

fn open(state: &Path) -> io::Result<Option<File>> {
    match File::open(state) {
        Ok(folder) => Ok(Some(folder)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

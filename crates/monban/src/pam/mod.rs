//! A message at every login, by way of PAM: the hook itself, and its line in `/etc/pam.d`.

mod args;
mod change;
mod check;
mod edit;
mod finding;
mod foreign;
pub mod hook;
mod key_files;
mod record;
mod sshd;
mod stack;
mod survey;
mod trust;
mod user_env;
mod watched;
mod write;

use std::path::PathBuf;
use std::process::ExitCode;

use monban_views::Say;

pub use args::PamAction;
pub use key_files::KeyFiles;
pub use watched::Watched;

use crate::cli::Common;
use stack::PamDir;
use survey::elsewhere;

/// The services through which people come in or become others. What runs without a person, such
/// as cron, is none of them.
const SERVICES: &[&str] = &["sshd", "login", "su", "su-l", "sudo", "sudo-i"];

/// Runs one of its commands.
pub fn main(common: &Common, action: &PamAction, say: &Say) -> ExitCode {
    match action {
        PamAction::Install(args) => change::install(common, args, say),
        PamAction::Remove(args) => change::remove(common, args, say),
        PamAction::Check(args) => check::main(common, args, say),
    }
}

/// Those of them that this machine has.
fn usual(dir: &PamDir) -> Vec<String> {
    let is_there = |name: &&&str| dir.file(name).exists() || elsewhere(dir, name).is_some();
    SERVICES.iter().filter(is_there).map(|name| (*name).to_owned()).collect()
}

/// This program, as PAM is to call it.
fn program() -> PathBuf {
    let path = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("/usr/bin/monban"));
    path.canonicalize().unwrap_or(path)
}

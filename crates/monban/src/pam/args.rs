//! `monban pam` on the command line.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What to do with the hook.
#[derive(Debug, Subcommand)]
pub enum PamAction {
    /// Have PAM tell of each login: shows what changes, asks, and keeps the old files
    Install(InstallArgs),
    /// Take the hook out again
    Remove(RemoveArgs),
    /// Check the hook, scripts of others and sshd; exits 0 only if nothing is wrong
    Check(CheckArgs),
}

/// Where PAM and sshd have their files.
#[derive(Clone, Debug, Args)]
pub struct Where {
    /// A service, may be repeated [default: sshd, login, su, su-l, sudo, sudo-i, if there]
    #[arg(long = "service", value_name = "NAME", value_parser = service)]
    pub services: Vec<String>,
    /// Folder of PAM's services
    #[arg(long, value_name = "DIR", default_value = "/etc/pam.d")]
    pub pam_dir: PathBuf,
}

/// The sshd of this machine.
#[derive(Clone, Debug, Args)]
pub struct SshdArgs {
    /// The sshd that is asked for its configuration
    #[arg(long, value_name = "PROGRAM", default_value = "/usr/sbin/sshd")]
    pub sshd: PathBuf,
    /// Its configuration [default: /etc/ssh/sshd_config]
    #[arg(long, value_name = "FILE")]
    pub sshd_config: Option<PathBuf>,
}

/// `monban pam install`.
#[derive(Clone, Debug, Args)]
pub struct InstallArgs {
    #[command(flatten)]
    pub place: Where,
    #[command(flatten)]
    pub sshd: SshdArgs,
    /// Change nothing: show what would change
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Also where a script of others sends a message already: make a comment of its line
    #[arg(long)]
    pub replace: bool,
}

/// `monban pam remove`.
#[derive(Clone, Debug, Args)]
pub struct RemoveArgs {
    #[command(flatten)]
    pub place: Where,
    /// Change nothing: show what would change
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// `monban pam check`.
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    pub place: Where,
    #[command(flatten)]
    pub sshd: SshdArgs,
}

/// The name of a service is that of a file in PAM's folder.
fn service(text: &str) -> Result<String, String> {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || "-_.+@".contains(c);
    match !text.is_empty() && !text.starts_with('.') && text.chars().all(is_fine) {
        true => Ok(text.to_owned()),
        false => Err("a service is a file in PAM's folder, such as sshd".to_owned()),
    }
}

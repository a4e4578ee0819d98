//! The arguments of what concerns fail2ban: its configuration, its filters, its client.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `monban fail2ban-client`, or monban under that name.
#[derive(Clone, Debug, Args)]
pub struct ClientArgs {
    /// Its options and words, such as `status sshd`; -h lists them
    #[arg(value_name = "ARGUMENT", trailing_var_arg = true, allow_hyphen_values = true)]
    pub args: Vec<OsString>,
}

/// What to do with a fail2ban configuration.
#[derive(Debug, Subcommand)]
pub enum Fail2banAction {
    /// Show the jails with everything put in, and where each value was written
    Show(ShowArgs),
    /// Check what of it runs here, and what is dangerous in it; exits 0 only if all of it runs
    Check(CheckArgs),
    /// Take over running bans and their history, and write a monban.toml with the same policy
    Import(ImportArgs),
}

/// `monban fail2ban import`.
#[derive(Clone, Debug, Args)]
pub struct ImportArgs {
    /// Its folder, such as /etc/fail2ban
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Its database [default: the one that fail2ban.conf names]
    #[arg(long, value_name = "FILE")]
    pub db: Option<PathBuf>,
    /// Where to write the configuration
    #[arg(long, value_name = "FILE", default_value = "monban.toml")]
    pub output: PathBuf,
    /// Also over a file that is there
    #[arg(long)]
    pub force: bool,
    /// Change nothing: show what would be taken over, and the configuration
    #[arg(long)]
    pub dry_run: bool,
}

/// `monban fail2ban check`.
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// Its folder
    #[arg(value_name = "DIR", default_value = "/etc/fail2ban")]
    pub dir: PathBuf,
    /// Also the jails that are switched off
    #[arg(long)]
    pub all: bool,
}

/// `monban fail2ban show`.
#[derive(Clone, Debug, Args)]
pub struct ShowArgs {
    /// Its folder
    #[arg(value_name = "DIR", default_value = "/etc/fail2ban")]
    pub dir: PathBuf,
    /// One jail, also if it is switched off
    pub jail: Option<String>,
    /// Also the jails that are switched off
    #[arg(long)]
    pub all: bool,
}

/// What to do with a filter.
#[derive(Debug, Subcommand)]
pub enum FilterAction {
    /// Show what a filter or an expression makes of lines
    Test(FilterTestArgs),
}

/// `monban filter test`.
#[derive(Clone, Debug, Args)]
pub struct FilterTestArgs {
    /// A filter such as sshd or "sshd[mode=aggressive]", or an expression with <HOST>
    #[arg(value_name = "FILTER|REGEX")]
    pub filter: String,
    /// A file, - for standard input, or one line
    #[arg(value_name = "FILE|-|LINE", allow_hyphen_values = true)]
    pub input: String,
    /// Folder of the fail2ban configuration
    #[arg(long, value_name = "DIR", default_value = "/etc/fail2ban")]
    pub fail2ban: PathBuf,
    /// The clock stands at this time (seconds since 1970)
    #[arg(long, value_name = "EPOCH", allow_hyphen_values = true)]
    pub now: Option<i64>,
    /// Lines carry no date, as those of the journal: they are of now
    #[arg(long)]
    pub journal: bool,
    /// Another date pattern than the filter's
    #[arg(long, value_name = "PATTERN")]
    pub datepattern: Option<String>,
    /// Show so many hits, and so many lines that nothing matched
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub show: usize,
}

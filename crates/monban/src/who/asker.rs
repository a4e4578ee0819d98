//! The process that asks strangers who an address is. What comes back is hostile, so it has no
//! rights but the network: its own user, no files, no programs.

use std::fs::{self, File};
use std::io::{self, Write};
use std::process::ExitCode;

use monban_courier::who::{Geo, NameServers, Rdap, Servers, look_up};
use monban_model::limits::WHO_TEXT_MAX;
use monban_model::wire::{FrameError, Reader, Wire, Writer, encode};
use monban_model::{Address, Asn, Origin, WhoAnswer};
use rustix::process::{Signal, set_parent_process_death_signal};

use super::places;
use crate::cli::AskerArgs;
use crate::roles::sandbox;
use crate::watch::now;

/// What the asker found out, as it writes it to its standard output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// What registries say.
    pub answer: WhoAnswer,
    /// What the database of places says.
    pub place: Origin,
    /// The name of the system there.
    pub place_as_name: String,
    /// Why the database of places said nothing; empty if it is none or said what it could.
    pub geo_error: String,
}

/// Ports of servers: whois, names, RDAP.
const PORTS: [u16; 3] = [43, 53, 443];

/// Runs the process.
pub fn main(args: &AskerArgs) -> ExitCode {
    let answered = match args.address {
        Some(address) => {
            ask(args, address).and_then(|looked| io::stdout().write_all(&encode(&looked)))
        }
        None => places::main(args),
    };
    match answered {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("monban asker: {error}");
            ExitCode::FAILURE
        }
    }
}

fn ask(args: &AskerArgs, address: Address) -> io::Result<Looked> {
    // Opened while this process may; read when it may no more.
    let geo = args.geo.as_ref().map(File::open);
    let resolv = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let names = NameServers::of_resolv_conf(&resolv);
    let servers = servers(args, names);
    if let Some(uid) = args.uid {
        sandbox::become_nobody((uid, uid))?;
    }
    // Whoever waits for the answer may give up. A change of the user takes this back.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let named = args.server.as_ref().map(|(_, port)| *port);
    let rdap = args.rdap.as_deref().and_then(port_of);
    let ports: Vec<u16> = PORTS.into_iter().chain(named).chain(rdap).collect();
    sandbox::lock_asking(&ports)?;
    let mut looked = Looked {
        answer: WhoAnswer::Failed("nobody was asked".to_owned()),
        place: Origin::default(),
        place_as_name: String::new(),
        geo_error: String::new(),
    };
    let found = geo.map(|file| {
        let geo = Geo::read(file.map_err(|error| error.to_string())?);
        let geo = geo.map_err(|error| error.to_string())?;
        geo.lookup(address).map_err(|error| error.to_string())
    });
    match found {
        Some(Ok(place)) => {
            (looked.place, looked.place_as_name) = (place.origin(), place.as_name);
        }
        Some(Err(error)) => looked.geo_error = error,
        None => {}
    }
    if let Some(special) = address.special() {
        looked.answer = WhoAnswer::NotPublic(special);
    } else if !args.offline {
        looked.answer = look_up(&servers, address, now());
    }
    Ok(looked)
}

/// Whom to ask. Where an operator names a server of his own, the world is not asked beside it.
fn servers(args: &AskerArgs, names: NameServers) -> Servers {
    let rdap = match (&args.rdap, &args.server) {
        (Some(url), _) => Rdap::At(url.clone()),
        (None, Some(_)) => Rdap::Never,
        (None, None) => Rdap::Registries,
    };
    let announced = args.rdap.is_none() && args.server.is_none();
    Servers { rdap, whois: args.server.clone(), announced, ..Servers::registries(names) }
}

/// The port that an address on the web names.
fn port_of(url: &str) -> Option<u16> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split('/').next()?;
    let named = authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    named.or_else(|| url.starts_with("http://").then_some(80))
}

impl Wire for Looked {
    fn put(&self, out: &mut Writer) {
        self.answer.put(out);
        self.place.country.put(out);
        self.place.asn.map(|asn| asn.0).put(out);
        out.text(&self.place_as_name, WHO_TEXT_MAX);
        out.text(&self.geo_error, WHO_TEXT_MAX);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(Self {
            answer: Wire::take(from)?,
            place: Origin {
                country: Wire::take(from)?,
                asn: <Option<u32> as Wire>::take(from)?.map(Asn),
            },
            place_as_name: from.text(WHO_TEXT_MAX)?,
            geo_error: from.text(WHO_TEXT_MAX)?,
        })
    }
}

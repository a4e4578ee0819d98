//! Where addresses are, as the database of places says, asked of a process that begins before this
//! one gives its rights up.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, Read, Write};
use std::process::Stdio;

use monban_courier::who::{Geo, Place};
use monban_model::Address;
use monban_model::limits::{DIGEST_ATTACKERS_MAX, WHO_TEXT_MAX};
use rustix::process::{Signal, set_parent_process_death_signal};

use super::{Ended, Settings, role};
use crate::cli::AskerArgs;
use crate::roles::sandbox;

/// Bytes of one line: an address, its country, the number and name of its system.
const LINE_MAX: usize = WHO_TEXT_MAX + 128;

/// Somebody who knows where addresses are, if there is a database.
pub struct Places(Option<Ended>);

impl Places {
    /// Begins. Where that fails, no address has a place.
    pub fn begin(settings: &Settings) -> Self {
        if !settings.geo.exists() {
            return Self(None);
        }
        let child = role("asker").and_then(|mut command| {
            command.arg("--places").arg("--geo").arg(&settings.geo);
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()
        });
        Self(child.ok().map(Ended))
    }

    /// Where these addresses are, such as `JP, AS4713 OCN`; as far as it is known.
    pub fn find(self, addresses: &[Address]) -> HashMap<Address, String> {
        self.ask(addresses).unwrap_or_default()
    }

    fn ask(self, addresses: &[Address]) -> io::Result<HashMap<Address, String>> {
        let Some(mut child) = self.0 else { return Ok(HashMap::new()) };
        let mut asked = String::new();
        addresses.iter().for_each(|address| asked.push_str(&format!("{address}\n")));
        if let Some(mut input) = child.0.stdin.take() {
            input.write_all(asked.as_bytes())?;
        }
        let said = child.said(DIGEST_ATTACKERS_MAX * LINE_MAX)?;
        let said = String::from_utf8_lossy(&said);
        let place = |line: &str| {
            let (address, place) = line.split_once('\t')?;
            let is_known = !place.is_empty();
            is_known.then_some((address.parse().ok()?, place.to_owned()))
        };
        Ok(said.lines().filter_map(place).collect())
    }
}

/// Runs the process that is asked.
pub fn main(args: &AskerArgs) -> io::Result<()> {
    let path = args.geo.as_ref().ok_or_else(|| io::Error::other("no database"))?;
    // Opened while this process may; read when it may no more.
    let file = File::open(path)?;
    if let Some(uid) = args.uid {
        sandbox::become_nobody((uid, uid))?;
    }
    set_parent_process_death_signal(Some(Signal::KILL))?;
    sandbox::lock_alone()?;
    let geo = Geo::read(file).map_err(|error| io::Error::other(error.to_string()))?;
    let mut out = String::new();
    let asked = io::stdin().lock().take((DIGEST_ATTACKERS_MAX * LINE_MAX) as u64);
    for line in asked.lines().take(DIGEST_ATTACKERS_MAX) {
        let line = line?;
        let Ok(address) = line.parse::<Address>() else { continue };
        if let Ok(place) = geo.lookup(address) {
            out.push_str(&format!("{address}\t{}\n", shown(&place)));
        }
    }
    io::stdout().write_all(out.as_bytes())
}

/// `JP, AS4713 OCN`, as far as it is known.
pub fn shown(place: &Place) -> String {
    let country = place.country.map(|country| country.to_string());
    let name = monban_views::printable(place.as_name.as_bytes());
    let system = place.asn.map(|asn| format!("AS{} {name}", asn.0).trim_end().to_owned());
    [country, system].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

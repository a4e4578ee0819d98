//! Where addresses are, as the database of places says, asked of a process that begins before this
//! one gives its rights up.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, Read, Write};
use std::path::Path;
use std::process::Stdio;

use monban_courier::who::{Geo, Place};
use monban_model::limits::{DIGEST_ATTACKERS_MAX, WHO_TEXT_MAX};
use monban_model::{Address, Origin};
use rustix::process::{Signal, set_parent_process_death_signal};

use super::{Ended, role};
use crate::cli::AskerArgs;
use crate::roles::sandbox;

/// Bytes of one line: an address, its country, the number and name of its system.
const LINE_MAX: usize = WHO_TEXT_MAX + 128;

/// Where addresses are, and the same for people.
type Known = HashMap<Address, (Origin, String)>;

/// Somebody who knows where addresses are, if there is a database.
pub struct Places(Option<Ended>);

impl Places {
    /// Begins. Where that fails, no address has a place.
    pub fn begin(geo: &Path) -> Self {
        if !geo.exists() {
            return Self(None);
        }
        let child = role("asker").and_then(|mut command| {
            command.arg("--places").arg("--geo").arg(geo);
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()
        });
        Self(child.ok().map(Ended))
    }

    /// Where these addresses are, such as `JP, AS4713 OCN`; as far as it is known.
    pub fn find(self, addresses: &[Address]) -> HashMap<Address, String> {
        let known = self.ask(addresses).unwrap_or_default();
        known.into_iter().map(|(address, (_, shown))| (address, shown)).collect()
    }

    /// Where one is, if that is known.
    pub fn origin(self, address: Address) -> Option<Origin> {
        let known = self.ask(&[address]).ok()?;
        known.get(&address).map(|(origin, _)| *origin).filter(Origin::is_known)
    }

    fn ask(self, addresses: &[Address]) -> io::Result<Known> {
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
            let (origin, shown) = place.split_once('\t')?;
            let is_known = !shown.is_empty();
            let known = (origin.parse().ok()?, shown.to_owned());
            is_known.then_some((address.parse().ok()?, known))
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
        if let (Ok(place), Ok(origin)) = (geo.lookup(address), geo.origin(address)) {
            out.push_str(&format!("{address}\t{origin}\t{}\n", shown(&place)));
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

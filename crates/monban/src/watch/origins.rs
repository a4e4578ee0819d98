//! Where those are of whom `[[origin]]` asks, by a database of places.
//!
//! The database is read into memory, and only while a table asks: a flood comes from many
//! addresses, and reading the file for each would take milliseconds. It is a copy: whatever becomes
//! of the file, nothing changes here before the warden hands over another.

use std::fs::File;
use std::io::Read;

use monban_courier::who::{Geo, GeoError};
use monban_engine::Bounded;
use monban_model::limits::ORIGINS_KEPT_MAX;
use monban_model::{Address, Notice, Origin, OriginRule};

use super::notice;

/// Where the ledger keeps the key of the notice that says why `[[origin]]` is without effect, and
/// behind a tab what the system says of that; empty if it is not.
pub const META: &str = "origins.trouble";

/// Where addresses are.
#[derive(Debug)]
pub struct Origins {
    /// Whether any table asks for countries, and for systems.
    asks: (bool, bool),
    geo: Option<Geo>,
    known: Bounded<Address, Origin>,
    trouble: Option<Notice>,
    /// The ledger does not know the trouble yet.
    pub changed: bool,
}

impl Default for Origins {
    fn default() -> Self {
        Self {
            asks: (false, false),
            geo: None,
            known: Bounded::new(ORIGINS_KEPT_MAX),
            trouble: None,
            changed: true,
        }
    }
}

impl Origins {
    /// Other tables. The database comes behind them.
    pub fn set_up(&mut self, rules: &[OriginRule]) {
        let countries = rules.iter().any(|rule| rule.countries.asks());
        self.asks = (countries, rules.iter().any(|rule| rule.systems.asks()));
    }

    /// Another database, or none. Gives what is to be told of it.
    pub fn take(&mut self, file: Option<File>) -> Option<Notice> {
        self.known = Bounded::new(ORIGINS_KEPT_MAX);
        self.geo = None;
        let trouble = if self.asks == (false, false) { None } else { self.read(file) };
        self.changed |= self.trouble != trouble;
        self.trouble = trouble;
        self.trouble.clone()
    }

    /// Where an address is, as far as it is known. Where the database is damaged it knows nothing.
    pub fn of(&mut self, address: Address) -> Origin {
        if let Some(known) = self.known.get_mut(&address) {
            return *known;
        }
        let Some(geo) = &self.geo else { return Origin::default() };
        let origin = geo.origin(address).unwrap_or_default();
        *self.known.entry(address) = origin;
        origin
    }

    /// For the ledger.
    pub fn meta(&self) -> (String, String) {
        let told = self.trouble.as_ref().map(|trouble| {
            let error = trouble.values.first().map_or("", |(_, error)| error);
            format!("{}\t{error}", trouble.key)
        });
        (META.to_owned(), told.unwrap_or_default())
    }

    /// Reads the database, and says what is wrong with it.
    fn read(&mut self, file: Option<File>) -> Option<Notice> {
        let Some(mut file) = file else { return Some(notice("origin-no-database", &[])) };
        // The descriptor may be shared with who reads it for messages.
        let read = std::io::Seek::rewind(&mut file).map_err(GeoError::Io);
        let geo = match read.and_then(|()| Geo::read(file.by_ref())) {
            Ok(geo) => geo,
            Err(error) => return Some(notice("origin-failed", &[("error", error.to_string())])),
        };
        let facts = geo.facts();
        self.geo = Some(geo);
        match (self.asks.0 && !facts.countries, self.asks.1 && !facts.systems) {
            (true, _) => Some(notice("origin-lacks-countries", &[])),
            (_, true) => Some(notice("origin-lacks-systems", &[])),
            _ => None,
        }
    }
}

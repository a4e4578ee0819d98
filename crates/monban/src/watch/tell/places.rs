//! Where addresses are, by a database that the warden opened. It is read when a message names an
//! address that none has named lately, and not kept: it would be a large part of what the watcher
//! takes.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use monban_courier::who::{Geo, GeoError, Place};
use monban_model::Address;
use monban_model::limits::PLACES_KEPT_MAX;

/// The database, where there is one.
#[derive(Debug, Default)]
pub(super) struct Places {
    database: Option<Database>,
    /// That it cannot be read was told.
    told: bool,
    /// What it says of the addresses of the last messages.
    known: HashMap<Address, Place>,
}

/// Its file, which several threads may read at a time.
#[derive(Clone, Debug)]
pub(super) struct Database(Arc<File>);

impl Places {
    /// Another database, or none.
    pub(super) fn set(&mut self, file: Option<OwnedFd>) {
        let database = file.map(|file| Database(Arc::new(File::from(file))));
        *self = Self { database, ..Self::default() };
    }

    /// The database.
    pub(super) fn database(&self) -> Option<Database> {
        self.database.clone()
    }

    /// Reads where these addresses are, at one go. Why that cannot be known, told once.
    pub(super) fn look_up(&mut self, mut addresses: Vec<Address>) -> Option<String> {
        let database = self.database.as_ref()?;
        addresses.retain(|address| !self.known.contains_key(address));
        if addresses.is_empty() {
            return None;
        }
        if self.known.len() + addresses.len() > PLACES_KEPT_MAX {
            self.known.clear();
        }
        match database.find(&addresses) {
            Ok(mut found) => {
                let place = |address| (address, found.remove(&address).unwrap_or_default());
                self.known.extend(addresses.into_iter().map(place));
                None
            }
            Err(error) => {
                let is_new = !std::mem::replace(&mut self.told, true);
                is_new.then(|| error.to_string())
            }
        }
    }

    /// Where an address is that was looked up.
    pub(super) fn of(&self, address: Address) -> Place {
        self.known.get(&address).cloned().unwrap_or_default()
    }
}

impl Database {
    /// Where these addresses are, as far as it says.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub(super) fn find(&self, addresses: &[Address]) -> Result<HashMap<Address, Place>, GeoError> {
        let geo = Geo::read(FromStart { file: &self.0, at: 0 })?;
        let place = |address: &Address| Some((*address, geo.lookup(*address).ok()?));
        Ok(addresses.iter().filter_map(place).collect())
    }
}

/// A file from its beginning on, wherever others have read it to.
struct FromStart<'f> {
    file: &'f File,
    at: u64,
}

impl io::Read for FromStart<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(bytes, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

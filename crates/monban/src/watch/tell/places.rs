//! Where addresses are, by a database that the warden opened. It is read when a message names an
//! address, and not kept: it would be a large part of what the watcher takes.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use monban_courier::who::{Geo, GeoError, Place};
use monban_model::Address;

/// The database, where there is one.
#[derive(Debug, Default)]
pub(super) struct Places {
    database: Option<Database>,
    /// That it cannot be read was told.
    told: bool,
}

/// Its file, which several threads may read at a time.
#[derive(Clone, Debug)]
pub(super) struct Database(Arc<File>);

impl Places {
    /// Another database, or none.
    pub(super) fn set(&mut self, file: Option<OwnedFd>) {
        let database = file.map(|file| Database(Arc::new(File::from(file))));
        *self = Self { database, told: false };
    }

    /// The database.
    pub(super) fn database(&self) -> Option<Database> {
        self.database.clone()
    }

    /// Where these addresses are; the second is why that is not known, told once.
    pub(super) fn of(
        &mut self,
        addresses: &[Address],
    ) -> (HashMap<Address, Place>, Option<String>) {
        let Some(database) = self.database.as_ref().filter(|_| !addresses.is_empty()) else {
            return (HashMap::new(), None);
        };
        match database.find(addresses) {
            Ok(places) => (places, None),
            Err(error) => {
                let is_new = !std::mem::replace(&mut self.told, true);
                (HashMap::new(), is_new.then(|| error.to_string()))
            }
        }
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

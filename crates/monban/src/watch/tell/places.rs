//! Where addresses are, by a database that the warden opened. It is read when a message names an
//! address, and not kept: it would be a large part of what the watcher takes.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

use monban_courier::who::Geo;
use monban_model::{Address, Event, Record};
use monban_views::Whereabouts;

/// The database, where there is one.
#[derive(Debug, Default)]
pub(super) struct Places {
    file: Option<OwnedFd>,
    /// That it cannot be read was told.
    told: bool,
}

impl Places {
    /// Another database, or none.
    pub(super) fn set(&mut self, file: Option<OwnedFd>) {
        *self = Self { file, told: false };
    }

    /// Where the addresses of these records are; the second is why that is not known, told once.
    pub(super) fn of(
        &mut self,
        records: &[Record],
    ) -> (Vec<(Address, Whereabouts)>, Option<String>) {
        let mut addresses: Vec<Address> = records.iter().filter_map(address_of).collect();
        addresses.sort_unstable();
        addresses.dedup();
        if addresses.is_empty() {
            return (Vec::new(), None);
        }
        let Some(file) = &self.file else { return (Vec::new(), None) };
        let read = file.as_fd().try_clone_to_owned().map(File::from).and_then(|mut file| {
            std::io::Seek::rewind(&mut file)?;
            Geo::read(file).map_err(std::io::Error::other)
        });
        match read {
            Ok(geo) => {
                let known = addresses.into_iter().filter_map(|address| {
                    let place = geo.lookup(address).ok()?;
                    let origin = Whereabouts {
                        country: place.country.map(|code| code.to_string()).unwrap_or_default(),
                        network: place.as_name.clone(),
                        asn: place.asn.map(|asn| asn.0),
                        ..Whereabouts::default()
                    };
                    Some((address, origin))
                });
                (known.collect(), None)
            }
            Err(error) if !self.told => {
                self.told = true;
                (Vec::new(), Some(error.to_string()))
            }
            Err(_) => (Vec::new(), None),
        }
    }
}

fn address_of(record: &Record) -> Option<Address> {
    match &record.event {
        Event::Entered(login) => login.address,
        Event::Found(finding) => Some(finding.address),
        _ => None,
    }
}

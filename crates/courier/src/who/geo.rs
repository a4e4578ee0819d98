//! A database of places: which country and autonomous system an address belongs to, without asking
//! anybody.
//!
//! Any file in MaxMind's form (`.mmdb`) with one of the usual schemas. It is read into memory, not
//! mapped: whoever cuts a mapped file off ends the process that looks into it (SIGBUS), and a file
//! of countries has 8 MB.

use std::fmt;
use std::io::{self, Read};

use maxminddb::{MaxMindDbError, PathElement, Reader, WithinOptions};
use monban_model::limits::GEO_BYTES_MAX;
use monban_model::{Address, Asn, Country, Origin, Special, Stamp};
use serde::Deserialize;

use super::text::clean;

/// A database, ready to be asked.
#[derive(Debug)]
pub struct Geo {
    reader: Reader<Vec<u8>>,
    bytes: u64,
}

/// What a database says of an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Its country.
    pub country: Option<Country>,
    /// Its autonomous system.
    pub asn: Option<Asn>,
    /// The name of that system; harmless, at most [`monban_model::limits::WHO_TEXT_MAX`] bytes.
    pub as_name: String,
}

impl Place {
    /// Where it is, as policies look at it.
    pub const fn origin(&self) -> Origin {
        Origin { country: self.country, asn: self.asn }
    }
}

/// What a database says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeoFacts {
    /// Its kind, such as `GeoLite2-Country`.
    pub kind: String,
    /// Its description.
    pub description: String,
    /// When it was made.
    pub built: Stamp,
    /// Whether it has IPv6 addresses.
    pub six: bool,
    /// Whether it tells countries.
    pub countries: bool,
    /// Whether it tells autonomous systems.
    pub systems: bool,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Why a database is of no use.
#[derive(Debug)]
pub enum GeoError {
    /// It cannot be read.
    Io(io::Error),
    /// It is larger than [`GEO_BYTES_MAX`].
    TooLarge,
    /// It is no such file, or damaged.
    Damaged(String),
    /// It is one, and tells neither countries nor autonomous systems.
    NothingOfUse,
}

impl fmt::Display for GeoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::TooLarge => write!(f, "the database has more than {GEO_BYTES_MAX} bytes"),
            Self::Damaged(why) => write!(f, "no database of places, or a damaged one: {why}"),
            Self::NothingOfUse => {
                f.write_str("the database tells neither countries nor autonomous systems")
            }
        }
    }
}

impl std::error::Error for GeoError {}

/// Networks that are looked at to see what a database tells.
const SAMPLE: usize = 512;

impl Geo {
    /// Reads a database from wherever the caller opened it.
    ///
    /// # Errors
    /// As [`Geo::of_bytes`], and if it cannot be read.
    pub fn read(file: impl Read) -> Result<Self, GeoError> {
        let mut bytes = Vec::new();
        let most = GEO_BYTES_MAX as u64 + 1;
        file.take(most).read_to_end(&mut bytes).map_err(GeoError::Io)?;
        Self::of_bytes(bytes)
    }

    /// A database from its bytes. Its form is looked at, not all that is in it.
    ///
    /// # Errors
    /// If it is too large, or no such file.
    pub fn of_bytes(bytes: Vec<u8>) -> Result<Self, GeoError> {
        if bytes.len() > GEO_BYTES_MAX {
            return Err(GeoError::TooLarge);
        }
        let size = bytes.len() as u64;
        Reader::from_source(bytes).map(|reader| Self { reader, bytes: size }).map_err(damaged)
    }

    /// What it says of an address: an empty place if nothing.
    ///
    /// # Errors
    /// If the file is damaged there.
    pub fn lookup(&self, address: Address) -> Result<Place, GeoError> {
        match self.reader.lookup(address.ip()) {
            Ok(found) => place(&found),
            // One of IPv4 only, asked for an IPv6 address.
            Err(MaxMindDbError::InvalidInput { .. }) => Ok(Place::default()),
            Err(error) => Err(damaged(error)),
        }
    }

    /// Where an address is, for whoever decides by that; nothing is read beside it. Networks of
    /// one's own are nowhere, whatever the database says.
    ///
    /// # Errors
    /// If the file is damaged there.
    pub fn origin(&self, address: Address) -> Result<Origin, GeoError> {
        if address.special().is_some_and(Special::is_nowhere) {
            return Ok(Origin::default());
        }
        match self.reader.lookup(address.ip()) {
            Ok(found) => origin(&found),
            Err(MaxMindDbError::InvalidInput { .. }) => Ok(Origin::default()),
            Err(error) => Err(damaged(error)),
        }
    }

    /// What it says of itself, and what it tells.
    pub fn facts(&self) -> GeoFacts {
        let about = self.reader.metadata();
        let english = about.description.get("en").or_else(|| about.description.values().next());
        let (mut countries, mut systems) = (false, false);
        for place in self.sample() {
            countries |= place.country.is_some();
            systems |= place.asn.is_some();
        }
        GeoFacts {
            kind: clean(&about.database_type),
            description: english.map(|text| clean(text)).unwrap_or_default(),
            built: Stamp::from_s(i64::try_from(about.build_epoch).unwrap_or(i64::MAX)),
            six: about.ip_version == 6,
            countries,
            systems,
            bytes: self.bytes,
        }
    }

    /// What is said of the first networks that have data.
    fn sample(&self) -> Vec<Place> {
        let options = WithinOptions::default().skip_empty_values();
        let Ok(networks) = self.reader.networks(options) else { return Vec::new() };
        networks.take(SAMPLE).filter_map(|found| place(&found.ok()?).ok()).collect()
    }

    /// Looks through all of it: for a file that is taken in. (The reader's own check is for those
    /// who make databases, and refuses good ones for an empty description.)
    ///
    /// # Errors
    /// If anything in it is damaged, or it tells nothing of use.
    pub fn check(&self) -> Result<GeoFacts, GeoError> {
        let options = WithinOptions::default().skip_empty_values();
        // A tree has one leaf more than nodes. One whose nodes are used twice is none, and walking
        // it might never end.
        let most = self.reader.metadata().node_count as usize + 1;
        for (at, found) in self.reader.networks(options).map_err(damaged)?.enumerate() {
            if at >= most {
                return Err(GeoError::Damaged("its tree has circles".to_owned()));
            }
            place(&found.map_err(damaged)?)?;
        }
        let facts = self.facts();
        if facts.countries || facts.systems { Ok(facts) } else { Err(GeoError::NothingOfUse) }
    }
}

/// What an entry says.
fn place(found: &Entry<'_>) -> Result<Place, GeoError> {
    let Origin { country, asn } = origin(found)?;
    let mut place = Place { country, asn, as_name: String::new() };
    let ask = |path| Look { found, path };
    for path in NAMES.iter().filter(|_| place.asn.is_some()) {
        if place.as_name.is_empty() {
            place.as_name = ask(path).get::<&str>()?.map(clean).unwrap_or_default();
        }
    }
    Ok(place)
}

/// Where it says that an address is.
fn origin(found: &Entry<'_>) -> Result<Origin, GeoError> {
    let mut origin = Origin::default();
    if !found.has_data() {
        return Ok(origin);
    }
    let ask = |path| Look { found, path };
    for path in COUNTRIES {
        if origin.country.is_some() {
            break;
        }
        origin.country = ask(path).get::<&str>()?.and_then(|code| code.parse().ok());
    }
    for path in SYSTEMS {
        if origin.asn.is_some() {
            break;
        }
        origin.asn = match ask(path).get::<u32>()? {
            Some(number) => Some(Asn(number)),
            None => ask(path).get::<&str>()?.and_then(|text| text.parse().ok()),
        };
    }
    Ok(origin)
}

type Entry<'r> = maxminddb::LookupResult<'r, Vec<u8>>;

type Path = &'static [&'static str];

/// Where databases keep the country's code: MaxMind's and DB-IP's, those of ip-location-db, and
/// ipinfo's.
const COUNTRIES: &[Path] = &[
    &["country_code"],
    &["country", "iso_code"],
    &["registered_country", "iso_code"],
    &["country"],
];

/// The number of the autonomous system, as a number or a text.
const SYSTEMS: &[Path] = &[&["autonomous_system_number"], &["asn"], &["as_number"]];

/// Its name.
const NAMES: &[Path] = &[&["autonomous_system_organization"], &["as_name"], &["as_organization"]];

/// A look at one place of an entry.
struct Look<'a, 'r> {
    found: &'a Entry<'r>,
    path: Path,
}

impl<'r> Look<'_, 'r> {
    /// The value, if it is there and of this kind.
    fn get<T: Deserialize<'r>>(&self) -> Result<Option<T>, GeoError> {
        let path: Vec<PathElement<'_>> = self.path.iter().map(|key| (*key).into()).collect();
        match self.found.decode_path(&path) {
            Ok(value) => Ok(value),
            // Of another kind: another schema.
            Err(MaxMindDbError::Decoding { .. }) => Ok(None),
            Err(error) => Err(damaged(error)),
        }
    }
}

fn damaged(error: MaxMindDbError) -> GeoError {
    GeoError::Damaged(clean(&error.to_string()))
}

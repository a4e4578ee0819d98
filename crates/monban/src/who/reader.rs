//! The process that reads a database of places, which comes from somebody else: with no rights at
//! all, from its standard input to its standard output.

use std::io::{self, BufReader, Read, Write};
use std::process::ExitCode;

use monban_courier::who::{Geo, GeoFacts};
use monban_model::Stamp;
use monban_model::limits::{GEO_BYTES_MAX, WHO_TEXT_MAX};
use monban_model::wire::{FrameError, Reader, Wire, Writer, encode};
use rustix::process::{Signal, set_parent_process_death_signal};

use super::package::{Package, unpack};
use crate::cli::GeoReaderArgs;
use crate::roles::sandbox;

/// What the reader found, in front of the database itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What the database says of itself, or why it is of no use.
    pub facts: Result<GeoFacts, String>,
    /// The package that it came in.
    pub package: Package,
}

/// Runs the process.
pub fn main(args: &GeoReaderArgs) -> ExitCode {
    match work(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("monban geo-reader: {error}");
            ExitCode::FAILURE
        }
    }
}

fn work(args: &GeoReaderArgs) -> io::Result<()> {
    if let Some(uid) = args.uid {
        sandbox::become_nobody((uid, uid))?;
    }
    set_parent_process_death_signal(Some(Signal::KILL))?;
    sandbox::lock_alone()?;
    let (mut package, mut bytes) = (Package::default(), Vec::new());
    let found = read(args, &mut package, &mut bytes);
    let frame = encode(&Found { facts: found, package });
    let mut out = io::stdout().lock();
    out.write_all(&(frame.len() as u32).to_le_bytes())?;
    out.write_all(&frame)?;
    out.write_all(&bytes)?;
    out.flush()
}

/// What it is; `bytes` are to be passed on.
fn read(
    args: &GeoReaderArgs,
    package: &mut Package,
    bytes: &mut Vec<u8>,
) -> Result<GeoFacts, String> {
    let told = |error: monban_courier::who::GeoError| error.to_string();
    let input = BufReader::new(io::stdin().lock());
    if !args.unpack {
        return Ok(Geo::read(input).map_err(told)?.facts());
    }
    let most = GEO_BYTES_MAX as u64;
    let (found, unpacked) = unpack(input.take(most + 1)).map_err(|error| error.to_string())?;
    let geo = Geo::read(&unpacked[..]).map_err(told)?;
    let facts = geo.check().map_err(told)?;
    (*package, *bytes) = (found, unpacked);
    Ok(facts)
}

impl Wire for Found {
    fn put(&self, out: &mut Writer) {
        match &self.facts {
            Ok(facts) => {
                out.byte(1);
                out.text(&facts.kind, WHO_TEXT_MAX);
                out.text(&facts.description, WHO_TEXT_MAX);
                facts.built.put(out);
                facts.six.put(out);
                facts.countries.put(out);
                facts.systems.put(out);
                facts.bytes.put(out);
            }
            Err(why) => {
                out.byte(2);
                out.text(why, WHO_TEXT_MAX);
            }
        }
        out.text(&self.package.name, WHO_TEXT_MAX);
        out.text(&self.package.version, WHO_TEXT_MAX);
        out.text(&self.package.licence, WHO_TEXT_MAX);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let facts = match from.byte()? {
            1 => Ok(GeoFacts {
                kind: from.text(WHO_TEXT_MAX)?,
                description: from.text(WHO_TEXT_MAX)?,
                built: Stamp::take(from)?,
                six: bool::take(from)?,
                countries: bool::take(from)?,
                systems: bool::take(from)?,
                bytes: u64::take(from)?,
            }),
            2 => Err(from.text(WHO_TEXT_MAX)?),
            _ => return Err(FrameError::Unknown),
        };
        let package = Package {
            name: from.text(WHO_TEXT_MAX)?,
            version: from.text(WHO_TEXT_MAX)?,
            licence: from.text(WHO_TEXT_MAX)?,
        };
        Ok(Self { facts, package })
    }
}

//! `monban geo`: what database of places is there, and how a new one gets there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{ExitCode, Stdio};

use monban_courier::who::GeoFacts;
use monban_model::OriginRule;
use monban_model::limits::{FRAME_MAX, GEO_BYTES_MAX};
use monban_model::wire::decode;
use monban_views::{LocalClock, Say, printable, table, time_json};
use serde_json::{Value, json};

use super::package::Package;
use super::reader::Found;
use super::{Ended, Settings, role};
use crate::commands::Context;
use crate::out;
use crate::place::Unfit;

/// Beside the database: which package it is from. Only shown, so that it may be missing.
const ABOUT: &str = "geo.json";

/// Takes in a database: whole or not at all.
pub fn install(context: &Context<'_>, file: &Path) -> Result<ExitCode, String> {
    let (name, place) = (file.display().to_string(), &context.place);
    let refuse = |why: &str| {
        let why = context.say.sentence(why);
        context.say.text("geo-refused", &[("file", &name), ("why", &why)])
    };
    let source = File::open(file).map_err(|error| refuse(&error.to_string()))?;
    place.prepare_state().map_err(|unfit| unfit_text(context, &unfit))?;
    let path = place.geo();
    let found = take(source, &path).map_err(|error| refuse(&error.to_string()))?;
    let facts = found.facts.map_err(|why| refuse(&why))?;
    // Without it, only the name of the package is not shown later.
    let _ = write_whole(&place.state.join(ABOUT), about(&facts, &found.package).as_bytes());
    let origins = Settings::of(context).origins;
    tell(context, (&path, &origins), &facts, &found.package);
    Ok(ExitCode::SUCCESS)
}

fn unfit_text(context: &Context<'_>, unfit: &Unfit) -> String {
    let path = context.place.state.display().to_string();
    let text = |key, name, value: &str| context.say.text(key, &[("path", &path), (name, value)]);
    match unfit {
        Unfit::Owner(uid) => text("start-state-owner", "uid", &uid.to_string()),
        Unfit::Mode(mode) => text("start-state-mode", "mode", &format!("{mode:04o}")),
        Unfit::Io(error) => {
            text("geo-needs-root", "error", &context.say.sentence(&error.to_string()))
        }
    }
}

/// Says what is there.
pub fn show(context: &Context<'_>, settings: &Settings) -> Result<ExitCode, String> {
    let path = settings.geo.as_path();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            match context.json {
                true => out::json(&json!({
                    "installed": false,
                    "lacks": lacks(&settings.origins, None),
                })),
                false => {
                    out::line(context.say.text("geo-none", &[]));
                    tell_lacks(context.say, &lacks(&settings.origins, None));
                }
            }
            return Ok(ExitCode::SUCCESS);
        }
        Err(error) => {
            let error = context.say.sentence(&error.to_string());
            return Err(format!("{}: {error}", path.display()));
        }
    };
    let (found, _) = read(file, false).map_err(|error| error.to_string())?;
    let facts =
        found.facts.map_err(|why| format!("{}: {}", path.display(), context.say.sentence(&why)))?;
    let about = fs::read_to_string(context.place.state.join(ABOUT)).unwrap_or_default();
    let package = match path == context.place.geo() {
        true => package_of(&about, &facts),
        false => Package::default(),
    };
    tell(context, (path, &settings.origins), &facts, &package);
    Ok(ExitCode::SUCCESS)
}

/// What tables of `[[origin]]` ask for, and this database, if there is one, does not tell: the key
/// of what is said of it.
fn lacks(origins: &[OriginRule], facts: Option<&GeoFacts>) -> Vec<&'static str> {
    let Some(facts) = facts else {
        return if origins.is_empty() { Vec::new() } else { vec!["origin-no-database"] };
    };
    let countries = !facts.countries && origins.iter().any(|rule| rule.countries.asks());
    let systems = !facts.systems && origins.iter().any(|rule| rule.systems.asks());
    let countries = countries.then_some("origin-lacks-countries");
    countries.into_iter().chain(systems.then_some("origin-lacks-systems")).collect()
}

fn tell_lacks(say: &Say, lacks: &[&str]) {
    for key in lacks {
        out::line(say.text(key, &[]));
    }
}

/// Unpacks and checks a database in a process without rights, and puts it in its place if it is
/// good.
fn take(source: File, path: &Path) -> io::Result<Found> {
    let (found, mut rest) = read(source, true)?;
    let Ok(facts) = &found.facts else { return Ok(found) };
    let fresh = path.with_extension("mmdb.new");
    // Left by one that was ended on its way.
    let _ = fs::remove_file(&fresh);
    let written = write_new(&fresh, &mut rest, facts.bytes).and_then(|()| fs::rename(&fresh, path));
    if let Err(error) = written {
        let _ = fs::remove_file(&fresh);
        return Err(error);
    }
    sync_folder(path)?;
    Ok(found)
}

fn write_new(path: &Path, from: &mut impl Read, bytes: u64) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let count = io::copy(&mut from.take(GEO_BYTES_MAX as u64 + 1), &mut file)?;
    if count != bytes {
        return Err(io::Error::other("the process that unpacks it ended on its way"));
    }
    file.sync_all()
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("json.new");
    let _ = fs::remove_file(&fresh);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// What a process without rights finds in a file, and what it passes on.
fn read(source: File, unpack: bool) -> io::Result<(Found, impl Read)> {
    let mut command = role("geo-reader")?;
    if unpack {
        command.arg("--unpack");
    }
    let child = command.stdin(Stdio::from(source)).stdout(Stdio::piped()).spawn()?;
    let mut child = Ended(child);
    let mut out = child.0.stdout.take().ok_or_else(|| io::Error::other("no output"))?;
    let mut length = [0; 4];
    out.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > FRAME_MAX {
        return Err(io::Error::other("the process that reads it speaks nonsense"));
    }
    let mut frame = vec![0; length];
    out.read_exact(&mut frame)?;
    let found = decode(&frame).map_err(io::Error::other)?;
    Ok((found, Rest { out, _child: child }))
}

/// What a process passes on, which is ended when nobody reads it any more.
struct Rest {
    out: std::process::ChildStdout,
    _child: Ended,
}

impl Read for Rest {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.out.read(buffer)
    }
}

/// What is kept of the package, with what it belongs to.
fn about(facts: &GeoFacts, package: &Package) -> String {
    json!({
        "bytes": facts.bytes,
        "built": time_json(facts.built),
        "name": package.name,
        "version": package.version,
        "licence": package.licence,
    })
    .to_string()
}

/// The package of this database; nothing if another one was put there since.
fn package_of(about: &str, facts: &GeoFacts) -> Package {
    let value: Value = serde_json::from_str(about).unwrap_or_default();
    if value["bytes"] != json!(facts.bytes) || value["built"] != time_json(facts.built) {
        return Package::default();
    }
    let field = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    Package { name: field("name"), version: field("version"), licence: field("licence") }
}

fn tell(
    context: &Context<'_>,
    (path, origins): (&Path, &[OriginRule]),
    facts: &GeoFacts,
    package: &Package,
) {
    let lacks = lacks(origins, Some(facts));
    if context.json {
        out::json(&json!({
            "installed": true,
            "path": path.display().to_string(),
            "kind": facts.kind,
            "description": facts.description,
            "built": time_json(facts.built),
            "countries": facts.countries,
            "systems": facts.systems,
            "ipv6": facts.six,
            "bytes": facts.bytes,
            "package": package.name,
            "version": package.version,
            "licence": licence_word(facts, package),
            "lacks": lacks,
        }));
        return;
    }
    let say = context.say;
    let tells = match (facts.countries, facts.systems) {
        (true, true) => "geo-tells-both",
        (false, true) => "geo-tells-systems",
        _ => "geo-tells-countries",
    };
    let licence = match licence_word(facts, package) {
        "" => say.text("geo-licence-unknown", &[]),
        "MaxMind" => say.text("geo-licence-maxmind", &[]),
        "DB-IP" => say.text("geo-licence-dbip", &[]),
        word => printable(word.as_bytes()),
    };
    let mib = format!("{:.1}", facts.bytes as f64 / f64::from(1 << 20));
    let about = format!("{} {}", facts.kind, facts.description);
    let from = format!("{} {}", package.name, package.version);
    let rows = [
        ("geo-kind", printable(about.trim().as_bytes())),
        ("geo-tells", say.text(tells, &[])),
        ("geo-built", LocalClock::of_system().date_time(facts.built)),
        ("geo-from", printable(from.trim().as_bytes())),
        ("geo-licence", licence),
        ("geo-size", say.text("geo-size-mib", &[("mib", &mib)])),
    ];
    let rows = rows.iter().filter(|(_, value)| !value.is_empty());
    let rows: Vec<String> =
        rows.map(|(key, value)| format!("  {}\t{value}", say.text(key, &[]))).collect();
    out::line(say.text("geo-installed", &[("path", &path.display().to_string())]));
    out::write(&table(&rows));
    tell_lacks(say, &lacks);
}

/// The licence: as the package says, else that of who is known to make such databases.
fn licence_word<'a>(facts: &GeoFacts, package: &'a Package) -> &'a str {
    let begins = |word: &str| facts.kind.starts_with(word);
    match package.licence.as_str() {
        "" if begins("GeoLite2") || begins("GeoIP2") => "MaxMind",
        "" if begins("DBIP") => "DB-IP",
        word => word,
    }
}

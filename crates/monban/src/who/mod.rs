//! `monban whois`, `monban geo` and `monban report`: who an address is, and whom to tell.
//!
//! These commands ask, and show what they are told. What reads a stranger's bytes are processes of
//! their own, which have no rights but what that takes.

pub mod asker;
pub mod digest;
mod install;
mod kept;
mod package;
mod places;
pub mod reader;
mod report;

use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::SystemTime;

use monban_config::{Bundle, Config};
use monban_model::limits::{FRAME_MAX, WHO_PER_DAY_MAX};
use monban_model::wire::decode;
use monban_model::{Address, Notify, OriginRule, Reach, ReportKind, WhoAnswer};
use monban_views::{LocalClock, OwnTexts, Say, WhoCard, WhyOrigin, who_json, who_text};

use crate::cli::{Common, GeoAction, ReportArgs, WhoisArgs};
use crate::commands::{Context, end};
use crate::out;
use crate::place::{COURIER_UID, Place, is_root};
use crate::roles::equipment::sign;
use crate::shipped;
use asker::Looked;
use kept::{Kept, TooMany};

pub use places::shown as shown_place;

/// Runs one of the commands.
pub fn main(
    common: &Common,
    say: &Say,
    command: impl FnOnce(&Context<'_>) -> Result<ExitCode, String>,
) -> ExitCode {
    let context = Context { place: Place::of(common), say, json: common.json };
    end(common.json, command(&context))
}

/// Who an address is, and what to do next.
pub fn whois(context: &Context<'_>, args: &WhoisArgs) -> Result<ExitCode, String> {
    let settings = Settings::of(context);
    let mut options = Vec::new();
    if let Some((host, port)) = &args.server {
        options.extend(["--server".to_owned(), format!("{host}:{port}")]);
    }
    options.extend(args.rdap.iter().flat_map(|url| ["--rdap".to_owned(), url.clone()]));
    let looked = ask(context, &settings, args.address, &options)?;
    let card = card(&looked, &settings, args.address);
    match context.json {
        true => out::json(&who_json(&card)),
        false => out::write(&who_text(&card, context.say, &LocalClock::of_system())),
    }
    Ok(match looked.answer {
        WhoAnswer::Failed(_) => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    })
}

/// What database of places is there, or a new one.
pub fn geo(context: &Context<'_>, action: Option<&GeoAction>) -> Result<ExitCode, String> {
    match action {
        Some(GeoAction::Install { file }) => install::install(context, file),
        None => install::show(context, &Settings::of(context)),
    }
}

/// What `[[origin]]` says of an address: the first table that is about it. The processes that look
/// it up are none without such a table.
pub fn origin(context: &Context<'_>, config: &Config, address: Address) -> WhyOrigin {
    if config.origins.is_empty() {
        return WhyOrigin::NotAsked;
    }
    let geo = config.geo.clone().map_or_else(|| context.place.geo(), PathBuf::from);
    let Some(from) = places::Places::begin(&geo).origin(address) else {
        return WhyOrigin::Unknown;
    };
    match config.origins.iter().find(|rule| rule.fits(from)) {
        None => WhyOrigin::Nothing(from),
        Some(rule) => {
            let services = match &rule.reach {
                Reach::EveryService => Vec::new(),
                Reach::Services(names) => names.clone(),
            };
            WhyOrigin::Answered(rule.then, Box::new(rule.reason(from)), services)
        }
    }
}

/// The mail about an attacker, or the report of a day or week.
pub fn report(context: &Context<'_>, args: &ReportArgs) -> Result<ExitCode, String> {
    match args.address {
        Some(address) => report::report(context, args, address),
        None if args.weekly => digest::digest(context, args, ReportKind::Weekly),
        None => digest::digest(context, args, ReportKind::Daily),
    }
}

/// What of the configuration belongs here.
struct Settings {
    home: Option<monban_model::Country>,
    /// Where the database of places lies, if there is one.
    geo: PathBuf,
    /// Who is told what.
    notify: Notify,
    /// The topic of reports.
    topic: String,
    /// The operator's own texts of messages.
    texts: OwnTexts,
    /// What becomes of somebody because of where he is.
    origins: Vec<OriginRule>,
}

impl Settings {
    /// What a wrong configuration says is told by `config check`; here the defaults do.
    fn of(context: &Context<'_>) -> Self {
        let bundle = Bundle::read(&context.place.config, false).unwrap_or_default();
        let config = match &bundle.config {
            Some(file) => {
                Config::parse(&file.file, &file.text).unwrap_or_else(|_| Config::shipped())
            }
            None => Config::shipped(),
        };
        let mut notify = config.notify;
        sign(&mut notify);
        let geo = config.geo.map_or_else(|| context.place.geo(), PathBuf::from);
        let texts = shipped::own_texts(&bundle).unwrap_or_default();
        let (topic, origins) = (config.reports.topic, config.origins);
        Self { home: config.home, geo, notify, topic, texts, origins }
    }
}

fn card<'a>(looked: &'a Looked, settings: &Settings, address: Address) -> WhoCard<'a> {
    let (answer, place) = (&looked.answer, looked.place);
    WhoCard { address, answer, place, place_as_name: &looked.place_as_name, home: settings.home }
}

/// What is known of an address: what registries said of it lately, else what they say now. Who
/// names a server of his own asks that.
fn ask(
    context: &Context<'_>,
    settings: &Settings,
    address: Address,
    options: &[String],
) -> Result<Looked, String> {
    let is_public = options.is_empty() && address.special().is_none();
    let Some(kept) = is_public.then(|| Kept::of(&context.place)).flatten() else {
        return ask_now(context, settings, address, options);
    };
    if let Some(answer) = kept.answer(address, SystemTime::now()) {
        let looked = ask_now(context, settings, address, &["--offline".to_owned()])?;
        return Ok(Looked { answer, ..looked });
    }
    kept.wait_for_turn().map_err(|TooMany| {
        let count = WHO_PER_DAY_MAX.to_string();
        context.say.text("who-too-many", &[("count", &count)])
    })?;
    let looked = ask_now(context, settings, address, options)?;
    kept.keep(address, &looked.answer);
    Ok(looked)
}

/// Asks by a process of its own.
fn ask_now(
    context: &Context<'_>,
    settings: &Settings,
    address: Address,
    options: &[String],
) -> Result<Looked, String> {
    let mut command = role("asker").map_err(|error| error.to_string())?;
    command.arg(address.to_string()).args(options);
    if settings.geo.exists() {
        command.arg("--geo").arg(&settings.geo);
    }
    let failed = |error: &str| context.say.text("who-asker-failed", &[("error", error)]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = Ended(child.map_err(|error| failed(&error.to_string()))?);
    let bytes = child.said(FRAME_MAX).map_err(|error| failed(&error.to_string()))?;
    let looked: Looked = decode(&bytes).map_err(|error| failed(&error.to_string()))?;
    if !looked.geo_error.is_empty() {
        let path = settings.geo.display().to_string();
        let why = context.say.sentence(&looked.geo_error);
        eprintln!("{}", monban_views::printable_lines(&format!("{path}: {why}")));
    }
    Ok(looked)
}

/// This program in another role, as the courier's user where root starts it.
fn role(name: &str) -> io::Result<Command> {
    let mut command = Command::new("/proc/self/exe");
    command.arg(name);
    if is_root() {
        command.arg("--uid").arg(COURIER_UID.to_string());
    }
    command.env_clear();
    Ok(command)
}

/// A process that is ended if nobody waits for it any more.
struct Ended(Child);

impl Ended {
    /// All that it says, at most so many bytes.
    fn said(&mut self, most: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let out = self.0.stdout.take().ok_or_else(|| io::Error::other("no output"))?;
        out.take(most as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        // It has ended by itself, or does so now.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

//! `monban fail2ban`: what a fail2ban configuration comes to.

mod check;
pub mod complaints;
mod good;
mod import;
mod json;
mod show;
mod together;

pub use complaints::notice_values;
pub use together::notices as together;

use std::path::Path;
use std::process::ExitCode;

use monban_fail2ban::config::{Configuration, Reading, Severity};

use crate::cli::{Common, Fail2banAction, ShowArgs};
use crate::out;
use monban_views::{Say, printable};

/// Runs one of its commands.
pub fn main(common: &Common, action: &Fail2banAction, say: &Say) -> ExitCode {
    match action {
        Fail2banAction::Show(args) => show(common, args, say),
        Fail2banAction::Check(args) => check::main(common, args, say),
        Fail2banAction::Import(args) => import::main(common, args, say),
    }
}

/// Shows jails. Exits 0 if nothing is wrong with what is shown, 2 if something is, 1 if there is
/// no such jail.
fn show(common: &Common, args: &ShowArgs, say: &Say) -> ExitCode {
    let reading = Reading { all: args.all, jail: args.jail.clone(), ..Reading::default() };
    let found = Configuration::read(&args.dir, &reading);
    if let Some(jail) = args.jail.as_deref().filter(|jail| !found.names.iter().any(|n| n == jail)) {
        return unknown(common, &args.dir, jail, &found, say);
    }
    let lines = complaints::render_all(&found, say);
    if common.json {
        out::line(json::configuration(&found, &lines));
    } else if complaints::is_of_no_folder(&found) {
        out::write(&complaints::show(&lines, found.complaints.more, say));
    } else {
        for jail in &found.jails {
            out::write(&show::jail(jail, say));
        }
        for (name, _) in &found.broken {
            out::line(say.text("f2b-broken", &[("jail", &printable(name.as_bytes()))]));
        }
        if found.jails.is_empty() && found.broken.is_empty() {
            out::line(say.text("f2b-no-jails", &[("dir", &args.dir.display().to_string())]));
        }
        out::write(&complaints::show(&lines, found.complaints.more, say));
    }
    let is_wrong = lines.iter().any(|line| line.severity == Severity::Error);
    if is_wrong { ExitCode::from(2) } else { ExitCode::SUCCESS }
}

fn unknown(common: &Common, dir: &Path, jail: &str, found: &Configuration, say: &Say) -> ExitCode {
    let meant = monban_model::closest(jail, found.names.iter().map(String::as_str));
    let dir = dir.display().to_string();
    let values = [("jail", jail), ("dir", &dir), ("meant", meant.unwrap_or("-"))];
    let text = say.text("f2b-unknown-jail", &values);
    if common.json {
        out::line(serde_json::json!({"error": text}));
    } else {
        eprintln!("{text}");
    }
    ExitCode::FAILURE
}

//! `monban alarms`.

use std::process::ExitCode;

use monban_config::{Bundle, Config};
use monban_ledger::LedgerError;
use monban_model::AlarmSpec;
use monban_views::{AlarmView, LocalClock, Say, alarm_text, alarms_json, alarms_text, printable};

use super::{Context, ledger};
use crate::out;

/// Changes of one alarm that are shown.
const HISTORY: usize = 50;

/// How alarms stand, or all that is known of one.
pub fn alarms(context: &Context<'_>, name: Option<&str>) -> Result<ExitCode, String> {
    // The configuration lies outside of what can be read once the ledger is open. One that is
    // wrong is not in force; what alarms told is shown without it.
    let specs = configured(context);
    let clock = LocalClock::of_system();
    let reader = ledger::open(context)?;
    let text = |error: LedgerError| context.say.sentence(&error.to_string());
    let rows = reader.alarms(None).map_err(text)?;
    let mut names: Vec<String> = specs.iter().map(|spec| spec.name.clone()).collect();
    names.extend(rows.iter().map(|row| row.alarm.clone()));
    names.sort();
    names.dedup();
    if let Some(name) = name
        && !names.iter().any(|known| known == name)
    {
        return Err(unknown(context.say, name, &names));
    }
    names.retain(|known| name.is_none_or(|name| known == name));
    let mut views = Vec::with_capacity(names.len());
    for known in names {
        let most = if name.is_some() { HISTORY } else { 1 };
        let history = reader.alarm_history(Some(&known), most).map_err(text)?;
        let rows = rows.iter().filter(|row| row.alarm == known).cloned().collect();
        let spec = specs.iter().find(|spec| spec.name == known).cloned();
        views.push(AlarmView { name: known, spec, rows, history });
    }
    match (context.json, name, views.first()) {
        (true, ..) => out::json(&alarms_json(&views)),
        (false, Some(_), Some(view)) => {
            out::write(&alarm_text(context.say, &clock, view, has_blocks()));
        }
        _ => out::write(&alarms_text(context.say, &clock, &views)),
    }
    Ok(ExitCode::SUCCESS)
}

fn configured(context: &Context<'_>) -> Vec<AlarmSpec> {
    let bundle = Bundle::read(&context.place.config, context.place.config_named);
    let file = bundle.ok().and_then(|bundle| bundle.config);
    let config = file.and_then(|file| Config::parse(&file.file, &file.text).ok());
    config.map_or_else(Vec::new, |config| config.alarms)
}

fn unknown(say: &Say, name: &str, known: &[String]) -> String {
    let known = match known.is_empty() {
        true => "-".to_owned(),
        false => printable(known.join(", ").as_bytes()),
    };
    say.text("alarms-unknown", &[("name", &printable(name.as_bytes())), ("known", &known)])
}

/// Whether the terminal shows block characters: the locale is UTF-8, as POSIX orders the
/// variables.
pub fn has_blocks() -> bool {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

//! `monban allow` without a network: who is never blocked, why, and until when.

use std::process::ExitCode;

use monban_config::{Bundle, Config};
use monban_views::{LocalClock, printable, table, time_json};
use monban_warden::{AllowList, Entry, Origin};
use serde_json::json;

use super::Context;
use crate::{client, out, problems};

/// Shows the allow list as the guard has it, whether it runs or not, and where jails run whom they
/// spare by themselves (`ignoreip`).
pub fn show(context: &Context<'_>) -> Result<ExitCode, String> {
    let bundle = Bundle::read(&context.place.config, context.place.config_named)
        .map_err(|found| problems::show(&found, None, context.say))?;
    let config = match &bundle.config {
        Some(file) => Config::parse(&file.file, &file.text)
            .map_err(|found| problems::show(&found, Some(&bundle), context.say))?,
        None => Config::shipped(),
    };
    let list = AllowList::open(&context.place.state, config.allow).map_err(|error| {
        let path = context.place.state.display().to_string();
        context.say.text("no-access", &[("path", &path), ("error", &error.to_string())])
    })?;
    let entries: Vec<Entry> = list.entries().collect();
    let ignored = client::ignored(context.place.state.clone());
    if context.json {
        let entries = entries.iter().map(|entry| {
            json!({
                "net": entry.net.to_string(),
                "from": entry.from.name(),
                "until": entry.until.map(time_json),
            })
        });
        let ignored = ignored.iter().map(|(entry, jails)| json!({"entry": entry, "jails": jails}));
        out::json(&json!({
            "allow": entries.collect::<Vec<_>>(),
            "ignoreip": ignored.collect::<Vec<_>>(),
        }));
        return Ok(ExitCode::SUCCESS);
    }
    let clock = LocalClock::of_system();
    let mut rows = vec![context.say.text("allow-head", &[])];
    rows.extend(entries.iter().map(|entry| {
        let until = match entry.until {
            Some(until) => clock.date_time(until),
            None => context.say.text("forever", &[]),
        };
        let from = context.say.text(
            match entry.from {
                Origin::Own => "allow-own",
                Origin::Configuration => "allow-configuration",
                Origin::Operator => "allow-operator",
            },
            &[],
        );
        format!("{}\t{until}\t{from}", entry.net)
    }));
    // These are a jail's own: the others, and monban's own rules, do not spare them.
    rows.extend(ignored.iter().map(|(entry, jails)| {
        let (entry, jails) = (printable(entry.as_bytes()), printable(jails.join(", ").as_bytes()));
        let from = context.say.text("allow-ignoreip", &[("jails", &jails)]);
        format!("{entry}\t{}\t{from}", context.say.text("forever", &[]))
    }));
    out::write(&table(&rows));
    Ok(ExitCode::SUCCESS)
}

//! `monban bans` and `monban why`.

use crate::out;
use std::collections::HashMap;
use std::process::ExitCode;

use monban_config::{Bundle, Config};
use monban_jails::{Spared, SparedCount, open_count, spared_count};
use monban_ledger::{LedgerError, Reader, Unmade};
use monban_model::wire::Mode;
use monban_model::{Address, BlockRow, Event, JailRow, Made, Stamp, Subject};
use monban_views::{
    JailCount, JailSpared, LocalClock, Why, bans_json, bans_text, is_of_jail, made, why_json,
    why_text,
};
use serde_json::{Value, json};

use super::status::{has_observed, jail_bans_down};
use super::{Context, ask, ledger};
use crate::watch::{JailState, now, read_jail_states};

/// Records that are looked through for one address.
const RECORDS_MAX: usize = 200;

/// Who is blocked now.
pub fn bans(context: &Context<'_>) -> Result<ExitCode, String> {
    let clock = LocalClock::of_system();
    let mode = ask::tell_if_observing(context)?;
    let reader = ledger::open(context)?;
    let time = now();
    let mut blocks = reader.blocks().map_err(text)?;
    // The kernel ended them by itself; a daemon that is down has not written so.
    blocks.retain(|row| row.until.is_none_or(|end| end > time));
    let causes = reader.causes().map_err(text)?;
    let unmade = unmade(&reader, mode).map_err(text)?;
    if context.json {
        let states = read_jail_states(&reader).map_err(text)?;
        let actions: HashMap<String, Value> =
            states.into_iter().map(|state| (state.jail, state.actions)).collect();
        let actions = |jail: &str| actions.get(jail).cloned().unwrap_or_default();
        let mut value = bans_json(&blocks, &causes, &unmade, mode.is_some(), actions);
        value["mode"] = json!(mode.map(Mode::name));
        out::json(&value);
        return Ok(ExitCode::SUCCESS);
    }
    // Actions took back what jails had banned when monban ended.
    let waiting = blocks.extract_if(.., |row| mode.is_none() && is_of_jail(row));
    let waiting: Vec<BlockRow> = waiting.collect();
    out::write(&bans_text(context.say, &clock, &blocks, &causes, &unmade));
    if !waiting.is_empty() {
        let count = waiting.len().to_string();
        let key = jail_bans_down(has_observed(&reader).map_err(text)?);
        out::line(context.say.text(key, &[("count", &count)]));
        out::write(&bans_text(context.say, &clock, &waiting, &causes, &unmade));
    }
    Ok(ExitCode::SUCCESS)
}

/// Bans of jails that their actions did not make. Where nothing was to be made, that is no matter.
fn unmade(reader: &Reader, mode: Option<Mode>) -> Result<Unmade, LedgerError> {
    if mode == Some(Mode::Guard) { reader.unmade() } else { Ok(Unmade::new()) }
}

/// Why an address is blocked, or is not.
pub fn why(context: &Context<'_>, address: Address) -> Result<ExitCode, String> {
    let clock = LocalClock::of_system();
    let mode = ask::tell_if_observing(context)?;
    // Read while this process still may: the configuration lies outside of the ledger's folder.
    let bundle = Bundle::read(&context.place.config, false).unwrap_or_default();
    let config = match &bundle.config {
        Some(file) => Config::parse(&file.file, &file.text).unwrap_or_else(|_| Config::shipped()),
        None => Config::shipped(),
    };
    let origin = crate::who::origin(context, &config, address);
    let added = monban_warden::AllowList::open(&context.place.state, config.allow.clone()).ok();
    let reader = ledger::open(context)?;
    let subject = counted_as(&reader, address).map_err(text)?;
    let why = gather(&reader, address, subject, mode)
        .map(|why| Why {
            mode,
            allowed: added.as_ref().and_then(|list| list.shields(subject, why.now)),
            origin,
            policies: config.policies,
            ..why
        })
        .map_err(text)?;
    if context.json {
        out::json(&why_json(&why));
    } else {
        out::write(&why_text(&why, context.say, &clock));
    }
    Ok(ExitCode::SUCCESS)
}

/// What the address is counted as: its /64, unless the ledger knows it alone.
pub fn counted_as(reader: &Reader, address: Address) -> Result<Subject, LedgerError> {
    let alone = Subject::alone(address);
    let known = reader.tallies_of(alone)?.iter().any(|row| row.subject == alone)
        || reader.block(alone)?.iter().any(|row| row.subject == alone)
        || reader.history(alone)?.iter().any(|row| row.subject == alone)
        || !reader.records_of(alone, 1)?.is_empty();
    Ok(if known { alone } else { Subject::of(address) })
}

fn gather(
    reader: &Reader,
    address: Address,
    subject: Subject,
    mode: Option<Mode>,
) -> Result<Why, LedgerError> {
    let time = now();
    let mut blocks = reader.block(subject)?;
    blocks.retain(|row| row.until.is_none_or(|end| end > time));
    let mut tallies = reader.tallies_of(subject)?;
    tallies.retain(|row| row.subject == subject);
    let records = reader.records_of(subject, RECORDS_MAX)?;
    // The narrowest of monban's own stand first; after them the newest ban of a jail.
    let is_of_jail = |row: &BlockRow| row.policy.starts_with("jail ");
    blocks.sort_by_key(|row| is_of_jail(row).then_some(std::cmp::Reverse(row.since)));
    let (jails, spared) = counted_by_jails(&reader.jail_counts(address)?);
    let mut lines_dropped = Vec::new();
    for found in records.iter().filter(|record| matches!(record.event, Event::Found(_))) {
        match reader.evidence_dropped(found.seq)? {
            0 => {}
            count => lines_dropped.push((found.seq, count)),
        }
    }
    let unmade = unmade(reader, mode)?;
    let is_lame = |row: &&BlockRow| made(row, &unmade) != Made::Whole;
    let lame: Vec<&str> = blocks.iter().filter(is_lame).map(|row| row.policy.as_str()).collect();
    let states = if lame.is_empty() { Vec::new() } else { read_jail_states(reader)? };
    let is_lame = |state: &JailState| lame.contains(&format!("jail {}", state.jail).as_str());
    let lame = states.iter().filter(|state| is_lame(state)).filter_map(JailState::lame).cloned();
    let lame = lame.collect();
    Ok(Why {
        subject,
        blocks,
        unmade,
        lame,
        tallies,
        jails,
        spared,
        history: reader.history(subject)?.into_iter().find(|row| row.subject == subject),
        success: reader.success(address)?,
        records,
        lines_dropped,
        ..Why::nothing(address, time)
    })
}

/// What jails count and what they spared, the newest first.
fn counted_by_jails(rows: &[JailRow]) -> (Vec<JailCount>, Vec<JailSpared>) {
    let count = |row: &JailRow| {
        let (failures, last_s) = open_count(row)?;
        Some(JailCount { jail: row.jail.clone(), failures, last: Stamp::from_s(last_s) })
    };
    let spare = |row: &JailRow| {
        let SparedCount { count, last, by } = spared_count(row)?;
        let (by, net) = match by {
            Spared::Own => ("own", None),
            Spared::Allowed(net) => ("allowed", Some(net)),
            Spared::Address | Spared::Name => ("ignoreip", None),
            Spared::Command => ("ignorecommand", None),
        };
        let last = Stamp::from_s(last);
        Some(JailSpared { jail: row.jail.clone(), failures: count, last, by, net })
    };
    let mut counts: Vec<JailCount> = rows.iter().filter_map(count).collect();
    let mut spared: Vec<JailSpared> = rows.iter().filter_map(spare).collect();
    counts.sort_by_key(|one| std::cmp::Reverse(one.last));
    spared.sort_by_key(|one| std::cmp::Reverse(one.last));
    (counts, spared)
}

fn text(error: LedgerError) -> String {
    error.to_string()
}

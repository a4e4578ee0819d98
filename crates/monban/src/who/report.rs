//! `monban report ADDRESS`: the mail to the provider of an attacker, with the lines of the ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use monban_ledger::{LedgerError, Reader};
use monban_model::limits::{LEDGER_READ_MAX, REPORT_LINES_MAX};
use monban_model::{Address, Event, Evidence, Stamp, Subject, WhoAnswer};
use monban_views::{AbuseReport, LocalClock};

use super::{Settings, ask, card};
use crate::cli::ReportArgs;
use crate::commands::{Context, ledger, why};
use crate::watch::now;
use crate::{host, out};

/// Writes the mail.
pub fn report(
    context: &Context<'_>,
    args: &ReportArgs,
    address: Address,
) -> Result<ExitCode, String> {
    let say = context.say;
    let shown = address.to_string();
    if address.special().is_some() && args.to.is_none() {
        return Err(say.text("report-not-public", &[("address", &shown)]));
    }
    // First of all: from when the ledger is read on, this process has no other rights.
    let settings = Settings::of(context);
    let offline: &[String] = if args.to.is_some() { &["--offline".to_owned()] } else { &[] };
    let looked = ask(context, &settings, address, offline)?;
    let host = host::full_name();
    let clock = LocalClock::of_system();
    let reader = ledger::open(context)?;
    let evidence = Gathered::of(&reader, address).map_err(|error| error.to_string())?;
    if evidence.lines.is_empty() {
        return Err(say.text("report-nothing", &[("address", &shown)]));
    }
    let who = match &looked.answer {
        WhoAnswer::Known(who) => Some(&**who),
        _ => None,
    };
    let contact = || who.and_then(|who| who.abuse.first().cloned());
    let to = args.to.clone().or_else(contact);
    let to = to.ok_or_else(|| say.text("report-no-contact", &[("address", &shown)]))?;
    let from = args.from.clone().unwrap_or_else(|| {
        let from = format!("root@{host}");
        eprintln!("{}", say.text("report-from-here", &[("from", &from)]));
        from
    });
    let now = now();
    let mail = AbuseReport {
        address,
        subject: evidence.subject,
        service: evidence.service(),
        attempts: evidence.attempts,
        first: evidence.first,
        last: evidence.last,
        lines_left_out: evidence.lines.len().saturating_sub(REPORT_LINES_MAX) as u64,
        lines: evidence.newest(),
        who,
        country: card(&looked, &settings, address).origin().country,
        from,
        to,
        host,
        destination: args.destination,
        now,
        zone: clock.zone(now),
    };
    match context.json {
        true => out::json(&mail.json()),
        false => out::write(&mail.mail()),
    }
    Ok(ExitCode::SUCCESS)
}

/// What the ledger knows of an attacker.
struct Gathered {
    subject: Subject,
    /// Each line once, oldest first.
    lines: BTreeSet<(Stamp, Vec<u8>)>,
    /// Attempts of each service, by its lines.
    services: BTreeMap<String, u64>,
    attempts: u64,
    first: Stamp,
    last: Stamp,
}

impl Gathered {
    fn of(reader: &Reader, address: Address) -> Result<Self, LedgerError> {
        let subject = why::counted_as(reader, address)?;
        let mut found = Self {
            subject,
            lines: BTreeSet::new(),
            services: BTreeMap::new(),
            attempts: 0,
            first: Stamp(i64::MAX),
            last: Stamp(i64::MIN),
        };
        let mut counted = 0;
        for record in reader.records_of(subject, LEDGER_READ_MAX)? {
            let Event::Found(finding) = record.event else { continue };
            // A login is no attack, whatever came before it.
            if finding.window_s > 0 && finding.subject == subject {
                counted = counted.max(u64::from(finding.failures));
                found.span(finding.first, finding.last);
                finding.evidence.iter().for_each(|line| found.add(line));
            }
        }
        for tally in reader.tallies_of(subject)?.iter().filter(|row| row.subject == subject) {
            counted = counted.max(tally.total);
            found.span(tally.first, tally.last);
            tally.evidence.iter().for_each(|line| found.add(&line.evidence));
        }
        found.attempts = found.attempts.max(counted);
        Ok(found)
    }

    fn span(&mut self, first: Stamp, last: Stamp) {
        (self.first, self.last) = (self.first.min(first), self.last.max(last));
    }

    fn add(&mut self, line: &Evidence) {
        if self.lines.insert((line.time, line.line.clone())) {
            let service = line.rule.split('/').next().unwrap_or_default();
            let weight = u64::from(line.weight);
            *self.services.entry(service.to_owned()).or_default() += weight;
            self.attempts += weight;
            self.span(line.time, line.time);
        }
    }

    /// The one with most attempts.
    fn service(&self) -> String {
        let most = self.services.iter().max_by_key(|(_, attempts)| **attempts);
        most.map_or_else(String::new, |(service, _)| service.clone())
    }

    fn newest(&self) -> Vec<(Stamp, Vec<u8>)> {
        let before = self.lines.len().saturating_sub(REPORT_LINES_MAX);
        self.lines.iter().skip(before).cloned().collect()
    }
}

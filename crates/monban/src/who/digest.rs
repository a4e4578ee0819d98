//! `monban report --daily` and `--weekly`: what a busy owner reads in a minute.

use std::process::ExitCode;

use monban_courier::mail::compose;
use monban_model::{Endpoint, Notify, ReportId, ReportKind, Severity, Standing};
use monban_notify::{Health, Router};
use monban_views::{Digest, Envelope, Failing, LetterWriter, LocalClock, digest_json, digest_text};

use super::Settings;
use super::places::Places;
use super::report::host_name;
use crate::cli::ReportArgs;
use crate::commands::{Context, has_blocks, ledger};
use crate::out;
use crate::watch::now;

/// Shows the report, or the mail of it.
pub fn digest(
    context: &Context<'_>,
    args: &ReportArgs,
    kind: ReportKind,
) -> Result<ExitCode, String> {
    let say = context.say;
    // First of all: from when the ledger is read on, this process has no other rights.
    let settings = Settings::of(context);
    let places = Places::begin(&settings);
    let host = host_name();
    let clock = LocalClock::of_system();
    let reader = ledger::open(context)?;
    let failed = |error: monban_ledger::LedgerError| say.sentence(&error.to_string());
    let report = ReportId { kind, due: now() };
    let mut digest = Digest::read(&reader, &clock, report).map_err(failed)?;
    digest.failing = failing(&Router::new(&settings.notify, reader.notify().map_err(failed)?));
    digest.places = places.find(digest.attackers());
    if context.json {
        out::json(&digest_json(&digest));
    } else if args.mail {
        let (from, to) = correspondents(args, &settings.notify, &settings.topic, &host);
        let home = settings.home.map(|home| home.to_string()).unwrap_or_default();
        let short = host.split('.').next().unwrap_or_default().to_owned();
        let letter = LetterWriter::new(say.clone(), short, home)
            .report(&envelope(report, &settings.topic), &digest);
        let message = compose(&letter, &from, &to, now()).map_err(|failure| failure.why)?;
        out::write(&message.text.replace("\r\n", "\n"));
    } else {
        out::write(&digest_text(say, &clock, &digest, has_blocks()));
    }
    Ok(ExitCode::SUCCESS)
}

/// What of the letter of a report does not stand in the digest.
fn envelope(report: ReportId, topic: &str) -> Envelope {
    let kind = report.kind.word();
    Envelope {
        id: format!("report-{kind}-{}", report.due.as_s()),
        thread: format!("report:{kind}"),
        topic: topic.to_owned(),
        severity: Severity::Info,
        standing: Standing::Once,
        more: 0,
    }
}

/// Who writes to whom: as the command line says, else as the first mail subscription of the topic.
fn correspondents(
    args: &ReportArgs,
    notify: &Notify,
    topic: &str,
    host: &str,
) -> (String, Vec<String>) {
    let of_topic = notify.subscriptions.iter().filter(|one| one.topic == topic);
    let mut mails = of_topic.filter_map(|one| match &one.endpoint {
        Endpoint::Mail { from, to, .. } => Some((from.clone(), to.clone())),
        _ => None,
    });
    let known = mails.next();
    let here = || format!("root@{host}");
    let (from, to) = known.unwrap_or_else(|| (here(), vec![here()]));
    let from = if from.is_empty() { here() } else { from };
    (args.from.clone().unwrap_or(from), args.to.clone().map_or(to, |to| vec![to]))
}

/// The subscriptions that do not work.
pub fn failing(router: &Router) -> Vec<Failing> {
    let all = router.subscriptions().into_iter();
    all.filter_map(|one| match one.health {
        Health::Failing(since, why) => Some(Failing { subscription: one.name, since, why }),
        Health::Works => None,
    })
    .collect()
}

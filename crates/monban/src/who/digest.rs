//! `monban report --daily` and `--weekly`: what a busy owner reads in a minute.

use std::process::ExitCode;

use monban_courier::mail::compose;
use monban_model::{Address, Endpoint, ReportId, ReportKind, Severity, Standing};
use monban_notify::{Health, Router};
use monban_views::{
    Digest, Envelope, Failing, Here, LetterWriter, LocalClock, Say, Tongue, digest_json,
    digest_text,
};

use super::Settings;
use super::places::Places;
use crate::cli::ReportArgs;
use crate::commands::{Context, has_blocks, ledger};
use crate::watch::now;
use crate::{host, out};

/// Shows the report, or the mail of it.
pub fn digest(
    context: &Context<'_>,
    args: &ReportArgs,
    kind: ReportKind,
) -> Result<ExitCode, String> {
    let say = context.say;
    // First of all: from when the ledger is read on, this process has no other rights.
    let settings = Settings::of(context);
    let places = Places::begin(&settings.geo);
    let clock = LocalClock::of_system();
    let reader = ledger::open(context)?;
    let failed = |error: monban_ledger::LedgerError| say.sentence(&error.to_string());
    let report = ReportId { kind, due: now() };
    let failing = failing(&Router::new(&settings.notify, reader.notify().map_err(failed)?));
    let find = |attackers: &[Address]| places.find(attackers);
    let digest = Digest::read(&reader, &clock, report, failing, find).map_err(failed)?;
    if context.json {
        out::json(&digest_json(&digest));
    } else if args.mail {
        let mail = Mail::of(args, &settings, say.tongue());
        let here = Here { host: host::short_name(), home: settings.home, guards: true };
        let letter =
            LetterWriter::new(mail.say, here).report(&envelope(report, &settings.topic), &digest);
        let message =
            compose(&letter, &mail.from, &mail.to, now()).map_err(|failure| failure.why)?;
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
        again: false,
    }
}

/// Who writes to whom, and in which language.
struct Mail {
    from: String,
    to: Vec<String>,
    say: Say,
}

impl Mail {
    /// As the command line says, else as the first mail subscription of the topic is served.
    fn of(args: &ReportArgs, settings: &Settings, own: Tongue) -> Self {
        let all = settings.notify.subscriptions.iter();
        let of_topic = all.filter(|one| one.topic == settings.topic);
        let mut mails = of_topic.filter_map(|one| match &one.endpoint {
            Endpoint::Mail { from, to, .. } => Some((from.clone(), to.clone(), one.lang.as_ref())),
            _ => None,
        });
        let here = || (host::mail_address(), vec![format!("root@{}", host::full_name())], None);
        let (from, to, lang) = mails.next().unwrap_or_else(here);
        let tongue = lang.and_then(|name| Tongue::from_name(name));
        Self {
            from: args.from.clone().unwrap_or(from),
            to: args.to.clone().map_or(to, |to| vec![to]),
            say: settings.texts.say(tongue.unwrap_or(own)),
        }
    }
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

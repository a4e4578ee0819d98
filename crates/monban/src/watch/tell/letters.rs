//! Letters in the languages of their readers.

use std::collections::HashMap;

use monban_model::{Country, Endpoint, Letter, Notify, NotifyRow, Record, Stamp, SyslogAt};
use monban_notify::{Deliver, Purpose, Reason, Service};
use monban_views::{Code, Digest, Envelope, Here, Known, LetterWriter, OwnTexts, Say, Tongue};

use super::codes::Made;
use crate::host;

/// What a letter tells of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told<'a> {
    /// Records.
    pub(super) records: &'a [Record],
    /// What is known beside them.
    pub(super) known: &'a Known,
    /// What happened in a day or week.
    pub(super) digest: Option<&'a Digest>,
}

/// Writers, and which subscription reads what.
#[derive(Debug)]
pub(super) struct Letters {
    say: Say,
    here: Here,
    writers: HashMap<&'static str, LetterWriter>,
    languages: HashMap<String, Tongue>,
    texts: OwnTexts,
    /// What was saved, until the first configuration.
    rows: Option<Vec<NotifyRow>>,
}

impl Letters {
    /// Letters of this host; `say` speaks the host's language.
    pub(super) fn new(say: &Say, rows: Vec<NotifyRow>) -> Self {
        let here = Here { host: host::short_name(), home: None, guards: true };
        let (writers, languages) = (HashMap::new(), HashMap::new());
        let texts = OwnTexts::default();
        Self { say: say.clone(), here, writers, languages, texts, rows: Some(rows) }
    }

    /// What was saved, once.
    pub(super) fn take_rows(&mut self) -> Option<Vec<NotifyRow>> {
        self.rows.take()
    }

    /// Whether there was no configuration yet.
    pub(super) fn has_rows(&self) -> bool {
        self.rows.is_some()
    }

    /// Takes over who reads which language, and the operator's own texts.
    pub(super) fn set_up(
        &mut self,
        notify: &Notify,
        texts: OwnTexts,
        (home, guards): (Option<Country>, bool),
    ) {
        self.texts = texts;
        (self.here.home, self.here.guards) = (home, guards);
        let own = self.say.tongue();
        let language =
            |name: &Option<String>| name.as_deref().and_then(Tongue::from_name).unwrap_or(own);
        let of = notify.subscriptions.iter().map(|one| (one.name.clone(), language(&one.lang)));
        self.languages = of.collect();
        self.writers.clear();
        for tongue in self.languages.values() {
            let writer = LetterWriter::new(self.texts.say(*tongue), self.here.clone());
            self.writers.entry(tongue.name()).or_insert(writer);
        }
    }

    /// The letter of a delivery.
    pub(super) fn write(
        &self,
        deliver: &Deliver,
        Told { records, known, digest }: Told<'_>,
        code: &Made,
        now: Stamp,
    ) -> Letter {
        let tongue = self.languages.get(&deliver.subscription).copied();
        let tongue = tongue.unwrap_or(self.say.tongue());
        let fresh;
        let writer = match self.writers.get(tongue.name()) {
            Some(writer) => writer,
            None => {
                fresh = LetterWriter::new(self.texts.say(tongue), self.here.clone());
                &fresh
            }
        };
        let missing = (deliver.items.len() - records.len().min(deliver.items.len())) as u64;
        let envelope = Envelope {
            id: format!("{}.{}", deliver.id, self.here.host),
            thread: deliver.thread.clone(),
            topic: deliver.topic.clone(),
            severity: deliver.severity,
            standing: deliver.standing,
            more: deliver.more.saturating_add(missing),
            again: deliver.reason == Reason::Repeat,
        };
        let subscription = deliver.subscription.as_str();
        let code_for = |purpose: Purpose| (code.purpose == purpose).then_some(code.code.as_str());
        let mut letter = match &deliver.service {
            None => writer.write(records, &envelope, known, now),
            Some(Service::Confirm) => {
                let code = code_for(Purpose::Confirm).unwrap_or_default();
                return writer.confirm(&envelope, now, Code { subscription, code });
            }
            Some(Service::Report(_)) => match digest {
                Some(digest) => writer.report(&envelope, digest),
                // It waits for its digest before it comes here.
                None => writer.write(records, &envelope, known, now),
            },
            Some(Service::Test) => writer.test(&envelope, now),
            Some(Service::Left(other)) => writer.left(&envelope, now, other),
            Some(Service::Failing { subscription, why }) => {
                writer.failing(&envelope, now, subscription, why)
            }
            Some(Service::Dark(topic)) => writer.dark(&envelope, now, topic),
        };
        if let Some(code) = code_for(Purpose::Leave) {
            writer.sign(&mut letter, Code { subscription, code });
        }
        letter
    }
}

/// Where messages go, for people; without what may be secret in an address.
pub(super) fn shown_endpoint(endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Mail { to, .. } => format!("mail {}", to.join(", ")),
        Endpoint::Webhook(hook) => {
            let host = hook.url.split('/').nth(2).unwrap_or_default();
            format!("{} {host}", hook.shape.word()).trim_end().to_owned()
        }
        Endpoint::Sns { arn, .. } => format!("sns {arn}"),
        Endpoint::Syslog { at, .. } => match at {
            SyslogAt::Local => "syslog local".to_owned(),
            SyslogAt::Udp(host, port) => format!("syslog udp://{host}:{port}"),
            SyslogAt::Tcp(host, port) => format!("syslog tcp://{host}:{port}"),
            SyslogAt::Tls(host, port, _) => format!("syslog tls://{host}:{port}"),
        },
        Endpoint::Command(words) => {
            format!("command {}", words.first().map_or("", String::as_str))
        }
    }
}

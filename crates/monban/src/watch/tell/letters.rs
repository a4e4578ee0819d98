//! Letters in the languages of their readers.

use std::collections::HashMap;

use monban_model::{Address, Endpoint, Letter, Notify, NotifyRow, Record, Stamp, SyslogAt};
use monban_notify::{Deliver, Purpose, Service};
use monban_views::{Code, Digest, Envelope, LetterWriter, Say, Tongue, Whereabouts};

use super::codes::Made;

/// What a letter tells of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told<'a> {
    /// Records.
    pub(super) records: &'a [Record],
    /// What happened in a day or week.
    pub(super) digest: Option<&'a Digest>,
}

/// Writers, and which subscription reads what.
#[derive(Debug)]
pub(super) struct Letters {
    say: Say,
    host: String,
    writers: HashMap<&'static str, LetterWriter>,
    languages: HashMap<String, Tongue>,
    /// What was saved, until the first configuration.
    rows: Option<Vec<NotifyRow>>,
}

impl Letters {
    /// Letters of this host; `say` speaks the host's language.
    pub(super) fn new(say: &Say, rows: Vec<NotifyRow>) -> Self {
        let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        // A phone shows few letters: the first part of the name is what people call the host.
        let host = name.split('.').next().unwrap_or_default().to_owned();
        let (writers, languages) = (HashMap::new(), HashMap::new());
        Self { say: say.clone(), host, writers, languages, rows: Some(rows) }
    }

    /// What was saved, once.
    pub(super) fn take_rows(&mut self) -> Option<Vec<NotifyRow>> {
        self.rows.take()
    }

    /// Whether there was no configuration yet.
    pub(super) fn has_rows(&self) -> bool {
        self.rows.is_some()
    }

    /// Takes over who reads which language.
    pub(super) fn set_up(&mut self, notify: &Notify, home: &str) {
        let own = self.say.tongue();
        let language =
            |name: &Option<String>| name.as_deref().and_then(Tongue::from_name).unwrap_or(own);
        let of = notify.subscriptions.iter().map(|one| (one.name.clone(), language(&one.lang)));
        self.languages = of.collect();
        self.writers.clear();
        for tongue in self.languages.values() {
            let writer = LetterWriter::new(Say::new(*tongue), self.host.clone(), home.to_owned());
            self.writers.entry(tongue.name()).or_insert(writer);
        }
    }

    /// Where addresses are, and what decisions rest on, for the next letter.
    pub(super) fn learn(&mut self, known: Vec<(Address, Whereabouts)>, findings: &[Record]) {
        for writer in self.writers.values_mut() {
            writer.forget();
            writer.rest_on(findings);
            for (address, origin) in &known {
                writer.learn(*address, origin.clone());
            }
        }
    }

    /// The letter of a delivery.
    pub(super) fn write(
        &self,
        deliver: &Deliver,
        Told { records, digest }: Told<'_>,
        code: &Made,
        now: Stamp,
    ) -> Letter {
        let tongue = self.languages.get(&deliver.subscription).copied();
        let tongue = tongue.unwrap_or(self.say.tongue());
        let fresh;
        let writer = match self.writers.get(tongue.name()) {
            Some(writer) => writer,
            None => {
                fresh = LetterWriter::new(Say::new(tongue), self.host.clone(), String::new());
                &fresh
            }
        };
        let missing = (deliver.items.len() - records.len().min(deliver.items.len())) as u64;
        let envelope = Envelope {
            id: format!("{}.{}", deliver.id, self.host),
            thread: deliver.thread.clone(),
            topic: deliver.topic.clone(),
            severity: deliver.severity,
            standing: deliver.standing,
            more: deliver.more.saturating_add(missing),
        };
        let subscription = deliver.subscription.as_str();
        let code_for = |purpose: Purpose| (code.purpose == purpose).then_some(code.code.as_str());
        let mut letter = match &deliver.service {
            None => writer.write(records, &envelope, now),
            Some(Service::Confirm) => {
                let code = code_for(Purpose::Confirm).unwrap_or_default();
                return writer.confirm(&envelope, now, Code { subscription, code });
            }
            Some(Service::Report(_)) => match digest {
                Some(digest) => writer.report(&envelope, digest),
                // It waits for its digest before it comes here.
                None => writer.write(records, &envelope, now),
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

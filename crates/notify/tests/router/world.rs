//! A host without people: what the router wants done is written down and answered.

use std::collections::BTreeSet;

use monban_model::{
    CodeHash, Endpoint, MailBy, Matcher, Notify, NotifyRow, Publication, Rate, Seq, Severity,
    Stamp, Standing, Subscription, SyslogAt, Theme, Topic,
};
use monban_notify::{Command, Deliver, Effect, Input, Moment, Outcome, Router, Service, Telling};

/// 2026-11-23, a Monday, at midnight in UTC.
pub const BEGIN_S: i64 = 1_795_392_000;

pub fn stamp(s: i64) -> Stamp {
    Stamp::from_s(BEGIN_S + s)
}

pub fn topic(name: &str) -> Topic {
    Topic {
        name: name.to_owned(),
        themes: vec![Theme::Login, Theme::Alarm, Theme::Finding, Theme::Notice],
        daily: vec![Theme::Block],
        severity: Severity::Info,
        matchers: Vec::new(),
        group_by: Vec::new(),
        group_wait_s: 0,
        group_interval_s: 300,
        repeat_s: Some(4 * 3600),
    }
}

pub fn subscription(name: &str, topic: &str) -> Subscription {
    Subscription {
        name: name.to_owned(),
        topic: topic.to_owned(),
        endpoint: Endpoint::Syslog { at: SyslogAt::Local, facility: 10 },
        severity: Severity::Info,
        lang: None,
        rate: Some(Rate { count: 20, window_s: 3600 }),
        digest_s: None,
        mute: Vec::new(),
        mute_critical: false,
        escalation: None,
        fallback: None,
        confirm: false,
        resolved: true,
    }
}

pub fn mail(name: &str, topic: &str) -> Subscription {
    let by = MailBy::Sendmail("/usr/sbin/sendmail".to_owned());
    let to = vec![format!("{name}@example.com")];
    let endpoint = Endpoint::Mail { from: String::new(), to, by };
    Subscription { endpoint, confirm: true, ..subscription(name, topic) }
}

/// One topic with one subscription.
pub fn simple() -> Notify {
    let (topics, subscriptions) = (vec![topic("t")], vec![subscription("log", "t")]);
    Notify { topics, subscriptions, ..Notify::default() }
}

pub fn matchers(label: &str, value: &str) -> Vec<Matcher> {
    let negated = value.starts_with('!');
    let values = vec![value.trim_start_matches('!').to_owned()];
    vec![Matcher { label: label.to_owned(), values, negated }]
}

pub struct World {
    pub router: Router,
    pub notify: Notify,
    /// The time in seconds since [`BEGIN_S`].
    pub now_s: i64,
    pub seq: u64,
    /// What happened since it was last looked at.
    pub said: Vec<String>,
    pub delivers: Vec<Deliver>,
    /// Subscriptions that try again later, those that never will work, those that do not answer.
    pub down: BTreeSet<String>,
    pub dead: BTreeSet<String>,
    pub mute: BTreeSet<String>,
    /// What a ledger holds.
    pub rows: Vec<NotifyRow>,
    /// The steps after which the run is killed, and goes on from the rows.
    pub kills: BTreeSet<usize>,
    steps: usize,
    /// All that was ever told, each try once.
    pub told: Vec<String>,
    tries: BTreeSet<(String, u32)>,
}

impl World {
    pub fn new(notify: Notify) -> Self {
        Self {
            router: Router::new(&notify, Vec::new()),
            notify,
            now_s: 0,
            seq: 0,
            said: Vec::new(),
            delivers: Vec::new(),
            down: BTreeSet::new(),
            dead: BTreeSet::new(),
            mute: BTreeSet::new(),
            rows: Vec::new(),
            kills: BTreeSet::new(),
            steps: 0,
            told: Vec::new(),
            tries: BTreeSet::new(),
        }
    }

    /// Lets time pass until then; the router is woken whenever it wants to be.
    pub fn until(&mut self, s: i64) {
        while let Some(wake) = self.router.wake_at().filter(|wake| *wake <= stamp(s)) {
            let wake_s = (wake.0.max(0) - BEGIN_S * 1000 + 999).div_euclid(1000);
            self.now_s = self.now_s.max(wake_s);
            self.input(Input::Tick);
        }
        self.now_s = s;
    }

    pub fn input(&mut self, input: Input) {
        let mut out = Vec::new();
        self.router.step(Moment { now: stamp(self.now_s), offset_s: 0 }, input, &mut out);
        self.save();
        self.steps += 1;
        if self.kills.contains(&self.steps) {
            self.router = Router::new(&self.notify, self.rows.clone());
        }
        for effect in out {
            self.effect(effect);
        }
    }

    fn save(&mut self) {
        for row in self.router.take_rows() {
            self.rows.retain(|it| (it.kind, &it.id) != (row.kind, &row.id));
            if row.content.is_some() {
                self.rows.push(row);
            }
        }
    }

    fn effect(&mut self, effect: Effect) {
        let at = self.now_s;
        match effect {
            Effect::Deliver(deliver) => self.deliver(deliver),
            Effect::Notice(notice) => {
                let values: Vec<&str> =
                    notice.values.iter().map(|(_, value)| value.as_str()).collect();
                let line = format!("{at} notice {} {}", notice.key, values.join(" "));
                self.told.push(line.clone());
                self.said.push(line);
            }
            Effect::LeaveCodeWanted(_) => {}
            Effect::Answer { answer, .. } => self.said.push(format!("{at} answer {answer:?}")),
        }
    }

    fn deliver(&mut self, deliver: Deliver) {
        let items: Vec<String> = deliver.items.iter().map(|seq| seq.0.to_string()).collect();
        let what = match &deliver.service {
            Some(Service::Confirm) => "confirm".to_owned(),
            Some(service) => format!("{service:?}"),
            None => format!("{} {}+{}", deliver.thread, items.join(","), deliver.more),
        };
        let (sub, reason) = (deliver.subscription.clone(), deliver.reason.word());
        let again =
            if deliver.attempt > 1 { format!(" try {}", deliver.attempt) } else { String::new() };
        self.said.push(format!("{} {sub} {reason} {what}{again}", self.now_s));
        if self.tries.insert((deliver.id.clone(), deliver.attempt)) {
            self.told.extend(self.said.last().cloned());
        }
        let id = deliver.id.clone();
        self.delivers.push(deliver);
        let outcome = if self.mute.contains(&sub) {
            return;
        } else if self.dead.contains(&sub) {
            Outcome::Never { why: "no such reader".to_owned() }
        } else if self.down.contains(&sub) {
            Outcome::Later { why: "refused".to_owned(), after_s: None }
        } else {
            Outcome::Delivered
        };
        self.input(Input::Outcome { id, outcome });
    }

    /// `STANDING THEME KEY SEVERITY [LABEL=VALUE ..]`; what `fires` has no repeat of its own.
    pub fn publish(&mut self, text: &str) {
        self.seq += 1;
        let publication = publication(self.seq, self.now_s, text);
        self.input(Input::Publish(publication, Telling::Now));
    }

    pub fn command(&mut self, command: Command) {
        self.input(Input::Command(1, command));
    }

    /// What happened at each of these times.
    pub fn story(&mut self, steps: &[(i64, &str, &[&str])]) {
        for (s, text, expected) in steps {
            self.until(*s);
            if !text.is_empty() {
                self.publish(text);
            }
            let said = std::mem::take(&mut self.said);
            assert_eq!(said, *expected, "at {s}: {text}");
        }
    }

    pub fn figures(&self, name: &str) -> monban_notify::Figures {
        let all = self.router.subscriptions();
        all.into_iter().find(|it| it.name == name).unwrap().figures
    }
}

pub fn publication(seq: u64, now_s: i64, text: &str) -> Publication {
    let mut words = text.split(' ');
    let mut repeats = false;
    let standing = match words.next().unwrap() {
        "once" => Standing::Once,
        "fires" => Standing::Firing,
        "repeats" => {
            repeats = true;
            Standing::Firing
        }
        "over" => Standing::Resolved,
        other => panic!("{other}"),
    };
    let theme = words.next().unwrap();
    let theme = Theme::ALL.into_iter().find(|it| it.word() == theme).unwrap();
    let key = words.next().unwrap().to_owned();
    let severity = words.next().unwrap();
    let severity = Severity::ALL.into_iter().find(|it| it.word() == severity).unwrap();
    let labels = words.map(|word| word.split_once('=').unwrap());
    let mut labels: Vec<(String, String)> =
        labels.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    labels.sort();
    Publication {
        seq: Seq(seq),
        time: stamp(now_s),
        theme,
        severity,
        standing,
        repeats,
        key,
        labels,
    }
}

pub fn hash(byte: u8) -> CodeHash {
    CodeHash([byte; 32])
}

/// So many cases; what failed is printed, and belongs into a test of its own.
pub fn cases(cases: u32) -> proptest::prelude::ProptestConfig {
    proptest::prelude::ProptestConfig { cases, failure_persistence: None, ..Default::default() }
}

//! What the watcher says: one line per thing that happens.

use monban_engine::Counted;
use monban_model::{Kind, Notice, Record, Sighting, Stamp};
use monban_views::{Narrator, Say, json_line, notice_json, quoted, record_json, time_json};
use serde_json::json;

use super::voice::Voice;

/// Lines about single failures in one second at most; the rest is added up and told as a number.
const COUNTED_PER_S: u32 = 20;

/// The standard output of the daemon.
#[derive(Debug)]
pub struct Output {
    narrator: Narrator,
    voice: Voice,
    json: bool,
    second: i64,
    told: u32,
    untold: u64,
}

impl Output {
    /// For people in their language, or JSON lines.
    pub fn new(say: Say, json: bool, _terminal: bool) -> Self {
        Self {
            narrator: Narrator::new(say, true),
            voice: Voice::default(),
            json,
            second: 0,
            told: 0,
            untold: 0,
        }
    }

    /// Its message table.
    pub fn say(&self) -> &Say {
        self.narrator.say()
    }

    /// Whether blocks are told as done or as what would have been.
    pub fn set_guards(&mut self, guards: bool) {
        self.narrator = Narrator::new(self.narrator.say().clone(), guards);
    }

    /// Tells a record, if it is for people.
    pub fn record(&mut self, record: &Record) {
        if self.json {
            return self.voice.say(&json_line(&record_json(record)));
        }
        if let Some(line) = self.narrator.tell(record) {
            self.voice.say(&line);
        }
    }

    /// Tells something about the watcher itself that is no record.
    pub fn notice(&mut self, notice: &Notice) {
        if self.json {
            return self.voice.say(&json_line(&notice_json(notice)));
        }
        let line = self.narrator.say().notice(notice);
        self.voice.say(&line);
    }

    /// Tells something that happened now and is no record.
    pub fn happened(&mut self, notice: &Notice, now: Stamp) {
        if self.json {
            let mut value = notice_json(notice);
            value["time"] = time_json(now);
            return self.voice.say(&json_line(&value));
        }
        let line = self.narrator.notice(now, notice);
        self.voice.say(&line);
    }

    /// Tells one attempt more, unless too many are told in this second already.
    pub fn counted(&mut self, counted: &Counted, seen: &Sighting<'_>, service: &str, now: Stamp) {
        if !self.may_count(now) {
            return;
        }
        let user = seen.user.map(quoted);
        if self.json {
            let line = json!({
                "event": "counted",
                "time": time_json(counted.time),
                "address": counted.address.to_string(),
                "subject": counted.subject.to_string(),
                "service": service,
                "user": seen.user.map(String::from_utf8_lossy),
                "kind": counted.kind.name(),
                "attempts": counted.attempts,
                "in_window": counted.in_window,
                "needed": counted.needed,
            });
            return self.voice.say(&json_line(&line));
        }
        let key = match (counted.kind, &user) {
            (Kind::Probe, _) => "counted-probe",
            (Kind::HttpProbe, _) => "counted-http-probe",
            (Kind::HttpRefused, _) => "counted-http-refused",
            (Kind::HttpLogin, _) => "counted-http-login",
            (Kind::MailRejected, _) => "counted-mail",
            (Kind::RateLimited, _) => "counted-rate",
            (_, Some(_)) => "counted",
            (_, None) => "counted-nameless",
        };
        let values = [
            ("service", service.to_owned()),
            ("user", user.unwrap_or_default()),
            ("address", counted.address.to_string()),
            ("count", counted.in_window.to_string()),
            ("needed", counted.needed.to_string()),
        ];
        let values: Vec<(&str, &str)> = values.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let line = self.narrator.line(counted.time, key, &values);
        self.voice.say(&line);
    }

    /// Tells a failure that a jail counted, unless too many are told in this second already.
    pub fn found(&mut self, notice: impl FnOnce() -> Notice, now: Stamp) {
        if self.may_count(now) {
            self.happened(&notice(), now);
        }
    }

    /// Whether one failure more is told in this second; if not, it is added up.
    fn may_count(&mut self, now: Stamp) -> bool {
        if self.second != now.as_s() {
            self.flush();
            self.second = now.as_s();
            self.told = 0;
        }
        let may = self.told < COUNTED_PER_S;
        if may {
            self.told += 1;
        } else {
            self.untold += 1;
        }
        may
    }

    /// Says what was told since the last call.
    pub fn speak(&mut self) {
        self.voice.speak();
    }

    /// Waits, not for long, until everything was told.
    pub fn end(&mut self) {
        self.flush();
        self.voice.end();
    }

    /// Tells how many single failures were not told.
    pub fn flush(&mut self) {
        let untold = std::mem::take(&mut self.untold);
        if untold > 0 && !self.json {
            let count = untold.to_string();
            let time = Stamp::from_s(self.second);
            let line = self.narrator.line(time, "counted-more", &[("count", &count)]);
            self.voice.say(&line);
        }
    }
}

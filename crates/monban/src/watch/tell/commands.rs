//! What operators want of messages, and their answers as JSON.

use std::time::{Duration, Instant};

use monban_model::wire::{NotifyRequest, Report, Taken};
use monban_model::{Matcher, MatcherError, Notice, Silence, Stamp};
use monban_notify::{
    Answer, Command, Health, QueuedStatus, Refused, SilenceStatus, SubscriptionStatus,
};
use monban_views::{json_line, notice_json, time_json};
use serde_json::{Value, json};

use super::{Teller, codes};
use crate::watch::notice;

/// Whoever tests waits so long for what becomes of it.
const TEST_TIME: Duration = Duration::from_secs(75);

/// An answer to an operator: the number of the question, and JSON.
pub struct Reply {
    /// The number.
    pub id: u32,
    /// One line.
    pub json: String,
}

/// A test that a person waits for.
pub struct Asked {
    /// The question's number.
    id: u32,
    subscription: String,
    until: Instant,
    report: Option<Value>,
}

impl Teller {
    /// An operator wants something.
    pub fn ask(&mut self, id: u32, request: NotifyRequest, now: Stamp) {
        let command = match request {
            NotifyRequest::List => {
                let json = json_line(&self.standing());
                return self.replies.push(Reply { id, json });
            }
            NotifyRequest::Confirm { code } => Command::Confirm(codes::hash(&code)),
            NotifyRequest::Leave { code, yes } => Command::Leave { hash: codes::hash(&code), yes },
            NotifyRequest::Resend { subscription } => Command::Resend(subscription),
            NotifyRequest::Silence { conditions, for_s, comment } => {
                let matchers: Result<Vec<Matcher>, MatcherError> =
                    conditions.iter().map(|text| Matcher::parse(text)).collect();
                let matchers = match matchers {
                    Ok(matchers) => matchers,
                    Err(error) => return self.say(id, false, vec![wrong_condition(&error)]),
                };
                let until = for_s.map(|seconds| now.plus_s(seconds));
                Command::Silence(Silence { matchers, from: now, until, comment })
            }
            NotifyRequest::EndSilence { number } => Command::EndSilence(number),
            NotifyRequest::Acknowledge { key } => Command::Acknowledge(key),
            NotifyRequest::Mute { subscription, for_s } => {
                Command::Mute(subscription, for_s.map(|seconds| now.plus_s(seconds)))
            }
            NotifyRequest::Test { topic } => Command::Test(topic),
        };
        self.command(now, id, command);
    }

    /// Answers that are ready. A test that nobody told of in time is answered without.
    pub fn take_replies(&mut self) -> Vec<Reply> {
        let now = Instant::now();
        let late: Vec<String> = self
            .asked
            .iter()
            .filter(|(_, asked)| asked.report.is_none() && asked.until <= now)
            .map(|(delivery, _)| delivery.clone())
            .collect();
        for delivery in late {
            if let Some(asked) = self.asked.get_mut(&delivery) {
                asked.report =
                    Some(told_test(&asked.subscription, false, "there is no answer yet", ""));
                let id = asked.id;
                self.answer_test(id);
            }
        }
        std::mem::take(&mut self.replies)
    }

    pub(super) fn answer(&mut self, id: u32, answer: Result<Answer, Refused>) {
        let of = |key: &str, name| notice(key, &[("subscription", name)]);
        let told = match answer {
            Ok(Answer::Testing(sent, closed)) => return self.await_tests(id, sent, closed),
            Ok(Answer::Confirmed(name)) => of("notify-confirmed", name),
            Ok(Answer::WouldLeave(name)) => of("notify-would-leave", name),
            Ok(Answer::Left(name)) => of("notify-left", name),
            Ok(Answer::Resent(name)) => of("notify-resent", name),
            Ok(Answer::Silenced(number)) => {
                notice("notify-silenced", &[("number", number.to_string())])
            }
            Ok(Answer::SilenceEnded) => notice("notify-silence-ended", &[]),
            Ok(Answer::Acknowledged(count)) => {
                notice("notify-acknowledged", &[("count", count.to_string())])
            }
            Ok(Answer::Muted) => notice("notify-muted", &[]),
            Err(refused) => return self.say(id, false, vec![refused_notice(refused)]),
        };
        self.say(id, true, vec![told]);
    }

    fn say(&mut self, id: u32, done: bool, notices: Vec<Notice>) {
        let notices: Vec<Value> = notices.iter().map(notice_json).collect();
        let json = json_line(&json!({"done": done, "notices": notices}));
        self.replies.push(Reply { id, json });
    }

    fn await_tests(&mut self, id: u32, sent: Vec<(String, String)>, closed: Vec<String>) {
        let until = Instant::now() + TEST_TIME;
        let nobody = sent.is_empty();
        for (delivery, subscription) in sent {
            self.asked.insert(delivery, Asked { id, subscription, until, report: None });
        }
        for subscription in closed {
            let report = told_test(&subscription, false, "it is not confirmed, or was left", "");
            let delivery = format!("closed {subscription}");
            self.asked.insert(delivery, Asked { id, subscription, until, report: Some(report) });
        }
        if nobody {
            self.answer_test(id);
        }
    }

    pub(super) fn tell_asker(&mut self, report: &Report) {
        let Some(asked) = self.asked.get_mut(&report.id) else { return };
        let (taken, why) = match &report.taken {
            Taken::Yes { said } => (true, said.as_str()),
            Taken::But(_) => (true, ""),
            Taken::No { why, .. } => (false, why.as_str()),
        };
        asked.report = Some(told_test(&asked.subscription, taken, why, &report.dialogue));
        let id = asked.id;
        self.answer_test(id);
    }

    /// Answers whoever tests, once all is known.
    fn answer_test(&mut self, id: u32) {
        let mut of_it = self.asked.values().filter(|asked| asked.id == id);
        if of_it.any(|asked| asked.report.is_none()) {
            return;
        }
        let mut tests: Vec<(String, Value)> = self
            .asked
            .extract_if(|_, asked| asked.id == id)
            .filter_map(|(_, asked)| Some((asked.subscription, asked.report?)))
            .collect();
        tests.sort_by(|(one, _), (other, _)| one.cmp(other));
        let done = !tests.is_empty() && tests.iter().all(|(_, test)| test["taken"] == true);
        let tests: Vec<Value> = tests.into_iter().map(|(_, test)| test).collect();
        let json = json_line(&json!({"done": done, "notices": [], "tests": tests}));
        self.replies.push(Reply { id, json });
    }

    /// How it stands with subscriptions, what waits, and silences.
    fn standing(&self) -> Value {
        let counters = self.router.counters();
        json!({
            "done": true,
            "notices": [],
            "subscriptions": self.router.subscriptions().iter().map(|one| {
                self.subscription_json(one)
            }).collect::<Vec<_>>(),
            "queue": self.router.queue().iter().map(queued_json).collect::<Vec<_>>(),
            "silences": self.router.silences().iter().map(silence_json).collect::<Vec<_>>(),
            "published": counters.published,
            "unrouted": counters.unrouted,
            "untold": counters.untold,
            "silenced": counters.silenced,
            "inhibited": counters.inhibited,
            "unknown_ends": counters.unknown_ends,
            "groups_evicted": counters.groups_evicted,
            "firing_evicted": counters.firing_evicted,
            "stale_outcomes": counters.stale_outcomes,
            "duplicates": counters.duplicates,
            "cut": counters.cut,
            "unreadable_rows": counters.unreadable_rows,
        })
    }

    fn subscription_json(&self, one: &SubscriptionStatus) -> Value {
        let (works, failing_since, why) = match &one.health {
            Health::Works => (true, None, None),
            Health::Failing(since, why) => (false, Some(time_json(*since)), Some(why.clone())),
        };
        let config = self.notify.subscriptions.iter().find(|known| known.name == one.name);
        json!({
            "subscription": one.name,
            "topic": one.topic,
            "to": config.map(|config| super::letters::shown_endpoint(&config.endpoint)),
            "state": one.state.word(),
            "since": time_json(one.since),
            "works": works,
            "failing_since": failing_since,
            "why": why,
            "quiet_until": one.quiet_until.map(time_json),
            "held": one.held,
            "digest_due": one.digest_due.map(time_json),
            "queued": one.queued,
            "delivered": one.figures.delivered,
            "unconfirmed": one.figures.unconfirmed,
            "held_back": one.figures.held_back,
            "overflowed": one.figures.overflowed,
            "given_up": one.figures.given_up,
            "failed": one.figures.failed,
            "awaiting": one.awaiting,
            "escalated": one.figures.escalated,
            "unescalated": one.figures.unescalated,
        })
    }
}

fn told_test(subscription: &str, taken: bool, why: &str, dialogue: &str) -> Value {
    json!({"subscription": subscription, "taken": taken, "why": why, "dialogue": dialogue})
}

fn queued_json(one: &QueuedStatus) -> Value {
    json!({
        "delivery": one.id,
        "subscription": one.subscription,
        "reason": one.reason.word(),
        "thread": one.thread,
        "made": time_json(one.made),
        "records": one.records,
        "attempts": one.attempts,
        "next": one.next.map(time_json),
    })
}

fn silence_json(one: &SilenceStatus) -> Value {
    json!({
        "silence": one.number,
        "conditions": one.silence.matchers.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "from": time_json(one.silence.from),
        "until": one.silence.until.map(time_json),
        "comment": one.silence.comment,
        "active": one.active,
    })
}

fn wrong_condition(error: &MatcherError) -> Notice {
    let known = error.known().join(", ");
    match error {
        MatcherError::Label(label) => {
            notice("notify-label", &[("label", label.clone()), ("known", known)])
        }
        MatcherError::Value(label, value) => {
            let label = label.word().to_owned();
            notice("notify-value", &[("label", label), ("value", value.clone()), ("known", known)])
        }
        MatcherError::Form | MatcherError::Count | MatcherError::Long | MatcherError::Mixed => {
            notice("notify-condition", &[])
        }
    }
}

fn refused_notice(refused: Refused) -> Notice {
    match refused {
        Refused::WrongCode(left) => notice("notify-wrong-code", &[("left", left.to_string())]),
        Refused::TooManyGuesses(until) => {
            notice("notify-too-many-codes", &[("until", until.to_string())])
        }
        Refused::Unknown => notice("notify-unknown", &[]),
        Refused::NotPending => notice("notify-not-pending", &[]),
        Refused::JustSent => notice("notify-just-sent", &[]),
        Refused::Full => notice("notify-silences-full", &[]),
        Refused::Silence => notice("notify-silence-wrong", &[]),
    }
}

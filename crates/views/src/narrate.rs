//! One readable line per thing that happens.

use monban_model::{
    Because, Decision, Event, Finding, Outcome, OutcomeResult, Record, Seq, Subject, Verdict,
};

use crate::alarms::alarm_line;
use crate::bans::shown;
use crate::{LocalClock, Say, printable};

/// Whether what was decided of a subject was only observed, as the next outcome among these
/// records tells; `None` if none does.
pub fn was_observed(records: &[Record], decided: Seq, subject: Subject) -> Option<bool> {
    let outcomes = records.iter().filter(|record| record.seq > decided).filter_map(|record| {
        match &record.event {
            Event::Happened(outcome) if outcome.subject == subject => Some((record.seq, outcome)),
            _ => None,
        }
    });
    let (_, next) = outcomes.min_by_key(|(seq, _)| *seq)?;
    Some(next.result == OutcomeResult::Observed)
}

/// Turns records into lines. A decision is told together with the finding before it.
#[derive(Debug)]
pub struct Narrator {
    say: Say,
    clock: LocalClock,
    last: Option<Box<Finding>>,
    guards: bool,
}

impl Narrator {
    /// A narrator; if monban does not guard, blocks are told as what would have been.
    pub fn new(say: Say, guards: bool) -> Self {
        Self { say, clock: LocalClock::of_system(), last: None, guards }
    }

    /// Whether monban guards, from here on.
    pub const fn set_guards(&mut self, guards: bool) {
        self.guards = guards;
    }

    /// Its message table.
    pub const fn say(&self) -> &Say {
        &self.say
    }

    /// Whether a record has a line of its own for people.
    pub fn shows(&self, record: &Record) -> bool {
        match &record.event {
            Event::Found(_) | Event::Ordered(_) => false,
            Event::Entered(_) | Event::FoundHere(_) | Event::Decided(_) => true,
            Event::Noticed(_) | Event::Alarmed(_) => true,
            Event::Happened(outcome) => self.outcome(outcome).is_some(),
        }
    }

    /// The line of a record, if it is for people.
    pub fn tell(&mut self, record: &Record) -> Option<String> {
        let text = self.sentence(record)?;
        Some(format!("{}  {text}", self.clock.when(record.time)))
    }

    /// What the next decision rests on.
    pub(crate) fn rest_on(&mut self, finding: Box<Finding>) {
        self.last = Some(finding);
    }

    /// The line of a record without its time.
    pub(crate) fn sentence(&mut self, record: &Record) -> Option<String> {
        Some(match &record.event {
            Event::Found(finding) => {
                self.rest_on(finding.clone());
                return None;
            }
            Event::Entered(login) => self.say.login(login),
            Event::FoundHere(finding) => self.say.found_here(finding),
            Event::Decided(decision) => {
                let finding = self.last.take();
                self.decision(record, decision, finding.as_deref())
            }
            Event::Ordered(_) => return None,
            Event::Happened(outcome) => self.outcome(outcome)?,
            Event::Noticed(notice) => self.say.notice(notice),
            Event::Alarmed(change) => alarm_line(&self.say, &self.clock, change),
        })
    }

    /// A line at this moment.
    pub fn line(&self, time: monban_model::Stamp, key: &str, values: &[(&str, &str)]) -> String {
        format!("{}  {}", self.clock.when(time), self.say.text(key, values))
    }

    /// The line of something that is no record, at this moment.
    pub fn notice(&self, time: monban_model::Stamp, notice: &monban_model::Notice) -> String {
        format!("{}  {}", self.clock.when(time), self.say.notice(notice))
    }

    fn decision(&self, record: &Record, decision: &Decision, found: Option<&Finding>) -> String {
        let length = match decision.verdict {
            Verdict::Block { until: Some(end) } => self.say.duration(end.since_s(record.time)),
            _ => self.say.text("forever", &[]),
        };
        let detail = match &decision.because {
            Because::Allowed(net) => net.to_string(),
            Because::Operator(text) | Because::Named(text) => printable(text.as_bytes()),
            Because::Origin(by) => self.say.by_origin(by),
            _ => String::new(),
        };
        let values = [
            ("subject", shown(decision.subject, &decision.policy)),
            ("length", length),
            ("failures", found.map_or(0, |finding| finding.failures).to_string()),
            (
                "span",
                self.say.duration(found.map_or(0, |finding| finding.last.since_s(finding.first))),
            ),
            ("policy", decision.policy.clone()),
            ("service", found.map_or_else(String::new, |finding| finding.service.clone())),
            ("number", (decision.earlier + 1).to_string()),
            ("net", detail.clone()),
            ("why", detail),
        ];
        let values: Vec<(&str, &str)> = values.iter().map(|(n, v)| (*n, v.as_str())).collect();
        self.say.of_policy(self.decision_key(decision), &decision.policy, &values)
    }

    fn decision_key(&self, decision: &Decision) -> &'static str {
        let is_own = !decision.policy.starts_with("jail ");
        match (decision.verdict, &decision.because) {
            (Verdict::Block { until }, Because::Operator(why)) if why.is_empty() && is_own => {
                match (self.guards, until) {
                    (false, _) => "would-ban-plain",
                    (true, None) => "ban-forever-plain",
                    (true, Some(_)) => "ban-plain",
                }
            }
            (Verdict::Block { .. }, Because::Operator(_)) if !self.guards => "would-ban",
            (Verdict::Block { until: None }, Because::Operator(_)) => "ban-forever",
            (Verdict::Block { .. }, Because::Operator(_)) => "ban",
            (Verdict::Block { .. }, Because::Origin(_)) if !self.guards => "would-block-origin",
            (Verdict::Block { until: None }, Because::Origin(_)) => "block-origin-forever",
            (Verdict::Block { .. }, Because::Origin(_)) => "block-origin",
            (Verdict::Block { .. }, _) if !self.guards => "would-block",
            (Verdict::Block { .. }, Because::TakenOver) => "taken-over",
            (Verdict::Block { until: None }, _) => "block-forever",
            (Verdict::Block { .. }, _) => "block",
            (Verdict::Free, Because::Expired) => "over",
            (Verdict::Free, Because::Allowed(_)) => "free-allowed",
            (Verdict::Free, Because::Administrator) => "free-administrator",
            (Verdict::Free, Because::TooWide) => "free-too-wide",
            (Verdict::Free, Because::Named(_)) => "free-named",
            (Verdict::Free, _) => "free-operator",
            (Verdict::Nothing, Because::Allowed(_)) => "spared-allowed",
            (Verdict::Nothing, Because::Administrator) => "spared-administrator",
            (Verdict::Nothing, Because::AlreadyBlocked) => "spared-again",
            (Verdict::Nothing, Because::TooManyBlocks) => "spared-full",
            (Verdict::Nothing, Because::Origin(_)) => "spared-origin",
            (Verdict::Nothing, _) => "spared-observes",
        }
    }

    fn outcome(&self, outcome: &Outcome) -> Option<String> {
        let (key, why) = match &outcome.result {
            OutcomeResult::Applied | OutcomeResult::Observed => return None,
            OutcomeResult::Refused(why) => ("outcome-refused", why),
            OutcomeResult::Failed(why) => ("outcome-failed", why),
        };
        let values = [
            ("subject", outcome.subject.to_string()),
            ("why", printable(self.say.sentence(why).as_bytes())),
        ];
        let values: Vec<(&str, &str)> = values.iter().map(|(n, v)| (*n, v.as_str())).collect();
        Some(self.say.text(key, &values))
    }
}

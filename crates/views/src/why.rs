//! `monban why ADDRESS`: from the lines to the verdict, for blocked and for not blocked ones.

#[cfg(test)]
mod tests;

use monban_ledger::Unmade;
use monban_model::wire::Mode;
use monban_model::{
    Address, Because, BlockRow, ByOrigin, Decision, Event, Evidence, Finding, HistoryRow, Made,
    Net, Notice, Origin, OriginAct, OutcomeResult, Policy, Record, Seq, Stamp, Subject, SuccessRow,
    TallyRow, Verdict,
};

use crate::bans::made;
use crate::jail_counts::{self, JailCount, JailSpared};
use crate::{LocalClock, Say, printable, was_observed};

/// Decisions that the text shows, newest first.
const DECISIONS_SHOWN: usize = 4;

/// All that is known of an address.
#[derive(Clone, Debug)]
pub struct Why {
    /// The address that was asked about.
    pub address: Address,
    /// Who is counted for it.
    pub subject: Subject,
    /// Whether monban guards or only observes; `None` if it does not run.
    pub mode: Option<Mode>,
    /// The blocks that cover it.
    pub blocks: Vec<BlockRow>,
    /// Bans of jails whose actions failed.
    pub unmade: Unmade,
    /// What is said of these jails.
    pub lame: Vec<Notice>,
    /// Its open counts.
    pub tallies: Vec<TallyRow>,
    /// What jails count of it.
    pub jails: Vec<JailCount>,
    /// What jails did not count of it.
    pub spared: Vec<JailSpared>,
    /// Its earlier blocks.
    pub history: Option<HistoryRow>,
    /// Its last login.
    pub success: Option<SuccessRow>,
    /// The network of the allow list that covers it, as far as the configuration tells.
    pub allowed: Option<Net>,
    /// Its records, newest first.
    pub records: Vec<Record>,
    /// Findings among them that lost lines when the ledger was kept small, and how many.
    pub lines_dropped: Vec<(Seq, u64)>,
    /// Where it is, and what `[[origin]]` says of that.
    pub origin: WhyOrigin,
    /// The policies in force.
    pub policies: Vec<Policy>,
    /// The moment of the question.
    pub now: Stamp,
}

impl Why {
    /// An address of which nothing is known.
    pub fn nothing(address: Address, now: Stamp) -> Self {
        Self {
            address,
            subject: Subject::of(address),
            mode: None,
            blocks: Vec::new(),
            unmade: Unmade::new(),
            lame: Vec::new(),
            tallies: Vec::new(),
            jails: Vec::new(),
            spared: Vec::new(),
            history: None,
            success: None,
            allowed: None,
            records: Vec::new(),
            lines_dropped: Vec::new(),
            origin: WhyOrigin::NotAsked,
            policies: Vec::new(),
            now,
        }
    }

    /// Decisions with the findings they answer, newest first; those that end a block are among
    /// them.
    pub(crate) fn decided(&self) -> Vec<(&Record, &Decision, Option<&Finding>)> {
        let finding = |seq| {
            self.records.iter().find(|record| record.seq == seq).and_then(|record| {
                match &record.event {
                    Event::Found(finding) => Some(&**finding),
                    _ => None,
                }
            })
        };
        self.records
            .iter()
            .filter_map(|record| match &record.event {
                Event::Decided(decision) => {
                    Some((record, decision, decision.finding.and_then(finding)))
                }
                _ => None,
            })
            .collect()
    }

    /// Why a block is there: by the newest decision of its policy.
    pub(crate) fn because(&self, block: &BlockRow) -> Option<&Because> {
        let of_block = |decision: &&Decision| {
            decision.policy == block.policy
                && decision.subject == block.subject
                && matches!(decision.verdict, Verdict::Block { .. })
        };
        let mut decisions = self.records.iter().filter_map(|record| match &record.event {
            Event::Decided(decision) => Some(decision),
            _ => None,
        });
        decisions.find(of_block).map(|decision| &decision.because)
    }

    /// Whether its blocks are no more than what would be: as the running monban says, or the
    /// last outcome.
    pub(crate) fn only_observed(&self) -> bool {
        match self.mode {
            Some(mode) => mode == Mode::Observe,
            None => {
                self.records.iter().find_map(|record| match &record.event {
                    Event::Happened(outcome) => Some(outcome.result == OutcomeResult::Observed),
                    _ => None,
                }) == Some(true)
            }
        }
    }

    /// Whether a block is more than words: an action of its jail made it.
    pub(crate) fn has_made(&self, block: &BlockRow) -> bool {
        made(block, &self.unmade) != Made::Not
    }

    /// The same for one decision of the past.
    pub(crate) fn was_observed(&self, record: &Record, decision: &Decision) -> bool {
        was_observed(&self.records, record.seq, decision.subject)
            .unwrap_or_else(|| self.only_observed())
    }

    /// How many lines the finding of a decision has lost.
    pub(crate) fn dropped(&self, decision: &Decision) -> u64 {
        let lost = self.lines_dropped.iter().find(|(seq, _)| Some(*seq) == decision.finding);
        lost.map_or(0, |(_, count)| *count)
    }

    /// An open count with its policy: failures in the window and how many fill it.
    pub(crate) fn open(&self) -> impl Iterator<Item = (&TallyRow, &Policy, u32)> {
        self.tallies.iter().filter_map(|tally| {
            let policy = self.policies.iter().find(|policy| policy.name == tally.policy)?;
            let inside =
                |(time, _): &&(Stamp, u64)| self.now.since_s(*time) < policy.window.length_s;
            let count = tally.marks.iter().filter(inside).count() as u32;
            (!tally.marks.is_empty()).then_some((tally, policy, count))
        })
    }
}

/// What `[[origin]]` says of an address, as it is configured now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhyOrigin {
    /// There is no such table.
    NotAsked,
    /// There is no database of places, or it does not know the address.
    Unknown,
    /// It is from there, and no table is about that.
    Nothing(Origin),
    /// This is answered by this table, to these services (none: to all).
    Answered(OriginAct, Box<ByOrigin>, Vec<String>),
}

/// As text for people.
pub fn why_text(why: &Why, say: &Say, clock: &LocalClock) -> String {
    let mut page = Page { say, clock, text: String::new() };
    page.head(why);
    for (record, decision, finding) in why.decided().into_iter().take(DECISIONS_SHOWN) {
        match (decision.verdict, finding) {
            (_, Some(finding)) => page.decided(why, record, decision, finding),
            (Verdict::Free, None) => page.ended(record, decision),
            (_, None) => page.ordered(why, record, decision),
        }
    }
    for (tally, policy, count) in why.open() {
        page.open(why, tally, policy, count);
    }
    page.text.push_str(&jail_counts::lines(why, say, clock));
    page.tail(why);
    page.text
}

struct Page<'a> {
    say: &'a Say,
    clock: &'a LocalClock,
    text: String,
}

impl Page<'_> {
    fn line(&mut self, key: &str, values: &[(&str, &str)]) {
        self.text.push_str(&self.say.text(key, values));
        self.text.push('\n');
    }

    fn until(&self, until: Option<Stamp>) -> String {
        match until {
            Some(end) => self.clock.date_time(end),
            None => self.say.text("forever", &[]),
        }
    }

    fn head(&mut self, why: &Why) {
        for block in &why.blocks {
            let until = self.until(block.until);
            let who = self.who(why.address, block.subject);
            let key = match (why.only_observed(), made(block, &why.unmade), block.until) {
                (false, Made::Not, _) => "why-unmade",
                (false, Made::Partly, _) => "why-partly",
                (false, Made::Whole, Some(_)) => "why-blocked",
                (false, Made::Whole, None) => "why-blocked-forever",
                (true, _, Some(_)) => "why-would-block",
                (true, _, None) => "why-would-block-forever",
            };
            self.line(key, &[("who", &who), ("until", &until)]);
            if block.policy.is_empty() {
                let plain = block.why.is_empty();
                let key = if plain { "why-reason-operator-plain" } else { "why-reason-operator" };
                self.line(key, &[("why", &printable(block.why.as_bytes()))]);
            } else {
                let key = match why.because(block) {
                    Some(Because::Operator(_)) => "bans-by-hand",
                    Some(Because::TakenOver) => "bans-taken-over",
                    Some(Because::Origin(_)) => "why-reason-origin",
                    _ => "why-reason-policy",
                };
                let origin = match why.because(block) {
                    Some(Because::Origin(by)) => self.say.by_origin(by),
                    _ => String::new(),
                };
                let values = [("policy", block.policy.as_str()), ("why", origin.as_str())];
                let text = self.say.of_policy(key, &block.policy, &values);
                self.text.push_str(&format!("{text}\n"));
            }
        }
        for told in &why.lame {
            self.text.push_str(&format!("{}\n", self.say.notice(told)));
        }
        let who = self.who(why.address, why.subject);
        if why.blocks.is_empty() {
            self.line("why-not-blocked", &[("who", &who)]);
        }
        if why.records.is_empty()
            && why.tallies.is_empty()
            && why.jails.is_empty()
            && why.spared.is_empty()
        {
            self.line("why-never-seen", &[("who", &who)]);
        }
    }

    /// The address that was asked about, and who is counted or blocked for it if that is more.
    fn who(&self, address: Address, subject: Subject) -> String {
        let is_all = subject == Subject::alone(address);
        let (address, subject) = (address.to_string(), subject.to_string());
        match is_all {
            true => address,
            false => self.say.text("why-inside", &[("address", &address), ("subject", &subject)]),
        }
    }

    fn decided(&mut self, why: &Why, record: &Record, decision: &Decision, finding: &Finding) {
        let verdict = self.verdict(why, record, decision);
        let values = [
            ("time", self.clock.date_time(record.time)),
            ("verdict", verdict),
            ("failures", finding.failures.to_string()),
            ("span", self.say.duration(finding.last.since_s(finding.first))),
            ("window", self.say.duration(finding.window_s)),
            ("policy", decision.policy.clone()),
            ("why", self.origin(decision)),
        ];
        let values: Vec<(&str, &str)> = values.iter().map(|(n, v)| (*n, v.as_str())).collect();
        // Its failures counted as more than they were, so their number alone says nothing.
        let again = decision.earlier > 0 && decision.policy.starts_with("jail ");
        let key = match (&decision.because, decision.verdict, again) {
            (Because::Origin(_), Verdict::Block { .. }, _) => "why-decided-origin",
            (_, _, true) => "why-decided-again",
            (_, _, false) => "why-decided",
        };
        let text = self.say.of_policy(key, &decision.policy, &values);
        self.text.push_str(&format!("{text}\n"));
        self.line("why-rests", &[]);
        self.lines(finding.evidence.iter());
        match why.dropped(decision) {
            0 => {}
            count => self.line("why-lines-dropped", &[("count", &count.to_string())]),
        }
    }

    /// Where he is and which table says so, if that is the reason.
    fn origin(&self, decision: &Decision) -> String {
        match &decision.because {
            Because::Origin(by) => self.say.by_origin(by),
            _ => String::new(),
        }
    }

    /// The end of a block.
    fn ended(&mut self, record: &Record, decision: &Decision) {
        let (key, net) = match &decision.because {
            Because::Expired => ("over", String::new()),
            Because::Allowed(net) => ("free-allowed", net.to_string()),
            Because::Administrator => ("free-administrator", String::new()),
            Because::TooWide => ("free-too-wide", String::new()),
            Because::Named(name) => ("free-named", printable(name.as_bytes())),
            _ => ("free-operator", String::new()),
        };
        let subject = decision.subject.to_string();
        let values = [("subject", subject.as_str()), ("net", &net)];
        let text = self.say.of_policy(key, &decision.policy, &values);
        self.dated(record, &text);
    }

    /// A block that an operator wanted, or another fail2ban, or whose finding was dropped.
    fn ordered(&mut self, why: &Why, record: &Record, decision: &Decision) {
        let verdict = self.verdict(why, record, decision);
        let (key, why) = match &decision.because {
            Because::Operator(why) if why.is_empty() && !decision.policy.starts_with("jail ") => {
                ("why-reason-operator-plain", "")
            }
            Because::Operator(why) => ("why-reason-operator", why.as_str()),
            Because::TakenOver => ("bans-taken-over", ""),
            _ => return self.dated(record, &verdict),
        };
        let why = printable(why.as_bytes());
        let by = self.say.of_policy(key, &decision.policy, &[("why", why.as_str())]);
        let time = self.clock.date_time(record.time);
        self.line("why-ordered", &[("time", &time), ("verdict", &verdict), ("by", &by)]);
    }

    fn dated(&mut self, record: &Record, text: &str) {
        let time = self.clock.date_time(record.time);
        self.text.push_str(&format!("{time}  {text}\n"));
    }

    fn verdict(&self, why: &Why, record: &Record, decision: &Decision) -> String {
        match (decision.verdict, &decision.because) {
            (Verdict::Block { until }, _) => {
                let key = match (why.was_observed(record, decision), until) {
                    (false, Some(_)) => "why-verdict-block",
                    (false, None) => "why-verdict-block-forever",
                    (true, Some(_)) => "why-verdict-would",
                    (true, None) => "why-verdict-would-forever",
                };
                self.say.text(key, &[("until", &self.until(until))])
            }
            (_, Because::Allowed(net)) => {
                self.say.text("why-verdict-allowed", &[("net", &net.to_string())])
            }
            (_, Because::Administrator) => self.say.text("why-verdict-administrator", &[]),
            (_, Because::AlreadyBlocked) => self.say.text("why-verdict-again", &[]),
            (_, Because::TooManyBlocks) => self.say.text("why-verdict-full", &[]),
            (_, Because::Origin(by)) => {
                self.say.text("why-verdict-origin", &[("why", &self.say.by_origin(by))])
            }
            _ => self.say.text("why-verdict-observes", &[]),
        }
    }

    fn open(&mut self, why: &Why, tally: &TallyRow, policy: &Policy, count: u32) {
        let values = [
            ("policy", tally.policy.clone()),
            ("count", count.to_string()),
            ("window", self.say.duration(policy.window.length_s)),
            ("needed", policy.window.failures.to_string()),
        ];
        let values: Vec<(&str, &str)> = values.iter().map(|(n, v)| (*n, v.as_str())).collect();
        self.line("why-open", &values);
        if let (Some(slow), None) = (policy.slow, why.success) {
            let values = [
                ("count", tally.marks.len().to_string()),
                ("window", self.say.duration(slow.length_s)),
                ("needed", slow.failures.to_string()),
            ];
            let values: Vec<(&str, &str)> = values.iter().map(|(n, v)| (*n, v.as_str())).collect();
            self.line("why-open-slow", &values);
        }
        self.line("why-open-lines", &[]);
        self.lines(tally.evidence.iter().map(|line| &line.evidence));
    }

    fn lines<'e>(&mut self, evidence: impl Iterator<Item = &'e Evidence>) {
        for line in evidence {
            self.text.push_str("    ");
            self.text.push_str(&printable(&line.line));
            self.text.push_str(&format!("   [{}]\n", line.rule));
        }
    }

    fn tail(&mut self, why: &Why) {
        if let Some(success) = why.success {
            let time = self.clock.date_time(success.last);
            self.line("why-success", &[("time", &time)]);
        }
        if let Some(past) = why.history {
            let values =
                [("count", past.blocks.to_string()), ("time", self.clock.date_time(past.last))];
            let values: Vec<(&str, &str)> = values.iter().map(|(n, v)| (*n, v.as_str())).collect();
            self.line("why-history", &values);
        }
        if let Some(net) = why.allowed {
            self.line("why-allowed", &[("net", &net.to_string())]);
        }
        match &why.origin {
            WhyOrigin::NotAsked => {}
            WhyOrigin::Unknown => self.line("why-origin-unknown", &[]),
            WhyOrigin::Nothing(from) => {
                self.line("why-origin-nothing", &[("origin", &from.to_string())]);
            }
            WhyOrigin::Answered(act, by, services) => {
                let key = match act {
                    OriginAct::Allow => "why-origin-allow",
                    OriginAct::Alarm => "why-origin-alarm",
                    OriginAct::Block => "why-origin-block",
                };
                let services = match services.is_empty() {
                    true => String::new(),
                    false => format!(" ({})", services.join(", ")),
                };
                let values = [("why", &*self.say.by_origin(by)), ("services", &services)];
                self.line(key, &values);
            }
        }
    }
}

//! The content of a report for people: the same at the terminal and in a mail.

use monban_ledger::Compared;
use monban_model::{Fact, Passage, ReportKind, Stamp};

use super::Digest;
use crate::{LocalClock, Say};

/// A report in one language.
pub(super) struct Page {
    /// What stands behind the host's name in the subject.
    pub(super) title: String,
    pub(super) lead: String,
    pub(super) facts: Vec<Fact>,
    pub(super) passages: Vec<Passage>,
}

/// Says what a digest holds.
#[derive(Clone, Copy)]
pub(super) struct Teller<'a> {
    pub(super) say: &'a Say,
    pub(super) clock: &'a LocalClock,
    pub(super) digest: &'a Digest,
    /// Whether bars may be drawn with block characters.
    pub(super) blocks: bool,
    /// Whether a picture stands beside it.
    pub(super) picture: bool,
}

impl Teller<'_> {
    pub(super) fn page(&self) -> Page {
        Page {
            title: self.title(),
            lead: self.lead(),
            facts: self.facts(),
            passages: self.passages(),
        }
    }

    pub(super) fn text(&self, key: &str, values: &[(&str, &str)]) -> String {
        self.say.text(key, values)
    }

    /// A text with one count in it.
    pub(super) fn count(&self, key: &str, count: u64) -> String {
        self.text(key, &[("count", &grouped(count))])
    }

    /// The key of this kind of report.
    pub(super) fn of_kind(&self, key: &str) -> String {
        format!("{key}-{}", self.digest.report.kind.word())
    }

    /// `12 blocks (+20 %), 3 logins`: what needs a look stands in front.
    fn title(&self) -> String {
        let counts = &self.digest.rows.counts;
        let mut parts = Vec::new();
        if self.digest.to_look_at() > 0 {
            parts.push(self.count("digest-to-look-at", self.digest.to_look_at() as u64));
        }
        if counts.alarms.now > 0 {
            parts.push(self.count("letter-alarms", counts.alarms.now));
        }
        let mut blocks = self.count("letter-blocks", counts.blocks.now);
        if let Some(change) = self.change(counts.blocks) {
            blocks.push_str(&self.text("digest-in-brackets", &[("text", &change)]));
        }
        parts.push(blocks);
        let mut logins = self.count("letter-logins", counts.logins.now);
        if self.digest.rows.new_places > 0 {
            let new = self.count("digest-new-places", self.digest.rows.new_places);
            logins.push_str(&self.text("digest-in-brackets", &[("text", &new)]));
        }
        parts.push(logins);
        let what = parts.join(&self.text("letter-comma", &[]));
        self.text(&self.of_kind("digest-title"), &[("what", &what)])
    }

    fn lead(&self) -> String {
        let Digest { rows, report, .. } = self.digest;
        let mut lead = self.text(
            &self.of_kind("digest-lead"),
            &[
                ("attackers", &grouped(rows.counts.attackers.now)),
                ("blocks", &grouped(rows.counts.blocks.now)),
                ("logins", &grouped(rows.counts.logins.now)),
            ],
        );
        lead.push_str(&match self.digest.to_look_at() as u64 {
            0 => self.text("digest-all-well", &[]),
            count => self.count("digest-look", count),
        });
        if self.digest.is_observed() {
            lead.push_str(&self.text("digest-observed", &[]));
        }
        if report.kind == ReportKind::Weekly && rows.oldest > Some(self.digest.span.start) {
            let oldest = rows.oldest.unwrap_or_default();
            let values = [("time", self.clock.date_time(oldest))];
            lead.push_str(&self.text("digest-young", &[("time", &values[0].1)]));
        }
        lead
    }

    fn facts(&self) -> Vec<Fact> {
        let rows = &self.digest.rows;
        let counts = &rows.counts;
        let mut facts = vec![
            self.fact("digest-period", self.period()),
            self.fact("digest-blocks", self.compared(counts.blocks)),
            self.fact("digest-in-force", grouped(rows.in_force)),
            self.fact("digest-attackers", self.compared(counts.attackers)),
        ];
        let mut logins = self.compared(counts.logins);
        if rows.new_places > 0 {
            logins.push_str(&self.text("letter-comma", &[]));
            logins.push_str(&self.count("digest-new-places", rows.new_places));
        }
        facts.push(self.fact("digest-logins", logins));
        let seldom = [
            ("digest-alarms", counts.alarms),
            ("digest-here", counts.here),
            ("digest-spared", counts.spared),
        ];
        let seldom = seldom.into_iter().filter(|(_, count)| count.now > 0 || count.before > 0);
        facts.extend(seldom.map(|(key, count)| self.fact(key, self.compared(count))));
        facts.push(self.fact("digest-ledger", self.ledger()));
        facts
    }

    fn fact(&self, key: &str, value: String) -> Fact {
        Fact { label: self.text(key, &[]), value }
    }

    /// From when to when it is, in local time.
    fn period(&self) -> String {
        let (start, end) = (self.digest.span.start, self.digest.span.end);
        match self.digest.report.kind {
            ReportKind::Daily => {
                let minute = |at| format!("{} {}", self.day(at), self.clock.minute(at));
                format!("{} – {}", minute(start), minute(end))
            }
            ReportKind::Weekly => {
                format!("{} – {}", self.day(start), self.day(end.plus_ms(-1)))
            }
        }
    }

    /// `Mon 11-22`.
    pub(super) fn day(&self, at: Stamp) -> String {
        let name = self.text(&format!("digest-day-{}", self.clock.weekday(at)), &[]);
        self.text("digest-day", &[("name", &name), ("date", &self.clock.day(at))])
    }

    /// `812 (+12 %, 725 before)`.
    fn compared(&self, count: Compared) -> String {
        let now = grouped(count.now);
        let before = grouped(count.before);
        match self.change(count) {
            Some(change) => {
                let values = [("now", &*now), ("change", &change), ("before", &before)];
                self.text("digest-compared", &values)
            }
            None if count.now > 0 && self.digest.is_comparable() => {
                self.text("digest-compared-none", &[("now", &now)])
            }
            None => now,
        }
    }

    /// `+12 %`.
    fn change(&self, count: Compared) -> Option<String> {
        if count.before == 0 || !self.digest.is_comparable() {
            return None;
        }
        let ratio = count.now as f64 / count.before as f64;
        let percent = (ratio * 100.0 - 100.0).round();
        let sign = if percent < 0.0 { "−" } else { "+" };
        let percent = if percent == 0.0 {
            "±0".to_owned()
        } else {
            format!("{sign}{}", grouped(percent.abs() as u64))
        };
        Some(self.text("digest-percent", &[("percent", &percent)]))
    }

    fn ledger(&self) -> String {
        let rows = &self.digest.rows;
        let mib = format!("{:.1}", rows.bytes as f64 / f64::from(1 << 20));
        let since = rows.oldest.map_or_else(|| "-".to_owned(), |at| self.clock.date_time(at));
        let mut text = self.text("digest-ledger-size", &[("mib", &mib), ("since", &since)]);
        if rows.trimmed_records > 0 {
            text.push_str(&self.text("letter-comma", &[]));
            text.push_str(&self.count("digest-trimmed", rows.trimmed_records));
        }
        text
    }
}

/// `1,204`.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

//! The passages of a report.

use monban_ledger::{DigestAttacker, DigestLogin};
use monban_model::{Event, Passage, Record, ReportKind, Setting};

use super::Told;
use super::bars::{Part, PartName};
use super::page::{Teller, grouped};
use super::picture::COLOURS;
use crate::{alarm_line, bars as sparks, printable, quoted, table, width};

/// Characters of the longest bar of a day.
const BAR_CHARS: u64 = 30;

impl Teller<'_> {
    pub(super) fn passages(&self) -> Vec<Passage> {
        let mut all = [
            ("digest-troubles", Setting::List, self.troubles()),
            ("digest-alarms-here", Setting::List, self.alarms_and_findings()),
            ("digest-logins", Setting::List, self.logins()),
            (&*self.of_kind("digest-blocks-by"), Setting::Log, self.chart()),
            ("digest-top", Setting::Log, self.attackers()),
            ("digest-names", Setting::List, self.names()),
            ("letter-next", Setting::Commands, self.next()),
        ];
        if self.picture {
            // What its colours mean stands right below it.
            all[..4].rotate_right(1);
        }
        let filled = all.into_iter().filter(|(_, _, lines)| !lines.is_empty());
        filled
            .map(|(key, setting, lines)| Passage { title: self.text(key, &[]), setting, lines })
            .collect()
    }

    fn troubles(&self) -> Vec<String> {
        let digest = self.digest;
        let mut lines: Vec<String> = digest
            .failing
            .iter()
            .map(|failing| {
                let why = printable(failing.why.as_bytes());
                let values = [("subscription", failing.subscription.as_str()), ("why", &why)];
                let text = self.text("notify-failing", &values);
                let since = self.clock.date_time(failing.since);
                self.text("digest-since", &[("text", &text), ("since", &since)])
            })
            .collect();
        lines.extend(digest.troubles.iter().map(|told| self.told(told)));
        let unmade = digest.rows.counts.unmade.now;
        if unmade > 0 {
            lines.push(self.count("digest-unmade", unmade));
        }
        lines
    }

    fn alarms_and_findings(&self) -> Vec<String> {
        self.digest.alarms.iter().chain(&self.digest.here).map(|told| self.told(told)).collect()
    }

    /// What happened last, and how often there was such a thing.
    fn told(&self, told: &Told) -> String {
        let text = self.line(&told.record);
        let time = self.clock.date_time(told.record.time);
        let count = grouped(told.count);
        let key = if told.count == 1 { "digest-once" } else { "digest-often" };
        self.text(key, &[("text", &text), ("time", &time), ("count", &count)])
    }

    fn line(&self, record: &Record) -> String {
        match &record.event {
            Event::Noticed(notice) => self.say.notice(notice),
            Event::Alarmed(change) => alarm_line(self.say, self.clock, change),
            Event::FoundHere(finding) => self.say.found_here(finding),
            // No report names others.
            _ => String::new(),
        }
    }

    fn logins(&self) -> Vec<String> {
        let rows = &self.digest.rows;
        let mut lines: Vec<String> = rows.logins.iter().map(|login| self.login(login)).collect();
        if rows.logins_more > 0 {
            lines.push(self.count("digest-logins-more", rows.logins_more));
        }
        lines
    }

    fn login(&self, login: &DigestLogin) -> String {
        let user = quoted(&login.user);
        let by = login.by.as_deref().map(quoted).unwrap_or_default();
        let from = login.address.map(|address| self.place(address)).unwrap_or_default();
        let failures = login.failures.to_string();
        let service = printable(login.service.as_bytes());
        let values = [
            ("user", &*user),
            ("by", &by),
            ("from", &from),
            ("service", &service),
            ("failures", &failures),
        ];
        let key = match (login.by.is_some(), login.address) {
            (true, _) => "digest-login-became",
            (_, None) => "digest-login-here",
            (_, Some(_)) => "digest-login",
        };
        let mut text = self.text(key, &values);
        if login.is_new {
            text.push_str(&self.text("digest-login-new", &[]));
        }
        if login.failures > 0 {
            text.push_str(&self.text("letter-after-failures", &values));
        }
        let time = self.clock.date_time(login.last);
        let count = grouped(login.count);
        let key = if login.count == 1 { "digest-once" } else { "digest-often" };
        self.text(key, &[("text", &text), ("time", &time), ("count", &count)])
    }

    /// `203.0.113.9 (JP, AS4713 OCN)`.
    fn place(&self, address: monban_model::Address) -> String {
        match self.digest.places.get(&address) {
            Some(place) => format!("{address} ({})", printable(place.as_bytes())),
            None => address.to_string(),
        }
    }

    /// The bars in text, the parts with their colours in the picture, and what its top line is.
    fn chart(&self) -> Vec<String> {
        let bars = &self.digest.bars;
        let Some((highest, most)) = bars.highest() else { return Vec::new() };
        let mut lines = match self.digest.report.kind {
            ReportKind::Daily => {
                let values: Vec<Option<f64>> =
                    bars.totals().into_iter().map(|total| Some(total as f64)).collect();
                let mark = |at: usize| self.clock.minute(bars.marks[at]);
                let drawn = sparks(&values, self.blocks);
                vec![
                    format!("{} {drawn} {}", mark(0), mark(bars.len())),
                    self.text(
                        "digest-most",
                        &[("time", &mark(highest)), ("count", &grouped(most))],
                    ),
                ]
            }
            ReportKind::Weekly => {
                let row = |(at, total): (usize, u64)| {
                    let bar = self.bar(total, most);
                    format!("{}\t{bar} {}", self.day(bars.marks[at]), grouped(total))
                };
                let rows: Vec<String> = bars.totals().into_iter().enumerate().map(row).collect();
                table(&rows).lines().map(str::to_owned).collect()
            }
        };
        lines.extend(bars.parts.iter().zip(COLOURS).map(|(part, colour)| {
            let (name, count) = (self.part(part), grouped(part.total()));
            if !self.picture {
                return format!("{name} {count}");
            }
            let colour = self.text(colour, &[]);
            self.text("digest-part", &[("colour", &colour), ("name", &name), ("count", &count)])
        }));
        if self.picture {
            lines.push(self.text("digest-top-line", &[("top", &grouped(bars.top()))]));
        }
        lines
    }

    fn bar(&self, total: u64, most: u64) -> String {
        let eighths = total.saturating_mul(BAR_CHARS * 8) / most.max(1);
        let (whole, rest) = ((eighths / 8) as usize, eighths % 8);
        if !self.blocks {
            return "#".repeat(whole.max(usize::from(total > 0)));
        }
        let mut bar = "\u{2588}".repeat(whole);
        let part = char::from_u32(0x2590 - rest as u32).filter(|_| rest > 0);
        bar.extend(part.or((total > 0 && whole == 0).then_some('\u{258f}')));
        bar
    }

    /// The name of a part of the bars.
    pub(super) fn part(&self, part: &Part) -> String {
        match &part.name {
            PartName::Service(name) => printable(name.as_bytes()),
            PartName::ByHand => self.text("digest-by-hand", &[]),
            PartName::Others => self.text("digest-others", &[]),
        }
    }

    fn attackers(&self) -> Vec<String> {
        let row = |attacker: &DigestAttacker| {
            let place = self.digest.places.get(&attacker.address);
            let place = place.map(|place| printable(place.as_bytes())).unwrap_or_default();
            let services = printable(attacker.services.join(", ").as_bytes());
            let tries = self.count("digest-tries", attacker.tries);
            format!("{}\t{tries}\t{services}\t{place}", attacker.subject)
        };
        let rows: Vec<String> = self.digest.rows.attackers.iter().map(row).collect();
        table(&rows).lines().map(str::to_owned).collect()
    }

    /// All in one line: they are short.
    fn names(&self) -> Vec<String> {
        let name = |name: &monban_ledger::DigestName| {
            let values = [("name", &*quoted(&name.user)), ("count", &grouped(name.attackers))];
            self.text("digest-name", &values)
        };
        let names: Vec<String> = self.digest.rows.names.iter().map(name).collect();
        Vec::from_iter((!names.is_empty()).then(|| names.join(&self.text("letter-comma", &[]))))
    }

    fn next(&self) -> Vec<String> {
        let first = self.digest.rows.attackers.first().map(|one| one.address);
        let mut commands = Vec::from_iter(first.map(|address| format!("monban why {address}")));
        if self.digest.to_look_at() > 0 {
            commands.insert(0, "monban status".to_owned());
        }
        commands
    }

    /// The widest of some texts, as a terminal shows them.
    pub(super) fn widest<'t>(texts: impl Iterator<Item = &'t str>) -> usize {
        texts.map(width).max().unwrap_or(0)
    }
}

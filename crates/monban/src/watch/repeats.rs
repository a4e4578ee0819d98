//! `last message repeated N times`: what the line before told, told again.
//!
//! sysklogd and BSD's syslogd write each log's repetitions so. The last line of each log is kept
//! if it told of a failure; the attempts and the address are those of that line. Nothing is kept
//! over a restart: repetitions of a line that was read before it are not counted.

use monban_model::limits::{ATTEMPTS_PER_LINE_MAX, REPEATED_LINE_MAX};
use monban_model::{BySource, Line, Sighting, SourceId};
use monban_rules::{Clock, Reading, RuleSet, Scratch};

/// The last line of each log, where it told of a failure.
#[derive(Debug, Default)]
pub struct LastLines {
    lines: BySource<Kept>,
    scratch: Scratch,
}

/// A line, or the room of one that is of no use any more.
#[derive(Debug, Default)]
struct Kept {
    is_last: bool,
    text: Vec<u8>,
}

impl LastLines {
    /// A line was read. What it repeats is read again, as often as it says: that is meant then.
    /// Any other line means itself, and is the last one of its log from now on.
    #[inline]
    pub fn meant<'a>(
        &'a mut self,
        line: &Line<'a>,
        reading: &Reading<'a>,
        rules: &RuleSet,
        clock: &mut Clock,
    ) -> Option<Reading<'a>> {
        if reading.repeats_last {
            return self.again(line, reading, rules, clock);
        }
        self.keep(line, reading);
        None
    }

    fn again<'a>(
        &'a mut self,
        line: &Line<'a>,
        reading: &Reading<'a>,
        rules: &RuleSet,
        clock: &mut Clock,
    ) -> Option<Reading<'a>> {
        let Kept { text: last, .. } = self.lines.get(line.source).filter(|kept| kept.is_last)?;
        repeated(last, line, reading, rules, clock, &mut self.scratch)
    }

    /// The last line of this log is nothing that may be repeated.
    pub fn forget(&mut self, source: SourceId) {
        if let Some(Some(kept)) = self.lines.place(source) {
            kept.is_last = false;
        }
    }

    fn keep(&mut self, line: &Line<'_>, reading: &Reading<'_>) {
        if !may_be_repeated(line.bytes, reading) {
            self.forget(line.source);
            return;
        }
        let Some(place) = self.lines.place(line.source) else { return };
        let kept = place.get_or_insert_default();
        kept.is_last = true;
        kept.text.clear();
        kept.text.extend_from_slice(line.bytes);
    }
}

/// What a line that `repeats_last` means behind the line `last` of the same log: that one, as often
/// as it says.
pub fn repeated<'a>(
    last: &'a [u8],
    line: &Line<'_>,
    reading: &Reading<'_>,
    rules: &RuleSet,
    clock: &mut Clock,
    scratch: &'a mut Scratch,
) -> Option<Reading<'a>> {
    let said = Line { bytes: last, ..*line };
    let again = rules.read(&said, clock, scratch);
    if again.host != reading.host || !may_be_repeated(last, &again) {
        return None;
    }
    let times = |once: u32| once.saturating_mul(reading.times).min(ATTEMPTS_PER_LINE_MAX);
    let weighed = |seen: Sighting<'a>| Sighting { weight: times(seen.weight), ..seen };
    let sighting = again.sighting.map(weighed);
    Some(Reading { time: reading.time, times: times(again.times), sighting, ..again })
}

/// Whether a line told of a failure and is short enough to be kept.
fn may_be_repeated(line: &[u8], reading: &Reading<'_>) -> bool {
    let failed = reading.sighting.is_some_and(|seen| seen.kind.is_failure());
    failed && !reading.program.is_empty() && line.len() <= REPEATED_LINE_MAX
}

#[cfg(test)]
mod tests {
    use monban_model::Stamp;
    use monban_rules::RuleText;

    use super::*;

    const RULES: &str = r#"
service = "sshd"
programs = ["sshd"]
[[rule]]
id = "failed"
kind = "login-failed"
line = "Failed password for {user} from {address}"
sees = ["Failed password for root from 192.0.2.1 => address=192.0.2.1"]
[[rule]]
id = "accepted"
kind = "login-accepted"
line = "Accepted password for {user:word} from {address}"
sees = ["Accepted password for root from 192.0.2.1 => address=192.0.2.1"]
"#;

    /// The address and the weight of the failure that each line of (log, line) told.
    fn told(lines: &[(u32, &str)]) -> Vec<Option<(String, u32)>> {
        let text = RuleText { file: "sshd.toml".to_owned(), text: RULES.to_owned() };
        let rules = RuleSet::compile(&[text]).unwrap();
        let mut clock = Clock::new("UTC", Stamp::from_s(1_795_325_600)).unwrap();
        let mut last_lines = LastLines::default();
        let mut tell = |(source, text): &(u32, &str)| {
            let arrival = Stamp::from_s(1_795_325_600);
            let source = SourceId(*source);
            let line = Line { bytes: text.as_bytes(), source, position: 0, arrival };
            let mut scratch = Scratch::default();
            let reading = rules.read(&line, &mut clock, &mut scratch);
            let repeated = last_lines.meant(&line, &reading, &rules, &mut clock);
            let meant = repeated.unwrap_or(reading);
            assert_eq!(meant.time, reading.time, "the time is that of the line itself");
            let seen = meant.sighting.filter(|seen| seen.kind.is_failure())?;
            assert!(seen.line.starts_with(b"Nov 22 05:33:01"), "the line that tells");
            Some((seen.address?.to_string(), seen.weight))
        };
        lines.iter().map(&mut tell).collect()
    }

    const FAILED: &str = "Nov 22 05:33:01 h sshd[7]: Failed password for root from 192.0.2.1";
    const REPEATED: &str = "Nov 22 05:33:40 h last message repeated 3 times";

    fn from(address: &str, weight: u32) -> Option<(String, u32)> {
        Some((address.to_owned(), weight))
    }

    #[test]
    fn the_line_before_is_told_again_as_often_as_it_says() {
        let (one, three) = (from("192.0.2.1", 1), from("192.0.2.1", 3));
        // syslogd sums up again and again, each time what came since.
        let lines = [(0, FAILED), (0, REPEATED), (0, REPEATED)];
        assert_eq!(told(&lines), [one.clone(), three.clone(), three.clone()]);
        // Each log has its own last line.
        let other = FAILED.replace("192.0.2.1", "192.0.2.2");
        let lines = [(0, FAILED), (1, other.as_str()), (0, REPEATED), (1, REPEATED)];
        assert_eq!(told(&lines)[2..], [three, from("192.0.2.2", 3)]);
        // rsyslog's own form within.
        let bracket = "Nov 22 05:33:01 h sshd[7]: message repeated 2 times: \
                       [ Failed password for root from 192.0.2.1]";
        assert_eq!(told(&[(0, bracket), (0, REPEATED)])[1], from("192.0.2.1", 6));
    }

    #[test]
    fn nobody_but_the_daemon_itself_can_repeat_a_line() {
        let second = |lines: &[(u32, &str)]| told(lines).pop().flatten();
        assert_eq!(second(&[(0, REPEATED)]), None, "nothing before it");
        assert_eq!(second(&[(0, FAILED), (1, REPEATED)]), None, "another log");
        for between in [
            "Nov 22 05:33:02 h cron[1]: a job",
            "Nov 22 05:33:02 h sshd[8]: Accepted password for root from 192.0.2.1",
            "no head at all",
        ] {
            assert_eq!(second(&[(0, FAILED), (0, between), (0, REPEATED)]), None, "{between}");
        }
        for forged in [
            "Nov 22 05:33:40 other last message repeated 3 times",
            "Nov 22 05:33:40 h sshd[7]: last message repeated 3 times",
            "Nov 22 05:33:40 h last message repeated 3 times from 198.51.100.1 times",
            "last message repeated 3 times",
            r#"{"log":"Nov 22 05:33:40 h last message repeated 3 times"}"#,
        ] {
            assert_eq!(second(&[(0, FAILED), (0, forged)]), None, "{forged}");
        }
        let long = format!("{}{} from 192.0.2.1", &FAILED[..50], "x".repeat(REPEATED_LINE_MAX));
        assert_eq!(second(&[(0, long.as_str()), (0, REPEATED)]), None, "longer than it may be");
    }

    #[test]
    fn a_line_that_claims_a_number_beyond_reason_is_bounded() {
        let most = from("192.0.2.1", ATTEMPTS_PER_LINE_MAX);
        let huge = "Nov 22 05:33:40 h last message repeated 999999999 times";
        assert_eq!(told(&[(0, FAILED), (0, huge), (0, huge)])[1..], [most.clone(), most]);
    }
}

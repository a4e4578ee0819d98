//! Lines of a log in, events for CloudWatch Logs out: decoded, dated, and those that go on with the
//! one before joined to it.

use encoding_rs::Encoding;
use monban_model::{AwsDates, AwsEventStart, AwsLogs, Stamp};
use regex_automata::meta::Regex;

use super::batcher::{EVENT_OVERHEAD, LogEvent};
use super::line_dates::{LineDates, Zone};

/// A line that was read.
#[derive(Clone, Copy, Debug)]
pub struct LogLine<'a> {
    /// Its bytes, without the line end.
    pub bytes: &'a [u8],
    /// What is to be known again when it has arrived, see [`LogEvent::mark`].
    pub mark: u64,
    /// Its date as monban reads it, for [`AwsDates::Own`].
    pub own: Option<Stamp>,
    /// When it was read.
    pub arrival: Stamp,
}

/// Makes events of the lines of one file.
#[derive(Clone, Debug)]
pub struct LineEvents {
    encoding: &'static Encoding,
    dates: Dates,
    start: Start,
    open: Option<LogEvent>,
    /// Bytes of an event at most.
    longest: usize,
    last: Option<Stamp>,
    undated: u64,
}

#[derive(Clone, Debug)]
enum Dates {
    Own,
    Arrival,
    Pattern(LineDates),
}

#[derive(Clone, Debug)]
enum Start {
    EveryLine,
    Date,
    Matches(Regex),
}

impl LineEvents {
    /// For the files of one `[[aws.logs]]`.
    ///
    /// # Errors
    /// A pattern or the encoding cannot be used, in a few words.
    pub fn new(logs: &AwsLogs) -> Result<Self, String> {
        let name = logs.encoding.as_deref().unwrap_or("UTF-8");
        let encoding = Encoding::for_label(name.as_bytes());
        let encoding = encoding.ok_or_else(|| format!("there is no encoding `{name}`"))?;
        let dates = match &logs.dates {
            AwsDates::Own => Dates::Own,
            AwsDates::Arrival => Dates::Arrival,
            AwsDates::Pattern { pattern, utc } => Dates::Pattern(LineDates::new(pattern, *utc)?),
        };
        let start = match &logs.event_start {
            AwsEventStart::EveryLine => Start::EveryLine,
            AwsEventStart::Date => Start::Date,
            AwsEventStart::Matches(pattern) => {
                let wrong = |_| format!("`{pattern}` is no regular expression");
                Start::Matches(Regex::new(pattern).map_err(wrong)?)
            }
        };
        // One that is longer than a batch would be cut, and its end lost.
        let longest = logs.batching.within_bounds().bytes.saturating_sub(EVENT_OVERHEAD);
        Ok(Self { encoding, dates, start, open: None, longest, last: None, undated: 0 })
    }

    /// Takes a line. Gives the event that is complete now, if one is: the one before, or, where
    /// every line is an event, this one.
    pub fn line(&mut self, line: LogLine<'_>, zone: Zone<'_>) -> Option<LogEvent> {
        let (text, _) = self.encoding.decode_without_bom_handling(line.bytes);
        let date = match &mut self.dates {
            Dates::Own => line.own.map(|stamp| (0, stamp)),
            Dates::Arrival => Some((0, line.arrival)),
            Dates::Pattern(dates) => dates.find(&text, line.arrival, zone),
        };
        let begins = match &self.start {
            Start::EveryLine => true,
            Start::Date => matches!(date, Some((0, _))),
            Start::Matches(regex) => regex.is_match(&*text),
        };
        if let (false, Some(open)) = (begins, &mut self.open)
            && open.message.len() + 1 + text.len() <= self.longest
        {
            open.message.push('\n');
            open.message.push_str(&text);
            open.mark = line.mark;
            return None;
        }
        // A line without a date is of the time of the last that had one.
        let time = match date {
            Some((_, stamp)) => {
                self.last = Some(stamp);
                stamp
            }
            None => {
                self.undated += 1;
                self.last.unwrap_or(line.arrival)
            }
        };
        let event = LogEvent { time, message: text.into_owned(), mark: line.mark };
        match self.start {
            Start::EveryLine => Some(event),
            _ => self.open.replace(event),
        }
    }

    /// The event that no further line went on with: when nothing came for a while, and at the end.
    pub fn flush(&mut self) -> Option<LogEvent> {
        self.open.take()
    }

    /// Whether an event waits for lines that go on with it.
    pub const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// How many events had no date that could be read.
    pub const fn undated(&self) -> u64 {
        self.undated
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use monban_model::AwsBatching;
    use monban_model::limits::AWS_EVENT_BYTES_MAX;
    use proptest::prelude::*;

    const NOW: Stamp = Stamp(1_767_323_045_000);

    fn logs(dates: AwsDates, event_start: AwsEventStart) -> AwsLogs {
        AwsLogs {
            files: vec![],
            services: vec![],
            group: "g".to_owned(),
            stream: "s".to_owned(),
            retention_days: None,
            newest_only: false,
            from_start: true,
            dates,
            event_start,
            encoding: None,
            batching: AwsBatching::default(),
        }
    }

    fn pattern() -> AwsDates {
        AwsDates::Pattern { pattern: "%Y-%m-%d %H:%M:%S".to_owned(), utc: true }
    }

    fn events(logs: &AwsLogs, lines: &[&[u8]]) -> Vec<(String, i64, u64)> {
        let mut events = LineEvents::new(logs).unwrap();
        let mut found = Vec::new();
        for (mark, bytes) in (1..).zip(lines) {
            let line = LogLine { bytes, mark, own: None, arrival: NOW };
            found.extend(events.line(line, &|seconds| seconds));
        }
        found.extend(events.flush());
        found.into_iter().map(|event| (event.message, event.time.as_s(), event.mark)).collect()
    }

    const TRACE: [&[u8]; 4] = [
        b"2026-01-01 00:00:00 Traceback:",
        b"  File \"a\" of 2026-01-01 00:00:09",
        b"no date",
        b"2026-01-01 00:00:02 b",
    ];

    #[test]
    fn lines_that_go_on_are_joined() {
        let first = 1_767_225_600;
        let joined = "2026-01-01 00:00:00 Traceback:\n  File \"a\" of 2026-01-01 00:00:09";
        let found = events(&logs(pattern(), AwsEventStart::Matches(r"^[^\s]".to_owned())), &TRACE);
        let expected = [
            (joined.to_owned(), first, 2),
            // Without a date: that of the last good one.
            ("no date".to_owned(), first, 3),
            ("2026-01-01 00:00:02 b".to_owned(), first + 2, 4),
        ];
        assert_eq!(found, expected);
        let found = events(&logs(pattern(), AwsEventStart::Date), &TRACE);
        assert_eq!(found[0], (format!("{joined}\nno date"), first, 3));
        assert_eq!(found.len(), 2);
        let found = events(&logs(AwsDates::Arrival, AwsEventStart::EveryLine), &TRACE);
        assert!(found.len() == 4 && found.iter().all(|(_, time, _)| *time == NOW.as_s()));
    }

    #[test]
    fn other_encodings_are_read_and_wrong_bytes_replaced() {
        let japanese = AwsLogs {
            encoding: Some("Shift_JIS".to_owned()),
            ..logs(AwsDates::Own, AwsEventStart::EveryLine)
        };
        assert_eq!(events(&japanese, &[b"\x96\xe5\x94\xd4"])[0].0, "門番");
        let plain = logs(AwsDates::Own, AwsEventStart::EveryLine);
        assert_eq!(events(&plain, &[b"a\xffb"])[0].0, "a\u{fffd}b");
    }

    #[test]
    fn an_event_that_never_ends_is_cut_into_several_and_nothing_is_lost() {
        let line = [b' '; 10_000];
        let lines: Vec<&[u8]> = std::iter::repeat_n(&line[..], 300).collect();
        let never = logs(AwsDates::Arrival, AwsEventStart::Matches("^x".to_owned()));
        let found = events(&never, &lines);
        assert!(found.len() >= 3 && found.iter().all(|e| e.0.len() <= AWS_EVENT_BYTES_MAX));
        let spaces: usize = found.iter().map(|event| event.0.matches(' ').count()).sum();
        assert_eq!(spaces, 3_000_000);
    }

    proptest! {
        #[test]
        fn no_line_is_lost(lines in prop::collection::vec("[ a0-9:\u{9580}-]{0,30}", 0..20)) {
            let bytes: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
            for start in [
                AwsEventStart::EveryLine,
                AwsEventStart::Date,
                AwsEventStart::Matches("^a".to_owned()),
            ] {
                let found = events(&logs(pattern(), start), &bytes);
                let text: Vec<&str> = found.iter().map(|event| event.0.as_str()).collect();
                prop_assert_eq!(text.join("\n"), lines.join("\n"));
                prop_assert!(found.is_sorted_by_key(|event| event.2));
            }
        }
    }
}

//! `monban feed`: records as they are committed.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use monban_ledger::{LedgerError, Reader};
use monban_model::wire::Mode;
use monban_model::{Event, Record, Seq};
use monban_views::{Narrator, json_line, record_json, was_observed};

use super::{Context, ask, ledger};

/// The ledger is looked at so often. A commit follows its lines within 200 ms.
const LOOK: Duration = Duration::from_millis(200);

/// Records that are fetched at once.
const PAGE: usize = 500;

/// Shows records until the reader of the output goes away.
pub fn feed(context: &Context<'_>, last: u32) -> Result<ExitCode, String> {
    let mode = ask::tell_if_observing(context)?;
    let guards = mode != Some(Mode::Observe);
    let mut narrator = Narrator::new(context.say.clone(), guards);
    let reader = ledger::open(context)?;
    if mode.is_none() {
        eprintln!("{}", context.say.text("feed-waits", &[]));
    }
    let shows = |record: &Record| context.json || narrator.shows(record);
    let mut at = before_last(&reader, last, shows).map_err(|error| error.to_string())?;
    // The record that was told last: `at` may be one before the first that was asked for.
    let mut told = None;
    let mut out = std::io::stdout();
    loop {
        let records = reader.records_after(at, PAGE).map_err(|error| error.to_string())?;
        for record in &records {
            if let Event::Decided(decision) = &record.event {
                // monban may have guarded then and observe now, or not run at all.
                let observed = was_observed(&records, record.seq, decision.subject);
                narrator.set_guards(observed.map_or(guards, |observed| !observed));
                // It is told with its finding, which may lie before what was asked for.
                if let Some(about) = decision.finding
                    && told != Some(about)
                    && let Ok(Some(finding)) = reader.record(about)
                {
                    let _ = narrator.tell(&finding);
                }
            }
            at = record.seq;
            told = Some(at);
            let line = match context.json {
                true => Some(json_line(&record_json(record))),
                false => narrator.tell(record),
            };
            if let Some(line) = line
                && (writeln!(out, "{line}").is_err() || out.flush().is_err())
            {
                return Ok(ExitCode::SUCCESS);
            }
        }
        if records.len() < PAGE {
            std::thread::sleep(LOOK);
        }
    }
}

/// The number before the first of the last so many records that are shown.
fn before_last(
    reader: &Reader,
    last: u32,
    shows: impl Fn(&Record) -> bool,
) -> Result<Seq, LedgerError> {
    let mut end = reader.last_seq()?;
    let mut left = last;
    while left > 0 && end.0 > 0 {
        let start = Seq(end.0.saturating_sub(PAGE as u64));
        let records = reader.records_after(start, PAGE)?;
        let mut page = records.iter().rev().filter(|record| record.seq <= end).peekable();
        if page.peek().is_none() {
            // What is older was dropped to keep the ledger small.
            break;
        }
        for record in page.filter(|record| shows(record)) {
            left -= 1;
            if left == 0 {
                return Ok(Seq(record.seq.0.saturating_sub(1)));
            }
        }
        end = start;
    }
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use monban_ledger::{Batch, Ledger};
    use monban_model::{Notice, Order, OrderAct, OrderId, Stamp};
    use monban_views::{Say, Tongue};

    #[test]
    fn orders_that_nobody_sees_are_not_among_the_last_lines() {
        let folder = tempfile::tempdir().unwrap();
        let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
        let order = |seq: u64| {
            let subject = "192.0.2.1".parse().unwrap();
            Event::Ordered(Order { id: OrderId(seq), subject, act: OrderAct::Free })
        };
        // One that is shown, and then many that are not: more than a page of them.
        let event = |seq: u64| match seq % 700 {
            1 => Event::Noticed(Notice { key: "reloaded".to_owned(), values: Vec::new() }),
            _ => order(seq),
        };
        let records = (1..=2100).map(|seq| {
            let time = Stamp::from_s(1_790_000_000);
            Record { seq: Seq(seq), time, event: event(seq) }
        });
        ledger.commit(&Batch { records: records.collect(), ..Batch::default() }).unwrap();
        let reader = Reader::open(folder.path()).unwrap();
        let narrator = Narrator::new(Say::new(Tongue::English), true);
        let begin = |last| before_last(&reader, last, |one| narrator.shows(one)).unwrap().0;
        assert_eq!([0, 1, 2, 3, 9].map(begin), [2100, 1400, 700, 0, 0]);
        let all = |last| before_last(&reader, last, |_| true).unwrap().0;
        assert_eq!([0, 5, 5000].map(all), [2100, 2095, 0]);
    }
}

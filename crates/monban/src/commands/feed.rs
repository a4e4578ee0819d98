//! `monban feed`: records as they are committed.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use monban_model::wire::Mode;
use monban_model::{Event, Seq};
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
    let newest = reader.last_seq().map_err(|error| error.to_string())?;
    let mut at = Seq(newest.0.saturating_sub(u64::from(last)));
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

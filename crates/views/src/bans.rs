//! `monban bans`.

use monban_model::BlockRow;
use serde_json::{Value, json};

use crate::{LocalClock, Say, block_json, printable, table};

/// The blocks in force as a table, the next to end first.
pub fn bans_text(say: &Say, clock: &LocalClock, blocks: &[BlockRow]) -> String {
    if blocks.is_empty() {
        return say.text("bans-none", &[]) + "\n";
    }
    let mut sorted: Vec<&BlockRow> = blocks.iter().collect();
    sorted.sort_by_key(|row| (row.until.is_none(), row.until, row.subject));
    let mut rows = vec![say.text("bans-head", &[])];
    for row in sorted {
        let until = match row.until {
            Some(end) => clock.date_time(end),
            None => say.text("forever", &[]),
        };
        let why =
            if row.policy.is_empty() { printable(row.why.as_bytes()) } else { row.policy.clone() };
        rows.push(format!("{}\t{}\t{until}\t{why}", row.subject, clock.date_time(row.since)));
    }
    table(&rows)
}

/// The blocks in force: `{"blocks": [...]}`.
pub fn bans_json(blocks: &[BlockRow]) -> Value {
    json!({ "blocks": blocks.iter().map(block_json).collect::<Vec<_>>() })
}

//! The records of a letter for machines, as JSON that stays whole below its limit.

use monban_model::Record;
use monban_model::limits::LETTER_DATA_MAX;
use serde_json::{Value, json};

use crate::{json_line, record_json};

/// The end of a list that had no room for all.
const END_MAX: usize = 64;

/// The records as a JSON list of at most [`LETTER_DATA_MAX`] bytes. Where that is too little,
/// records go without the lines of the log, which `lines_left_out` counts; and where that is still
/// too much, the last of them are counted in one object, as `{"left_out":3}`.
pub(super) fn data(records: &[Record]) -> String {
    let mut all: Vec<Value> = records.iter().map(record_json).collect();
    let whole = json_line(&Value::Array(all.clone()));
    if whole.len() <= LETTER_DATA_MAX {
        return whole;
    }
    all.iter_mut().for_each(leave_out_lines);
    let (mut texts, mut bytes) = (Vec::new(), END_MAX);
    for record in &all {
        let text = json_line(record);
        bytes += text.len() + 1;
        if bytes > LETTER_DATA_MAX {
            texts.push(json_line(&json!({"left_out": all.len() - texts.len()})));
            break;
        }
        texts.push(text);
    }
    format!("[{}]", texts.join(","))
}

fn leave_out_lines(record: &mut Value) {
    if let Some(Value::Array(lines)) = record.get_mut("lines") {
        let count = lines.len();
        lines.clear();
        record["lines_left_out"] = json!(count);
    }
}

//! What a test of a metric adds up.

use monban_rules::{MetricReader, MetricReading, MetricScratch};
use monban_views::{Say, json_line};
use serde_json::{Map, Value as Json, json};

use super::{explain, show};
use crate::cli::MetricTestArgs;
use crate::out;

/// Bytes of JSON that are written at once.
const PORTION_BYTES: usize = 64 * 1024;

/// A line that matches.
#[derive(Debug)]
pub struct Match {
    /// Its number, from 1.
    pub number: u64,
    /// It itself.
    pub line: Vec<u8>,
    /// Its fields with their names.
    pub fields: Vec<(String, Vec<u8>)>,
    /// Its value; `None` if it has none.
    pub value: Option<f64>,
    /// Its dimensions.
    pub dimensions: Vec<(String, Vec<u8>)>,
}

/// The whole test. Its size does not grow with the lines that are read.
#[derive(Debug)]
pub struct Report {
    /// Lines read.
    pub lines: u64,
    /// Lines that match.
    pub matched: u64,
    /// Those of them without a number for the value.
    pub skipped: u64,
    /// What the values of all others add up to.
    pub sum: f64,
    /// Lines in which a JSON object may stand behind something else.
    pub behind_text: u64,
    /// The first matches.
    pub shown: Vec<Match>,
    /// Whether the value is always the same, and there are no dimensions.
    pub is_plain: bool,
    /// What a line counts that does not match, as it was asked for.
    pub default: Option<String>,
    show: usize,
    /// JSON that is not written yet.
    json: Option<String>,
}

impl Report {
    /// An empty one. With `json`, matches are printed as they come.
    pub fn new(args: &MetricTestArgs, json: bool) -> Self {
        Self {
            lines: 0,
            matched: 0,
            skipped: 0,
            sum: 0.0,
            behind_text: 0,
            shown: Vec::new(),
            is_plain: !args.value.trim().starts_with('$') && args.dimensions.is_empty(),
            default: args.default.clone(),
            show: args.show,
            json: json.then(String::new),
        }
    }

    /// Adds what a line came to.
    pub fn take(&mut self, reader: &MetricReader, line: &[u8], scratch: &mut MetricScratch) {
        self.lines += 1;
        let pattern = reader.pattern();
        if !pattern.matches(line, scratch) {
            let is_behind = |line: &[u8]| !line.trim_ascii_start().starts_with(b"{");
            let has_object = line.contains(&b'{') && line.trim_ascii_end().ends_with(b"}");
            self.behind_text += u64::from(pattern.is_of_json() && has_object && is_behind(line));
            return;
        }
        self.matched += 1;
        let (value, dimensions) = match reader.of_match(line, scratch) {
            MetricReading::Value { value, dimensions } => {
                let own = |(name, text): &(&str, &[u8])| ((*name).to_owned(), text.to_vec());
                (Some(value), dimensions.pairs().iter().map(own).collect())
            }
            _ => (None, Vec::new()),
        };
        self.skipped += u64::from(value.is_none());
        self.sum += value.unwrap_or(0.0);
        if self.json.is_none() && self.shown.len() >= self.show {
            return;
        }
        let captures = pattern.captures(line, scratch).into_iter().flatten();
        let fields = captures.map(|(name, text)| (name.to_string(), text.to_vec())).collect();
        let found = Match { number: self.lines, line: line.to_vec(), fields, value, dimensions };
        match &mut self.json {
            Some(json) => {
                json.push_str(if self.matched == 1 { BEGINNING } else { "," });
                json.push_str(&json_line(&match_json(&found)));
                if json.len() >= PORTION_BYTES {
                    out::write(json);
                    json.clear();
                }
            }
            None => self.shown.push(found),
        }
    }

    /// Prints what remains of the JSON.
    pub fn end_json(&mut self, reader: &MetricReader, fault: Option<&str>, say: &Say) {
        let mut json = self.json.take().unwrap_or_default();
        // A file that cannot be read is known before the first match.
        if self.matched == 0 {
            let error = json_line(&json!(fault));
            json.push_str(&format!("{{\"valid\":true,\"error\":{error},\"matches\":["));
        }
        let warnings: Vec<Json> = show::warnings(self, reader, say).iter().map(to_json).collect();
        let rest = json!({
            "warnings": warnings,
            "reads": explain::lines(reader.pattern(), say),
            "lines": self.lines,
            "matched": self.matched,
            "skipped": self.skipped,
            "sum": self.sum,
            "input_error": fault,
        });
        json.push_str("],");
        json.push_str(json_line(&rest).get(1..).unwrap_or_default());
        json.push('\n');
        out::write(&json);
    }
}

/// What stands before the first match: then nothing was wrong yet.
const BEGINNING: &str = "{\"valid\":true,\"error\":null,\"matches\":[";

fn match_json(found: &Match) -> Json {
    let texts = |pairs: &[(String, Vec<u8>)]| -> Map<String, Json> {
        let text = |value: &[u8]| json!(String::from_utf8_lossy(value));
        pairs.iter().map(|(name, value)| (name.clone(), text(value))).collect()
    };
    json!({
        "line": found.number,
        "fields": texts(&found.fields),
        "value": found.value,
        "dimensions": texts(&found.dimensions),
    })
}

fn to_json(warning: &show::Warning) -> Json {
    json!({"code": warning.code, "text": warning.text, "instead": warning.instead})
}

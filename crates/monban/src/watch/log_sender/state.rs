//! How each stream stands, for `status`.

use monban_ledger::{LedgerError, Reader};
use monban_model::Stamp;
use monban_views::time_json;
use serde_json::{Value, json};

/// Where the ledger keeps it, as a JSON list.
pub const STATE_META: &str = "aws.logs";

/// How one stream stands. Counts are those since the watcher's start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamState {
    /// The log group.
    pub group: String,
    /// The log stream, with its holes.
    pub stream: String,
    /// The time of the last event that CloudWatch Logs has.
    pub sent_until: Option<Stamp>,
    /// Bytes of its logs that it has not.
    pub backlog_bytes: u64,
    /// Why it took nothing the last time.
    pub error: Option<String>,
    /// Events that it has.
    pub sent: u64,
    /// Events that it takes from nobody.
    pub left_out: u64,
    /// Lines and events that were longer than what is sent at once, and were cut.
    pub cut: u64,
    /// How often something of a log was gone before it was sent.
    pub lost: u64,
}

impl StreamState {
    /// For machines.
    pub fn json(&self) -> Value {
        json!({
            "group": self.group,
            "stream": self.stream,
            "sent_until": self.sent_until.map(time_json),
            "backlog_bytes": self.backlog_bytes,
            "error": self.error,
            "sent": self.sent,
            "left_out": self.left_out,
            "cut": self.cut,
            "lost": self.lost,
        })
    }

    fn meta(&self) -> Value {
        let mut value = self.json();
        value["sent_until"] = json!(self.sent_until.map(|stamp| stamp.0));
        value
    }

    fn of_meta(value: &Value) -> Self {
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let number = |name: &str| value[name].as_u64().unwrap_or_default();
        Self {
            group: text("group").unwrap_or_default(),
            stream: text("stream").unwrap_or_default(),
            sent_until: value["sent_until"].as_i64().map(Stamp),
            backlog_bytes: number("backlog_bytes"),
            error: text("error"),
            sent: number("sent"),
            left_out: number("left_out"),
            cut: number("cut"),
            lost: number("lost"),
        }
    }
}

/// As the ledger keeps them.
pub fn written(states: &[StreamState]) -> String {
    Value::from(states.iter().map(StreamState::meta).collect::<Vec<_>>()).to_string()
}

/// What the ledger has of them.
///
/// # Errors
/// It cannot be read.
pub fn read(reader: &Reader) -> Result<Vec<StreamState>, LedgerError> {
    Ok(reader.meta(STATE_META)?.map(|text| states_of(&text)).unwrap_or_default())
}

fn states_of(text: &str) -> Vec<StreamState> {
    let states: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
    states.iter().map(StreamState::of_meta).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let state = StreamState {
            group: "/var/log/secure".to_owned(),
            stream: "{instance_id}".to_owned(),
            sent_until: Some(Stamp::from_s(1_800_000_000)),
            backlog_bytes: 7,
            error: Some("no \"rights\"".to_owned()),
            sent: 3,
            left_out: 2,
            cut: 4,
            lost: 1,
        };
        let all = [state, StreamState::default()];
        assert_eq!(states_of(&written(&all)), all);
        assert!(states_of("{").is_empty() && states_of("{}").is_empty());
    }
}

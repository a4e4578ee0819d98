//! CloudWatch Logs.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use monban_model::Stamp;
use serde_json::{Value, json};

use super::batcher::LogEvent;
use super::client::{Client, Service};
use super::fault::{Cause, Fault};
use super::{Holder, Keys};

/// A log stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogStream {
    /// The name of its group.
    pub group: String,
    /// Its own name.
    pub name: String,
    /// How many days a group that is made here keeps its events; for ever if that is not said.
    pub retention_days: Option<u32>,
    /// Whether batches go packed.
    pub gzip: bool,
}

/// What became of the events of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Taken.
    pub taken: u64,
    /// Refused: older than AWS takes, or than what the group keeps.
    pub too_old: u64,
    /// Refused: too far in the future.
    pub too_new: u64,
}

/// Bodies shorter than this are not worth packing.
const PACKED_MIN: usize = 1024;

impl Client {
    /// Sends events, in the order of time. Makes group and stream if they are missing.
    ///
    /// # Errors
    /// Nothing of it is known to have arrived.
    pub fn put_log_events(
        &self,
        stream: &LogStream,
        events: &[LogEvent],
        holder: &mut Holder,
        now: Stamp,
    ) -> Result<Accepted, Fault> {
        let first = self.put_once(stream, events, holder, now);
        let fault = match first {
            Err(fault) if fault.cause == Cause::Missing => fault,
            // The keys of a role were over: the next ones are fetched, once.
            Err(fault) if fault.transient && fault.cause == Cause::Credentials => {
                holder.forget();
                return self.put_once(stream, events, holder, now);
            }
            done => return done,
        };
        self.make(stream, holder.keys(now)?, now).map_err(|making| match making.cause {
            Cause::Denied => {
                let text = format!("{fault}; and it cannot be made: {making}");
                Fault::permanent(Cause::Denied, text)
            }
            _ => making,
        })?;
        self.put_once(stream, events, holder, now)
    }

    fn put_once(
        &self,
        stream: &LogStream,
        events: &[LogEvent],
        holder: &mut Holder,
        now: Stamp,
    ) -> Result<Accepted, Fault> {
        let body = body(stream, events);
        let packed = (stream.gzip && body.len() >= PACKED_MIN).then(|| packed(&body)).flatten();
        let body = match &packed {
            Some(packed) => (packed.as_slice(), Some("gzip")),
            None => (body.as_slice(), None),
        };
        let target = "Logs_20140328.PutLogEvents";
        let sent = events.len() as u64;
        match self.json(Service::Logs, target, body, holder.keys(now)?, now) {
            Ok(answer) => Ok(accepted(&answer, sent)),
            // The same events arrived before.
            Err(fault) if fault.cause == Cause::Exists => {
                Ok(Accepted { taken: sent, ..Accepted::default() })
            }
            Err(fault) => Err(fault),
        }
    }

    /// Makes a stream, its group if need be, and says how long that keeps its events.
    fn make(&self, stream: &LogStream, keys: &Keys, now: Stamp) -> Result<(), Fault> {
        let (group, name) = (&stream.group, &stream.name);
        let of_stream = json!({"logGroupName": group, "logStreamName": name});
        let made = self.make_one("CreateLogStream", &of_stream, keys, now);
        let is_missing = |fault: &Fault| fault.cause == Cause::Missing;
        if !made.as_ref().is_err_and(is_missing) {
            return made.map(|_| ());
        }
        let is_new = self.make_one("CreateLogGroup", &json!({"logGroupName": group}), keys, now)?;
        // A group that somebody else made keeps what that one said.
        if let Some(days) = stream.retention_days.filter(|_| is_new) {
            let retention = json!({"logGroupName": group, "retentionInDays": days});
            self.make_one("PutRetentionPolicy", &retention, keys, now)?;
        }
        self.make_one("CreateLogStream", &of_stream, keys, now).map(|_| ())
    }

    /// Whether it was made now; it may be there already.
    fn make_one(&self, action: &str, body: &Value, keys: &Keys, now: Stamp) -> Result<bool, Fault> {
        let target = format!("Logs_20140328.{action}");
        let body = body.to_string();
        match self.json(Service::Logs, &target, (body.as_bytes(), None), keys, now) {
            Ok(_) => Ok(true),
            Err(fault) if fault.cause == Cause::Exists => Ok(false),
            Err(fault) => Err(fault),
        }
    }
}

fn body(stream: &LogStream, events: &[LogEvent]) -> Vec<u8> {
    let events: Vec<Value> = events
        .iter()
        .map(|event| json!({"timestamp": event.time.0, "message": event.message}))
        .collect();
    let (group, name) = (&stream.group, &stream.name);
    let body = json!({"logGroupName": group, "logStreamName": name, "logEvents": events});
    body.to_string().into_bytes()
}

fn packed(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

/// What of `sent` events AWS took. It says which it did not by their places: those before an end,
/// which is not among them, and those from a start on, which is.
fn accepted(answer: &Value, sent: u64) -> Accepted {
    let info = &answer["rejectedLogEventsInfo"];
    let place = |name: &str| info[name].as_u64().map(|place| place.min(sent));
    let ends = [place("tooOldLogEventEndIndex"), place("expiredLogEventEndIndex")];
    let too_old = ends.into_iter().flatten().max().unwrap_or(0);
    let from = place("tooNewLogEventStartIndex").unwrap_or(sent);
    let too_new = sent - from.max(too_old);
    Accepted { taken: sent - too_old - too_new, too_old, too_new }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refused_events_are_counted_by_their_places() {
        let of = |old: Option<u64>, expired: Option<u64>, new: Option<u64>| {
            let info = json!({
                "tooOldLogEventEndIndex": old,
                "expiredLogEventEndIndex": expired,
                "tooNewLogEventStartIndex": new,
            });
            let found = accepted(&json!({"rejectedLogEventsInfo": info}), 10);
            (found.taken, found.too_old, found.too_new)
        };
        assert_eq!(accepted(&json!({"nextSequenceToken": "1"}), 10).taken, 10);
        assert_eq!(of(Some(3), None, None), (7, 3, 0));
        assert_eq!(of(Some(3), Some(5), Some(8)), (3, 5, 2));
        assert_eq!(of(None, None, Some(0)), (0, 0, 10));
        assert_eq!(of(Some(10), None, Some(4)), (0, 10, 0));
        assert_eq!(of(Some(99), None, Some(99)), (0, 10, 0));
    }

    proptest! {
        #[test]
        fn all_events_are_accounted_for(text in ".{0,60}", old: u64, new: u64, sent in 0_u64..99) {
            let info = json!({"tooOldLogEventEndIndex": old, "tooNewLogEventStartIndex": new});
            let answers = [
                json!({"rejectedLogEventsInfo": info}),
                json!({"rejectedLogEventsInfo": text}),
                serde_json::from_str(&text).unwrap_or_default(),
            ];
            for answer in answers {
                let found = accepted(&answer, sent);
                prop_assert_eq!(found.taken + found.too_old + found.too_new, sent);
            }
        }
    }
}

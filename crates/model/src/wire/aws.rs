//! What the courier gets for AWS: whose rights it uses, and the metrics of some minutes.

use super::{FrameError, Reader, Wire, Writer};
use crate::limits::{
    AWS_BATCH_EVENTS_MAX, AWS_DIMENSION_VALUE_MAX, AWS_DIMENSIONS_MAX, AWS_EVENT_BYTES_MAX,
    AWS_KEY_MAX, AWS_NAME_MAX, AWS_SUMS_AT_ONCE, AWS_TABLES_MAX, AWS_TOKEN_MAX, URL_MAX,
};
use crate::{
    Amount, AwsAccount, AwsEvent, AwsKeys, AwsMetrics, AwsRefused, AwsStream, AwsSum, Secret, Stamp,
};

/// Longest name of a log group or stream, with its holes.
const STREAM_NAME_MAX: usize = 1024;

/// Names of metrics in one `[[aws.metrics]]` at most.
const NAMES_MAX: usize = 1024;

/// A name of AWS.
struct Name(String);

impl Wire for Name {
    fn put(&self, out: &mut Writer) {
        out.text(&self.0, AWS_NAME_MAX);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        from.text(AWS_NAME_MAX).map(Self)
    }
}

/// A token, which is longer than other secrets.
struct Token(Secret);

impl Wire for Token {
    fn put(&self, out: &mut Writer) {
        out.text(&self.0.0, AWS_TOKEN_MAX);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        from.text(AWS_TOKEN_MAX).map(|text| Self(Secret(text)))
    }
}

impl Wire for AwsKeys {
    fn put(&self, out: &mut Writer) {
        let token = |token: &Option<Secret>| token.clone().map(Token);
        match self {
            Self::Given { id, secret, token: with } => {
                out.byte(1);
                out.text(id, AWS_KEY_MAX);
                out.text(&secret.0, AWS_KEY_MAX);
                token(with).put(out);
            }
            Self::Role { token: with } => {
                out.byte(2);
                token(with).put(out);
            }
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let token = |from: &mut Reader<'_>| {
            let token: Option<Token> = Wire::take(from)?;
            Ok(token.map(|token| token.0))
        };
        match from.byte()? {
            1 => Ok(Self::Given {
                id: from.text(AWS_KEY_MAX)?,
                secret: Secret(from.text(AWS_KEY_MAX)?),
                token: token(from)?,
            }),
            2 => Ok(Self::Role { token: token(from)? }),
            _ => Err(FrameError::Unknown),
        }
    }
}

impl Wire for AwsMetrics {
    fn put(&self, out: &mut Writer) {
        let names: Vec<Name> = self.metrics.iter().take(NAMES_MAX).cloned().map(Name).collect();
        out.list(&names);
        out.text(&self.namespace, AWS_NAME_MAX);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let names: Vec<Name> = from.list(NAMES_MAX)?;
        let metrics = names.into_iter().map(|name| name.0).collect();
        Ok(Self { metrics, namespace: from.text(AWS_NAME_MAX)? })
    }
}

impl Wire for AwsAccount {
    fn put(&self, out: &mut Writer) {
        self.region.clone().map(Name).put(out);
        out.text(self.endpoint.as_deref().unwrap_or_default(), URL_MAX);
        self.keys.put(out);
        out.list(&self.metrics);
        out.list(&self.streams);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let region: Option<Name> = Wire::take(from)?;
        let endpoint = Some(from.text(URL_MAX)?).filter(|url| !url.is_empty());
        let keys = Wire::take(from)?;
        let (metrics, streams) = (from.list(AWS_TABLES_MAX)?, from.list(AWS_TABLES_MAX)?);
        Ok(Self { region: region.map(|name| name.0), endpoint, keys, metrics, streams })
    }
}

impl Wire for AwsStream {
    fn put(&self, out: &mut Writer) {
        out.text(&self.group, STREAM_NAME_MAX);
        out.text(&self.stream, STREAM_NAME_MAX);
        self.retention_days.put(out);
        self.gzip.put(out);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(Self {
            group: from.text(STREAM_NAME_MAX)?,
            stream: from.text(STREAM_NAME_MAX)?,
            retention_days: Wire::take(from)?,
            gzip: bool::take(from)?,
        })
    }
}

impl Wire for AwsEvent {
    fn put(&self, out: &mut Writer) {
        self.time.put(out);
        out.text(&self.text, AWS_EVENT_BYTES_MAX);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(Self { time: Stamp::take(from)?, text: from.text(AWS_EVENT_BYTES_MAX)? })
    }
}

impl Wire for AwsRefused {
    fn put(&self, out: &mut Writer) {
        self.too_old.put(out);
        self.too_new.put(out);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(Self { too_old: u64::take(from)?, too_new: u64::take(from)? })
    }
}

/// The bytes of a batch of events, which travel in a memory file.
pub fn encode_events(events: &[AwsEvent]) -> Vec<u8> {
    let mut out = Writer::default();
    out.list(events);
    out.into_bytes()
}

/// The batch of these bytes.
///
/// # Errors
/// If they are not what [`encode_events`] writes.
pub fn decode_events(bytes: &[u8]) -> Result<Vec<AwsEvent>, FrameError> {
    let mut from = Reader::over(bytes);
    let events = from.list(AWS_BATCH_EVENTS_MAX)?;
    if from.is_empty() { Ok(events) } else { Err(FrameError::Long) }
}

/// A name and a value.
struct Dimension(String, String);

impl Wire for Dimension {
    fn put(&self, out: &mut Writer) {
        out.text(&self.0, AWS_NAME_MAX);
        out.text(&self.1, AWS_DIMENSION_VALUE_MAX);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(Self(from.text(AWS_NAME_MAX)?, from.text(AWS_DIMENSION_VALUE_MAX)?))
    }
}

impl Wire for AwsSum {
    fn put(&self, out: &mut Writer) {
        self.id.put(out);
        out.text(&self.namespace, AWS_NAME_MAX);
        out.text(&self.metric, AWS_NAME_MAX);
        out.text(&self.unit, AWS_NAME_MAX);
        let pairs = self.dimensions.iter().take(AWS_DIMENSIONS_MAX).cloned();
        out.list(&pairs.map(|(name, value)| Dimension(name, value)).collect::<Vec<_>>());
        self.minute.put(out);
        self.count.put(out);
        [self.sum, self.least, self.most].iter().for_each(|amount| amount.put(out));
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let id = u64::take(from)?;
        let mut name = || from.text(AWS_NAME_MAX);
        let (namespace, metric, unit) = (name()?, name()?, name()?);
        let pairs: Vec<Dimension> = from.list(AWS_DIMENSIONS_MAX)?;
        let dimensions = pairs.into_iter().map(|Dimension(name, value)| (name, value)).collect();
        let (minute, count) = (Stamp::take(from)?, u64::take(from)?);
        let (sum, least, most) = (Amount::take(from)?, Amount::take(from)?, Amount::take(from)?);
        Ok(Self { id, namespace, metric, unit, dimensions, minute, count, sum, least, most })
    }
}

/// The bytes of one of them, as the ledger keeps it.
pub fn encode_sum(sum: &AwsSum) -> Vec<u8> {
    super::encode(sum)
}

/// The one of these bytes.
///
/// # Errors
/// If they are not what [`encode_sum`] writes.
pub fn decode_sum(bytes: &[u8]) -> Result<AwsSum, FrameError> {
    super::decode(bytes)
}

/// The bytes of some of them, which travel in a memory file.
pub fn encode_sums(sums: &[AwsSum]) -> Vec<u8> {
    let mut out = Writer::default();
    out.list(sums);
    out.into_bytes()
}

/// Those of these bytes.
///
/// # Errors
/// If they are not what [`encode_sums`] writes.
pub fn decode_sums(bytes: &[u8]) -> Result<Vec<AwsSum>, FrameError> {
    let mut from = Reader::over(bytes);
    let sums = from.list(AWS_SUMS_AT_ONCE)?;
    if from.is_empty() { Ok(sums) } else { Err(FrameError::Long) }
}

#[cfg(test)]
mod tests {
    use super::super::{decode, encode};
    use super::*;

    #[test]
    fn an_account_and_sums_read_back() {
        let token = Some(Secret("x".repeat(9000)));
        let given = AwsKeys::Given {
            id: "AKIDEXAMPLE".to_owned(),
            secret: Secret("s".to_owned()),
            token: token.clone(),
        };
        for keys in [AwsKeys::default(), AwsKeys::Role { token }, given] {
            let metrics =
                vec![AwsMetrics { metrics: vec!["a".to_owned()], namespace: "n".to_owned() }];
            let region = Some("ap-northeast-1".to_owned());
            let streams = vec![AwsStream {
                group: "/var/log/secure".to_owned(),
                stream: "{instance_id}".to_owned(),
                retention_days: Some(30),
                gzip: true,
            }];
            let account = AwsAccount { region, endpoint: None, keys, metrics, streams };
            assert_eq!(decode::<AwsAccount>(&encode(&account)), Ok(account));
        }
        let event = AwsEvent { time: Stamp(5), text: "門番".to_owned() };
        let bytes = encode_events(&[event.clone(), AwsEvent::default()]);
        assert_eq!(decode_events(&bytes), Ok(vec![event, AwsEvent::default()]));
        assert!(decode_events(&bytes[1..]).is_err());
        let sum = AwsSum {
            id: 7,
            namespace: "monban".to_owned(),
            metric: "preauth".to_owned(),
            unit: String::new(),
            dimensions: vec![("user".to_owned(), "root".to_owned())],
            minute: Stamp::from_s(1_800_000_000),
            count: 3,
            sum: Amount(4.5),
            least: Amount(-1.0),
            most: Amount(4.0),
        };
        assert_eq!(decode_sum(&encode_sum(&sum)).as_ref(), Ok(&sum));
        let bytes = encode_sums(&[sum.clone(), sum]);
        assert_eq!(decode_sums(&bytes).map(|sums| sums.len()), Ok(2));
        assert!(decode_sums(&bytes[..bytes.len() - 1]).is_err());
    }
}

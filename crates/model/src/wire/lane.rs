//! What the watcher and whoever delivers for it say to each other, without the warden between them:
//! the courier, which has the network, and the runner, which starts programs of the administrator.

use super::{FrameError, Reader, Wire, Writer};
use crate::limits::{
    DELIVERY_WHY_MAX, DIALOGUE_BYTES_MAX, EQUIPMENT_BYTES_MAX, LETTER_ID_MAX, RUN_NAME_MAX,
    RUN_VALUE_MAX, RUN_VALUES_MAX,
};
use crate::{AwsAccount, AwsRefused, Endpoint, Secrets};

/// Who delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    /// It has the network, and no files.
    Courier,
    /// It is root, starts programs that the configuration names, and does nothing else.
    Runner,
}

/// What is to be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Errand {
    /// Deliver the letter that comes in a memory file with the frame.
    Deliver {
        /// Names the delivery for good: what was delivered under it is not delivered again.
        /// Letters, digits and `-`.
        id: String,
        /// The configuration that the number of the endpoint is of.
        reload: u32,
        /// Which endpoint.
        endpoint: u32,
        /// Tell all that was said on the way.
        talk: bool,
    },
    /// Start the program of an endpoint; the memory file with the frame is its standard input.
    Run {
        /// See [`Errand::Deliver`].
        id: String,
        /// The configuration that the number of the endpoint is of.
        reload: u32,
        /// Which endpoint.
        endpoint: u32,
        /// Variables of its environment; names of `A-Z`, digits and `_` that begin with `MONBAN_`.
        values: Vec<(String, String)>,
    },
    /// Send the sums that come in a memory file with the frame to CloudWatch. All of them have the
    /// same namespace.
    Metrics {
        /// See [`Errand::Deliver`].
        id: String,
    },
    /// Send the events that come in a memory file with the frame to CloudWatch Logs.
    Logs {
        /// See [`Errand::Deliver`].
        id: String,
        /// The configuration that the number of the stream is of.
        reload: u32,
        /// Which of the account's streams.
        stream: u32,
    },
}

/// What comes back of an errand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Returned {
    /// It was tried.
    Report(Report),
    /// It was not: it is of a configuration that is no longer in force, whose endpoints are
    /// forgotten. The watcher has the next one already, and hands it out anew.
    Outdated {
        /// See [`Errand::Deliver`].
        id: String,
    },
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// See [`Errand::Deliver`].
    pub id: String,
    /// Whether it was taken.
    pub taken: Taken,
    /// All that was said on the way, without secrets, if that was asked for.
    pub dialogue: String,
}

/// Whether a message was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The other side has it.
    Yes {
        /// What it said, or which readers it refused.
        said: String,
    },
    /// CloudWatch Logs has it, but for events that it takes from nobody.
    But(AwsRefused),
    /// It was not taken.
    No {
        /// Another try will fare no better.
        permanent: bool,
        /// The other side wants no other try before so many seconds.
        retry_after_s: Option<u64>,
        /// Why, for people.
        why: String,
    },
}

/// An endpoint with what only whoever delivers gets for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equipped {
    /// Its number.
    pub number: u32,
    /// Where it is.
    pub endpoint: Endpoint,
    /// Its password and the like.
    pub secrets: Secrets,
}

/// What whoever delivers gets of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Equipment {
    /// The endpoints that it reaches.
    pub endpoints: Vec<Equipped>,
    /// Whose rights it uses at AWS, if anything goes there.
    pub aws: Option<AwsAccount>,
}

impl Wire for Peer {
    fn put(&self, out: &mut Writer) {
        out.byte(match self {
            Self::Courier => 1,
            Self::Runner => 2,
        });
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        match from.byte()? {
            1 => Ok(Self::Courier),
            2 => Ok(Self::Runner),
            _ => Err(FrameError::Unknown),
        }
    }
}

/// A variable of a program's environment.
struct Value(String, String);

impl Wire for Value {
    fn put(&self, out: &mut Writer) {
        out.text(&self.0, RUN_NAME_MAX);
        out.text(&self.1, RUN_VALUE_MAX);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(Self(from.text(RUN_NAME_MAX)?, from.text(RUN_VALUE_MAX)?))
    }
}

impl Wire for Errand {
    fn put(&self, out: &mut Writer) {
        match self {
            Self::Deliver { id, reload, endpoint, talk } => {
                out.byte(1);
                out.text(id, LETTER_ID_MAX);
                reload.put(out);
                endpoint.put(out);
                talk.put(out);
            }
            Self::Run { id, reload, endpoint, values } => {
                out.byte(2);
                out.text(id, LETTER_ID_MAX);
                reload.put(out);
                endpoint.put(out);
                let values = values.iter().take(RUN_VALUES_MAX).cloned();
                out.list(&values.map(|(name, value)| Value(name, value)).collect::<Vec<_>>());
            }
            Self::Metrics { id } => {
                out.byte(3);
                out.text(id, LETTER_ID_MAX);
            }
            Self::Logs { id, reload, stream } => {
                out.byte(4);
                out.text(id, LETTER_ID_MAX);
                reload.put(out);
                stream.put(out);
            }
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let verb = from.byte()?;
        let id = from.text(LETTER_ID_MAX)?;
        if verb == 3 {
            return Ok(Self::Metrics { id });
        }
        let (reload, endpoint) = (u32::take(from)?, u32::take(from)?);
        Ok(match verb {
            1 => Self::Deliver { id, reload, endpoint, talk: bool::take(from)? },
            4 => Self::Logs { id, reload, stream: endpoint },
            2 => {
                let values: Vec<Value> = from.list(RUN_VALUES_MAX)?;
                let values = values.into_iter().map(|Value(name, value)| (name, value)).collect();
                Self::Run { id, reload, endpoint, values }
            }
            _ => return Err(FrameError::Unknown),
        })
    }
}

impl Wire for Returned {
    fn put(&self, out: &mut Writer) {
        match self {
            Self::Report(report) => {
                out.byte(1);
                report.put(out);
            }
            Self::Outdated { id } => {
                out.byte(2);
                out.text(id, LETTER_ID_MAX);
            }
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(match from.byte()? {
            1 => Self::Report(Report::take(from)?),
            2 => Self::Outdated { id: from.text(LETTER_ID_MAX)? },
            _ => return Err(FrameError::Unknown),
        })
    }
}

impl Wire for Report {
    fn put(&self, out: &mut Writer) {
        out.text(&self.id, LETTER_ID_MAX);
        match &self.taken {
            Taken::Yes { said } => {
                out.byte(1);
                out.text(said, DELIVERY_WHY_MAX);
            }
            Taken::But(refused) => {
                out.byte(3);
                refused.put(out);
            }
            Taken::No { permanent, retry_after_s, why } => {
                out.byte(2);
                permanent.put(out);
                retry_after_s.put(out);
                out.text(why, DELIVERY_WHY_MAX);
            }
        }
        out.text(&self.dialogue, DIALOGUE_BYTES_MAX);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let id = from.text(LETTER_ID_MAX)?;
        let taken = match from.byte()? {
            1 => Taken::Yes { said: from.text(DELIVERY_WHY_MAX)? },
            3 => Taken::But(AwsRefused::take(from)?),
            2 => Taken::No {
                permanent: bool::take(from)?,
                retry_after_s: Wire::take(from)?,
                why: from.text(DELIVERY_WHY_MAX)?,
            },
            _ => return Err(FrameError::Unknown),
        };
        Ok(Self { id, taken, dialogue: from.text(DIALOGUE_BYTES_MAX)? })
    }
}

impl Wire for Equipped {
    fn put(&self, out: &mut Writer) {
        self.number.put(out);
        self.endpoint.put(out);
        self.secrets.put(out);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(Self {
            number: u32::take(from)?,
            endpoint: Wire::take(from)?,
            secrets: Wire::take(from)?,
        })
    }
}

impl Wire for Equipment {
    fn put(&self, out: &mut Writer) {
        out.list(&self.endpoints);
        self.aws.put(out);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let endpoints = from.list(crate::limits::SUBSCRIPTIONS_MAX)?;
        Ok(Self { endpoints, aws: Wire::take(from)? })
    }
}

/// The bytes of a peer's equipment, which travel in a memory file.
pub fn encode_equipment(equipment: &Equipment) -> Vec<u8> {
    super::encode_long(equipment)
}

/// The equipment of these bytes.
///
/// # Errors
/// If they are not what [`encode_equipment`] writes.
pub fn decode_equipment(bytes: &[u8]) -> Result<Equipment, FrameError> {
    super::decode_long(bytes, EQUIPMENT_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::super::{decode, encode};
    use super::*;
    use crate::Secret;

    #[test]
    fn errands_reports_and_equipment_read_back() {
        let run = Errand::Run {
            id: "d-7".to_owned(),
            reload: 2,
            endpoint: 1,
            values: vec![("MONBAN_SUBJECT".to_owned(), "login: $(id)\n".to_owned())],
        };
        assert_eq!(decode::<Errand>(&encode(&run)), Ok(run));
        let deliver = Errand::Deliver { id: String::new(), reload: 0, endpoint: 3, talk: true };
        assert_eq!(decode::<Errand>(&encode(&deliver)), Ok(deliver));
        let metrics = Errand::Metrics { id: "m1-2".to_owned() };
        assert_eq!(decode::<Errand>(&encode(&metrics)), Ok(metrics));
        let logs = Errand::Logs { id: "logs-1-2".to_owned(), reload: 3, stream: 4 };
        assert_eq!(decode::<Errand>(&encode(&logs)), Ok(logs));
        let taken = Taken::But(AwsRefused { too_old: 3, too_new: 1 });
        let report = Report { id: String::new(), taken, dialogue: String::new() };
        assert_eq!(decode::<Report>(&encode(&report)), Ok(report));
        let taken =
            Taken::No { permanent: false, retry_after_s: Some(60), why: "421 busy".to_owned() };
        let report = Report { id: "d-1".to_owned(), taken, dialogue: "-> EHLO web1".to_owned() };
        let outdated = Returned::Outdated { id: "d-1".to_owned() };
        for returned in [Returned::Report(report), outdated] {
            assert_eq!(decode::<Returned>(&encode(&returned)), Ok(returned));
        }
        let key = Some(Secret("hunter2".to_owned()));
        let equipped = Equipped {
            number: 4,
            endpoint: Endpoint::Command(vec!["/usr/local/bin/tell".to_owned()]),
            secrets: Secrets { key, ..Secrets::default() },
        };
        let equipment = Equipment { endpoints: vec![equipped], aws: Some(AwsAccount::default()) };
        let bytes = encode_equipment(&equipment);
        assert_eq!(decode_equipment(&bytes), Ok(equipment));
        assert!(decode_equipment(&bytes[..bytes.len() - 1]).is_err());
    }

    /// With certificates for each reader it is far longer than a frame.
    #[test]
    fn equipment_for_all_subscriptions_reads_back() {
        let ca_pem = vec![b'x'; crate::limits::CA_BYTES_MAX];
        let equipped = |number| Equipped {
            number,
            endpoint: Endpoint::Command(vec!["/usr/local/bin/tell".to_owned()]),
            secrets: Secrets { ca_pem: ca_pem.clone(), ..Secrets::default() },
        };
        let endpoints = (0..crate::limits::SUBSCRIPTIONS_MAX as u32).map(equipped).collect();
        let equipment = Equipment { endpoints, aws: None };
        let bytes = encode_equipment(&equipment);
        assert!(bytes.len() <= EQUIPMENT_BYTES_MAX, "{}", bytes.len());
        assert_eq!(decode_equipment(&bytes), Ok(equipment));
        assert_eq!(decode_equipment(&vec![0; EQUIPMENT_BYTES_MAX + 1]), Err(FrameError::Limit));
    }
}

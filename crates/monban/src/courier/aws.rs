//! To AWS, with the rights that the warden gave: messages to topics, and metrics.

use std::net::{IpAddr, UdpSocket};
use std::sync::Arc;

use monban_courier::aws::{
    Cause, Client, Datum, Fault, Holder, Instance, LogEvent, LogStream, Message, Patience, Put,
    PutFailed, Topic, Value,
};
use monban_courier::{Delivered, Dialogue, Failure, Sns};
use monban_model::limits::RETRY_AFTER_MAX_S;
use monban_model::wire::{Taken, decode_events, decode_sums};
use monban_model::{
    AwsAccount, AwsKeys, AwsRefused, AwsStream, AwsSum, Letter, Secret, Stamp, stream_name,
};

use crate::aws::account;

/// Two tries of a call and a look for credentials take no longer than a delivery may.
const PATIENCE: Patience = Patience { connect_ms: 5000, all_ms: 25_000 };

/// What only a person can put right is tried again after so many seconds.
const FOR_A_PERSON_S: u64 = 300;

/// One of those who send to AWS. Each has credentials of its own, so that none waits for another.
#[derive(Default)]
pub struct ToAws {
    account: Option<Arc<AwsAccount>>,
    holder: Option<Holder>,
    /// That of the instance, once it was asked.
    region: Option<String>,
    /// The id of this instance, once it was asked.
    id: Option<String>,
    /// Keeps its connections, by region.
    client: Option<Client>,
}

impl ToAws {
    /// The account of the configuration in force.
    pub fn take_over(&mut self, account: Option<&Arc<AwsAccount>>) {
        let is_same = match (&self.account, account) {
            (Some(now), Some(next)) => Arc::ptr_eq(now, next),
            (now, next) => now.is_none() && next.is_none(),
        };
        if !is_same {
            *self = Self { account: account.cloned(), ..Self::default() };
        }
    }

    /// Sends the metrics of some minutes.
    pub fn metrics(&mut self, bytes: &[u8], now: Stamp) -> Taken {
        let sums = match decode_sums(bytes) {
            Ok(sums) => sums,
            Err(error) => return no(true, None, error.to_string()),
        };
        match self.put(&sums, now) {
            Ok(put) => Taken::Yes { said: left_out(&put) },
            Err(fault) => {
                // Refused for itself: fewer of them may be taken. All else is put right.
                let is_unfit = matches!(fault.cause, Cause::Unfit | Cause::Invalid);
                let permanent = !fault.transient && is_unfit;
                let wait_s = (!fault.transient && !is_unfit).then_some(FOR_A_PERSON_S);
                no(permanent, wait_s, fault.text)
            }
        }
    }

    /// Sends events of a log. Those that CloudWatch Logs takes from nobody are counted.
    pub fn logs(&mut self, stream: &AwsStream, bytes: &[u8], now: Stamp) -> Taken {
        let events = match decode_events(bytes) {
            Ok(events) => events,
            Err(error) => return no(true, None, error.to_string()),
        };
        let event = |(mark, event): (u64, monban_model::AwsEvent)| LogEvent {
            time: event.time,
            message: event.text,
            mark,
        };
        let events: Vec<LogEvent> = (0..).zip(events).map(event).collect();
        match self.put_logs(stream, &events, now) {
            Ok(refused) => Taken::But(refused),
            // Only what is refused for itself is not sent again.
            Err(fault) => {
                let permanent = !fault.transient && fault.cause == Cause::Unfit;
                let wait_s = (!fault.transient && !permanent).then_some(FOR_A_PERSON_S);
                no(permanent, wait_s, fault.text)
            }
        }
    }

    fn put_logs(
        &mut self,
        stream: &AwsStream,
        events: &[LogEvent],
        now: Stamp,
    ) -> Result<AwsRefused, Fault> {
        let account = self.account()?;
        let client = self.client(&account)?;
        let stream = LogStream {
            group: stream.group.clone(),
            name: self.stream_name(&stream.stream)?,
            retention_days: stream.retention_days,
            gzip: stream.gzip,
        };
        let holder = self.holder(&account)?;
        let accepted = client.put_log_events(&stream, events, holder, now)?;
        Ok(AwsRefused { too_old: accepted.too_old, too_new: accepted.too_new })
    }

    /// The name of a stream with what is known of this machine put in.
    fn stream_name(&mut self, stream: &str) -> Result<String, Fault> {
        if stream.contains("{instance_id}") && self.id.is_none() {
            let instance = Instance::of_environment(&account::environment)?;
            self.id = instance.map(|mut instance| instance.id()).transpose()?;
        }
        let value = |hole: &str| match hole {
            "instance_id" => self.id.clone(),
            "hostname" => Some(rustix::system::uname().nodename().to_string_lossy().into_owned()),
            _ => own_address().map(|address| address.to_string()),
        };
        let unknown = || Fault {
            cause: Cause::Missing,
            transient: true,
            text: format!("what stands in `{stream}` is not known of this machine"),
        };
        stream_name(stream, value).ok_or_else(unknown)
    }

    fn client(&mut self, account: &AwsAccount) -> Result<Client, Fault> {
        let region = self.region(account)?;
        let client = match self.client.take() {
            Some(client) => client,
            None => Client::new(&region, account.endpoint.as_deref(), PATIENCE)?,
        };
        self.client = Some(client.clone());
        Ok(client)
    }

    fn region(&mut self, account: &AwsAccount) -> Result<String, Fault> {
        let region = match (&account.region, &self.region) {
            (Some(region), _) | (None, Some(region)) => region.clone(),
            (None, None) => account::instance_region(&account::environment)?,
        };
        self.region = Some(region.clone());
        Ok(region)
    }

    fn put(&mut self, sums: &[AwsSum], now: Stamp) -> Result<Put, Fault> {
        let Some(first) = sums.first() else { return Ok(Put::default()) };
        let account = self.account()?;
        let client = self.client(&account)?;
        let data: Vec<Datum> = sums.iter().map(datum).collect();
        let holder = self.holder(&account)?;
        let put = client.put_metric_data(&first.namespace, &data, holder, now);
        put.map_err(|PutFailed { fault, .. }| fault)
    }

    fn account(&self) -> Result<Arc<AwsAccount>, Fault> {
        let none = || {
            let text = "no rights at AWS are configured".to_owned();
            Fault { cause: Cause::Credentials, transient: true, text }
        };
        self.account.clone().ok_or_else(none)
    }

    fn holder(&mut self, account: &AwsAccount) -> Result<&mut Holder, Fault> {
        let holder = match self.holder.take() {
            Some(holder) => holder,
            None => Holder::new(account::keys_from(&account.keys, &account::environment)?),
        };
        Ok(self.holder.insert(holder))
    }

    fn message(
        &mut self,
        arn: &str,
        url: Option<&str>,
        letter: &Letter,
        now: Stamp,
        dialogue: &mut Dialogue,
    ) -> Result<String, Fault> {
        let account = self.account()?;
        if let AwsKeys::Given { secret, token, .. } = &account.keys {
            let hidden = [Some(secret), token.as_ref()].into_iter().flatten();
            hidden.for_each(|Secret(text)| dialogue.hide_text(text));
        }
        let topic = Topic::parse(arn)?;
        let url = url.or(account.endpoint.as_deref());
        let client = Client::new(&topic.region, url, PATIENCE)?;
        let message = Message::of_letter(letter, &topic, &account.metrics);
        dialogue.sent(&format!("Publish to {arn} in {}", topic.region));
        dialogue.sent(&message.default);
        let holder = self.holder(&account)?;
        client.publish(&topic, &message, holder, now)
    }
}

impl Sns for ToAws {
    fn publish(
        &mut self,
        arn: &str,
        url: Option<&str>,
        letter: &Letter,
        now: Stamp,
        dialogue: &mut Dialogue,
    ) -> Result<Delivered, Failure> {
        match self.message(arn, url, letter, now, dialogue) {
            Ok(id) => {
                dialogue.received(&id);
                Ok(Delivered { said: id, refused: Vec::new() })
            }
            Err(fault) if fault.transient => Err(Failure::transient(&fault.text)),
            // Rights, keys and topics are put right by somebody who hears of it meanwhile.
            Err(fault) if !matches!(fault.cause, Cause::Unfit | Cause::Invalid) => {
                Err(Failure::transient(&fault.text).after(Some(FOR_A_PERSON_S)))
            }
            Err(fault) => Err(Failure::permanent(&fault.text)),
        }
    }
}

/// The address by which this machine reaches others. Nothing is sent for it.
fn own_address() -> Option<IpAddr> {
    let towards = |bind: &str, to: &str| {
        let socket = UdpSocket::bind((bind, 0)).ok()?;
        socket.connect((to, 53)).ok()?;
        Some(socket.local_addr().ok()?.ip()).filter(|address| !address.is_unspecified())
    };
    towards("0.0.0.0", "192.0.2.1").or_else(|| towards("::", "2001:db8::1"))
}

fn no(permanent: bool, wait_s: Option<u64>, why: String) -> Taken {
    let retry_after_s = wait_s.map(|wait_s| wait_s.min(RETRY_AFTER_MAX_S));
    Taken::No { permanent, retry_after_s, why }
}

/// What CloudWatch takes from nobody, in words; empty if it took all.
fn left_out(put: &Put) -> String {
    match (put.out_of_time, put.unfit) {
        (0, 0) => String::new(),
        (time, unfit) => {
            format!("{} left out: {time} too old or ahead, {unfit} unfit", time + unfit)
        }
    }
}

fn datum(sum: &AwsSum) -> Datum {
    let value = Value::Set {
        count: sum.count as f64,
        sum: sum.sum.0,
        least: sum.least.0,
        most: sum.most.0,
    };
    Datum {
        name: sum.metric.clone(),
        dimensions: sum.dimensions.clone(),
        time: sum.minute,
        value,
        unit: Some(sum.unit.clone()).filter(|unit| !unit.is_empty()),
        each_second: false,
    }
}

//! To AWS, with the rights that the warden gave: messages to topics, and metrics.

use std::sync::Arc;

use monban_courier::aws::{
    Cause, Client, Datum, Fault, Holder, Message, Patience, Put, PutFailed, Topic, Value,
};
use monban_courier::{Delivered, Dialogue, Failure, Sns};
use monban_model::limits::RETRY_AFTER_MAX_S;
use monban_model::wire::{Taken, decode_sums};
use monban_model::{AwsAccount, AwsKeys, AwsSum, Letter, Secret, Stamp};

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

    fn put(&mut self, sums: &[AwsSum], now: Stamp) -> Result<Put, Fault> {
        let Some(first) = sums.first() else { return Ok(Put::default()) };
        let account = self.account()?;
        let region = match (&account.region, &self.region) {
            (Some(region), _) | (None, Some(region)) => region.clone(),
            (None, None) => account::instance_region(&account::environment)?,
        };
        self.region = Some(region.clone());
        let client = Client::new(&region, account.endpoint.as_deref(), PATIENCE)?;
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

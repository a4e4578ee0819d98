//! CloudWatch: datapoints, by the Query protocol. That of AWS's own newer programs (CBOR) says the
//! same in fewer bytes, but this one is understood everywhere and can be read.

use monban_model::Stamp;
use monban_model::limits::{AWS_DATUMS_MAX, AWS_DIMENSIONS_MAX, AWS_NAME_MAX, AWS_QUERY_BYTES_MAX};

use super::Holder;
use super::client::{Client, Service, form};
use super::fault::{Cause, Fault};

/// Datapoints are taken so far into the past, in seconds: two weeks.
const OLDEST_S: u64 = 14 * 86_400;
/// And so far into the future: two hours.
const NEWEST_S: u64 = 2 * 3600;
/// Numbers beyond 2^360 are refused.
const LARGEST: f64 = 2.348_542_582_773_833e108;

/// One value of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Datum {
    /// The metric.
    pub name: String,
    /// Names and values that tell it from others of its name.
    pub dimensions: Vec<(String, String)>,
    /// When.
    pub time: Stamp,
    /// What was measured.
    pub value: Value,
    /// Such as `Count` or `Seconds`; `None` if it has none.
    pub unit: Option<String>,
    /// Whether CloudWatch keeps each second of it instead of each minute.
    pub each_second: bool,
}

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// One number.
    One(f64),
    /// Several numbers that were measured in the same time, together.
    Set {
        /// How many.
        count: f64,
        /// What they make together.
        sum: f64,
        /// The smallest.
        least: f64,
        /// The largest.
        most: f64,
    },
}

/// What became of datapoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Put {
    /// Taken.
    pub taken: u64,
    /// Left out: older than two weeks, or more than two hours ahead.
    pub out_of_time: u64,
    /// Left out: no number, a name or dimension that CloudWatch takes not.
    pub unfit: u64,
}

impl Client {
    /// Sends datapoints of a namespace, in as many calls as are needed.
    ///
    /// # Errors
    /// A call failed. `done` says how many from the beginning are done with, sent or left out: only
    /// what stands behind them is to be sent again.
    pub fn put_metric_data(
        &self,
        namespace: &str,
        data: &[Datum],
        holder: &mut Holder,
        now: Stamp,
    ) -> Result<Put, PutFailed> {
        let failed = |fault, done| PutFailed { fault, done };
        check_namespace(namespace).map_err(|fault| failed(fault, 0))?;
        let (mut put, calls) = plan(namespace, data, now);
        let mut done = 0;
        for call in calls {
            self.query_renewed(Service::Metrics, &call.fields, holder, now)
                .map_err(|fault| failed(fault, done))?;
            put.taken += call.data;
            done = call.end;
        }
        Ok(put)
    }

    /// A call of the Query protocol; once more with new keys where those of a role were over.
    pub(crate) fn query_renewed(
        &self,
        service: Service,
        fields: &[(String, String)],
        holder: &mut Holder,
        now: Stamp,
    ) -> Result<String, Fault> {
        match self.query(service, fields, holder.keys(now)?, now) {
            Err(fault) if fault.transient && fault.cause == Cause::Credentials => {
                holder.forget();
                self.query(service, fields, holder.keys(now)?, now)
            }
            done => done,
        }
    }
}

/// Why datapoints are not all sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutFailed {
    /// What went wrong.
    pub fault: Fault,
    /// So many from the beginning are done with.
    pub done: usize,
}

/// Whether a namespace is one that may be written to.
///
/// # Errors
/// It is empty, too long, has characters that CloudWatch takes not, or is AWS's own.
pub fn check_namespace(namespace: &str) -> Result<(), Fault> {
    let fits = |c: char| c.is_ascii_alphanumeric() || ".-_/#: ".contains(c);
    let why = match () {
        () if namespace.trim().is_empty() => "is empty",
        () if namespace.len() > AWS_NAME_MAX => "is longer than 255 characters",
        () if namespace.starts_with("AWS/") => "is AWS's own",
        () if namespace.starts_with(':') => "begins with a colon",
        () if !namespace.chars().all(fits) => "has characters that CloudWatch does not take",
        () => return Ok(()),
    };
    Err(Fault::permanent(Cause::Invalid, format!("the namespace `{namespace}` {why}")))
}

/// One call.
struct Call {
    fields: Vec<(String, String)>,
    /// How many datapoints it carries.
    data: u64,
    /// The place behind the last of them.
    end: usize,
    bytes: usize,
}

/// The calls that carry these datapoints, and what is left out of them.
fn plan(namespace: &str, data: &[Datum], now: Stamp) -> (Put, Vec<Call>) {
    let head = [("Action", "PutMetricData"), ("Version", "2010-08-01"), ("Namespace", namespace)];
    let head = head.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut put = Put::default();
    let mut calls: Vec<Call> = Vec::new();
    for (at, datum) in data.iter().enumerate() {
        if !fits(datum) {
            put.unfit += 1;
            continue;
        }
        if datum.time < now.minus_s(OLDEST_S) || datum.time > now.plus_s(NEWEST_S) {
            put.out_of_time += 1;
            continue;
        }
        // With the longest number that it may get.
        let bytes = form(&fields(datum, AWS_DATUMS_MAX as u64)).len() + 1;
        let has_room = |call: &&mut Call| {
            call.data < AWS_DATUMS_MAX as u64 && call.bytes + bytes <= AWS_QUERY_BYTES_MAX
        };
        let call = match calls.last_mut().filter(has_room) {
            Some(_) => calls.last_mut(),
            None => {
                let (fields, bytes) = (head.to_vec(), form(&head).len());
                calls.push(Call { fields, data: 0, end: 0, bytes });
                calls.last_mut()
            }
        };
        if let Some(call) = call {
            call.data += 1;
            call.end = at + 1;
            call.bytes += bytes;
            call.fields.extend(fields(datum, call.data));
        }
    }
    (put, calls)
}

/// A datapoint as the fields of a form, as the `number`th of its call.
fn fields(datum: &Datum, number: u64) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut put = |name: &str, value: String| {
        fields.push((format!("MetricData.member.{number}.{name}"), value));
    };
    put("MetricName", datum.name.clone());
    put("Timestamp", datum.time.to_string());
    match datum.value {
        Value::One(value) => put("Value", value.to_string()),
        Value::Set { count, sum, least, most } => {
            put("StatisticValues.SampleCount", count.to_string());
            put("StatisticValues.Sum", sum.to_string());
            put("StatisticValues.Minimum", least.to_string());
            put("StatisticValues.Maximum", most.to_string());
        }
    }
    if let Some(unit) = &datum.unit {
        put("Unit", unit.clone());
    }
    if datum.each_second {
        put("StorageResolution", "1".to_owned());
    }
    for (at, (name, value)) in (1..).zip(&datum.dimensions) {
        put(&format!("Dimensions.member.{at}.Name"), name.clone());
        put(&format!("Dimensions.member.{at}.Value"), value.clone());
    }
    fields
}

/// Whether CloudWatch takes it. One that it does not would have the whole call refused.
fn fits(datum: &Datum) -> bool {
    let named = |text: &str, most: usize| {
        !text.trim().is_empty() && text.len() <= most && !text.contains(char::is_control)
    };
    let number = |number: f64| number.is_finite() && number.abs() <= LARGEST;
    let is_number = match datum.value {
        Value::One(value) => number(value),
        Value::Set { count, sum, least, most } => {
            [count, sum, least, most].into_iter().all(number) && count > 0.0 && least <= most
        }
    };
    let dimension = |(name, value): &(String, String)| {
        let ascii = name.is_ascii() && value.is_ascii() && !name.starts_with(':');
        ascii && named(name, AWS_NAME_MAX) && named(value, 1024)
    };
    is_number
        && named(&datum.name, AWS_NAME_MAX)
        && datum.dimensions.len() <= AWS_DIMENSIONS_MAX
        && datum.dimensions.iter().all(dimension)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Stamp = Stamp(1_800_000_000_000);

    fn datum(name: &str, value: f64) -> Datum {
        Datum {
            name: name.to_owned(),
            dimensions: Vec::new(),
            time: NOW,
            value: Value::One(value),
            unit: None,
            each_second: false,
        }
    }

    #[test]
    fn a_datapoint_is_written_as_cloudwatch_reads_it() {
        let set = Value::Set { count: 2.0, sum: 3.5, least: 1.0, most: 2.5 };
        let one = Datum {
            dimensions: vec![("host".to_owned(), "web 1".to_owned())],
            value: set,
            unit: Some("Count".to_owned()),
            each_second: true,
            ..datum("ssh", 0.0)
        };
        let (_, calls) = plan("monban", &[one], NOW);
        let expected = "Action=PutMetricData&Version=2010-08-01&Namespace=monban\
            &MetricData.member.1.MetricName=ssh\
            &MetricData.member.1.Timestamp=2027-01-15T08%3A00%3A00Z\
            &MetricData.member.1.StatisticValues.SampleCount=2\
            &MetricData.member.1.StatisticValues.Sum=3.5\
            &MetricData.member.1.StatisticValues.Minimum=1\
            &MetricData.member.1.StatisticValues.Maximum=2.5\
            &MetricData.member.1.Unit=Count&MetricData.member.1.StorageResolution=1\
            &MetricData.member.1.Dimensions.member.1.Name=host\
            &MetricData.member.1.Dimensions.member.1.Value=web+1";
        assert_eq!(form(&calls[0].fields), expected);
    }

    #[test]
    fn a_call_keeps_every_bound_and_all_is_accounted_for() {
        let long = "x".repeat(250);
        let mut data: Vec<Datum> = (0..2500).map(|at| datum("n", f64::from(at))).collect();
        for at in (0..2500).step_by(7) {
            data[at].dimensions =
                (0..30).map(|n| (format!("{n}{long}"), "v".repeat(900))).collect();
        }
        data[3].value = Value::One(f64::NAN);
        data[4].time = NOW.minus_s(OLDEST_S + 1);
        data[5].time = NOW.plus_s(NEWEST_S + 1);
        data[6].dimensions = vec![("a".to_owned(), String::new()); 1];
        let (put, calls) = plan("monban", &data, NOW);
        assert_eq!((put.unfit, put.out_of_time), (2, 2));
        assert_eq!(calls.iter().map(|call| call.data).sum::<u64>(), 2496);
        assert_eq!(calls.last().map(|call| call.end), Some(2500));
        for call in &calls {
            assert!(call.data <= 1000 && form(&call.fields).len() <= AWS_QUERY_BYTES_MAX);
        }
        assert!(calls.is_sorted_by_key(|call| call.end));
    }

    #[test]
    fn namespaces_of_aws_are_refused() {
        for good in ["monban", "web/ssh", "a.b-c_d#e:f g"] {
            assert_eq!(check_namespace(good), Ok(()), "{good}");
        }
        for wrong in ["", " ", "AWS/EC2", ":a", "門", &"x".repeat(256)] {
            assert!(check_namespace(wrong).is_err(), "{wrong}");
        }
    }
}

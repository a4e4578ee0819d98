//! What CloudWatch says to a topic when an alarm changes its state, so that programs that read it
//! there today can read ours: the JSON with its fields in the same order, and a line for phones.
//!
//! Source: messages captured from CloudWatch in 2026.

use monban_model::Stamp;
use serde::Serialize;

use super::regions::{partition, region_name};
use super::sns::Message;

/// An alarm that changed its state.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmMessage {
    /// Names this message over every try.
    pub id: String,
    /// The alarm's name.
    pub name: String,
    /// Its description, if it has one.
    pub description: Option<String>,
    /// The account, 12 digits; empty if it is not known.
    pub account: String,
    /// The region's code.
    pub region: String,
    /// When its definition changed last.
    pub configured: Stamp,
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`, before.
    pub old_state: String,
    /// And now.
    pub new_state: String,
    /// Why, in CloudWatch's words.
    pub reason: String,
    /// When.
    pub time: Stamp,
    /// Of an alarm for each of several: which it is, and its names and values.
    pub contributor: Option<(String, Vec<(String, String)>)>,
    /// ARNs of what is told of each state: of `OK`, `ALARM`, `INSUFFICIENT_DATA`.
    pub actions: [Vec<String>; 3],
    /// What it watches.
    pub trigger: Trigger,
}

/// What an alarm watches.
#[derive(Clone, Debug, PartialEq)]
pub enum Trigger {
    /// A metric.
    Metric(Metric),
    /// Other alarms.
    Composite {
        /// The rule, as it is written.
        rule: String,
        /// The alarms whose states made it change.
        children: Vec<Child>,
    },
}

/// How a metric is watched.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// The metric.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// How its values of a period become one.
    pub statistic: Statistic,
    /// Such as `Count`.
    pub unit: Option<String>,
    /// Names and values.
    pub dimensions: Vec<(String, String)>,
    /// In seconds.
    pub period_s: u64,
    /// How many periods are looked at.
    pub evaluation_periods: u64,
    /// How many of them have to be over the threshold.
    pub datapoints_to_alarm: Option<u64>,
    /// Such as `GreaterThanOrEqualToThreshold`.
    pub comparison: String,
    /// The threshold.
    pub threshold: f64,
    /// `missing`, `ignore`, `breaching` or `notBreaching`.
    pub missing_data: String,
}

/// How the values of a period become one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// `SUM`, `AVERAGE`, `MINIMUM`, `MAXIMUM`, `SAMPLE_COUNT`; written in large letters.
    Plain(String),
    /// A percentile or another that CloudWatch calls extended, such as `p99`.
    Extended(String),
}

/// An alarm that a composite one is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    /// Its ARN.
    pub arn: String,
    /// Its state.
    pub state: String,
    /// Since when.
    pub time: Stamp,
}

impl AlarmMessage {
    /// The message for a topic; what belongs together has the same `thread`, and `email` is what
    /// a mail of it says.
    pub fn message(&self, thread: String, email: String) -> Message {
        let region = region_name(&self.region);
        let sms = format!("{}: \"{}\" in {region}", self.new_state, self.name);
        Message {
            id: self.id.clone(),
            thread,
            subject: self.subject(),
            default: self.json(),
            email,
            sms,
        }
    }

    /// With so much of the name as fits.
    fn subject(&self) -> String {
        let region = region_name(&self.region);
        let around = self.new_state.len() + region.len() + ": \"\" in ".len();
        let name = super::subject(&self.name);
        let room = 100_usize.saturating_sub(around);
        let name = match name.len() > room {
            true => format!("{}...", &name[..room.saturating_sub(3).min(name.len())]),
            false => name,
        };
        super::subject(&format!("{}: \"{name}\" in {region}", self.new_state))
    }

    fn arn(&self) -> String {
        let (region, account) = (&self.region, &self.account);
        format!("arn:{}:cloudwatch:{region}:{account}:alarm:{}", partition(region), self.name)
    }

    fn json(&self) -> String {
        let [ok, alarm, insufficient] = &self.actions;
        let attributes = |pairs: &[(String, String)]| pairs.iter().cloned().collect();
        let (contributor, attributes) = match &self.contributor {
            Some((id, pairs)) => (Some(id.as_str()), Some(attributes(pairs))),
            None => (None, None),
        };
        let (rule, children) = match &self.trigger {
            Trigger::Composite { rule, children } => (Some(rule.as_str()), Some(children)),
            Trigger::Metric(_) => (None, None),
        };
        let trigger = match &self.trigger {
            Trigger::Metric(metric) => Some(TriggerText::of(metric)),
            Trigger::Composite { .. } => None,
        };
        let text = Text {
            name: &self.name,
            description: self.description.as_deref(),
            rule,
            account: &self.account,
            configured: with_ms(self.configured),
            state: &self.new_state,
            reason: &self.reason,
            time: with_ms(self.time),
            region: region_name(&self.region),
            arn: self.arn(),
            old: &self.old_state,
            contributor,
            attributes,
            // What is muted comes later in a digest, which is another text.
            after_mute: false,
            ok,
            alarm,
            insufficient,
            trigger,
            children: children.map(|children| children.iter().map(ChildText::of).collect()),
        };
        // Texts and numbers only: nothing of it can fail.
        serde_json::to_string(&text).unwrap_or_default()
    }
}

/// `2026-09-14T11:18:44.401+0000`.
fn with_ms(time: Stamp) -> String {
    let whole = time.to_string();
    format!("{}.{:03}+0000", whole.trim_end_matches('Z'), time.0.rem_euclid(1000))
}

#[derive(Serialize)]
struct Text<'a> {
    #[serde(rename = "AlarmName")]
    name: &'a str,
    #[serde(rename = "AlarmDescription")]
    description: Option<&'a str>,
    #[serde(rename = "AlarmRule", skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    #[serde(rename = "AWSAccountId")]
    account: &'a str,
    #[serde(rename = "AlarmConfigurationUpdatedTimestamp")]
    configured: String,
    #[serde(rename = "NewStateValue")]
    state: &'a str,
    #[serde(rename = "NewStateReason")]
    reason: &'a str,
    #[serde(rename = "StateChangeTime")]
    time: String,
    #[serde(rename = "Region")]
    region: &'a str,
    #[serde(rename = "AlarmArn")]
    arn: String,
    #[serde(rename = "OldStateValue")]
    old: &'a str,
    #[serde(rename = "AlarmContributorId", skip_serializing_if = "Option::is_none")]
    contributor: Option<&'a str>,
    #[serde(rename = "AlarmContributorAttributes", skip_serializing_if = "Option::is_none")]
    attributes: Option<std::collections::BTreeMap<String, String>>,
    #[serde(rename = "ActionExecutedAfterMuteWindow")]
    after_mute: bool,
    #[serde(rename = "OKActions")]
    ok: &'a [String],
    #[serde(rename = "AlarmActions")]
    alarm: &'a [String],
    #[serde(rename = "InsufficientDataActions")]
    insufficient: &'a [String],
    #[serde(rename = "Trigger", skip_serializing_if = "Option::is_none")]
    trigger: Option<TriggerText<'a>>,
    #[serde(rename = "TriggeringChildren", skip_serializing_if = "Option::is_none")]
    children: Option<Vec<ChildText<'a>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TriggerText<'a> {
    metric_name: &'a str,
    namespace: &'a str,
    statistic_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    statistic: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extended_statistic: Option<&'a str>,
    unit: Option<&'a str>,
    dimensions: Vec<DimensionText<'a>>,
    period: u64,
    evaluation_periods: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    datapoints_to_alarm: Option<u64>,
    comparison_operator: &'a str,
    threshold: f64,
    treat_missing_data: &'a str,
    evaluate_low_sample_count_percentile: &'a str,
}

impl<'a> TriggerText<'a> {
    fn of(metric: &'a Metric) -> Self {
        let (statistic_type, statistic, extended_statistic) = match &metric.statistic {
            Statistic::Plain(name) => ("Statistic", Some(name.as_str()), None),
            Statistic::Extended(name) => ("ExtendedStatistic", None, Some(name.as_str())),
        };
        let dimension = |(name, value): &'a (String, String)| DimensionText { value, name };
        Self {
            metric_name: &metric.name,
            namespace: &metric.namespace,
            statistic_type,
            statistic,
            extended_statistic,
            unit: metric.unit.as_deref(),
            dimensions: metric.dimensions.iter().map(dimension).collect(),
            period: metric.period_s,
            evaluation_periods: metric.evaluation_periods,
            datapoints_to_alarm: metric.datapoints_to_alarm,
            comparison_operator: &metric.comparison,
            threshold: metric.threshold,
            treat_missing_data: &metric.missing_data,
            evaluate_low_sample_count_percentile: "",
        }
    }
}

#[derive(Serialize)]
struct DimensionText<'a> {
    value: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ChildText<'a> {
    arn: &'a str,
    state: StateText<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StateText<'a> {
    value: &'a str,
    timestamp: String,
}

impl<'a> ChildText<'a> {
    fn of(child: &'a Child) -> Self {
        let state = StateText { value: &child.state, timestamp: with_ms(child.time) };
        Self { arn: &child.arn, state }
    }
}

#[cfg(test)]
#[path = "alarm/tests.rs"]
mod tests;

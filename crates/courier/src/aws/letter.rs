//! A letter as a message to a topic: an alarm as CloudWatch says it, so that whoever reads it there
//! today can read ours, and everything else as the JSON of a letter.

use monban_model::{AwsMetrics, Letter, Stamp, Theme};
use serde_json::Value;

use super::alarm::{AlarmMessage, Child, Metric, Statistic, Trigger};
use super::dates;
use super::regions::partition;
use super::sns::{Message, Topic};
use crate::shape;

/// The namespace of metrics that go to none.
const NAMESPACE: &str = "monban";

impl Message {
    /// The message that tells a topic's subscribers of a letter. `namespaces` says which metrics
    /// go to which namespace of CloudWatch.
    pub fn of_letter(letter: &Letter, topic: &Topic, namespaces: &[AwsMetrics]) -> Self {
        let email = shape::text::text(letter);
        let alarm = match letter.theme {
            Theme::Alarm => alarm(letter, topic, namespaces),
            _ => None,
        };
        match alarm {
            Some(alarm) => alarm.message(letter.thread.clone(), email),
            None => Self {
                id: letter.id.clone(),
                thread: letter.thread.clone(),
                subject: letter.subject.clone(),
                default: shape::json::json(letter).to_string(),
                email,
                sms: letter.subject.clone(),
            },
        }
    }
}

/// The alarm of a letter that tells of one.
fn alarm(letter: &Letter, topic: &Topic, namespaces: &[AwsMetrics]) -> Option<AlarmMessage> {
    let data: Value = serde_json::from_str(&letter.data).ok()?;
    let record = &data.as_array()?.first().filter(|record| record["event"] == "alarm")?;
    let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
    let contributor = record["contributor"].as_object().map(|of| {
        let word = |name: &str| of.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        (word("value"), vec![(word("by"), word("value"))])
    });
    let trigger = match record["threshold"].as_object() {
        Some(_) => Trigger::Metric(metric(&record["threshold"], namespaces)),
        None => {
            let children = record["reason_data"]["children"].as_array();
            let children = children.into_iter().flatten().map(|one| child(one, topic));
            Trigger::Composite { rule: text("rule"), children: children.collect() }
        }
    };
    Some(AlarmMessage {
        id: letter.id.clone(),
        name: text("alarm"),
        description: record["description"].as_str().map(str::to_owned),
        account: topic.account.clone(),
        region: topic.region.clone(),
        // The definition is at least as old as the state before this one.
        configured: time(&record["since"]).unwrap_or(letter.time),
        old_state: text("old"),
        new_state: text("new"),
        reason: text("reason"),
        time: letter.time,
        contributor,
        actions: [(); 3].map(|()| vec![topic.arn.clone()]),
        trigger,
    })
}

fn metric(watched: &Value, namespaces: &[AwsMetrics]) -> Metric {
    let text = |name: &str| watched[name].as_str().unwrap_or_default().to_owned();
    let number = |name: &str| watched[name].as_u64().unwrap_or_default();
    let name = text("metric");
    let is_there = |one: &&AwsMetrics| one.metrics.is_empty() || one.metrics.contains(&name);
    let namespace = namespaces.iter().find(is_there);
    let dimensions = watched["dimensions"].as_object().into_iter().flatten();
    let dimensions = dimensions
        .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()));
    Metric {
        namespace: namespace.map_or(NAMESPACE, |one| &one.namespace).to_owned(),
        statistic: statistic(&text("statistic")),
        unit: watched["unit"].as_str().map(str::to_owned),
        dimensions: dimensions.collect(),
        period_s: number("period_s"),
        evaluation_periods: number("evaluation_periods"),
        datapoints_to_alarm: watched["datapoints_to_alarm"].as_u64(),
        comparison: text("comparison"),
        threshold: watched["threshold"].as_f64().unwrap_or_default(),
        missing_data: text("missing"),
        name,
    }
}

fn statistic(word: &str) -> Statistic {
    let large = match word {
        "SampleCount" => "SAMPLE_COUNT".to_owned(),
        word => word.to_ascii_uppercase(),
    };
    match large.as_str() {
        "SUM" | "AVERAGE" | "MINIMUM" | "MAXIMUM" | "SAMPLE_COUNT" => Statistic::Plain(large),
        _ => Statistic::Extended(word.to_owned()),
    }
}

fn child(child: &Value, topic: &Topic) -> Child {
    let text = |name: &str| child[name].as_str().unwrap_or_default();
    let (region, account) = (&topic.region, &topic.account);
    let (part, name) = (partition(region), text("alarm"));
    Child {
        arn: format!("arn:{part}:cloudwatch:{region}:{account}:alarm:{name}"),
        state: text("state").to_owned(),
        time: time(&child["since"]).unwrap_or_default(),
    }
}

fn time(value: &Value) -> Option<Stamp> {
    dates::iso(value.as_str()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::samples;
    use monban_model::Theme;

    const ARN: &str = "arn:aws:sns:ap-northeast-1:123456789012:ops";

    /// As `monban_views` writes it.
    const RECORD: &str = r#"[{"again":null,"alarm":"変なSSH","contributor":{"by":"address",
        "value":"203.0.113.9"},"count":6,"description":"knocks","event":"alarm","lines":[{"attempts":1,
        "line":"sshd[7]: Connection closed by 203.0.113.9 [preauth]","rule":"preauth",
        "time":"2026-11-23T12:00:00Z"}],"new":"ALARM","old":"OK","reason":"Threshold Crossed: x",
        "reason_data":{"children":null},"rule":null,"since":"2026-11-23T11:00:00Z",
        "threshold":{"comparison":"GreaterThanOrEqualToThreshold","datapoints_to_alarm":1,
        "dimensions":{"host":"web1"},"evaluation_periods":1,"metric":"preauth",
        "missing":"notBreaching","period_s":60,"statistic":"Sum","threshold":1.0,"unit":null},
        "time":"2026-11-23T12:00:01Z"}]"#;

    fn letter(data: &str) -> Letter {
        let login = samples::login("en");
        Letter { theme: Theme::Alarm, data: data.to_owned(), ..login }
    }

    #[test]
    fn an_alarm_is_said_as_cloudwatch_says_it() {
        let topic = Topic::parse(ARN).unwrap();
        let namespaces =
            [AwsMetrics { metrics: vec!["preauth".into()], namespace: "LogMetrics".into() }];
        let message = Message::of_letter(&letter(RECORD), &topic, &namespaces);
        let told: Value = serde_json::from_str(&message.default).unwrap();
        assert_eq!(
            (&told["AlarmName"], &told["NewStateValue"], &told["OldStateValue"]),
            (&"変なSSH".into(), &"ALARM".into(), &"OK".into())
        );
        assert_eq!(told["AlarmConfigurationUpdatedTimestamp"], "2026-11-23T11:00:00.000+0000");
        assert_eq!(told["Region"], "Asia Pacific (Tokyo)");
        assert_eq!(told["AlarmActions"][0], ARN);
        assert_eq!(told["AlarmContributorAttributes"]["address"], "203.0.113.9");
        let trigger = &told["Trigger"];
        assert_eq!((&trigger["Statistic"], &trigger["Period"]), (&"SUM".into(), &60.into()));
        assert_eq!(trigger["Namespace"], "LogMetrics");
        assert_eq!(trigger["Dimensions"][0]["name"], "host");
        assert_eq!(message.subject, "ALARM: \"_SSH\" in Asia Pacific (Tokyo)");
        assert!(message.email.contains("[web1]") || message.email.contains("alice logged in"));
    }

    #[test]
    fn what_is_no_alarm_goes_as_its_own_json() {
        let topic = Topic::parse(ARN).unwrap();
        for data in ["", "{\"cut\":99999}", "[]", "[3]", "[{\"event\":\"login\"}]"] {
            let message = Message::of_letter(&letter(data), &topic, &[]);
            let told: Value = serde_json::from_str(&message.default).unwrap();
            assert_eq!(told["AlarmName"], Value::Null, "{data}");
            assert!(!message.subject.is_empty() && !message.email.is_empty());
        }
    }

    #[test]
    fn a_record_with_nothing_in_it_is_said_all_the_same() {
        let topic = Topic::parse(ARN).unwrap();
        for data in
            ["[{\"event\":\"alarm\"}]", "[{\"event\":\"alarm\",\"threshold\":{},\"lines\":3}]"]
        {
            let message = Message::of_letter(&letter(data), &topic, &[]);
            assert!(message.default.contains("AlarmName"), "{data}");
        }
    }
}

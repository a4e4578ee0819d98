use super::*;

const NAME: &str = "変なSSHアクセスがありましたよ。";

/// The alarm of the article: six closed connections in a minute.
fn article() -> AlarmMessage {
    AlarmMessage {
        id: "1".to_owned(),
        name: NAME.to_owned(),
        description: None,
        account: "123456789012".to_owned(),
        region: "ap-northeast-1".to_owned(),
        configured: Stamp(1_448_848_000_000),
        old_state: "INSUFFICIENT_DATA".to_owned(),
        new_state: "ALARM".to_owned(),
        reason: "Threshold Crossed: 1 datapoint (6.0) was greater than or equal to the threshold \
            (1.0)."
            .to_owned(),
        time: Stamp(1_448_849_050_401),
        contributor: None,
        actions: [vec![], vec!["arn:aws:sns:ap-northeast-1:123456789012:myTopic".into()], vec![]],
        trigger: Trigger::Metric(Metric {
            name: "preauth".to_owned(),
            namespace: "LogMetrics".to_owned(),
            statistic: Statistic::Plain("SUM".to_owned()),
            unit: None,
            dimensions: vec![("host".to_owned(), "web1".to_owned())],
            period_s: 60,
            evaluation_periods: 1,
            datapoints_to_alarm: Some(1),
            comparison: "GreaterThanOrEqualToThreshold".to_owned(),
            threshold: 1.0,
            missing_data: "missing".to_owned(),
        }),
    }
}

/// Names of the fields, in order.
fn fields(json: &str) -> Vec<&str> {
    let (mut depth, mut found, mut rest) = (0_u32, Vec::new(), json);
    while let Some(c) = rest.chars().next() {
        match c {
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            '"' => {
                let end = rest[1..].find('"').unwrap() + 1;
                if depth == 1 && rest[end + 1..].starts_with(':') {
                    found.push(&rest[1..end]);
                }
                rest = &rest[end..];
            }
            _ => {}
        }
        rest = &rest[c.len_utf8().min(rest.len())..];
    }
    found
}

#[test]
fn programs_get_the_fields_of_cloudwatch_in_its_order() {
    let json = article().json();
    let expected = [
        "AlarmName",
        "AlarmDescription",
        "AWSAccountId",
        "AlarmConfigurationUpdatedTimestamp",
        "NewStateValue",
        "NewStateReason",
        "StateChangeTime",
        "Region",
        "AlarmArn",
        "OldStateValue",
        "ActionExecutedAfterMuteWindow",
        "OKActions",
        "AlarmActions",
        "InsufficientDataActions",
        "Trigger",
    ];
    assert_eq!(fields(&json), expected);
    let (_, trigger) = json.split_once("\"Trigger\":").unwrap();
    let expected = "{\"MetricName\":\"preauth\",\"Namespace\":\"LogMetrics\",\
        \"StatisticType\":\"Statistic\",\"Statistic\":\"SUM\",\"Unit\":null,\
        \"Dimensions\":[{\"value\":\"web1\",\"name\":\"host\"}],\"Period\":60,\
        \"EvaluationPeriods\":1,\"DatapointsToAlarm\":1,\
        \"ComparisonOperator\":\"GreaterThanOrEqualToThreshold\",\"Threshold\":1.0,\
        \"TreatMissingData\":\"missing\",\"EvaluateLowSampleCountPercentile\":\"\"}}";
    assert_eq!(trigger, expected);
    assert!(json.contains("\"StateChangeTime\":\"2015-11-30T02:04:10.401+0000\""), "{json}");
    assert!(json.contains("\"Region\":\"Asia Pacific (Tokyo)\""), "{json}");
    let arn = format!("arn:aws:cloudwatch:ap-northeast-1:123456789012:alarm:{NAME}");
    assert!(json.contains(&arn), "{json}");
}

#[test]
fn a_contributor_and_children_stand_where_cloudwatch_puts_them() {
    let pairs = vec![("address".to_owned(), "192.0.2.1".to_owned())];
    let children = vec![Child { arn: "a".into(), state: "ALARM".into(), time: Stamp(1) }];
    let alarm = AlarmMessage {
        contributor: Some(("c1".to_owned(), pairs)),
        trigger: Trigger::Composite { rule: "ALARM(\"a\")".to_owned(), children },
        ..article()
    };
    let json = alarm.json();
    let found = fields(&json);
    let at = |name| found.iter().position(|known| *known == name);
    assert_eq!(at("AlarmRule"), Some(2));
    assert_eq!(at("AlarmContributorId"), at("OldStateValue").map(|at| at + 1));
    assert_eq!(found.last(), Some(&"TriggeringChildren"));
    let child = "[{\"Arn\":\"a\",\"State\":{\"Value\":\"ALARM\",\
        \"Timestamp\":\"1970-01-01T00:00:00.001+0000\"}}]";
    assert!(json.ends_with(&format!("{child}}}")), "{json}");
}

#[test]
fn a_subject_keeps_the_state_and_the_region() {
    assert_eq!(article().subject(), "ALARM: \"_SSH_\" in Asia Pacific (Tokyo)");
    let long = AlarmMessage { name: "n".repeat(255), ..article() };
    let subject = long.subject();
    assert!(
        subject.len() == 100 && subject.ends_with("n...\" in Asia Pacific (Tokyo)"),
        "{subject}"
    );
}

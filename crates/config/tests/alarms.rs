//! `[[metric]]` and `[[alarm]]`, as they are written and as they are mistyped.

use monban_config::{Config, Simulation};
use monban_model::{
    Amount, Comparison, Missing, Per, Semantics, Severity, Statistic, Watch, closest,
};

const WRITTEN: &str = r#"
[[metric]]
name = "preauth"
sources = ["/var/log/secure", "sshd"]
pattern = '"[preauth]"'

[[metric]]
name = "latency"
pattern = '{ $.latency = * }'
value = "$.latency"
dimensions = { Path = "$.path", Method = "$.method" }
unit = "Milliseconds"

[[metric]]
name = "zero"
pattern = "ERROR"
value = 2.5
default = 0

[[alarm]]
name = "変なSSHアクセスがありましたよ。"
description = "somebody knocks"
metric = "preauth"
threshold = 1
semantics = "aws"

[[alarm]]
name = "slow"
severity = "critical"
metric = "latency"
dimensions = { Path = "/login" }
statistic = "p99"
low_samples = "ignore"
comparison = "GreaterThanThreshold"
threshold = 250.5
period = "5m"
evaluation_periods = 3
datapoints_to_alarm = 2
missing = "ignore"
repeat = "never"
per = "Method"
samples = 3

[[alarm]]
name = "knocking"
metric = "login-failed"
dimensions = { service = "sshd" }
threshold = 20
per = "address"

[[alarm]]
name = "all"
rule = 'ALARM("slow") AND NOT OK("knocking")'
"#;

#[test]
fn what_is_written_is_meant() {
    let config = Config::parse("m.toml", WRITTEN).expect("no problem");
    let [preauth, latency, zero] = &config.metrics[..] else { panic!() };
    assert_eq!((preauth.pattern.as_str(), preauth.value.as_str()), ("\"[preauth]\"", "1"));
    assert_eq!(preauth.sources, ["/var/log/secure", "sshd"]);
    assert_eq!(latency.unit, "Milliseconds");
    let pair = |name: &str, field: &str| (name.to_owned(), field.to_owned());
    assert_eq!(latency.dimensions, [pair("Method", "$.method"), pair("Path", "$.path")]);
    assert_eq!((zero.value.as_str(), zero.default), ("2.5", Some(Amount(0.0))));

    let [odd, slow, knocking, all] = &config.alarms[..] else { panic!() };
    assert_eq!((odd.semantics, odd.repeat_s, odd.samples), (Semantics::Aws, None, 10));
    let watched = odd.watched().expect("a metric");
    assert_eq!(watched.missing, Missing::Missing, "CloudWatch's default");
    assert_eq!(
        (watched.comparison, watched.statistic),
        (Comparison::GreaterOrEqual, Statistic::Sum)
    );
    let numbers = (watched.period_s, watched.evaluation_periods, watched.datapoints_to_alarm);
    assert_eq!(numbers, (60, 1, 1));

    assert_eq!((slow.severity, slow.repeat_s, slow.samples), (Severity::Critical, None, 3));
    assert_eq!(slow.per, Per::Dimension("Method".into()));
    let watched = slow.watched().expect("a metric");
    assert_eq!((watched.threshold, watched.ignore_low_samples), (Amount(250.5), true));
    let numbers = (watched.period_s, watched.evaluation_periods, watched.datapoints_to_alarm);
    assert_eq!((numbers, watched.missing), ((300, 3, 2), Missing::Ignore));

    let watched = knocking.watched().expect("a metric");
    assert_eq!((watched.missing, knocking.repeat_s), (Missing::NotBreaching, Some(14_400)));
    let Watch::Rule(rule) = &all.watch else { panic!() };
    assert_eq!(rule.children(), ["knocking", "slow"]);
}

fn problems(text: &str) -> Vec<String> {
    let found = Config::parse("m.toml", text).err().unwrap_or_default();
    found.iter().map(ToString::to_string).collect()
}

fn told(cases: &[(&str, &str)]) {
    for (text, wanted) in cases {
        let told = problems(text);
        assert!(told.iter().any(|one| one.contains(wanted)), "{text}\n{told:#?}");
    }
}

/// The limits are those of what reads lines: CloudWatch counts characters.
#[test]
fn a_metric_has_the_limits_of_cloudwatch() {
    let of = |pattern: &str, dimensions: usize| {
        let pairs: Vec<String> = (0..dimensions).map(|n| format!("d{n} = \"$.d{n}\"")).collect();
        let pairs = pairs.join(", ");
        problems(&format!(
            "[[metric]]\nname = \"m\"\npattern = \"{pattern}\"\ndimensions = {{ {pairs} }}"
        ))
    };
    assert_eq!(of(&"門".repeat(1024), 3), [""; 0]);
    let long = of(&"門".repeat(1025), 0);
    assert!(long[0].contains("more than 1024 characters"), "{long:?}");
    let many = of("{ $.a = 1 }", 4);
    assert!(many[0].contains("m.toml:4: more than 3 dimensions"), "{many:?}");
}

#[test]
fn each_mistake_of_a_metric_is_told_with_its_place() {
    told(&[
        ("[[metric]]\nname = \"m\"", "m.toml:1: a metric without a `pattern`"),
        ("[[metric]]\npattern = \"\"", "m.toml:1: a metric without a `name`"),
        ("[[metric]]\nname = \"probe\"\npattern = \"\"", "is a metric by itself"),
        (
            "[[metric]]\nname = \"m\"\npattern = \"\"\nvalue = \"x\"",
            "neither a number nor the name of a field",
        ),
        (
            "[[metric]]\nname = \"m\"\npattern = \"\"\nvalue = \"$.a[*]\"",
            "neither a number nor the name of a field",
        ),
        ("[[metric]]\nname = \"m\"\npattern = \"\"\nunit = \"count\"", "did you mean `Count`?"),
        (
            "[[metric]]\nname = \"m\"\npattern = \"\"\ndefault = 0\ndimensions = { a = \"$a\" }",
            "has no `default`",
        ),
        (
            "[[metric]]\nname = \"m\"\npattern = \"\"\ndimensions = { a = \"a\" }",
            "`a` is no field of a line",
        ),
    ]);
}

#[test]
fn each_mistake_is_told_with_its_place() {
    let alarm = "[[alarm]]\nname = \"a\"\nmetric = \"login-failed\"\nthreshold = 1\n";
    let with = |line: &str| format!("{alarm}{line}\n");
    let cases = [
        ("alarm = 5", "m.toml:1: `alarm` is no list of tables"),
        ("[alarm]\nname = \"a\"", "m.toml:1: `alarm` is no list of tables"),
        ("[[alarm]]\nmetric = \"probe\"\nthreshold = 1", "m.toml:1: an alarm without a `name`"),
        ("[[alarm]]\nname = \"a\"\nmetric = \"probe\"", "m.toml:1: an alarm without a `threshold`"),
        (
            "[[alarm]]\nname = \"a\"\nthreshold = 1",
            "m.toml:1: an alarm has either `metric` or `rule`",
        ),
        (&with("threshhold = 1"), "m.toml:5: unknown key `threshhold` in [[alarm]]"),
        (&with("severity = \"warn\""), "m.toml:5: `severity`: `warn` is"),
        (&with("semantics = \"AWS\""), "m.toml:5: `semantics`: `AWS` is"),
        (&with("comparison = \"=>\""), "m.toml:5: `comparison`: `=>` is no comparison"),
        (&with("statistic = \"sum\""), "m.toml:5: `statistic`: `sum` is no statistic"),
        (&with("missing = \"notbreaching\""), "did you mean `notBreaching`?"),
        (&with("period = \"0s\""), "m.toml:5: `period`: a period of no length"),
        (&with("period = \"2d\""), "m.toml:5: `period`: a period has a day at most"),
        (&with("period = \"45s\"\nsemantics = \"aws\""), "10, 20, 30 seconds or whole minutes"),
        (&with("evaluation_periods = 1441"), "1441 periods of 60 seconds are more than a day"),
        (&with("period = \"1s\"\nevaluation_periods = 5000"), "are too many"),
        (&with("datapoints_to_alarm = 2"), "`datapoints_to_alarm` is 2 of 1 periods"),
        (&with("low_samples = \"ignore\""), "`low_samples` says nothing for Sum"),
        (&with("per = \"adress\""), "did you mean `address`?"),
        (&with("per = \"address\"\nsemantics = \"aws\""), "leave out `per` or semantics"),
        (&with("repeat = \"30s\""), "less than a minute is no repeating"),
        (&with("dimensions = { servise = \"sshd\" }"), "did you mean `service`?"),
        (&with("dimensions = [1]"), "`dimensions` wants names with texts"),
        (&with("samples = 51"), "write a whole number from 0 to 50"),
        (&with("rule = 'ALARM(\"b\")'"), "an alarm has either `metric` or `rule`"),
        (
            &with("[[alarm]]\nname = \"a\"\nmetric = \"probe\"\nthreshold = 1"),
            "m.toml:5: two alarms are called `a`",
        ),
        (
            "[[alarm]]\nname = \"b\"\nmetric = \"login-faild\"\nthreshold = 1",
            "did you mean `login-failed`?",
        ),
        ("[[alarm]]\nname = \"b\"\nrule = 'ALARM(\"b\"'", "m.toml:3: `rule`: `)` is wanted"),
        (
            "[[alarm]]\nname = \"b\"\nrule = 'TRUE'\nthreshold = 1",
            "`threshold` says nothing beside `rule`",
        ),
        (
            "[[alarm]]\nname = \"b\"\nrule = 'TRUE'\nrepeat = \"1h\"",
            "`repeat` says nothing beside `rule`",
        ),
        ("[[alarm]]\nname = \"b\"\nrule = 'ALARM(\"c\")'", "names `c`, and no alarm is called so"),
        ("[[alarm]]\nname = \"b\"\nrule = 'OK(\"b\")'", "alarms look at each other in a circle: b"),
    ];
    told(&cases);
    assert_eq!(closest("adress", ["address"]), Some("address"));
}

#[test]
fn all_mistakes_come_at_once() {
    let text = "[[alarm]]\nname = \"a\"\nmetric = \"x\"\nstatistic = \"y\"\nperiod = \"z\"\n\
                missing = \"u\"\nsemantics = \"v\"\n";
    assert_eq!(problems(text).len(), 6, "{:#?}", problems(text));
}

#[test]
fn a_long_row_of_alarms_is_no_circle() {
    let mut text = String::new();
    for n in 0..500 {
        text.push_str(&format!("[[alarm]]\nname = \"a{n}\"\nrule = 'ALARM(\"a{}\")'\n", n + 1));
    }
    text.push_str("[[alarm]]\nname = \"a500\"\nrule = 'TRUE'\n");
    assert_eq!(problems(&text), [""; 0]);
    let closed = text.replace("'TRUE'", "'ALARM(\"a250\")'");
    let told = problems(&closed);
    assert!(told.len() == 1 && told[0].contains("in a circle: a250, a251"), "{told:?}");
}

#[test]
fn an_aws_alarm_names_all_dimensions() {
    let text = WRITTEN.replace("repeat = \"never\"\nper = \"Method\"", "semantics = \"aws\"");
    let told = problems(&text);
    assert!(told[0].contains("the dimension `Method` of the metric is left out"), "{told:?}");
}

#[test]
fn a_simulation_takes_points_in_three_forms() {
    let text = r#"
datapoints = [[0, 1], [70.5, 2.5], { at = "2m", value = 3, address = "192.0.2.1", metric = "y" }]
row = "0 - X 7"
end = "10m"
[[alarm]]
name = "a"
metric = "anything"
threshold = 5
comparison = ">"
"#;
    let simulation = Simulation::parse("s.toml", text).expect("no problem");
    let points: Vec<(i64, f64)> = simulation.points.iter().map(|p| (p.at.0, p.value)).collect();
    let wanted =
        [(0, 1.0), (30_000, 0.0), (70_500, 2.5), (120_000, 3.0), (150_000, 6.0), (210_000, 7.0)];
    assert_eq!(points, wanted);
    assert_eq!(simulation.end.0, 600_000);
    assert!(simulation.points[3].address.is_some());
    for (text, wanted) in [
        ("", "there is no [[alarm]]"),
        ("datapoints = [[0]]\n[[alarm]]\nname = \"a\"\nrule = 'TRUE'", "a time and a value"),
        ("datapoints = [[-1, 2]]\n[[alarm]]\nname = \"a\"\nrule = 'TRUE'", "no time within"),
        ("row = \"0 ?\"\n[[alarm]]\nname = \"a\"\nmetric = \"m\"\nthreshold = 1", "`?` stands for"),
        ("row = \"0\"\n[[alarm]]\nname = \"a\"\nrule = 'TRUE'", "`row` is a text beside"),
    ] {
        let told = Simulation::parse("s.toml", text).expect_err(text);
        assert!(told.iter().any(|one| one.to_string().contains(wanted)), "{told:?}");
    }
}

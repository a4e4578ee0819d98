//! `[aws]`: what is written, what it means, and what is said of mistakes.

#![allow(clippy::unwrap_used, reason = "all of it is test code")]

use monban_config::Config;
use monban_model::{
    Aws, AwsBatching, AwsCredentials, AwsDates, AwsEventStart, AwsLogs, AwsMetrics, SecretAt,
};

fn problems(text: &str) -> Vec<String> {
    match Config::parse("m.toml", text) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

fn aws(text: &str) -> Aws {
    Config::parse("m.toml", text).unwrap().aws
}

#[test]
fn nothing_goes_to_aws_by_itself() {
    let found = Config::shipped().aws;
    assert_eq!(found, Aws::default());
    assert!(!found.is_used());
}

#[test]
fn logs_and_metrics_are_read_with_all_that_belongs_to_them() {
    let found = aws("[aws]\nregion = \"ap-northeast-1\"\ncredentials = \"keys\"\n\
        key_id = \"AKIAEXAMPLE\"\nsecret_credential = \"aws\"\n\
        [[aws.logs]]\nfiles = [\"/var/log/secure*\"]\ngroup = \"/var/log/secure\"\n\
        stream = \"{instance_id}\"\nretention_days = 14\nnewest_only = true\nfrom = \"start\"\n\
        dates = \"%b %d %H:%M:%S\"\ndates_utc = true\nevent_start = \"^[^\\\\s]\"\n\
        encoding = \"euc-jp\"\nflush_ms = 10000\nbatch_events = 500\nbatch_bytes = 32768\n\
        gzip = false\n[[aws.logs]]\nservices = [\"sshd\"]\ngroup = \"ssh\"\n\
        [[aws.metrics]]\nmetrics = [\"preauth\"]\nnamespace = \"monban\"\n");
    let secret = SecretAt::Credential("aws".to_owned());
    let keys = AwsCredentials::Keys { key_id: "AKIAEXAMPLE".to_owned(), secret };
    assert_eq!((found.region.as_deref(), found.credentials), (Some("ap-northeast-1"), keys));
    let pattern = "%b %d %H:%M:%S".to_owned();
    let expected = AwsLogs {
        files: vec!["/var/log/secure*".to_owned()],
        services: Vec::new(),
        group: "/var/log/secure".to_owned(),
        stream: "{instance_id}".to_owned(),
        retention_days: Some(14),
        newest_only: true,
        from_start: true,
        dates: AwsDates::Pattern { pattern, utc: true },
        event_start: AwsEventStart::Matches("^[^\\s]".to_owned()),
        encoding: Some("EUC-JP".to_owned()),
        batching: AwsBatching { flush_ms: 10_000, events: 500, bytes: 32_768, gzip: false },
    };
    assert_eq!(found.logs[0], expected);
    assert_eq!((found.logs[1].stream.as_str(), found.logs[1].from_start), ("{hostname}", false));
    assert_eq!(found.logs[1].batching, AwsBatching::default());
    let metrics = AwsMetrics { metrics: vec!["preauth".into()], namespace: "monban".into() };
    assert_eq!(found.metrics, [metrics]);
}

#[test]
fn a_shared_file_is_named_with_its_profile() {
    let found = aws("[aws]\ncredentials = \"shared\"\nshared_file = \"/etc/aws/credentials\"\n");
    let (file, profile) = ("/etc/aws/credentials".to_owned(), "default".to_owned());
    assert_eq!(found.credentials, AwsCredentials::Shared { file, profile });
}

#[test]
fn all_mistakes_are_told_at_once_with_place_and_hint() {
    let said = problems(
        "[aws]\nregion = \"Tokyo\"\ncredentials = \"key\"\nendpoint = \"http://logs.example\"\n\
        secret_fil = \"abc\"\n[[aws.logs]]\nfiles = [\"a.log\"]\ngroup = \"a b\"\n\
        stream = \"{instance}\"\nfrom = \"begin\"\ndates = \"iso\"\nevent_start = \"(\"\n\
        encoding = \"nix\"\nflush_ms = 5\n[[aws.logs]]\ngroup = \"g\"\nretention_days = 8\n\
        [[aws.metrics]]\nnamespace = \"AWS/EC2\"\n[[aws.metrics]]\n",
    );
    let expected = [
        "m.toml:2: `region`: `Tokyo` is no region such as ap-northeast-1",
        "m.toml:3: `credentials` is no such thing: key; did you mean `keys`?",
        "m.toml:4: `endpoint`: `http://logs.example` is neither https nor on this machine",
        "m.toml:5: unknown key `secret_fil` in [aws] (it would have no effect); \
         did you mean `secret_file`?",
        "m.toml:7: `files`: `a.log` is not an absolute path",
        "m.toml:8: `group`: the name of a log group has only letters, digits and _ - / . #",
        "m.toml:9: `stream`: only {instance_id}, {hostname} and {ip_address} are put in",
        "m.toml:10: `from`: `begin` is neither \"start\" nor \"end\"",
        "m.toml:11: `dates`: `iso` is neither \"own\" nor \"arrival\", and no pattern with %",
        "m.toml:12: `event_start`: `(` is no regular expression",
        "m.toml:13: `encoding`: there is no encoding `nix`",
        "m.toml:14: `flush_ms` in [[aws.logs]] is the number 5; \
         write a whole number from 100 to 3600000",
        "m.toml:15: [[aws.logs]] names neither `files` nor `services` (nothing would be sent); \
         write files = [\"/var/log/secure\"] or services = [\"sshd\"]",
        "m.toml:15: `retention_days` = 8 is none that CloudWatch Logs knows; known: 1, 3, 5, 7, \
         14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, \
         3653",
        "m.toml:19: `namespace`: namespaces with AWS/ are AWS's own",
        "m.toml:20: [[aws.metrics]] has no `namespace`; write namespace = \"monban\"",
    ];
    assert_eq!(said, expected);
}

#[test]
fn a_pattern_that_the_guard_would_not_look_for_is_told_with_its_place() {
    let logs = "[[aws.logs]]\ngroup = \"g\"\n";
    let said = problems(&format!(
        "[sources]\nlogs = [\"/var/log/**\"]\n{logs}files = [\"/a*\", \"/b[\", \"/**/c\"]\n"
    ));
    let expected = [
        "m.toml:2: `logs`: `/var/log/**`: `**` would search whole trees every second",
        "m.toml:5: `files`: `/b[` is no pattern for paths: invalid range pattern",
        "m.toml:5: `files`: `/**/c`: `**` would search whole trees every second",
    ];
    assert_eq!(said, expected);
    let files: Vec<String> = (0..200).map(|number| format!("\"/{number}\"")).collect();
    let many = format!("{logs}files = [{}]\n", files.join(", "));
    assert!(problems(&many).is_empty());
    let said = problems(&format!("{many}{many}"));
    assert_eq!(
        said,
        ["m.toml:4: [[aws.logs]] names more than 256 files in all (each is looked for every \
            second); use a wildcard"]
    );
}

#[test]
fn a_date_pattern_has_only_signs_that_are_read() {
    let said = problems("[[aws.logs]]\ngroup = \"g\"\nfiles = [\"/a\"]\ndates = \"%Y %Q\"\n");
    assert_eq!(said, ["m.toml:4: `dates`: `%Q` is no sign of a date that is read"]);
}

#[test]
fn a_secret_is_named_and_never_written() {
    let keys = "[aws]\ncredentials = \"keys\"\nkey_id = \"AKIA\"\n";
    let said = problems(keys);
    assert!(said[0].contains("a secret itself never stands in this file"), "{said:?}");
    let both = format!("{keys}secret_file = \"/a\"\nsecret_credential = \"b\"\n");
    assert_eq!(problems(&both).len(), 1);
    assert_eq!(problems("[aws]\nkey_id = \"AKIA\"\n").len(), 1);
    let role = "[aws]\ncredentials = \"instance-role\"\nkey_id = \"AKIA\"\n";
    assert_eq!(problems(role).len(), 1);
}

#[test]
fn names_that_are_nowhere_are_told_with_their_place() {
    let text = "[[aws.logs]]\nservices = [\"sshd\", \"sshx\"]\ngroup = \"g\"\n\
        [[aws.metrics]]\nmetrics = [\"preath\"]\nnamespace = \"n\"\n";
    let config = Config::parse("m.toml", text).unwrap();
    let said = config.unknown_in_aws("m.toml", text, &["sshd"], &["preauth"]);
    let said: Vec<String> = said.iter().map(ToString::to_string).collect();
    let without = config.unknown_in_aws("m.toml", text, &["sshd", "sshx"], &[]);
    assert_eq!(without[0].hint, "write a [[metric]] with name = \"preath\"");
    let expected = [
        "m.toml:2: [[aws.logs]] names `sshx` in `services` (there is none of that name); \
         did you mean `sshd`?",
        "m.toml:5: [[aws.metrics]] names `preath` in `metrics` (there is none of that name); \
         did you mean `preauth`?",
    ];
    assert_eq!(said, expected);
}

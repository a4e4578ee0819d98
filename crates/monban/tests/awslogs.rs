//! `monban import awslogs`, `monban aws policy` and `monban aws check`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "all of it is test code")]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use serde_json::{Value, json};

/// The files of the article, as printed.
const AWSCLI: &str = "[plugins]\ncwlogs = cwlogs\n[default]\nregion = ap-northeast-1\n";
const AWSLOGS: &str = "\
[/var/log/messages]
datetime_format = %b %d %H:%M:%S
file = /var/log/messages
buffer_duration = 5000
log_stream_name = {instance_id}
initial_position = start_of_file
log_group_name = /var/log/messages
[/var/log/secure]
datetime_format = %b %d %H:%M:%S
file = /var/log/secure
buffer_duration = 5000
log_stream_name = {instance_id}
initial_position = start_of_file
log_group_name = /var/log/secure
";

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new(awslogs: &str, awscli: &str) -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        place.put("awslogs.conf", awslogs);
        place.put("awscli.conf", awscli);
        place
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn run(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_monban"));
        command.args(arguments).current_dir(self.folder.path()).env_clear().env("LC_ALL", "C");
        command.envs(environment.iter().copied()).output().unwrap()
    }

    fn json(&self, arguments: &[&str], environment: &[(&str, &str)]) -> (Value, bool) {
        let output = self.run(&[arguments, &["--json"]].concat(), environment);
        let text = String::from_utf8(output.stdout).unwrap();
        let value = serde_json::from_str(&text);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        (value.unwrap_or_else(|_| panic!("{text} {error}")), output.status.success())
    }
}

#[test]
fn the_agent_of_the_article_is_taken_over() {
    let place = Place::new(AWSLOGS, AWSCLI);
    let (found, good) = place.json(&["import", "awslogs", "awslogs.conf"], &[]);
    assert!(good, "{found}");
    assert_eq!((&found["region"], &found["left_out"]), (&"ap-northeast-1".into(), &json!([])));
    let sources = found["sources"].as_array().unwrap();
    assert_eq!(sources.len(), 2);
    for (source, (path, line)) in
        sources.iter().zip([("/var/log/messages", 1), ("/var/log/secure", 8)])
    {
        assert_eq!((&source["path"], &source["group"]), (&path.into(), &path.into()));
        assert_eq!(source["initial_position"], "start_of_file");
        assert_eq!((&source["buffer_duration_ms"], &source["line"]), (&5000.into(), &line.into()));
        assert_eq!(
            (&source["stream"], &source["newest_only"]),
            (&"{instance_id}".into(), &false.into())
        );
    }
    let piece = fs::read_to_string(place.path("monban.toml")).unwrap();
    assert_eq!(found["config"].as_str(), Some(piece.as_str()));
    let checked = place.run(&["config", "check", "--config", "monban.toml"], &[]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    // What is there stays.
    let (again, good) = place.json(&["import", "awslogs", "awslogs.conf"], &[]);
    assert!(!good && again["error"].as_str().unwrap().contains("--force"), "{again}");
    let force = ["import", "awslogs", "awslogs.conf", "--force"];
    assert!(place.run(&force, &[]).status.success());
}

#[test]
fn trying_changes_nothing_and_shows_the_piece() {
    let place = Place::new(AWSLOGS, AWSCLI);
    let output = place.run(&["import", "awslogs", "awslogs.conf", "--dry-run"], &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("dates = \"%b %d %H:%M:%S\"\n"), "{text}");
    assert!(text.contains("logs = [\"/var/log/messages\", \"/var/log/secure\"]\n"), "{text}");
    assert!(text.contains("2 streams taken over; region ap-northeast-1\n"), "{text}");
    assert!(text.ends_with("nothing was changed\n"), "{text}");
    assert!(!fs::exists(place.path("monban.toml")).unwrap());
}

#[test]
fn the_folder_of_further_files_is_read_and_what_stays_behind_is_told() {
    let awslogs = format!("[general]\nstate_file = /var/lib/awslogs/agent-state\n{AWSLOGS}");
    let keys = format!("{AWSCLI}aws_access_key_id = AKIA\naws_secret_access_key = HIDDEN\n");
    let place = Place::new(&awslogs, &keys);
    place.put(
        "config/web.conf",
        "[web]\nfile = /srv/web/*.log\nlog_group_name = web\n\
        log_stream_name = {hostname}\nencoding = klingon\n",
    );
    place.put("config/bad.conf", "[bad]\nfile = /a.gz\nlog_group_name = g\nlog_stream_name = s\n");
    let output = place.run(&["import", "awslogs", "awslogs.conf"], &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    let expected = [
        "3 streams taken over; region ap-northeast-1".to_owned(),
        format!("  {}:2: what the agent has sent", place.path("awslogs.conf")),
        format!("  {}:2: NOT TAKEN OVER: [bad]: /a.gz is packed", place.path("config/bad.conf")),
        format!("  {}:5: encoding = klingon", place.path("config/web.conf")),
    ];
    for line in expected {
        assert!(text.lines().any(|told| told.starts_with(&line)), "{line}\n{text}");
    }
    let piece = fs::read_to_string(place.path("monban.toml")).unwrap();
    assert!(piece.contains("newest_only = true\n"), "{piece}");
    let shared = format!("shared_file = \"{}\"\n", place.path("awscli.conf"));
    assert!(piece.contains(&shared) && !piece.contains("HIDDEN"), "{piece}");
    assert!(!text.contains("HIDDEN"), "{text}");
}

#[test]
fn a_file_without_streams_is_told_in_both_languages() {
    let place = Place::new("[a]\nlog_group_name = g\n", "");
    for (lang, told) in [("en", "NOT TAKEN OVER: [a] names no file"), ("ja", "file がありません")]
    {
        let output = place.run(&["import", "awslogs", "awslogs.conf", "--lang", lang], &[]);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && text.contains(told), "{text}");
    }
    assert!(!place.run(&["import", "awslogs", "nowhere.conf"], &[]).status.success());
}

#[test]
fn a_policy_is_printed_for_what_was_taken_over() {
    let place = Place::new(AWSLOGS, AWSCLI);
    assert!(place.run(&["import", "awslogs", "awslogs.conf"], &[]).status.success());
    let (policy, good) = place.json(&["aws", "policy", "--config", "monban.toml"], &[]);
    let group = "arn:aws:logs:ap-northeast-1:*:log-group:/var/log/messages";
    assert!(good && policy["Statement"][0]["Resource"][0] == group, "{policy}");
    place.put("empty.toml", "");
    let (error, good) = place.json(&["aws", "policy", "--config", "empty.toml"], &[]);
    assert!(!good && error["error"].as_str().unwrap().contains("[[aws.logs]]"), "{error}");
}

/// A metadata service; returns its address.
#[test]
fn a_policy_names_the_topics_of_subscriptions() {
    let place = Place::new("", "");
    let arn = "arn:aws:sns:ap-northeast-1:123456789012:ops";
    place.put("m.toml", &format!("[[subscription]]\nname = \"aws\"\nsns = \"{arn}\"\n"));
    let (policy, good) = place.json(&["aws", "policy", "--config", "m.toml"], &[]);
    let statement = &policy["Statement"][0];
    assert!(good && statement["Action"][0] == "sns:Publish", "{policy}");
    assert_eq!(statement["Resource"], json!([arn]));
}

fn metadata() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0; 4096];
            let count = stream.read(&mut buffer).unwrap_or(0);
            let request = String::from_utf8_lossy(&buffer[..count]).into_owned();
            let body = match request.split(' ').nth(1).unwrap_or_default() {
                "/latest/api/token" => "token",
                "/latest/meta-data/instance-id" => "i-0123456789abcdef0",
                "/latest/meta-data/iam/security-credentials/" => "web",
                "/latest/meta-data/iam/security-credentials/web" => {
                    "{\"Code\":\"Success\",\"AccessKeyId\":\"ASIAEXAMPLE\",\"SecretAccessKey\":\
                     \"HIDDEN\",\"Token\":\"VEILED\",\"Expiration\":\"2099-01-01T00:00:00Z\"}"
                }
                _ => "",
            };
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n", body.len());
            let _ = stream.write_all(format!("{head}connection: close\r\n\r\n{body}").as_bytes());
        }
    });
    url
}

#[test]
fn a_check_shows_whose_rights_are_used_and_no_secret() {
    let place = Place::new(AWSLOGS, AWSCLI);
    assert!(place.run(&["import", "awslogs", "awslogs.conf"], &[]).status.success());
    let url = metadata();
    let environment = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.as_str())];
    let (found, good) = place.json(&["aws", "check", "--config", "monban.toml"], &environment);
    assert!(good, "{found}");
    assert_eq!((&found["credentials"], &found["role"]), (&"instance-role".into(), &"web".into()));
    assert_eq!(
        (&found["key_id"], &found["region_from"]),
        (&"ASIAEXAMPLE".into(), &"configuration".into())
    );
    assert_eq!(found["logs"][0]["stream"], "i-0123456789abcdef0");
    assert_eq!(found["endpoints"][0], "https://logs.ap-northeast-1.amazonaws.com");
    for lang in ["en", "ja"] {
        let arguments = ["aws", "check", "--config", "monban.toml", "--lang", lang];
        let text = String::from_utf8(place.run(&arguments, &environment).stdout).unwrap();
        assert!(text.contains("ASIAEXAMPLE") && text.contains("2099-01-01"), "{text}");
        assert!(!text.contains("HIDDEN") && !text.contains("VEILED"), "{text}");
    }
}

#[test]
fn a_check_says_what_is_missing() {
    let place = Place::new("", "");
    let secret = place.path("secret");
    let text = format!(
        "[aws]\nregion = \"ap-northeast-1\"\ncredentials = \"keys\"\nkey_id = \"AKIA\"\n\
         secret_file = \"{secret}\"\n"
    );
    place.put("monban.toml", &text);
    let check = || place.json(&["aws", "check", "--config", "monban.toml"], &[]);
    let (found, good) = check();
    assert!(!good && found["credentials_error"]["cause"] == "credentials", "{found}");
    place.put("secret", "HIDDEN\n");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
    let (found, good) = check();
    let told = found["credentials_error"]["text"].as_str().unwrap();
    assert!(!good && told.contains("others than root may read"), "{found}");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let (found, good) = check();
    assert!(good && found["key_id"] == "AKIA" && !found.to_string().contains("HIDDEN"), "{found}");
    // Nothing is named, and nobody may be asked.
    place.put("monban.toml", "[[aws.logs]]\nservices = [\"sshd\"]\ngroup = \"g\"\n");
    let off = [("AWS_EC2_METADATA_DISABLED", "true")];
    let (found, good) = place.json(&["aws", "check", "--config", "monban.toml"], &off);
    assert!(!good && found["region"] == Value::Null && found["key_id"] == Value::Null, "{found}");
}

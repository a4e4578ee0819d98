//! What is written of messages to people, what it means, and what is said of mistakes.

#![allow(clippy::unwrap_used, reason = "in a test that is the failure")]

use monban_config::Config;
use monban_model::{
    Endpoint, Escalation, MailBy, MuteWindow, Notify, Rate, SecretAt, Security, Severity, Shape,
    Stamp, SyslogAt, Tell, Theme,
};

fn problems(text: &str) -> Vec<String> {
    match Config::parse("m.toml", text) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

fn read(text: &str) -> Notify {
    Config::parse("m.toml", text).unwrap().notify
}

#[test]
fn one_person_writes_one_line() {
    let notify = read("[mail]\nto = \"me@example.com\"\n");
    assert_eq!(notify.topics.len(), 1);
    let topic = &notify.topics[0];
    assert_eq!(
        (topic.name.as_str(), topic.group_wait_s, topic.repeat_s),
        ("default", 0, Some(14_400))
    );
    assert!(topic.themes.contains(&Theme::Login) && !topic.themes.contains(&Theme::Block));
    assert_eq!(topic.daily, [Theme::Block]);
    let [mail] = &notify.subscriptions[..] else { panic!("{notify:?}") };
    assert_eq!((mail.name.as_str(), mail.confirm, mail.resolved), ("mail", true, true));
    assert_eq!(mail.rate, Some(Rate { count: 20, window_s: 3600 }));
    let Endpoint::Mail { from, to, by } = &mail.endpoint else { panic!("{mail:?}") };
    assert_eq!((from.as_str(), &to[..]), ("", &["me@example.com".to_owned()][..]));
    assert_eq!(*by, MailBy::Sendmail("/usr/sbin/sendmail".to_owned()));
    assert_eq!(Config::shipped().notify, Notify::default());
}

#[test]
fn a_mail_server_is_read_with_its_usual_ports() {
    let server = |more: &str| {
        let notify = read(&format!("[mail]\nto = [\"a@b.example\"]\n{more}"));
        match &notify.subscriptions[0].endpoint {
            Endpoint::Mail { by: MailBy::Relay(relay), .. } => relay.clone(),
            other => panic!("{other:?}"),
        }
    };
    let relay = server(
        "server = \"smtp.example.com\"\nuser = \"u\"\npassword_file = \"/etc/p\"\nca_file = \"/c\"",
    );
    assert_eq!((relay.port, relay.security), (587, Security::StartTls));
    assert_eq!(relay.password, Some(SecretAt::File("/etc/p".to_owned())));
    assert_eq!(relay.ca_file.as_deref(), Some("/c"));
    let relay = server("server = \"smtp.example.com:465\"");
    assert_eq!((relay.port, relay.security), (465, Security::Tls));
    let relay = server("server = \"[::1]\"\nsecurity = \"plain\"");
    assert_eq!((relay.host.as_str(), relay.port), ("::1", 25));
}

const ALL: &str = r##"
[mail]
from = "monban@example.com"
[[topic]]
name = "ops"
themes = ["alarm", "block"]
severity = "notice"
where = { service = "sshd", user = ["!root", "!a*"] }
group_by = ["alarm", "address"]
group_wait = "30s"
group_interval = "10m"
repeat = "never"
[[subscription]]
topic = "ops"
name = "night"
mail = ["a@example.com", "b@example.com"]
severity = "warning"
lang = "ja"
rate = "5/10m"
digest = "24h"
mute = ["22:00-07:00", "Sat,Sun"]
escalate_after = "15m"
escalate_to = "pager"
fallback = "log"
confirm = false
resolved = false
[[subscription]]
topic = "ops"
name = "pager"
webhook = "https://events.example.com/v2/enqueue"
shape = "pagerduty"
secret_credential = "pager-key"
[[subscription]]
topic = "ops"
name = "chat"
url_file = "/etc/monban/slack-url"
shape = "slack"
[[subscription]]
topic = "ops"
name = "log"
syslog = "tls://log.example.com"
facility = "local3"
ca_file = "/etc/ca.pem"
[[subscription]]
topic = "ops"
sns = "arn:aws:sns:ap-northeast-1:123456789012:alarms"
[[subscription]]
topic = "ops"
command = ["/usr/local/bin/tell", "--loud"]
[[silence]]
where = { alarm = "disk*" }
from = 2026-11-23T22:00:00+09:00
until = "2026-11-24T00:00:00Z"
comment = "new disk"
[[inhibit]]
source = { alarm = "network-down" }
target = { severity = "warning" }
equal = ["service"]
[logins]
tell = "new"
[[logins.rule]]
user = "backup"
network = ["192.0.2.0/24"]
tell = "none"
"##;

#[test]
fn everything_that_can_be_written_is_read() {
    let notify = read(ALL);
    let topic = &notify.topics[0];
    assert_eq!(topic.themes, [Theme::Alarm, Theme::Block]);
    assert_eq!((topic.daily.len(), topic.severity, topic.repeat_s), (0, Severity::Notice, None));
    assert_eq!((topic.group_wait_s, topic.group_interval_s), (30, 600));
    assert_eq!(topic.group_by, ["alarm", "address"]);
    let mut matchers = topic.matchers.iter().map(|m| (m.label.as_str(), m.values.len(), m.negated));
    assert_eq!(matchers.next(), Some(("service", 1, false)));
    assert_eq!(matchers.next(), Some(("user", 2, true)));
    let [night, pager, chat, log, sns, command] = &notify.subscriptions[..] else {
        panic!("{notify:?}")
    };
    assert_eq!(night.rate, Some(Rate { count: 5, window_s: 600 }));
    assert_eq!((night.digest_s, night.lang.as_deref()), (Some(86_400), Some("ja")));
    let hours = MuteWindow::Hours { from_min: 1320, until_min: 420 };
    assert_eq!(night.mute, [hours, MuteWindow::Days(0b110_0000)]);
    let escalation = Escalation { after_s: 900, to: "pager".to_owned() };
    assert_eq!(night.escalation, Some(escalation));
    assert_eq!((night.confirm, night.resolved), (false, false));
    assert!(matches!(&pager.endpoint, Endpoint::Webhook(hook) if hook.shape == Shape::PagerDuty));
    let Endpoint::Webhook(hook) = &chat.endpoint else { panic!("{chat:?}") };
    assert_eq!(hook.url_at, Some(SecretAt::File("/etc/monban/slack-url".to_owned())));
    let ca_file = Some("/etc/ca.pem".to_owned());
    let at = SyslogAt::Tls("log.example.com".to_owned(), 6514, ca_file);
    assert_eq!(log.endpoint, Endpoint::Syslog { at, facility: 19 });
    assert_eq!((log.rate, log.confirm, sns.name.as_str()), (None, false, "sns"));
    assert!(matches!(&command.endpoint, Endpoint::Command(words) if words.len() == 2));
    let silence = &notify.silences[0];
    assert_eq!(silence.from.to_string(), "2026-11-23T13:00:00Z");
    assert_eq!(silence.until, Some(Stamp::from_s(1_795_478_400)));
    assert_eq!(notify.inhibitions[0].equal, ["service"]);
    assert_eq!((notify.logins.tell, notify.logins.rules[0].tell), (Tell::New, Tell::None));
}

#[test]
fn all_mistakes_are_told_at_once_with_place_and_hint() {
    let text = r#"
[mail]
to = "me"
user = "u"
[[topic]]
themes = ["logins"]
repeat = "1s"
where = { Service = "a", user = ["!a", "b"] }
[[subscription]]
topic = "opps"
mail = "a@example.com"
webhook = "https://example.com"
[[subscription]]
name = "a b"
[[subscription]]
name = "x"
webhook = "http://example.com/"
shape = "slak"
fallback = "x"
[[subscription]]
name = "y"
syslog = "local"
escalate_after = "15m"
rate = "20"
mute = ["25:00-26:00", "Someday"]
secret_file = "/s"
[[silence]]
from = 2026-11-23T22:00:00
[[inhibit]]
source = { alarm = "a" }
[logins]
tell = "some"
"#;
    let said = problems(text);
    let expected = [
        "m.toml:3: `to`: `me` is no plain mail address such as me@example.com",
        "m.toml:4: [mail] has `user` or `security`, and no `server`",
        "m.toml:5: a topic has no `name`",
        "m.toml:6: `themes`: `logins` is no theme; did you mean `login`?",
        "m.toml:7: `repeat`: less than a minute is no repeating",
        "m.toml:8: `where.Service`: there is no label `Service`; did you mean `service`?",
        "m.toml:8: `where.user`: either all values of a list begin with `!` or none",
        "m.toml:9: a subscription goes several ways",
        "m.toml:13: a subscription goes nowhere",
        "m.toml:14: `name`: `a b` is no name",
        "m.toml:17: `webhook`: everybody between reads what goes to example.com by http",
        "m.toml:18: `shape`: `slak` is no shape; did you mean `slack`?",
        "m.toml:23: there is only one of `escalate_after` and `escalate_to`",
        "m.toml:24: `rate`: `20` is no rate such as 20/1h",
        "m.toml:25: `mute`: `25:00-26:00` is no time of day",
        "m.toml:25: `mute`: `Someday` is no list of days",
        "m.toml:26: unknown key `secret_file` in [[subscription]]",
        "m.toml:27: a silence has no `where`",
        "m.toml:28: `from` is no time with its distance from UTC",
        "m.toml:29: an inhibition has no `target`",
        "m.toml:32: `tell`: `some` is no answer; did you mean `none`?",
    ];
    for expected in expected {
        assert!(said.iter().any(|line| line.starts_with(expected)), "{expected}\n{said:#?}");
    }
    assert_eq!(said.len(), expected.len(), "{said:#?}");
}

#[test]
fn a_label_that_nothing_has_is_refused_wherever_it_stands() {
    let topic = "[[topic]]\nname = \"ops\"\n";
    let inhibit = "[[inhibit]]\nsource = { alarm = \"a\" }\ntarget = { alarm = \"b\" }\n";
    for (text, wanted) in [
        (format!("{topic}where = {{ srevice = \"x\" }}"), "no label `srevice`; did you mean"),
        (format!("{topic}where = {{ kind = \"login\" }}"), "no label `kind`; known: key, theme"),
        (format!("{topic}where = {{ theme = \"logins\" }}"), "a theme is never `logins`"),
        (format!("{topic}group_by = [\"host\"]"), "there is no label `host`"),
        (format!("{inhibit}equal = [\"host\"]"), "there is no label `host`"),
        (inhibit.replace("{ alarm = \"b\"", "{ serverity = \"info\""), "no label `serverity`"),
        (inhibit.replace("{ alarm = \"a\"", "{ nolabel = \"a\""), "no label `nolabel`"),
        ("[[silence]]\nwhere = { kind = \"!alarm\" }".to_owned(), "there is no label `kind`"),
    ] {
        let said = problems(&text);
        assert!(said.len() == 1 && said[0].contains(wanted), "{text}\n{said:#?}");
    }
}

#[test]
fn an_address_that_is_a_secret_lies_in_a_file_of_its_own() {
    for shape in ["slack", "discord", "teams"] {
        let hook = |url: &str| format!("[[subscription]]\n{url}\nshape = \"{shape}\"\n");
        let said = problems(&hook("webhook = \"https://chat.example.com/hooks/T0/x\""));
        assert!(said.len() == 1 && said[0].contains("is a secret"), "{said:#?}");
        read(&hook("url_file = \"/etc/monban/chat-url\""));
        read(&hook("webhook = \"http://127.0.0.1:8080/hook\""));
    }
}

#[test]
fn what_no_server_has_to_take_is_no_address() {
    let ascii = "is no plain mail address such as";
    for (text, wanted) in [
        ("a..b@example.com", ascii),
        ("a@", ascii),
        ("-oQ@example.com", ascii),
        ("a@b@example.com", ascii),
        ("müller@example.de", "begins with xn--"),
        ("ユーザー@例え.jp", "begins with xn--"),
    ] {
        for written in [
            format!("[mail]\nto = \"{text}\"\n"),
            format!("[mail]\nto = \"a@b.example\"\nfrom = \"{text}\"\n"),
            format!("[[subscription]]\nmail = [\"a@b.example\", \"{text}\"]\n"),
        ] {
            let said = problems(&written);
            assert!(said.len() == 1 && said[0].contains(wanted), "{written}\n{said:#?}");
        }
    }
    let taken = read("[mail]\nto = [\"root@localhost\", \"o'brien@example.com\"]\n");
    assert_eq!(taken.subscriptions.len(), 1);
}

#[test]
fn the_short_way_goes_on_beside_topics() {
    let notify = read("[mail]\nto = \"a@b.example\"\n[[topic]]\nname = \"ops\"\n");
    let names: Vec<&str> = notify.topics.iter().map(|topic| topic.name.as_str()).collect();
    assert_eq!((names, &*notify.subscriptions[0].topic), (vec!["ops", "default"], "default"));
    let alone = read("[[topic]]\nname = \"ops\"\n");
    assert_eq!(alone.topics.len(), 1, "nobody subscribes to another");
    let own = read("[mail]\nto = \"a@b.example\"\n[[topic]]\nname = \"default\"\n");
    assert_eq!(own.topics.len(), 1);
}

#[test]
fn the_short_way_has_manners_as_a_subscription_has() {
    let manner = "severity = \"warning\"\nlang = \"ja\"\nrate = \"5/1h\"\ndigest = \"24h\"\n\
        mute = \"22:00-07:00\"\nmute_critical = true\nescalate_after = \"15m\"\n\
        escalate_to = \"log\"\nfallback = \"log\"\nconfirm = false\nresolved = false\n";
    let log = "[[subscription]]\nname = \"log\"\nsyslog = \"local\"\n";
    let short = read(&format!("[mail]\nto = \"a@b.example\"\n{manner}{log}"));
    let mail = "[[subscription]]\nname = \"mail\"\nmail = \"a@b.example\"\n";
    assert_eq!(short.subscriptions, read(&format!("{mail}{manner}{log}")).subscriptions);
    assert_eq!(short.subscriptions[0].lang.as_deref(), Some("ja"));
    let said = problems(&format!("[mail]\nserver = \"mx.example.com\"\n{manner}"));
    assert_eq!(said.len(), 11, "{said:#?}");
    assert!(said[1].starts_with("m.toml:4: [mail] has `lang`, and no `to`"), "{said:#?}");
    let wrong = problems("[mail]\nto = \"a@b.example\"\nfallback = \"lgo\"\n");
    assert!(wrong[0].starts_with("m.toml:3: `fallback`: there is no other"), "{wrong:#?}");
}

#[test]
fn what_names_nothing_is_told_with_what_is_meant() {
    let text = "[[topic]]\nname = \"ops\"\n[[subscription]]\ntopic = \"opps\"\nname = \"log\"\n\
        syslog = \"local\"\nfallback = \"mial\"\n[[subscription]]\ntopic = \"ops\"\n\
        name = \"mail\"\nmail = \"a@b.example\"\nfallback = \"mail\"\n";
    assert_eq!(
        problems(text),
        [
            "m.toml:4: `topic`: there is no topic `opps` (nothing would be told); did you mean `ops`?",
            "m.toml:7: `fallback`: there is no other subscription `mial` (nobody would be told); did you mean `mail`?",
            "m.toml:12: `fallback`: there is no other subscription `mail` (nobody would be told); known: log",
        ]
    );
    let twice = "[mail]\nto = \"a@b.example\"\n[[subscription]]\nmail = \"c@d.example\"\n";
    assert_eq!(problems(twice).len(), 1);
    let clear = "[mail]\nto = \"a@b.example\"\nserver = \"mx.example.com\"\nsecurity = \"plain\"\n\
        user = \"u\"\npassword_file = \"/p\"\n";
    assert!(problems(clear)[0].contains("in clear text"), "{:?}", problems(clear));
}

#[test]
fn the_examples_beside_the_defaults_are_right() {
    let (_, example) = monban_config::DEFAULTS.split_once("with the usual values:\n#\n").unwrap();
    let lines = example.lines().map(|line| line.strip_prefix('#').unwrap().trim_start());
    let notify = read(&lines.collect::<Vec<&str>>().join("\n"));
    assert_eq!((notify.topics.len(), notify.subscriptions.len()), (1, 2));
    assert_eq!((notify.silences.len(), notify.logins.rules.len()), (1, 1));
    let usual = &read("[mail]\nto = \"me@example.com\"\n").topics[0];
    assert_eq!(notify.topics[0].themes, usual.themes);
    assert_eq!(notify.topics[0].repeat_s, usual.repeat_s);
}

/// What a table knows is what the reader says of a key that it does not know.
#[test]
fn the_shipped_configuration_names_all_that_can_be_written() {
    for table in [
        "[mail]\nto = \"me@example.com\"",
        "[[topic]]",
        "[[subscription]]\nmail = \"me@example.com\"",
        "[[subscription]]\nwebhook = \"https://chat.example.com\"",
        "[[subscription]]\nsns = \"arn:aws:sns:ap-northeast-1:123456789012:ops\"",
        "[[subscription]]\nsyslog = \"tls://logs.example.com\"",
        "[[subscription]]\ncommand = [\"/bin/true\"]",
        "[[silence]]",
        "[[inhibit]]",
        "[logins]",
        "[[logins.rule]]",
        "[reports]",
        "[[origin]]",
        "[[metric]]",
        "[[alarm]]",
    ] {
        let said = problems(&format!("{table}\nqqqqqqqqqqqqqqqq = 1\n"));
        let known = said.iter().find_map(|problem| problem.split_once("known here: "));
        let (_, known) = known.unwrap_or_else(|| panic!("{table}: {said:?}"));
        for key in known.split(", ").map(str::trim) {
            let is_named = monban_config::DEFAULTS.lines().any(|line| {
                let words = line.split(|one: char| !one.is_ascii_alphanumeric() && one != '_');
                line.starts_with('#') && words.into_iter().any(|word| word == key)
            });
            assert!(is_named, "{table}: `{key}`");
        }
    }
}

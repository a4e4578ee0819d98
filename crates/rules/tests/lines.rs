//! Whole lines in, sightings out.

// A test that cannot go on ends.
#![allow(clippy::unwrap_used)]

use std::sync::LazyLock;

use monban_model::limits::ATTEMPTS_PER_LINE_MAX;
use monban_model::{Address, Kind, Line, SourceId, Stamp};
use monban_rules::{Clock, Reading, RuleSet, RuleText, Scratch, Seen};
use proptest::prelude::*;

const RULES: &str = r#"
service = "sshd"
programs = ["sshd", "sshd-session"]
ports = [22]
shell = true

[[rule]]
id = "failed"
kind = "login-failed"
line = 'Failed {method} for [invalid user ]{user} from {address} port {int} ssh2'
sees = ["Failed password for root from 192.0.2.1 port 1 ssh2 => address=192.0.2.1 user=root method=password"]
not = ["Accepted password for root from 192.0.2.1 port 1 ssh2"]

[[rule]]
id = "many"
kind = "login-failed"
witness = "close"
regex = '^(?P<times>\d+) failures of (?P<user>.*) from (?P<address>\S+)$'
sees = ["3 failures of x from 192.0.2.1 => times=3"]

[[rule]]
id = "pop3"
kind = "login-failed"
line = 'pop3-login: Disconnected \(auth failed, {times} attempts\): user=<{user}>, rip={address}, session=<{session:<>}>'
sees = ["pop3-login: Disconnected (auth failed, 2 attempts): user=<x>, rip=192.0.2.1, session=<a> => times=2"]

[[harmless]]
line = 'Server listening on {ip} port {int}.'
sees = ["Server listening on 0.0.0.0 port 22."]
"#;

const WEB: &str = r#"
service = "web"
shape = "access"
programs = ["nginx"]

[[rule]]
id = "probe"
kind = "http-probe"
line = '[{name}:{int} ]{address} - {user} \[{date}\] "{verb} {path}[?{query}] {word:"}" {status} {int}[ "{quoted}" "{quoted}"]'
where = { path = ["*/.env"], status = ["4*"] }
sees = ['192.0.2.1 - - [22/Nov/2026:05:33:01 +0900] "GET /.env HTTP/1.1" 404 1 "-" "a\"b" => path=/.env user=-']

[[rule]]
id = "refused"
kind = "http-refused"
line = '[{name}:{int} ]{address} - {user} \[{date}\] "{verb} {path}[?{query}] {word:"}" {status} {int}[ "{quoted}" "{quoted}"]'
where = { status = ["4*"] }
sees = ['v.example:80 192.0.2.1 - joe [22/Nov/2026:05:33:01 +0900] "GET /x?y=z HTTP/1.1" 404 1 => address=192.0.2.1 query=y=z user=joe']
"#;

fn rules() -> &'static RuleSet {
    static RULES: LazyLock<RuleSet> = LazyLock::new(compiled);
    &RULES
}

fn compiled() -> RuleSet {
    let texts = [("sshd.toml", RULES), ("web.toml", WEB)];
    let texts = texts.map(|(file, text)| RuleText { file: file.to_owned(), text: text.to_owned() });
    RuleSet::compile(&texts).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn line(bytes: &[u8]) -> Line<'_> {
    Line { bytes, source: SourceId(0), position: 0, arrival: Stamp::from_s(1_795_325_600) }
}

fn clock() -> Clock {
    Clock::new("UTC", Stamp::from_s(1_795_325_600)).unwrap()
}

fn with<T>(text: &str, check: impl FnOnce(Reading<'_>) -> T) -> T {
    let mut scratch = Scratch::default();
    check(rules().read(&line(text.as_bytes()), &mut clock(), &mut scratch))
}

fn address(text: &str) -> Option<Address> {
    Some(text.parse().unwrap())
}

#[test]
fn a_syslog_line_becomes_a_sighting() {
    let text = "Nov 22 05:33:01 h sshd[12]: Failed password for invalid user a b from 192.0.2.1 port 1 ssh2";
    with(text, |reading| {
        let sighting = reading.sighting.unwrap();
        assert_eq!(sighting.kind, Kind::LoginFailed);
        assert_eq!(sighting.time.to_string(), "2026-11-22T05:33:01Z");
        assert_eq!(sighting.address, address("192.0.2.1"));
        assert_eq!(sighting.user, Some(&b"a b"[..]));
        assert_eq!(sighting.method, Some(&b"password"[..]));
        assert_eq!((sighting.weight, sighting.line), (1, text.as_bytes()));
        assert_eq!((reading.host, reading.program), (&b"h"[..], &b"sshd"[..]));
    });
}

#[test]
fn lines_of_one_connection_have_one_key_and_others_have_others() {
    let key = |text: &str| with(text, |reading| reading.sighting.unwrap().connection);
    let failed = |head: &str| format!("{head}: Failed password for x from 192.0.2.1 port 1 ssh2");
    let one = key(&failed("Nov 22 05:33:01 h sshd[12]"));
    assert!(one.is_some());
    assert_eq!(one, key(&failed("2026-11-22T05:33:09Z h sshd-session[12]")));
    assert_ne!(one, key(&failed("Nov 22 05:33:01 h sshd[13]")));
    assert_ne!(one, key(&failed("Nov 22 05:33:01 i sshd[12]")));
    assert_eq!(key(&failed("Nov 22 05:33:01 h sshd")), None);
    let pop = |id: &str, user: &str| {
        key(&format!(
            "Nov 22 05:33:01 h sshd[1]: pop3-login: Disconnected (auth failed, 2 attempts): \
             user=<{user}>, rip=192.0.2.1, session=<{id}>"
        ))
    };
    assert_eq!(pop("a", "x"), pop("a", "y>, rip=198.51.100.1, session=<b"));
    assert_ne!(pop("a", "x"), pop("b", "x"));
}

#[test]
fn repeated_lines_and_attempts_count_as_often_as_they_say() {
    let weight = |text: &str| with(text, |reading| reading.sighting.unwrap().weight);
    let inner = "Failed password for x from 192.0.2.1 port 1 ssh2";
    let repeated = format!("Nov 22 05:33:01 h sshd[1]: message repeated 4 times: [ {inner}]");
    assert_eq!(weight(&repeated), 4);
    assert_eq!(weight("Nov 22 05:33:01 h sshd[1]: 7 failures of x from 192.0.2.1"), 7);
    assert_eq!(weight("Nov 22 05:33:01 h sshd[1]: 0 failures of x from 192.0.2.1"), 1);
    let huge = "Nov 22 05:33:01 h sshd[1]: 99999999999 failures of x from 192.0.2.1";
    assert_eq!(weight(huge), ATTEMPTS_PER_LINE_MAX);
}

#[test]
fn web_lines_are_read_with_and_without_a_syslog_head() {
    let request =
        r#"192.0.2.1 - x [9 [22/Nov/2026:05:33:01 +0900] "GET /a/.env HTTP/1.1" 404 1 "-" "q\" 1""#;
    for head in ["", "Nov 22 05:33:01 h nginx: "] {
        with(&format!("{head}{request}"), |reading| {
            let sighting = reading.sighting.unwrap();
            assert_eq!(sighting.kind, Kind::HttpProbe);
            assert_eq!(sighting.address, address("192.0.2.1"));
            assert_eq!(sighting.user, Some(&b"x [9"[..]));
            assert_eq!(sighting.connection, None);
            let hour = if head.is_empty() { "2026-11-21T20" } else { "2026-11-22T05" };
            assert!(sighting.time.to_string().starts_with(hour), "{}", sighting.time);
        });
    }
    let lied = r#"192.0.2.1 - x [01/Jan/2020:00:00:00 +0000] " [22/Nov/2026:05:33:01 +0000] "GET /x HTTP/1.1" 404 1"#;
    with(lied, |reading| {
        assert_eq!(reading.time.unwrap().to_string(), "2026-11-22T05:33:01Z");
    });
}

#[test]
fn json_lines_are_read_like_others() {
    let inner = "Failed password for \\\"x from 192.0.2.1 port 1 ssh2";
    let text = format!(
        r#"{{"__REALTIME_TIMESTAMP":"1795325581000000","_PID":"12","SYSLOG_IDENTIFIER":"sshd","MESSAGE":"{inner}"}}"#
    );
    with(&text, |reading| {
        let sighting = reading.sighting.unwrap();
        assert_eq!(sighting.user, Some(&b"\"x"[..]));
        assert_eq!(sighting.time.to_string(), "2026-11-22T05:33:01Z");
        assert!(sighting.connection.is_some());
    });
}

/// Whoever gets a line into a container's standard output chooses it whole.
#[test]
fn a_head_inside_a_json_message_is_not_believed() {
    let typed = "Nov 22 05:33:01 h sshd[1]: Failed password for root from 192.0.2.1 port 1 ssh2";
    for key in ["log", "message", "msg", "MESSAGE"] {
        let line = format!(r#"{{"{key}":"{typed}\n","stream":"stdout"}}"#);
        with(&line, |reading| {
            assert_eq!((reading.seen, reading.program), (Seen::Foreign, &b""[..]), "{line}");
        });
    }
    with(&format!(r#"{{"log":"{typed}","ident":"shop"}}"#), |reading| {
        assert_eq!((reading.seen, reading.program), (Seen::Foreign, &b"shop"[..]));
    });
    let access = r#"192.0.2.1 - - [22/Nov/2026:05:33:01 +0000] \"GET /x HTTP/1.1\" 404 1"#;
    let line = format!(r#"{{"log":"{access}\n","stream":"stdout"}}"#);
    with(&line, |reading| {
        let sighting = reading.sighting.unwrap();
        assert_eq!(sighting.address, Some("192.0.2.1".parse().unwrap()));
    });
}

#[test]
fn what_is_not_known_is_said_apart() {
    let seen = |text: &str| with(text, |reading| (reading.seen, reading.sighting.is_some()));
    let sshd = monban_model::ServiceId(0);
    let head = "Nov 22 05:33:01 h sshd[1]: ";
    let listening = format!("{head}Server listening on :: port 22.");
    assert_eq!(seen(&listening), (Seen::Known(sshd), false), "it means nothing");
    let failed = format!("{head}Failed password for x from 192.0.2.1 port 1 ssh2");
    assert_eq!(seen(&failed), (Seen::Known(sshd), true));
    assert_eq!(seen(&format!("{head}something new")), (Seen::Unknown(sshd), false));
    assert_eq!(seen("Nov 22 05:33:01 h cron[1]: x"), (Seen::Foreign, false));
    assert_eq!(seen("Failed password for x from 192.0.2.1 port 1 ssh2"), (Seen::Foreign, false));
}

#[test]
fn a_line_without_a_date_has_the_time_of_its_arrival() {
    with("<86>sshd[1]: Failed password for x from 192.0.2.1 port 1 ssh2", |reading| {
        assert_eq!(reading.time, None);
        assert_eq!(reading.sighting.unwrap().time, Stamp::from_s(1_795_325_600));
    });
}

#[test]
fn all_mistakes_of_a_file_are_told_with_their_lines() {
    let text = "service = \"Bad Name\"\nprograms = []\nnonsense = 1\n[[rule]]\nid = \"a\"\n\
                kind = \"no-kind\"\nline = '{user} at {address}: {text}'\nsees = [\"x => zz=1\"]\n\
                [[rule]]\nid = \"b\"\nkind = \"probe\"\nline = 'a]'\nsees = [\"b\"]\n\
                where = { path = [\"x\"] }\n";
    let file = RuleText { file: "bad.toml".to_owned(), text: text.to_owned() };
    let problems = RuleSet::compile(&[file]).unwrap_err();
    let lines: Vec<u32> = problems.iter().map(|problem| problem.line).collect();
    for wanted in [1, 3, 6, 8, 12] {
        assert!(lines.contains(&wanted), "line {wanted} in {problems:#?}");
    }
}

#[test]
fn an_unsafe_pattern_is_refused_even_without_checks() {
    let text = "service = \"x\"\nprograms = [\"x\"]\n[[rule]]\nid = \"a\"\nkind = \"probe\"\n\
                line = '{user} at {address}: {text}'\nsees = [\"a at 192.0.2.1: b\"]\n";
    let file = RuleText { file: "x.toml".to_owned(), text: text.to_owned() };
    let problems = RuleSet::compile_unchecked(&[file]).unwrap_err();
    assert!(problems[0].what.contains("an attacker could choose `address`"), "{problems:#?}");
    assert_eq!(problems[0].line, 6);
}

/// Each pattern alone is safe here; together they are not.
#[test]
fn rules_that_an_attacker_can_confuse_are_told() {
    let rule = |id: &str, line: &str, sees: &str| {
        format!("[[rule]]\nid = '{id}'\nkind = 'probe'\n{line}\nsees = ['{sees}']\n")
    };
    let told = |rules: &[String]| {
        let text = format!("service = 'x'\nprograms = ['x']\n{}", rules.concat());
        let file = RuleText { file: "x.toml".to_owned(), text };
        let set = RuleSet::compile_unchecked(&[file]).unwrap();
        set.check().iter().map(|problem| problem.what.clone()).collect::<Vec<_>>()
    };
    let lax = rule("lax", "line = 'a {user} from {address}'", "a x from 192.0.2.1");
    let first = rule("first", "line = 'a {address} {text}'", "a 192.0.2.1 x");
    let problems = told(&[lax.clone(), first.clone()]);
    assert!(problems.iter().any(|what| what.contains("could be read by rule `lax`")));
    assert!(problems.iter().any(|what| what.contains("reports the typed address")));
    assert_eq!(told(&[first]), [""; 0]);
    assert_eq!(told(&[lax]), [""; 0]);
    let regex = rule(
        "regex",
        "regex = 'for (?P<user>.*?) from (?P<address>[0-9.]+)'",
        "Failed for x from 192.0.2.1",
    );
    assert!(told(&[regex])[0].contains("reports the typed address"));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        cut in 0usize..200,
    ) {
        let rules = rules();
        let mut clock = clock();
        let samples: [&[u8]; 5] = [
            b"Nov 22 05:33:01 h sshd[12]: Failed password for x from 192.0.2.1 port 1 ssh2",
            b"192.0.2.1 - - [22/Nov/2026:05:33:01 +0900] \"GET /.env HTTP/1.1\" 404 1 \"-\" \"a\"",
            b"{\"MESSAGE\":\"a\\u1234\",\"SYSLOG_IDENTIFIER\":\"sshd\",\"a\":[1,2]}",
            b"<86>1 2026-11-22T05:33:01Z h sshd 12 - [a b=\"c\"] Failed",
            b"",
        ];
        for sample in samples {
            let cut = cut.min(sample.len());
            let (head, tail) = sample.split_at(cut);
            for text in [[head, &bytes].concat(), [head, &bytes, tail].concat()] {
                rules.read(&line(&text), &mut clock, &mut Scratch::default());
            }
        }
    }
}

#[test]
fn long_hostile_lines_cost_linear_time() {
    let rules = rules();
    let mut clock = clock();
    let fills: [&[u8]; 8] = [b"a", b" ", b"[", b"\"", b"\\", b" from 1.2.3.4", b"{\"a\":", b"<"];
    let heads = [
        "Nov 22 05:33:01 h sshd[1]: Failed x for ",
        "",
        "{\"msg\":\"",
        "192.0.2.1 - ",
        "<1>1 - - - - - [",
    ];
    let start = std::time::Instant::now();
    for head in heads {
        for fill in fills {
            let mut text = head.as_bytes().to_vec();
            while text.len() < 64 * 1024 {
                text.extend_from_slice(fill);
            }
            rules.read(&line(&text), &mut clock, &mut Scratch::default());
        }
    }
    assert!(start.elapsed().as_secs() < 4, "{:?}", start.elapsed());
}

#[test]
fn a_message_has_one_key_in_every_form_of_a_line() {
    let compiled = || {
        let text = RuleText { file: "sshd.toml".to_owned(), text: RULES.to_owned() };
        RuleSet::compile(&[text]).unwrap()
    };
    let rules = [compiled(), compiled()];
    let arrival = Stamp::from_s(1_795_325_600);
    let mut clock = Clock::new("UTC", arrival).unwrap();
    let mut scratches = [Scratch::default(), Scratch::default()];
    let (long, longer) = ("u".repeat(128), "v".repeat(300));
    let mut messages = Vec::new();
    for user in ["root", "a", &long, &longer, "port 7", "x y"] {
        for address in ["192.0.2.1", "192.0.2.11", "2001:db8::1"] {
            for port in ["1", "22", "022", "65535", "1234567", "12345678"] {
                messages
                    .push(format!("Failed password for {user} from {address} port {port} ssh2"));
            }
        }
    }
    let mut keys = std::collections::HashSet::new();
    for message in &messages {
        let mut of_message = std::collections::HashSet::new();
        let forms = [
            format!("Nov 22 05:33:01 h sshd[7]: {message}"),
            format!("Nov 22 05:33:01 h sshd[7]:   {message}"),
            format!("2026-11-22T05:33:01.123456+00:00 h sshd[7]: {message}"),
            format!("<38>1 2026-11-22T05:33:01.123456Z h sshd 7 - - {message}"),
            format!("Nov 22 05:33:01 h sshd[7]: message repeated 2 times: [ {message}]"),
            format!(r#"{{"MESSAGE":"{message}","SYSLOG_IDENTIFIER":"sshd","_PID":"7"}}"#),
            format!("Nov 22 05:33:01 h sshd[7]: {message}\r"),
        ];
        // Twice with each: what is remembered has the key of what is read anew.
        for (at, form) in forms.iter().enumerate().chain(forms.iter().enumerate()) {
            let bytes = form.as_bytes();
            let line = Line { bytes, source: SourceId(0), position: 0, arrival };
            let reading = rules[at % 2].read(&line, &mut clock, &mut scratches[at / 2 % 2]);
            assert!(reading.sighting.is_some() && reading.message == message.as_bytes(), "{form}");
            of_message.insert(reading.key);
        }
        assert_eq!(of_message.len(), 1, "{message}");
        assert!(keys.is_disjoint(&of_message), "{message}");
        keys.extend(of_message);
    }
}

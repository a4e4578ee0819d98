//! The calls against servers on loopback: moto, which checks form and signature as AWS does, and
//! small ones that fail in every way that servers do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "all of it is test code")]

#[path = "aws/metadata.rs"]
mod metadata;
#[path = "aws/moto.rs"]
mod moto;
#[path = "aws/server.rs"]
mod server;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use monban_courier::aws::{
    After, Cause, Client, Fault, Holder, Keys, KeysFrom, LogBatcher, LogEvent, LogStream, Message,
    Patience, Topic, after,
};
use monban_model::{AwsBatching, Secret, Stamp};
use server::{Answer, Server};

const QUICK: Patience = Patience { connect_ms: 1000, all_ms: 1500 };

fn now() -> Stamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Stamp(i64::try_from(since.as_millis()).unwrap())
}

fn holder() -> Holder {
    holder_of("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
}

fn holder_of(id: &str, secret: &str) -> Holder {
    let secret = Secret(secret.to_owned());
    Holder::new(KeysFrom::Given(Keys::new(id, secret, None).unwrap()))
}

fn stream(gzip: bool) -> LogStream {
    LogStream {
        group: "/var/log/secure".to_owned(),
        name: "web1".to_owned(),
        retention_days: Some(7),
        gzip,
    }
}

fn event(time: Stamp, message: &str) -> LogEvent {
    LogEvent { time, message: message.to_owned(), mark: 0 }
}

/// One PutLogEvents with this server.
fn put(server: &Server) -> Result<(), Fault> {
    let client = Client::new("ap-northeast-1", Some(&server.url), QUICK).unwrap();
    let events = [event(now(), "a")];
    client.put_log_events(&stream(false), &events, &mut holder(), now()).map(|_| ())
}

#[test]
fn each_failure_is_told_for_what_it_is() {
    let throttled = r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#;
    let denied = r#"{"__type":"AccessDeniedException","Message":"User: x is not authorized"}"#;
    let cases: [(Answer, Cause, bool, &str); 9] = [
        (Answer::new(400, throttled), Cause::Throttled, true, "Rate exceeded"),
        (Answer::new(500, "<html>"), Cause::Server, true, "status 500"),
        (Answer::new(503, ""), Cause::Server, true, "status 503"),
        (Answer::new(200, "<garbage"), Cause::Server, true, "no JSON"),
        (Answer::new(400, denied), Cause::Denied, false, "not authorized"),
        (Answer::new(302, "").header("location: http://203.0.113.9/"), Cause::Server, true, "302"),
        (Answer::raw(b"\x00\xffgarbage\r\n\r\n"), Cause::Transport, true, ""),
        (Answer::slow(), Cause::Transport, true, "no answer in time"),
        (Answer::endless(), Cause::Transport, true, "too long"),
    ];
    for (answer, cause, transient, said) in cases {
        let name = format!("{answer:?}");
        let server = Server::start(move |_| answer.clone());
        let begin = Instant::now();
        let fault = put(&server).unwrap_err();
        assert_eq!((fault.cause, fault.transient), (cause, transient), "{name}: {fault}");
        assert!(fault.text.contains(said), "{name}: {fault}");
        assert!(begin.elapsed() < Duration::from_secs(10), "{name}");
    }
}

/// Everything that a log says, through a service that fails in turns and takes one line never.
#[test]
fn each_line_arrives_although_the_service_fails() {
    let turn = AtomicU64::new(0);
    let server = Server::start(move |request| match turn.fetch_add(1, Ordering::SeqCst) % 4 {
        0 => Answer::new(500, ""),
        1 => Answer::new(400, r#"{"__type":"ThrottlingException"}"#),
        2 => Answer::new(200, "<garbage"),
        _ if request.contains("poison") => {
            Answer::new(400, r#"{"__type":"InvalidParameterException"}"#)
        }
        _ => Answer::new(200, "{}"),
    });
    let client = Client::new("ap-northeast-1", Some(&server.url), QUICK).unwrap();
    let rules = AwsBatching { events: 7, gzip: false, ..AwsBatching::default() };
    let mut batcher = LogBatcher::new(rules, None);
    let now = now();
    for mark in 1..=20 {
        let text = if mark == 11 { "poison".to_owned() } else { format!("line {mark}.") };
        batcher.push(LogEvent { time: now, message: text, mark }, now).unwrap();
    }
    batcher.flush();
    let (mut todo, mut done, mut refused, mut waited) = (VecDeque::new(), 0, 0, 0);
    todo.extend(std::iter::from_fn(|| batcher.next(now)));
    while let Some(batch) = todo.pop_front() {
        let result = client.put_log_events(&stream(false), &batch.events, &mut holder(), now);
        match after(batch, &result, 1, 0) {
            After::Done { upto } => done = done.max(upto),
            After::Again { batch, wait_ms } => {
                todo.push_front(batch);
                waited += wait_ms;
            }
            After::Halves(first, second) => {
                todo.push_front(second);
                todo.push_front(first);
            }
            After::Refused { upto, events } => (done, refused) = (done.max(upto), refused + events),
        }
    }
    assert_eq!((done, refused), (20, 1));
    assert!(waited >= 3000, "{waited}");
    let asked = server.asked();
    for mark in (1..=20).filter(|mark| *mark != 11) {
        assert!(asked.iter().any(|asked| asked.contains(&format!("line {mark}."))), "{mark}");
    }
}

#[test]
fn a_wrong_clock_is_told_with_the_servers_date() {
    let body = r#"{"__type":"InvalidSignatureException","message":"Signature expired: 2015"}"#;
    let server = Server::start(move |_| {
        Answer::new(400, body).header("date: Mon, 23 Nov 2015 12:00:00 GMT")
    });
    let fault = put(&server).unwrap_err();
    assert_eq!(fault.cause, Cause::Clock);
    assert!(fault.text.ends_with("that of AWS 2015-11-23T12:00:00Z"), "{fault}");
}

#[test]
fn nobody_there_is_no_connection() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::new("ap-northeast-1", Some(&url), QUICK).unwrap();
    let found = client.put_log_events(&stream(true), &[event(now(), "a")], &mut holder(), now());
    assert_eq!(found.unwrap_err().cause, Cause::Transport);
}

#[test]
fn a_group_that_cannot_be_made_is_said_with_both_reasons() {
    let server = Server::start(|request| {
        let code = match request.contains("PutLogEvents") {
            true => "ResourceNotFoundException",
            false => "AccessDeniedException",
        };
        Answer::new(400, &format!(r#"{{"__type":"{code}","message":"of {code}"}}"#))
    });
    let fault = put(&server).unwrap_err();
    assert_eq!((fault.cause, fault.transient), (Cause::Denied, false));
    assert!(fault.text.contains("ResourceNotFoundException"), "{fault}");
    assert!(fault.text.contains("AccessDeniedException"), "{fault}");
}

#[test]
fn an_error_in_xml_is_read() {
    let body = "<ErrorResponse><Error><Code>NotFound</Code><Message>Topic does not exist\
        </Message></Error></ErrorResponse>";
    let server = Server::start(move |_| Answer::new(404, body));
    let client = Client::new("ap-northeast-1", Some(&server.url), QUICK).unwrap();
    let topic = Topic::parse("arn:aws:sns:ap-northeast-1:123456789012:ops").unwrap();
    let fault = client.publish(&topic, &Message::default(), &mut holder(), now()).unwrap_err();
    assert_eq!(fault.cause, Cause::Missing);
    assert_eq!(fault.text, "AWS answered NotFound: Topic does not exist");
}

#[test]
fn no_secret_is_sent_or_shown() {
    let server = Server::start(|_| Answer::new(200, "{}"));
    put(&server).unwrap();
    let asked = server.asked().join("\n");
    assert!(asked.contains("authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{asked}");
    assert!(asked.contains("x-amz-target: Logs_20140328.PutLogEvents"), "{asked}");
    assert!(!asked.contains("wJalr"), "{asked}");
    assert!(!format!("{:?}", holder()).contains("wJalr"));
}

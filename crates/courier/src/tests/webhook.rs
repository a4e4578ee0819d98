//! Web servers: what they say, and what becomes of the letter.

use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use monban_model::{Secrets, Shape, Stamp, Webhook};
use ring::hmac::{HMAC_SHA256, Key, verify};
use serde_json::Value;

use super::{EXPIRED, GOOD, Session, secrets, serve};
use crate::shape::samples;
use crate::webhook::send;
use crate::{Delivered, Dialogue, Failure};

const NOW: Stamp = Stamp::from_s(1_795_325_600);

fn hook(url: String) -> Webhook {
    Webhook {
        url,
        url_at: None,
        shape: Shape::Json,
        secret: None,
        to: String::new(),
        ca_file: None,
        insecure: false,
    }
}

fn post(url: String, secrets: &Secrets) -> (Result<Delivered, Failure>, Dialogue) {
    let mut dialogue = Dialogue::default();
    let patience = Duration::from_millis(1000);
    let done = send(&hook(url), secrets, &samples::login("ja"), NOW, patience, &mut dialogue);
    (done, dialogue)
}

/// Head and body of a request, which then is answered.
fn answer(session: &mut Session, text: &str) -> (Vec<String>, Vec<u8>) {
    let mut head = Vec::new();
    while let Some(line) = session.hear().filter(|line| !line.is_empty()) {
        head.push(line);
    }
    let length = value(&head, "content-length").and_then(|text| text.parse().ok());
    let body = session.hear_bytes(length.unwrap_or(0));
    session.say(text);
    (head, body)
}

fn value<'a>(head: &'a [String], name: &str) -> Option<&'a str> {
    head.iter().find_map(|line| {
        let (known, value) = line.split_once(':')?;
        known.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn a_receiver_can_check_the_signature() {
    let (port, server) = serve(|stream| answer(&mut Session::plain(stream), OK));
    let (done, dialogue) = post(format!("http://127.0.0.1:{port}/hook?x=1"), &secrets("s3cret"));
    assert_eq!(done.unwrap().said, "200 ok");
    let (head, body) = server.join().unwrap();
    assert_eq!(head[0], "POST /hook?x=1 HTTP/1.1");
    assert_eq!(value(&head, "content-type"), Some("application/json"));
    assert_eq!(value(&head, "x-monban-id"), Some("web1-00000042"));
    let signature = value(&head, "x-monban-signature").unwrap();
    let (time, tag) = signature.split_once(",v1=").unwrap();
    let mut signed = format!("{}.", time.strip_prefix("t=").unwrap()).into_bytes();
    signed.extend_from_slice(&body);
    let bytes: Vec<u8> = (0..tag.len() / 2)
        .map(|at| u8::from_str_radix(&tag[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    assert!(verify(&Key::new(HMAC_SHA256, b"s3cret"), &signed, &bytes).is_ok());
    let json: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(json["labels"]["user"], "alice");
    assert!(!format!("{:?}", dialogue.lines()).contains(tag));
}

#[test]
fn each_answer_has_its_meaning() {
    for (text, permanent, wait, why) in [
        (
            "HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n",
            true,
            None,
            "server said 302, and to go to http://192.0.2.1/",
        ),
        (
            "HTTP/1.1 429 Slow\r\nRetry-After: 30\r\nContent-Length: 5\r\n\r\nlater",
            false,
            Some(30),
            "server said 429 later",
        ),
        (
            "HTTP/1.1 404 No\r\nContent-Length: 10\r\n\r\nno_service",
            true,
            None,
            "server said 404 no_service",
        ),
        ("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", false, None, "server said 503"),
        ("", false, None, "127.0.0.1"),
        ("220 mx.example.com ESMTP\r\n", false, None, "127.0.0.1"),
        ("HTTP/1.1 200 OK\r\nX: ", false, None, "127.0.0.1"),
    ] {
        let (port, server) = serve(move |stream| answer(&mut Session::plain(stream), text));
        let (done, _) = post(format!("http://127.0.0.1:{port}/"), &Secrets::default());
        let failure = done.unwrap_err();
        assert_eq!((failure.permanent, failure.retry_after_s), (permanent, wait), "{failure}");
        assert!(failure.why.starts_with(why), "{failure}");
        server.join().unwrap();
    }
}

#[test]
fn an_answer_without_an_end_is_no_burden() {
    type Talk = fn(&TcpStream);
    let silent: Talk = |stream| {
        let mut session = Session::plain(stream);
        while session.hear().is_some() {}
    };
    let head: Talk = |stream| {
        let mut session = Session::plain(stream);
        answer(&mut session, "HTTP/1.1 200 OK\r\n");
        while session.say("X: y\r\n") {}
    };
    let trickle: Talk = |stream| {
        let mut session = Session::plain(stream);
        answer(&mut session, "HTTP/1.1 200 OK\r\n");
        while session.say("X") {
            thread::sleep(Duration::from_millis(10));
        }
    };
    for talk in [silent, head, trickle] {
        let (port, server) = serve(talk);
        let start = Instant::now();
        let (done, _) = post(format!("http://127.0.0.1:{port}/"), &Secrets::default());
        assert!(!done.unwrap_err().permanent);
        assert!(start.elapsed() < Duration::from_secs(4));
        server.join().unwrap();
    }
    // Its head said all: the body is read as far as it is kept.
    let (port, server) = serve(|stream| {
        let mut session = Session::plain(stream);
        answer(&mut session, "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n");
        while session.say(&"x".repeat(4096)) {}
    });
    let (done, dialogue) = post(format!("http://127.0.0.1:{port}/"), &Secrets::default());
    assert!(done.unwrap().said.len() < 400);
    assert!(dialogue.lines().iter().all(|line| line.text.len() <= 512));
    server.join().unwrap();
}

#[test]
fn https_is_believed_with_the_right_certificate_only() {
    for (certificate, secrets, why) in [
        (GOOD, secrets("k3y."), ""),
        (GOOD, Secrets::default(), "its issuer is not trusted"),
        (EXPIRED, secrets("k3y."), "it has expired"),
    ] {
        let (port, server) = serve(move |stream| {
            let mut session = Session::tls(stream, certificate);
            match session.hear() {
                Some(line) => (line, answer(&mut session, OK)).0,
                None => String::new(),
            }
        });
        let (done, dialogue) = post(format!("https://127.0.0.1:{port}/"), &secrets);
        match done {
            Ok(_) => assert_eq!(why, ""),
            Err(failure) => assert!(!why.is_empty() && failure.why.contains(why), "{failure}"),
        }
        let line = server.join().unwrap();
        assert_eq!(line.is_empty(), !why.is_empty(), "{line} {:?}", dialogue.lines());
    }
}

#[test]
fn nobody_there_is_said() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (done, _) = post(format!("http://127.0.0.1:{free}/"), &Secrets::default());
    assert!(done.unwrap_err().why.contains("connection refused"));
}

//! What is sent to this machine only, tried with an address that is not loopback: in a network
//! namespace of the test's own. Left out, and said, where none can be made.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "all of it is test code")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Command;
use std::thread;

use monban_courier::{Delivered, Dialogue, Failure, Sns, deliver};
use monban_model::{
    Endpoint, Letter, MailBy, Relay, Secret, Secrets, Security, Severity, Shape, Stamp, Standing,
    Theme, Webhook,
};

const INSIDE: &str = "MONBAN_TEST_INSIDE";

/// An address of the namespace's own that is not loopback (RFC 5737).
const ADDRESS: &str = "192.0.2.1";

struct NoSns;

impl Sns for NoSns {
    fn publish(
        &mut self,
        _: &str,
        _: Option<&str>,
        _: &Letter,
        _: Stamp,
        _: &mut Dialogue,
    ) -> Result<Delivered, Failure> {
        Err(Failure::permanent("not asked for here"))
    }
}

#[test]
fn secrets_go_in_clear_to_no_other_machine() {
    if std::env::var_os(INSIDE).is_some() {
        return inside();
    }
    let ready = format!("ip link set lo up && ip address add {ADDRESS}/32 dev lo");
    let can = Command::new("unshare").args(["-n", "sh", "-c", &ready]).output();
    if !can.is_ok_and(|out| out.status.success()) {
        println!("left out: no network namespace can be made here");
        return;
    }
    let own = std::env::current_exe().unwrap();
    let out = Command::new("unshare")
        .args(["-n", "sh", "-c", &format!("{ready} && exec \"$0\" --exact \"$1\" --nocapture")])
        .arg(own)
        .arg("secrets_go_in_clear_to_no_other_machine")
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{text}{}", String::from_utf8_lossy(&out.stderr));
    assert!(text.contains("1 passed"), "{text}");
}

fn inside() {
    let (port, heard) = server("220 mx\r\n", "250-mx\r\n250 AUTH PLAIN\r\n");
    let relay = Relay {
        host: ADDRESS.to_owned(),
        port,
        security: Security::Plain,
        user: Some("monban".to_owned()),
        password: None,
        ca_file: None,
    };
    let to = vec!["a@example.com".to_owned()];
    let by = MailBy::Relay(relay);
    let failure = send(&Endpoint::Mail { from: "m@example.com".to_owned(), to, by }).unwrap_err();
    assert!(failure.permanent && failure.why.contains("over TLS"), "{failure}");
    assert_eq!(heard.join().unwrap(), format!("EHLO [{ADDRESS}]"));

    let hook = |host: &str, port, insecure| {
        Endpoint::Webhook(Webhook {
            url: format!("http://{host}:{port}/"),
            url_at: None,
            shape: Shape::Json,
            secret: None,
            to: String::new(),
            ca_file: None,
            insecure,
        })
    };
    let failure = send(&hook(ADDRESS, 9, false)).unwrap_err();
    assert!(failure.permanent && failure.why.contains("only https"), "{failure}");
    let (port, heard) = server("", "HTTP/1.1 204 No Content\r\n\r\n");
    send(&hook(ADDRESS, port, true)).unwrap();
    assert_eq!(heard.join().unwrap(), "POST / HTTP/1.1");
}

/// Greets, hears a line and answers it.
fn server(greeting: &'static str, answer: &'static str) -> (u16, thread::JoinHandle<String>) {
    let listener = TcpListener::bind((ADDRESS, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let talk = move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(greeting.as_bytes()).unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
        // A reset would take the answer away before it is read.
        lines.by_ref().for_each(drop);
        line
    };
    (port, thread::spawn(talk))
}

fn send(endpoint: &Endpoint) -> Result<Delivered, Failure> {
    let secrets = Secrets { key: Some(Secret("correct horse".to_owned())), ..Secrets::default() };
    let letter = Letter {
        id: "1".to_owned(),
        thread: "t".to_owned(),
        topic: "t".to_owned(),
        theme: Theme::Service,
        severity: Severity::Info,
        standing: Standing::Once,
        time: Stamp(0),
        since: Stamp(0),
        host: "web1".to_owned(),
        lang: "en".to_owned(),
        subject: "test".to_owned(),
        lead: String::new(),
        facts: Vec::new(),
        passages: Vec::new(),
        labels: Vec::new(),
        picture: None,
        data: String::new(),
    };
    deliver(endpoint, &secrets, &letter, Stamp(0), &mut NoSns, &mut Dialogue::default())
}

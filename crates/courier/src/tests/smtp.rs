//! Mail servers: what they say, and what becomes of the letter.

use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use monban_model::{Relay, Secrets, Security, Stamp};

use super::{CA, EXPIRED, GOOD, Session, secrets, serve};
use crate::mail::{Message, Patience, compose, send};
use crate::shape::samples;
use crate::{Delivered, Dialogue, Failure, Side};

const PASSWORD: &str = "correct horse";

fn relay(port: u16, security: Security, user: Option<&str>) -> Relay {
    let user = user.map(str::to_owned);
    let host = "127.0.0.1".to_owned();
    Relay { host, port, security, user, password: None, ca_file: None }
}

fn message(to: &[&str]) -> Message {
    let to: Vec<String> = to.iter().map(|one| (*one).to_owned()).collect();
    compose(&samples::login("en"), "monban@example.com", &to, Stamp(0)).unwrap()
}

fn soon() -> Patience {
    let ms = Duration::from_millis;
    Patience { connect: ms(2000), step: ms(400), all: ms(1000) }
}

fn try_send(
    relay: &Relay,
    secrets: &Secrets,
    to: &[&str],
    patience: Patience,
) -> (Result<Delivered, Failure>, Dialogue) {
    let mut dialogue = Dialogue::default();
    dialogue.hide(secrets);
    let message = message(to);
    let done = send(relay, secrets, &message, "web1.example.com", patience, &mut dialogue);
    (done, dialogue)
}

/// Answers each line by the first of `answers` whose word it begins with; gives what was heard.
fn answer(session: &mut Session, answers: &[(&str, &str)]) -> Vec<String> {
    let mut heard = Vec::new();
    while let Some(line) = session.hear() {
        let found = answers.iter().find(|(word, _)| line.starts_with(word));
        heard.push(line);
        let Some((word, reply)) = found else { break };
        session.say(reply);
        if *word == "DATA" && reply.starts_with("354") {
            while let Some(line) = session.hear().filter(|line| line != ".") {
                heard.push(line.strip_prefix('.').map(str::to_owned).unwrap_or(line));
            }
            let end = answers.iter().find(|(word, _)| *word == ".").map_or("", |one| one.1);
            session.say(end);
            if end.is_empty() {
                break;
            }
        }
        if *word == "QUIT" {
            break;
        }
    }
    heard
}

const USUAL: &[(&str, &str)] = &[
    ("EHLO", "250-mx hello\r\n250-SIZE 1000000\r\n250 8BITMIME\r\n"),
    ("MAIL", "250 ok\r\n"),
    ("RCPT TO:<gone@", "550 5.1.1 no such user\r\n"),
    ("RCPT TO:<full@", "452 4.2.2 mailbox full\r\n"),
    ("RCPT", "250 ok\r\n"),
    ("DATA", "354 go on\r\n"),
    (".", "250 2.0.0 queued as 4F\r\n"),
    ("QUIT", "221 bye\r\n"),
];

fn usual(stream: &TcpStream) -> Vec<String> {
    let mut session = Session::plain(stream);
    session.say("220 mx.example.com ESMTP\r\n");
    answer(&mut session, USUAL)
}

#[test]
fn readers_that_are_refused_are_told_one_by_one() {
    let (port, server) = serve(usual);
    let to = ["a@example.com", "gone@example.com", "full@example.com"];
    let (done, dialogue) =
        try_send(&relay(port, Security::Plain, None), &Secrets::default(), &to, soon());
    let delivered = done.unwrap();
    assert_eq!(delivered.said, "250 2.0.0 queued as 4F");
    let refused: Vec<_> = delivered
        .refused
        .iter()
        .map(|one| (one.to.as_str(), one.permanent, one.why.as_str()))
        .collect();
    assert_eq!(
        refused,
        [
            ("gone@example.com", true, "550 5.1.1 no such user"),
            ("full@example.com", false, "452 4.2.2 mailbox full"),
        ]
    );
    let heard = server.join().unwrap();
    assert_eq!(heard[0], "EHLO web1.example.com");
    let expected = message(&to).text;
    let size = expected.len();
    assert_eq!(heard[1], format!("MAIL FROM:<monban@example.com> SIZE={size}"));
    let text = heard[6..heard.len() - 1].join("\r\n");
    assert_eq!(text.trim_end(), expected.trim_end(), "the message arrives as it was made");
    let sent: Vec<&str> = dialogue
        .lines()
        .iter()
        .filter(|line| line.side == Side::Sent)
        .map(|line| line.text.as_str())
        .collect();
    assert_eq!(sent.last(), Some(&"QUIT"));
    assert!(sent.contains(&format!("(the message, {size} bytes)").as_str()));
}

#[test]
fn nobody_left_is_a_failure_that_stays_only_if_all_do() {
    for (to, permanent) in [(&["gone@a", "gone@b"][..], true), (&["gone@a", "full@b"][..], false)] {
        let (port, server) = serve(usual);
        let relay = relay(port, Security::Plain, None);
        let failure = try_send(&relay, &Secrets::default(), to, soon()).0.unwrap_err();
        assert_eq!(failure.permanent, permanent);
        assert!(failure.why.contains("gone@a: 550 5.1.1 no such user"), "{}", failure.why);
        assert!(!server.join().unwrap().iter().any(|line| line == "DATA"));
    }
}

#[test]
fn a_password_goes_over_tls_and_is_never_shown() {
    let (port, server) = serve(|stream| {
        let mut session = Session::plain(stream);
        session.say("220 mx\r\n");
        let hello = session.hear();
        session.say("250-mx\r\n250 STARTTLS\r\n");
        assert_eq!(session.hear().as_deref(), Some("STARTTLS"));
        session.say("220 go\r\n");
        let mut session = Session::tls(stream, GOOD);
        let mut answers = USUAL.to_vec();
        answers[0].1 = "250-mx\r\n250 AUTH LOGIN PLAIN\r\n";
        answers.push(("AUTH PLAIN", "235 welcome\r\n"));
        (hello, answer(&mut session, &answers))
    });
    let relay = relay(port, Security::StartTls, Some("monban"));
    let (done, dialogue) = try_send(&relay, &secrets(PASSWORD), &["a@b"], soon());
    done.unwrap();
    let (_, heard) = server.join().unwrap();
    assert_eq!(heard[1], "AUTH PLAIN AG1vbmJhbgBjb3JyZWN0IGhvcnNl");
    let all = format!("{:?}", dialogue.lines());
    assert!(all.contains("AUTH PLAIN ***") && all.contains("TLSv1_3"), "{all}");
    assert!(!all.contains(PASSWORD) && !all.contains("AG1vb"), "{all}");
}

#[test]
fn a_server_that_repeats_a_password_does_not_make_it_known() {
    let (port, server) = serve(|stream| {
        let mut session = Session::tls(stream, GOOD);
        session.say("220 mx\r\n");
        let answers = [
            ("EHLO", "250-mx\r\n250 AUTH=LOGIN\r\n"),
            ("AUTH LOGIN", "334 VXNlcm5hbWU6\r\n"),
            ("bW9uYmFu", "334 UGFzc3dvcmQ6\r\n"),
            ("Y29ycmVjdCBob3JzZQ==", "535 wrong: correct horse Y29ycmVjdCBob3JzZQ==\r\n"),
        ];
        answer(&mut session, &answers)
    });
    let relay = relay(port, Security::Tls, Some("monban"));
    let (done, dialogue) = try_send(&relay, &secrets(PASSWORD), &["a@b"], soon());
    assert!(done.unwrap_err().permanent);
    assert_eq!(server.join().unwrap().len(), 4);
    let all = format!("{:?}", dialogue.lines());
    assert!(all.contains("535 wrong: *** ***"), "{all}");
    assert!(!all.contains(PASSWORD) && !all.contains("Y29ycm"), "{all}");
}

#[test]
fn a_server_without_starttls_gets_nothing() {
    let (port, server) = serve(usual);
    let relay = relay(port, Security::StartTls, Some("monban"));
    let (done, _) = try_send(&relay, &secrets(PASSWORD), &["a@b"], soon());
    let failure = done.unwrap_err();
    assert!(failure.why.contains("offers no STARTTLS"), "{}", failure.why);
    assert_eq!(server.join().unwrap(), ["EHLO web1.example.com"]);
}

#[test]
fn what_came_before_tls_does_not_pass_for_what_came_after() {
    let (port, server) = serve(|stream| {
        let mut session = Session::plain(stream);
        session.say("220 mx\r\n");
        session.hear();
        session.say("250-mx\r\n250 STARTTLS\r\n");
        session.hear();
        session.say("220 go\r\n250-mx\r\n250 AUTH PLAIN\r\n");
        session.hear()
    });
    let relay = relay(port, Security::StartTls, Some("monban"));
    let failure = try_send(&relay, &secrets(PASSWORD), &["a@b"], soon()).0.unwrap_err();
    assert!(failure.why.contains("said more before TLS"), "{}", failure.why);
    assert_eq!(server.join().unwrap(), None);
}

#[test]
fn certificates_are_looked_at() {
    let no_ca = Secrets::default();
    let ours = Secrets { ca_pem: CA.to_vec(), ..Secrets::default() };
    for (certificate, host, secrets, why) in [
        (GOOD, "127.0.0.1", &no_ca, "its issuer is not trusted"),
        (EXPIRED, "127.0.0.1", &ours, "it has expired"),
        (GOOD, "127.0.0.2", &ours, "it is for another name"),
    ] {
        let listener = std::net::TcpListener::bind((host, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut session = Session::tls(&stream, certificate);
            session.say("220 mx\r\n");
            session.hear()
        });
        let relay = Relay { host: host.to_owned(), ..relay(port, Security::Tls, None) };
        let failure = try_send(&relay, secrets, &["a@b"], soon()).0.unwrap_err();
        assert!(failure.why.contains(why), "{}", failure.why);
        assert!(!failure.permanent);
        assert_eq!(server.join().unwrap(), None, "nothing was said");
    }
    let (port, _server) = serve(usual);
    let relay = relay(port, Security::Tls, None);
    let failure = try_send(&relay, &no_ca, &["a@b"], soon()).0.unwrap_err();
    assert!(failure.why.contains("does not answer with TLS"), "{}", failure.why);
}

#[test]
fn a_server_that_is_slow_silent_or_endless_is_left_in_time() {
    type Talk = fn(&TcpStream);
    let silent: Talk = |stream| {
        let _ = Session::plain(stream).hear();
    };
    let trickling: Talk = |stream| {
        let mut session = Session::plain(stream);
        while session.say("2") {
            thread::sleep(Duration::from_millis(20));
        }
    };
    let endless: Talk = |stream| {
        let mut session = Session::plain(stream);
        while session.say("220-more\r\n") {}
    };
    let slow_steps: Talk = |stream| {
        let mut session = Session::plain(stream);
        session.say("220 mx\r\n");
        while session.hear().is_some() {
            thread::sleep(Duration::from_millis(300));
            session.say("250 ok\r\n");
        }
    };
    for (talk, why) in [
        (silent, "no answer in time"),
        (trickling, "no answer in time"),
        (endless, "did not come to an end"),
        (slow_steps, "no answer in time"),
    ] {
        let (port, server) = serve(talk);
        let start = Instant::now();
        let relay = relay(port, Security::Plain, None);
        let to = ["a@b", "c@d", "e@f", "g@h", "i@j"];
        let failure = try_send(&relay, &Secrets::default(), &to, soon()).0.unwrap_err();
        assert!(failure.why.contains(why), "{}", failure.why);
        assert!(!failure.permanent && start.elapsed() < Duration::from_secs(3), "{why}");
        server.join().unwrap();
    }
}

#[test]
fn a_server_that_refuses_or_goes_away_says_where() {
    for (greeting, word, reply, permanent, why) in [
        ("421 too busy\r\n", "", "", false, "server said at the greeting: 421 too busy"),
        ("554 not you\r\n", "", "", true, "server said at the greeting: 554 not you"),
        ("", "", "", false, "at the greeting: connection closed by the server"),
        ("220 mx\r\n", "EHLO", "", false, "at EHLO: connection closed by the server"),
        ("220 mx\r\n", "EHLO", "502 what\r\n", true, "server said at EHLO: 502 what"),
        ("220 mx\r\n", "MAIL", "451 later\r\n", false, "server said at MAIL FROM: 451 later"),
        ("220 mx\r\n", "MAIL", "553 not you\r\n", true, "server said at MAIL FROM: 553 not you"),
        ("220 mx\r\n", "RCPT", "", false, "at RCPT: connection closed by the server"),
        ("220 mx\r\n", "DATA", "250 ?\r\n", false, "server said at DATA: 250 ?"),
        ("220 mx\r\n", "DATA", "", false, "at DATA: connection closed by the server"),
        ("220 mx\r\n", ".", "552 too big\r\n", true, "server said at the end of the message: 552"),
        ("220 mx\r\n", ".", "", false, "at the end of the message: connection closed"),
    ] {
        let (port, server) = serve(move |stream| {
            let mut session = Session::plain(stream);
            session.say(greeting);
            if greeting.is_empty() {
                return;
            }
            let mut answers: Vec<_> = USUAL
                .iter()
                .filter(|(one, _)| !reply.is_empty() || *one != word)
                .copied()
                .collect();
            if !word.is_empty() {
                answers.insert(0, (word, reply));
            }
            if reply.is_empty() && word != "." {
                answers.retain(|(one, _)| *one != word);
            }
            answer(&mut session, &answers);
        });
        let relay = relay(port, Security::Plain, None);
        let failure = try_send(&relay, &Secrets::default(), &["a@b"], soon()).0.unwrap_err();
        assert!(failure.why.starts_with(why), "{}", failure.why);
        assert_eq!(failure.permanent, permanent, "{why}");
        server.join().unwrap();
    }
}

#[test]
fn a_message_that_is_too_large_is_not_sent() {
    let (port, server) = serve(|stream| {
        let mut session = Session::plain(stream);
        session.say("220 mx\r\n");
        answer(&mut session, &[("EHLO", "250-mx\r\n250 SIZE 1000\r\n")])
    });
    let relay = relay(port, Security::Plain, None);
    let failure = try_send(&relay, &Secrets::default(), &["a@b"], soon()).0.unwrap_err();
    assert!(failure.permanent && failure.why.contains("messages of 1000 bytes"));
    assert_eq!(server.join().unwrap().len(), 1);
}

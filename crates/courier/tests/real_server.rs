//! A real mail server, not one of ours: aiosmtpd from PyPI, which reads the message with Python's
//! own parser. Left out, and said, where it cannot be had.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "all of it is test code")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use monban_courier::{Delivered, Dialogue, Failure, Sns, deliver};
use monban_model::{
    Endpoint, Fact, Letter, MailBy, Passage, Picture, Relay, Secret, Secrets, Security, Setting,
    Severity, Stamp, Standing, Theme,
};
use serde_json::Value;

const SERVER: &str = r#"
import json, ssl, sys, email, email.policy
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, SMTP

class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("gone@"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"
    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts = [[p.get_content_type(), str(p.get("Content-ID", ""))] for p in message.walk()]
        print(json.dumps({
            "from": envelope.mail_from, "to": envelope.rcpt_tos, "tls": session.ssl is not None,
            "user": str(session.auth_data), "defects": [str(d) for d in message.defects],
            "subject": message["Subject"], "names": message.keys(), "parts": parts,
            "text": message.get_body(("plain",)).get_content(),
            "html": message.get_body(("html",)).get_content(),
        }), flush=True)
        return "250 2.0.0 kept"

def check(server, session, envelope, mechanism, data):
    if data.login == b"monban" and data.password == b"correct horse":
        return AuthResult(success=True, auth_data="monban")
    return AuthResult(success=False, handled=False)

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
class Starting(Controller):
    def factory(self):
        return SMTP(self.handler, tls_context=context, require_starttls=True,
                    auth_required=True, authenticator=check)
server = Starting(Handler(), hostname="127.0.0.1", port=int(sys.argv[3]))
server.start()
print("ready", flush=True)
sys.stdin.read()
server.stop()
"#;

/// The server; it ends with its standard input.
struct Running {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
}

impl Running {
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// A Python with aiosmtpd, in a folder of this test's own.
fn python() -> Option<PathBuf> {
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("aiosmtpd");
    let python = venv.join("bin/python");
    let quiet = |command: &mut Command| {
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
    };
    let there = || quiet(Command::new(&python).args(["-c", "import aiosmtpd"]));
    if !there() {
        let made = quiet(Command::new("python3").args(["-m", "venv"]).arg(&venv));
        let install = ["-m", "pip", "install", "-q", "--timeout", "10", "--retries", "1"];
        if !made || !quiet(Command::new(&python).args(install).arg("aiosmtpd==1.4.6")) {
            return None;
        }
    }
    there().then_some(python)
}

fn start(python: &Path, port: u16) -> Running {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut child = Command::new(python)
        .args(["-W", "ignore", "-c", SERVER])
        .args([data.join("server.pem"), data.join("server.key")])
        .arg(port.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.as_mut().unwrap().flush().unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let mut running = Running { child, out };
    assert_eq!(running.line().trim(), "ready");
    running
}

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

fn letter() -> Letter {
    Letter {
        id: "web1-1".to_owned(),
        thread: "alarm:x".to_owned(),
        topic: "security".to_owned(),
        theme: Theme::Alarm,
        severity: Severity::Critical,
        standing: Standing::Firing,
        time: Stamp::from_s(1_795_325_640),
        since: Stamp::from_s(1_795_325_640),
        host: "web1.example.com".to_owned(),
        lang: "ja".to_owned(),
        subject: "変なSSHアクセスがありましたよ。\r\nBcc: victim@example.com".to_owned(),
        lead: "門番です。\n.\nQUIT".to_owned(),
        facts: vec![Fact { label: "名前".to_owned(), value: "<b>x</b>".to_owned() }],
        passages: vec![Passage {
            title: "ログ".to_owned(),
            setting: Setting::Log,
            lines: vec![".\r\n.\r\nRCPT TO:<victim@example.com>".to_owned(), ".".to_owned()],
        }],
        labels: Vec::new(),
        picture: Some(Picture { png: vec![0x89, b'P', b'N', b'G'], alt: "図".to_owned() }),
        data: String::new(),
    }
}

fn mail(port: u16, user: &str) -> Endpoint {
    Endpoint::Mail {
        from: "門番 <monban@example.com>".to_owned(),
        to: vec!["ops@example.com".to_owned(), "gone@example.com".to_owned()],
        by: MailBy::Relay(Relay {
            host: "127.0.0.1".to_owned(),
            port,
            security: Security::StartTls,
            user: Some(user.to_owned()),
            password: None,
            ca_file: None,
        }),
    }
}

#[test]
fn a_real_server_takes_the_letter_over_tls_with_a_password() {
    let Some(python) = python() else {
        println!("left out: aiosmtpd cannot be had (python3 with venv, and PyPI)");
        return;
    };
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut server = start(&python, free);
    let secrets = |password: &str| Secrets {
        key: Some(Secret(password.to_owned())),
        ca_pem: include_bytes!("data/ca.pem").to_vec(),
        ..Secrets::default()
    };
    let go = |secrets: &Secrets, dialogue: &mut Dialogue| {
        let now = Stamp::from_s(1_795_325_650);
        deliver(&mail(free, "monban"), secrets, &letter(), now, &mut NoSns, dialogue)
    };
    let mut dialogue = Dialogue::default();
    let delivered = go(&secrets("correct horse"), &mut dialogue).unwrap();
    assert_eq!(delivered.said, "250 2.0.0 kept");
    assert_eq!(delivered.refused[0].to, "gone@example.com");
    assert!(delivered.refused[0].permanent);

    let seen: Value = serde_json::from_str(&server.line()).unwrap();
    assert_eq!(seen["to"], serde_json::json!(["ops@example.com"]));
    assert_eq!((&seen["tls"], &seen["user"]), (&Value::Bool(true), &"monban".into()));
    assert_eq!(seen["defects"], serde_json::json!([]));
    let subject = seen["subject"].as_str().unwrap();
    assert_eq!(subject, "変なSSHアクセスがありましたよ。\\x0d\\x0aBcc: victim@example.com");
    assert!(!seen["names"].as_array().unwrap().contains(&"Bcc".into()));
    assert_eq!(
        seen["parts"],
        serde_json::json!([
            ["multipart/alternative", ""],
            ["text/plain", ""],
            ["multipart/related", ""],
            ["text/html", ""],
            ["image/png", "<picture@monban>"],
        ])
    );
    let text = seen["text"].as_str().unwrap().replace("\r\n", "\n");
    assert!(text.contains("門番です。\n.\nQUIT\n"), "{text}");
    assert!(seen["html"].as_str().unwrap().contains("&lt;b&gt;x&lt;/b&gt;"));
    let all = format!("{:?}", dialogue.lines());
    assert!(all.contains("AUTH PLAIN ***") && !all.contains("correct horse"), "{all}");

    let failure = go(&secrets("wrong password"), &mut Dialogue::default()).unwrap_err();
    assert!(failure.permanent && failure.why.starts_with("server said at AUTH: 535"), "{failure}");
}

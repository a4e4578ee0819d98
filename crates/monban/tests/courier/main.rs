//! The courier as the warden starts it, against a name server in a network namespace of its own.

#![allow(clippy::unwrap_used, clippy::panic, reason = "all of it is test code")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use monban_model::limits::ADDRESSES_PER_NAME_MAX;
use monban_model::wire::{FromCourier, ToCourier};
use monban_warden::{Channel, Received};

/// In order: network, files of its own for the resolver, the name server, the courier.
const SCRIPT: &str = r#"
set -e
ip link set lo up
mount --bind "$1/resolv.conf" /etc/resolv.conf
mount --bind "$1/hosts" /etc/hosts
mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf
mkfifo "$1/ready"
python3 "$2" > "$1/ready" &
server=$!
read -r line < "$1/ready"
"$3" courier --uid 60913 || code=$?
kill $server
exit ${code:-0}
"#;

struct Courier {
    channel: Channel,
    child: Child,
    folder: tempfile::TempDir,
}

fn missing() -> Option<&'static str> {
    let can = |program: &str, args: &[&str]| {
        let quiet = Command::new(program).args(args).stdin(Stdio::null()).output();
        quiet.is_ok_and(|output| output.status.success())
    };
    match () {
        () if !can("unshare", &["-n", "-m", "true"]) => Some("no right to make a namespace"),
        () if !can("ip", &["-V"]) => Some("no `ip`"),
        () if !can("python3", &["-V"]) => Some("no python3"),
        () => None,
    }
}

impl Courier {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        put("resolv.conf", "nameserver 127.0.0.1\n");
        put("hosts", "127.0.0.1 localhost\n192.0.2.77 inhosts.example\n");
        put("nsswitch.conf", "hosts: files dns\n");
        let (here, there) = Channel::pair().unwrap();
        let server = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/courier/name_server.py");
        let child = Command::new("unshare")
            .args(["-n", "-m", "sh", "-c", SCRIPT, "sh"])
            .arg(folder.path())
            .arg(server)
            .arg(env!("CARGO_BIN_EXE_monban"))
            .env("RES_OPTIONS", "timeout:2 attempts:2")
            .stdin(Stdio::from(there))
            .spawn()
            .unwrap();
        Self { channel: Channel::over(here), child, folder }
    }

    fn ask(&mut self, id: u64, name: &str) {
        self.channel.send(&ToCourier::Resolve { id, name: name.to_owned() }, None).unwrap();
    }

    /// The next so many answers, by their numbers, and whether they were late.
    fn answers(&mut self, count: usize) -> BTreeMap<u64, (Vec<String>, bool)> {
        let mut answers = BTreeMap::new();
        while answers.len() < count {
            match self.channel.wait::<FromCourier>().unwrap() {
                Received::Frame(FromCourier::Addresses { id, addresses, late }, _) => {
                    let texts = addresses.iter().map(ToString::to_string).collect();
                    assert!(answers.insert(id, (texts, late)).is_none());
                }
                Received::Frame(FromCourier::Idle | FromCourier::Who { .. }, _)
                | Received::Nothing => {}
                Received::End => panic!("the courier ended"),
            }
        }
        answers
    }

    fn end(mut self) {
        drop(self.channel);
        assert!(self.child.wait().unwrap().success());
        self.folder.close().unwrap();
    }
}

#[test]
fn names_are_resolved_whatever_their_servers_answer() {
    if let Some(missing) = missing() {
        println!("left out: {missing}");
        return;
    }
    let mut courier = Courier::start();
    let names = [
        "both.example",
        "inhosts.example",
        "none.example",
        "many.example",
        "loop.example",
        "mapped.example",
        "localhost",
    ];
    for (id, name) in (0..).zip(names) {
        courier.ask(id, name);
    }
    let answers = courier.answers(names.len());
    let of = |id: u64| answers[&id].0.iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(of(0), ["192.0.2.1", "2001:db8::1"]);
    assert_eq!(of(1), ["192.0.2.77"]);
    assert_eq!(of(2), [""; 0]);
    assert_eq!(of(3).len(), ADDRESSES_PER_NAME_MAX, "of 4,000, by TCP");
    assert_eq!(of(4), [""; 0]);
    assert_eq!(of(5), ["192.0.2.9"]);
    assert_eq!(of(6), ["127.0.0.1"]);
    assert!(answers.values().all(|(_, late)| !late));
    silent_servers_keep_nobody_waiting(&mut courier);
    courier.end();
}

/// More names than threads, of servers that never answer and that answer nonsense.
fn silent_servers_keep_nobody_waiting(courier: &mut Courier) {
    let started = Instant::now();
    courier.ask(100, "silent.example");
    courier.ask(101, "garbage.example");
    courier.ask(102, "both.example");
    for id in 103..600 {
        courier.ask(id, &format!("x{id}.silent.example"));
    }
    let answers = courier.answers(500);
    assert!(started.elapsed() < Duration::from_secs(7), "{:?}", started.elapsed());
    assert_eq!(answers[&100].0, [""; 0]);
    let late = answers.values().filter(|(found, late)| *late && found.is_empty()).count();
    assert!(late > 400, "{late}");
    assert_eq!(answers[&101].0, [""; 0]);
    assert_eq!(answers[&102].0.len(), 2, "that was known");
}

//! `whois`, `geo` and `report` as somebody types them: against servers in a network namespace of
//! its own, with databases of places that are good and bad, and a ledger.

#![allow(clippy::unwrap_used, clippy::panic, reason = "all of it is test code")]

#[path = "../../courier/tests/mmdb/mod.rs"]
mod mmdb;

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use mmdb::{country, database};
use monban_ledger::{Batch, Ledger};
use monban_model::wire::encode;
use monban_model::{
    Country, Event, Evidence, Finding, FindingKind, Record, Seq, Stamp, Subject, Who, WhoAnswer,
};
use serde_json::Value;

/// In order: network, the server of the registry, the command.
const SCRIPT: &str = r#"
ip link set lo up
python3 -c "$1" & server=$!
for try in $(seq 50); do
  python3 -c 'import socket; socket.create_connection(("127.0.0.1", 4343)).close()' 2>&- && break
  sleep 0.1
done
shift
"$@"; code=$?
kill $server
exit $code
"#;

/// A whois server that answers as RIPE's did in the article.
const SERVER: &str = r#"
import socket
listener = socket.create_server(("127.0.0.1", 4343))
while True:
    stream, _ = listener.accept()
    query = stream.recv(1000).decode()
    if query.strip() == "94.102.63.160":
        stream.sendall(b"""% Abuse contact for '94.102.63.129 - 94.102.63.255' is 'abuse@ecatel.net'

inetnum: 94.102.63.129 - 94.102.63.255
netname: NL-ECATEL
descr: ECATEL \x1b[31mLTD
country: NL

route: 94.102.48.0/20
origin: AS29073
""")
    stream.close()
"#;

fn monban(state: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_monban"));
    command.arg("--state").arg(state).args(["--config", "/nonexistent"]).args(args);
    command.stdin(Stdio::null()).output().unwrap()
}

/// The same in a namespace with the server; `None` where that cannot be made.
fn inside(state: &Path, config: &Path, args: &[&str]) -> Option<Output> {
    let can = "unshare -n true && ip -V && python3 -V";
    if !Command::new("sh").args(["-c", can]).output().unwrap().status.success() {
        println!("left out: needs the right to make a namespace, ip and python3");
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(["-n", "sh", "-c", SCRIPT, "sh", SERVER, env!("CARGO_BIN_EXE_monban")]);
    command.arg("--state").arg(state).arg("--config").arg(config).args(args);
    Some(command.stdin(Stdio::null()).output().unwrap())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Nobody is asked: there is no network, and the answer is the one that was kept.
#[test]
fn what_a_registry_said_is_kept_for_a_day() {
    let state = tempfile::tempdir().unwrap();
    let folder = state.path().join("whois");
    fs::create_dir(&folder).unwrap();
    let address = "8.8.4.4";
    let who = Who {
        country: Some(Country::JP),
        org: "Kept Networks".into(),
        ..Who::nothing(address.parse().unwrap(), Stamp(0))
    };
    fs::write(folder.join(address), encode(&WhoAnswer::Known(Box::new(who)))).unwrap();
    let told = monban(state.path(), &["whois", address, "--json"]);
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(told["org"], "Kept Networks", "{told}");
}

#[test]
fn whois_shows_a_card_with_the_next_step() {
    let folder = folder();
    let state = folder.path().join("state");
    let config = folder.path().join("monban.toml");
    fs::write(&config, "home = \"JP\"\n").unwrap();
    let file = folder.path().join("geo.mmdb");
    fs::write(&file, database("country", &[("94.0.0.0/8", country("DE"))])).unwrap();
    let installed = monban(&state, &["geo", "install", file.to_str().unwrap()]);
    assert!(installed.status.success(), "{installed:?}");
    let ask = ["whois", "94.102.63.160", "--server", "127.0.0.1:4343", "--lang", "en"];
    let Some(shown) = inside(&state, &config, &ask) else { return };
    let (out, err) = (text(&shown.stdout), text(&shown.stderr));
    assert!(shown.status.success(), "{err}");
    for line in [
        "94.102.63.160",
        "  country  NL (the database of places says DE)",
        "  network  94.102.63.129 - 94.102.63.255  NL-ECATEL",
        "  holder   ECATEL [31mLTD",
        "  system   AS29073, announces 94.102.48.0/20",
        "  abuse    abuse@ecatel.net (the registry's word)",
        "It is outside of JP. To shut it out:",
        "  monban ban 94.102.63.160 --for 7d",
    ] {
        assert!(out.lines().any(|found| found == line), "{line}\n{out}");
    }
    let shown = inside(&state, &config, &[&ask[..], &["--json"]].concat()).unwrap();
    let value = json(&shown);
    assert_eq!(value["abuse"], serde_json::json!(["abuse@ecatel.net"]));
    assert_eq!(value["next"]["side"], "abroad");
    // A server that is not there: what the database says, and why there is no more.
    let ask = ["whois", "94.102.63.160", "--server", "127.0.0.1:4344", "--lang", "ja"];
    let shown = inside(&state, &config, &ask).unwrap();
    let out = text(&shown.stdout);
    assert!(!shown.status.success());
    assert!(out.contains("DE (所在地データベースによる)"), "{out}");
}

#[test]
fn whois_asks_nobody_about_what_is_nobodys() {
    let folder = folder();
    let shown = monban(folder.path(), &["whois", "192.168.1.1", "--lang", "en"]);
    assert!(shown.status.success());
    assert!(text(&shown.stdout).starts_with("192.168.1.1 is not a public address"), "{shown:?}");
    let value = json(&monban(folder.path(), &["whois", "fe80::1", "--json"]));
    assert_eq!((&value["public"], &value["special"]), (&false.into(), &"link-local".into()));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (name, body) in files {
        let mut header = [0; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..136].copy_from_slice(format!("{:011o}\0", body.len()).as_bytes());
        header[156] = b'0';
        header[257..263].copy_from_slice(b"ustar\0");
        tar.extend_from_slice(&header);
        tar.extend_from_slice(body);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    tar
}

#[test]
fn a_database_is_installed_whole_or_not_at_all() {
    let folder = folder();
    let state = folder.path().join("new/state");
    let file = folder.path().join("file");
    let shown = json(&monban(&state, &["geo", "--json"]));
    assert_eq!(shown["installed"], false);
    let good = database("country", &[("94.0.0.0/8", country("NL"))]);
    let about = br#"{"name": "@x/geo", "version": "2.3", "license": "CC0-1.0"}"#;
    let package = tar(&[("package/package.json", about), ("package/geo.mmdb", &good)]);
    for packed in [good.clone(), gzip(&good), gzip(&package)] {
        fs::write(&file, packed).unwrap();
        let done = monban(&state, &["geo", "install", file.to_str().unwrap(), "--json"]);
        assert!(done.status.success(), "{done:?}");
        assert_eq!(json(&done)["countries"], true);
        assert_eq!(fs::read(state.join("geo.mmdb")).unwrap(), good);
    }
    let mode = fs::metadata(state.join("geo.mmdb")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let shown = monban(&state, &["geo", "--lang", "en"]);
    let out = text(&shown.stdout);
    assert!(out.contains("@x/geo 2.3") && out.contains("CC0-1.0"), "{out}");
    // What is bad leaves what is there.
    let mut cut = good.clone();
    cut.truncate(good.len() / 2);
    let empty = database("names", &[("94.0.0.0/8", mmdb::Value::Text("x"))]);
    for bad in [b"PK\x03\x04".to_vec(), cut, empty, gzip(&tar(&[("a", b"b")])), Vec::new()] {
        fs::write(&file, bad).unwrap();
        let refused = monban(&state, &["geo", "install", file.to_str().unwrap(), "--lang", "ja"]);
        assert!(!refused.status.success());
        assert!(text(&refused.stderr).contains("入れませんでした"), "{refused:?}");
        assert_eq!(fs::read(state.join("geo.mmdb")).unwrap(), good);
    }
    let names = fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["geo.json", "geo.mmdb"]);
    fs::set_permissions(&state, fs::Permissions::from_mode(0o777)).unwrap();
    fs::write(&file, &good).unwrap();
    assert!(!monban(&state, &["geo", "install", file.to_str().unwrap()]).status.success());
}

/// A ledger with an attack of twelve attempts.
fn attacked(state: &Path, address: &str) {
    let corner = state.join("watcher");
    fs::create_dir_all(&corner).unwrap();
    let time = |at: i64| Stamp::from_s(1_763_953_981 + at);
    let line = |at: i64, text: String| Evidence {
        time: time(at),
        rule: "sshd/failed-password".into(),
        weight: 4,
        line: text.into_bytes(),
    };
    let address = address.parse().unwrap();
    let evidence = (0..3)
        .map(|at| {
            line(at, format!("web1 sshd[9]: Failed password for x from {address} to 10.0.0.7"))
        })
        .collect();
    let finding = Finding {
        kind: FindingKind::BruteForce,
        subject: Subject::of(address),
        address,
        service: "sshd".into(),
        user: None,
        method: None,
        policy: "default".into(),
        failures: 12,
        window_s: 600,
        first: time(0),
        last: time(2),
        evidence,
    };
    let record = Record { seq: Seq(1), time: time(2), event: Event::Found(Box::new(finding)) };
    let (mut ledger, _) = Ledger::open(&corner).unwrap();
    ledger.commit(&Batch { records: vec![record], ..Batch::default() }).unwrap();
    ledger.close().unwrap();
}

#[test]
fn report_prints_a_mail_with_the_lines_of_the_ledger() {
    let folder = folder();
    let state = folder.path().join("state");
    attacked(&state, "94.102.63.160");
    let to = ["--to", "abuse@example.net", "--from", "me@example.org"];
    let report = |args: &[&str]| {
        monban(&state, &[&["report", "94.102.63.160", "--lang", "en"][..], args].concat())
    };
    let told = report(&to);
    assert!(told.status.success() && told.stderr.is_empty(), "{told:?}");
    let mail = text(&told.stdout);
    for line in [
        "From: me@example.org",
        "To: abuse@example.net",
        "X-XARF: PLAIN",
        "Source: 94.102.63.160",
        "Service: ssh",
        "Occurrences: 12",
        "2025-11-24T03:13:01Z  web1 sshd[9]: Failed password for x from 94.102.63.160 to [address]",
    ] {
        assert!(mail.lines().any(|found| found == line), "{line}\n{mail}");
    }
    let value = json(&report(&[&to[..], &["--json"]].concat()));
    assert_eq!((&value["attempts"], &value["service"]), (&12.into(), &"sshd".into()));
    let nothing = monban(&state, &[&["report", "94.102.64.1", "--lang", "en"][..], &to].concat());
    assert!(text(&nothing.stderr).contains("nothing is recorded"), "{nothing:?}");
    let private = monban(&state, &["report", "10.0.0.1", "--lang", "en"]);
    assert!(text(&private.stderr).contains("not a public address"), "{private:?}");
    for hostile in ["a@b.example\nBcc: x@y.example", "-oQ/tmp@b.example", "nobody"] {
        let args = ["report", "94.102.63.160", &format!("--to={hostile}")];
        assert!(!monban(&state, &args).status.success(), "{hostile}");
    }
    // A network in Japan, as the database of places has it.
    let file = folder.path().join("geo.mmdb");
    fs::write(&file, database("country", &[("94.0.0.0/8", country("JP"))])).unwrap();
    assert!(monban(&state, &["geo", "install", file.to_str().unwrap()]).status.success());
    let mail = text(&report(&to).stdout);
    assert!(
        mail.contains("不正アクセス対応ご担当者様") && mail.contains("Dear abuse team,"),
        "{mail}"
    );
}

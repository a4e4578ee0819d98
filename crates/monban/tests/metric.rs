//! `monban metric test`, from the command line.

#![allow(clippy::unwrap_used, reason = "all of it is test code")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

/// A login that was accepted, its session, and a connection that ended before any login.
const SSHD: &str = "\
Nov 26 08:23:07 ip-10-0-0-51 sshd[14178]: Accepted publickey for ec2-user from 10.0.0.167 port 52047 ssh2: RSA SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8
Nov 26 08:23:07 ip-10-0-0-51 sshd[14178]: pam_unix(sshd:session): session opened for user ec2-user by (uid=0)
Nov 25 08:21:45 ip-10-0-0-51 sshd[3240]: Connection closed by 10.0.0.167 [preauth]
";

fn run(args: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_monban"));
    command.args(["metric", "test"]).args(args).stdin(Stdio::piped());
    command.env("LC_ALL", "C").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Who refuses the pattern reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// The one object that `--json` prints.
fn json_of(args: &[&str], input: &[u8]) -> Value {
    let output = run(&[&["--json"], args].concat(), input);
    serde_json::from_slice(&output.stdout).unwrap()
}

fn matched_lines(told: &Value) -> Vec<u64> {
    let matches = told["matches"].as_array().unwrap();
    matches.iter().map(|found| found["line"].as_u64().unwrap()).collect()
}

#[test]
fn the_phrase_of_the_article_finds_the_probe_and_brackets_find_everything() {
    let told = json_of(&["\"[preauth]\"", "-"], SSHD.as_bytes());
    assert_eq!((&told["valid"], &told["error"]), (&json!(true), &Value::Null));
    assert_eq!(matched_lines(&told), [3]);
    assert_eq!(told["matches"][0]["fields"], json!({}));
    assert_eq!(told["warnings"], json!([]));

    let told = json_of(&["[preauth]", "-"], SSHD.as_bytes());
    assert_eq!(matched_lines(&told), [1, 2, 3]);
    assert_eq!(told["warnings"][0]["code"], "brackets-unquoted");
    assert_eq!(told["warnings"][0]["instead"], "\"[preauth]\"");
}

#[test]
fn fields_values_and_dimensions_are_told() {
    let input = b"127.0.0.1 - frank [10/Oct] \"GET / HTTP/1.0\" 404 1534\nx - y [z] \"q\" 200 -\n";
    let pattern = "[ip, id, user, ts, req, status, bytes]";
    let told = json_of(&[pattern, "-", "--value", "$bytes", "--dimension", "Who=$user"], input);
    let first = &told["matches"][0];
    assert_eq!(first["fields"]["$status"], "404");
    assert_eq!(first["fields"]["$req"], "GET / HTTP/1.0");
    assert_eq!(first["value"], 1534.0);
    assert_eq!(first["dimensions"], json!({"Who": "frank"}));
    assert_eq!(told["matches"][1]["value"], Value::Null);
    assert_eq!((&told["skipped"], &told["sum"]), (&json!(1), &json!(1534.0)));
}

#[test]
fn the_exit_code_tells_what_was_wrong() {
    let output = run(&["ERR*", "-"], b"");
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.starts_with("error: Invalid character(s) in term '*'\n  ERR*\n     ^\n"),
        "{text}"
    );
    let output = run(&["--json", "ERR*", "-"], b"");
    assert_eq!(output.status.code(), Some(2));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told["valid"], &told["matches"]), (&json!(false), &json!([])));
    assert_eq!(told["error"], "Invalid character(s) in term '*'");

    for wrong in [["--value", "$.a"], ["--default", "x"], ["--dimension", "A=$.a[*]"]] {
        let output = run(&[&["ERROR", "-"], &wrong[..]].concat(), b"");
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
    }
    let output = run(&["--json", "ERROR", "/nonexistent/log"], b"");
    assert_eq!(output.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["error"], "/nonexistent/log: there is no such file");
    assert_eq!(run(&["-ERROR", "-"], b"fine\n").status.code(), Some(0));
}

#[test]
fn packed_logs_and_hostile_lines_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.gz");
    let file = std::fs::File::create(&path).unwrap();
    let mut packer = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    packer.write_all(SSHD.as_bytes()).unwrap();
    packer
        .write_all(&[&[0xff, b' '], "[".repeat(40_000).as_bytes(), b"\n\x1b[2J x"].concat())
        .unwrap();
    packer.finish().unwrap();
    let path = Path::new(&path).to_str().unwrap();
    let told = json_of(&["%x$%", path], b"");
    assert_eq!((&told["lines"], matched_lines(&told)), (&json!(5), vec![5]));
    let output = run(&["%[^A-Z]$%", path, "--show", "9"], b"");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("4: \\xff [[["), "{text}");
    assert!(text.contains("5: \\x1b[2J x"), "{text}");
    assert!(text.contains("A [[metric]] that names no source counts in all logs."), "{text}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let many = "ERROR and more of it\n".repeat(20_000);
    let mut command = Command::new(env!("CARGO_BIN_EXE_monban"));
    command.args(["metric", "test", "--json", "ERROR", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let _ = child.stdin.take().unwrap().write_all(many.as_bytes());
    assert!(child.wait().unwrap().success());
}

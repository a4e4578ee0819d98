//! Runs a test again in a network namespace of its own, where it may do to the firewall what it
//! wants.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::process::Command;
use std::time::Duration;

use monban_firewall::{Change, Held, Nftables, Target};
use monban_model::Scope;

const INSIDE: &str = "MONBAN_TEST_INSIDE_NAMESPACE";

/// Runs `test`, which is the test named `name`, in a new network namespace.
pub fn in_namespace(name: &str, test: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        sh("ip link set lo up");
        test();
        return;
    }
    if !rustix::process::geteuid().is_root() {
        println!("left out: needs root ({name})");
        return;
    }
    for program in ["unshare", "ip", "nft"] {
        if Command::new(program).arg("--version").output().is_err() {
            println!("left out: needs the program {program} ({name})");
            return;
        }
    }
    let status = Command::new("unshare")
        .arg("--net")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .status()
        .unwrap();
    assert!(status.success(), "{name} failed in its namespace");
}

/// What a shell command says; it must succeed.
pub fn sh(command: &str) -> String {
    let output = Command::new("sh").args(["-c", command]).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

pub fn block(subject: &str, left_s: Option<u64>) -> Change {
    Change::Block {
        subject: subject.parse().unwrap(),
        scope: Scope::All,
        left: left_s.map(Duration::from_secs),
    }
}

pub fn block_ports(subject: &str, ports: &[u16], left_s: Option<u64>) -> Change {
    Change::Block {
        subject: subject.parse().unwrap(),
        scope: Scope::Ports(ports.to_vec()),
        left: left_s.map(Duration::from_secs),
    }
}

pub fn free(subject: &str) -> Change {
    Change::Free { subject: subject.parse().unwrap() }
}

pub fn target(subject: &str, port: Option<u16>) -> Target {
    Target { subject: subject.parse().unwrap(), port }
}

/// Applies, and expects that nothing is refused.
pub fn apply(nftables: &mut Nftables, changes: &[Change]) {
    assert_eq!(nftables.apply(changes).unwrap(), []);
}

/// What is held, sorted.
pub fn held(nftables: &mut Nftables) -> Vec<Held> {
    let mut held = nftables.list().unwrap();
    held.sort_by_key(|held| held.target);
    held
}

pub fn targets(nftables: &mut Nftables) -> Vec<String> {
    let mut targets: Vec<_> = held(nftables).iter().map(|held| held.target.to_string()).collect();
    targets.sort();
    targets
}

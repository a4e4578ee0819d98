//! Bans through the role's channel, into the kernel of a namespace.
#![allow(clippy::unwrap_used, clippy::panic, reason = "all of it is test code")]

mod actor {
    #[allow(dead_code, reason = "each test program uses a part of it")]
    pub mod role;
}
#[path = "../../firewall/tests/namespace/mod.rs"]
mod namespace;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Instant;

use actor::role::{Role, ban, order};
use monban_model::{JailJob, JailOrder};
use namespace::{in_namespace, sh};

/// An action with a set and a program of one's choice.
const NFT: &str = "[Definition]
actionstart = nft add table inet t; nft add set inet t <set> { type ipv4_addr\\;<options> }
actionstop = nft delete set inet t <set>
actionflush = nft flush set inet t <set>
actionban = <program> add element inet t <set> \\{ <ip> \\}
actionunban = <program> delete element inet t <set> \\{ <ip> \\}
[Init]
set = s
options =
program = nft
";

/// A configuration in which each jail has the action with other parameters.
fn folder(actions: &[String]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["action.d", "filter.d"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("action.d/nft.conf", NFT);
    write("filter.d/f.conf", "[Definition]\nfailregex = <HOST>\n");
    let mut jails = String::new();
    for (number, action) in actions.iter().enumerate() {
        jails += &format!("[j{number}]\nenabled = yes\nfilter = f\nlogpath = /dev/null\n");
        jails += &format!("action = nft{action}\n");
    }
    write("jail.conf", &jails);
    folder
}

fn started(path: &str, folder: &Path, jails: u32) -> Role {
    let mut role = Role::start_within(&[], path);
    role.table(0, folder);
    role.hear();
    for jail in 0..jails {
        role.orders(vec![order(u64::from(jail) + 1, jail, JailJob::Start)]);
        role.done(&[u64::from(jail) + 1]);
    }
    role
}

fn held(set: &str) -> usize {
    let held = sh(&format!("nft list set inet t {set} | grep -o '10[.]1[.][0-9.]*' | wc -l"));
    held.trim().parse().unwrap()
}

/// A folder with a program that notes how it is called and then is nft, and its notes.
fn noting(folder: &Path) -> (String, std::path::PathBuf) {
    let (program, notes) = (folder.join("nft"), folder.join("notes"));
    let real = sh("command -v nft");
    let text =
        format!("#!/bin/sh\necho \"$*\" >>{}\nexec {} \"$@\"\n", notes.display(), real.trim());
    fs::write(&program, text).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    (format!("{}:{path}", folder.display()), notes)
}

#[test]
fn a_ban_starts_no_program() {
    in_namespace("a_ban_starts_no_program", || {
        let programs = tempfile::tempdir().unwrap();
        let (path, notes) = noting(programs.path());
        let folder = folder(&["[options=' flags interval\\;']".to_owned()]);
        let mut role = started(&path, folder.path(), 1);
        let unban = |id, address: &str| JailOrder { job: JailJob::Unban, ..ban(id, 0, address) };
        role.orders(vec![
            ban(10, 0, "10.1.0.1"),
            ban(11, 0, "10.1.2.0/24"),
            ban(12, 0, "10.1.0.1"),
        ]);
        role.done(&[10, 11, 12]);
        role.orders(vec![unban(13, "10.1.0.1"), ban(14, 0, "10.1.0.7"), unban(15, "10.1.0.9")]);
        role.done(&[13, 14, 15]);
        let set = sh("nft list set inet t s");
        assert!(set.contains("elements = { 10.1.0.7, 10.1.2.0/24 }"), "{set}");
        // The set is made anew by somebody, as one of addresses.
        sh("nft delete set inet t s; nft 'add set inet t s { type ipv4_addr; }'");
        role.orders(vec![ban(16, 0, "10.1.0.8")]);
        role.done(&[16]);
        let set = sh("nft list set inet t s");
        assert!(set.contains("elements = { 10.1.0.8 }"), "{set}");
        // Where the set is none for netlink, the program is fed.
        sh("nft delete set inet t s");
        sh("nft 'add set inet t s { type ipv4_addr; flags interval; auto-merge; }'");
        let before = fs::read_to_string(&notes).unwrap();
        assert!(!before.contains("element") && !before.contains("-f -"), "{before}");
        role.orders(vec![ban(17, 0, "10.1.0.0/24"), ban(18, 0, "10.1.0.8")]);
        role.done(&[17, 18]);
        let set = sh("nft list set inet t s");
        assert!(set.contains("elements = { 10.1.0.0/24 }"), "{set}");
        assert!(fs::read_to_string(&notes).unwrap().contains("-f -"));
        role.hang_up();
        assert!(role.ends());
    });
}

#[test]
fn twenty_thousand_orders_are_in_the_kernel_soon() {
    in_namespace("twenty_thousand_orders_are_in_the_kernel_soon", || {
        // Under another name than the system's nobody knows what it is: it is fed.
        let programs = tempfile::tempdir().unwrap();
        let real = sh("command -v nft");
        let program = programs.path().join("nft");
        symlink(real.trim(), &program).unwrap();
        let fed = format!("program={}", program.display());
        let ranges = "options=' flags interval\\;'";
        let ways = [
            ("netlink", "s0", "[set=s0]".to_owned()),
            ("program", "s1", format!("[set=s1, {fed}]")),
            ("netlink, ranges", "s2", format!("[set=s2, {ranges}]")),
            ("program, ranges", "s3", format!("[set=s3, {ranges}, {fed}]")),
        ];
        let folder = folder(&ways.clone().map(|way| way.2));
        let mut role = started(&std::env::var("PATH").unwrap(), folder.path(), 4);
        for (jail, (how, set, _)) in (0..).zip(&ways) {
            let (begun, cpu_ms) = (Instant::now(), role.cpu_ms());
            let count = if how.starts_with("netlink") { 500 } else { 50 };
            for number in 0..count {
                let address = format!("198.51.{}.{}", number / 256, number % 256);
                role.orders(vec![ban(10 + number, jail, &address)]);
                role.done(&[10 + number]);
            }
            let one = begun.elapsed().as_micros() / u128::from(count);
            let cpu_us = (role.cpu_ms() - cpu_ms) * 1000 / count;
            let numbers: Vec<u64> = (0..20_000).map(|n| n + 1000).collect();
            let address = |n: u64| format!("10.1.{}.{}", n / 256, n % 256);
            let orders = numbers.iter().map(|n| ban(*n, jail, &address(n - 1000))).collect();
            let (begun, cpu_ms) = (Instant::now(), role.cpu_ms());
            role.orders(orders);
            role.done(&numbers);
            let (all, cpu_ms) = (begun.elapsed(), role.cpu_ms() - cpu_ms);
            assert_eq!(held(set), 20_000, "{how}");
            let begun = Instant::now();
            role.orders(vec![ban(9, jail, "192.0.2.250")]);
            role.done(&[9]);
            println!(
                "{how}: one of {count} {one} us and {cpu_us} us CPU; 20,000 {all:?} and {cpu_ms} ms CPU; \
                 one beside them {:?}",
                begun.elapsed()
            );
        }
        role.hang_up();
        assert!(role.ends());
        let left = sh("nft list table inet t");
        assert_eq!(left.split_whitespace().collect::<Vec<_>>(), ["table", "inet", "t", "{", "}"]);
    });
}

#[test]
fn a_jail_that_ends_before_it_starts_leaves_nothing_of_the_run_before() {
    in_namespace("a_jail_that_ends_before_it_starts_leaves_nothing_of_the_run_before", || {
        let folder = folder(&["[set=s0]".to_owned(), "[set=s1]".to_owned()]);
        sh("nft 'add table inet t'");
        let path = std::env::var("PATH").unwrap_or_default();
        for started in [0, 1] {
            for set in ["s0", "s1"] {
                sh(&format!("nft 'add set inet t {set} {{ type ipv4_addr; }}'"));
                sh(&format!("nft 'add element inet t {set} {{ 10.1.0.1 }}'"));
            }
            let mut role = Role::start_within(&["--again"], &path);
            role.table(0, folder.path());
            role.hear();
            for jail in 0..started {
                role.orders(vec![order(1, jail, JailJob::Start), ban(2, jail, "10.1.0.2")]);
                role.done(&[1, 2]);
            }
            role.hang_up();
            assert!(role.ends());
            let left = sh("nft list table inet t");
            assert!(!left.contains("set s"), "{started} started: {left}");
        }
    });
}

#[test]
fn what_somebody_removed_is_no_failure_when_bans_end() {
    in_namespace("what_somebody_removed_is_no_failure_when_bans_end", || {
        let folder = folder(&[String::new()]);
        let ends = [
            JailOrder { job: JailJob::Unban, ..ban(20, 0, "10.1.0.1") },
            order(20, 0, JailJob::Flush { stopping: false }),
            order(20, 0, JailJob::Stop),
        ];
        for end in ends {
            let mut role = started(&std::env::var("PATH").unwrap(), folder.path(), 1);
            role.orders(vec![ban(10, 0, "10.1.0.1")]);
            role.done(&[10]);
            assert_eq!(held("s"), 1);
            sh("nft flush ruleset");
            role.orders(vec![end]);
            role.done(&[20]);
            role.hang_up();
            assert!(role.ends());
        }
    });
}

//! Elements in sets of others, compared with what the program `nft` makes of the same.
#![allow(clippy::unwrap_used, reason = "a test ends by it")]

mod namespace;

use std::process::Command;
use std::time::Instant;

use monban_firewall::{NotWritten, SetWriter};
use monban_model::{Net, SetName, TableFamily};
use namespace::{in_namespace, sh};

fn name(family: &str, set: &str) -> SetName {
    let family = TableFamily::from_word(family).unwrap();
    SetName { family, table: "f2b-table".to_owned(), set: set.to_owned() }
}

fn nets(list: &[&str]) -> Vec<Net> {
    list.iter().map(|net| net.parse().unwrap()).collect()
}

/// What nft says of a set, and what the kernel has of it.
fn listed(set: &SetName) -> String {
    let raw = sh(&format!("nft list set {set}"));
    let elements = raw.split_once("elements = {").map_or("", |(_, rest)| rest);
    let mut elements: Vec<&str> = elements
        .split(|c: char| c == ',' || c == '}' || c.is_whitespace())
        .filter(|word| !word.is_empty())
        .collect();
    elements.sort_unstable();
    elements.join(" ")
}

fn nft(verb: &str, set: &SetName, list: &[&str]) -> bool {
    let command = format!("{verb} element {set} {{ {} }}", list.join(", "));
    list.is_empty() || Command::new("nft").arg(command).output().unwrap().status.success()
}

/// What is removed and put in, one step behind the other.
const STEPS_4: [(&[&str], &[&str]); 8] = [
    (&[], &["192.0.2.1", "192.0.2.2", "192.0.2.9"]),
    (&[], &["192.0.2.1", "0.0.0.1", "255.255.255.255"]),
    (&["192.0.2.2"], &[]),
    (&[], &["192.0.2.3", "192.0.2.2"]),
    (&["192.0.2.1", "192.0.2.9"], &["192.0.2.10"]),
    (&["255.255.255.255"], &["0.0.0.0"]),
    (&["0.0.0.0"], &[]),
    (&["192.0.2.2", "192.0.2.3", "192.0.2.10", "0.0.0.1"], &[]),
];
const STEPS_6: [(&[&str], &[&str]); 3] = [
    (&[], &["2001:db8::1", "2001:db8::2", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]),
    (&["2001:db8::1", "::"], &["2001:db8::7"]),
    (&["2001:db8::2", "2001:db8::7", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"], &["::1"]),
];
const STEPS_NETWORKS: [(&[&str], &[&str]); 8] = [
    (&[], &["10.0.0.0/24", "10.0.1.0/24", "192.0.2.1"]),
    (&[], &["10.0.0.0/24", "10.0.3.0/24"]),
    (&["10.0.1.0/24"], &[]),
    (&[], &["10.0.1.0/24", "10.0.2.0/24", "0.0.0.0/8", "255.0.0.0/8"]),
    (&["10.0.0.0/24", "0.0.0.0/8"], &["10.0.0.128/25"]),
    (&["255.0.0.0/8"], &["255.255.255.255"]),
    (&["10.0.1.0/24", "10.0.2.0/24"], &["10.0.1.5", "10.0.1.6"]),
    (&["10.0.1.5", "10.0.1.6", "10.0.0.128/25", "192.0.2.1", "255.255.255.255"], &[]),
];

#[test]
fn elements_are_as_nft_makes_them() {
    in_namespace("elements_are_as_nft_makes_them", || {
        let mut writer = SetWriter::open();
        for family in ["inet", "ip", "ip6"] {
            sh(&format!("nft add table {family} f2b-table"));
            for (kind, flags, steps) in [
                ("ipv4_addr", "", &STEPS_4[..]),
                ("ipv4_addr", "flags interval;", &STEPS_4),
                ("ipv4_addr", "flags timeout; timeout 1d;", &STEPS_4),
                ("ipv6_addr", "", &STEPS_6),
                ("ipv6_addr", "flags interval;", &STEPS_6),
                ("ipv4_addr", "flags interval;", &STEPS_NETWORKS),
            ] {
                let (ours, theirs) = (name(family, "ours"), name(family, "theirs"));
                for set in [&ours, &theirs] {
                    sh(&format!("nft 'add set {set} {{ type {kind}; {flags} }}'"));
                }
                for (number, (delete, add)) in steps.iter().enumerate() {
                    // Every other step by nft: it can go on from what we wrote.
                    if number % 2 == 0 || flags.contains("timeout") {
                        writer.write(&ours, &nets(add), &nets(delete)).unwrap();
                    } else {
                        assert!(nft("delete", &ours, delete) && nft("add", &ours, add));
                    }
                    assert!(nft("delete", &theirs, delete) && nft("add", &theirs, add));
                    let (one, two) = (listed(&ours), listed(&theirs));
                    if flags.contains("timeout") {
                        assert_eq!(one.matches("timeout").count(), two.matches("timeout").count());
                    } else {
                        assert_eq!(one, two, "{family} {kind} {flags} step {number}");
                    }
                }
                sh(&format!("nft delete set {ours}; nft delete set {theirs}"));
            }
        }
    });
}

#[test]
fn what_is_so_already_is_no_error() {
    in_namespace("what_is_so_already_is_no_error", || {
        let mut writer = SetWriter::open();
        sh("nft add table inet f2b-table");
        for flags in ["", "flags interval;"] {
            let set = name("inet", "s");
            sh(&format!("nft 'add set {set} {{ type ipv4_addr; {flags} }}'"));
            writer.write(&set, &nets(&["192.0.2.1", "192.0.2.2"]), &[]).unwrap();
            writer.write(&set, &nets(&["192.0.2.1", "192.0.2.3", "192.0.2.3"]), &[]).unwrap();
            writer.write(&set, &[], &nets(&["192.0.2.77"])).unwrap();
            assert_eq!(listed(&set), "192.0.2.1 192.0.2.2 192.0.2.3", "{flags}");
            let gone = nets(&["192.0.2.77", "192.0.2.1", "192.0.2.78", "192.0.2.2", "192.0.2.1"]);
            writer.write(&set, &nets(&["192.0.2.4"]), &gone).unwrap();
            assert_eq!(listed(&set), "192.0.2.3 192.0.2.4", "{flags}");
            writer.write(&set, &[], &[]).unwrap();
            sh(&format!("nft delete set {set}"));
        }
    });
}

#[test]
fn what_a_set_does_not_take_changes_nothing() {
    in_namespace("what_a_set_does_not_take_changes_nothing", || {
        let mut writer = SetWriter::open();
        let set = name("inet", "s");
        assert_eq!(writer.write(&set, &nets(&["192.0.2.1"]), &[]), Err(NotWritten::Gone));
        sh("nft add table inet f2b-table");
        assert_eq!(writer.write(&set, &nets(&["192.0.2.1"]), &[]), Err(NotWritten::Gone));
        sh("nft 'add set inet f2b-table s { type ipv4_addr; size 2; }'");
        for list in [&["192.0.2.0/24"][..], &["192.0.2.1", "2001:db8::1"]] {
            assert_eq!(writer.write(&set, &nets(list), &[]), Err(NotWritten::Elements));
        }
        let three = nets(&["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
        assert_eq!(writer.write(&set, &three, &[]), Err(NotWritten::Elements));
        assert_eq!(listed(&set), "");
        // A set under the same name may be of another kind from one moment to the next.
        sh("nft delete set inet f2b-table s");
        sh("nft 'add set inet f2b-table s { type ipv4_addr; flags interval; }'");
        writer.write(&set, &three, &[]).unwrap();
        writer.write(&set, &nets(&["10.0.0.0/24", "10.0.3.0/24"]), &[]).unwrap();
        let before = listed(&set);
        for list in [
            &["10.0.0.0/22"][..],
            &["10.0.0.0/8"],
            &["10.0.0.0/25"],
            &["10.0.3.255"],
            &["10.0.0.0"],
            &["10.0.2.0/23"],
            &["172.16.0.1", "192.0.2.0/24"],
        ] {
            assert_eq!(writer.write(&set, &nets(list), &[]), Err(NotWritten::Elements), "{list:?}");
            assert!(!nft("add", &set, list), "nft does not take {list:?} either");
            // Of what was not put in so, nothing is removed.
            writer.write(&set, &[], &nets(&list[..1])).unwrap();
            assert_eq!(listed(&set), before, "{list:?}");
        }
        for (other, kind) in [
            ("verdicts", "map inet f2b-table verdicts { type ipv4_addr : verdict; }"),
            ("ports", "set inet f2b-table ports { type inet_service; }"),
            ("both", "set inet f2b-table both { type ipv4_addr . inet_service; }"),
            ("joined", "set inet f2b-table joined { type ipv4_addr; flags interval; auto-merge; }"),
            ("counted", "set inet f2b-table counted { type ipv4_addr; counter; }"),
        ] {
            sh(&format!("nft 'add {kind}'"));
            let other = name("inet", other);
            assert_eq!(writer.write(&other, &three, &[]), Err(NotWritten::OtherForm), "{kind}");
        }
        sh("nft flush ruleset");
        assert_eq!(writer.write(&set, &three, &[]), Err(NotWritten::Gone));
        assert_eq!(writer.write(&set, &[], &three), Err(NotWritten::Gone));
    });
}

#[test]
fn twenty_thousand_elements_are_quick() {
    in_namespace("twenty_thousand_elements_are_quick", || {
        let mut writer = SetWriter::open();
        sh("nft add table inet f2b-table");
        let all: Vec<Net> = (0..20_000_u32)
            .map(|n| format!("10.{}.{}.{}", n / 65_536, n / 256 % 256, n % 256).parse().unwrap())
            .collect();
        for flags in ["", "flags interval;"] {
            let set = name("inet", "s");
            sh(&format!("nft 'add set {set} {{ type ipv4_addr; {flags} }}'"));
            let begun = Instant::now();
            writer.write(&set, &all, &[]).unwrap();
            let added = begun.elapsed();
            assert!(!listed(&set).is_empty());
            let begun = Instant::now();
            let one = nets(&["192.0.2.1"]);
            writer.write(&set, &one, &[]).unwrap();
            let single = begun.elapsed();
            let begun = Instant::now();
            // One that is missing does not cost a transaction for each of the others.
            writer.write(&set, &[], &[&all[..], &nets(&["192.0.2.9"])].concat()).unwrap();
            println!("{flags} 20,000 in {added:?}, one {single:?}, out {:?}", begun.elapsed());
            assert_eq!(listed(&set), "192.0.2.1");
            sh(&format!("nft delete set {set}"));
        }
    });
}

#[test]
fn others_who_change_the_firewall_meanwhile_do_no_harm() {
    in_namespace("others_who_change_the_firewall_meanwhile_do_no_harm", || {
        sh("nft add table inet f2b-table");
        sh("nft 'add set inet f2b-table s { type ipv4_addr; flags interval; }'");
        let others = std::thread::spawn(|| {
            for _ in 0..100 {
                sh("nft 'add table ip other; delete table ip other'");
            }
        });
        let (mut writer, set) = (SetWriter::open(), name("inet", "s"));
        let mut count = 0_u32;
        while !others.is_finished() {
            let net = format!("10.{}.{}.{}", count / 65_536, count / 256 % 256, count % 256);
            writer.write(&set, &nets(&[&net]), &[]).unwrap();
            count += 1;
        }
        others.join().unwrap();
        println!("{count} elements beside 100 runs of nft");
        let held = sh("nft -j list set inet f2b-table s");
        assert!(count > 100 && held.contains("10.0.0.0"));
    });
}

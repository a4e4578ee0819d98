//! The kernel's state after our changes, read back by ourselves and by the program `nft`.
#![allow(clippy::unwrap_used, reason = "a test ends by it")]

mod namespace;

use std::time::Duration;

use monban_firewall::{FirewallError, Nftables, Placed};
use namespace::*;
use serde_json::Value;

/// The ruleset as nft sees it: an independent reader of what we wrote.
fn nft_json() -> Vec<Value> {
    let json: Value = serde_json::from_str(&sh("nft -j list ruleset")).unwrap();
    json["nftables"].as_array().unwrap().clone()
}

fn nft_set(name: &str) -> Value {
    let all = nft_json();
    let set = all.iter().find(|entry| entry["set"]["name"] == name);
    set.unwrap()["set"].clone()
}

#[test]
fn the_table_is_as_drawn() {
    in_namespace("the_table_is_as_drawn", || {
        assert!(!Nftables::probe().unwrap().table_present);
        assert_eq!(sh("nft list ruleset"), "", "a probe leaves nothing");
        let mut nftables = Nftables::open().unwrap();
        assert_eq!(nftables.placed(), Placed::Created);
        assert!(nftables.intact().unwrap());
        assert!(Nftables::probe().unwrap().table_present);
        let text = sh("nft list ruleset");
        println!("{text}");
        for expected in [
            "type filter hook prerouting priority raw; policy accept;",
            "iif \"lo\" accept",
            "ip saddr @hosts4 counter packets 0 bytes 0 drop",
            "ip6 saddr & ffff:ffff:ffff:ffff:: == @hosts6 counter packets 0 bytes 0 drop",
            "ip6 saddr @alone6 counter packets 0 bytes 0 drop",
            "ip saddr . meta nfproto @nets4 counter packets 0 bytes 0 drop",
            "ip6 saddr . meta nfproto @nets6 counter packets 0 bytes 0 drop",
            "meta l4proto tcp jump doors",
            "meta l4proto udp jump doors",
            "ip saddr . th dport @ports4 counter packets 0 bytes 0 drop",
            "ip saddr . th dport @netports4 counter packets 0 bytes 0 drop",
            "type ipv6_addr . inet_service",
            "flags interval,timeout",
        ] {
            assert!(text.contains(expected), "{expected}");
        }
        let set = nft_set("netports4");
        assert_eq!(set["type"], serde_json::json!(["ipv4_addr", "inet_service"]));
        drop(nftables);
        assert_eq!(Nftables::open().unwrap().placed(), Placed::AsItWas);
        assert_eq!(sh("nft list ruleset"), text, "opened twice is opened once");
    });
}

#[test]
fn every_kind_of_block_is_set_and_read_back() {
    in_namespace("every_kind_of_block_is_set_and_read_back", || {
        let mut nftables = Nftables::open().unwrap();
        let changes = [
            block("192.0.2.1", Some(600)),
            block("2001:db8:1:2:3::4", None),
            block("2001:db8:1:3:3::4/128", Some(600)),
            block_ports("2001:db8:1:3:3::5/128", &[22], Some(600)),
            block("198.51.100.0/24", Some(60)),
            block("198.51.101.0/24", None),
            block("255.0.0.0/8", Some(60)),
            block("2001:db8:ff00::/40", Some(3600)),
            block_ports("192.0.2.2", &[22, 2222], Some(600)),
            block_ports("2001:db8:5::1", &[443], Some(600)),
            block_ports("203.0.113.0/24", &[25], None),
            block_ports("2001:db8:aa00::/40", &[25, 65535], Some(9)),
            block("192.0.2.3", Some(100 * 366 * 86_400)),
            block("192.0.2.4", Some(0)),
        ];
        let all = changes.len() - 1;
        apply(&mut nftables, &changes);
        assert_eq!(nftables.verify(&changes[..all]).unwrap(), vec![true; all]);
        std::thread::sleep(Duration::from_millis(50));
        let first = targets(&mut nftables);
        assert_eq!(first.len(), 16 - 1, "{first:?}");
        let text = sh("nft list ruleset");
        for expected in [
            "192.0.2.1 timeout 10m",
            "198.51.100.0/24 . ipv4 timeout 1m",
            "198.51.101.0/24 . ipv4",
            "255.0.0.0/8 . ipv4 timeout 1m",
            "192.0.2.2 . 2222 timeout 10m",
            "203.0.113.0/24 . 25",
            "2001:db8:ff00::/40 . ipv6 timeout 1h",
            "2001:db8:aa00::/40 . 65535",
            "2001:db8:1:2:: ",
        ] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
        // The same again is the same.
        apply(&mut nftables, &changes[..all]);
        assert_eq!(targets(&mut nftables), first);
        assert_eq!(nftables.verify(&changes[..all]).unwrap(), vec![true; all]);
        // Free takes a subject out of every set, and does not mind a stranger.
        let frees: Vec<_> = changes
            .iter()
            .map(|change| monban_firewall::Change::Free { subject: change.subject() })
            .chain([free("192.0.2.99"), free("10.0.0.0/8"), free("::/0")])
            .collect();
        apply(&mut nftables, &frees);
        assert_eq!(targets(&mut nftables), [""; 0]);
        assert!(nftables.verify(&frees).unwrap().iter().all(|free| *free));
        assert_eq!(nftables.verify(&changes[..1]).unwrap(), [false]);
        assert!(nftables.intact().unwrap());
    });
}

#[test]
fn a_block_again_gets_the_new_time() {
    in_namespace("a_block_again_gets_the_new_time", || {
        let mut nftables = Nftables::open().unwrap();
        for subject in ["192.0.2.1", "2001:db8::1", "10.0.0.0/8", "2001:db8::/32"] {
            for left in [Some(10), Some(900), None, Some(30)] {
                let again = [block(subject, left)];
                apply(&mut nftables, &again);
                assert_eq!(nftables.verify(&again).unwrap(), [true], "{subject} {left:?}");
                let again = [block_ports(subject, &[22], left)];
                apply(&mut nftables, &again);
                assert_eq!(nftables.verify(&again).unwrap(), [true], "{subject} {left:?}");
            }
        }
        assert_eq!(targets(&mut nftables).len(), 8);
        // In one transaction the later change of an element counts.
        let both = [block("192.0.2.1", None), free("192.0.2.1"), free("192.0.2.7")];
        apply(&mut nftables, &both);
        let both = [free("192.0.2.8"), block("192.0.2.8", Some(5)), block("192.0.2.8", None)];
        apply(&mut nftables, &both);
        assert_eq!(nftables.verify(&both[2..]).unwrap(), [true]);
        assert_eq!(targets(&mut nftables).len(), 7);
    });
}

#[test]
fn one_bad_change_does_not_stop_the_others() {
    in_namespace("one_bad_change_does_not_stop_the_others", || {
        let mut nftables = Nftables::open().unwrap();
        apply(&mut nftables, &[block("10.0.0.0/8", Some(600)), block("172.16.0.0/12", None)]);
        let changes = [
            block("192.0.2.1", None),
            block("10.1.0.0/16", None),
            block("10.0.0.0/16", None),
            block("0.0.0.0/0", None),
            block_ports("192.0.2.2", &[], None),
            block_ports("10.1.0.0/16", &[22], None),
            block_ports("10.0.0.0/8", &[22], None),
            block("198.51.100.0/24", None),
            block("198.51.100.128/25", None),
            block("192.0.2.3", None),
        ];
        let refused = nftables.apply(&changes).unwrap();
        let which: Vec<_> = refused.iter().map(|refused| refused.index).collect();
        for refused in &refused {
            println!("{}: {}", refused.index, refused.error);
        }
        // Of two that meet, the one that sorts first stays.
        assert_eq!(which, [1, 2, 3, 4, 5, 8]);
        assert!(matches!(refused[0].error, FirewallError::Overlap { .. }));
        assert_eq!(
            targets(&mut nftables),
            [
                "10.0.0.0/8",
                "10.0.0.0/8 port 22",
                "172.16.0.0/12",
                "192.0.2.1",
                "192.0.2.3",
                "198.51.100.0/24",
            ]
        );
        // Free and block of networks that meet, in one transaction.
        apply(&mut nftables, &[free("10.0.0.0/8"), block("10.0.0.0/9", None)]);
        apply(&mut nftables, &[free("172.16.0.0/12"), block("0.0.0.0/5", None)]);
        assert!(targets(&mut nftables).contains(&"10.0.0.0/9".to_owned()));
        // A range that somebody else made and that is no network: seen, kept, not listed.
        sh("nft add element inet monban nets4 '{ 100.0.0.5-100.0.0.9 . ipv4 }'");
        let refused = nftables.apply(&[block("100.0.0.0/24", None)]).unwrap();
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert!(refused[0].error.to_string().contains("100.0.0.5 to 100.0.0.9"));
    });
}

#[test]
fn what_the_kernel_alone_can_refuse_is_found_by_halving() {
    in_namespace("what_the_kernel_alone_can_refuse_is_found_by_halving", || {
        let mut nftables = Nftables::open().unwrap();
        // A time that the kernel cannot count (its limit is 584 years) is refused by it alone.
        let mut changes: Vec<_> = (0..1000_u32)
            .map(|i| block(&std::net::Ipv4Addr::from_bits(0xc612_0000 + i).to_string(), Some(60)))
            .collect();
        for bad in [0, 500, 501, 999] {
            changes[bad] = monban_firewall::Change::Block {
                subject: changes[bad].subject(),
                scope: monban_model::Scope::All,
                left: Some(Duration::MAX),
            };
        }
        let refused = nftables.apply(&changes).unwrap();
        let which: Vec<_> = refused.iter().map(|refused| refused.index).collect();
        assert_eq!(which, [0, 500, 501, 999], "{refused:?}");
        assert_eq!(nftables.list().unwrap().len(), 996);
    });
}

#[test]
fn a_block_ends_and_comes_again() {
    in_namespace("a_block_ends_and_comes_again", || {
        let mut nftables = Nftables::open().unwrap();
        let changes = [
            block("10.0.0.0/24", Some(1)),
            block("10.0.1.0/24", Some(600)),
            block("192.0.2.1", Some(1)),
            block("2001:db8::/32", Some(1)),
            block_ports("192.0.2.1", &[22], Some(1)),
            block_ports("10.0.0.0/24", &[22], Some(1)),
        ];
        apply(&mut nftables, &changes);
        assert_eq!(targets(&mut nftables).len(), 6);
        for pause_ms in [1010, 1200, 2100, 3000] {
            std::thread::sleep(Duration::from_millis(pause_ms));
            assert_eq!(targets(&mut nftables), ["10.0.1.0/24"], "after {pause_ms} ms");
            apply(&mut nftables, &changes[..1]);
            apply(&mut nftables, &changes[2..]);
            let now = targets(&mut nftables);
            assert_eq!(now.len(), 6, "after {pause_ms} ms: {now:?}");
        }
        // What is placed again does not end with the element that it replaced.
        apply(&mut nftables, &[block("10.0.0.0/24", Some(600))]);
        std::thread::sleep(Duration::from_millis(3000));
        assert_eq!(targets(&mut nftables), ["10.0.0.0/24", "10.0.1.0/24"]);
        assert_eq!(
            sh("nft get element inet monban nets4 '{ 10.0.0.200 . ipv4 }'")
                .matches("10.0.0.0/24")
                .count(),
            1
        );
        apply(&mut nftables, &[free("10.0.0.0/24"), free("10.0.1.0/24")]);
        assert_eq!(sh("nft -j list set inet monban nets4").matches("elem").count(), 0);
    });
}

#[test]
fn blocks_take_the_place_of_all_that_is_held() {
    in_namespace("blocks_take_the_place_of_all_that_is_held", || {
        let mut nftables = Nftables::open().unwrap();
        apply(
            &mut nftables,
            &[
                block("192.0.2.1", Some(600)),
                block("192.0.2.9", None),
                block("10.0.0.0/8", None),
                block_ports("192.0.2.2", &[22, 25], Some(600)),
                block("2001:db8::/64", Some(600)),
            ],
        );
        sh("nft add element inet monban nets4 '{ 100.0.0.5-100.0.0.9 . ipv4 }'");
        let blocks = [
            block("192.0.2.1", Some(60)),
            block("192.0.2.3", None),
            block("10.0.0.0/16", Some(60)),
            block("10.0.0.0/24", None),
            block("100.0.0.0/24", None),
            block_ports("192.0.2.2", &[22], Some(60)),
            block_ports("192.0.2.4", &[], None),
            block("2001:db8::/64", None),
        ];
        let refused = nftables.hold_only(&blocks).unwrap();
        let which: Vec<_> = refused.iter().map(|refused| refused.index).collect();
        assert_eq!(which, [3, 6], "{refused:?}");
        assert_eq!(
            targets(&mut nftables),
            [
                "10.0.0.0/16",
                "100.0.0.0/24",
                "192.0.2.1",
                "192.0.2.2 port 22",
                "192.0.2.3",
                "2001:db8::/64",
            ]
        );
        let held = nftables.verify(&blocks).unwrap();
        assert_eq!(held, [true, true, true, false, true, true, false, true]);
        assert!(!sh("nft list set inet monban nets4").contains("100.0.0.5"));
        // What is freed then is found on the ports that are named now.
        apply(&mut nftables, &[free("192.0.2.2")]);
        assert!(!targets(&mut nftables).contains(&"192.0.2.2 port 22".to_owned()));
        // What the kernel alone refuses keeps nothing else away.
        let changes = [
            block("192.0.2.5", None),
            monban_firewall::Change::Block {
                subject: "192.0.2.6".parse().unwrap(),
                scope: monban_model::Scope::All,
                left: Some(Duration::MAX),
            },
        ];
        assert_eq!(nftables.hold_only(&changes).unwrap()[0].index, 1);
        assert_eq!(targets(&mut nftables), ["192.0.2.5"]);
        assert_eq!(nftables.hold_only(&[]).unwrap(), []);
        assert_eq!(targets(&mut nftables), [""; 0]);
        sh("nft delete table inet monban");
        assert!(matches!(nftables.hold_only(&[]), Err(FirewallError::Gone)));
    });
}

#[test]
fn clear_and_remove_end_everything() {
    in_namespace("clear_and_remove_end_everything", || {
        let mut nftables = Nftables::open().unwrap();
        apply(&mut nftables, &[block("192.0.2.1", None), block("10.0.0.0/8", None)]);
        nftables.clear().unwrap();
        assert_eq!(targets(&mut nftables), [""; 0]);
        assert!(nftables.intact().unwrap());
        nftables.clear().unwrap();
        sh("nft add table inet somebody");
        nftables.remove().unwrap();
        assert_eq!(sh("nft list tables"), "table inet somebody\n");
        Nftables::remove_all().unwrap();
    });
}

#[test]
fn without_the_right_it_says_so() {
    in_namespace("without_the_right_it_says_so", || {
        // The test runs itself again as another user: without any right, and with just this one.
        let copy = std::path::Path::new("/tmp").join(format!("monban-{}", std::process::id()));
        std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
        let nothing = &["--bounding-set=-all"][..];
        let net_admin = &["--inh-caps=-all,+net_admin", "--ambient-caps=+net_admin"][..];
        let run = |who: &str, rights: &[&str]| {
            std::process::Command::new("setpriv")
                .args(["--reuid=65532", "--regid=65532", "--clear-groups"])
                .args(rights)
                .arg(&copy)
                .args(["--exact", "what_another_user_may_do", "--nocapture"])
                .env("MONBAN_TEST_USER", who)
                .status()
        };
        let statuses = [run("stranger", nothing), run("admin", net_admin)];
        std::fs::remove_file(&copy).unwrap();
        for status in statuses {
            assert!(status.unwrap().success());
        }
    });
}

/// Runs as another user from the test above; by itself it has nothing to show.
#[test]
fn what_another_user_may_do() {
    match std::env::var("MONBAN_TEST_USER").as_deref() {
        Ok("stranger") => {
            assert_eq!(Nftables::probe(), Err(FirewallError::NotPermitted));
            assert_eq!(Nftables::open().err(), Some(FirewallError::NotPermitted));
            assert_eq!(Nftables::remove_all(), Err(FirewallError::NotPermitted));
            let text = FirewallError::NotPermitted.to_string();
            assert!(text.contains("CAP_NET_ADMIN"));
        }
        Ok("admin") => {
            let mut nftables = Nftables::open().unwrap();
            apply(&mut nftables, &[block("192.0.2.1", Some(60))]);
            assert_eq!(targets(&mut nftables), ["192.0.2.1"]);
        }
        _ => {}
    }
}

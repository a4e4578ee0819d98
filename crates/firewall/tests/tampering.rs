//! Others change the firewall: it is noticed, told from our own changes, and repaired.
#![allow(clippy::unwrap_used, reason = "a test ends by it")]

mod namespace;

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use monban_firewall::{FirewallError, Nftables, Placed, Watch};
use namespace::*;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Waits for the watch's descriptor; whether it became readable.
fn readable(watch: &Watch, within: Duration) -> bool {
    let fd = watch.as_fd();
    let mut fds = [PollFd::new(&fd, PollFlags::IN)];
    let within = Timespec::try_from(within).unwrap();
    poll(&mut fds, Some(&within)).unwrap() > 0
}

#[test]
fn a_flush_is_noticed_and_repaired() {
    in_namespace("a_flush_is_noticed_and_repaired", || {
        let mut nftables = Nftables::open().unwrap();
        let mut watch = nftables.watch().unwrap();
        let blocks = [block("192.0.2.1", Some(600)), block("10.0.0.0/8", None)];
        apply(&mut nftables, &blocks);
        assert!(readable(&watch, Duration::from_secs(1)));
        assert_eq!(watch.foreign_change().unwrap(), None, "that was us");
        sh("nft add table inet somebody");
        sh("nft add element inet monban hosts4 '{ 192.0.2.77 }'");
        assert_eq!(watch.foreign_change().unwrap(), None, "that is not ours to mind");
        assert!(!readable(&watch, Duration::ZERO));
        assert!(!watch.take_removed_elsewhere());
        sh("nft delete table inet somebody");
        assert_eq!(watch.foreign_change().unwrap(), None);
        assert!(watch.take_removed_elsewhere());
        assert!(!watch.take_removed_elsewhere());
        for (chain, counts) in [("f2b-sshd", false), ("input", true)] {
            sh(&format!("nft add table ip some; nft add chain ip some {chain}"));
            sh(&format!("nft add rule ip some {chain} accept; nft flush chain ip some {chain}"));
            assert_eq!(watch.foreign_change().unwrap(), None);
            assert_eq!(watch.take_removed_elsewhere(), counts, "{chain}");
        }

        sh("nft flush ruleset");
        let start = Instant::now();
        assert!(readable(&watch, Duration::from_secs(1)));
        let foreign = watch.foreign_change().unwrap().unwrap();
        assert_eq!(foreign.program, "nft");
        assert!(foreign.pid > 0);
        assert!(!nftables.intact().unwrap());
        assert_eq!(nftables.apply(&blocks), Err(FirewallError::Gone));
        assert_eq!(nftables.list(), Err(FirewallError::Gone));
        assert_eq!(nftables.clear(), Err(FirewallError::Gone));
        assert_eq!(nftables.verify(&blocks[..1]).unwrap(), [false]);
        assert_eq!(nftables.verify(&blocks), Err(FirewallError::Gone));
        assert_eq!(nftables.counters().unwrap().packets, 0);
        assert_eq!(nftables.repair().unwrap(), Placed::Created);
        apply(&mut nftables, &blocks);
        println!("noticed and repaired in {:?}", start.elapsed());
        assert_eq!(nftables.verify(&blocks).unwrap(), [true, true]);
        assert!(nftables.intact().unwrap());
        assert_eq!(watch.foreign_change().unwrap(), None, "the repair was us");
        assert_eq!(nftables.repair().unwrap(), Placed::AsItWas);
    });
}

#[test]
fn many_blocks_in_the_place_of_others_are_not_heard_and_what_somebody_else_does_meanwhile_is() {
    const NAME: &str =
        "many_blocks_in_the_place_of_others_are_not_heard_and_what_somebody_else_does_meanwhile_is";
    in_namespace(NAME, || {
        let mut nftables = Nftables::open().unwrap();
        let mut watch = nftables.watch().unwrap();
        let address = |i: u32| std::net::Ipv4Addr::from_bits(0x0b00_0000 + i).to_string();
        let blocks: Vec<_> = (0..20_000).map(|i| block(&address(i), Some(600))).collect();
        let held = |nftables: &mut Nftables, count| {
            assert!(nftables.verify(&blocks[..count]).unwrap().iter().all(|there| *there));
        };
        for count in [20_000, 20_000, 300, 1, 0, 0] {
            assert_eq!(watch.hold_only(&mut nftables, &blocks[..count]).unwrap(), []);
            held(&mut nftables, count);
            assert!(count < 300 || !readable(&watch, Duration::ZERO), "{count}");
            assert_eq!(watch.foreign_change().unwrap(), None, "{count}");
            assert!(!watch.take_removed_elsewhere());
        }
        // Somebody who never rests: some of what he does comes in between.
        let busy = "for i in $(seq 400); do nft add table inet other; nft delete table inet other; \
                    done";
        let mut busy = std::process::Command::new("sh").args(["-c", busy]).spawn().unwrap();
        let mut told = 0;
        while busy.try_wait().unwrap().is_none() {
            assert_eq!(watch.hold_only(&mut nftables, &blocks).unwrap(), []);
            let is_told = watch.foreign_change().unwrap().is_some();
            assert!(!is_told || watch.take_removed_elsewhere());
            told += u32::from(is_told);
        }
        held(&mut nftables, 20_000);
        assert!(told > 0);
        watch.foreign_change().unwrap();
        sh("nft delete element inet monban hosts4 '{ 11.0.0.1 }'");
        assert!(readable(&watch, Duration::from_secs(1)));
        assert_eq!(watch.foreign_change().unwrap().unwrap().program, "nft");
    });
}

#[test]
fn every_kind_of_tampering_is_noticed_and_repaired_with_what_was_held() {
    in_namespace("every_kind_of_tampering_is_noticed_and_repaired_with_what_was_held", || {
        let rule = "nft -a list chain inet monban gate | grep";
        for damage in [
            "nft flush chain inet monban gate".to_owned(),
            "nft flush chain inet monban doors".to_owned(),
            "nft insert rule inet monban gate accept".to_owned(),
            "nft insert rule inet monban doors ip saddr 192.0.2.1 accept".to_owned(),
            "nft add table inet monban '{ flags dormant; }'".to_owned(),
            "nft add chain inet monban mine '{ type filter hook input priority 0; }'
             nft add rule inet monban mine tcp dport '{ 22, 23 }' goto doors"
                .to_owned(),
            "nft 'add map inet monban jumps { type inet_service : verdict; \
               elements = { 22 : jump doors }; }'
             nft insert rule inet monban gate tcp dport vmap @jumps"
                .to_owned(),
            "nft add set inet monban old '{ type inet_service; }'".to_owned(),
            "nft chain inet monban gate '{ policy drop; }'".to_owned(),
            format!("nft delete rule inet monban gate handle $({rule} hosts6 | sed 's/.* //')"),
            format!(
                "nft replace rule inet monban gate handle $({rule} hosts4 | sed 's/.* //') \
                 ip saddr != @hosts4 counter drop"
            ),
            format!(
                "nft replace rule inet monban gate handle $({rule} hosts4 | sed 's/.* //') \
                 ip daddr @hosts4 counter drop"
            ),
        ] {
            let mut nftables = Nftables::open().unwrap();
            let mut watch = nftables.watch().unwrap();
            let blocks = [
                block("192.0.2.1", Some(600)),
                block("2001:db8::1", Some(700)),
                block("198.51.100.0/24", None),
                block_ports("203.0.113.0/25", &[25], Some(800)),
                block_ports("192.0.2.9", &[22], None),
            ];
            apply(&mut nftables, &blocks);
            assert!(nftables.intact().unwrap());
            sh(&damage);
            assert!(!nftables.intact().unwrap(), "{damage}");
            assert!(watch.foreign_change().unwrap().is_some(), "{damage}");
            let placed = nftables.repair().unwrap();
            match placed {
                Placed::Replaced { kept } => assert_eq!(kept, 5, "{damage}"),
                _ => assert_eq!(placed, Placed::Mended, "{damage}"),
            }
            println!("{damage}: {placed:?}");
            assert_eq!(nftables.verify(&blocks).unwrap(), [true; 5], "{damage}");
            assert!(nftables.intact().unwrap());
            Nftables::remove_all().unwrap();
        }
    });
}

#[test]
fn a_table_of_another_layout_is_replaced_with_what_it_holds() {
    in_namespace("a_table_of_another_layout_is_replaced_with_what_it_holds", || {
        sh("printf '%s\n' \
              'table inet monban {' \
              'set hosts4 { type ipv4_addr; flags timeout' \
              'elements = { 192.0.2.1 timeout 10m, 192.0.2.2 }' \
              '}' \
              'set hosts6 { type ipv6_addr; elements = { 2001:db8:: }; }' \
              'set nets4 { type ipv4_addr; flags interval,timeout; elements = { 10.0.0.0/8 }; }' \
              'set old { type inet_service; elements = { 22 }; }' \
              'chain input { type filter hook input priority 0' \
              'tcp dport @old ip saddr @hosts4 drop' '}' '}' | nft -f -");
        let mut nftables = Nftables::open().unwrap();
        // What a set of another form held is lost: who knows the blocks places them again.
        assert_eq!(nftables.placed(), Placed::Mended);
        assert_eq!(targets(&mut nftables), ["192.0.2.1", "192.0.2.2"]);
        let expected = [block("192.0.2.1", Some(600)), block("192.0.2.2", None)];
        assert_eq!(nftables.verify(&expected).unwrap(), [true, true]);
        assert!(!sh("nft list ruleset").contains("old"));
    });
}

#[test]
fn what_an_earlier_run_blocked_stays_and_can_be_freed() {
    in_namespace("what_an_earlier_run_blocked_stays_and_can_be_freed", || {
        let mut earlier = Nftables::open().unwrap();
        apply(&mut earlier, &[block_ports("192.0.2.1", &[22, 587], None), block("::/3", None)]);
        drop(earlier);
        let mut nftables = Nftables::open().unwrap();
        assert_eq!(nftables.placed(), Placed::AsItWas);
        assert_eq!(targets(&mut nftables).len(), 3);
        // It knows the ports of the earlier run.
        apply(&mut nftables, &[free("192.0.2.1")]);
        assert_eq!(targets(&mut nftables), ["::/3"]);
    });
}

#[test]
fn reports_that_were_lost_ask_for_a_look() {
    in_namespace("reports_that_were_lost_ask_for_a_look", || {
        let mut nftables = Nftables::open().unwrap();
        let mut watch = nftables.watch().unwrap();
        let changes: Vec<_> = (0..200_000_u32)
            .map(|i| block(&std::net::Ipv4Addr::from_bits(0x0b00_0000 + i).to_string(), None))
            .collect();
        apply(&mut nftables, &changes);
        apply(&mut nftables, &changes);
        // Whether so many reports fit is the kernel's affair; it must not fail, nor name us.
        if let Some(foreign) = watch.foreign_change().unwrap() {
            println!("reports were lost: {foreign:?}");
            assert_eq!(foreign.pid, 0);
        }
        assert_eq!(watch.foreign_change().unwrap(), None);
        sh("nft delete table inet monban");
        assert!(watch.foreign_change().unwrap().is_some());
    });
}

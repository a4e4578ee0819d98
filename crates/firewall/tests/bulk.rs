//! Many blocks at once, with the time it takes. The figures are printed (`--nocapture`).
#![allow(clippy::unwrap_used, reason = "a test ends by it")]

mod namespace;

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use monban_firewall::{Change, Nftables, Placed};
use namespace::*;

/// `count` different hosts of the network 11.0.0.0/8.
fn hosts(count: u32) -> Vec<Change> {
    let host = |i: u32| Ipv4Addr::from_bits(0x0b00_0000 + i).to_string();
    (0..count).map(|i| block(&host(i), Some(3600))).collect()
}

fn timed<T>(what: &str, act: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = act();
    println!("{what}: {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    result
}

#[test]
fn a_hundred_thousand_blocks_at_once() {
    in_namespace("a_hundred_thousand_blocks_at_once", || {
        let mut nftables = timed("open", || Nftables::open().unwrap());
        let count = 100_000;
        let v4 = hosts(count);
        let v6: Vec<_> = (0..u128::from(count))
            .map(|i| block(&Ipv6Addr::from_bits(0x2001_0db8 << 96 | i << 64).to_string(), None))
            .collect();
        let ports: Vec<_> = (0..count)
            .map(|i| {
                block_ports(&Ipv4Addr::from_bits(0x0c00_0000 + i).to_string(), &[22], Some(60))
            })
            .collect();
        for (what, changes) in [("IPv4", &v4), ("IPv6", &v6), ("IPv4 and port", &ports)] {
            let both = |doing| format!("{what}: {doing} {count} at once");
            timed(&both("block"), || apply(&mut nftables, changes));
            timed(&both("block again"), || apply(&mut nftables, changes));
            let there = timed(&both("read back"), || nftables.verify(changes).unwrap());
            assert!(there.iter().all(|there| *there), "{what}");
        }
        let all = timed("list 300000", || nftables.list().unwrap().len());
        assert_eq!(all, 300_000);
        timed("intact with 300000", || assert!(nftables.intact().unwrap()));
        timed("open with 300000", || Nftables::open().unwrap());
        // A repair lets the sets be.
        sh("nft flush chain inet monban gate");
        timed("repair with 300000", || nftables.repair().unwrap());
        assert_eq!(nftables.list().unwrap().len(), 300_000);
        let only = |nftables: &mut Nftables| assert_eq!(nftables.hold_only(&v4).unwrap(), []);
        timed("hold 100000 in place of 300000", || only(&mut nftables));
        timed("hold the same in their place", || only(&mut nftables));
        let mut watch = nftables.watch().unwrap();
        timed("the same while somebody watches", || only(&mut nftables));
        timed("the same, unheard", || assert_eq!(watch.hold_only(&mut nftables, &v4), Ok(vec![])));
        drop(watch);
        timed("the same by emptying first", || {
            nftables.clear().unwrap();
            apply(&mut nftables, &v4);
        });
        assert!(nftables.verify(&v4).unwrap().iter().all(|there| *there));
        apply(&mut nftables, &v6);
        apply(&mut nftables, &ports);
        let frees: Vec<_> = v4.iter().map(|c| Change::Free { subject: c.subject() }).collect();
        timed("free 100000", || apply(&mut nftables, &frees));
        assert_eq!(nftables.list().unwrap().len(), 200_000);
    });
}

#[test]
fn twenty_thousand_networks_at_once() {
    in_namespace("twenty_thousand_networks_at_once", || {
        let mut nftables = Nftables::open().unwrap();
        let nets: Vec<_> = (0..20_000_u32)
            .map(|i| format!("{}/24", Ipv4Addr::from_bits(0x0d00_0000 + (i << 8))))
            .map(|net| block(&net, Some(3600)))
            .collect();
        timed("block 20000 networks", || apply(&mut nftables, &nets));
        timed("one more", || apply(&mut nftables, &[block("12.0.0.0/16", None)]));
        assert_eq!(nftables.list().unwrap().len(), 20_001);
        assert!(nftables.verify(&nets).unwrap().iter().all(|there| *there));
    });
}

#[test]
fn a_million_blocks() {
    in_namespace("a_million_blocks", || {
        let mut nftables = Nftables::open().unwrap();
        let million = hosts(1_000_000);
        timed("block 1000000", || apply(&mut nftables, &million));
        // Listing them would take minutes in the kernel; reading some back does not.
        let some: Vec<_> = million.iter().step_by(1000).cloned().collect();
        let there = timed("read 1000 of them back", || nftables.verify(&some).unwrap());
        assert!(there.iter().all(|there| *there));
        sh("nft flush chain inet monban gate");
        timed("repair with 1000000", || assert_eq!(nftables.repair().unwrap(), Placed::Mended));
        assert!(nftables.verify(&some).unwrap().iter().all(|there| *there));
        timed("clear 1000000", || nftables.clear().unwrap());
        assert_eq!(nftables.list().unwrap(), []);
    });
}

#[test]
fn one_block_and_its_reading_back() {
    in_namespace("one_block_and_its_reading_back", || {
        for held in [0, 100_000] {
            let mut nftables = Nftables::open().unwrap();
            apply(&mut nftables, &hosts(held));
            for (what, port) in [("block", None), ("block of a port", Some(22))] {
                let mut times: Vec<Duration> = (0..1000_u32)
                    .map(|i| {
                        let subject = Ipv4Addr::from_bits(0xc612_0000 + i).to_string();
                        let one = match port {
                            None => [block(&subject, Some(600))],
                            Some(port) => [block_ports(&subject, &[port], Some(600))],
                        };
                        let start = Instant::now();
                        apply(&mut nftables, &one);
                        assert_eq!(nftables.verify(&one).unwrap(), [true]);
                        start.elapsed()
                    })
                    .collect();
                times.sort();
                println!(
                    "{what} and read back, {held} held: p50 {:?}, p99 {:?}, longest {:?}",
                    times[500], times[990], times[999]
                );
            }
        }
    });
}

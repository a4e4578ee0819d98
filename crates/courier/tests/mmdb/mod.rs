//! A tiny writer of databases in MaxMind's form (version 2.0): networks, each with a value.

#![allow(dead_code)]

use std::net::IpAddr;

/// A value of the data section.
#[derive(Clone, Debug)]
pub enum Value {
    Text(&'static str),
    Number(u32),
    Map(Vec<(&'static str, Value)>),
}

use Value::{Map, Number, Text};

/// One of a country, as ip-location-db writes it.
pub fn country(code: &'static str) -> Value {
    Map(vec![("country_code", Text(code))])
}

/// A database of these networks, which do not overlap, wider ones first; records of 24 bits.
pub fn database(kind: &'static str, nets: &[(&str, Value)]) -> Vec<u8> {
    let mut data = Vec::new();
    // Node 0 is the root; 0 stands for a way that leads nowhere.
    let mut nodes = vec![[Way::Nowhere; 2]];
    for (net, value) in nets {
        let at = data.len();
        put(&mut data, value);
        insert(&mut nodes, net, at);
    }
    let count = nodes.len() as u32;
    let mut file = Vec::new();
    for record in nodes.iter().flatten() {
        let number = match record {
            Way::Nowhere => count,
            Way::Node(node) => *node as u32,
            Way::Data(at) => count + 16 + *at as u32,
        };
        file.extend_from_slice(&number.to_be_bytes()[1..]);
    }
    file.extend_from_slice(&[0; 16]);
    file.extend_from_slice(&data);
    file.extend_from_slice(b"\xab\xcd\xefMaxMind.com");
    let about = Map(vec![
        ("binary_format_major_version", Number(2)),
        ("binary_format_minor_version", Number(0)),
        ("build_epoch", Number(1_760_000_000)),
        ("database_type", Text(kind)),
        ("description", Map(vec![("en", Text("a database for tests"))])),
        ("ip_version", Number(6)),
        ("languages", Map(Vec::new())),
        ("node_count", Number(count)),
        ("record_size", Number(24)),
    ]);
    put_about(&mut file, &about);
    file
}

#[derive(Clone, Copy)]
enum Way {
    Nowhere,
    Node(usize),
    Data(usize),
}

fn insert(nodes: &mut Vec<[Way; 2]>, net: &str, data: usize) {
    let (base, prefix) = net.split_once('/').expect("a network");
    let prefix: u32 = prefix.parse().expect("a length");
    // IPv4 lies below `::/96` in a tree of IPv6.
    let (bits, prefix) = match base.parse().expect("an address") {
        IpAddr::V4(ip) => (u128::from(ip.to_bits()), prefix + 96),
        IpAddr::V6(ip) => (ip.to_bits(), prefix),
    };
    let mut node = 0;
    for depth in 0..prefix {
        let side = (bits >> (127 - depth) & 1) as usize;
        if depth + 1 == prefix {
            nodes[node][side] = Way::Data(data);
            return;
        }
        node = match nodes[node][side] {
            Way::Node(next) => next,
            _ => {
                nodes.push([Way::Nowhere; 2]);
                let next = nodes.len() - 1;
                nodes[node][side] = Way::Node(next);
                next
            }
        };
    }
}

fn put(out: &mut Vec<u8>, value: &Value) {
    match value {
        Text(text) => {
            head(out, 2, text.len());
            out.extend_from_slice(text.as_bytes());
        }
        Number(number) => {
            let bytes = number.to_be_bytes();
            let used = bytes.iter().position(|byte| *byte != 0).unwrap_or(4);
            head(out, 6, 4 - used);
            out.extend_from_slice(&bytes[used..]);
        }
        Map(fields) => {
            head(out, 7, fields.len());
            for (key, value) in fields {
                put(out, &Text(key));
                put(out, value);
            }
        }
    }
}

/// The description of the database has fields of other types than 32 bits.
fn put_about(out: &mut Vec<u8>, about: &Value) {
    let Map(fields) = about else { return };
    head(out, 7, fields.len());
    for (key, value) in fields {
        put(out, &Text(key));
        match (*key, value) {
            ("build_epoch", Number(number)) => {
                out.extend_from_slice(&[4, 2]);
                out.extend_from_slice(&number.to_be_bytes());
            }
            ("languages", _) => out.extend_from_slice(&[0, 4]),
            ("node_count", Number(number)) => {
                head(out, 6, 4);
                out.extend_from_slice(&number.to_be_bytes());
            }
            (_, Number(number)) => {
                head(out, 5, 2);
                out.extend_from_slice(&(*number as u16).to_be_bytes());
            }
            (_, value) => put(out, value),
        }
    }
}

fn head(out: &mut Vec<u8>, kind: u8, size: usize) {
    match size {
        0..29 => out.push(kind << 5 | size as u8),
        _ => out.extend_from_slice(&[kind << 5 | 29, (size - 29) as u8]),
    }
}

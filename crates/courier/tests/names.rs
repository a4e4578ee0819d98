//! The resolver against name servers on this machine: cut answers, answers to other questions,
//! aliases, and bytes by chance.
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use monban_courier::who::NameServers;
use monban_model::Address;
use simple_dns::rdata::{A, CNAME, PTR, RData};
use simple_dns::{CLASS, Name, Packet, PacketFlag, RCODE, ResourceRecord};

type Reply = fn(&[u8]) -> Vec<Vec<u8>>;

/// A name server that answers each packet with these packets.
fn serve(reply: Reply) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut bytes = [0; 1024];
        while let Ok((count, from)) = socket.recv_from(&mut bytes) {
            for packet in reply(&bytes[..count]) {
                let _ = socket.send_to(&packet, from);
            }
        }
    });
    address
}

fn reply<'a>(query: &'a [u8], records: Vec<(&'a str, RData<'a>)>) -> Packet<'a> {
    let mut reply = Packet::parse(query).unwrap().into_reply();
    reply.set_flags(PacketFlag::RESPONSE);
    for (name, data) in records {
        let name = Name::new_unchecked(name);
        reply.answers.push(ResourceRecord::new(name, CLASS::IN, 60, data));
    }
    reply
}

fn ptr(name: &str) -> RData<'_> {
    RData::PTR(PTR(Name::new_unchecked(name)))
}

const OWNER: &str = "160.63.102.94.in-addr.arpa";

fn name_of(servers: Vec<SocketAddr>, wait: Duration) -> std::io::Result<Option<String>> {
    let address: Address = "94.102.63.160".parse().unwrap();
    NameServers::new(servers).name_of(address, Instant::now() + wait)
}

const LONG: Duration = Duration::from_secs(10);

#[test]
fn the_name_of_an_address_also_behind_an_alias() {
    let plain = serve(|query| {
        vec![reply(query, vec![(OWNER, ptr("Host.Example.NET"))]).build_bytes_vec().unwrap()]
    });
    assert_eq!(name_of(vec![plain], LONG).unwrap().as_deref(), Some("host.example.net"));
    // RFC 2317: a part of a /24 stands elsewhere.
    let alias = serve(|query| {
        let elsewhere = "160.129-255.63.102.94.in-addr.arpa";
        let alias = RData::CNAME(CNAME(Name::new_unchecked(elsewhere)));
        let records = vec![(OWNER, alias), (elsewhere, ptr("b.example"))];
        vec![reply(query, records).build_bytes_vec().unwrap()]
    });
    assert_eq!(name_of(vec![alias], LONG).unwrap().as_deref(), Some("b.example"));
    let circle = serve(|query| {
        let alias = RData::CNAME(CNAME(Name::new_unchecked(OWNER)));
        vec![reply(query, vec![(OWNER, alias)]).build_bytes_vec().unwrap()]
    });
    assert_eq!(name_of(vec![circle], LONG).unwrap(), None);
    let none = serve(|query| {
        let mut none = reply(query, Vec::new());
        *none.rcode_mut() = RCODE::NameError;
        vec![none.build_bytes_vec().unwrap()]
    });
    assert_eq!(name_of(vec![none], LONG).unwrap(), None);
}

#[test]
fn a_name_that_is_no_name_of_a_host_is_none() {
    let hostile = serve(|query| {
        vec![reply(query, vec![(OWNER, ptr("a b\u{1b}[2J.example"))]).build_bytes_vec().unwrap()]
    });
    assert_eq!(name_of(vec![hostile], LONG).unwrap(), None);
}

#[test]
fn only_the_answer_to_the_question_counts() {
    let guessing = serve(|query| {
        let truth = reply(query, vec![(OWNER, ptr("true.example"))]).build_bytes_vec().unwrap();
        let lie = reply(query, vec![(OWNER, ptr("false.example"))]).build_bytes_vec().unwrap();
        let (mut other_id, mut other_kind) = (lie.clone(), lie.clone());
        other_id[0] ^= 1;
        let kind_at = 12 + OWNER.len() + 2;
        other_kind[kind_at + 1] = 16;
        let mut other_name = lie.clone();
        other_name[13] = b'9';
        let mut no_reply = lie;
        no_reply[2] &= 0x7f;
        vec![other_id, other_kind, other_name, no_reply, Vec::new(), vec![0; 700], truth]
    });
    assert_eq!(name_of(vec![guessing], LONG).unwrap().as_deref(), Some("true.example"));
    let flooding = serve(|_| vec![vec![7; 64]; 100]);
    assert!(name_of(vec![flooding], LONG).is_err());
}

#[test]
fn the_next_server_is_asked_and_time_is_bounded() {
    let failing = serve(|query| {
        let mut failing = reply(query, Vec::new());
        *failing.rcode_mut() = RCODE::ServerFailure;
        vec![failing.build_bytes_vec().unwrap()]
    });
    let plain = serve(|query| {
        vec![reply(query, vec![(OWNER, ptr("host.example"))]).build_bytes_vec().unwrap()]
    });
    let start = Instant::now();
    assert!(name_of(vec![failing, plain], LONG).unwrap().is_some());
    assert!(start.elapsed() < Duration::from_secs(1));
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap();
    assert!(name_of(vec![silent; 9], Duration::from_millis(300)).is_err());
    assert!(start.elapsed() < Duration::from_secs(3));
    assert!(name_of(Vec::new(), LONG).is_err());
}

#[test]
fn an_answer_that_was_cut_is_asked_for_by_tcp() {
    fn cut(query: &[u8]) -> Vec<Vec<u8>> {
        let mut cut = reply(query, Vec::new());
        cut.set_flags(PacketFlag::TRUNCATION);
        vec![cut.build_bytes_vec().unwrap()]
    }
    let udp = serve(cut);
    let Ok(listener) = TcpListener::bind(udp) else {
        return println!("left out: the port is taken");
    };
    thread::spawn(move || {
        for (number, stream) in listener.incoming().flatten().enumerate() {
            let mut stream = stream;
            let mut bytes = [0; 512];
            let count = stream.read(&mut bytes).unwrap();
            let data = RData::A(A { address: 0x5e66_3fa0 });
            let packet = reply(&bytes[2..count], vec![("big.example", data)]);
            let answer = packet.build_bytes_vec().unwrap();
            let length = (answer.len() as u16).to_be_bytes();
            // One after the other: in pieces, and one that says that it is longer than allowed.
            if number < 2 {
                for piece in [&length[..], &answer[..5], &answer[5..]] {
                    stream.write_all(piece).unwrap();
                    thread::sleep(Duration::from_millis(20));
                }
            } else {
                let _ = stream.write_all(&[0xff; 4096]);
            }
        }
    });
    let servers = NameServers::new(vec![udp]);
    let found = servers.addresses_of("big.example", Instant::now() + LONG).unwrap();
    assert_eq!(found.first().map(ToString::to_string).as_deref(), Some("94.102.63.160"));
    assert!(servers.addresses_of("big.example", Instant::now() + LONG).is_err());
}

#[test]
fn bytes_by_chance_harm_nothing() {
    // A linear congruential generator: the same bytes in each run.
    fn noise(query: &[u8]) -> Vec<Vec<u8>> {
        let mut state = u32::from_be_bytes([query[0], query[1], 7, 7]) | 1;
        let mut packets = Vec::new();
        for at in 0..24usize {
            let good = reply(query, vec![(OWNER, ptr("a.example")), (OWNER, ptr("b.example"))]);
            let mut packet = good.build_bytes_vec_compressed().unwrap();
            for _ in 0..at + 1 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let place = 4 + (state >> 8) as usize % (packet.len() - 4);
                packet[place] = (state >> 20) as u8;
            }
            packets.push(packet);
        }
        packets
    }
    let server = serve(noise);
    for _ in 0..20 {
        let _ = name_of(vec![server], Duration::from_millis(300));
    }
}

#[test]
fn name_servers_are_read_as_the_c_library_does() {
    let text = "# nameserver 192.0.2.1\nnameserver 127.0.0.53\nnameserver\t2001:db8::1\n\
                nameserver fe80::1%eth0\nnameserver x\nnameserver 192.0.2.9\nsearch example\n";
    let servers = NameServers::of_resolv_conf(text);
    let servers: Vec<String> = servers.servers().iter().map(ToString::to_string).collect();
    assert_eq!(servers, ["127.0.0.53:53", "[2001:db8::1]:53", "[fe80::1]:53"]);
    let none = NameServers::of_resolv_conf("");
    assert_eq!(none.servers(), ["127.0.0.1:53".parse().unwrap()]);
}

//! Real packets through the real kernel: a guarded namespace, a peer, and a veth between them.
#![allow(clippy::unwrap_used, reason = "a test ends by it")]

mod namespace;

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use monban_firewall::{Change, Nftables};
use namespace::*;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

const GUARDED4: &str = "10.99.0.1";
const GUARDED6: &str = "fd99::1";
const ANSWER_WITHIN: Duration = Duration::from_millis(300);

/// A namespace behind a veth, with several addresses to send from.
struct Peer(Child);

impl Peer {
    fn new() -> Self {
        let holder = Command::new("unshare")
            .args(["--net", "sh", "-c", "echo ready; exec sleep 600"])
            .stdout(Stdio::piped())
            .spawn();
        let mut peer = Self(holder.unwrap());
        let mut ready = [0; 5];
        peer.0.stdout.as_mut().unwrap().read_exact(&mut ready).unwrap();
        let pid = peer.0.id();
        sh(&format!(
            "ip link add guarded type veth peer name outside netns {pid}
             ip addr add {GUARDED4}/16 dev guarded
             ip addr add {GUARDED6}/16 dev guarded nodad
             ip link set guarded up
             sysctl -q net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
             nsenter --net --target {pid} sh -c '
               ip link set lo up; ip link set outside up
               for a in 1 2 3; do ip addr add 10.99.1.$a/16 dev outside; done
               ip addr add 10.99.2.1/16 dev outside
               for n in 1 2; do for a in 1 2; do
                 ip addr add fd99:0:0:$n::$a/16 dev outside nodad; done; done
               ip addr add fd99:1::1/16 dev outside nodad'"
        ));
        // Until the address of the other side is known on both, the first packet may wait.
        let start = Instant::now();
        while !(peer.reaches("10.99.1.1", GUARDED4, 9)
            && peer.reaches("fd99:0:0:1::1", GUARDED6, 9))
        {
            assert!(start.elapsed() < Duration::from_secs(10), "the veth does not come up");
        }
        peer
    }

    /// Does something in the peer's namespace: a thread may be in one of its own.
    fn run<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        let namespace = std::fs::File::open(format!("/proc/{}/ns/net", self.0.id())).unwrap();
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let kind = Some(LinkNameSpaceType::Network);
                move_into_link_name_space(namespace.as_fd(), kind).unwrap();
                act()
            });
            thread.join().unwrap()
        })
    }

    /// Whether a UDP packet to this port is answered: by an echo, or by the kernel's refusal.
    fn reaches(&self, from: &str, to: &str, port: u16) -> bool {
        let (from, to): (IpAddr, IpAddr) = (from.parse().unwrap(), to.parse().unwrap());
        self.run(move || {
            let socket = UdpSocket::bind((from, 0)).unwrap();
            socket.connect((to, port)).unwrap();
            socket.set_read_timeout(Some(ANSWER_WITHIN)).unwrap();
            let _ = socket.send(b"who is there");
            match socket.recv(&mut [0; 64]) {
                Ok(_) => true,
                Err(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
            }
        })
    }

    /// A TCP connection, if the other side answers at all.
    fn connect(&self, from: &str, to: &str, port: u16) -> Option<TcpStream> {
        let (from, to): (IpAddr, IpAddr) = (from.parse().unwrap(), to.parse().unwrap());
        self.run(move || {
            use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
            let family = if from.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
            let socket = socket(family, SocketType::STREAM, None).unwrap();
            bind(&socket, &SocketAddr::new(from, 0)).unwrap();
            // Also bounds connect().
            let kind = rustix::net::sockopt::Timeout::Send;
            rustix::net::sockopt::set_socket_timeout(&socket, kind, Some(ANSWER_WITHIN)).unwrap();
            connect(&socket, &SocketAddr::new(to, port)).ok()?;
            let stream = TcpStream::from(socket);
            stream.set_read_timeout(Some(ANSWER_WITHIN)).unwrap();
            Some(stream)
        })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn a_blocked_address_gets_no_answer_and_its_neighbour_does() {
    in_namespace("a_blocked_address_gets_no_answer_and_its_neighbour_does", || {
        let peer = Peer::new();
        let mut nftables = Nftables::open().unwrap();
        // Who is blocked, an address of his, one of a neighbour, and whom they ask.
        for (subject, his, neighbours, to) in [
            ("10.99.1.1", "10.99.1.1", "10.99.1.2", GUARDED4),
            ("fd99:0:0:1::1", "fd99:0:0:1::2", "fd99:0:0:2::1", GUARDED6),
            ("10.99.1.0/24", "10.99.1.3", "10.99.2.1", GUARDED4),
            ("fd99:0:0::/40", "fd99:0:0:2::2", "fd99:1::1", GUARDED6),
            ("10.99.2.0/25", "10.99.2.1", "10.99.1.1", GUARDED4),
        ] {
            let before = nftables.counters().unwrap().packets;
            assert!(peer.reaches(his, to, 9), "{subject}");
            apply(&mut nftables, &[block(subject, Some(600))]);
            assert!(!peer.reaches(his, to, 9), "{subject}");
            assert!(peer.reaches(neighbours, to, 9), "{subject}");
            assert!(nftables.counters().unwrap().packets > before, "{subject}");
            apply(&mut nftables, &[free(subject)]);
            assert!(peer.reaches(his, to, 9), "{subject}");
        }
        let dropped = nftables.counters().unwrap();
        println!("dropped: {dropped:?}");
        assert!(dropped.bytes >= dropped.packets * 40);
    });
}

#[test]
fn everybody_may_be_blocked_and_the_loopback_goes_on() {
    in_namespace("everybody_may_be_blocked_and_the_loopback_goes_on", || {
        let peer = Peer::new();
        let mut nftables = Nftables::open().unwrap();
        let everybody = ["0.0.0.0/0", "::/0"];
        apply(&mut nftables, &everybody.map(|all| block(all, Some(60))));
        assert_eq!(targets(&mut nftables), everybody);
        assert!(!peer.reaches("10.99.1.1", GUARDED4, 9));
        assert!(!peer.reaches("fd99:0:0:1::1", GUARDED6, 9));
        for own in ["127.0.0.1", "::1", GUARDED4, GUARDED6] {
            let own: IpAddr = own.parse().unwrap();
            let listener = TcpListener::bind((own, 0)).unwrap();
            let to = listener.local_addr().unwrap();
            TcpStream::connect_timeout(&to, ANSWER_WITHIN).unwrap();
        }
        apply(&mut nftables, &everybody.map(free));
        assert!(peer.reaches("10.99.1.1", GUARDED4, 9));
    });
}

#[test]
fn an_open_connection_is_cut_too() {
    in_namespace("an_open_connection_is_cut_too", || {
        let peer = Peer::new();
        let listener = TcpListener::bind((GUARDED4, 2222)).unwrap();
        let mut client = peer.connect("10.99.1.1", GUARDED4, 2222).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        server.set_read_timeout(Some(ANSWER_WITHIN)).unwrap();
        client.write_all(b"hello").unwrap();
        server.read_exact(&mut [0; 5]).unwrap();
        let mut nftables = Nftables::open().unwrap();
        apply(&mut nftables, &[block("10.99.1.1", Some(600))]);
        client.write_all(b"still there?").unwrap();
        assert!(server.read(&mut [0; 12]).is_err());
        assert!(peer.connect("10.99.1.1", GUARDED4, 2222).is_none());
        assert!(peer.connect("10.99.1.2", GUARDED4, 2222).is_some());
    });
}

#[test]
fn chosen_ports_are_closed_and_only_these() {
    in_namespace("chosen_ports_are_closed_and_only_these", || {
        let peer = Peer::new();
        let mut nftables = Nftables::open().unwrap();
        // The port that the sender wrote counts, not the one that it is led to.
        sh("nft add table inet nat
            nft 'add chain inet nat lead { type nat hook prerouting priority dstnat; }'
            nft add rule inet nat lead tcp dport 8080 redirect to :2222");
        for (subject, from, neighbour, to) in [
            ("10.99.1.1", "10.99.1.1", "10.99.1.2", GUARDED4),
            ("fd99:0:0:1::1", "fd99:0:0:1::2", "fd99:0:0:2::1", GUARDED6),
            ("10.99.1.0/24", "10.99.1.3", "10.99.2.1", GUARDED4),
            ("fd99::/40", "fd99:0:0:1::2", "fd99:1::1", GUARDED6),
        ] {
            let to_ip: IpAddr = to.parse().unwrap();
            let _open = [2222, 2223].map(|port| TcpListener::bind((to_ip, port)).unwrap());
            assert!(peer.connect(from, to, 8080).is_some(), "{subject}");
            apply(&mut nftables, &[block_ports(subject, &[9, 2223, 8080], Some(60))]);
            assert!(peer.connect(from, to, 2223).is_none(), "{subject}");
            assert!(peer.connect(from, to, 8080).is_none(), "{subject}");
            assert!(peer.connect(from, to, 2222).is_some(), "{subject}");
            assert!(peer.connect(neighbour, to, 2223).is_some(), "{subject}");
            assert!(!peer.reaches(from, to, 9), "{subject}");
            assert!(peer.reaches(from, to, 10), "{subject}");
            apply(&mut nftables, &[free(subject)]);
            assert!(peer.connect(from, to, 2223).is_some(), "{subject}");
        }
    });
}

/// The figures are printed (`--nocapture`).
#[test]
fn a_packet_costs_the_same_however_many_are_blocked() {
    const PACKETS: u32 = 20_000;
    in_namespace("a_packet_costs_the_same_however_many_are_blocked", || {
        let peer = Peer::new();
        let mut nftables = Nftables::open().unwrap();
        // Nobody reads: what does not fit into its room is dropped, behind the firewall.
        let sink = UdpSocket::bind((GUARDED4, 9999)).unwrap();
        let to = sink.local_addr().unwrap();
        let send = || {
            let socket = UdpSocket::bind(("10.99.1.1", 0)).unwrap();
            let start = Instant::now();
            for _ in 0..PACKETS {
                socket.send_to(b"a packet", to).unwrap();
            }
            start.elapsed() / PACKETS
        };
        let host = |i: u32| std::net::Ipv4Addr::from_bits(0x0b00_0000 + i).to_string();
        let many: Vec<Change> = (0..100_000).map(|i| block(&host(i), Some(3600))).collect();
        let mut least = [Duration::MAX; 3];
        // The machine has other work: the shortest of several rounds counts.
        for _ in 0..4 {
            nftables.clear().unwrap();
            for (held, least) in [0, 1_000, 100_000].into_iter().zip(&mut least) {
                apply(&mut nftables, &many[..held]);
                *least = (*least).min(peer.run(send));
            }
        }
        println!("a packet, with 0, 1,000 and 100,000 blocked: {least:?}");
        assert!(least[2] < least[0] * 2, "{least:?}");
    });
}

#[test]
fn a_block_ends_by_itself() {
    in_namespace("a_block_ends_by_itself", || {
        let peer = Peer::new();
        let subjects = [
            ("10.99.1.1", "10.99.1.1", GUARDED4),
            ("10.99.2.0/24", "10.99.2.1", GUARDED4),
            ("fd99:0:0:1::1", "fd99:0:0:1::2", GUARDED6),
            ("fd99:1::/32", "fd99:1::1", GUARDED6),
        ];
        let changes: Vec<Change> = subjects.iter().map(|s| block(s.0, Some(2))).collect();
        let mut nftables = Nftables::open().unwrap();
        apply(&mut nftables, &changes);
        let start = Instant::now();
        // Nobody is there any more who could free them.
        drop(nftables);
        for (subject, from, to) in subjects {
            assert!(!peer.reaches(from, to, 9), "{subject}");
        }
        assert!(start.elapsed() < Duration::from_secs(2));
        std::thread::sleep(Duration::from_millis(2050).saturating_sub(start.elapsed()));
        for (subject, from, to) in subjects {
            assert!(peer.reaches(from, to, 9), "{subject}");
        }
    });
}

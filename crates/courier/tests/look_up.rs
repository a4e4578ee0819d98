//! Looking up against servers on this machine: honest ones in the order in which real ones are
//! asked, and hostile ones.
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use monban_courier::who::{NameServers, Rdap, Servers, look_up};
use monban_model::{AbuseFrom, Address, Stamp, Who, WhoAnswer};
use simple_dns::rdata::{A, PTR, RData, TXT};
use simple_dns::{CLASS, Name, Packet, PacketFlag, QTYPE, ResourceRecord, TYPE};

/// The attacker of the article; nothing leaves this machine for it.
const ADDRESS: &str = "94.102.63.160";

const RIPE: &str = "% Abuse contact for '94.102.63.129 - 94.102.63.255' is 'abuse@ecatel.net'\n\n\
    inetnum: 94.102.63.129 - 94.102.63.255\nnetname: NL-ECATEL\ndescr: ECATEL LTD\ncountry: NL\n\n\
    role: Ecatel\nabuse-mailbox: abuse@ecatel.info\n\nroute: 94.102.48.0/20\norigin: AS29073\n";

/// A server that does this with each connection; what was asked is kept.
fn serve(
    answer: impl Fn(TcpStream, &str) + Send + Sync + 'static,
) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, asked) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
    let (kept, answer) = (asked.clone(), Arc::new(answer));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (kept, answer) = (kept.clone(), answer.clone());
            thread::spawn(move || {
                let mut bytes = [0; 4096];
                let count = (&stream).read(&mut bytes).unwrap_or(0);
                let query = String::from_utf8_lossy(&bytes[..count]).into_owned();
                let first = query.lines().next().unwrap_or_default().to_owned();
                kept.lock().unwrap().push(first);
                answer(stream, &query);
            });
        }
    });
    (address, asked)
}

fn say(text: String) -> impl Fn(TcpStream, &str) + Send + Sync + 'static {
    move |mut stream, _| drop(stream.write_all(text.as_bytes()))
}

fn page(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
}

/// A name server with a name for the address that leads back, and who announces it.
fn name_server() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut bytes = [0; 1024];
        while let Ok((count, from)) = socket.recv_from(&mut bytes) {
            let query = Packet::parse(&bytes[..count]).unwrap();
            let name = query.questions[0].qname.clone().into_owned();
            let text = name.to_string();
            let data = match (query.questions[0].qtype, text.as_str()) {
                (QTYPE::TYPE(TYPE::PTR), "160.63.102.94.in-addr.arpa") => {
                    Some(RData::PTR(PTR(Name::new_unchecked("Host.Example.NET"))))
                }
                (QTYPE::TYPE(TYPE::A), "host.example.net") => {
                    Some(RData::A(A { address: 0x5e66_3fa0 }))
                }
                (QTYPE::TYPE(TYPE::A), "inside.example.net") => {
                    Some(RData::A(A { address: 0x7f00_0001 }))
                }
                (QTYPE::TYPE(TYPE::TXT), "160.63.102.94.origin.asn.cymru.com") => {
                    let text = "29073 | 94.102.48.0/20 | NL | ripencc | 2008-08-04";
                    Some(RData::TXT(TXT::new().with_string(text).unwrap()))
                }
                (QTYPE::TYPE(TYPE::TXT), "AS29073.asn.cymru.com") => {
                    let text = "29073 | NL | ripencc | 2003-05-27 | ECATEL, NL";
                    Some(RData::TXT(TXT::new().with_string(text).unwrap()))
                }
                _ => None,
            };
            let mut reply = query.clone().into_reply();
            reply.set_flags(PacketFlag::RESPONSE);
            let record = |data| ResourceRecord::new(name.clone(), CLASS::IN, 60, data);
            reply.answers.extend(data.map(record));
            let _ = socket.send_to(&reply.build_bytes_vec().unwrap(), from);
        }
    });
    address
}

fn servers(whois: Option<SocketAddr>, rdap: Option<SocketAddr>) -> Servers {
    let rdap = rdap.map_or(Rdap::Never, |at| Rdap::At(format!("http://{at}/rdap/")));
    Servers {
        rdap,
        whois: whois.map(|at| (at.ip().to_string(), at.port())),
        wait: Duration::from_secs(1),
        anywhere: true,
        ..Servers::registries(NameServers::new(vec![name_server()]))
    }
}

fn known(servers: &Servers) -> Who {
    match look_up(servers, ADDRESS.parse().unwrap(), Stamp(7)) {
        WhoAnswer::Known(who) => *who,
        other => panic!("{other:?}"),
    }
}

fn failed(servers: &Servers) -> String {
    let start = Instant::now();
    let answer = look_up(servers, ADDRESS.parse().unwrap(), Stamp(7));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    match answer {
        WhoAnswer::Failed(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn whois_follows_a_referral_and_dns_tells_the_rest() {
    let (ripe, asked) = serve(say(RIPE.to_owned()));
    let referral = format!(
        "NetRange: 94.0.0.0 - 94.255.255.255\nNetType: Allocated to RIPE NCC\n\
                            ReferralServer: whois://{ripe}\n"
    );
    let (arin, _) = serve(say(referral));
    let who = known(&servers(Some(arin), None));
    assert_eq!(*asked.lock().unwrap(), [ADDRESS]);
    assert_eq!(who.net.unwrap().to_string(), "94.102.63.129 - 94.102.63.255");
    assert_eq!((who.netname.as_str(), who.org.as_str()), ("NL-ECATEL", "ECATEL LTD"));
    assert_eq!(who.abuse, ["abuse@ecatel.net", "abuse@ecatel.info"]);
    assert_eq!(who.abuse_from, Some(AbuseFrom::Comment));
    assert_eq!((who.name.as_str(), who.name_confirmed), ("host.example.net", true));
    assert_eq!(who.asn.unwrap().to_string(), "AS29073");
    assert_eq!(who.as_name, "ECATEL, NL");
    assert_eq!((who.source.as_str(), who.looked_up), ("127.0.0.1", Stamp(7)));
}

const ENTITY: &str = r#""entities": [{"roles": ["abuse", "registrant"], "vcardArray": ["vcard",
    [["fn", {}, "text", "ECATEL LTD"], ["email", {}, "text", "abuse@ecatel.net"]]]}]"#;

fn rdap_net(more: &str) -> String {
    format!(
        r#"{{"startAddress": "94.102.63.129", "endAddress": "94.102.63.255",
                 "name": "NL-ECATEL", "country": "NL"{more}}}"#
    )
}

#[test]
fn rdap_tells_all_and_whois_is_not_asked() {
    let (registry, asked) = serve(say(page("200 OK", "", &rdap_net(&format!(", {ENTITY}")))));
    let to = format!("Location: http://{registry}/other/ip/{ADDRESS}\r\n");
    let (first, _) = serve(say(page("302 Found", &to, "")));
    let (whois, whois_asked) = serve(say(RIPE.to_owned()));
    let who = known(&servers(Some(whois), Some(first)));
    assert_eq!(*asked.lock().unwrap(), [format!("GET /other/ip/{ADDRESS} HTTP/1.1")]);
    assert_eq!(*whois_asked.lock().unwrap(), [""; 0]);
    assert_eq!((who.org.as_str(), who.abuse_from), ("ECATEL LTD", Some(AbuseFrom::Rdap)));
    // Of the system, the name servers tell.
    assert_eq!(who.route, "94.102.48.0/20".parse().ok());
}

#[test]
fn whois_fills_in_what_rdap_leaves_open() {
    let (registry, _) = serve(say(page("200 OK", "", &rdap_net(""))));
    let (whois, _) = serve(say(RIPE.to_owned()));
    let who = known(&servers(Some(whois), Some(registry)));
    assert_eq!((who.org.as_str(), who.abuse_from), ("ECATEL LTD", Some(AbuseFrom::Comment)));
    // And takes over where it fails: no server, an error, no JSON, another network.
    let other = rdap_net("").replace("94.102.63", "192.0.2");
    for answer in [page("404 Not Found", "", "{}"), page("200 OK", "", "<html>"), other] {
        let (registry, _) = serve(say(answer));
        assert_eq!(known(&servers(Some(whois), Some(registry))).netname, "NL-ECATEL");
    }
}

#[test]
fn redirects_end_and_lead_to_https_and_public_addresses_only() {
    let looping = |stream: TcpStream, _: &str| {
        let at = stream.local_addr().unwrap();
        let to = format!("Location: http://{at}/ip/again\r\n");
        say(page("301 Moved", &to, ""))(stream, "");
    };
    let (loops, asked) = serve(looping);
    let why = failed(&servers(None, Some(loops)).rdap_only());
    assert!(why.contains("more than 3 redirects"), "{why}");
    assert_eq!(asked.lock().unwrap().len(), 4);
    // Without the switch of tests: a redirect to this machine, by address or name, or to http.
    let (inner, inner_asked) = serve(say(page("200 OK", "", &rdap_net(ENTITY))));
    let port = inner.port();
    for (to, why) in [
        (format!("https://127.0.0.1:{port}/"), "host not found"),
        (format!("https://inside.example.net:{port}/"), "host not found"),
        (format!("http://{inner}/"), "something else than https"),
        ("file:///etc/passwd".to_owned(), "something else than https"),
        (format!("//127.0.0.1:{port}/"), "something else than https"),
    ] {
        let (first, _) = serve(say(page("302 Found", &format!("Location: {to}\r\n"), "")));
        let strict = Servers { anywhere: false, ..servers(None, Some(first)) }.rdap_only();
        let told = failed(&strict).to_lowercase();
        assert!(told.contains(why), "{to}: {told}");
    }
    assert_eq!(*inner_asked.lock().unwrap(), [""; 0]);
}

/// Only RDAP: whois is sent to a port where nobody is.
trait RdapOnly {
    fn rdap_only(self) -> Self;
}

impl RdapOnly for Servers {
    fn rdap_only(mut self) -> Self {
        self.whois = Some(("127.0.0.1".to_owned(), 1));
        self
    }
}

#[test]
fn referrals_end_and_lead_to_public_addresses_and_whois_only() {
    let loops = |stream: TcpStream, _: &str| {
        let at = stream.local_addr().unwrap();
        say(format!("refer: whois://{at}\n"))(stream, "");
    };
    let (first, asked) = serve(loops);
    assert!(failed(&servers(Some(first), None)).contains("no whois server has a network"));
    assert_eq!(asked.lock().unwrap().len(), 1);
    // Without the switch of tests nothing on this machine is asked, nor another port.
    let (inner, inner_asked) = serve(say(RIPE.to_owned()));
    for named in [format!("whois://{inner}"), "127.0.0.1".into(), "inside.example.net".into()] {
        let (first, _) = serve(say(format!("refer: {named}\n")));
        let strict = Servers { anywhere: false, ..servers(Some(first), None) };
        failed(&strict);
    }
    assert_eq!(*inner_asked.lock().unwrap(), [""; 0]);
}

#[test]
fn hostile_whois_servers_cost_a_bounded_time_and_memory() {
    // Endless, slow, silent, binary, closing at once; each is given up, or its beginning is read.
    let (endless, _) = serve(|mut stream, _| while stream.write_all(&[b'a'; 65536]).is_ok() {});
    failed(&servers(Some(endless), None));
    let (large, _) = serve(say(format!("{RIPE}\n{}", "remarks: x\n".repeat(1_000_000))));
    assert_eq!(known(&servers(Some(large), None)).netname, "NL-ECATEL");
    let (slow, _) = serve(|mut stream, _| {
        while stream.write_all(b"%").is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    });
    failed(&servers(Some(slow), None));
    let (silent, _) = serve(|_stream, _| thread::sleep(Duration::from_secs(9)));
    assert!(failed(&servers(Some(silent), None)).contains("timed out"));
    let (binary, _) = serve(|mut stream, _| {
        let bytes: Vec<u8> =
            (0..200_000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let _ = stream.write_all(&bytes);
    });
    failed(&servers(Some(binary), None));
    let (closing, _) = serve(|_, _| {});
    failed(&servers(Some(closing), None));
}

#[test]
fn hostile_rdap_servers_cost_a_bounded_time_and_memory() {
    let (endless, _) = serve(|mut stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n[");
        while stream.write_all(&[b'['; 65536]).is_ok() {}
    });
    failed(&servers(None, Some(endless)).rdap_only());
    let (headers, _) = serve(|mut stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream.write_all(b"X-Y: zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz\r\n").is_ok() {}
    });
    failed(&servers(None, Some(headers)).rdap_only());
    let (slow, _) = serve(|mut stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(b" ").is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    });
    assert!(failed(&servers(None, Some(slow)).rdap_only()).contains("timed out"));
}

#[test]
fn what_is_nobodys_is_not_asked_about() {
    let (whois, asked) = serve(say(RIPE.to_owned()));
    for address in ["127.0.0.1", "10.0.0.1", "203.0.113.9", "fe80::1", "::ffff:192.168.1.1"] {
        let address: Address = address.parse().unwrap();
        let answer = look_up(&servers(Some(whois), Some(whois)), address, Stamp(0));
        assert!(matches!(answer, WhoAnswer::NotPublic(_)), "{address}: {answer:?}");
    }
    assert_eq!(*asked.lock().unwrap(), [""; 0]);
}

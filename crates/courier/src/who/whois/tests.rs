//! Answers in the form of each registry, with addresses for documentation where the form does not
//! hang on them.

use monban_model::{AbuseFrom, Address, Asn, Registry};
use proptest::prelude::*;

use super::read::{Next, Reading, read, read_contact};

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

/// Network, its name, holder, country, system, contacts and what names them.
fn told(reading: &Reading) -> String {
    let who = &reading.who;
    let net = who.net.map_or_else(String::new, |net| net.to_string());
    let country = who.country.map_or_else(String::new, |country| country.to_string());
    let asn = who.asn.map_or_else(String::new, |asn| asn.to_string());
    let from = who.abuse_from.map_or("", AbuseFrom::word);
    let abuse = who.abuse.join(",");
    [net.as_str(), &who.netname, &who.org, &country, &asn, &abuse, from].join("|")
}

fn server(host: &str) -> Option<Next> {
    Some(Next::Server { host: host.to_owned(), port: 43 })
}

const RIPE: &str = "\
% This is the RIPE Database query service.
% The objects are in RPSL format.

% Information related to 94.102.63.129 - 94.102.63.255

% Abuse contact for 94.102.63.129 - 94.102.63.255 is abuse@ecatel.net

inetnum: 94.102.63.129 - 94.102.63.255
netname: NL-ECATEL
descr: ECATEL LTD
descr: Dedicated servers
country: NL
admin-c: EL25-RIPE
status: ASSIGNED PA
source: RIPE # Filtered

role: Ecatel LTD
abuse-mailbox: abuse@ecatel.info
remarks: for abuse complaints : abuse@ecatel.info
remarks: for any other questions : info@ecatel.info
nic-hdl: EL25-RIPE
source: RIPE # Filtered

% Information related to 94.102.48.0/20AS29073

route: 94.102.48.0/20
descr: AS29073 Route object
origin: AS29073
source: RIPE # Filtered
";

#[test]
fn the_answer_of_the_article() {
    let reading = read(RIPE, address("94.102.63.160"), Some(Registry::Ripe));
    assert_eq!(
        told(&reading),
        "94.102.63.129 - 94.102.63.255|NL-ECATEL|ECATEL LTD|NL|AS29073|\
         abuse@ecatel.net,abuse@ecatel.info|comment"
    );
    assert_eq!(reading.who.route, "94.102.48.0/20".parse().ok());
    assert_eq!((reading.next, reading.elsewhere), (None, false));
    // Without the registry's own word the role counts, and without that what somebody wrote.
    let without = |text: &str, key: &str| {
        let lines = text.lines().filter(|line| !line.starts_with(key));
        lines.collect::<Vec<_>>().join("\n")
    };
    let role = without(RIPE, "% Abuse");
    let reading = read(&role, address("94.102.63.160"), Some(Registry::Ripe));
    assert_eq!(reading.who.abuse_from, Some(AbuseFrom::Role));
    let free = without(&role, "abuse-mailbox");
    let reading = read(&free, address("94.102.63.160"), Some(Registry::Ripe));
    assert_eq!(reading.who.abuse, ["abuse@ecatel.info"]);
    assert_eq!(reading.who.abuse_from, Some(AbuseFrom::FreeText));
}

#[test]
fn arin_names_several_networks_and_who_knows_more() {
    let text = "\
# ARIN WHOIS data and services are subject to the Terms of Use

NetRange:       192.0.0.0 - 192.0.255.255
CIDR:           192.0.0.0/16
NetName:        WIDE
NetType:        Direct Allocation
Organization:   Wide Networks (WIDE-1)

OrgName:        Wide Networks
Country:        CA
OrgAbuseEmail:  abuse@wide.example

NetRange:       192.0.2.0 - 192.0.2.255
CIDR:           192.0.2.0/24
NetName:        CUSTOMER-7
NetType:        Reassigned
OriginAS:       AS64496, AS64497
Organization:   Customer Inc. (CI-7)
RegDate:        2010-01-01

CustName:       Customer Inc.
Address:        1 Street
Country:        US

OrgAbuseHandle: ABUSE1-ARIN
OrgAbuseEmail:  Abuse@Customer.Example
";
    let reading = read(text, address("192.0.2.7"), Some(Registry::Arin));
    assert_eq!(
        told(&reading),
        "192.0.2.0 - 192.0.2.255|CUSTOMER-7|Customer Inc.|US|AS64496|\
         abuse@customer.example,abuse@wide.example|role"
    );
    let text = "NetRange:       94.0.0.0 - 94.255.255.255\nNetName:        94-RIPE\n\
                NetType:        Allocated to RIPE NCC\nOrganization:   RIPE NCC (RIPE)\n\n\
                OrgName:        RIPE NCC\n\nReferralServer:  whois://whois.ripe.net\n\
                OrgAbuseEmail:  abuse@ripe.net\n";
    let reading = read(text, address("94.102.63.160"), Some(Registry::Arin));
    assert_eq!((told(&reading).as_str(), reading.elsewhere), ("||||||", true));
    assert_eq!(reading.next, server("whois.ripe.net"));
    let rwhois = text.replace("whois://whois.ripe.net", "rwhois://rwhois.example.net:4321");
    assert_eq!(read(&rwhois, address("94.1.1.1"), None).next, None);
}

#[test]
fn apnic_and_what_it_leaves_to_japan_and_korea() {
    let text = "% [whois.apnic.net]\n% Abuse contact for '192.0.2.0 - 192.0.2.255' is \
                'hostmaster@nic.ad.jp'\n\ninetnum: 192.0.2.0 - 192.0.2.255\nnetname: FRAME\n\
                descr: Japan Network Information Center\ncountry: JP\nmnt-by: MAINT-JPNIC\n\
                mnt-irt: IRT-JPNIC-JP\nsource: APNIC\n\nirt: IRT-JPNIC-JP\n\
                abuse-mailbox: hostmaster@nic.ad.jp\n";
    let reading = read(text, address("192.0.2.1"), Some(Registry::Apnic));
    assert_eq!(reading.next, server("whois.nic.ad.jp"));
    assert_eq!(reading.who.abuse, [""; 0]);
    let korean = text.replace("JPNIC", "KRNIC");
    let reading = read(&korean, address("192.0.2.1"), Some(Registry::Apnic));
    assert_eq!(reading.next, server("whois.kisa.or.kr"));
    // Only APNIC sends on to them.
    assert_eq!(read(text, address("192.0.2.1"), Some(Registry::Ripe)).next, None);
    let own = "inetnum: 192.0.2.0 - 192.0.2.255\nnetname: OWN\nmnt-by: MAINT-AU\ncountry: au\n\
               abuse-c: AA1-AP\n\nrole: ABUSE AU\nabuse-mailbox: abuse@example.net\n\
               nic-hdl: AA1-AP\n\nroute6: 2001:db8::/32\norigin: AS1\n";
    let reading = read(own, address("192.0.2.1"), Some(Registry::Apnic));
    assert_eq!(told(&reading), "192.0.2.0 - 192.0.2.255|OWN||AU||abuse@example.net|role");
}

#[test]
fn jpnic_gives_contacts_by_their_handle() {
    let text = "[ JPNIC database provides information regarding IP address and ASN. ]\n\n\
                Network Information:\na. [Network Number]             192.0.2.0/24\n\
                b. [Network Name]               EXAMPLE-NET\n\
                g. [Organization]               Example Provider\n\
                m. [Administrative Contact]     AA123JP\n\
                n. [Technical Contact]          JP00012345\n\
                p. [Nameserver]                 ns.example.jp\n[Assigned Date]    2004/01/01\n\n\
                Less Specific Info.\n----------\nExample [Allocation]   192.0.0.0/16\n";
    let reading = read(text, address("192.0.2.1"), Some(Registry::Jpnic));
    assert_eq!(told(&reading), "192.0.2.0 - 192.0.2.255|EXAMPLE-NET|Example Provider|JP|||");
    assert_eq!(reading.next, Some(Next::Contact("JP00012345".to_owned())));
    let contact = "Group Contact Information:\n[Group Handle]    JP00012345\n\
                   [Group Name]      Abuse Team\n[E-Mail]          Abuse@Example.JP\n";
    assert_eq!(read_contact(contact).as_deref(), Some("abuse@example.jp"));
    let hostile = text.replace("JP00012345", "x; DELETE");
    assert_eq!(read(&hostile, address("192.0.2.1"), Some(Registry::Jpnic)).next, None);
}

#[test]
fn krnic_speaks_two_languages() {
    let text = "query : 192.0.2.1\n\n# KOREAN(UTF8)\n\n[ 네트워크 할당 정보 ]\n\
                IPv4주소           : 192.0.2.0 - 192.0.2.255 (/24)\n기관명             : 예시\n\n\
                # ENGLISH\n\n[ Network Information ]\n\
                IPv4 Address       : 192.0.2.0 - 192.0.2.255 (/24)\n\
                Organization Name  : Example Corp.\nService Name       : EXNET\n\
                Registration Date  : 20100726\n\nName               : IP Manager\n\
                Phone              : +82-2-0000-0000\nE-Mail             : ip@example.kr\n";
    let reading = read(text, address("192.0.2.1"), Some(Registry::Krnic));
    assert_eq!(
        told(&reading),
        "192.0.2.0 - 192.0.2.255|EXNET|Example Corp.|KR||ip@example.kr|role"
    );
}

#[test]
fn lacnic_and_afrinic_have_their_own_words() {
    let text = "% Joint Whois - whois.lacnic.net\n\ninetnum:     192.0.2/24\naut-num:     AS64496\n\
                status:      reassigned\nowner:       Exemplo S.A.\ncountry:     BR\n\
                owner-c:     AAA\nabuse-c:     BBB\n\nnic-hdl:     AAA\ne-mail:      a@example.br\n\n\
                nic-hdl:     BBB\nperson:      X\ne-mail:      cert@example.br\n";
    let reading = read(text, address("192.0.2.1"), Some(Registry::Lacnic));
    assert_eq!(
        told(&reading),
        "192.0.2.0 - 192.0.2.255||Exemplo S.A.|BR|AS64496|cert@example.br|role"
    );
    let brazil = "% Brazilian resource: whois.registro.br\n";
    let reading = read(brazil, address("192.0.2.1"), Some(Registry::Lacnic));
    assert_eq!(reading.next, server("whois.registro.br"));
    let text = "% Abuse contact for '2001:db8::/32' is 'abuse@example.org'\n\n\
                inet6num:       2001:db8::/32\nnetname:        EXAMPLE\ncountry:        ZA\n\
                org:            ORG-X-AFRINIC\n\norganisation:   ORG-X-AFRINIC\n\
                org-name:       Example (Pty) Ltd\n";
    let reading = read(text, address("2001:db8::1"), Some(Registry::Afrinic));
    assert_eq!(reading.who.org, "Example (Pty) Ltd");
    assert_eq!(reading.who.abuse_from, Some(AbuseFrom::Comment));
}

#[test]
fn iana_sends_on_and_the_rest_is_nobodys() {
    let iana = "% IANA WHOIS server\n\nrefer:        whois.ripe.net\n\ninetnum:      94.0.0.0 - \
                94.255.255.255\norganisation: RIPE NCC\nwhois:        whois.ripe.net\n";
    let reading = read(iana, address("94.102.63.160"), Some(Registry::Iana));
    assert_eq!(reading.next, server("whois.ripe.net"));
    let foreign = "inetnum: 192.0.0.0 - 192.0.15.255\nnetname: \
                   NON-RIPE-NCC-MANAGED-ADDRESS-BLOCK\nremarks: abuse@example.net is for abuse\n";
    let reading = read(foreign, address("192.0.2.1"), Some(Registry::Ripe));
    assert!(reading.elsewhere && reading.who.net.is_none() && reading.who.abuse.is_empty());
    let all = "inetnum: 0.0.0.0 - 255.255.255.255\nnetname: IANA-BLK\n";
    assert_eq!(read(all, address("192.0.2.1"), Some(Registry::Ripe)).who.net, None);
}

#[test]
fn referrals_of_a_stranger_name_a_host_or_nothing() {
    for (named, next) in [
        ("whois.example.net", server("whois.example.net")),
        ("WHOIS://Whois.Example.net:43/", server("whois.example.net")),
        ("127.0.0.1", server("127.0.0.1")),
        ("whois://whois.example.net:99999", None),
        ("http://whois.example.net", None),
        ("whois.example.net; rm -rf /", None),
        ("localhost", None),
        ("[::1]", None),
        ("", None),
        ("whois://a@whois.example.net", None),
    ] {
        let text = format!("refer: {named}\n");
        assert_eq!(read(&text, address("192.0.2.1"), None).next, next, "{named}");
    }
}

proptest! {
    #[test]
    fn any_answer_is_read(text in "(?s).{0,2000}", at in 0usize..9) {
        let reading = read(&text, address("192.0.2.1"), Some(Registry::ALL[at]));
        prop_assert!(reading.who.netname.len() <= 256);
    }

    #[test]
    fn answers_of_known_words_in_any_order_are_read(words in prop::collection::vec(
        prop::sample::select(vec![
            "inetnum", ": ", "192.0.2.0", " - ", "192.0.2.255", "\n", "\n\n", "% Abuse contact for ",
            " is ", "'", "a@b.example", "refer", "route", "origin", "AS", "64496", "/24", "[",
            "Network Number", "]", "   ", "abuse-c", "nic-hdl", "e-mail", "country", "é", "NetRange",
        ]), 0..200))
    {
        let reading = read(&words.concat(), address("192.0.2.1"), Some(Registry::Arin));
        prop_assert!(reading.who.net.is_none_or(|net| net.contains(address("192.0.2.1"))));
        prop_assert!(reading.who.asn.is_none_or(|asn| asn <= Asn(u32::MAX)));
    }
}

#[test]
fn ten_megabytes_cost_no_more_than_their_beginning() {
    let start = std::time::Instant::now();
    for line in ["remarks: abuse abuse@example.net ", "inetnum: 192.0.2.0 - 192.0.2.255\n", "%\n"] {
        let text = line.repeat(10_000_000 / line.len());
        read(&text, address("192.0.2.1"), Some(Registry::Ripe));
        read(&text.replace('\n', "\n\n"), address("192.0.2.1"), Some(Registry::Ripe));
    }
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

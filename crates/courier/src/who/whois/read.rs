//! What an answer of a whois server says of an address.

use monban_model::{
    AbuseFrom, Address, Asn, Country, Net, Registry, Span, Stamp, Who, is_host_name,
};

use super::super::contacts::Contacts;
use super::super::registries::whois_of;
use super::super::text::{clean, mail_address};
use super::objects::{Object, Objects, read_span};

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) who: Who,
    /// Who knows more.
    pub(super) next: Option<Next>,
    /// The network is one that the registry only knows to be somebody else's.
    pub(super) elsewhere: bool,
}

/// Where to ask next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Another server.
    Server { host: String, port: u16 },
    /// The same server, for a contact.
    Contact(String),
}

/// Reads the answer of a server of this registry, if it is known to be one's.
pub(super) fn read(text: &str, address: Address, registry: Option<Registry>) -> Reading {
    let page = Objects::read(text);
    let mut who = Who::nothing(address, Stamp::default());
    let chosen = narrowest(&page.objects, address, Object::span);
    let elsewhere = chosen.is_some_and(|(_, _, object)| is_elsewhere(object));
    let next = referral(&page, chosen.map(|(_, _, object)| object), registry);
    if let Some((at, span, object)) = chosen.filter(|_| !elsewhere) {
        let around = around(&page.objects, at);
        who.net = Some(span);
        who.netname = first(&[object], &["netname", "network name", "service name"]);
        who.org = org(object, &around);
        let country = first(&around, &["country", "country code"]);
        who.country = country.get(..2).and_then(|code| code.parse().ok());
        who.country = who.country.or(country_of(registry));
        let asn = first(&around, &["originas", "aut-num", "aut_num"]);
        who.asn = asn.split([',', ' ']).next().and_then(|asn| asn.parse().ok());
    }
    read_route(&page.objects, address, &mut who);
    let mut contacts = Contacts::default();
    if !elsewhere {
        collect(&page, address, chosen.map(|(at, _, _)| at), &mut contacts);
    }
    contacts.give(&mut who);
    let handle = || technical(chosen.map(|(_, _, object)| object)?, registry);
    let next = next.or_else(|| who.abuse.is_empty().then(handle).flatten().map(Next::Contact));
    Reading { who, next, elsewhere }
}

/// The mail address of a contact that JPNIC was asked for.
pub(super) fn read_contact(text: &str) -> Option<String> {
    let page = Objects::read(text);
    let keys = ["e-mail", "電子メール", "reply mail", "通知アドレス"];
    page.objects.iter().find_map(|object| object.first(&keys).and_then(mail_address))
}

/// The object about the narrowest network around the address, with its place.
fn narrowest(
    objects: &[Object],
    address: Address,
    span: impl Fn(&Object) -> Option<Span>,
) -> Option<(usize, Span, &Object)> {
    let around = objects.iter().enumerate().filter_map(|(at, object)| {
        let span = span(object).filter(|span| span.contains(address))?;
        // All addresses are the answer of who has none.
        let all = if address.is_ipv4() { u128::from(u32::MAX) } else { u128::MAX };
        (span.extent() < all).then_some((at, span, object))
    });
    around.min_by_key(|(_, span, _)| span.extent())
}

/// An object and those that follow it up to the next network: who has it, and his contacts.
fn around(objects: &[Object], at: usize) -> Vec<&Object> {
    let mut around: Vec<&Object> = objects[at..].iter().take(1).collect();
    let rest = objects.get(at + 1..).unwrap_or_default().iter();
    around.extend(rest.take_while(|object| object.span().is_none()));
    around
}

/// The first value of these keys, in this order, in any of the objects.
fn first(objects: &[&Object], keys: &[&str]) -> String {
    let found = keys.iter().find_map(|key| objects.iter().find_map(|object| object.get(key)));
    found.unwrap_or_default().to_owned()
}

/// Who has it: the organisation, else what the network says of itself.
fn org(object: &Object, around: &[&Object]) -> String {
    let named = first(around, &["org-name", "orgname", "custname", "owner", "organization name"]);
    if !named.is_empty() {
        return named;
    }
    let own = object.first(&["organization", "組織名", "descr"]).unwrap_or_default();
    // ARIN puts the handle behind it.
    match own.rsplit_once(" (") {
        Some((name, handle)) if handle.ends_with(')') && !handle.contains(' ') => name.to_owned(),
        _ => own.to_owned(),
    }
}

/// National registries write no country: it is theirs.
fn country_of(registry: Option<Registry>) -> Option<Country> {
    match registry? {
        Registry::Jpnic => Some(Country::JP),
        Registry::Krnic => "KR".parse().ok(),
        Registry::Nicbr => "BR".parse().ok(),
        _ => None,
    }
}

/// Networks that a registry only names as not its own, by their names: RIPE's
/// `NON-RIPE-NCC-MANAGED-ADDRESS-BLOCK`, APNIC's `ERX-NETBLOCK`, ARIN's types.
fn is_elsewhere(object: &Object) -> bool {
    let begins = |key: &str, beginnings: &[&str]| {
        let value = object.get(key).unwrap_or_default().to_lowercase();
        beginnings.iter().any(|beginning| value.starts_with(beginning))
    };
    begins("netname", &["non-ripe-ncc-managed", "iana-", "erx-netblock", "eu-zz-", "afrinic-erx"])
        || begins("nettype", &["allocated to ", "transferred to ", "early registrations, t"])
}

/// The narrowest route, and who announces it.
fn read_route(objects: &[Object], address: Address, who: &mut Who) {
    let net = |object: &Object| object.first(&["route", "route6"]).and_then(read_span);
    let Some((_, span, route)) = narrowest(objects, address, net) else { return };
    let Some(asn) = route.get("origin").and_then(|asn| asn.parse::<Asn>().ok()) else { return };
    who.asn = Some(asn);
    who.route = span.nets().first().copied().filter(|net: &Net| Span::of(*net) == span);
    let is_it =
        |object: &&Object| object.get("aut-num").and_then(|it| it.parse().ok()) == Some(asn);
    let name = objects.iter().find(is_it).and_then(|object| object.get("as-name"));
    who.as_name = name.unwrap_or_default().to_owned();
}

/// Whom to tell of abuse, from the registry's own word to what somebody wrote.
fn collect(page: &Objects, address: Address, net: Option<usize>, contacts: &mut Contacts) {
    let mut spoken: Vec<(u128, String)> = page
        .comments
        .iter()
        .filter_map(|line| abuse_comment(line))
        .filter(|(span, _)| span.is_none_or(|span| span.contains(address)))
        .map(|(span, mail)| (span.map_or(u128::MAX, Span::extent), mail))
        .collect();
    spoken.sort_by_key(|(extent, _)| *extent);
    for (_, mail) in spoken {
        contacts.add(AbuseFrom::Comment, mail);
    }
    // What stands below the network itself comes before what stands below wider ones.
    let (before, own) = page.objects.split_at(net.unwrap_or(0));
    let objects = || own.iter().chain(before);
    for key in ["rabuseemail", "orgabuseemail", "abuse", "abuse-mailbox"] {
        for value in objects().flat_map(|object| object.all(key)).take(64) {
            mail_address(value).into_iter().for_each(|mail| contacts.add(AbuseFrom::Role, mail));
        }
    }
    // LACNIC names the contact, and gives it further below; KRNIC has one for all.
    let handle = net.and_then(|net| page.objects.get(net)?.get("abuse-c"));
    for object in objects() {
        let own = object.first(&["nic-hdl-br", "nic-hdl"]);
        let is_abuse = own.is_some() && own == handle;
        let is_krnic = object.get("e-mail").is_some() && object.get("name").is_some();
        if let Some(mail) = object.get("e-mail").filter(|_| is_abuse || is_krnic) {
            mail_address(mail).into_iter().for_each(|mail| contacts.add(AbuseFrom::Role, mail));
        }
    }
    for key in ["remarks", "comment", "descr"] {
        for value in objects().flat_map(|object| object.all(key)).take(256) {
            let mail = mail_address(value).filter(|_| value.to_lowercase().contains("abuse"));
            mail.into_iter().for_each(|mail| contacts.add(AbuseFrom::FreeText, mail));
        }
    }
}

/// `% Abuse contact for '192.0.2.0 - 192.0.2.255' is 'abuse@example.net'`, also without quotes.
fn abuse_comment(line: &str) -> Option<(Option<Span>, String)> {
    let rest = line.trim_start_matches(['%', '#', ' ']);
    let rest = rest.strip_prefix("Abuse contact for ")?;
    let (net, mail) = rest.rsplit_once(" is ")?;
    Some((read_span(net.trim_matches('\'')), mail_address(mail)?))
}

/// JPNIC gives networks without their contacts' addresses: the technical one has to be asked for.
fn technical(net: &Object, registry: Option<Registry>) -> Option<String> {
    let handle = net.first(&["technical contact", "administrative contact"])?;
    let plain = handle.len() <= 20 && handle.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (registry == Some(Registry::Jpnic) && plain).then(|| handle.to_owned())
}

/// Who knows more, if the answer says so.
fn referral(page: &Objects, net: Option<&Object>, registry: Option<Registry>) -> Option<Next> {
    let national = net.and_then(|net| national(net, registry));
    // ARIN writes it below each network, from wide to narrow.
    let named = page.objects.iter().rev().find_map(|object| object.get("referralserver"));
    let named = named.and_then(server);
    let refer = || page.objects.iter().find_map(|object| object.first(&["refer", "whois"]));
    let comment = || {
        let tail = |line: &String| line.strip_prefix("% Brazilian resource: ").map(str::to_owned);
        page.comments.iter().find_map(tail)
    };
    national
        .or(named)
        .or_else(|| refer().and_then(server))
        .or_else(|| comment().and_then(|host| server(&host)))
}

/// APNIC holds only the frame of what Japan's and Korea's registries give out.
fn national(net: &Object, registry: Option<Registry>) -> Option<Next> {
    if registry != Some(Registry::Apnic) {
        return None;
    }
    let keys = ["mnt-by", "mnt-irt", "mnt-lower", "source"];
    let names = || keys.iter().flat_map(|key| net.all(key)).map(str::to_uppercase);
    let has = |part: &str| names().any(|name| name.contains(part));
    let registry = if has("JPNIC") {
        Registry::Jpnic
    } else if has("KRNIC") {
        Registry::Krnic
    } else {
        return None;
    };
    Some(Next::Server { host: whois_of(registry).to_owned(), port: WHOIS_PORT })
}

/// Where whois servers answer.
pub(super) const WHOIS_PORT: u16 = 43;

/// `whois.example.net`, `whois://whois.example.net:43`. Other protocols (`rwhois://`) are left
/// alone: the registry's own answer says enough.
fn server(text: &str) -> Option<Next> {
    let text = text.trim();
    let text = match text.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("whois") => rest,
        Some(_) => return None,
        None => text,
    };
    let text = text.split('/').next()?;
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (text, WHOIS_PORT),
    };
    let host = clean(&host.to_lowercase());
    (host.contains('.') && is_host_name(&host)).then_some(Next::Server { host, port })
}

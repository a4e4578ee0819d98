//! What an answer of RDAP (RFC 9083) says of an address.

use monban_model::limits::{RDAP_DEPTH_MAX, RDAP_ENTITIES_MAX};
use monban_model::{AbuseFrom, Address, Asn, Span, Stamp, Who};
use serde_json::Value;

use super::super::contacts::Contacts;
use super::super::text::{clean, mail_address};

/// Reads an answer; `None` if it is not one about a network that the address lies in.
pub(super) fn read(bytes: &[u8], address: Address) -> Option<Who> {
    let root: Value = serde_json::from_slice(bytes).ok()?;
    let net = span(&root).filter(|span| span.contains(address))?;
    let mut who = Who::nothing(address, Stamp::default());
    who.net = Some(net);
    who.netname = text(&root, "name");
    who.country = text(&root, "country").parse().ok();
    let asn = root["arin_originas0_originautnums"].get(0).and_then(Value::as_u64);
    who.asn = asn.and_then(|asn| u32::try_from(asn).ok()).map(Asn);
    let mut entities = Vec::new();
    gather(&root, 0, &mut entities);
    let mut contacts = Contacts::default();
    for entity in &entities {
        if has_role(entity, "abuse") {
            let mails = properties(entity, "email").filter_map(mail_address);
            mails.take(8).for_each(|mail| contacts.add(AbuseFrom::Rdap, mail));
        }
    }
    contacts.give(&mut who);
    let name_of = |role| {
        let holder = entities.iter().find(|entity| has_role(entity, role))?;
        let name = properties(holder, "fn").next().map(clean)?;
        (!name.is_empty()).then_some(name)
    };
    let remark = || first_remark(&root);
    who.org = name_of("registrant").or_else(remark).unwrap_or_default();
    Some(who)
}

/// `startAddress` to `endAddress`, or the narrowest of `cidr0_cidrs`.
fn span(root: &Value) -> Option<Span> {
    let address = |key: &str| root[key].as_str()?.split('/').next()?.parse::<Address>().ok();
    if let (Some(first), Some(last)) = (address("startAddress"), address("endAddress")) {
        return Span::new(first, last);
    }
    let nets = root["cidr0_cidrs"].as_array()?.iter().take(RDAP_ENTITIES_MAX);
    let spans = nets.filter_map(|net| {
        let base = net.get("v4prefix").or_else(|| net.get("v6prefix"))?.as_str()?;
        Some(Span::of(format!("{base}/{}", net["length"].as_u64()?).parse().ok()?))
    });
    spans.reduce(|one, other| {
        let last = one.last().max(other.last());
        Span::new(one.first().min(other.first()), last).unwrap_or(one)
    })
}

/// The entities of an object and those within them, outer ones first.
fn gather<'a>(object: &'a Value, depth: usize, found: &mut Vec<&'a Value>) {
    let entities = object["entities"].as_array().map_or(&[][..], Vec::as_slice);
    let room = RDAP_ENTITIES_MAX.saturating_sub(found.len());
    found.extend(entities.iter().take(room));
    for entity in entities.iter().take(room).filter(|_| depth < RDAP_DEPTH_MAX) {
        gather(entity, depth + 1, found);
    }
}

fn has_role(entity: &Value, role: &str) -> bool {
    let roles = entity["roles"].as_array().into_iter().flatten().take(32);
    roles.filter_map(Value::as_str).any(|known| known == role)
}

/// Values of a property of the entity's jCard (RFC 7095): `[name, {parameters}, type, value]`.
fn properties<'a>(entity: &'a Value, name: &'a str) -> impl Iterator<Item = &'a str> {
    let card = entity["vcardArray"][1].as_array().into_iter().flatten().take(RDAP_ENTITIES_MAX);
    card.filter(move |property| property[0].as_str() == Some(name))
        .filter_map(|property| property[3].as_str())
}

/// APNIC and AFRINIC write who has a network into its remarks.
fn first_remark(root: &Value) -> Option<String> {
    let remarks = root["remarks"].as_array()?.iter().take(8);
    let lines = remarks.filter(|remark| remark["title"] == "description");
    let line = lines.filter_map(|remark| remark["description"][0].as_str()).next()?;
    Some(clean(line)).filter(|line| !line.is_empty())
}

fn text(object: &Value, key: &str) -> String {
    object[key].as_str().map(clean).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"{
      "objectClassName": "ip network", "handle": "94.102.63.129 - 94.102.63.255",
      "startAddress": "94.102.63.129", "endAddress": "94.102.63.255", "ipVersion": "v4",
      "name": "NL-ECATEL", "type": "ASSIGNED PA", "country": "nl",
      "cidr0_cidrs": [{"v4prefix": "94.102.63.129", "length": 32}],
      "entities": [
        {"objectClassName": "entity", "handle": "ORG-1", "roles": ["registrant"],
         "vcardArray": ["vcard", [["version", {}, "text", "4.0"],
                                  ["fn", {}, "text", "ECATEL\u001b[2J LTD"]]],
         "entities": [
           {"roles": ["technical", "abuse"],
            "vcardArray": ["vcard", [["email", {"pref": "1"}, "text", "Abuse@ecatel.net"],
                                     ["email", {}, "text", "x y <hostmaster@ripe.net>"],
                                     ["email", {}, "text", "noc@ecatel.net"]]]}]}]}"#;

    #[test]
    fn network_holder_and_the_role_abuse_are_read_at_any_depth() {
        let address = "94.102.63.160".parse().unwrap();
        let who = read(ANSWER.as_bytes(), address).unwrap();
        assert_eq!(who.net.unwrap().to_string(), "94.102.63.129 - 94.102.63.255");
        assert_eq!((who.netname.as_str(), who.org.as_str()), ("NL-ECATEL", "ECATEL[2J LTD"));
        assert_eq!(who.country, "NL".parse().ok());
        assert_eq!(who.abuse, ["abuse@ecatel.net", "noc@ecatel.net"]);
        assert_eq!(who.abuse_from, Some(AbuseFrom::Rdap));
        assert_eq!(read(ANSWER.as_bytes(), "94.102.64.1".parse().unwrap()), None);
    }

    #[test]
    fn networks_without_ends_have_their_prefixes() {
        let answer = r#"{"cidr0_cidrs": [{"v6prefix": "2001:db8::", "length": 33},
                                         {"v6prefix": "2001:db8:8000::", "length": 33}],
                         "arin_originas0_originautnums": [64496],
                         "remarks": [{"title": "description", "description": ["Example Inc."]}]}"#;
        let who = read(answer.as_bytes(), "2001:db8:9000::1".parse().unwrap()).unwrap();
        assert_eq!(who.net.unwrap().nets(), ["2001:db8::/32".parse().unwrap()]);
        assert_eq!((who.asn, who.org.as_str()), (Some(Asn(64496)), "Example Inc."));
    }

    #[test]
    fn hostile_answers_cost_little_and_say_nothing() {
        let address = "192.0.2.1".parse().unwrap();
        let net = r#""startAddress":"192.0.2.0","endAddress":"192.0.2.255""#;
        let deep = format!("{{{net},\"entities\":{}1{}}}", "[".repeat(9999), "]".repeat(9999));
        let wide = format!("{{{net},\"entities\":[{}1]}}", r#"{"roles":["abuse"]},"#.repeat(9999));
        let mut nested = "{}".to_owned();
        for _ in 0..100 {
            nested = format!("{{\"entities\":[{nested},{{}}]}}");
        }
        for text in [deep.as_str(), "", "null", "[]", "{}", "\"x\"", "{\"startAddress\":1}"] {
            assert_eq!(read(text.as_bytes(), address), None);
        }
        assert_eq!(read(wide.as_bytes(), address).unwrap().abuse, [""; 0]);
        assert_eq!(read(nested.as_bytes(), address), None);
        let turned = r#"{"startAddress":"192.0.2.9","endAddress":"192.0.2.1"}"#;
        assert_eq!(read(turned.as_bytes(), address), None);
        let every =
            r#"{"startAddress":7,"endAddress":{},"name":[],"country":"JAPAN","entities":{}}"#;
        assert_eq!(read(every.as_bytes(), address), None);
    }

    proptest::proptest! {
        #[test]
        fn changed_answers_are_read_or_refused(
            changes in proptest::collection::vec((0usize..2000, 0u8..=255), 1..8),
        ) {
            let mut bytes = ANSWER.as_bytes().to_vec();
            for (at, byte) in changes {
                let at = at % bytes.len();
                bytes[at] = byte;
            }
            let address = "94.102.63.160".parse().unwrap();
            if let Some(who) = read(&bytes, address) {
                let net = who.net.is_some_and(|net| net.contains(address));
                proptest::prop_assert!(net && who.org.len() <= 256 && who.abuse.len() <= 4);
            }
        }
    }
}

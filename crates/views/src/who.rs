//! `monban whois ADDRESS`: a card of an address, and the next step.

use monban_model::{Address, Country, Origin, Who, WhoAnswer};
use serde_json::{Value, json};

use crate::next::{Side, next_step};
use crate::{LocalClock, Say, printable, table, time_json};

/// All that a card shows.
#[derive(Clone, Debug)]
pub struct WhoCard<'a> {
    /// The address that was asked about.
    pub address: Address,
    /// What came of it.
    pub answer: &'a WhoAnswer,
    /// What the database of places says; empty without one.
    pub place: Origin,
    /// The name of the system there.
    pub place_as_name: &'a str,
    /// The country that the reader lives in.
    pub home: Option<Country>,
}

impl WhoCard<'_> {
    /// Country and system: by the registry, else by the database.
    pub fn origin(&self) -> Origin {
        self.who().map(Who::origin).unwrap_or_default().or(self.place)
    }

    fn who(&self) -> Option<&Who> {
        match self.answer {
            WhoAnswer::Known(who) => Some(who),
            _ => None,
        }
    }

    fn side(&self) -> Side {
        Side::of(self.home, self.origin().country)
    }

    /// The commands of the next step; none for what is nobody's on the Internet.
    fn commands(&self) -> Vec<String> {
        match self.answer {
            WhoAnswer::NotPublic(_) => Vec::new(),
            _ => next_step(self.address, self.side(), true),
        }
    }
}

/// The card as text.
pub fn who_text(card: &WhoCard<'_>, say: &Say, clock: &LocalClock) -> String {
    let address = card.address.to_string();
    let address = ("address", address.as_str());
    if let WhoAnswer::NotPublic(special) = card.answer {
        let kind = say.text(&format!("who-kind-{}", special.word()), &[]);
        return say.text("who-not-public", &[address, ("kind", &kind)]) + "\n";
    }
    let mut text = format!("{}\n", card.address);
    if let WhoAnswer::Failed(why) = card.answer {
        let why = printable(why.as_bytes());
        text = say.text("who-failed", &[address, ("why", &why)]) + "\n";
    }
    let mut rows = Vec::new();
    let mut row = |key: &str, value: String| {
        if !value.is_empty() {
            rows.push(format!("  {}\t{value}", say.text(key, &[])));
        }
    };
    let who = card.who();
    row(
        "who-name",
        who.map_or_else(String::new, |who| reverse_name(say, &who.name, who.name_confirmed)),
    );
    row("who-country", country(card, say));
    if let Some(who) = who {
        row("who-network", network(who));
        row("who-holder", printable(who.org.as_bytes()));
    }
    row("who-system", system(card, say));
    if let Some(who) = who {
        row("who-abuse", abuse(who, say));
        let registry = who.registry.map_or("", |registry| registry.name());
        let key = if registry.is_empty() { "who-source-unnamed" } else { "who-source-at" };
        let (server, time) = (printable(who.source.as_bytes()), clock.when(who.looked_up));
        let values = [("registry", registry), ("server", &server), ("time", &time)];
        row("who-source", say.text(key, &values));
    }
    text.push_str(&table(&rows));
    let home = card.home.map_or_else(String::new, |home| home.to_string());
    let key = format!("who-next-{}", card.side().word());
    text.push_str(&format!("\n{}\n", say.text(&key, &[("home", &home)])));
    card.commands().iter().for_each(|command| text.push_str(&format!("  {command}\n")));
    text
}

/// The card as JSON: `address`, `known`, `public`, `special`, `why`, `name` (with `confirmed`),
/// `country`, `network` (`first`, `last`, `nets`, `name`), `org`, `asn`, `as_name`, `route`,
/// `abuse`, `abuse_from`, `registry`, `source`, `looked_up`, `place` (what the database of places
/// says) and `next` (`side`: `home`, `abroad` or `unknown`, and `commands`).
pub fn who_json(card: &WhoCard<'_>) -> Value {
    let mut value = json!({
        "address": card.address.to_string(),
        "known": card.who().is_some(),
        "public": true,
        "country": card.origin().country.map(|country| country.to_string()),
        "asn": card.origin().asn.map(|asn| asn.0),
        "place": {
            "country": card.place.country.map(|country| country.to_string()),
            "asn": card.place.asn.map(|asn| asn.0),
            "as_name": text(card.place_as_name),
        },
        "next": {"side": card.side().word(), "commands": card.commands()},
    });
    match card.answer {
        WhoAnswer::Failed(why) => value["why"] = json!(why),
        WhoAnswer::NotPublic(special) => {
            value["public"] = json!(false);
            value["special"] = json!(special.word());
        }
        WhoAnswer::Known(who) => fill(&mut value, who),
    }
    value
}

fn fill(value: &mut Value, who: &Who) {
    value["name"] = match who.name.is_empty() {
        true => Value::Null,
        false => json!({"name": who.name, "confirmed": who.name_confirmed}),
    };
    value["network"] = who.net.map_or(Value::Null, |net| {
        let nets: Vec<String> = net.nets().iter().map(ToString::to_string).collect();
        let (first, last) = (net.first().to_string(), net.last().to_string());
        json!({"first": first, "last": last, "nets": nets, "name": text(&who.netname)})
    });
    value["org"] = text(&who.org);
    value["as_name"] = text(&who.as_name);
    value["route"] = json!(who.route.map(|route| route.to_string()));
    value["abuse"] = json!(who.abuse);
    value["abuse_from"] = json!(who.abuse_from.map(|from| from.word()));
    value["registry"] = json!(who.registry.map(|registry| registry.name()));
    value["source"] = text(&who.source);
    value["looked_up"] = time_json(who.looked_up);
}

fn text(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { json!(text) }
}

/// A host name by reverse lookup. Whoever has the address may write any name there: one that does
/// not lead back says so.
pub(crate) fn reverse_name(say: &Say, name: &str, is_confirmed: bool) -> String {
    let name = printable(name.as_bytes());
    match is_confirmed || name.is_empty() {
        true => name,
        false => say.text("who-name-unconfirmed", &[("name", &name)]),
    }
}

fn country(card: &WhoCard<'_>, say: &Say) -> String {
    let told = |country: Option<Country>| country.map_or_else(String::new, |it| it.to_string());
    let (own, place) = (told(card.who().and_then(|who| who.country)), told(card.place.country));
    match (own.as_str(), place.as_str()) {
        ("", "") => String::new(),
        ("", place) => say.text("who-country-by-database", &[("country", place)]),
        (own, "") => own.to_owned(),
        (own, place) if own == place => own.to_owned(),
        (own, place) => say.text("who-country-other", &[("country", own), ("other", place)]),
    }
}

fn network(who: &Who) -> String {
    let span = who.net.map_or_else(String::new, |net| match &net.nets()[..] {
        [one] => format!("{one} ({net})"),
        _ => net.to_string(),
    });
    format!("{span}  {}", printable(who.netname.as_bytes())).trim().to_owned()
}

fn system(card: &WhoCard<'_>, say: &Say) -> String {
    let Some(asn) = card.origin().asn else { return String::new() };
    let own = card.who().filter(|who| who.asn == Some(asn));
    let name = own.map(|who| who.as_name.as_str()).filter(|name| !name.is_empty());
    let name = name.unwrap_or(if card.place.asn == Some(asn) { card.place_as_name } else { "" });
    let system = format!("{asn} {}", printable(name.as_bytes()));
    match own.and_then(|who| who.route) {
        Some(net) => {
            let values = [("system", system.trim()), ("net", &net.to_string())];
            say.text("who-system-route", &values)
        }
        None => system.trim().to_owned(),
    }
}

fn abuse(who: &Who, say: &Say) -> String {
    let Some((first, rest)) = who.abuse.split_first() else {
        return say.text("who-abuse-none", &[]);
    };
    let key = who.abuse_from.map_or_else(String::new, |from| format!("who-abuse-{}", from.word()));
    let first = say.text(&key, &[("mail", &printable(first.as_bytes()))]);
    let rest = rest.iter().map(|mail| printable(mail.as_bytes()));
    std::iter::once(first).chain(rest).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use monban_model::{AbuseFrom, Asn, Registry, Span, Special, Stamp};

    use super::*;
    use crate::Tongue;

    fn who() -> Who {
        let address = |text: &str| text.parse().unwrap();
        Who {
            name: "host.example".into(),
            net: Span::new(address("94.102.63.129"), address("94.102.63.255")),
            netname: "NL-ECATEL".into(),
            org: "ECATEL\u{1b} LTD".into(),
            country: "NL".parse().ok(),
            asn: Some(Asn(29073)),
            route: "94.102.48.0/20".parse().ok(),
            abuse: vec!["abuse@ecatel.net".into(), "abuse@ecatel.info".into()],
            abuse_from: Some(AbuseFrom::Comment),
            registry: Some(Registry::Ripe),
            source: "whois.ripe.net".into(),
            ..Who::nothing(address("94.102.63.160"), Stamp(0))
        }
    }

    fn card<'a>(answer: &'a WhoAnswer, home: &str) -> WhoCard<'a> {
        let address = "94.102.63.160".parse().unwrap();
        let place = Origin { country: "DE".parse().ok(), asn: None };
        WhoCard { address, answer, place, place_as_name: "", home: home.parse().ok() }
    }

    #[test]
    fn the_card_says_who_it_is_and_what_to_do_next() {
        let answer = WhoAnswer::Known(Box::new(who()));
        let say = Say::new(Tongue::English);
        let text = who_text(&card(&answer, "JP"), &say, &LocalClock::of_system());
        let lines: Vec<&str> = text.lines().collect();
        let shown = "94.102.63.160
  name     host.example (does not lead back to the address)
  country  NL (the database of places says DE)
  network  94.102.63.129 - 94.102.63.255  NL-ECATEL
  holder   ECATEL\\x1b LTD
  system   AS29073, announces 94.102.48.0/20
  abuse    abuse@ecatel.net (the registry's word), abuse@ecatel.info";
        assert_eq!(lines[..7], shown.lines().collect::<Vec<_>>());
        assert!(lines[7].starts_with("  source   RIPE NCC, whois.ripe.net, at "), "{text}");
        let next = ["It is outside of JP. To shut it out:", "  monban ban 94.102.63.160 --for 7d"];
        assert_eq!(lines[9..], next);
        let home = who_text(&card(&answer, "NL"), &say, &LocalClock::of_system());
        assert!(home.ends_with("tell its provider:\n  monban report 94.102.63.160\n"), "{home}");
        let open = who_text(&card(&answer, ""), &say, &LocalClock::of_system());
        assert!(open.contains("monban ban") && open.contains("monban report"), "{open}");
        let japanese = Say::new(Tongue::Japanese);
        let text = who_text(&card(&answer, "JP"), &japanese, &LocalClock::of_system());
        assert!(text.contains("JP の外です"), "{text}");
    }

    #[test]
    fn json_has_the_same() {
        let answer = WhoAnswer::Known(Box::new(who()));
        let value = who_json(&card(&answer, "JP"));
        assert_eq!(value["network"]["nets"].as_array().unwrap().len(), 7);
        assert_eq!(value["abuse"], json!(["abuse@ecatel.net", "abuse@ecatel.info"]));
        assert_eq!(value["next"]["side"], "abroad");
        let special = WhoAnswer::NotPublic(Special::Private);
        assert_eq!(who_json(&card(&special, "JP"))["next"]["commands"], json!([]));
    }

    #[test]
    fn every_kind_of_answer_has_its_words() {
        for tongue in [Tongue::English, Tongue::Japanese] {
            let say = Say::new(tongue);
            let mut answers: Vec<WhoAnswer> = Special::ALL.map(WhoAnswer::NotPublic).to_vec();
            answers.push(WhoAnswer::Failed("down".into()));
            for from in AbuseFrom::ALL {
                answers.push(WhoAnswer::Known(Box::new(Who { abuse_from: Some(from), ..who() })));
            }
            for answer in answers {
                let text = who_text(&card(&answer, "JP"), &say, &LocalClock::of_system());
                assert!(!text.contains("who-") && !text.contains('?'), "{text}");
            }
        }
    }
}

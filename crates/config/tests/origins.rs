//! `[[origin]]`: what is written, what it means, and what is said of mistakes.

#![allow(clippy::unwrap_used, reason = "all of it is test code")]

use monban_config::Config;
use monban_model::{
    Asn, Kind, OneOf, Origin, OriginAct, OriginLogin, OriginRule, Reach, Scope, Severity,
};

fn rules(text: &str) -> Vec<OriginRule> {
    Config::parse("/etc/monban/monban.toml", text).unwrap().origins
}

fn problems(text: &str) -> Vec<String> {
    match Config::parse("monban.toml", text) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

fn from(text: &str) -> Origin {
    text.parse().unwrap()
}

#[test]
fn a_table_means_what_it_says_and_the_usual_beside() {
    let text = "[[origin]]\ncountries = \"!jp\"\nthen = \"block\"\n\n\
        [[origin]]\nas = [\"AS4134\", \"4713\"]\ncountries = [\"CN\", \"RU\", \"CN\"]\n\
        services = [\"sshd\"]\nkinds = [\"login-failed\"]\nthen = \"block\"\nlogins = \"block\"\n\
        block = \"forever\"\nports = [22]\nseverity = \"critical\"\n\
        [[origin]]\ncountries = [\"JP\"]\nthen = \"allow\"\n";
    let [abroad, narrow, home] = &rules(text)[..] else { panic!("three") };
    assert_eq!((abroad.number, abroad.place.as_str()), (1, "monban.toml:1"));
    assert!(abroad.fits(from("CN")) && !abroad.fits(from("JP")) && !abroad.fits(from("?")));
    assert_eq!((abroad.then, abroad.logins), (OriginAct::Block, OriginLogin::Alarm));
    assert_eq!((&abroad.reach, abroad.severity), (&Reach::EveryService, Severity::Warning));
    assert_eq!((abroad.first_s, &abroad.scope), (None, &None));
    assert!(abroad.kinds.contains(Kind::Probe) && abroad.kinds.contains(Kind::LoginFailed));
    assert!(!abroad.kinds.contains(Kind::HttpRefused) && !abroad.kinds.contains(Kind::HttpLogin));
    assert_eq!((narrow.number, narrow.place.as_str()), (2, "monban.toml:5"));
    assert_eq!(narrow.systems, OneOf::These(vec![Asn(4134), Asn(4713)]));
    assert!(narrow.fits(from("CN, AS4134")) && !narrow.fits(from("CN, AS1")));
    assert_eq!((narrow.first_s, narrow.logins), (Some(None), OriginLogin::Block));
    assert_eq!(narrow.scope, Some(Scope::Ports(vec![22])));
    assert!(!narrow.kinds.contains(Kind::Probe));
    assert!(home.kinds.contains(Kind::HttpRefused));
    assert_eq!((home.then, home.logins), (OriginAct::Allow, OriginLogin::Ignore));
}

#[test]
fn all_mistakes_are_told_at_once_with_place_and_hint() {
    let text = "[[origin]]\ncountries = [\"UK\", \"China\", \"XY\", \"EU\"]\nthen = \"block\"\n\
        [[origin]]\nas = [\"AS4134x\", \"ASN 5\"]\nthen = \"blok\"\n\
        [[origin]]\nthen = \"alarm\"\nblock = \"1h\"\n\
        [[origin]]\ncountries = [\"JP\", \"!CN\"]\n\
        [[origin]]\ncountries = []\nthen = \"allow\"\nseverity = \"info\"\n\
        [[origin]]\ncountries = [\"CN\"]\nthen = \"alarm\"\nlogins = \"block\"\ncountry = \"CN\"\n";
    let expected = [
        "monban.toml:2: `countries`: `UK` is no country; did you mean `GB`?",
        "monban.toml:2: `countries`: `China` is no country code of two letters, such as JP",
        "monban.toml:2: `countries`: `XY` is no country (ISO 3166)",
        "monban.toml:2: `countries`: `EU` is no country (ISO 3166)",
        "monban.toml:5: `as`: `AS4134x` is no number of an autonomous system, such as AS64496",
        "monban.toml:5: `as`: `ASN 5` is no number of an autonomous system, such as AS64496",
        "monban.toml:6: `then`: `blok` is no answer; did you mean `block`?",
        "monban.toml:7: an [[origin]] names neither `countries` nor `as` (it would be about \
         nobody); write for example countries = [\"CN\", \"RU\"], or countries = [\"!JP\"] for all \
         but Japan",
        "monban.toml:9: `block` in an [[origin]] with then = \"alarm\" (it would have no effect); \
         leave it out",
        "monban.toml:10: an [[origin]] has no `then`; write then = \"block\", \"alarm\" or \"allow\"",
        "monban.toml:11: `countries` names some with `!` and some without (it is either a list of \
         those that are meant, or of those that are not); use two tables [[origin]]; the first \
         that fits is the one",
        "monban.toml:13: `countries` names nothing; leave it out, or name some",
        "monban.toml:15: `severity` in an [[origin]] with then = \"allow\" (it would have no \
         effect); leave it out",
        "monban.toml:19: `logins` = \"block\" in an [[origin]] with then = \"alarm\" (who may fail \
         there may also come in); write then = \"block\"",
        "monban.toml:20: unknown key `country` in [[origin]] (it would have no effect); did you \
         mean `countries`?",
    ];
    let said = problems(text);
    for line in &expected {
        assert!(said.contains(&(*line).to_owned()), "{line}\nnot in\n{}", said.join("\n"));
    }
    assert_eq!(said.len(), expected.len(), "{}", said.join("\n"));
}

#[test]
fn allow_and_block_of_the_same_country_is_a_mistake_and_an_exception_is_none() {
    let two =
        |one: &str, other: &str| problems(&format!("[[origin]]\n{one}\n[[origin]]\n{other}\n"));
    let (allow, block) = ("then = \"allow\"", "then = \"block\"");
    let cn = "countries = [\"CN\", \"RU\"]";
    let wrong = two(&format!("{cn}\n{allow}"), &format!("countries = [\"CN\", \"DE\"]\n{block}"));
    let expected = "monban.toml:4: [[origin]] 2 says block of CN, and [[origin]] 1 in line 1 says \
        allow (the first that fits is the one); take them out of one of both; for an exception (a \
        network in a country, a service) name that in the first";
    assert_eq!(wrong, [expected]);
    let not_jp = "countries = [\"!JP\"]";
    assert_eq!(two(&format!("{not_jp}\n{allow}"), &format!("{not_jp}\n{block}")).len(), 1);
    let system = "as = [\"AS1\"]";
    assert_eq!(two(&format!("{system}\n{block}"), &format!("{system}\n{allow}")).len(), 1);
    for (one, other) in [
        (format!("{cn}\n{system}\n{allow}"), format!("{cn}\n{block}")),
        (format!("{cn}\nservices = [\"sshd\"]\n{allow}"), format!("{cn}\n{block}")),
        (format!("countries = [\"JP\"]\n{allow}"), format!("{not_jp}\n{block}")),
        (format!("{cn}\nthen = \"alarm\""), format!("{cn}\n{block}")),
        (format!("{cn}\n{block}\nkinds = [\"probe\"]"), format!("{not_jp}\n{allow}")),
    ] {
        assert_eq!(two(&one, &other), [""; 0], "{one}\n{other}");
    }
}

#[test]
fn a_service_that_nobody_describes_is_told_with_its_line() {
    let text = "[[origin]]\ncountries = [\"CN\"]\nthen = \"block\"\n\
        [[origin]]\ncountries = [\"CN\"]\nservices = [\"sshd\",\n\"sshb\"]\nthen = \"alarm\"\n";
    let config = Config::parse("monban.toml", text).unwrap();
    let said: Vec<String> = config
        .unknown_services("monban.toml", text, &["sshd", "dovecot"])
        .iter()
        .map(ToString::to_string)
        .filter(|said| said.contains("origin"))
        .collect();
    let expected = "monban.toml:7: [[origin]] 2 is for the service `sshb` (no rule file describes \
        that service, so it would be about nothing); did you mean `sshd`?";
    assert_eq!(said, [expected]);
}

#[test]
fn more_tables_than_are_compared_are_a_mistake() {
    let text = "[[origin]]\ncountries = [\"CN\"]\nthen = \"alarm\"\n".repeat(65);
    let said = problems(&text);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("monban.toml:193: more than 64 tables [[origin]]"), "{}", said[0]);
}

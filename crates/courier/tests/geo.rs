//! Databases of places: every usual schema, and files that somebody damaged.
#![allow(clippy::unwrap_used)]

mod mmdb;

use mmdb::Value::{Map, Number, Text};
use mmdb::{Value, country, database};
use monban_courier::who::{Geo, GeoError, Place};
use monban_model::{Address, Asn};
use proptest::prelude::*;

fn ask(geo: &Geo, address: &str) -> String {
    let place = geo.lookup(address.parse().unwrap()).unwrap();
    let country = place.country.map_or("-".to_owned(), |country| country.to_string());
    let asn = place.asn.map_or("-".to_owned(), |asn| asn.to_string());
    format!("{country} {asn} {}", place.as_name)
}

#[test]
fn countries_and_systems_of_every_usual_schema() {
    let maxmind = Map(vec![("country", Map(vec![("iso_code", Text("NL"))]))]);
    let registered = Map(vec![("registered_country", Map(vec![("iso_code", Text("DE"))]))]);
    let asn = Map(vec![
        ("autonomous_system_number", Number(29073)),
        ("autonomous_system_organization", Text("ECATEL\x1b[2J LTD")),
    ]);
    let ipinfo = Map(vec![
        ("country", Text("jp")),
        ("asn", Text("AS64496")),
        ("as_name", Text("Example K.K.")),
    ]);
    let strange = Map(vec![("country", Number(7)), ("asn", Text("none")), ("x", Text("y"))]);
    let nets: &[(&str, Value)] = &[
        ("94.102.48.0/20", country("NL")),
        ("1.0.0.0/8", maxmind),
        ("2.0.0.0/8", registered),
        ("3.0.0.0/8", asn),
        ("4.0.0.0/8", ipinfo),
        ("5.0.0.0/8", strange),
        ("6.0.0.0/8", Text("no map")),
        ("2a00::/12", country("SE")),
    ];
    let geo = Geo::of_bytes(database("test", nets)).unwrap();
    for (address, told) in [
        ("94.102.63.160", "NL - "),
        ("94.102.64.0", "- - "),
        ("1.2.3.4", "NL - "),
        ("2.2.3.4", "DE - "),
        ("3.2.3.4", "- AS29073 ECATEL[2J LTD"),
        ("4.2.3.4", "JP AS64496 Example K.K."),
        ("5.2.3.4", "- - "),
        ("6.2.3.4", "- - "),
        ("2a0f::1", "SE - "),
        ("3000::1", "- - "),
    ] {
        assert_eq!(ask(&geo, address), told, "{address}");
    }
    let facts = geo.check().unwrap();
    assert_eq!((facts.kind.as_str(), facts.description.as_str()), ("test", "a database for tests"));
    assert_eq!((facts.countries, facts.systems, facts.six), (true, true, true));
    assert_eq!(facts.built.to_string(), "2025-10-09T08:53:20Z");
}

#[test]
fn what_is_no_database_or_tells_nothing_is_refused() {
    for bytes in [&b""[..], b"PK\x03\x04", b"\xab\xcd\xefMaxMind.com", &[0; 4096]] {
        assert!(matches!(Geo::of_bytes(bytes.to_vec()), Err(GeoError::Damaged(_))));
    }
    let nothing = Geo::of_bytes(database("cities", &[("1.0.0.0/8", Text("Paris"))])).unwrap();
    assert!(matches!(nothing.check(), Err(GeoError::NothingOfUse)));
}

/// A database that claims to know everybody, also who is in the next room.
#[test]
fn networks_of_ones_own_are_nowhere_for_who_decides_by_it() {
    let everywhere = Map(vec![("country_code", Text("CN")), ("asn", Number(64496))]);
    let nets = [("0.0.0.0/1", everywhere.clone()), ("128.0.0.0/1", everywhere.clone())];
    let nets = nets.into_iter().chain([("2000::/3", everywhere.clone()), ("f000::/4", everywhere)]);
    let geo = Geo::of_bytes(database("test", &nets.collect::<Vec<_>>())).unwrap();
    for (address, told) in [
        ("94.102.63.160", "CN, AS64496"),
        ("203.0.113.9", "CN, AS64496"),
        ("2a0f::1", "CN, AS64496"),
        ("10.1.2.3", "?"),
        ("192.168.1.9", "?"),
        ("100.64.0.1", "?"),
        ("127.0.0.1", "?"),
        ("fe80::1", "?"),
        ("fd00::1", "?"),
    ] {
        assert_eq!(geo.origin(address.parse().unwrap()).unwrap().to_string(), told, "{address}");
    }
}

fn some() -> Vec<u8> {
    let asn = Map(vec![("asn", Number(1)), ("as_name", Text("name"))]);
    let nets =
        [("94.102.48.0/20", country("NL")), ("1.0.0.0/8", asn), ("2a00::/12", country("SE"))];
    database("test", &nets)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Every byte of a small file may be wrong, and it may end anywhere.
    #[test]
    fn damaged_files_give_errors_and_nothing_else(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        end in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = some();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(end) = end {
            bytes.truncate(end.index(bytes.len()));
        }
        if let Ok(geo) = Geo::of_bytes(bytes) {
            // Whatever they say, they end.
            let _ = geo.check();
            for address in ["94.102.63.160", "1.2.3.4", "2a00::1", "255.255.255.255"] {
                let place = geo.lookup(address.parse::<Address>().unwrap());
                prop_assert!(place.is_err() || place.is_ok_and(|it| it.as_name.len() <= 256));
            }
        }
    }
}

#[test]
fn an_entry_that_points_to_itself_ends() {
    // A pointer to itself, in place of the first value: type 1, of 11 bits, to offset 0.
    let mut bytes = some();
    let data = bytes.windows(16).position(|window| window == [0; 16]).unwrap() + 16;
    bytes[data] = 0x20;
    bytes[data + 1] = 0;
    let geo = Geo::of_bytes(bytes).unwrap();
    let place = geo.lookup("94.102.63.160".parse().unwrap());
    assert!(place.is_err() || place.is_ok_and(|place| place == Place::default()));
    assert!(geo.check().is_err());
    assert_eq!(Asn(1).to_string(), "AS1");
}

#[test]
fn a_tree_with_circles_is_given_up() {
    let mut bytes = some();
    // Both ways of the first nodes lead to the root: a tree of 2 to the power of 128 leaves.
    bytes[..6 * 8].fill(0);
    let start = std::time::Instant::now();
    if let Ok(geo) = Geo::of_bytes(bytes) {
        assert!(geo.check().is_err());
        let _ = geo.lookup("94.102.63.160".parse().unwrap());
    }
    assert!(start.elapsed().as_secs() < 5);
}

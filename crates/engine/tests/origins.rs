//! Where somebody is decides what becomes of him.

#![allow(clippy::unwrap_used, reason = "all of it is test code")]

mod world;

use monban_engine::{Effect, Engine, Hooked, Observation, Saved, Setup};
use monban_model::wire::Command;
use monban_model::*;
use world::World;

const EVE: &str = "203.0.113.9";

fn rule(then: OriginAct, countries: OneOf<Country>) -> OriginRule {
    let usual = if then == OriginAct::Allow { OriginLogin::Ignore } else { OriginLogin::Alarm };
    OriginRule {
        number: 1,
        place: "monban.toml:12".to_owned(),
        countries,
        systems: OneOf::Any,
        reach: Reach::EveryService,
        kinds: if then == OriginAct::Allow { KindSet::of(Kind::ALL) } else { ORIGIN_KINDS },
        then,
        logins: usual,
        first_s: None,
        scope: None,
        severity: Severity::Warning,
    }
}

fn these(codes: &[&str]) -> OneOf<Country> {
    OneOf::These(codes.iter().map(|code| code.parse().unwrap()).collect())
}

fn all_but(code: &str) -> OneOf<Country> {
    OneOf::AllBut(vec![code.parse().unwrap()])
}

fn from(text: &str) -> Origin {
    text.parse().unwrap()
}

fn world(rules: Vec<OriginRule>) -> World {
    let numbered = (1..).zip(rules).map(|(number, rule)| OriginRule { number, ..rule });
    World::with(Setup { origins: numbered.collect(), ..world::setup() })
}

struct Seen<'a> {
    kind: Kind,
    address: Option<&'a str>,
    pid: u64,
}

fn fails(address: &str) -> Seen<'_> {
    Seen { kind: Kind::LoginFailed, address: Some(address), pid: 0 }
}

fn enters(address: &str) -> Seen<'_> {
    Seen { kind: Kind::LoginAccepted, address: Some(address), pid: 0 }
}

/// A table whose logins are blocked as well.
fn unwanted() -> OriginRule {
    OriginRule { logins: OriginLogin::Block, ..rule(OriginAct::Block, these(&["CN"])) }
}

/// As the watcher does it: who is asked about is looked up, and nobody else.
fn see(world: &mut World, seen: &Seen<'_>, origin: &str) -> Option<Address> {
    see_at(world, world.now, seen, origin)
}

/// As [`see`], with the time that the line says.
fn see_at(world: &mut World, time: Stamp, seen: &Seen<'_>, origin: &str) -> Option<Address> {
    let sighting = Sighting {
        kind: seen.kind,
        time,
        address: seen.address.map(|address| address.parse().unwrap()),
        user: Some(b"root"),
        method: None,
        details: Details::default(),
        service: ServiceId(0),
        connection: (seen.pid > 0).then_some(ConnectionKey(seen.pid)),
        witness: Witness(0),
        also: Also::Nothing,
        rule: RuleId(0),
        weight: 1,
        line: b"a line",
    };
    let asked = world.engine.asks_where(&sighting);
    match asked {
        Some(_) => world.tell(Observation::SightingFrom(&sighting, from(origin))),
        None => world.tell(Observation::Sighting(&sighting)),
    }
    asked
}

fn reasons(world: &World) -> Vec<String> {
    let text = |decision: &&Decision| match &decision.because {
        Because::Origin(by) => by.to_string(),
        other => other.word().to_owned(),
    };
    world.decisions().iter().map(text).collect()
}

fn found_here(world: &World) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    for record in world.records() {
        if let Event::FoundHere(finding) = &record.event {
            let of = |name: &str| {
                let value = finding.values.iter().find(|(known, _)| known == name);
                value.map(|(_, value)| value.clone()).unwrap_or_default()
            };
            found.push((finding.key.as_str(), format!("{} {}", of("origin"), of("more"))));
        }
    }
    found
}

#[test]
fn the_first_failure_from_there_blocks_and_says_why() {
    let mut world = world(vec![rule(OriginAct::Block, these(&["CN", "RU"]))]);
    see(&mut world, &fails(EVE), "CN, AS4134");
    assert_eq!(world.blocks(), [(EVE.to_owned(), 600)]);
    assert_eq!(reasons(&world), ["CN, AS4134 by [[origin]] 1 at monban.toml:12"]);
    let finding = world.findings()[0];
    assert_eq!((finding.kind, finding.failures), (FindingKind::Unwanted, 1));
    assert_eq!((finding.evidence.len(), finding.policy.as_str()), (1, "default"));
    // Late lines of whom is blocked are not told one by one.
    for _ in 0..100 {
        see(&mut world, &fails(EVE), "CN, AS4134");
    }
    assert!(world.findings().len() < 10, "{}", world.findings().len());
}

#[test]
fn what_is_not_known_and_others_are_counted_by_the_policies() {
    for origin in ["?", "JP", "AP", "AS4134"] {
        let mut world = world(vec![rule(OriginAct::Block, all_but("JP"))]);
        for _ in 0..4 {
            see(&mut world, &fails(EVE), origin);
        }
        assert_eq!(world.blocks().len(), 0, "{origin}");
        see(&mut world, &fails(EVE), origin);
        assert_eq!((world.blocks().len(), &*reasons(&world)[0]), (1, "policy"), "{origin}");
    }
}

#[test]
fn nobody_is_asked_about_without_a_table_that_is_about_it() {
    let mut none = world(Vec::new());
    assert_eq!(see(&mut none, &fails(EVE), "CN"), None);
    let narrow = OriginRule {
        kinds: KindSet::of(&[Kind::LoginFailed]),
        logins: OriginLogin::Ignore,
        ..rule(OriginAct::Block, these(&["CN"]))
    };
    let mut one = world(vec![narrow.clone()]);
    let of = |kind, address| Seen { kind, address, pid: 7 };
    assert_eq!(see(&mut one, &of(Kind::HttpProbe, Some(EVE)), "CN"), None);
    assert_eq!(see(&mut one, &of(Kind::LoginAccepted, Some(EVE)), "CN"), None);
    assert_eq!(see(&mut one, &of(Kind::LoginFailed, Some(EVE)), "CN"), EVE.parse().ok());
    // A line without an address belongs to that of its connection.
    assert_eq!(see(&mut one, &of(Kind::LoginFailed, None), "CN"), EVE.parse().ok());
    let reach = Reach::Services(vec!["dovecot".to_owned()]);
    let mut other = world(vec![OriginRule { reach, ..narrow }]);
    assert_eq!(see(&mut other, &fails(EVE), "CN"), None);
}

#[test]
fn the_address_may_come_with_another_line_of_the_connection() {
    let mut world = world(vec![rule(OriginAct::Block, these(&["CN"]))]);
    let of = |kind, address| Seen { kind, address, pid: 7 };
    assert_eq!(see(&mut world, &of(Kind::LoginFailed, None), "?"), None);
    assert_eq!(see(&mut world, &of(Kind::Probe, Some(EVE)), "CN"), EVE.parse().ok());
    assert_eq!(world.blocks().len(), 1);
}

#[test]
fn the_first_table_that_fits_is_the_one() {
    let ours = OriginRule {
        systems: OneOf::These(vec![Asn(4713)]),
        ..rule(OriginAct::Allow, these(&["CN"]))
    };
    let rules = vec![ours, rule(OriginAct::Block, these(&["CN"]))];
    let mut world = world(rules);
    for _ in 0..20 {
        see(&mut world, &fails(EVE), "CN, AS4713");
    }
    assert_eq!(world.blocks().len(), 0);
    let allowed = "CN, AS4713 by [[origin]] 1 at monban.toml:12";
    assert!(!reasons(&world).is_empty());
    assert!(reasons(&world).iter().all(|reason| reason == allowed), "{:?}", reasons(&world));
    see(&mut world, &fails("203.0.113.10"), "CN, AS4134");
    assert_eq!(world.blocks()[0].0, "203.0.113.10");
}

#[test]
fn an_operators_block_holds_also_where_an_origin_is_allowed() {
    let mut world = world(vec![rule(OriginAct::Allow, these(&["JP"]))]);
    let subject = Subject::of(EVE.parse().unwrap());
    let ban = Command::Ban { subject, for_s: Some(60), why: String::new() };
    assert!(world.command(ban).0);
    for _ in 0..9 {
        see(&mut world, &fails(EVE), "JP");
    }
    assert!(reasons(&world)[1..].iter().all(|reason| reason == "already-blocked"));
    assert!(world.blocks().len() >= 2, "it is ordered again, not lifted");
}

#[test]
fn invariant_i4_an_allowed_address_is_not_blocked_by_its_origin() {
    let mut world = world(vec![rule(OriginAct::Block, these(&["CN"]))]);
    world.tell(Observation::Allow(vec!["203.0.113.0/24".parse().unwrap()]));
    for _ in 0..50 {
        see(&mut world, &fails(EVE), "CN");
    }
    assert_eq!(world.blocks().len(), 0);
    assert!(reasons(&world).iter().all(|reason| reason == "allowed"));
    assert_eq!(reasons(&world).len(), 10, "as often as without a table");
}

#[test]
fn invariant_i9_nobody_is_locked_out_who_is_logged_in_as_administrator() {
    let login = Seen { kind: Kind::LoginAccepted, address: Some(EVE), pid: 7 };
    for is_administrator in [true, false] {
        let mut world = world(vec![unwanted()]);
        see(&mut world, &login, "CN");
        assert_eq!(found_here(&world), [("origin-login", "CN ".to_owned())]);
        assert_eq!(world.engine.wake_at(), Some(world.now.plus_s(6)));
        // The warden sees the session some seconds after the line.
        world.at(3);
        let administrators = if is_administrator { vec![EVE.parse().unwrap()] } else { Vec::new() };
        world.tell(Observation::Present { administrators, guests: Vec::new() });
        world.tell(Observation::Tick);
        assert_eq!(world.blocks().len(), 0, "not before it is known who it is");
        world.at(6).tell(Observation::Tick);
        assert_eq!(world.blocks().len(), usize::from(!is_administrator));
        let reason =
            if is_administrator { "administrator" } else { "CN by [[origin]] 1 at monban.toml:12" };
        assert_eq!(reasons(&world), [reason]);
    }
}

#[test]
fn a_login_in_an_old_line_is_judged_at_its_own_time() {
    // Blocks take ten minutes: that of an hour ago is over already.
    for (ago_s, orders) in [(3600, 0), (300, 1), (0, 1)] {
        let mut world = world(vec![unwanted()]);
        let login = world.now.plus_ms(-1000 * ago_s);
        see_at(&mut world, login, &enters(EVE), "CN");
        world.at(6).tell(Observation::Tick);
        let until = Some(login.plus_s(600));
        assert_eq!(world.decisions()[0].verdict, Verdict::Block { until }, "{ago_s} s ago");
        assert_eq!(world.blocks().len(), orders, "{ago_s} s ago");
    }
}

#[test]
fn a_login_that_waits_outlives_a_reload_while_a_table_blocks_it() {
    let alarm = rule(OriginAct::Alarm, these(&["CN"]));
    let allow = rule(OriginAct::Allow, these(&["CN"]));
    let other = rule(OriginAct::Block, these(&["RU"]));
    let told = "CN by [[origin]] 2 at monban.toml:12";
    let cases = [
        (vec![unwanted()], Some("CN by [[origin]] 1 at monban.toml:12")),
        (vec![other.clone(), unwanted()], Some(told)),
        (vec![allow, unwanted()], None),
        (vec![alarm], None),
        (vec![other], None),
        (Vec::new(), None),
    ];
    for (rules, reason) in cases {
        let mut world = world(vec![unwanted()]);
        see(&mut world, &enters(EVE), "CN");
        world.at(3);
        world.engine.set_up(Setup { origins: world_rules(rules), ..world::setup() });
        world.at(6).tell(Observation::Tick);
        assert_eq!(reasons(&world), Vec::from_iter(reason));
        assert_eq!(world.blocks().len(), reason.iter().len());
    }
}

#[test]
fn a_login_that_the_hook_told_first_is_judged_once() {
    let mut world = world(vec![unwanted()]);
    world.tell(Observation::Hooked(Hooked {
        time: world.now,
        service: "sshd".to_owned(),
        user: b"root".to_vec(),
        by: None,
        address: EVE.parse().ok(),
        method: None,
        key: None,
        terminal: None,
        origin: from("CN"),
    }));
    world.at(3).tell(Observation::Tick);
    assert_eq!((world.logins().len(), found_here(&world).len()), (1, 1));
    world.at(5);
    see(&mut world, &enters(EVE), "CN");
    world.at(30).tell(Observation::Tick);
    assert_eq!((world.logins().len(), found_here(&world).len()), (1, 1));
    assert_eq!((world.findings().len(), world.blocks().len()), (1, 1));
    // One more login is one more.
    world.at(700);
    see(&mut world, &enters(EVE), "CN");
    assert_eq!(found_here(&world).last(), Some(&("origin-login", "CN ".to_owned())));
}

#[test]
fn a_flood_is_told_of_once_in_ten_minutes() {
    let mut world = world(vec![rule(OriginAct::Alarm, all_but("JP"))]);
    for at in 0..1000 {
        let address = format!("203.0.113.{}", at % 250);
        see(&mut world, &fails(&address), "CN");
    }
    assert_eq!(found_here(&world), [("origin-failure", "CN ".to_owned())]);
    world.at(601);
    see(&mut world, &fails(EVE), "RU, AS5");
    let told = [("origin-failure", "CN ".to_owned()), ("origin-failure", "RU, AS5 999".to_owned())];
    assert_eq!(found_here(&world), told);
}

#[test]
fn policies_go_on_beside_an_alarm() {
    let mut world = world(vec![rule(OriginAct::Alarm, these(&["CN"]))]);
    for _ in 0..5 {
        see(&mut world, &fails(EVE), "CN");
    }
    assert_eq!((world.blocks().len(), &*reasons(&world)[0]), (1, "policy"));
}

#[test]
fn each_account_and_address_is_told_of_at_its_login_also_by_the_hook_alone() {
    let mut world = world(vec![rule(OriginAct::Block, these(&["CN"]))]);
    for address in [EVE, EVE, "203.0.113.10"] {
        see(&mut world, &Seen { kind: Kind::LoginAccepted, address: Some(address), pid: 0 }, "CN");
    }
    assert_eq!(found_here(&world).len(), 2);
    world.tell(Observation::Hooked(Hooked {
        time: world.now,
        service: "sshd".to_owned(),
        user: b"alice".to_vec(),
        by: None,
        address: "203.0.113.11".parse().ok(),
        method: None,
        key: None,
        terminal: None,
        origin: from("CN"),
    }));
    world.at(10).tell(Observation::Tick);
    assert_eq!(found_here(&world).len(), 3);
    assert_eq!(world.blocks().len(), 0, "who came in is told of");
}

#[test]
fn a_policy_that_observes_goes_on_observing() {
    let mut setup = world::setup();
    setup.policies[0].blocks = false;
    setup.origins = vec![rule(OriginAct::Block, these(&["CN"]))];
    let mut world = World::with(setup);
    for _ in 0..10 {
        see(&mut world, &fails(EVE), "CN");
    }
    assert_eq!(world.blocks().len(), 0);
    assert_eq!(world.findings().len(), 2, "as often as without a table");
}

#[test]
fn time_and_ports_of_the_table_are_in_place_of_the_policys() {
    let own = OriginRule {
        first_s: Some(Some(86_400)),
        scope: Some(Scope::Ports(vec![22])),
        ..rule(OriginAct::Block, these(&["CN"]))
    };
    let mut world = world(vec![own]);
    see(&mut world, &fails(EVE), "CN");
    assert_eq!(world.blocks(), [(EVE.to_owned(), 86_400)]);
    assert_eq!(world.decisions()[0].scope, Scope::Ports(vec![22]));
}

#[test]
fn whom_we_know_may_fail_twice() {
    let mut world = world(vec![rule(OriginAct::Block, these(&["CN"]))]);
    world.tell(Observation::Present {
        administrators: Vec::new(),
        guests: vec![EVE.parse().unwrap()],
    });
    see(&mut world, &fails(EVE), "CN");
    assert_eq!(world.blocks().len(), 0);
    see(&mut world, &fails(EVE), "CN");
    assert_eq!(world.blocks().len(), 1);
}

#[test]
fn invariant_i1_the_same_origins_give_the_same_records_also_after_a_kill() {
    let rules = || {
        let alarm = rule(OriginAct::Alarm, these(&["RU"]));
        vec![rule(OriginAct::Block, these(&["CN"])), alarm, rule(OriginAct::Allow, these(&["JP"]))]
    };
    let play = |kills: bool| -> Vec<Effect> {
        let mut world = world(rules());
        let setup = || Setup { origins: world_rules(rules()), ..world::setup() };
        let mut rows = world::Rows::default();
        for at in 0..400_i64 {
            let origin = ["CN, AS1", "RU", "JP", "?", "DE"][at as usize % 5];
            let address = format!("203.0.113.{}", at % 40);
            world.at(at * 20);
            see(&mut world, &fails(&address), origin);
            if kills {
                rows.apply(world.engine.take_changes());
                let (next_seq, next_order) = world.engine.next_numbers();
                let saved: Saved = rows.saved(next_seq, next_order);
                world.engine = Engine::new(setup(), saved);
            }
        }
        world.effects
    };
    let (whole, killed) = (play(false), play(true));
    assert!(whole.len() > 100);
    assert_eq!(whole, killed);
}

fn world_rules(rules: Vec<OriginRule>) -> Vec<OriginRule> {
    (1..).zip(rules).map(|(number, rule)| OriginRule { number, ..rule }).collect()
}

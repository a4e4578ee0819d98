//! The invariants of design that belong to the engine.

#![allow(clippy::unwrap_used, reason = "all of it is test code")]

mod world;

use monban_engine::{Effect, Observation};
use monban_model::wire::Command;
use monban_model::{
    Because, Event, Kind, Net, OrderAct, Outcome, OutcomeResult, Subject, Verdict, limits,
};
use world::{Rows, World};

const EVE: &str = "192.0.2.1";

fn net(text: &str) -> Net {
    text.parse().unwrap()
}

fn subject(text: &str) -> Subject {
    text.parse().unwrap()
}

/// A seeded swarm of observations: the same seed gives the same.
fn swarm(world: &mut World, steps: u32, mut between: impl FnMut(&mut World, u32)) {
    let mut state = 42_u64;
    let mut next = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) % below
    };
    let mut clock = 0;
    for step in 0..steps {
        clock += next(30) as i64;
        let address = format!("198.51.100.{}", next(20));
        let (pid, witness) = (next(40), next(4) as u8);
        world.at(clock);
        match next(20) {
            0 => world.see(Kind::LoginAccepted, &address, pid, 0),
            1 => world.see(Kind::ConnectionClosed, &address, pid, 0),
            2 => world.see(Kind::Probe, &address, pid, 2),
            3 => world.tell(Observation::Tick),
            4 => world.see(Kind::LoginFailed, "-", pid, witness),
            _ => world.see(Kind::LoginFailed, &address, pid, witness),
        }
        between(world, step);
    }
}

#[test]
fn invariant_i1_replay_gives_the_same_records_also_across_restarts() {
    let mut undisturbed = World::new();
    swarm(&mut undisturbed, 5000, |_, _| {});
    assert!(undisturbed.blocks().len() > 20, "the swarm is an attack");
    let mut again = World::new();
    swarm(&mut again, 5000, |_, _| {});
    assert_eq!(undisturbed.effects, again.effects);
    let mut restarted = World::new();
    let mut rows = Rows::default();
    swarm(&mut restarted, 5000, |world, step| {
        if step % 7 == 0 {
            world.restart(&mut rows);
        }
    });
    assert_eq!(undisturbed.effects, restarted.effects, "evidence and all");
}

#[test]
fn invariant_i2_every_block_has_an_end_or_an_explicit_forever() {
    let mut world = World::new();
    swarm(&mut world, 3000, |_, _| {});
    for effect in &world.effects {
        if let Effect::Order(order) = effect
            && let OrderAct::Block { until, .. } = &order.act
        {
            assert!(until.is_some(), "no policy here says forever");
        }
    }
    world.command(Command::Ban { subject: subject(EVE), for_s: None, why: "x".into() });
    assert_eq!(world.blocks().last(), Some(&(EVE.to_owned(), 0)));
}

#[test]
fn invariant_i3_memory_has_an_end() {
    let mut world = World::new();
    for n in 0..(limits::TALLIES_MAX as u32 + 5000) {
        let address = std::net::Ipv4Addr::from_bits(0x0A00_0000 + n).to_string();
        world.see(Kind::LoginFailed, &address, u64::from(n) + 1, 0);
        world.effects.clear();
    }
    let (tallies, _) = world.engine.sizes();
    assert!(tallies <= limits::TALLIES_MAX);
    let evicted = world.engine.evicted();
    assert!(evicted.tallies >= 5000, "evictions are counted: {evicted:?}");
    assert!(evicted.connections > 0);
}

#[test]
fn invariant_i4_an_allowed_address_is_never_blocked() {
    let mut world = World::new();
    world.tell(Observation::Allow(vec![net("192.0.2.0/24"), net("2001:db8::5")]));
    for n in 0..40 {
        world.at(n).fail(EVE);
        world.fail("2001:db8::5");
    }
    assert!(world.blocks().is_empty());
    assert!(world.decisions().iter().all(|d| matches!(d.because, Because::Allowed(_))));
    // A neighbour in the same /64 is blocked alone.
    for _ in 0..5 {
        world.fail("2001:db8::77");
    }
    assert_eq!(world.blocks(), [("2001:db8::77/128".to_owned(), 600)]);
    let ban = Command::Ban { subject: subject(EVE), for_s: None, why: String::new() };
    assert_eq!(world.command(ban), (false, vec!["ban-refused-allowed".into()]));
    let wide = Command::Ban { subject: subject("192.0.0.0/16"), for_s: None, why: String::new() };
    assert!(!world.command(wide).0, "a network that holds allowed addresses neither");
}

#[test]
fn invariant_i8_every_decision_names_its_evidence() {
    let mut world = World::new();
    swarm(&mut world, 3000, |_, _| {});
    let mut found = std::collections::BTreeMap::new();
    for record in world.records() {
        match &record.event {
            Event::Found(finding) => {
                found.insert(record.seq, finding.evidence.len());
            }
            Event::Decided(decision) if decision.because == Because::Policy => {
                let lines = decision.finding.and_then(|seq| found.get(&seq));
                assert!(lines.is_some_and(|lines| *lines > 0), "{decision:?}");
            }
            _ => {}
        }
    }
}

#[test]
fn invariant_i9_a_present_administrator_is_never_locked_out() {
    let mut world = World::new();
    let present = Observation::Present {
        administrators: vec![EVE.parse().unwrap()],
        guests: vec!["198.51.100.9".parse().unwrap()],
    };
    world.tell(present);
    for _ in 0..50 {
        world.fail(EVE);
    }
    assert!(world.blocks().is_empty());
    assert!(world.decisions().iter().all(|d| d.because == Because::Administrator));
    for n in 0..10 {
        assert!(world.blocks().is_empty(), "a guest at failure {n}");
        world.fail("198.51.100.9");
    }
    assert_eq!(world.blocks().len(), 1);
}

#[test]
fn an_administrator_who_logs_in_from_a_blocked_address_frees_it() {
    let mut world = World::new();
    for _ in 0..5 {
        world.fail(EVE);
    }
    world.tell(Observation::Present { administrators: vec![EVE.parse().unwrap()], guests: vec![] });
    let last = world.decisions().into_iter().next_back().unwrap();
    assert_eq!((last.verdict, &last.because), (Verdict::Free, &Because::Administrator));
}

#[test]
fn a_failed_order_is_tried_again_and_a_refused_one_is_dropped() {
    let mut world = World::new();
    for _ in 0..5 {
        world.fail(EVE);
    }
    let outcome = |order: u64, result| {
        Observation::Outcome(Outcome {
            order: monban_model::OrderId(order),
            subject: subject(EVE),
            result,
        })
    };
    world.tell(outcome(1, OutcomeResult::Failed("EBUSY".into())));
    world.at(0).tell(Observation::Tick);
    assert_eq!(world.blocks().len(), 1, "not at once");
    world.at(1).tell(Observation::Tick);
    assert_eq!(world.blocks().len(), 2);
    world.tell(outcome(2, OutcomeResult::Refused("allowed".into())));
    world.at(500).tell(Observation::Tick);
    assert_eq!((world.blocks().len(), world.engine.sizes().1), (2, 0));
}

#[test]
fn a_line_that_comes_through_a_block_orders_it_again() {
    let mut world = World::new();
    for _ in 0..10 {
        world.fail(EVE);
    }
    assert_eq!(world.blocks(), [(EVE.to_owned(), 600), (EVE.to_owned(), 600)]);
    assert_eq!(world.decisions()[1].because, Because::AlreadyBlocked);
    // From then on whenever it has become twice as much: 20, 40, 80, 160, 320 and 640.
    for _ in 10..1000 {
        world.fail(EVE);
    }
    assert_eq!(world.decisions().len(), 2 + 6);
}

#[test]
fn old_lines_place_no_block_that_is_over() {
    let mut world = World::new();
    for _ in 0..5 {
        world.fail(EVE);
    }
    let blocks = world.blocks().len();
    // The same attack, read an hour later from an old log.
    let mut late = World::new();
    late.at(3600);
    let clock = late.now;
    for _ in 0..5 {
        late.at(0);
        let line = b"old";
        let sighting = monban_model::Sighting {
            kind: Kind::LoginFailed,
            time: late.now,
            address: EVE.parse().ok(),
            user: None,
            method: None,
            details: Default::default(),
            service: monban_model::ServiceId(0),
            connection: None,
            witness: monban_model::Witness(0),
            also: monban_model::Also::Nothing,
            rule: monban_model::RuleId(0),
            weight: 1,
            line,
        };
        late.engine.step(clock, Observation::Sighting(&sighting), &mut late.effects);
    }
    assert_eq!((blocks, late.blocks().len()), (1, 0));
    assert_eq!(late.decisions().len(), 1, "decided, for the history, but not ordered");
}

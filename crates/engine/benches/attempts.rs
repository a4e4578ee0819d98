//! A failed login through the engine: `cargo bench -p monban-engine --bench attempts`.
//!
//! * `known`: an attacker who has failed before, with ten to a million of them in turn; beyond
//!   the bound of the tallies each of them was forgotten meanwhile.
//! * `unknown`: somebody who has never failed, after that many others.
//! * `harmless`: a sighting that counts nothing.

use divan::Bencher;
use monban_engine::{Engine, Observation, Saved, Setup};
use monban_model::{
    Address, Also, Backoff, Catalog, ConnectionKey, Kind, KindSet, Policy, Reach, RuleId, RuleInfo,
    Scope, ServiceId, ServiceInfo, Sighting, Stamp, Window, Witness,
};

const ATTACKERS: [u32; 6] = [10, 100, 1_000, 10_000, 100_000, 1_000_000];

fn main() {
    divan::main();
}

#[divan::bench(args = ATTACKERS)]
fn known(bencher: Bencher<'_, '_>, attackers: u32) {
    let mut world = World::after(attackers);
    let mut number = 0;
    bencher.bench_local(|| {
        number = (number + 1) % attackers;
        world.see(Kind::LoginFailed, number);
    });
}

#[divan::bench(args = ATTACKERS)]
fn unknown(bencher: Bencher<'_, '_>, attackers: u32) {
    let mut world = World::after(attackers);
    let mut number = attackers;
    bencher.bench_local(|| {
        number += 1;
        world.see(Kind::LoginFailed, number);
    });
}

#[divan::bench]
fn harmless(bencher: Bencher<'_, '_>) {
    let mut world = World::after(1_000);
    bencher.bench_local(|| world.see(Kind::Harmless, 1));
}

struct World {
    engine: Engine,
    effects: Vec<monban_engine::Effect>,
    now: Stamp,
    connection: u64,
}

impl World {
    /// So many attackers have failed once each.
    fn after(attackers: u32) -> Self {
        let engine = Engine::new(setup(), Saved::default());
        let now = Stamp::from_s(1_000_000);
        let mut world = Self { engine, effects: Vec::new(), now, connection: 0 };
        for number in 0..attackers {
            world.see(Kind::LoginFailed, number);
        }
        world
    }

    /// A sighting in a connection of its own, a millisecond after the one before.
    fn see(&mut self, kind: Kind, number: u32) {
        self.connection += 1;
        self.now = Stamp(self.now.0 + 1);
        let address = Address::new(std::net::Ipv4Addr::from_bits(0x0A00_0000 + number).into());
        let sighting = Sighting {
            kind,
            time: self.now,
            address: Some(address),
            user: Some(b"root"),
            method: Some(b"password"),
            details: Default::default(),
            service: ServiceId(0),
            connection: Some(ConnectionKey(self.connection)),
            witness: Witness(0),
            also: Also::Nothing,
            rule: RuleId(0),
            weight: 1,
            line:
                b"Nov 22 05:33:01 host sshd[24200]: Failed password for root from 10.0.0.1 port 1",
        };
        self.engine.step(self.now, Observation::Sighting(&sighting), &mut self.effects);
        self.effects.clear();
    }
}

/// The policy for logins as it comes.
fn setup() -> Setup {
    let rule =
        RuleInfo { name: "sshd/failed".into(), service: ServiceId(0), kind: Kind::LoginFailed };
    let policy = Policy {
        name: "default".into(),
        reach: Reach::EveryService,
        kinds: KindSet::of(&[Kind::LoginFailed]),
        window: Window { failures: 5, length_s: 600 },
        slow: Some(Window { failures: 10, length_s: 86_400 }),
        backoff: Backoff {
            first_s: Some(600),
            factor: 2,
            longest_s: 604_800,
            forget_s: 30 * 86_400,
        },
        scope: Scope::All,
        blocks: true,
    };
    let service = ServiceInfo { name: "sshd".into(), ports: vec![22], shell: true };
    let catalog = Catalog { services: vec![service], rules: vec![rule] };
    Setup { catalog, policies: vec![policy], ..Setup::default() }
}

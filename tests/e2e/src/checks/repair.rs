//! Another program throws the rules away.

use std::time::{Duration, Instant};

use crate::checks::config;
use crate::guard::Guard;
use crate::kernel::{Ear, elements, flush_ruleset, wait_blocked};
use crate::lines::{Log, failed_password, many};
use crate::machine::World;
use crate::runner::Setting;
use crate::trouble::{Tried, must};
use crate::waiting::until_true;

/// Blocks in force when the rules go.
const BLOCKED: u32 = 50;
/// A flush has to be noticed and repaired within this.
const REPAIR_MAX: Duration = Duration::from_secs(1);

/// `nft flush ruleset` while an attack goes on: every block comes back, and the attack that
/// goes on is blocked as well.
pub fn after_a_flush(setting: &Setting) -> Tried<String> {
    let world = World::new()?;
    let mut log = Log::open(&world.server.log("auth.log"))?;
    let plan = setting.plan(&world.server, &config("10m"), &["auth.log"]);
    let _guard = Guard::start(&world.server, plan)?;
    let mut attack = |number: u32| -> Tried<String> {
        let address = many(number);
        let lines: String = (0..5).map(|_| failed_password(2000 + number, &address)).collect();
        log.write(&lines)?;
        Ok(address)
    };
    for number in 0..BLOCKED {
        attack(number)?;
    }
    let last = many(BLOCKED - 1);
    wait_blocked(&world.server, &last, Duration::from_secs(5))?;
    let before = elements(&world.server)?;
    let mut longest = Duration::ZERO;
    for round in 0..setting.sized(3, 20) {
        let mut ear = Ear::on(&world.server)?;
        flush_ruleset(&world.server)?;
        let flushed = Instant::now();
        let during = attack(BLOCKED + round)?;
        let heard = ear.wait_for(&many(0), Duration::from_secs(10))?;
        longest = longest.max(heard.saturating_duration_since(flushed));
        wait_blocked(&world.server, &during, Duration::from_secs(5))?;
        until_true("every block is back", Duration::from_secs(5), || {
            Ok(elements(&world.server)?.is_superset(&before))
        })?;
    }
    must(longest <= REPAIR_MAX, || format!("the repair took {longest:?}"))?;
    Ok(format!("{} blocks back at most {longest:.1?} after a flush", before.len()))
}

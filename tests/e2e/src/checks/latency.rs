//! From the line in the log to the element in the kernel.

use std::thread;
use std::time::{Duration, Instant};

use crate::checks::config;
use crate::guard::Guard;
use crate::kernel::Ear;
use crate::lines::{Log, failed_password, many};
use crate::machine::World;
use crate::runner::Setting;
use crate::trouble::{Tried, must};

/// What the design asks for: half of the blocks within this.
const P50_MAX: Duration = Duration::from_millis(2);
/// And 99 in a hundred within this.
const P99_MAX: Duration = Duration::from_millis(10);
/// On a machine that does other work beside, more than this is still a defect.
const P50_BROKEN: Duration = Duration::from_millis(50);

/// The fifth failure of 200 addresses, one after the other: from the end of the write to the
/// message with which the kernel tells of the new element.
pub fn line_to_element(setting: &Setting) -> Tried<String> {
    let world = World::new()?;
    let mut log = Log::open(&world.server.log("auth.log"))?;
    let plan = setting.plan(&world.server, &config("10m"), &["auth.log"]);
    let _guard = Guard::start(&world.server, plan)?;
    let mut ear = Ear::on(&world.server)?;
    let count = setting.sized(50, 200);
    let mut taken = Vec::new();
    for number in 0..count {
        let address = many(number);
        for attempt in 0..4 {
            log.write(&failed_password(number * 8 + attempt + 1000, &address))?;
        }
        thread::sleep(Duration::from_millis(10));
        log.write(&failed_password(number * 8 + 1004, &address))?;
        let written = Instant::now();
        let heard = ear.wait_for(&address, Duration::from_secs(5))?;
        taken.push(heard.saturating_duration_since(written));
    }
    taken.sort_unstable();
    let at = |percent: usize| taken[(taken.len() - 1) * percent / 100];
    let (p50, p99) = (at(50), at(99));
    must(p50 < P50_BROKEN, || format!("p50 is {p50:?}"))?;
    let verdict = if p50 <= P50_MAX && p99 <= P99_MAX { "met" } else { "NOT met" };
    Ok(format!(
        "{count} addresses: p50 {p50:.2?}, p99 {p99:.2?}, most {:.2?} (goal {P50_MAX:?} and \
         {P99_MAX:?} {verdict})",
        at(100)
    ))
}

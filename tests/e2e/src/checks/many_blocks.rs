//! A great many blocks over restarts, and their end.

use std::thread;
use std::time::{Duration, Instant};

use crate::checks::config;
use crate::checks::flood::write;
use crate::command::{run, run_within};
use crate::guard::Guard;
use crate::kernel::{count, subject, wait_blocked};
use crate::lines::{Log, many};
use crate::machine::{Machine, World};
use crate::runner::Setting;
use crate::trouble::{Tried, Trouble, must};
use crate::waiting::until_true;

/// What the design asks for, for 100,000 blocks.
const GOAL: Duration = Duration::from_millis(500);

/// Blocks that are in force are put back at a start, into the table that the kernel still has and
/// into a new one, and `free --all` ends them. Each takes from the command on: a start to the first
/// answer of the warden, who answers when all are in the kernel.
pub fn over_restarts(setting: &Setting) -> Tried<String> {
    let attackers: u32 = setting.sized(20_000, 100_000);
    let last = many(attackers - 1);
    let world = World::new()?;
    let server = &world.server;
    let mut log = Log::open(&server.log("auth.log"))?;
    let plan = setting.plan(server, &config("1h"), &["auth.log"]);
    let mut guard = Guard::start(server, plan.clone())?;
    let begun = Instant::now();
    write(&mut log, attackers, 5)?;
    wait_blocked(server, &last, Duration::from_secs(600))?;
    let blocked = begun.elapsed();
    let all = count(server)?;
    must(all >= usize::try_from(attackers).unwrap_or(0), || format!("{all} are blocked"))?;
    let mut taken = Vec::new();
    for is_new in [false, true] {
        guard.stop()?;
        if is_new {
            run(server.command("nft").args(["delete", "table", "inet", "monban"]))?;
        }
        let start = Instant::now();
        guard = Guard::start(server, plan.clone())?;
        taken.push(start.elapsed());
        let again = count(server)?;
        must(again == all, || format!("{again} of {all} are blocked behind a start"))?;
    }
    let start = Instant::now();
    let (gone, answered) = thread::scope(|scope| {
        let freed = scope.spawn(|| guard.monban(&["free", "--all"])?.good().map(drop));
        let gone = until_true("all are freed", Duration::from_secs(20), || is_free(server, &last));
        let freed = freed.join().unwrap_or_else(|_| Err(Trouble("the command".to_owned())));
        freed.and(gone).map(|gone| (gone, start.elapsed()))
    })?;
    taken.push(gone);
    let left = count(server)?;
    must(left == 0, || format!("{left} are left behind free --all"))?;
    run(server.command("nft").args(["list", "chain", "inet", "monban", "gate"]))?;
    let told = format!(
        "{all} blocked by their lines in {:.1} s; put back at a start in {:.0?}, into a new table \
         in {:.0?}, freed in {:.0?} (goal {GOAL:?} each; each free is recorded after {answered:.1?})",
        blocked.as_secs_f64(),
        taken[0],
        taken[1],
        taken[2],
    );
    setting.goal(taken.iter().all(|took| *took <= GOAL), told)
}

/// Whether the kernel does not hold an address, without a look at all others.
fn is_free(machine: &Machine, address: &str) -> Tried<bool> {
    let set = if address.contains(':') { "hosts6" } else { "hosts4" };
    let element = format!("{{ {} }}", subject(address));
    let mut command = machine.command("nft");
    command.args(["get", "element", "inet", "monban", set, &element]);
    let ran = run_within(&mut command, Duration::from_secs(10))?;
    must(ran.code == Some(0) || ran.err.contains("No such file"), || ran.err.clone())?;
    Ok(ran.code != Some(0))
}

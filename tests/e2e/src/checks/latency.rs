//! From the line in the log to the element in the kernel.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::checks::config;
use crate::guard::Guard;
use crate::kernel::Ear;
use crate::lines::{Log, failed_password, many};
use crate::machine::World;
use crate::runner::Setting;
use crate::traffic::{Attackers, Daemon, Pace, Traffic};
use crate::trouble::{Tried, Trouble, must};

/// What the design asks for: half of the blocks within this.
const P50_MAX: Duration = Duration::from_millis(2);
/// And 99 in a hundred within this.
const P99_MAX: Duration = Duration::from_millis(10);
/// On a machine that does other work beside, more than this is still a defect.
const P50_BROKEN: Duration = Duration::from_millis(50);

/// Lines of others each second, both logs together.
const LOAD_PER_S: u32 = 100_000;
/// Whose lines these are: half of all are by two thousand who come again and again, and each second
/// there are about 1,400 strangers, who come once.
const LOAD: Attackers = Attackers { known: 2000, strangers: 500_000, stranger_in: 50 };
/// The load has run for so long before anything is measured.
const WARM_UP: Duration = Duration::from_secs(2);

/// The fifth failure of 200 addresses, one after the other: from the end of the write to the
/// message with which the kernel tells of the new element.
pub fn line_to_element(setting: &Setting) -> Tried<String> {
    let world = World::new()?;
    let path = world.server.log("auth.log");
    Log::open(&path)?;
    let plan = setting.plan(&world.server, &config("10m"), &["auth.log"]);
    let _guard = Guard::start(&world.server, plan)?;
    let taken = measure(&world, &path, setting.sized(50, 200))?;
    must(taken.at(50) < P50_BROKEN, || format!("p50 is {:?}", taken.at(50)))?;
    setting.goal(taken.is_met(), taken.to_string())
}

/// The same while others write [`LOAD_PER_S`] lines of sshd, half to the same log, half to
/// another.
pub fn under_load(setting: &Setting) -> Tried<String> {
    let world = World::new()?;
    let paths = ["auth.log", "other.log"].map(|name| world.server.log(name));
    for path in &paths {
        Log::open(path)?;
    }
    let plan = setting.plan(&world.server, &config("1h"), &["auth.log", "other.log"]);
    let _guard = Guard::start(&world.server, plan)?;
    let stop = AtomicBool::new(false);
    let (taken, load) = thread::scope(|scope| {
        let writer = scope.spawn(|| write_load(&paths, &stop));
        thread::sleep(WARM_UP);
        let taken = measure(&world, &paths[0], setting.sized(50, 200));
        stop.store(true, Ordering::Relaxed);
        let load = writer.join().unwrap_or_else(|_| Err(Trouble("the writer".to_owned())));
        (taken, load)
    });
    let (taken, (lines, took)) = (taken?, load?);
    let per_s = lines as f64 / took.as_secs_f64();
    // What is written faster than it is read waits, and nothing of this would be shown.
    must(per_s > 0.8 * f64::from(LOAD_PER_S), || format!("only {per_s:.0} lines/s were written"))?;
    // The writer shares two cores with all others here; that no block is lost must hold anywhere.
    setting.goal(taken.is_met(), format!("{taken}, beside {per_s:.0} lines/s"))
}

fn write_load(paths: &[impl AsRef<Path>], stop: &AtomicBool) -> Tried<(usize, Duration)> {
    let mut logs = Vec::new();
    for path in paths {
        logs.push(Log::open(path.as_ref())?);
    }
    let mut traffic = Traffic::new(3, LOAD);
    let mut pace = Pace::new(LOAD_PER_S);
    let mut text = String::new();
    while !stop.load(Ordering::Relaxed) {
        let count = pace.wait();
        for log in &mut logs {
            text.clear();
            traffic.write(Daemon::Sshd, count / paths.len(), &mut text);
            log.write(&text)?;
        }
    }
    Ok(pace.given())
}

/// From the end of the write of the fifth line to the element, for each of so many addresses.
fn measure(world: &World, path: &Path, count: u32) -> Tried<Taken> {
    let mut log = Log::open(path)?;
    let mut ear = Ear::on(&world.server)?;
    let mut taken = Vec::new();
    for number in 0..count {
        let address = many(number);
        for attempt in 0..4 {
            log.write(&failed_password(number * 8 + attempt + 1000, &address))?;
        }
        thread::sleep(Duration::from_millis(10));
        log.write(&failed_password(number * 8 + 1004, &address))?;
        let written = Instant::now();
        let heard = ear.wait_for(&address, Duration::from_secs(60))?;
        taken.push(heard.saturating_duration_since(written));
    }
    taken.sort_unstable();
    Ok(Taken(taken))
}

/// How long each took, in order.
struct Taken(Vec<Duration>);

impl Taken {
    fn at(&self, percent: usize) -> Duration {
        self.0.get(self.0.len().saturating_sub(1) * percent / 100).copied().unwrap_or_default()
    }

    fn is_met(&self) -> bool {
        self.at(50) <= P50_MAX && self.at(99) <= P99_MAX
    }
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (p50, p99, most) = (self.at(50), self.at(99), self.at(100));
        let count = self.0.len();
        write!(
            f,
            "{count} addresses: p50 {p50:.2?}, p99 {p99:.2?}, most {most:.2?} (goal {P50_MAX:?} \
             and {P99_MAX:?})"
        )
    }
}

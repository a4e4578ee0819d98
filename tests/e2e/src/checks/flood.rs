//! A great many attackers at once.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::checks::config;
use crate::guard::Guard;
use crate::kernel::{count, wait_blocked};
use crate::lines::{Log, failed_password, many};
use crate::machine::World;
use crate::memory::{PeakPss, family, peak_rss_kib};
use crate::runner::Setting;
use crate::trouble::{Tried, must};

/// What the design allows for a million attackers, all processes together: 64 MB of 1000 kB.
const PEAK_MIB_MAX: f64 = 64_000_000.0 / 1_048_576.0;
/// Lines that are written at once.
const CHUNK: u32 = 5_000;
/// The last attacker; his block shows that everything before it has been read.
const SENTINEL: u32 = 3_999_999;

/// Every attacker fails once; then one in ten fails five times and is blocked.
pub fn of_attackers(setting: &Setting) -> Tried<String> {
    let attackers: u32 = setting.sized(100_000, 1_000_000);
    let hammering = attackers / setting.sized(50, 10);
    let world = World::new()?;
    let mut log = Log::open(&world.server.log("auth.log"))?;
    let plan = setting.plan(&world.server, &config("1h"), &["auth.log"]);
    let guard = Guard::start(&world.server, plan)?;
    let peak = PeakPss::of(guard.pid);
    let start = Instant::now();
    write(&mut log, attackers, 1)?;
    write(&mut log, hammering, 5)?;
    for at in 0..5 {
        log.write(&failed_password(900 + at, &many(SENTINEL)))?;
    }
    wait_blocked(&world.server, &many(SENTINEL), Duration::from_secs(600))?;
    let took_s = start.elapsed().as_secs_f64();
    let peak_mib = peak.stop_mib();
    let rss_mib = family(guard.pid).into_iter().map(peak_rss_kib).sum::<u64>() / 1024;
    let status = guard.json(&["status"])?;
    let evicted = evictions(&status);
    must(evicted > 0, || format!("status shows no evictions: {status}"))?;
    let blocked = count(&world.server)?;
    must(blocked >= usize::try_from(hammering).unwrap_or(0), || {
        format!("{blocked} of {hammering} are blocked")
    })?;
    must(peak_mib <= PEAK_MIB_MAX, || format!("the peak is {peak_mib:.0} MiB"))?;
    Ok(format!(
        "{attackers} attackers, {blocked} blocked in {took_s:.1} s: peak PSS {peak_mib:.1} MiB \
         (goal {PEAK_MIB_MAX:.1} met; sum of peak RSS {rss_mib} MiB), {evicted} evictions shown"
    ))
}

/// Writes so many failures of each of so many attackers.
pub fn write(log: &mut Log, attackers: u32, failures: u32) -> Tried<()> {
    let mut text = String::new();
    for number in 0..attackers {
        for at in 0..failures {
            text.push_str(&failed_password(1000 + (number + at) % 4_000_000, &many(number)));
        }
        if number % CHUNK == CHUNK - 1 || number == attackers - 1 {
            log.write(&text)?;
            text.clear();
        }
    }
    Ok(())
}

/// The sum of all numbers whose name speaks of evictions.
fn evictions(json: &Value) -> u64 {
    match json {
        Value::Array(list) => list.iter().map(evictions).sum(),
        Value::Object(map) => {
            let sum = |(key, value): (&String, &Value)| match value.as_u64() {
                Some(number) if key.contains("evict") => number,
                _ => evictions(value),
            };
            map.iter().map(sum).sum()
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evictions_are_found_anywhere() {
        let json = serde_json::json!({"a": {"evicted": 2}, "evictions": {"tallies": 1, "b": 0}});
        assert_eq!(evictions(&json), 2);
    }
}

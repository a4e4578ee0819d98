//! Processes and their memory, as the kernel tells them.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// The children of a process, of all its threads.
pub fn children(pid: i32) -> Vec<i32> {
    let mut found = Vec::new();
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return found;
    };
    for thread in threads.flatten() {
        let list = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        found.extend(list.split_whitespace().filter_map(|child| child.parse::<i32>().ok()));
    }
    found
}

/// A process and everything below it.
pub fn family(pid: i32) -> Vec<i32> {
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(pid) = found.get(next).copied() {
        found.extend(children(pid));
        next += 1;
    }
    found
}

/// The arguments of a process, with spaces between; empty if it is gone.
pub fn arguments(pid: i32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ").trim_end().to_owned()
}

/// Processor time of a process, all below it, and all of those that ended, in seconds.
pub fn cpu_s(pid: i32) -> f64 {
    let ticks = |pid: i32| -> u64 {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name may hold anything; what stands behind its last bracket is numbers.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        fields.skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum()
    };
    let sum: u64 = family(pid).into_iter().map(ticks).sum();
    let per_s = rustix::param::clock_ticks_per_second().max(1);
    sum as f64 / per_s as f64
}

/// Proportional set size of a process in KiB: shared pages are divided among their users.
pub fn pss_kib(pid: i32) -> u64 {
    field_kib(&format!("/proc/{pid}/smaps_rollup"), "Pss:")
}

/// Resident set of a process in KiB: shared pages count for each of their users.
pub fn rss_kib(pid: i32) -> u64 {
    field_kib(&format!("/proc/{pid}/status"), "VmRSS:")
}

/// How often the threads of a process began to wait: as often each of them was woken.
pub fn waits(pid: i32) -> u64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let of = |thread: fs::DirEntry| {
        let text = fs::read_to_string(thread.path().join("status")).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.and_then(|number| number.trim().parse::<u64>().ok()).unwrap_or(0)
    };
    threads.map(of).sum()
}

/// How many descriptors a process has open.
pub fn descriptors(pid: i32) -> u64 {
    fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, |list| list.count() as u64)
}

/// The largest resident set that a process has had, in KiB.
pub fn peak_rss_kib(pid: i32) -> u64 {
    field_kib(&format!("/proc/{pid}/status"), "VmHWM:")
}

fn field_kib(path: &str, name: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Samples the PSS of a family until it is asked for the peak.
pub struct PeakPss {
    stop: Arc<AtomicBool>,
    peak_kib: Arc<AtomicU64>,
    sampler: Option<thread::JoinHandle<()>>,
}

impl PeakPss {
    /// Begins to sample, ten times a second.
    pub fn of(pid: i32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let peak_kib = Arc::new(AtomicU64::new(0));
        let (stopped, peak) = (Arc::clone(&stop), Arc::clone(&peak_kib));
        let sampler = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let sum = family(pid).into_iter().map(pss_kib).sum();
                peak.fetch_max(sum, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(100));
            }
        });
        Self { stop, peak_kib, sampler: Some(sampler) }
    }

    /// The largest sum that was seen, in MiB.
    pub fn stop_mib(mut self) -> f64 {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(sampler) = self.sampler.take() {
            let _ = sampler.join();
        }
        let kib = u32::try_from(self.peak_kib.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
        f64::from(kib) / 1024.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_a_name() {
        let pid = i32::try_from(std::process::id()).unwrap();
        assert!(pss_kib(pid) > 100 && peak_rss_kib(pid) > 100);
        assert!(!arguments(pid).is_empty());
        assert!(family(pid).contains(&pid));
        assert_eq!(pss_kib(i32::MAX), 0);
    }
}

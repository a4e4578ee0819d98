//! Processes that run: their time and memory, as the kernel tells them.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, SysconfVar, sysconf};

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

fn children(pid: i32) -> Vec<i32> {
    let mut found = Vec::new();
    // A child belongs to the thread that made it.
    for thread in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        let list = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        found.extend(list.split_whitespace().filter_map(|child| child.parse::<i32>().ok()));
    }
    found
}

/// Processor seconds of a process, all below it, and those of theirs that ended: user and system.
pub fn cpu_s(pid: i32) -> (f64, f64) {
    let (mut user, mut system) = (0, 0);
    for pid in family(pid) {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name may hold anything; what stands behind its last bracket is numbers (proc(5)).
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11);
        let ticks: Vec<u64> = fields.take(4).filter_map(|field| field.parse().ok()).collect();
        if let [own_user, own_system, ended_user, ended_system] = ticks[..] {
            user += own_user + ended_user;
            system += own_system + ended_system;
        }
    }
    let per_s = sysconf(SysconfVar::CLK_TCK).ok().flatten().unwrap_or(100).max(1) as f64;
    (user as f64 / per_s, system as f64 / per_s)
}

/// What a process and all below it hold, in KiB; shared pages are divided among their users.
pub fn pss_kib(pid: i32) -> u64 {
    let of = |pid: i32| -> u64 {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
        let number = line.and_then(|rest| rest.split_whitespace().next());
        number.and_then(|number| number.parse().ok()).unwrap_or(0)
    };
    family(pid).into_iter().map(of).sum()
}

/// Ends a process that we started, and everything below it.
pub fn end(pid: i32) {
    for pid in family(pid) {
        // It may have ended by itself.
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_costs_something() {
        let pid = i32::try_from(std::process::id()).unwrap();
        assert!(pss_kib(pid) > 100);
        assert!(family(pid).contains(&pid));
        assert_eq!(cpu_s(i32::MAX), (0.0, 0.0));
    }
}

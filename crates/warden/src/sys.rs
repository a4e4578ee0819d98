//! The memory that the program itself takes.
//!
//! A start touches most of the program, here and there: it reads the configuration, compiles rules
//! and opens the ledger. For each touch the kernel maps sixteen pages around it, and mapped they
//! stay, and count. What works from then on is a part of that: docs/decisions/0015. The breakpoints
//! of a debugger go as well.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::fs;
use std::time::{Duration, Instant};

use rustix::mm::{Advice, madvise};

/// Now and then something rare is done, such as a report: so often it is let go again.
const EVERY: Duration = Duration::from_secs(60);

/// The parts of this process's memory that are the program and its libraries as they lie on the
/// disk.
#[derive(Debug, Default)]
pub struct ProgramText {
    /// Where each begins, and its length in bytes.
    parts: Vec<(usize, usize)>,
    due: Option<Instant>,
}

impl ProgramText {
    /// That of this process, to be asked for before rights are given up. Where it cannot be found
    /// nothing will be let go.
    pub fn find() -> Self {
        let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
        Self { parts: parts(&maps), due: None }
    }

    /// Has the kernel take the whole program out of this process's memory, if that is due: what is
    /// needed comes back at its next use, from the cache of files where it still is. For whenever
    /// there is nothing else to do.
    pub fn let_go(&mut self) {
        let now = Instant::now();
        if self.due.is_some_and(|due| now < due) {
            return;
        }
        self.due = Some(now + EVERY);
        for (begin, length) in &self.parts {
            let begin = std::ptr::without_provenance_mut::<c_void>(*begin);
            // SAFETY: these pages are maps of files and were never written to, so that one which
            // is read again has the same bytes; the kernel does the same by itself when memory is
            // short. It gave the bounds itself, and nothing unmaps the program.
            // If it refuses, all stays as it is.
            let _ = unsafe { madvise(begin, *length, Advice::LinuxDontNeed) };
        }
    }
}

/// Of proc_pid_maps(5): what is executed, and what lies at the very beginning of the file, which is
/// constants. Another part that may not be written now was written by the loader (RELRO).
fn parts(maps: &str) -> Vec<(usize, usize)> {
    let part = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let (bounds, rights, offset) = (words.next()?, words.next()?, words.next()?);
        // The device and the inode.
        let path = words.nth(2)?;
        let is_constant = rights == "r--p" && offset.bytes().all(|digit| digit == b'0');
        if !path.starts_with('/') || !(rights == "r-xp" || is_constant) {
            return None;
        }
        let (begin, end) = bounds.split_once('-')?;
        let begin = usize::from_str_radix(begin, 16).ok()?;
        Some((begin, usize::from_str_radix(end, 16).ok()?.checked_sub(begin)?))
    };
    maps.lines().filter_map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &str = "\
        55d0c0000000-55d0c0200000 r--p 00000000 fe:00 1234 /usr/bin/monban\n\
        55d0c0200000-55d0c0a00000 r-xp 00200000 fe:00 1234 /usr/bin/monban\n\
        55d0c0a00000-55d0c0b00000 r--p 00a00000 fe:00 1234 /usr/bin/monban\n\
        55d0c0b00000-55d0c0c00000 rw-p 00b00000 fe:00 1234 /usr/bin/monban\n\
        7f0000000000-7f0000100000 r--p 00000000 fe:00 77 /usr/lib/libc.so.6\n\
        7f0000100000-7f0000200000 r-xp 00100000 fe:00 77 /usr/lib/libc.so.6\n\
        7ffc00000000-7ffc00100000 rw-p 00000000 00:00 0 [stack]\n\
        nonsense\n";

    #[test]
    fn only_what_nobody_wrote_is_let_go() {
        let program = [(0x55d0_c000_0000, 0x20_0000), (0x55d0_c020_0000, 0x80_0000)];
        let library = [(0x7f00_0000_0000, 0x10_0000), (0x7f00_0010_0000, 0x10_0000)];
        assert_eq!(parts(MAPS), [program, library].concat());
        assert_eq!(parts(""), []);
    }

    #[test]
    fn this_program_goes_on_without_its_text_in_memory() {
        let mut text = ProgramText::find();
        assert!(!text.parts.is_empty());
        for _ in 0..100 {
            text.due = None;
            text.let_go();
        }
        let due = text.due;
        text.let_go();
        assert_eq!(text.due, due, "once in a while");
    }
}

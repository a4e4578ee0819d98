//! A writer that rotates in every style at random instants, and a reader that is killed at random
//! instants: in what is committed, every line stands exactly once and in order, but for those that
//! were deleted when nobody held them, which the test knows one by one.
//!
//! Writer and reader take turns by the seed, so that a failure can be repeated: it prints the
//! seed and its history. `MONBAN_SEED` is the first seed, `MONBAN_SEEDS` how many there are,
//! `MONBAN_LINES` the lines of each, `MONBAN_HEADER` the bytes that every file begins with (some
//! seeds have one in any case), and with `MONBAN_FREE=1` both run when the kernel lets them.
#![allow(clippy::unwrap_used, reason = "a test ends where something is wrong")]

mod rig;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rig::Rig;
use rig::baton::{Baton, Dice, LeaveAtEnd, Side};
use rig::model::{Model, number};
use rig::writer::Writer;

struct Reader {
    rig: Rig,
    dice: Dice,
    baton: Arc<Baton>,
    model: Arc<Mutex<Model>>,
    kills: u64,
    /// The last that went into the history.
    told: String,
}

impl Reader {
    fn act(&mut self) {
        match self.dice.roll(20) {
            0 => {
                self.kills += 1;
                self.rig.crash();
                self.model.lock().unwrap().kill();
                self.tell("kill");
            }
            1 if self.baton.is_free() => {
                std::thread::sleep(Duration::from_micros(self.dice.roll(3000)));
            }
            1 => {}
            2..8 => {
                self.rig.find();
                self.tell("find");
            }
            8..15 => {
                let bytes = 1 + self.dice.roll(3000) as usize;
                self.rig.read(bytes);
                self.tell("read");
            }
            _ => self.commit(),
        }
        self.baton.point(Side::Reader);
    }

    fn commit(&mut self) {
        let before = self.rig.lines.len();
        self.rig.commit();
        self.model.lock().unwrap().commit(&self.rig.lines[before..]);
        self.tell("commit");
    }

    fn tell(&mut self, what: &str) {
        let rows = self.rig.rows.values().map(|row| format!("{} at {}", row.ino, row.offset));
        let last = |lines: &[String]| lines.last().map_or(-1, |line| number(line) as i64);
        let now = format!(
            "row {}, committed to {}, open to {}, notices {}",
            rows.collect::<String>(),
            last(&self.rig.lines),
            last(&self.rig.open),
            self.rig.notices.len()
        );
        if now != self.told || what == "kill" {
            self.baton.tell(format!("{what}: {now}"));
            self.told = now;
        }
    }

    /// Reads what is left when the writer is done.
    fn end(&mut self) {
        for _ in 0..3 {
            self.rig.look();
            self.commit();
        }
        self.rig.ahead_s += 10;
        self.rig.look();
        self.commit();
    }
}

/// Runs one seed; answers the numbers of rotations, kills and lost lines.
fn run(seed: u64, total: u64, free: bool) -> Result<(u64, u64, u64), String> {
    let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    // Some logs begin with the same line in every file.
    let header =
        variable("MONBAN_HEADER").unwrap_or([0, 60, 0, 1500, 0][(seed % 5) as usize]) as usize;
    let baton = Arc::new(Baton::new(mixed, free));
    let model = Arc::new(Mutex::new(Model::default()));
    let mut rig = Rig::new(&["log"]);
    // What was rotated away before the first look is not read.
    rig.append("log", "");
    rig.find();
    rig.commit();
    let writer = {
        let mut writer = Writer::new(&rig.path("log"), mixed, header, baton.clone(), model.clone());
        let baton = baton.clone();
        std::thread::spawn(move || {
            let _leave = LeaveAtEnd(&baton);
            baton.start(Side::Writer);
            writer.write(total);
            (writer.count, writer.rotations)
        })
    };
    let at_point = baton.clone();
    rig.pause = Box::new(move || at_point.point(Side::Reader));
    let dice = Dice(mixed ^ 0x5555_5555);
    let (kills, told) = (0, String::new());
    let mut reader = Reader { rig, dice, baton: baton.clone(), model: model.clone(), kills, told };
    baton.start(Side::Reader);
    let start = Instant::now();
    while !writer.is_finished() && start.elapsed() < Duration::from_secs(60) {
        reader.act();
    }
    let finished = writer.is_finished();
    baton.leave();
    reader.end();
    let told = |why: String| format!("{}\nseed {seed}: {why}", baton.history());
    if !finished {
        return Err(told(format!("stuck at {} lines", reader.rig.lines.len())));
    }
    let (count, rotations) = writer.join().map_err(|_| told("the writer failed".to_owned()))?;
    let model = model.lock().unwrap();
    check(&reader.rig, &model, count).map_err(told)?;
    Ok((rotations, reader.kills, model.lost.len() as u64))
}

fn check(rig: &Rig, model: &Model, count: u64) -> Result<(), String> {
    let lines = rig.lines.iter().filter(|line| !line.starts_with('#'));
    let numbers: Vec<u64> = lines.map(|line| number(line)).collect();
    let mut times = vec![0; usize::try_from(count).unwrap()];
    for n in &numbers {
        match times.get_mut(usize::try_from(*n).unwrap()) {
            Some(times) => *times += 1,
            None => return Err(format!("a line that nobody wrote: {n}")),
        }
    }
    let due = |n: &u64| u64::from(!model.lost.contains(n));
    let wrong: Vec<_> = (0..count).filter(|n| times[*n as usize] != due(n)).collect();
    if let (Some(first), Some(last)) = (wrong.first(), wrong.last()) {
        let (times, notices) = (times[*first as usize], &rig.notices);
        return Err(format!("{first}..={last}: {} wrong, {times} times; {notices:?}", wrong.len()));
    }
    if model.must_tell && rig.notices.is_empty() {
        return Err(format!("lost and not told: {:?}", model.lost));
    }
    match numbers.windows(2).find(|pair| pair[0] > pair[1]) {
        Some(pair) => Err(format!("in another order: {pair:?}")),
        None => Ok(()),
    }
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn every_line_is_committed_exactly_once() {
    let (seeds, first) =
        (variable("MONBAN_SEEDS").unwrap_or(12), variable("MONBAN_SEED").unwrap_or(1));
    let lines = variable("MONBAN_LINES").unwrap_or(2000);
    let free = variable("MONBAN_FREE").map(|n| n != 0);
    let mut failed = Vec::new();
    let (mut rotations, mut kills, mut lost) = (0, 0, 0);
    for seed in first..first + seeds {
        // Mostly in turns: they can be repeated.
        match run(seed, lines, free.unwrap_or(seed % 4 == 0)) {
            Ok((r, k, l)) => {
                rotations += r;
                kills += k;
                lost += l;
            }
            Err(why) => {
                println!("{why}");
                failed.push(why.lines().last().unwrap_or_default().to_owned());
            }
        }
    }
    println!("{seeds} runs of {lines} lines: {rotations} rotations, {kills} kills, {lost} lost");
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
    assert!(rotations > 0 && kills > 0);
}

//! Two threads of which only one runs at a time, so that a seed tells the whole history.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// xorshift64: small, seeded, the same everywhere.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Writer,
    Reader,
}

/// Who holds it runs.
pub struct Baton {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    turn: Side,
    dice: Dice,
    /// The other gets its turn at one of so many points.
    pace: [u64; 2],
    /// One of the two has ended.
    alone: bool,
    /// Nobody waits for anybody.
    free: bool,
    history: Vec<String>,
}

impl Baton {
    /// With `free`, both run when the kernel lets them, and the seed tells little.
    pub fn new(seed: u64, free: bool) -> Self {
        let mut dice = Dice(seed ^ 0x0baa_aa70);
        let pace = [3 + dice.roll(40), 3 + dice.roll(12)];
        let (alone, history) = (false, Vec::new());
        let state = State { turn: Side::Writer, dice, pace, alone, free, history };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Waits for the first turn.
    pub fn start(&self, me: Side) {
        let state = self.state.lock().unwrap();
        drop(self.changed.wait_while(state, |s| s.turn != me && !s.alone && !s.free).unwrap());
    }

    /// A point at which the other may get its turn.
    pub fn point(&self, me: Side) {
        let mut state = self.state.lock().unwrap();
        let sides = state.pace[me as usize];
        if !state.free && state.dice.roll(sides) == 0 {
            drop(state);
            self.give(me);
        }
    }

    /// The other gets its turn.
    pub fn give(&self, me: Side) {
        let mut state = self.state.lock().unwrap();
        if state.free {
            drop(state);
            return std::thread::sleep(Duration::from_micros(200));
        }
        state.turn = if me == Side::Writer { Side::Reader } else { Side::Writer };
        self.changed.notify_all();
        drop(self.changed.wait_while(state, |s| s.turn != me && !s.alone).unwrap());
    }

    /// Ends: the other runs alone from here on.
    pub fn leave(&self) {
        if let Ok(mut state) = self.state.lock() {
            state.alone = true;
        }
        self.changed.notify_all();
    }

    pub fn is_free(&self) -> bool {
        self.state.lock().unwrap().free
    }

    /// Remembers what happened.
    pub fn tell(&self, event: String) {
        if let Ok(mut state) = self.state.lock() {
            state.history.push(event);
        }
    }

    /// What happened, one event a line.
    pub fn history(&self) -> String {
        self.state.lock().map(|state| state.history.join("\n")).unwrap_or_default()
    }
}

/// The other does not wait for one that has failed.
pub struct LeaveAtEnd<'a>(pub &'a Baton);

impl Drop for LeaveAtEnd<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

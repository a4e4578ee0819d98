//! A story is a text file: lines of logs as they were written, what happens between them, and
//! what the ledger must hold at the end. The real rules, engine and ledger play it.
//!
//! ```text
//! # What it shows.
//! > at 2026-08-10 14:25:00
//! Aug 10 14:25:01 mail sshd[7]: Failed password for root from 192.0.2.1 port 4242 ssh2
//! > restart
//! ==== ledger
//! 14:25:01 found brute-force ...
//! ```
//!
//! | step | does |
//! |---|---|
//! | `> at TIME` | the clock goes to this time (UTC) |
//! | `> wait 10m` | time passes |
//! | `> set 1h`, `> set -1h` | somebody sets the clock |
//! | `> repeat 4 30m` | the lines until `> end` come so often, so far apart |
//! | `> restart` | kill -9 and a new start from the ledger |
//! | `> allow NET`, `> admin ADDRESS`, `> nobody` | who may not be blocked; who is logged in |
//! | `> place NET CN AS4134` | where the addresses of a network are |
//! | `> ban NET 1h`, `> free NET` | an operator's word |
//! | `> firewall works`, `fails`, `refuses` | what becomes of orders from now on |
//! | `> config` ... `> end` | a reload with these lines |
//!
//! A line is live: the clock goes to its date. `{now}` in a line is the time that the clock shows.
#![forbid(unsafe_code)]

mod dump;
mod play;
mod script;

pub use dump::dump;
pub use play::Stage;
pub use script::{Script, Step};

/// What divides the story from what is expected of it.
pub const DIVIDER: &str = "==== ledger\n";

/// Plays a story and gives what the ledger holds then. With `kills` there is a kill -9 and a new
/// start after each line.
///
/// # Errors
/// The number of the line and what is wrong with it.
pub fn tell(text: &str, kills: bool) -> Result<String, String> {
    let script = Script::parse(text)?;
    let mut stage = Stage::new()?;
    for (number, step) in &script.steps {
        stage.play(step).map_err(|error| format!("line {number}: {error}"))?;
        if kills && matches!(step, Step::Line(_)) {
            stage.play(&Step::Restart)?;
        }
    }
    stage.end()
}

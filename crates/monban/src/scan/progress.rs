//! One line at the terminal: how far, how fast, how long still.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use monban_sources::archive::Meter;
use monban_views::Say;

/// The line is written anew so often.
const EVERY: Duration = Duration::from_millis(200);

/// A progress bar on standard error, if a person looks at it.
pub struct Progress<'s> {
    say: &'s Say,
    total: u64,
    meter: Meter,
    started: Instant,
    shown: Option<Instant>,
    visible: bool,
}

impl<'s> Progress<'s> {
    /// A bar that is full when `meter` has counted `total` bytes.
    pub fn new(say: &'s Say, total: u64, meter: Meter) -> Self {
        let visible = std::io::stderr().is_terminal();
        Self { say, total, meter, started: Instant::now(), shown: None, visible }
    }

    /// So many lines are read.
    pub fn at(&mut self, lines: u64) {
        let is_fresh = self.shown.is_some_and(|shown| shown.elapsed() < EVERY);
        if !self.visible || is_fresh {
            return;
        }
        self.shown = Some(Instant::now());
        let bytes = self.meter.bytes();
        let seconds = self.started.elapsed().as_secs_f64().max(0.001);
        let percent = bytes.saturating_mul(100).checked_div(self.total).unwrap_or(0).min(100);
        let left = self.total.saturating_sub(bytes) as f64 / (bytes.max(1) as f64 / seconds);
        let values = [
            ("percent", percent.to_string()),
            ("rate", format!("{:.0}", lines as f64 / seconds)),
            ("eta", self.say.duration(left as u64)),
        ];
        let values: Vec<(&str, &str)> = values.iter().map(|(n, v)| (*n, v.as_str())).collect();
        // Back to the start of the line, and clear what stood there.
        eprint!("\r\x1b[K{}", self.say.text("scan-eta", &values));
        let _ = std::io::stderr().flush();
    }

    /// The bar goes.
    pub fn done(&self) {
        if self.shown.is_some() {
            eprint!("\r\x1b[K");
        }
    }
}

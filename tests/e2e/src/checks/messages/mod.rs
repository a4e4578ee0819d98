//! People are told: logins, alarms and blocks, by mail and by web hooks.

mod alarm;
mod aws_logs;
mod flood;
mod logins;
mod pictures;
mod scene;
mod trouble;
mod witness;

pub use alarm::walk;
pub use aws_logs::arrive;
pub use flood::is_bounded;
pub use logins::are_told;
pub use pictures::are_seen;
pub use trouble::is_outlived;
pub use witness::is_missed;

use crate::checks::Need;

/// What real logins and real mail need.
pub const NEEDS: &[Need] = &[
    Need::Root,
    Need::Monban,
    Need::Program("nft"),
    Need::Program("sshd"),
    Need::Program("rsyslogd"),
    Need::Program("postfix"),
    Need::Program("sudo"),
    Need::Program("su"),
];

/// The middle and the most of some times, in seconds.
struct Spread {
    median_s: f64,
    max_s: f64,
}

impl Spread {
    fn of(mut times_s: Vec<f64>) -> Self {
        times_s.sort_by(f64::total_cmp);
        let median_s = times_s.get(times_s.len() / 2).copied().unwrap_or_default();
        Self { median_s, max_s: times_s.last().copied().unwrap_or_default() }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "median {:.2} s, most {:.2} s", self.median_s, self.max_s)
    }
}

//! What of a configuration is not in force.

use monban_fail2ban::config::Complaint;

/// A jail that does not run as it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Lack {
    /// Its name.
    pub jail: String,
    /// What is wrong.
    pub why: WhyNot,
}

/// What is wrong with a jail.
#[derive(Clone, Debug, PartialEq)]
pub enum WhyNot {
    /// It cannot run so, as text for people.
    Unusable(String),
    /// Values that cannot be read; there is at least one. Without them it would run with
    /// fail2ban's own, unless they stand in the way of the whole.
    Values(Vec<Complaint>),
}

/// Whether values are among those that were wrong before; where they stand in the file may differ.
pub(crate) fn are_known(values: &[Complaint], before: &[Complaint]) -> bool {
    let is_same = |one: &Complaint, other: &Complaint| {
        one.kind == other.kind && one.place.file == other.place.file && one.values == other.values
    };
    values.iter().all(|value| before.iter().any(|known| is_same(value, known)))
}

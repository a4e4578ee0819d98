//! Whether a jail runs as it is written, as it was, or not.

use std::collections::hash_map::Entry;

use monban_fail2ban::config;

use crate::jail::Jail;
use crate::lack::{Instead, Lack, WhyNot, are_known};
use crate::tickets::Key;

/// What becomes of a jail of a configuration.
pub(super) struct Choice {
    /// What runs.
    pub jail: Option<Jail>,
    /// Whether that is the jail as it was.
    pub is_kept: bool,
    /// What is to be said of it.
    pub lack: Option<Lack>,
}

/// Chooses between a jail as it is written, which may not work, and as it was. One whose values
/// were the same before and could not be read then either is taken as it is written.
pub(super) fn choose(
    spec: &config::Jail,
    made: Result<Jail, String>,
    before: Entry<'_, Key, Jail>,
) -> Choice {
    let lack = |why, instead| Some(Lack { jail: spec.name.clone(), why, instead });
    let before = match before {
        Entry::Occupied(before) => Some(before),
        Entry::Vacant(_) => None,
    };
    let (why, other) = match made {
        Ok(jail) if spec.faults.is_empty() => {
            return Choice { jail: Some(jail), is_kept: false, lack: None };
        }
        Ok(jail) => (WhyNot::Values(spec.faults.clone()), Some(jail)),
        Err(why) => (WhyNot::Unusable(why), None),
    };
    let may_stay =
        before.filter(|before| other.is_none() || !are_known(&spec.faults, &before.get().faults));
    match (may_stay, other) {
        (Some(before), _) => {
            let lack = lack(why, Instead::GoesOn);
            Choice { jail: Some(before.remove()), is_kept: true, lack }
        }
        (None, Some(jail)) => {
            Choice { jail: Some(jail), is_kept: false, lack: lack(why, Instead::Defaults) }
        }
        (None, None) => Choice { jail: None, is_kept: false, lack: lack(why, Instead::Nothing) },
    }
}

//! Whether what a jail orders is done: without an action that works nobody is shut out by it.

use std::collections::BTreeSet;

use monban_fail2ban::filter::Id;
use monban_model::{ActionFailure, JailJob, Made};

use super::Jails;
use crate::jail::Jail;
use crate::tickets::Key;

/// Why a jail may shut nobody out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lame {
    /// None of its actions does anything to an address here.
    NoAction,
    /// Its actions did not do what they were asked for last; this is what failed.
    Failing(String),
}

impl Jails {
    /// Jails that may shut nobody out, in the order of the configuration.
    pub fn lame(&self) -> Vec<(String, Lame)> {
        let lame = |jail: &Jail| match (jail.acts, &jail.failing) {
            (false, _) => Some((jail.name.clone(), Lame::NoAction)),
            (_, Some(why)) => Some((jail.name.clone(), Lame::Failing(why.clone()))),
            (_, None) => None,
        };
        self.running().filter_map(lame).collect()
    }

    /// The actions of a jail did what they were asked for.
    pub(super) fn note_done(&mut self, number: usize, id: Option<&Id>, job: JailJob) {
        let Some(jail) = self.jail_mut(number).filter(|_| is_about_bans(job)) else { return };
        jail.failing = None;
        if let Some(id) = id {
            let made = if jail.acts { Made::Whole } else { Made::Not };
            jail.bans.set_made(id, made);
        }
    }

    /// Actions of a jail, or all of them, did not.
    pub(super) fn note_failed(
        &mut self,
        key: Key,
        id: Option<&Id>,
        job: JailJob,
        failed: &[ActionFailure],
    ) {
        let number = self.number_of(key).filter(|_| is_about_bans(job));
        let Some(jail) = number.and_then(|number| self.jail_mut(number)) else { return };
        let why: Vec<String> = failed.iter().map(ToString::to_string).collect();
        jail.failing = Some(why.join("; "));
        if let Some(id) = id {
            let made = what_is_left(&jail.shutting, failed);
            jail.bans.set_made(id, made);
        }
    }
}

/// What became of a ban. A mail shuts nobody out, but for a jail that does no more.
fn what_is_left(shutting: &BTreeSet<String>, failed: &[ActionFailure]) -> Made {
    let has_failed = |name: &String| failed.iter().any(|one| one.action.as_ref() == Some(name));
    // Without a name it reached no action at all.
    if shutting.iter().all(has_failed) || failed.iter().any(|one| one.action.is_none()) {
        Made::Not
    } else if shutting.iter().any(has_failed) {
        Made::Partly
    } else {
        Made::Whole
    }
}

/// Whether somebody is shut out by it, or would be.
const fn is_about_bans(job: JailJob) -> bool {
    matches!(job, JailJob::Start | JailJob::Ban | JailJob::Reban { .. })
}

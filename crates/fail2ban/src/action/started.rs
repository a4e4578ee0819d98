//! What of an action is started: it decides which commands run next.

use super::family::Family;
use super::operation::Operation;

/// Families that are started, and which commands brought them there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Started {
    /// In the order in which they were first started.
    families: Vec<(Family, Level)>,
    /// Commands that ran last, so that one that serves all families runs once.
    executed: Vec<(Operation, Family, String)>,
    /// Counts repairs of the jail: what was banned in an earlier epoch may be lost.
    pub(crate) epoch: u64,
    /// Bans that a repair itself put back, until that is told.
    pub(crate) mended: u32,
}

/// How far a family is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// It was started and is no more.
    Off,
    /// Nothing is banned.
    Empty,
    /// There are bans in it.
    Filled,
}

impl Started {
    pub(crate) fn level(&self, family: Family) -> Option<Level> {
        self.families.iter().find(|(known, _)| *known == family).map(|(_, level)| *level)
    }

    pub(crate) fn set(&mut self, family: Family, level: Level) {
        match self.families.iter_mut().find(|(known, _)| *known == family) {
            Some(known) => known.1 = level,
            None => self.families.push((family, level)),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.families.clear();
    }

    /// Families that are not off.
    pub(crate) fn on(&self) -> Vec<Family> {
        let on = self.families.iter().filter(|(_, level)| *level != Level::Off);
        on.map(|(family, _)| *family).collect()
    }

    /// Families with bans.
    pub(crate) fn filled(&self) -> Vec<Family> {
        let filled = self.families.iter().filter(|(_, level)| *level == Level::Filled);
        filled.map(|(family, _)| *family).collect()
    }

    /// Whether a command ran for another family.
    pub(crate) fn ran_elsewhere(&self, of: Operation, family: Family, command: &str) -> bool {
        let same = |(operation, other, text): &(Operation, Family, String)| {
            *operation == of && *other != family && text == command
        };
        self.executed.iter().any(same)
    }

    pub(crate) fn note(&mut self, of: Operation, family: Family, command: &str) {
        if command.is_empty() {
            return self.forget(of, family);
        }
        let same = |(operation, other, _): &&mut (Operation, Family, String)| {
            *operation == of && *other == family
        };
        match self.executed.iter_mut().find(same) {
            Some(known) => command.clone_into(&mut known.2),
            None => self.executed.push((of, family, command.to_owned())),
        }
    }

    /// Forgets what ran for a family, and for others where it was the same.
    pub(crate) fn forget(&mut self, of: Operation, family: Family) {
        let own = self.executed.iter().position(|one| one.0 == of && one.1 == family);
        let Some(own) = own else { return };
        let (_, _, command) = self.executed.remove(own);
        self.executed.retain(|one| one.0 != of || one.2 != command);
    }
}

//! Where the bans of a native action lie, and whether that is still there.

use monban_model::SetName;

use super::native::Fed;

/// A set or a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The set, where a [`super::Kernel`] can be asked.
    pub set: Option<SetName>,
    /// A program that lists all that lies beside it.
    pub list: Fed,
    /// One that shows it alone.
    pub show: Fed,
}

impl Place {
    pub(crate) fn new(set: Option<SetName>, list: &[&str], show: &[&str]) -> Self {
        Self { set, list: fed(list), show: fed(show) }
    }

    /// Whether it is gone, by what programs say: their exit codes tell a place that is not there
    /// from a kernel that cannot be asked only together.
    pub fn is_gone_by(&self, mut is_ok: impl FnMut(&Fed) -> bool) -> bool {
        is_ok(&self.list) && !is_ok(&self.show)
    }
}

fn fed(words: &[&str]) -> Fed {
    let program = words.iter().map(|word| (*word).to_owned()).collect();
    Fed { program, input: String::new(), elements: None }
}

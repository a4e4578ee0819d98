//! Elements of sets without a program: whoever runs actions may bring a way into the kernel.

use monban_model::{Net, SetName};

/// What becomes of the elements of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elements {
    /// The set.
    pub set: SetName,
    /// What shall be in it.
    pub add: Vec<Net>,
    /// What shall not.
    pub delete: Vec<Net>,
}

/// A way into the kernel.
pub trait Kernel: Send {
    /// Makes these changes, as the program `nft` would; what is so already is no error.
    ///
    /// # Errors
    /// Whether the program could do better. Some of the changes may have been made.
    fn elements(&mut self, changes: &Elements) -> Result<(), Refused>;

    /// Whether there is such a set; `None` if that cannot be said.
    fn has(&mut self, set: &SetName) -> Option<bool>;
}

/// Why elements were not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The set is gone, or does not take all of them: the program would say the same.
    BySet,
    /// It cannot be done in this way.
    Unable,
}

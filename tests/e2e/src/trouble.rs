//! Why a check failed, for the person who reads the log of a run.

use std::fmt;

/// A failed check or step, as a sentence.
#[derive(Debug)]
pub struct Trouble(pub String);

/// The result of a step.
pub type Tried<T> = Result<T, Trouble>;

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<rustix::io::Errno> for Trouble {
    fn from(error: rustix::io::Errno) -> Self {
        Self(error.to_string())
    }
}

impl From<serde_json::Error> for Trouble {
    fn from(error: serde_json::Error) -> Self {
        Self(format!("not JSON: {error}"))
    }
}

impl From<String> for Trouble {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Trouble {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Fails with the sentence unless the condition holds.
pub fn must(holds: bool, otherwise: impl FnOnce() -> String) -> Tried<()> {
    if holds { Ok(()) } else { Err(Trouble(otherwise())) }
}

//! The tags that are the same for everybody: the names of this machine, and white space.

use std::fmt;
use std::sync::{Arc, LazyLock};

/// How this machine is called.
#[derive(Clone)]
pub struct Hostnames {
    short: String,
    full: Arc<LazyLock<String, Box<dyn FnOnce() -> String + Send>>>,
}

impl Hostnames {
    /// The kernel's name, and a way to find out the one with the domain. That is asked for when it
    /// is first wanted, by which a ban of the action that wants it may wait for a resolver, and
    /// nobody else.
    pub fn of_kernel(full: impl FnOnce() -> Option<String> + Send + 'static) -> Self {
        let short = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let kernel = short.clone();
        Self::later(short, move || full().unwrap_or(kernel))
    }

    /// These names.
    pub fn new(short: &str, full: &str) -> Self {
        let full = full.to_owned();
        Self::later(short.to_owned(), move || full)
    }

    fn later(short: String, full: impl FnOnce() -> String + Send + 'static) -> Self {
        Self { short, full: Arc::new(LazyLock::new(Box::new(full))) }
    }

    /// `<sh-hostname>`: as the kernel knows it.
    pub fn short(&self) -> &str {
        &self.short
    }

    /// `<fq-hostname>`: with its domain.
    pub fn full(&self) -> &str {
        &self.full
    }

    pub(crate) fn value(&self, tag: &str) -> Option<&str> {
        match tag {
            "fq-hostname" => Some(self.full()),
            "sh-hostname" => Some(self.short()),
            "br" => Some("\n"),
            "sp" => Some(" "),
            _ => None,
        }
    }
}

/// No names.
impl Default for Hostnames {
    fn default() -> Self {
        Self::new("", "")
    }
}

impl PartialEq for Hostnames {
    fn eq(&self, other: &Self) -> bool {
        let is_one = Arc::ptr_eq(&self.full, &other.full);
        self.short == other.short && (is_one || self.full() == other.full())
    }
}

impl Eq for Hostnames {}

/// It asks for nothing.
impl fmt::Debug for Hostnames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hostnames").field("short", &self.short).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn the_name_with_the_domain_is_asked_for_once_and_only_if_somebody_wants_it() {
        let asked = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&asked);
        let names = Hostnames::of_kernel(move || {
            count.fetch_add(1, Ordering::Relaxed);
            Some("guard.example.org".to_owned())
        });
        let other = names.clone();
        assert!(names == other && names.value("sh-hostname") == Some(other.short()));
        assert_eq!(asked.load(Ordering::Relaxed), 0);
        assert_eq!(names.value("fq-hostname"), Some("guard.example.org"));
        assert_eq!(other.full(), "guard.example.org");
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        let unknown = Hostnames::of_kernel(|| None);
        assert_eq!(unknown.full(), unknown.short());
    }
}

//! The tags that are the same for everybody: the names of this machine, and white space.

use std::fmt;
use std::sync::{Arc, LazyLock};

/// How this machine is called.
#[derive(Clone)]
pub struct Hostnames {
    short: String,
    full: Full,
}

#[derive(Clone)]
enum Full {
    Known(String),
    /// It is found out when it is first wanted.
    Later(Arc<LazyLock<String, Box<dyn FnOnce() -> String + Send>>>),
}

impl Hostnames {
    /// The kernel's name, and a way to find out the one with the domain. That is asked for when it
    /// is first wanted; whoever wants it may have to wait for a resolver.
    pub fn of_kernel(full: impl FnOnce() -> Option<String> + Send + 'static) -> Self {
        let short = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let kernel = short.clone();
        let full: Box<dyn FnOnce() -> String + Send> = Box::new(move || full().unwrap_or(kernel));
        Self { short, full: Full::Later(Arc::new(LazyLock::new(full))) }
    }

    /// These names.
    pub fn new(short: &str, full: &str) -> Self {
        Self { short: short.to_owned(), full: Full::Known(full.to_owned()) }
    }

    /// `<sh-hostname>`: as the kernel knows it.
    pub fn short(&self) -> &str {
        &self.short
    }

    /// `<fq-hostname>`: with its domain.
    pub fn full(&self) -> &str {
        match &self.full {
            Full::Known(name) => name,
            Full::Later(name) => name,
        }
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

/// It asks for nothing: a name that is still to be found out is equal to its copies only.
impl PartialEq for Hostnames {
    fn eq(&self, other: &Self) -> bool {
        let is_same = match (&self.full, &other.full) {
            (Full::Known(one), Full::Known(two)) => one == two,
            (Full::Later(one), Full::Later(two)) => Arc::ptr_eq(one, two),
            _ => false,
        };
        self.short == other.short && is_same
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

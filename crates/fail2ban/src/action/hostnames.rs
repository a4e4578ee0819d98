//! The tags that are the same for everybody: the names of this machine, and white space.

/// How this machine is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hostnames {
    /// `<fq-hostname>`: with its domain.
    pub full: String,
    /// `<sh-hostname>`: as the kernel knows it.
    pub short: String,
}

impl Hostnames {
    /// The kernel's name for both. Who knows the domain sets `full`.
    pub fn of_kernel() -> Self {
        let short = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self { full: short.clone(), short }
    }

    pub(crate) fn value(&self, tag: &str) -> Option<&str> {
        match tag {
            "fq-hostname" => Some(&self.full),
            "sh-hostname" => Some(&self.short),
            "br" => Some("\n"),
            "sp" => Some(" "),
            _ => None,
        }
    }
}

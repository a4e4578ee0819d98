//! What the hook in PAM tells: by a socket while the guard runs, by a spool while it does not.
//!
//! The hook is `monban pam-hook`, called by `pam_exec.so` within each login. It may never wait and
//! never fail, so it sends one datagram and, where nobody takes it, appends one record to a file.
//! Both lie in a folder of root's that others cannot write to.

mod folder;
mod socket;
mod spool;

pub use folder::{FOLDER, prepare};
pub use socket::{Credentials, PamSocket, Sent, send};
pub use spool::{Kept, Spool, Spooled, Taken};

//! Actions: from what a jail says to the commands that a shell runs, and the running of them.
//!
//! ```text
//! ActionSpec -> Template -> (Operation, Ticket) -> Shell -> Outcome
//!                 Table      Request               runner
//! ```
//!
//! A [`Table`] is made of resolved jails at load and never changes. A [`Request`] holds the number
//! of a jail and the values of a ticket, nothing else: which command follows, and its text, is
//! decided here. A value without any character that means something to a shell is put into the
//! text where its tag stands; every other one is an argument of the shell, bound to a variable.
//! Values are put in once: what stands in a value is never read as a tag.
//!
//! The facts are from the behaviour of fail2ban 1.0.2. What differs: the eleventh bound value is
//! itself (`${10}`), a NUL is left out, longer values than a program takes are cut, the counters
//! of a jail are those of now in the commands of no ban too, and `<jail.name>` is known. Left out
//! on purpose: `<F-*>`, which is Python's print of everything, and parameters that bear the name
//! of one of the server's own procedures. What a native action made and somebody else removed is
//! no failure of a stop, a flush or the end of a ban: nothing of it is left to be removed.

mod actor;
mod family;
mod hostnames;
mod jail;
mod kept;
mod kernel;
mod lanes;
mod machine;
mod mail;
mod many;
mod native;
mod operation;
mod packed;
mod place;
mod python;
mod reach;
mod run;
mod shell;
mod started;
mod table;
mod template;
mod ticket;
mod values;

pub(crate) use python::text as quoted;

pub use actor::{Actor, Full, Report};
pub use family::Family;
pub use hostnames::Hostnames;
pub use jail::JailActions;
pub use kernel::{Elements, Kernel, Refused};
pub use lanes::{Lanes, Load, Waiting};
pub use machine::{Execute, Failed};
pub use mail::{Mail, Mailer};
pub use native::Fed;
pub use operation::Operation;
pub use place::Place;
pub use reach::{Ports, Reach, reach};
pub use run::{Environment, Outcome, run, run_fed};
pub use shell::Shell;
pub use table::{Done, Request, Table};
pub(crate) use template::COMMANDS;
pub use template::{Template, ignore_command};
pub use ticket::{Counters, Merged, Ticket, Time, shown_captures};
pub use values::LESS_KNOWN;

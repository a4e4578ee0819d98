//! A letter as mail: the message, and its way over SMTP or to a `sendmail` program.
//!
//! Both are written here instead of taken from a library. What SMTP says must be recorded line by
//! line, each refused reader told by itself, each reply bounded and everything over in time: none
//! of lettre, mail-send and mail-builder lets a caller do that, or they need another runtime. And
//! a subject that a stranger made look like an encoded word has to be encoded itself, which
//! mail-builder 2.0 leaves out.

mod address;
mod header;
mod message;
mod mime;
mod reply;
mod smtp;

pub use message::{Message, compose};
pub(crate) use smtp::{Patience, send};

/// The message for the standard input of `/usr/sbin/sendmail -t -i`, with the line ends of this
/// system: it reads the readers from the head, so all of them stand in `To` and nowhere else.
///
/// # Errors
/// If the sender or a reader is no address.
pub fn for_sendmail(
    letter: &monban_model::Letter,
    from: &str,
    to: &[String],
    now: monban_model::Stamp,
) -> Result<String, crate::Failure> {
    Ok(compose(letter, from, to, now)?.text.replace("\r\n", "\n"))
}

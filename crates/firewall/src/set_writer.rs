//! Elements of sets that are not monban's own.

use std::fmt;

use monban_model::{Net, SetName};
use rustix::io::Errno;

use crate::FirewallError;
use crate::elements::{Step, Wish, fit, steps, write};
use crate::encode::Batch;
use crate::form::Form;
use crate::socket::Socket;

/// Elements of one transaction. It bounds the bytes that are built at once (about 3 MB) and how
/// long other programs wait for the kernel's lock.
const TRANSACTION_ELEMENTS_MAX: usize = 32_768;

/// How often it is begun again because somebody else changed the firewall meanwhile.
const RETRIES: usize = 20;

/// Why elements were not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotWritten {
    /// There is no such table or set.
    Gone,
    /// The set is no plain set of addresses or networks of one family: it is a map, has several
    /// fields, counters, or ranges that the program `nft` joins.
    OtherForm,
    /// The set does not take at least one of the elements: it is of the other family, a network
    /// in a set of addresses, overlaps what is there, or there is no room. Some may have been
    /// written.
    Elements,
    /// Anything else. Some may have been written.
    Kernel(FirewallError),
}

impl fmt::Display for NotWritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("there is no such table or set"),
            Self::OtherForm => f.write_str("it is no plain set of addresses or networks"),
            Self::Elements => f.write_str("the set does not take one of these elements"),
            Self::Kernel(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for NotWritten {}

impl From<FirewallError> for NotWritten {
    fn from(error: FirewallError) -> Self {
        Self::Kernel(error)
    }
}

/// Writes elements into sets of tables that others made, in the network namespace in which it was
/// opened, as `nft add element` and `nft delete element` do. It makes and removes no set.
///
/// The form of a set is read before each transaction, which the kernel then takes only if nothing
/// has changed since: an address in a set that has become one of ranges would stand for all
/// addresses above it.
#[derive(Debug)]
pub struct SetWriter {
    /// Opened anew after a failure.
    socket: Option<Socket>,
}

impl SetWriter {
    /// Opens its socket. Where that fails it is tried again with the first elements.
    pub fn open() -> Self {
        Self { socket: Socket::open(0).ok() }
    }

    /// Removes elements and puts others in, 32,768 at a time, each time in one transaction. An
    /// element that is there already, or not there any more, is no error. A network is found only
    /// as it was put in; with networks in a set of ranges the whole set is read.
    ///
    /// # Errors
    /// [`NotWritten`]; what came before in the same call may have been written.
    pub fn write(&mut self, set: &SetName, add: &[Net], delete: &[Net]) -> Result<(), NotWritten> {
        let deleted = delete.iter().map(|net| (*net, Wish::Out));
        let wishes: Vec<(Net, Wish)> =
            deleted.chain(add.iter().map(|net| (*net, Wish::In))).collect();
        let mut rest = &wishes[..];
        let mut most = TRANSACTION_ELEMENTS_MAX;
        while !rest.is_empty() {
            let (part, behind) = rest.split_at(rest.len().min(most));
            match self.part(set, part) {
                Ok(()) => rest = behind,
                // More bytes than this process may send at once.
                Err(NotWritten::Kernel(error)) if error.is(Errno::MSGSIZE) && part.len() > 1 => {
                    most = part.len() / 2;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether there is such a set, of whatever form.
    ///
    /// # Errors
    /// The kernel cannot be asked.
    pub fn has(&mut self, set: &SetName) -> Result<bool, FirewallError> {
        let mut socket = match self.socket.take() {
            Some(socket) => socket,
            None => Socket::open(0)?,
        };
        let found = Form::read(&mut socket, set);
        match found {
            Ok(_) | Err(NotWritten::OtherForm | NotWritten::Elements) => Ok(true),
            Err(NotWritten::Gone) => Ok(false),
            Err(NotWritten::Kernel(error)) => return Err(error),
        }
        .inspect(|_| self.socket = Some(socket))
    }

    /// One transaction, and once more over a new socket if it is the socket that fails.
    fn part(&mut self, set: &SetName, part: &[(Net, Wish)]) -> Result<(), NotWritten> {
        if let Some(socket) = &mut self.socket {
            match transact(socket, set, part) {
                Err(NotWritten::Kernel(error)) if !error.is(Errno::MSGSIZE) => self.socket = None,
                other => return other,
            }
        }
        transact(self.socket.insert(Socket::open(0)?), set, part)
    }
}

fn transact(socket: &mut Socket, set: &SetName, part: &[(Net, Wish)]) -> Result<(), NotWritten> {
    let doing = "change the elements of a set";
    let mut must_look = false;
    for _ in 0..RETRIES {
        let form = Form::read(socket, set)?;
        let mut steps = steps(form, part)?;
        // The kernel looks at starts and ends one by one: of a network it may find the start of
        // one range and the end of another.
        let is_wide = |step: &Step| step.range.0 != step.range.1;
        if must_look || steps.iter().any(is_wide) {
            fit(&mut steps, form.held(socket, set)?)?;
        }
        let mut batch = Batch::new(socket.reserve(1), Some(form.generation));
        write(&mut batch, set, form, &steps);
        match socket.transact(batch, true, doing) {
            Ok(()) => return Ok(()),
            Err(error) if error.is_race() => {}
            // The set was there: an element is not.
            Err(error) if error.is(Errno::NOENT) => match steps[..] {
                [Step { wish: Wish::Out, .. }] => return Ok(()),
                _ if must_look => return Err(error.into()),
                _ => must_look = true,
            },
            Err(error) if error.is_about_elements() && !error.is(Errno::MSGSIZE) => {
                return Err(NotWritten::Elements);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(FirewallError::Restless { doing }.into())
}

//! What the warden and the courier, which resolves names, say to each other.

use super::{FrameError, Reader, Wire, Writer};
use crate::limits::{ADDRESSES_PER_NAME_MAX, DNS_NAME_MAX};
use crate::{Address, WhoAnswer};

/// What the warden asks the courier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToCourier {
    /// Which addresses has this name?
    Resolve {
        /// The question's number.
        id: u64,
        /// The name; a stranger may have typed it.
        name: String,
    },
    /// These endpoints are in force from here on; they come in a memory file with the frame.
    Equip {
        /// The configuration that their numbers are of.
        reload: u32,
    },
    /// Who is this address?
    Who {
        /// The address.
        address: Address,
    },
    /// The watcher's end of a lane comes with the frame: see [`super::Errand`]. It takes the place
    /// of the one before.
    Lane,
}

/// What the warden tells the runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToRunner {
    /// See [`ToCourier::Equip`].
    Equip {
        /// The configuration that their numbers are of.
        reload: u32,
    },
    /// See [`ToCourier::Lane`].
    Lane,
}

/// What the runner tells the warden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FromRunner {
    /// There was nothing to do for a while.
    Idle,
}

/// What the courier answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromCourier {
    /// The addresses of a name.
    Addresses {
        /// The question's number.
        id: u64,
        /// None of them if the name has none; at most [`ADDRESSES_PER_NAME_MAX`].
        addresses: Vec<Address>,
        /// Whether no name server answered in time.
        late: bool,
    },
    /// Who an address is, as far as somebody knows.
    Who {
        /// The address.
        address: Address,
        /// What is known.
        answer: Box<WhoAnswer>,
    },
    /// There was nothing to do for a while: whoever has no question may let it go.
    Idle,
}

impl Wire for ToCourier {
    fn put(&self, out: &mut Writer) {
        match self {
            Self::Resolve { id, name } => {
                out.byte(1);
                id.put(out);
                out.text(name, DNS_NAME_MAX);
            }
            Self::Equip { reload } => {
                out.byte(2);
                reload.put(out);
            }
            Self::Lane => out.byte(3),
            Self::Who { address } => {
                out.byte(4);
                address.put(out);
            }
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(match from.byte()? {
            1 => Self::Resolve { id: u64::take(from)?, name: from.text(DNS_NAME_MAX)? },
            2 => Self::Equip { reload: u32::take(from)? },
            3 => Self::Lane,
            4 => Self::Who { address: Address::take(from)? },
            _ => return Err(FrameError::Unknown),
        })
    }
}

impl Wire for ToRunner {
    fn put(&self, out: &mut Writer) {
        match self {
            Self::Equip { reload } => {
                out.byte(1);
                reload.put(out);
            }
            Self::Lane => out.byte(2),
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(match from.byte()? {
            1 => Self::Equip { reload: u32::take(from)? },
            2 => Self::Lane,
            _ => return Err(FrameError::Unknown),
        })
    }
}

impl Wire for FromRunner {
    fn put(&self, out: &mut Writer) {
        out.byte(1);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        match from.byte()? {
            1 => Ok(Self::Idle),
            _ => Err(FrameError::Unknown),
        }
    }
}

impl Wire for FromCourier {
    fn put(&self, out: &mut Writer) {
        match self {
            Self::Addresses { id, addresses, late } => {
                out.byte(1);
                id.put(out);
                out.list(&addresses[..addresses.len().min(ADDRESSES_PER_NAME_MAX)]);
                late.put(out);
            }
            Self::Idle => out.byte(2),
            Self::Who { address, answer } => {
                out.byte(3);
                address.put(out);
                answer.put(out);
            }
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(match from.byte()? {
            3 => Self::Who {
                address: Address::take(from)?,
                answer: Box::new(WhoAnswer::take(from)?),
            },
            1 => Self::Addresses {
                id: u64::take(from)?,
                addresses: from.list(ADDRESSES_PER_NAME_MAX)?,
                late: bool::take(from)?,
            },
            2 => Self::Idle,
            _ => return Err(FrameError::Unknown),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{decode, encode};
    use super::*;

    #[test]
    fn an_answer_has_at_most_so_many_addresses() {
        let address: Address = "2001:db8::1".parse().unwrap();
        let addresses = vec![address; ADDRESSES_PER_NAME_MAX + 1];
        let bytes = encode(&FromCourier::Addresses { id: 7, addresses, late: false });
        let read: FromCourier = decode(&bytes).unwrap();
        let addresses = vec![address; ADDRESSES_PER_NAME_MAX];
        assert_eq!(read, FromCourier::Addresses { id: 7, addresses, late: false });
    }
}

//! What a rule read out of a message.

use monban_model::limits::USER_MAX;
use monban_model::{Address, RuleId};

use crate::field::Slot;
use crate::scan::Captures;
use crate::service::Service;

/// What a rule read out of a message.
#[derive(Clone, Copy, Debug)]
pub struct Found<'m> {
    /// The rule.
    pub rule: RuleId,
    /// Its index in the service.
    pub index: usize,
    pub(crate) message: &'m [u8],
    pub(crate) captures: Captures,
    /// Another number at the end of the message changes nothing of what was read before it.
    pub(crate) any_number: bool,
}

impl<'m> Found<'m> {
    /// Nothing found yet.
    #[inline]
    pub(crate) fn none(message: &'m [u8]) -> Self {
        Self { rule: RuleId(0), index: 0, message, captures: Captures::NONE, any_number: true }
    }

    /// The address: never one that an attacker typed.
    pub fn address(&self) -> Option<Address> {
        self.captures.address()
    }

    /// The account, cut at [`USER_MAX`]; `None` also if it is empty.
    pub fn user(&self) -> Option<&'m [u8]> {
        let user = self.get(Slot::User).filter(|user| !user.is_empty())?;
        Some(&user[..user.len().min(USER_MAX)])
    }

    /// The account as [`Found::user`] gives it; in web logs `-` means that there is none.
    pub fn user_of(&self, service: &Service) -> Option<&'m [u8]> {
        let none: &[u8] = if service.shape.is_some() { b"-" } else { b"" };
        self.user().filter(|user| *user != none)
    }

    /// How many attempts the line stands for, at least 1.
    pub fn times(&self) -> u32 {
        let number = self.get(Slot::Times).map_or(1, read_number);
        number.max(1)
    }

    /// The text of a field by its name in patterns, such as `path`.
    pub fn field(&self, name: &str) -> Option<&'m [u8]> {
        self.get(Slot::named(name)?)
    }

    pub(crate) fn get(&self, slot: Slot) -> Option<&'m [u8]> {
        self.captures.get(slot, self.message)
    }
}

/// A number of digits; what is larger than 32 bits is the largest.
pub(crate) fn read_number(digits: &[u8]) -> u32 {
    digits.iter().fold(0u32, |number, digit| {
        let digit = u32::from(digit.wrapping_sub(b'0').min(9));
        number.saturating_mul(10).saturating_add(digit)
    })
}

//! Codes that confirm or end a subscription. The router keeps their hashes; the codes themselves
//! are in letters. All are made from a secret of the host. Each letter of years carries the same
//! one to leave, which works whenever somebody wants to. A letter that asks for confirmation
//! carries the same one in each try: the one that arrived is known even if this process was killed
//! before the ledger had its hash.

use std::collections::HashSet;

use monban_model::CodeHash;
use monban_notify::{Deliver, Input, Purpose, Service};
use ring::digest::{SHA256, digest};
use ring::hmac::{self, HMAC_SHA256};

/// Letters and digits that nobody takes for each other.
const ALPHABET: &[u8; 32] = b"23456789abcdefghjkmnpqrstuvwxyz-";

/// Characters of a code: almost 60 bits.
const LENGTH: usize = 12;

/// Where the ledger keeps the secret, in hexadecimal digits.
const SECRET_META: &str = "notify.secret";

/// What codes are made from. It is made once on each host.
pub struct Secret([u8; 32]);

impl Secret {
    /// The one that the ledger keeps, or a new one.
    pub fn of(meta: &[(String, String)]) -> Self {
        let known = meta.iter().find(|(name, _)| name == SECRET_META);
        Self(known.and_then(|(_, text)| from_hex(text)).unwrap_or_else(random_bytes))
    }

    /// As the ledger keeps it.
    pub(super) fn meta(&self) -> (String, String) {
        let digits = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        (SECRET_META.to_owned(), digits)
    }

    /// The code by which this subscription is left.
    fn leave_code(&self, subscription: &str) -> String {
        self.code(subscription)
    }

    /// The code that this delivery carries to confirm its subscription. A name has no colon.
    fn confirm_code(&self, subscription: &str, delivery: &str) -> String {
        self.code(&format!("{subscription}:{delivery}"))
    }

    fn code(&self, of: &str) -> String {
        let key = hmac::Key::new(HMAC_SHA256, &self.0);
        // One of them nearly always has letters enough.
        let tags = (0..=u8::MAX).flat_map(|round| {
            let mut context = hmac::Context::with_key(&key);
            context.update(&[round]);
            context.update(of.as_bytes());
            context.sign().as_ref().to_vec()
        });
        code(tags)
    }
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}

/// Makes codes.
pub(super) struct Codes {
    secret: Secret,
    /// Subscriptions whose code to leave the router was told in this run.
    told: HashSet<String>,
}

/// A code for a letter.
#[derive(Debug)]
pub(super) struct Made {
    /// What it is for.
    pub(super) purpose: Purpose,
    /// The code.
    pub(super) code: String,
    subscription: String,
    is_new: bool,
}

impl Made {
    /// What the router has to know of it, if it is new.
    pub(super) fn input(&self) -> Option<Input> {
        self.is_new.then(|| Input::Code {
            subscription: self.subscription.clone(),
            purpose: self.purpose,
            hash: hash(&self.code),
        })
    }
}

impl Codes {
    /// Codes of this host.
    pub(super) fn new(secret: Secret) -> Self {
        Self { secret, told: HashSet::new() }
    }

    /// What the ledger keeps.
    pub(super) fn meta(&self) -> (String, String) {
        self.secret.meta()
    }

    /// A code by which the reader of a subscription can leave it.
    pub(super) fn leave(&mut self, subscription: &str) -> Input {
        let hash = hash(&self.secret.leave_code(subscription));
        self.told.insert(subscription.to_owned());
        Input::Code { subscription: subscription.to_owned(), purpose: Purpose::Leave, hash }
    }

    /// The code that a letter carries: to confirm in that which asks for it, to leave in all
    /// others.
    pub(super) fn for_letter(&mut self, deliver: &Deliver) -> Made {
        let subscription = deliver.subscription.clone();
        if deliver.service == Some(Service::Confirm) {
            let code = self.secret.confirm_code(&subscription, &deliver.id);
            return Made { purpose: Purpose::Confirm, code, subscription, is_new: true };
        }
        // The router may know only one that an older monban made.
        let is_new = self.told.insert(subscription.clone());
        let code = self.secret.leave_code(&subscription);
        Made { purpose: Purpose::Leave, code, subscription, is_new }
    }
}

/// The hash of a code as a person typed it: case and dashes between its parts do not matter.
pub(super) fn hash(code: &str) -> CodeHash {
    let plain: String =
        code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, plain.as_bytes()).as_ref());
    CodeHash(bytes)
}

/// A code made of these bytes: `k3mh-9xwt-p2ra`.
fn code(bytes: impl Iterator<Item = u8>) -> String {
    let letters = bytes.map(|byte| ALPHABET[usize::from(byte & 31)]);
    // The dash only parts.
    let letters = letters.filter(|letter| *letter != b'-').take(LENGTH);
    let mut code = String::with_capacity(LENGTH + 2);
    for (at, letter) in letters.enumerate() {
        if at > 0 && at.is_multiple_of(4) {
            code.push('-');
        }
        code.push(char::from(letter));
    }
    code
}

/// Bytes that nobody guesses. The kernel always has some; a signal may come between.
fn random_bytes<const COUNT: usize>() -> [u8; COUNT] {
    let mut bytes = [0; COUNT];
    while rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).is_err() {}
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = Secret::of(&[]).leave_code("mail");
        assert_eq!(code.len(), LENGTH + 2);
        assert_eq!(hash(&code), hash(&code.to_uppercase()));
        assert_eq!(hash(&code), hash(&code.replace('-', " ")));
        assert_ne!(hash(&code), hash(&Secret::of(&[]).leave_code("mail")));
    }

    #[test]
    fn a_code_to_leave_is_the_same_after_a_restart_and_on_no_other_host() {
        let secret = Secret::of(&[]);
        let again = Secret::of(&[("other".to_owned(), "x".to_owned()), secret.meta()]);
        let code = secret.leave_code("mail");
        assert_eq!(code.len(), LENGTH + 2);
        assert_eq!(code, again.leave_code("mail"));
        assert_ne!(code, secret.leave_code("mail2"));
        assert_ne!(code, Secret::of(&[]).leave_code("mail"));
        // Reckoned by Python: hmac.digest(bytes(range(32)), b"\0mail", "sha256").
        assert_eq!(Secret(std::array::from_fn(|at| at as u8)).leave_code("mail"), "4hk9-77cs-b9uq");
    }

    #[test]
    fn a_letter_that_asks_for_confirmation_carries_the_same_code_after_a_kill() {
        let secret = Secret::of(&[]);
        let again = Secret::of(&[secret.meta()]);
        let code = secret.confirm_code("mail", "0-service-1");
        assert_eq!(code, again.confirm_code("mail", "0-service-1"));
        for other in [
            secret.confirm_code("mail", "0-service-2"),
            secret.confirm_code("mail2", "0-service-1"),
            secret.leave_code("mail"),
            Secret::of(&[]).confirm_code("mail", "0-service-1"),
        ] {
            assert_ne!(code, other);
        }
    }

    #[test]
    fn a_damaged_secret_is_made_anew() {
        for text in ["", "00", &"é".repeat(32), &"x".repeat(64), &"0".repeat(65)] {
            let (_, digits) = Secret::of(&[(SECRET_META.to_owned(), text.to_owned())]).meta();
            assert_eq!(digits.len(), 64);
            assert_ne!(digits, "0".repeat(64));
        }
    }
}

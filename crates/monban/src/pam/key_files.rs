//! Which files have the keys that an account may log in with: what sshd's effective configuration
//! says, also in `Match` blocks. It is asked once in ten minutes for an account.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use monban_model::Address;
use monban_warden::KeyFileNames;

use super::sshd::{self, Sshd};

/// So long an answer holds.
const KEPT_FOR: Duration = Duration::from_secs(600);

/// Accounts whose answer is kept.
const KEPT_MAX: usize = 64;

/// Where keys are if sshd does not say (sshd_config(5), `AuthorizedKeysFile`).
const USUAL: [&str; 2] = [".ssh/authorized_keys", ".ssh/authorized_keys2"];

/// By account: when sshd said it, and what.
type Kept = HashMap<String, (Instant, Vec<String>)>;

/// What sshd said of accounts.
#[derive(Clone, Debug, Default)]
pub struct KeyFiles(Arc<Mutex<Kept>>);

impl KeyFiles {
    /// The names of an account's files, worked out when it is called. The name of the account has
    /// no letter that means anything to sshd.
    pub fn of(&self, user: &str, address: Option<Address>) -> KeyFileNames {
        let (kept, user) = (Arc::clone(&self.0), user.to_owned());
        Box::new(move || {
            let lock = || kept.lock().unwrap_or_else(PoisonError::into_inner);
            let known = lock().get(&user).filter(|(since, _)| since.elapsed() < KEPT_FOR).cloned();
            if let Some((_, names)) = known {
                return names;
            }
            let config = PathBuf::from(sshd::CONFIG);
            let sshd =
                Sshd { program: PathBuf::from(sshd::PROGRAM), config, is_config_named: false };
            let names = sshd.key_files(&user, address).unwrap_or_else(usual);
            let mut kept = lock();
            if kept.len() >= KEPT_MAX {
                kept.clear();
            }
            kept.insert(user, (Instant::now(), names.clone()));
            names
        })
    }
}

fn usual() -> Vec<String> {
    USUAL.map(str::to_owned).to_vec()
}

//! Limits of what is asked beside a login: its hook in PAM, its key.

/// Services of PAM of which it is told that they have monban's hook.
pub const HOOK_SERVICES_MAX: usize = 64;

/// Flaws of the hook that are told of together.
pub const HOOK_FLAWS_MAX: usize = 16;

/// What is read of one `authorized_keys`, in bytes.
pub const AUTHORIZED_KEYS_BYTES_MAX: usize = 256 * 1024;

/// Files with keys of one account that are read.
pub const AUTHORIZED_KEYS_FILES_MAX: usize = 4;

/// The longest line of such a file that is read, as sshd has it.
pub const AUTHORIZED_KEYS_LINE_MAX: usize = 8192;

/// Accounts whose keys are being read at one time.
pub const KEYS_ASKED_MAX: usize = 8;

/// What is shown of the comment of a key, in characters.
pub const KEY_COMMENT_MAX: usize = 100;

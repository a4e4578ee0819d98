//! What PAM tells of logins, and how it is configured.

/// Longest text that the hook takes from PAM as a name of a user or host, in
/// bytes. A name of a host has at most 255.
pub const PAM_NAME_MAX: usize = 256;

/// Longest name that it takes of a service or terminal, in bytes.
pub const PAM_SHORT_MAX: usize = 64;

/// Longest text that the hook takes from sshd about the connection, in bytes: two IPv6 addresses
/// with their zones and two ports have 136.
pub const PAM_CONNECTION_MAX: usize = 160;

/// Longest text that the hook takes from sshd about how somebody proved who they are, in bytes: a
/// key of RSA with 16,384 bits has 2,780. Of a longer one, such as a certificate, the beginning is
/// kept and the event says so.
pub const PAM_AUTH_MAX: usize = 2816;

/// Largest frame of the hook, in bytes.
pub const PAM_FRAME_MAX: usize = 4096;

/// A record in the hook's spool takes a whole number of blocks of so many bytes.
pub const PAM_SPOOL_BLOCK: usize = 256;

/// Largest spool, in bytes.
pub const PAM_SPOOL_BYTES_MAX: usize = 1024 * 1024;

/// Records in it, since each takes one block at least.
pub const PAM_SPOOL_RECORDS_MAX: usize = PAM_SPOOL_BYTES_MAX / PAM_SPOOL_BLOCK;

/// Up to this number it is counted what found no room in the spool.
pub const PAM_DROPPED_MAX: u64 = 1024 * 1024;

/// Largest file of `/etc/pam.d`, and largest script that a foreign hook runs, that is read.
pub const PAM_FILE_BYTES_MAX: u64 = 256 * 1024;

/// Files in `/etc/pam.d` that are read.
pub const PAM_FILES_MAX: usize = 512;

/// Rules of one service with all that it includes; Linux-PAM itself has no such limit.
pub const PAM_RULES_MAX: usize = 4096;

/// How deep files of PAM may include each other; deeper ones are said and not read.
pub const PAM_INCLUDES_MAX: usize = 16;

const _: () = assert!(
    3 * PAM_NAME_MAX + 2 * PAM_SHORT_MAX + PAM_CONNECTION_MAX + PAM_AUTH_MAX + 128 < PAM_FRAME_MAX
);

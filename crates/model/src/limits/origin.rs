//! Limits of `[[origin]]`.

/// Tables of `[[origin]]`; each address that a policy cares for is compared with them.
pub const ORIGINS_MAX: usize = 64;

/// Countries, or autonomous systems, of one such table.
pub const ORIGIN_LIST_MAX: usize = 1024;

/// Addresses whose origin is kept, so that the database is not asked for each line; the one that
/// was quiet for longest makes room.
pub const ORIGINS_KEPT_MAX: usize = 16_384;

/// Addresses of messages whose country and network are kept; beyond it all are looked up anew.
pub const PLACES_KEPT_MAX: usize = 1_024;

/// Of the same table failures are told so often at most, in seconds; and logins of the same account
/// from the same address.
pub const ORIGIN_ALARMS_APART_S: u64 = 600;

/// Seconds that a login waits before its origin blocks it: by then the warden has seen whether it
/// is an administrator's, of whose session a new process may be seen only after four.
pub const ORIGIN_LOGIN_WAIT_S: u64 = 6;

/// Logins that wait so at once; more are told, not blocked.
pub const ORIGIN_LOGINS_MAX: usize = 1024;

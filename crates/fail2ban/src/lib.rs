//! A fail2ban configuration, read as fail2ban reads it.

#![forbid(unsafe_code)]

pub mod dates;
pub mod filter;

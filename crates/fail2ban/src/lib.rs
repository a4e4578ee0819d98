//! fail2ban's configuration and filters, understood without fail2ban.
#![forbid(unsafe_code)]

pub mod check;
pub mod config;
pub mod dates;
pub mod filter;

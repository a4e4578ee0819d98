//! fail2ban's configuration, filters and actions, understood without fail2ban.
#![forbid(unsafe_code)]

pub mod action;
pub mod check;
pub mod client;
pub mod config;
pub mod dates;
pub mod encoding;
pub mod filter;
pub mod log_line;

//! fail2ban's configuration, filters and actions, understood without fail2ban.
#![forbid(unsafe_code)]

pub mod action;
pub mod check;
pub mod config;
pub mod dates;
pub mod filter;

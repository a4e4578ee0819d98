//! monban against the real daemons, in namespaces of its own.
//!
//! Two machines are made of namespaces: a *server* with its own network, processes, `/etc`,
//! `/dev`, `/run` and `/var/log`, and an *attacker* with only a network. What runs on them is
//! real: the kernel's nftables, sshd, dropbear, rsyslogd, journald, dovecot, postfix, nginx, apache
//! and the built monban. Nothing outside of the namespaces is changed, and nothing is left when
//! they end.
//!
//! Every check is a function of [`checks::ALL`]; the binary runs them and prints one line each.
#![forbid(unsafe_code)]

pub mod attacker;
pub mod camera;
pub mod checks;
pub mod command;
pub mod dropbear;
pub mod guard;
pub mod journal;
pub mod kernel;
pub mod lines;
pub mod machine;
pub mod mail;
pub mod mailbox;
pub mod memory;
#[path = "../../../crates/courier/tests/mmdb/mod.rs"]
mod mmdb;
pub mod moto;
pub mod runner;
pub mod sink;
pub mod soak;
pub mod sshd;
pub mod syslog;
pub mod traffic;
pub mod trouble;
pub mod waiting;
pub mod web;

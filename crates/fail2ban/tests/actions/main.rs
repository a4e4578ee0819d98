//! Actions: our commands against those of the installed fail2ban, and against hostile values.

#[path = "../chance/mod.rs"]
mod chance;
mod golden;
mod hostile;
mod kernel;
mod oracle;
#[path = "../python/mod.rs"]
mod python;
mod reach;
mod runner;
mod stock;
mod values;

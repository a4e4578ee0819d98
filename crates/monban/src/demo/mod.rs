//! `monban demo`: the real daemon, the real firewall, a made-up attack, in a world of its own.
//!
//! As root the whole play happens in two network namespaces that nobody else sees: the server's,
//! with the daemon, nftables and a listener on port 22, and the attacker's, joined by a cable.
//! Without root, or without the `ip` program, the daemon observes and there is no cable.

mod cable;
mod curtain;
mod play;

use std::process::{Command, ExitCode};

use monban_views::Say;

use crate::cli::Common;
use crate::place::is_root;

/// Set in the environment of the process that runs inside the server's namespace.
const INSIDE: &str = "MONBAN_DEMO_INSIDE";

pub use curtain::end_with_parent;

/// Runs the demonstration.
pub fn main(common: &Common, say: Say) -> ExitCode {
    if let Some(address) = std::env::var_os("MONBAN_DEMO_CONNECT") {
        return cable::connect_once(&address.to_string_lossy());
    }
    end_with_parent();
    let inside = std::env::var_os(INSIDE).is_some();
    if is_root() && !inside && cable::tools_are_there() {
        return match enter(common) {
            Ok(code) => code,
            Err(error) => failed(&say, &error),
        };
    }
    match play::run(&say, inside) {
        Ok(()) => ExitCode::SUCCESS,
        // Somebody ended it; what is there to say?
        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => ExitCode::FAILURE,
        Err(error) => failed(&say, &error),
    }
}

/// Starts itself again in namespaces of its own.
fn enter(common: &Common) -> std::io::Result<ExitCode> {
    let mut command = Command::new("unshare");
    command.args(["--net", "--mount", "--"]).arg(std::env::current_exe()?).arg("demo");
    if let Some(lang) = &common.lang {
        command.args(["--lang", lang]);
    }
    let status = curtain::tied(&mut command).env(INSIDE, "1").status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn failed(say: &Say, error: &std::io::Error) -> ExitCode {
    eprintln!("{}", say.text("demo-failed", &[("error", &error.to_string())]));
    ExitCode::FAILURE
}

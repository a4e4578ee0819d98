//! The runner's start-up. It is root and stays it: a mail program or an administrator's script may
//! need any right. So it reads nothing but numbers and short values, and starts nothing but the
//! programs that the configuration names.

use std::io;
use std::os::fd::AsFd;
use std::process::ExitCode;

use monban_warden::Channel;

use crate::runner;

/// Runs the role. Descriptor 0 is the channel to the warden.
pub fn main() -> ExitCode {
    match start().and_then(runner::run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("monban runner: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> io::Result<Channel> {
    rustix::process::setsid()?;
    Ok(Channel::over(io::stdin().as_fd().try_clone_to_owned()?))
}

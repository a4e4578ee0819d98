//! The courier's start-up: give up every right but the network, lock, then the loop.

use std::io;
use std::os::fd::AsFd;
use std::process::ExitCode;

use monban_warden::Channel;

use super::sandbox;
use crate::cli::CourierArgs;
use crate::courier;

/// Runs the role. Descriptor 0 is the channel to the warden.
pub fn main(args: &CourierArgs) -> ExitCode {
    match start(args).and_then(courier::run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("monban courier: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(args: &CourierArgs) -> io::Result<Channel> {
    rustix::process::setsid()?;
    let channel = io::stdin().as_fd().try_clone_to_owned()?;
    if let Some(uid) = args.uid {
        sandbox::become_nobody((uid, uid))?;
    }
    sandbox::lock_sending(args.delivers)?;
    Ok(Channel::over(channel))
}

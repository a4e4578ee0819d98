//! The watcher's start-up: open what needs a path, give up every right, lock, then the loop.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::ExitCode;

use monban_rules::Clock;
use monban_views::Say;
use monban_warden::{Channel, ProgramText};
use rustix::fs::FlockOperation;

use super::sandbox;
use crate::cli::WatcherArgs;
use crate::place::{LOCK, Place};
use crate::watch::{FirstWord, Local, Output, Watch};

/// Runs the role. Descriptor 0 is the channel to the warden.
pub fn main(place: &Place, args: &WatcherArgs, json: bool, say: Say) -> ExitCode {
    match start(place, args, json, say).and_then(|watch| watch.map_or(Ok(()), |mut one| one.run()))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("monban watcher: {error}");
            ExitCode::FAILURE
        }
    }
}

/// `None` if there is nothing to do after all.
fn start(place: &Place, args: &WatcherArgs, json: bool, say: Say) -> io::Result<Option<Watch>> {
    // A session of its own, without a terminal: nothing can be typed into the one of whoever
    // started the warden, and its Ctrl-C is for the warden, which ends this process in order.
    rustix::process::setsid()?;
    let channel = io::stdin().as_fd().try_clone_to_owned()?;
    // Whoever gave up his rights is not let read it.
    let text = ProgramText::find();
    // The zone's rules lie outside of the folder that will be left.
    let clock = Clock::system(crate::watch::now());
    let zone = monban_fail2ban::dates::Zone::of_the_process();
    let log = monban_zone::of_the_process();
    let output = Output::new(say, json, args.terminal);
    let corner = place.watcher();
    let folder = match args.uid {
        Some(uid) => {
            // The folder is the user's own, and so is its group.
            let gid = std::fs::metadata(&corner)?.gid();
            sandbox::become_nobody_in(&corner, (uid, gid))?;
            PathBuf::from("/")
        }
        None => corner,
    };
    sandbox::keep_capabilities(rustix::thread::CapabilitySet::empty())?;
    rustix::process::set_parent_process_death_signal(None)?;
    // The watcher of a killed warden may still commit its last lines: two would count twice.
    let lock: OwnedFd = File::create(folder.join(LOCK))?.into();
    rustix::fs::flock(&lock, FlockOperation::LockExclusive)?;
    sandbox::lock(&folder)?;
    let local = Local { clock, zone, log, folder, text };
    let mut channel = Channel::over(channel);
    let Some(first) = FirstWord::wait(&mut channel, &local)? else { return Ok(None) };
    let (word, (ledger, saved)) = first;
    let mut watch = Watch::new(channel, ledger, saved, local, output, lock)?;
    watch.begin(word)?;
    Ok(Some(watch))
}

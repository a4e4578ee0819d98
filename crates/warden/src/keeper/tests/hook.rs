use monban_model::wire::{PamEvent, encode};

use super::*;
use crate::keeper::hook::Hook;
use crate::pam::{PamSocket, Sent, Spool, send};

/// The hooks that were passed on, by their processes, and `None` for the end of a spool.
fn pids(frames: &[ToWatcher]) -> Vec<Option<u32>> {
    let of = |frame: &ToWatcher| match frame {
        ToWatcher::Hooked(event) => Some(Some(event.pid)),
        ToWatcher::SpoolEnds => Some(None),
        _ => None,
    };
    frames.iter().filter_map(of).collect()
}

fn frame(pid: u32) -> Vec<u8> {
    encode(&PamEvent { pid, ..PamEvent::default() })
}

fn with_hook(test: impl FnOnce(&mut Keeper<'_>, &Rc<RefCell<Around>>, &Path)) {
    with_keeper(Load::default(), |keeper, around, folder| {
        let run = folder.join("run");
        let socket = PamSocket::bind(&run).unwrap().into_fd();
        keeper.hook = Hook::new(Some((run.clone(), Ok(socket))));
        test(keeper, around, &run);
    });
}

#[test]
fn a_spool_is_removed_when_the_ledger_has_it_and_passed_to_each_watcher_until_then() {
    with_hook(|keeper, around, run| {
        let spool = Spool::of(run);
        spool.append(&frame(1));
        spool.append(&frame(2));
        keeper.take_spool();
        assert_eq!(pids(&to_watcher(around)), [Some(1), Some(2), None]);
        spool.append(&frame(3));
        keeper.take_spool();
        assert_eq!(pids(&to_watcher(around)), [], "one after the other");
        // It ends before it has kept them.
        keeper.lose_watcher();
        keeper.start_watcher();
        assert_eq!(pids(&to_watcher(around)), [Some(1), Some(2), None]);
        say(around, &ToWarden::SpoolKept);
        keeper.hear_watcher();
        keeper.take_spool();
        assert_eq!(pids(&to_watcher(around)), [Some(3), None]);
        say(around, &ToWarden::SpoolKept);
        keeper.hear_watcher();
        assert!(spool.take().unwrap().is_none());
        // A word too many removes nothing.
        spool.append(&frame(4));
        say(around, &ToWarden::SpoolKept);
        keeper.hear_watcher();
        keeper.take_spool();
        assert_eq!(pids(&to_watcher(around)), [Some(4), None]);
    });
}

#[test]
fn a_socket_that_failed_is_made_anew_and_nothing_is_lost_meanwhile() {
    with_hook(|keeper, around, run| {
        assert_eq!(send(run, &frame(1)), Sent::Taken);
        say(around, &ToWarden::HookDeaf);
        keeper.hear_watcher();
        assert_eq!(send(run, &frame(2)), Sent::NotTaken, "the hook writes it down");
        keeper.reopen_hook();
        assert!(to_watcher(around).contains(&ToWatcher::PamSocket));
        assert_eq!(send(run, &frame(3)), Sent::Taken);
        // Where it cannot be made that is told once, and tried on.
        say(around, &ToWarden::HookDeaf);
        keeper.hear_watcher();
        std::fs::remove_dir_all(run).unwrap();
        std::fs::write(run, "").unwrap();
        keeper.reopen_hook();
        keeper.reopen_hook();
        let is_told = |frame: &ToWatcher| matches!(frame, ToWatcher::Tell(told) if told.key == "hook-socket-failed");
        assert_eq!(to_watcher(around).iter().filter(|frame| is_told(frame)).count(), 1);
        std::fs::remove_file(run).unwrap();
        keeper.reopen_hook();
        assert_eq!(send(run, &frame(4)), Sent::Taken);
    });
}

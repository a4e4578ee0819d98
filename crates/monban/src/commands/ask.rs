//! Questions to the daemon over its control socket.

use crate::out;
use std::fs::File;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use monban_firewall::Nftables;
use monban_model::Notice;
use monban_model::limits::JAILS_END_S;
use monban_model::wire::{Mode, Reply, Request};
use monban_views::{notice_json, printable_lines};
use monban_warden::{Channel, Received};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use serde_json::{Value, json};

use super::Context;
use crate::place::is_root;
use crate::problems;
use crate::roles::control::short_path;

/// A daemon that answers later than this is stopped or hangs.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The same where it answers after the end of jails.
pub const PATIENCE_WITH_ENDS: Duration = Duration::from_secs(JAILS_END_S + 10);

/// Asks the daemon; `None` if no daemon listens.
///
/// # Errors
/// A text for people: no access, no answer in time, or one that cannot be read.
pub fn ask(context: &Context<'_>, request: &Request) -> Result<Option<Reply>, String> {
    let patience = match request {
        Request::Reload => PATIENCE_WITH_ENDS,
        _ => PATIENCE,
    };
    Ok(ask_for(context, request, patience)?.map(|(reply, _)| reply))
}

/// Asks the daemon, and waits for the answer and the file that came with it for so long; `None` if
/// no daemon listens.
///
/// # Errors
/// As [`ask`].
pub fn ask_for(
    context: &Context<'_>,
    request: &Request,
    patience: Duration,
) -> Result<Option<(Reply, Option<OwnedFd>)>, String> {
    let no_access = |error: io::Error| {
        if error.kind() == io::ErrorKind::WouldBlock {
            let seconds = patience.as_secs().to_string();
            return context.say.text("no-answer", &[("seconds", &seconds)]);
        }
        let path = context.place.state.display().to_string();
        let values =
            [("path", path.as_str()), ("error", &context.say.sentence(&error.to_string()))];
        context.say.text("no-access", &values)
    };
    let folder = match File::open(&context.place.state) {
        Ok(folder) => folder,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(no_access(error)),
    };
    exchange(&short_path(&folder), request, None, patience).map_err(no_access)
}

/// Asks whoever listens at a socket, perhaps with a file, and gives back the answer with the file
/// that came with it; `None` if nobody listens.
///
/// # Errors
/// No access, or no answer within `patience`.
pub fn exchange(
    socket: &Path,
    request: &Request,
    file: Option<BorrowedFd<'_>>,
    patience: Duration,
) -> io::Result<Option<(Reply, Option<OwnedFd>)>> {
    let address = SocketAddrUnix::new(socket)?;
    let socket = rustix::net::socket_with(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )?;
    for side in [Timeout::Recv, Timeout::Send] {
        set_socket_timeout(&socket, side, Some(patience))?;
    }
    use rustix::io::Errno;
    match rustix::net::connect(&socket, &address) {
        Err(Errno::NOENT | Errno::CONNREFUSED) => return Ok(None),
        other => other?,
    }
    let mut channel = Channel::over(socket);
    // Whom the warden does not trust it answers at once and hangs up: the answer waits.
    let sent = channel.send(request, file);
    match channel.wait::<Reply>()? {
        Received::Frame(reply, file) => Ok(Some((reply, file))),
        Received::Nothing => Err(io::ErrorKind::WouldBlock.into()),
        Received::End => sent.map(|()| None),
    }
}

/// Asks the daemon to do something and tells what came of it.
///
/// # Errors
/// A text for people if there is no daemon, unless the kernel can be told without one.
pub fn order(context: &Context<'_>, request: &Request) -> Result<ExitCode, String> {
    let reply = match ask(context, request)? {
        Some(reply) => reply,
        None if *request == Request::FreeAll && is_root() => free_in_kernel(context)?,
        None => {
            let path = context.place.state.display().to_string();
            return Err(context.say.text("not-running-command", &[("path", &path)]));
        }
    };
    let (done, mut notices) = match reply {
        Reply::Done { done, notices } => (done, notices),
        Reply::Refused(refusal) if context.json => (false, refusal.problems),
        Reply::Refused(refusal) => {
            let values = vec![("text".to_owned(), problems::show_refusal(&refusal, context.say))];
            (false, vec![Notice { key: "config-refused".to_owned(), values }])
        }
        Reply::Status(_) | Reply::Words => (false, Vec::new()),
    };
    if let (true, Request::Allow { net, .. }) = (done, request) {
        let values = vec![("net".to_owned(), net.to_string())];
        notices.insert(0, Notice { key: "allowed".to_owned(), values });
        if net.prefix() < 8 {
            notices.insert(1, Notice { key: "allow-wide".to_owned(), values: Vec::new() });
        }
    }
    if context.json {
        let notices: Vec<Value> = notices.iter().map(notice_json).collect();
        out::json(&json!({"done": done, "notices": notices}));
    } else {
        for told in &notices {
            out::line(printable_lines(&context.say.notice(told)));
        }
    }
    if done && matches!(request, Request::Ban { .. }) {
        tell_if_observing(context)?;
    }
    Ok(if done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Takes every block out of the kernel, where no daemon runs that could. The ledger is the
/// watcher's, and stays as it is.
fn free_in_kernel(context: &Context<'_>) -> Result<Reply, String> {
    Nftables::remove_all().map_err(|error| context.say.sentence(&error.to_string()))?;
    let values = vec![("path".to_owned(), context.place.state.display().to_string())];
    let told = Notice { key: "freed-all-kernel".to_owned(), values };
    Ok(Reply::Done { done: true, notices: vec![told] })
}

/// Asks how the daemon stands and tells what changes the meaning of a list of blocks: that it
/// does not run, that it only observes, or that the ledger is behind what it knows. Answers with
/// its mode; `None` if it does not run.
///
/// # Errors
/// As [`ask`].
pub fn tell_if_observing(context: &Context<'_>) -> Result<Option<Mode>, String> {
    match ask(context, &Request::Status)? {
        None => {
            let path = context.place.state.display().to_string();
            eprintln!("{}", context.say.text("not-running", &[("path", &path)]));
            Ok(None)
        }
        Some(Reply::Status(status)) => {
            if status.mode == Mode::Observe {
                eprintln!("{}", context.say.text("only-observes", &[]));
            }
            for trouble in &status.troubles {
                eprintln!("{}", context.say.notice(trouble));
            }
            Ok(Some(status.mode))
        }
        Some(_) => Err(context.say.text("not-allowed", &[])),
    }
}

/// What is not as it should be, for machines.
pub fn troubles_json(troubles: &[Notice]) -> Value {
    troubles.iter().map(notice_json).collect()
}

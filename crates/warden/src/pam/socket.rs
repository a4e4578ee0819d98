//! The socket: one datagram for each call of the hook.

use std::fs::{self, File, Permissions};
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use monban_model::limits::PAM_FRAME_MAX;
use monban_model::wire::{PamEvent, decode};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendFlags,
    SocketAddrUnix, SocketFlags, SocketType, sockopt,
};

/// The name of the socket in its folder.
const SOCKET: &str = "pam.sock";
/// Its name until only its owner can send to it.
const UNFINISHED: &str = "pam.sock.new";

/// What is asked for as room for datagrams that were not read yet, in bytes. How many there may be
/// is up to the kernel beside that: `net.unix.max_dgram_qlen`, 10 where nobody raised it.
const ROOM: usize = 1024 * 1024;

/// Datagrams that are passed over in one call at most, so that whoever sends what is not believed
/// keeps nobody from other work.
const PASSED_OVER_MAX: usize = 64;

/// The receiving end. Its descriptor may be handed to a process without rights: whom a datagram is
/// from was asked for when the socket was made, and the kernel says it with each.
#[derive(Debug)]
pub struct PamSocket {
    socket: OwnedFd,
    owner: u32,
    refused: u64,
    damaged: u64,
}

/// Who sent a datagram, by the kernel. Its process is not among it: seen from within a container
/// it may have no number, and the event names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Real uid of the sender.
    pub uid: u32,
    /// Real gid of the sender.
    pub gid: u32,
}

/// What became of a datagram on the hook's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It lies in the socket's queue.
    Taken,
    /// Nobody has the socket, or its queue is full.
    NotTaken,
}

impl PamSocket {
    /// Makes the socket in a folder, in place of one that an earlier run left there.
    ///
    /// # Errors
    /// If the folder is unfit (see [`super::prepare`]) or the socket cannot be made.
    pub fn bind(folder: &Path) -> io::Result<Self> {
        super::prepare(folder)?;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
        sockopt::set_socket_passcred(&socket, true)?;
        // Beyond `net.core.rmem_max` only with CAP_NET_ADMIN; less room is no reason to stop.
        if sockopt::set_socket_recv_buffer_size_force(&socket, ROOM).is_err() {
            sockopt::set_socket_recv_buffer_size(&socket, ROOM)?;
        }
        let unfinished = folder.join(UNFINISHED);
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // By way of the open folder: the path of a socket may have 108 bytes only.
        let open = File::open(folder)?;
        let short = format!("/proc/self/fd/{}/{UNFINISHED}", open.as_raw_fd());
        rustix::net::bind(&socket, &SocketAddrUnix::new(short)?)?;
        fs::set_permissions(&unfinished, Permissions::from_mode(0o600))?;
        fs::rename(&unfinished, folder.join(SOCKET))?;
        Ok(Self::over(socket))
    }

    /// Takes over a socket that [`PamSocket::bind`] made, perhaps in another process. Believed is
    /// root.
    pub const fn over(socket: OwnedFd) -> Self {
        Self { socket, owner: 0, refused: 0, damaged: 0 }
    }

    /// The descriptor, to hand it on.
    pub fn into_fd(self) -> OwnedFd {
        self.socket
    }

    /// Takes the next datagram that can be believed, without waiting; `None` if none is there.
    /// Those of other users and those that are no frame are passed over and counted.
    ///
    /// # Errors
    /// If the socket fails.
    pub fn receive(&mut self) -> io::Result<Option<(PamEvent, Credentials)>> {
        let mut buffer = [0; PAM_FRAME_MAX + 1];
        for _ in 0..PASSED_OVER_MAX {
            let (length, from) = match self.take(&mut buffer) {
                Ok(got) => got,
                Err(Errno::AGAIN) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let Some(from) = from.filter(|from| from.uid == self.owner) else {
                self.refused += 1;
                continue;
            };
            match decode(&buffer[..length]) {
                Ok(event) if length <= PAM_FRAME_MAX => return Ok(Some((event, from))),
                _ => self.damaged += 1,
            }
        }
        Ok(None)
    }

    /// Datagrams of others than root since the start.
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// Datagrams of root's that are no frame of this version.
    pub const fn damaged(&self) -> u64 {
        self.damaged
    }

    fn take(&self, buffer: &mut [u8]) -> Result<(usize, Option<Credentials>), Errno> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let got = loop {
            let mut into = [IoSliceMut::new(buffer)];
            match rustix::net::recvmsg(&self.socket, &mut into, &mut control, flags) {
                Err(Errno::INTR) => {}
                result => break result?,
            }
        };
        let mut from = None;
        // Descriptors that somebody sent along are closed here, unlooked at.
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmCredentials(of) = message {
                from = Some(Credentials { uid: of.uid.as_raw(), gid: of.gid.as_raw() });
            }
        }
        // Of a longer datagram the rest is lost: it is no frame.
        let is_whole = !got.flags.contains(ReturnFlags::TRUNC);
        Ok((if is_whole { got.bytes } else { buffer.len() }, from))
    }
}

impl AsFd for PamSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Sends a frame to the socket in a folder, without waiting: the hook's side.
pub fn send(folder: &Path, frame: &[u8]) -> Sent {
    match try_send(folder, frame) {
        Ok(length) if length == frame.len() => Sent::Taken,
        _ => Sent::NotTaken,
    }
}

fn try_send(folder: &Path, frame: &[u8]) -> Result<usize, Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
    let to = SocketAddrUnix::new(folder.join(SOCKET))?;
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    loop {
        match rustix::net::sendto(&socket, frame, flags, &to) {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use monban_model::wire::encode;
    use rustix::process::geteuid;

    fn event(pid: u32) -> PamEvent {
        PamEvent { service: "sshd".to_owned(), user: "alice".to_owned(), pid, ..Default::default() }
    }

    /// A socket that believes whoever runs the tests.
    fn bound(folder: &Path) -> PamSocket {
        PamSocket { owner: geteuid().as_raw(), ..PamSocket::bind(folder).unwrap() }
    }

    #[test]
    fn what_is_sent_comes_with_the_kernels_word_on_who_sent_it() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("run");
        let mut socket = bound(&folder);
        assert_eq!(socket.receive().unwrap(), None);
        assert_eq!(send(&folder, &encode(&event(7))), Sent::Taken);
        let (got, from) = socket.receive().unwrap().unwrap();
        assert_eq!((got, from.uid), (event(7), geteuid().as_raw()));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode(&folder), mode(&folder.join(SOCKET))), (0o755, 0o600));
    }

    #[test]
    fn others_are_refused_and_what_is_no_frame_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("run");
        let mut socket = bound(&folder);
        for bytes in [&[][..], &[9; 40], &[1; PAM_FRAME_MAX + 900]] {
            assert_eq!(send(&folder, bytes), Sent::Taken);
        }
        send(&folder, &encode(&event(8)));
        assert_eq!(socket.receive().unwrap().map(|(event, _)| event.pid), Some(8));
        assert_eq!((socket.damaged(), socket.refused()), (3, 0));
        socket.owner = geteuid().as_raw() + 1;
        send(&folder, &encode(&event(9)));
        assert_eq!(socket.receive().unwrap(), None);
        assert_eq!((socket.damaged(), socket.refused()), (3, 1));
    }

    #[test]
    fn a_full_or_missing_socket_is_said_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("run");
        assert_eq!(send(&folder, b"x"), Sent::NotTaken);
        let socket = bound(&folder);
        let frame = encode(&event(1));
        let taken = (0..100_000).take_while(|_| send(&folder, &frame) == Sent::Taken).count();
        assert!((1..100_000).contains(&taken), "{taken}");
        drop(socket);
        // The name is still there, and nobody behind it.
        assert_eq!(send(&folder, &frame), Sent::NotTaken);
        assert_eq!(bound(&folder).receive().unwrap(), None);
        assert_eq!(send(&folder, &frame), Sent::NotTaken);
    }

    #[test]
    fn a_folder_that_others_may_write_to_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("run");
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
        assert!(PamSocket::bind(&folder).is_err());
        let link = folder.with_extension("link");
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink(&folder, &link).unwrap();
        assert!(PamSocket::bind(&link).is_err());
    }
}

//! The control socket: operators' commands come over it.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

/// The name of the socket in a state folder.
pub const SOCKET: &str = "control.sock";

/// The socket in a state folder, listening. It is bound by way of the open folder: a socket's path
/// may have 108 bytes only.
///
/// # Errors
/// If it cannot be made, or what an earlier run left cannot be removed.
pub fn socket(state: &Path) -> io::Result<OwnedFd> {
    let folder = File::open(state)?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    let path = state.join(SOCKET);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    rustix::net::bind(&socket, &SocketAddrUnix::new(short_path(&folder))?)?;
    // Who speaks is asked of the kernel at each connection.
    fs::set_permissions(&path, Permissions::from_mode(0o666))?;
    rustix::net::listen(&socket, 16)?;
    Ok(socket)
}

/// The socket's path by way of the open state folder.
pub fn short_path(folder: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", folder.as_fd().as_raw_fd()))
}

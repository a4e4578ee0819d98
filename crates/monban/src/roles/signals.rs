//! Signals as bytes: the warden waits for them as for everything else.

use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;

/// A pipe that gets a byte for each signal: `T` to end, `H` to reload.
///
/// # Errors
/// If the kernel has no descriptor or thread left.
pub fn heard() -> io::Result<OwnedFd> {
    let (reader, writer) = std::os::unix::net::UnixStream::pair()?;
    let (reload_reader, reload_writer) = std::os::unix::net::UnixStream::pair()?;
    for signal in [libc::SIGTERM, libc::SIGINT] {
        signal_hook::low_level::pipe::register(signal, writer.try_clone()?)?;
    }
    signal_hook::low_level::pipe::register(libc::SIGHUP, reload_writer)?;
    let (out, into) = std::os::unix::net::UnixStream::pair()?;
    for (mut from, byte) in [(reader, b'T'), (reload_reader, b'H')] {
        let mut into = into.try_clone()?;
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            let mut one = [0; 1];
            while from.read_exact(&mut one).is_ok() && into.write_all(&[byte]).is_ok() {}
        })?;
    }
    Ok(out.into())
}

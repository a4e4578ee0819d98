//! One frame a packet, and perhaps one descriptor with it.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use monban_model::limits::FRAME_MAX;
use monban_model::wire::{FrameError, Wire, decode, encode};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};

/// Frames that wait for the other side at most. Above it the other side is taken for dead.
const QUEUE_MAX: usize = 16_384;

/// One end of a connected `SOCK_SEQPACKET` socket.
#[derive(Debug)]
pub struct Channel {
    socket: OwnedFd,
    buffer: Vec<u8>,
    waiting: VecDeque<(Vec<u8>, Option<OwnedFd>)>,
}

/// What came in.
#[derive(Debug)]
pub enum Received<T> {
    /// A frame, and the descriptor that came with it.
    Frame(T, Option<OwnedFd>),
    /// Nothing is there now.
    Nothing,
    /// The other side is gone.
    End,
}

impl Channel {
    /// Two connected ends; both are closed by an `exec`.
    ///
    /// # Errors
    /// If the kernel has no descriptor or memory left.
    pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
        Ok(rustix::net::socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )?)
    }

    /// Speaks over a connected socket.
    pub fn over(socket: OwnedFd) -> Self {
        Self { socket, buffer: vec![0; FRAME_MAX], waiting: VecDeque::new() }
    }

    /// Sends a frame; waits for room.
    ///
    /// # Errors
    /// If the other side is gone.
    pub fn send<T: Wire>(&mut self, frame: &T, fd: Option<BorrowedFd<'_>>) -> io::Result<()> {
        loop {
            match self.put(&encode(frame), fd, SendFlags::NOSIGNAL) {
                Err(Errno::INTR) => {}
                result => return Ok(result?),
            }
        }
    }

    /// Sends a frame, or keeps it in order until [`Channel::flush`] finds room. The warden never
    /// waits for the watcher.
    ///
    /// # Errors
    /// If the other side is gone, or so far behind that it is taken for dead.
    pub fn post<T: Wire>(&mut self, frame: &T, fd: Option<OwnedFd>) -> io::Result<()> {
        if self.waiting.len() >= QUEUE_MAX {
            return Err(io::Error::other("the other side does not read its frames"));
        }
        self.waiting.push_back((encode(frame), fd));
        self.flush()
    }

    /// Sends what waits, as far as there is room.
    ///
    /// # Errors
    /// If the other side is gone.
    pub fn flush(&mut self) -> io::Result<()> {
        while let Some((bytes, fd)) = self.waiting.front() {
            let fd = fd.as_ref().map(AsFd::as_fd);
            match self.put(bytes, fd, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
                Ok(()) => {
                    self.waiting.pop_front();
                }
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Whether frames wait for room.
    pub fn is_behind(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether frames wait for room that carry a descriptor.
    pub fn has_descriptors_waiting(&self) -> bool {
        self.waiting.iter().any(|(_, fd)| fd.is_some())
    }

    /// Takes the next frame without waiting.
    ///
    /// # Errors
    /// If the other side sent something that is no frame, or the socket fails.
    pub fn receive<T: Wire>(&mut self) -> io::Result<Received<T>> {
        self.take(RecvFlags::DONTWAIT)
    }

    /// Takes the next frame and waits for it.
    ///
    /// # Errors
    /// As [`Channel::receive`].
    pub fn wait<T: Wire>(&mut self) -> io::Result<Received<T>> {
        self.take(RecvFlags::empty())
    }

    fn put(&self, bytes: &[u8], fd: Option<BorrowedFd<'_>>, flags: SendFlags) -> Result<(), Errno> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let fds = fd.as_slice();
        if !fds.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(fds));
        }
        rustix::net::sendmsg(&self.socket, &[IoSlice::new(bytes)], &mut control, flags)?;
        Ok(())
    }

    fn take<T: Wire>(&mut self, flags: RecvFlags) -> io::Result<Received<T>> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = flags | RecvFlags::CMSG_CLOEXEC;
        let got = loop {
            let mut into = [IoSliceMut::new(&mut self.buffer)];
            match rustix::net::recvmsg(&self.socket, &mut into, &mut control, flags) {
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(Received::Nothing),
                Err(Errno::CONNRESET) => return Ok(Received::End),
                result => break result?,
            }
        };
        let mut fd = None;
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(fds) = message {
                for each in fds {
                    fd = Some(each);
                }
            }
        }
        if got.bytes == 0 {
            return Ok(Received::End);
        }
        let frame = decode(&self.buffer[..got.bytes]).map_err(bad_frame)?;
        Ok(Received::Frame(frame, fd))
    }
}

fn bad_frame(error: FrameError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use monban_model::wire::{ToWarden, ToWatcher};
    use std::io::{Read, Seek, Write};

    #[test]
    fn a_frame_comes_with_its_descriptor() {
        let (here, there) = Channel::pair().unwrap();
        let (mut here, mut there) = (Channel::over(here), Channel::over(there));
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"hello").unwrap();
        file.rewind().unwrap();
        here.send(&ToWatcher::Journal, Some(file.as_fd())).unwrap();
        here.send(&ToWatcher::Stop, None).unwrap();
        let Received::Frame(ToWatcher::Journal, Some(fd)) = there.receive().unwrap() else {
            panic!("the journal frame")
        };
        let mut text = String::new();
        std::fs::File::from(fd).read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
        assert!(matches!(there.receive().unwrap(), Received::Frame(ToWatcher::Stop, None)));
        assert!(matches!(there.receive::<ToWatcher>().unwrap(), Received::Nothing));
        drop(here);
        assert!(matches!(there.receive::<ToWatcher>().unwrap(), Received::End));
    }

    #[test]
    fn posting_never_waits_and_keeps_the_order() {
        let (here, there) = Channel::pair().unwrap();
        let (mut here, mut there) = (Channel::over(here), Channel::over(there));
        for reload in 0..5000 {
            here.post(&ToWarden::Ready { reload, lacks: vec![] }, None).unwrap();
        }
        assert!(here.is_behind());
        let mut next = 0;
        while next < 5000 {
            match there.receive().unwrap() {
                Received::Frame(ToWarden::Ready { reload, .. }, None) => {
                    assert_eq!(reload, next);
                    next += 1;
                }
                _ => here.flush().unwrap(),
            }
        }
    }

    #[test]
    fn what_is_no_frame_is_an_error() {
        let (here, there) = Channel::pair().unwrap();
        let mut there = Channel::over(there);
        rustix::net::send(&here, &[200, 1, 2], SendFlags::empty()).unwrap();
        assert!(there.receive::<ToWatcher>().is_err());
    }
}

//! A netlink socket to the netfilter part of the kernel.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::sockopt::{
    Timeout, set_socket_recv_buffer_size, set_socket_recv_buffer_size_force,
    set_socket_send_buffer_size, set_socket_send_buffer_size_force, set_socket_timeout,
};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, getsockname, netlink,
    recvfrom, send, socket_with,
};

use crate::FirewallError;
use crate::decode::{Message, Messages};
use crate::encode::Batch;
use crate::uapi::{NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR};

/// The kernel's dumps come in at most 32 KiB; an error carries the message that failed (ours end
/// below 32 KiB) with a header.
const RECEIVE_BYTES: usize = 64 * 1024;

/// Answers that wait in the kernel: those to a few hundred questions, or errors with messages.
const RECEIVE_BUFFER_BYTES: usize = 8 * 1024 * 1024;

/// The least that a send buffer is raised to. A batch is one datagram and must fit.
const SEND_BUFFER_BYTES_MIN: usize = 1024 * 1024;

/// The kernel answers within the system call; this only ends a wait that should not be.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// How often a dump is begun again, or a batch sent again, that somebody else disturbed.
const RETRIES: usize = 20;

/// The socket.
#[derive(Debug)]
pub(crate) struct Socket {
    fd: OwnedFd,
    port_id: u32,
    seq: u32,
    /// Transactions that the kernel took.
    commits: u32,
    send_buffer: usize,
    buffer: Vec<u8>,
}

impl Socket {
    /// Opens it, and joins these multicast groups.
    pub(crate) fn open(groups: u32) -> Result<Self, FirewallError> {
        let doing = "open a netlink socket to netfilter";
        let fail = |errno| FirewallError::kernel(errno, doing);
        let fd = socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            Some(netlink::NETFILTER),
        )
        .map_err(fail)?;
        bind(&fd, &SocketAddrNetlink::new(0, groups)).map_err(fail)?;
        set_socket_timeout(&fd, Timeout::Recv, Some(ANSWER_TIMEOUT)).map_err(fail)?;
        // Kernels before 5.19 do not let the root of a container do this; then what the kernel
        // lets anybody have must do, and what does not fit is sent or read in smaller parts.
        if set_socket_recv_buffer_size_force(&fd, RECEIVE_BUFFER_BYTES).is_err() {
            let _ = set_socket_recv_buffer_size(&fd, RECEIVE_BUFFER_BYTES);
        }
        let name = getsockname(&fd).map_err(fail)?;
        let port_id = SocketAddrNetlink::try_from(name).map_err(fail)?.pid();
        let buffer = vec![0; RECEIVE_BYTES];
        Ok(Self { fd, port_id, seq: 0, commits: 0, send_buffer: 0, buffer })
    }

    /// Joins these multicast groups and leaves all others.
    pub(crate) fn hear(&self, groups: u32) -> Result<(), FirewallError> {
        let fail = |errno| FirewallError::kernel(errno, "choose what to hear of netfilter");
        bind(&self.fd, &SocketAddrNetlink::new(self.port_id, groups)).map_err(fail)
    }

    /// The number under which the kernel knows this socket.
    pub(crate) const fn port_id(&self) -> u32 {
        self.port_id
    }

    /// How many transactions the kernel took from here; it begins anew behind 2^32.
    pub(crate) const fn commits(&self) -> u32 {
        self.commits
    }

    /// The number before the first of `count` new messages.
    pub(crate) const fn reserve(&mut self, count: u32) -> u32 {
        let before = self.seq;
        self.seq = self.seq.wrapping_add(count);
        before
    }

    /// Sends a batch and waits for the verdict of the kernel. With `commit` false it is only
    /// checked.
    pub(crate) fn transact(
        &mut self,
        batch: Batch,
        commit: bool,
        doing: &'static str,
    ) -> Result<(), FirewallError> {
        if batch.is_empty() {
            return Ok(());
        }
        let (bytes, acknowledged) = batch.finish(commit);
        self.seq = acknowledged.wrapping_add(1);
        let mut last = Errno::AGAIN;
        for _ in 0..RETRIES {
            self.send(&bytes, doing)?;
            // The kernel works a batch off within send(); all verdicts are there already.
            let mut failed = None;
            let mut taken = false;
            self.drain(doing, |message| {
                if message.kind == NLMSG_ERROR
                    && let Some(errno) = message.error()
                {
                    if errno != 0 {
                        failed.get_or_insert(Errno::from_raw_os_error(errno));
                    } else if message.seq == acknowledged {
                        taken = true;
                    }
                }
            })?;
            match failed {
                None if taken => {
                    self.commits = self.commits.wrapping_add(u32::from(commit));
                    return Ok(());
                }
                // The verdict was lost (its buffer was full of errors): nothing is certain.
                None => last = Errno::NOBUFS,
                Some(errno @ (Errno::AGAIN | Errno::INTR | Errno::BUSY)) => last = errno,
                Some(errno) => return Err(FirewallError::kernel(errno, doing)),
            }
        }
        Err(FirewallError::kernel(last, doing))
    }

    /// Sends questions whose answers are single messages, and gives each answer to `each`. A
    /// question without an answer is answered by an error message.
    pub(crate) fn ask(
        &mut self,
        bytes: &[u8],
        doing: &'static str,
        each: impl FnMut(&Message<'_>),
    ) -> Result<(), FirewallError> {
        self.send(bytes, doing)?;
        self.drain(doing, each)
    }

    /// Sends a question whose answer is a list, and collects what `each` makes of its messages.
    /// A list during which the firewall changed is read again.
    pub(crate) fn dump<T>(
        &mut self,
        bytes: &[u8],
        seq: u32,
        doing: &'static str,
        mut each: impl FnMut(&Message<'_>, &mut Vec<T>),
    ) -> Result<Vec<T>, FirewallError> {
        let mut list = Vec::new();
        for _ in 0..RETRIES {
            list.clear();
            self.send(bytes, doing)?;
            if self.read_list(seq, doing, &mut list, &mut each)? {
                return Ok(list);
            }
        }
        Err(FirewallError::Restless { doing })
    }

    /// Reads a list to its end; false if it changed under way.
    fn read_list<T>(
        &mut self,
        seq: u32,
        doing: &'static str,
        list: &mut Vec<T>,
        each: &mut impl FnMut(&Message<'_>, &mut Vec<T>),
    ) -> Result<bool, FirewallError> {
        let mut whole = true;
        loop {
            let length = match self.receive(RecvFlags::empty()) {
                Ok(length) => length,
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(FirewallError::kernel(errno, doing)),
            };
            for message in Messages(self.buffer.get(..length).unwrap_or(&[])) {
                if message.seq != seq {
                    continue;
                }
                whole &= message.flags & NLM_F_DUMP_INTR == 0;
                match message.kind {
                    // Both end the list; the error of a list stands in its end message.
                    NLMSG_DONE | NLMSG_ERROR => match message.error() {
                        Some(0) | None => return Ok(whole),
                        Some(errno) => match Errno::from_raw_os_error(errno) {
                            Errno::INTR | Errno::AGAIN => return Ok(false),
                            errno => return Err(FirewallError::kernel(errno, doing)),
                        },
                    },
                    _ => each(&message, list),
                }
            }
        }
    }

    /// Gives every message that waits to `each`, and does not wait for more.
    pub(crate) fn drain(
        &mut self,
        doing: &'static str,
        mut each: impl FnMut(&Message<'_>),
    ) -> Result<(), FirewallError> {
        let mut lost = false;
        loop {
            match self.receive(RecvFlags::DONTWAIT) {
                Ok(length) => {
                    let bytes = self.buffer.get(..length).unwrap_or(&[]);
                    Messages(bytes).for_each(|message| each(&message));
                }
                Err(Errno::INTR) => {}
                // Said once, then the messages that did fit can be read.
                Err(Errno::NOBUFS) => lost = true,
                Err(Errno::AGAIN) if lost => {
                    return Err(FirewallError::kernel(Errno::NOBUFS, doing));
                }
                Err(Errno::AGAIN) => return Ok(()),
                Err(errno) => return Err(FirewallError::kernel(errno, doing)),
            }
        }
    }

    /// One datagram of the kernel; a datagram from anybody else counts as empty.
    fn receive(&mut self, flags: RecvFlags) -> Result<usize, Errno> {
        let (length, _, from) = recvfrom(&self.fd, self.buffer.as_mut_slice(), flags)?;
        let from_kernel = from
            .and_then(|address| SocketAddrNetlink::try_from(address).ok())
            .is_some_and(|address| address.pid() == 0);
        Ok(if from_kernel { length } else { 0 })
    }

    fn send(&mut self, bytes: &[u8], doing: &'static str) -> Result<(), FirewallError> {
        // The kernel doubles what is asked, for its own bookkeeping.
        let needed = bytes.len().max(SEND_BUFFER_BYTES_MIN);
        if needed > self.send_buffer {
            if set_socket_send_buffer_size_force(&self.fd, needed).is_err() {
                let _ = set_socket_send_buffer_size(&self.fd, needed);
            }
            self.send_buffer = needed;
        }
        loop {
            match send(&self.fd, bytes, SendFlags::empty()) {
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(FirewallError::kernel(errno, doing)),
            }
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

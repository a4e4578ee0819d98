//! Rights are given up here.
//!
//! The order is: folder, groups, gid, uid, capabilities, no new privileges, landlock, seccomp; the
//! last two are the lock, right before the role's loop.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, PathBeneath,
    PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr,
};
use rustix::process::{Gid, Uid};
use rustix::thread::{CapabilitySet, CapabilitySets};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

/// What of landlock is asked for; an older kernel gives what it has.
const ABI_KNOWN: ABI = ABI::V5;

/// Makes `folder` the whole file system and becomes this user and group, for good.
///
/// # Errors
/// If any step fails: then the role must not go on.
pub fn become_nobody_in(folder: &Path, (uid, gid): (u32, u32)) -> io::Result<()> {
    rustix::process::chroot(folder)?;
    become_nobody((uid, gid))
}

/// Becomes this user and group, for good.
///
/// # Errors
/// As [`become_nobody_in`].
pub fn become_nobody((uid, gid): (u32, u32)) -> io::Result<()> {
    std::env::set_current_dir("/")?;
    // As long as the right to do so is there: afterwards not even an exec of a file of root's
    // gives anything back.
    drop_from_bounding_set(CapabilitySet::empty());
    let (gid, uid) = (Gid::from_raw(gid), Uid::from_raw(uid));
    rustix::thread::set_thread_groups(&[])?;
    rustix::thread::set_thread_res_gid(gid, gid, gid)?;
    rustix::thread::set_thread_res_uid(uid, uid, uid)?;
    if rustix::process::geteuid() != uid || rustix::thread::set_thread_uid(Uid::ROOT).is_ok() {
        return Err(io::Error::other("the rights of root did not go"));
    }
    Ok(())
}

/// Keeps only the capabilities of `kept`, but lets a program that is started as root have all of
/// them again: the actor runs people's commands, which may need any.
///
/// # Errors
/// If the kernel refuses.
pub fn keep_capabilities_of_this_process(kept: CapabilitySet) -> io::Result<()> {
    let left = rustix::thread::capabilities(None)?.permitted & kept;
    let sets =
        CapabilitySets { effective: left, permitted: left, inheritable: CapabilitySet::empty() };
    Ok(rustix::thread::set_capabilities(None, sets)?)
}

/// Keeps only the capabilities of `kept`, and none of them over an exec for whoever is not root.
///
/// # Errors
/// If the kernel refuses.
pub fn keep_capabilities(kept: CapabilitySet) -> io::Result<()> {
    let had = rustix::thread::capabilities(None)?;
    if had.effective.contains(CapabilitySet::SETPCAP) {
        drop_from_bounding_set(kept);
    }
    keep_capabilities_of_this_process(kept)
}

fn drop_from_bounding_set(kept: CapabilitySet) {
    for capability in CapabilitySet::all().iter().filter(|one| !kept.contains(*one)) {
        // Unknown to an older kernel: then nobody has it.
        let _ = rustix::thread::remove_capability_from_bounding_set(capability);
    }
}

/// The lock: nothing of the file system but `folder`, no network, and only these system calls.
///
/// # Errors
/// If the kernel refuses. A kernel without landlock is no error; then the other walls stand.
pub fn lock(folder: &Path) -> io::Result<()> {
    lock_with(&[(folder, AccessFs::from_all(ABI_KNOWN))])
}

/// The lock of who resolves names: it reads what the C library needs for that, and may speak
/// with name servers. One that `delivers` may speak with any server over TCP.
///
/// # Errors
/// If the kernel refuses. It holds for this thread and those that it starts.
pub fn lock_sending(delivers: bool) -> io::Result<()> {
    keep_capabilities(CapabilitySet::empty())?;
    rustix::thread::set_no_new_privs(true)?;
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    // The list of name servers is often a link to wherever a network manager writes it.
    let servers = std::fs::canonicalize("/etc/resolv.conf").ok();
    let servers = servers.as_deref().and_then(Path::parent).map(Path::to_owned);
    let folders = RESOLVING.iter().map(Path::new).chain(servers.as_deref());
    let folders: Vec<_> =
        folders.filter(|path| path.exists()).map(|path| (path, read | AccessFs::Execute)).collect();
    let ports = (!delivers).then_some(&[DNS_PORT][..]);
    confine_files(&folders, ports)
        .map_err(|error| io::Error::other(format!("landlock: {error}")))?;
    confine_calls(&[CALLS, NETWORK_CALLS], SOCKETS)
        .map_err(|error| io::Error::other(format!("seccomp: {error}")))
}

/// Kinds of sockets for that; the C library asks over the last which families this host has.
const SOCKETS: &[i32] = &[libc::AF_INET, libc::AF_INET6, libc::AF_UNIX, libc::AF_NETLINK];

/// Where name servers answer over TCP.
const DNS_PORT: u16 = 53;

/// What the C library reads to resolve a name: its configuration and its modules, and sockets of
/// services on this machine.
const RESOLVING: &[&str] =
    &["/etc", "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/run/systemd/resolve", "/run/nscd"];

/// The lock of who asks strangers on the network: nothing of the file system, connections by TCP
/// to these ports only, no program.
///
/// # Errors
/// If the kernel refuses. It holds for this thread and those that it starts.
pub fn lock_asking(ports: &[u16]) -> io::Result<()> {
    keep_capabilities(CapabilitySet::empty())?;
    rustix::thread::set_no_new_privs(true)?;
    confine_files(&[], Some(ports))
        .map_err(|error| io::Error::other(format!("landlock: {error}")))?;
    confine_calls(&[CALLS, NETWORK_CALLS], &[libc::AF_INET, libc::AF_INET6])
        .map_err(|error| io::Error::other(format!("seccomp: {error}")))
}

/// The lock of who reads what was opened for it: nothing of the file system, no network, no
/// program.
///
/// # Errors
/// If the kernel refuses.
pub fn lock_alone() -> io::Result<()> {
    keep_capabilities(CapabilitySet::empty())?;
    lock_with(&[])
}

/// The lock of a command that only reads: the file system as it is, but nothing of it can be
/// written, no network, no program can be started.
///
/// # Errors
/// If the kernel refuses.
pub fn lock_reading() -> io::Result<()> {
    if cfg!(feature = "unconfined") {
        return Ok(());
    }
    keep_capabilities(CapabilitySet::DAC_READ_SEARCH)?;
    let read = AccessFs::from_read(ABI_KNOWN);
    lock_with(&[(Path::new("/"), read)])
}

/// The lock of a command that reads the ledger in `folder`: nothing else of the file system, no
/// network, no program. All that it may write is SQLite's file of locks, which readers and the
/// writer share; where that is missing, it may be made.
///
/// # Errors
/// If the kernel refuses.
pub fn lock_reading_ledger(folder: &Path) -> io::Result<()> {
    keep_capabilities(CapabilitySet::empty())?;
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let write = AccessFs::WriteFile | AccessFs::Truncate;
    let locks = folder.join(format!("{}-shm", monban_ledger::FILE_NAME));
    match locks.exists() {
        true => lock_with(&[(folder, read), (&locks, write)]),
        false => lock_with(&[(folder, read | write | AccessFs::MakeReg)]),
    }
}

fn lock_with(allowed: &[(&Path, BitFlags<AccessFs>)]) -> io::Result<()> {
    rustix::thread::set_no_new_privs(true)?;
    confine_files(allowed, Some(&[]))
        .map_err(|error| io::Error::other(format!("landlock: {error}")))?;
    confine_calls(&[CALLS], &[]).map_err(|error| io::Error::other(format!("seccomp: {error}")))
}

/// Nothing but these files, and TCP to these ports; `None` is to any.
fn confine_files(
    allowed: &[(&Path, BitFlags<AccessFs>)],
    ports: Option<&[u16]>,
) -> Result<(), Box<dyn std::error::Error>> {
    let net = match ports {
        Some(_) => AccessNet::from_all(ABI_KNOWN),
        None => AccessNet::BindTcp.into(),
    };
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(ABI_KNOWN))?
        .handle_access(net)?
        .create()?;
    for (path, access) in allowed {
        rules = rules.add_rule(PathBeneath::new(PathFd::new(path)?, *access))?;
    }
    for port in ports.into_iter().flatten() {
        rules = rules.add_rule(NetPort::new(*port, AccessNet::ConnectTcp))?;
    }
    rules.restrict_self()?;
    Ok(())
}

/// Whatever is not on the list answers EPERM. It is not answered with an end: a call that a newer
/// libc makes in place of an older one then fails over to the older one, and the guard lives.
fn confine_calls(lists: &[&[i64]], sockets: &[i32]) -> Result<(), Box<dyn std::error::Error>> {
    let calls = lists.iter().copied().flatten();
    let mut rules: BTreeMap<i64, _> = calls.map(|call| (*call, Vec::new())).collect();
    rules.insert(libc::SYS_ioctl, harmless_ioctls()?);
    if !sockets.is_empty() {
        let kinds = sockets.iter().map(|family| argument_is(0, *family as u64));
        rules.insert(libc::SYS_socket, kinds.collect::<Result<_, _>>()?);
    }
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Errno(libc::EPERM as u32),
        SeccompAction::Allow,
        std::env::consts::ARCH.try_into()?,
    )?;
    let program: BpfProgram = filter.try_into()?;
    seccompiler::apply_filter(&program)?;
    Ok(())
}

/// Of the many things that `ioctl` does, only questions and the switch of blocking: with
/// `TIOCSTI` a process types into the terminal of the shell that it was started from.
fn harmless_ioctls() -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let requests = [libc::FIONBIO, libc::FIONREAD, libc::TCGETS, libc::TIOCGWINSZ];
    requests.into_iter().map(|request| argument_is(1, u64::from(request as u32))).collect()
}

/// The call with this value as its argument of this number. The kernel takes it as 32 bits, and so
/// does the filter.
fn argument_is(argument: u8, value: u64) -> Result<SeccompRule, seccompiler::BackendError> {
    let (len, is) = (SeccompCmpArgLen::Dword, SeccompCmpOp::Eq);
    SeccompRule::new(vec![SeccompCondition::new(argument, len, is, value)?])
}

/// What the watcher calls, and for what.
#[rustfmt::skip]
const CALLS: &[i64] = &[
    // Log files, the channel and the terminal: descriptors that were given.
    libc::SYS_read, libc::SYS_readv, libc::SYS_pread64, libc::SYS_lseek, libc::SYS_fstat,
    libc::SYS_statx, libc::SYS_newfstatat, libc::SYS_write, libc::SYS_writev, libc::SYS_close,
    libc::SYS_recvmsg, libc::SYS_sendmsg, libc::SYS_recvfrom, libc::SYS_sendto,
    libc::SYS_memfd_create,
    libc::SYS_ppoll, libc::SYS_fcntl, libc::SYS_dup, libc::SYS_fadvise64,
    // The ledger, in the one folder that landlock leaves.
    libc::SYS_openat, libc::SYS_pwrite64, libc::SYS_ftruncate, libc::SYS_fsync,
    libc::SYS_fdatasync, libc::SYS_unlinkat, libc::SYS_faccessat, libc::SYS_readlinkat,
    libc::SYS_getcwd, libc::SYS_fchmod, libc::SYS_fchown, libc::SYS_renameat, libc::SYS_renameat2,
    libc::SYS_flock, libc::SYS_getdents64, libc::SYS_fallocate, libc::SYS_fstatfs,
    libc::SYS_geteuid, libc::SYS_getpid, libc::SYS_getuid, libc::SYS_utimensat,
    // Memory, time, threads, randomness: the language's own needs.
    libc::SYS_mmap, libc::SYS_munmap, libc::SYS_mremap, libc::SYS_mprotect, libc::SYS_madvise,
    libc::SYS_brk, libc::SYS_futex, libc::SYS_getrandom, libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep, libc::SYS_nanosleep, libc::SYS_gettimeofday, libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity, libc::SYS_gettid, libc::SYS_set_robust_list, libc::SYS_rseq,
    libc::SYS_clone3, libc::SYS_clone, libc::SYS_prctl,
    libc::SYS_rt_sigaction, libc::SYS_rt_sigprocmask, libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack, libc::SYS_restart_syscall, libc::SYS_exit, libc::SYS_exit_group,
    libc::SYS_tgkill, libc::SYS_uname, libc::SYS_sysinfo, libc::SYS_prlimit64,
    // Where these numbers exist beside the newer ones.
    #[cfg(target_arch = "x86_64")] libc::SYS_poll,
    #[cfg(target_arch = "x86_64")] libc::SYS_open,
    #[cfg(target_arch = "x86_64")] libc::SYS_stat,
    #[cfg(target_arch = "x86_64")] libc::SYS_lstat,
    #[cfg(target_arch = "x86_64")] libc::SYS_access,
    #[cfg(target_arch = "x86_64")] libc::SYS_unlink,
    #[cfg(target_arch = "x86_64")] libc::SYS_rename,
    #[cfg(target_arch = "x86_64")] libc::SYS_readlink,
    #[cfg(target_arch = "x86_64")] libc::SYS_time,
];

/// What it takes beside those to ask name servers.
#[rustfmt::skip]
const NETWORK_CALLS: &[i64] = &[
    libc::SYS_socketpair, libc::SYS_connect, libc::SYS_bind, libc::SYS_getsockname,
    libc::SYS_getpeername, libc::SYS_setsockopt, libc::SYS_getsockopt, libc::SYS_sendmmsg,
    libc::SYS_recvmmsg,
];

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::OwnedFd;
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::io::Errno;
    use rustix::pty::OpenptFlags;
    use rustix::termios;

    use super::*;

    /// In a thread: the lock holds for that alone. This also keeps `unconfined` out of tests.
    #[test]
    fn who_reads_logs_has_no_network_and_starts_nothing() {
        std::thread::spawn(|| {
            lock_reading().unwrap();
            assert!(std::net::TcpListener::bind("127.0.0.1:0").is_err());
            assert!(std::process::Command::new("true").spawn().is_err());
        })
        .join()
        .unwrap();
    }

    /// In threads: the lock holds for each alone.
    #[test]
    fn who_asks_reaches_servers_and_no_files() {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let at = |listener: &std::net::TcpListener| listener.local_addr().unwrap();
        let (server_at, other_at) = (at(&server), at(&other));
        std::thread::spawn(move || {
            lock_asking(&[server_at.port()]).unwrap();
            std::net::TcpStream::connect(server_at).unwrap();
            assert!(std::net::UdpSocket::bind("127.0.0.1:0").is_ok());
            assert!(std::os::unix::net::UnixDatagram::unbound().is_err());
            assert!(std::process::Command::new("true").spawn().is_err());
            if std::fs::read("/etc/passwd").is_ok() {
                return println!("left out: this kernel has no landlock");
            }
            assert!(File::create("/tmp/monban-must-not-be-there").is_err());
            assert!(std::net::TcpStream::connect(other_at).is_err());
        })
        .join()
        .unwrap();
        std::thread::spawn(move || {
            lock_alone().unwrap();
            assert!(std::net::TcpStream::connect(server_at).is_err());
            assert!(std::net::UdpSocket::bind("127.0.0.1:0").is_err());
        })
        .join()
        .unwrap();
    }

    /// In a thread: the lock holds for that alone.
    #[test]
    fn a_reader_of_the_ledger_reads_it_beside_its_writer_and_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let (writer, _) = monban_ledger::Ledger::open(&path).unwrap();
        std::thread::spawn(move || {
            lock_reading_ledger(&path).unwrap();
            let reader = monban_ledger::Reader::open(&path).unwrap();
            assert!(!reader.misses_latest());
            assert_eq!(reader.blocks().unwrap(), []);
            assert!(std::net::TcpListener::bind("127.0.0.1:0").is_err());
            assert!(std::process::Command::new("true").spawn().is_err());
            if std::fs::read("/etc/passwd").is_ok() {
                return println!("left out: this kernel has no landlock");
            }
            assert!(std::fs::remove_file(path.join(monban_ledger::FILE_NAME)).is_err());
            let log = path.join(format!("{}-wal", monban_ledger::FILE_NAME));
            assert!(File::options().write(true).open(log).is_err());
            assert!(File::create(path.join("new")).is_err());
        })
        .join()
        .unwrap();
        drop(writer);
    }

    /// In a thread: the filter holds for that alone.
    #[test]
    fn the_filter_lets_nobody_type_into_a_terminal() {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
        let master = rustix::pty::openpt(flags).unwrap();
        rustix::pty::grantpt(&master).unwrap();
        rustix::pty::unlockpt(&master).unwrap();
        let name = rustix::pty::ptsname(&master, Vec::new()).unwrap();
        let mut open = File::options();
        let open = open.read(true).write(true).custom_flags(libc::O_NOCTTY);
        let terminal: OwnedFd = open.open(name.to_str().unwrap()).unwrap().into();
        // To set the terminal stands here for all that the list does not name, as TIOCSTI.
        let before = termios::tcgetattr(&terminal).unwrap();
        termios::tcsetattr(&terminal, termios::OptionalActions::Now, &before).unwrap();
        std::thread::spawn(move || {
            rustix::thread::set_no_new_privs(true).unwrap();
            confine_calls(&[CALLS], &[]).unwrap();
            let set = termios::tcsetattr(&terminal, termios::OptionalActions::Now, &before);
            assert_eq!(set, Err(Errno::PERM));
            assert!(termios::tcgetwinsize(&terminal).is_ok());
            assert!(termios::isatty(&terminal));
            rustix::io::ioctl_fionbio(&terminal, true).unwrap();
            // Answers to an operator's words leave in a file of memory.
            let words = monban_warden::memory_file(b"words").unwrap();
            assert_eq!(monban_warden::read_memory_file(words, 5).unwrap(), b"words");
        })
        .join()
        .unwrap();
    }
}

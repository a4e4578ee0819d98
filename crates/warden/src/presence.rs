//! Where people are logged in from at this moment, by the processes of sshd and dropbear
//! themselves and not by utmp, which an intruder edits first.
//!
//! A session is a process of the SSH server with a login uid (set by pam_loginuid, and not to
//! be changed afterwards), or, where the system sets none, one whose title sshd itself wrote
//! after the login (`sshd: alice@pts/0`). Its peer is the remote end of its own connection, not
//! of the sockets that it forwards.
//!
//! Name and title are a process's own words, so anybody on this machine can have them. What is
//! believed beside them is what the kernel keeps: the process must run as root or as the account
//! that it claims to serve, and in our own pid namespace: root of a container is not our root.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use monban_model::Address;
use monban_model::limits::PRESENT_MAX;

/// Groups whose members may become root on the usual distributions.
const ROOT_GROUPS: [&str; 4] = ["sudo", "wheel", "admin", "root"];

/// Every process is asked anew so often, and not only those that are new.
const FULL_LOOK_EVERY: Duration = Duration::from_secs(4);

/// The login uid of a process that never logged in.
const NO_LOGIN: u32 = u32::MAX;

/// Addresses of present sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// Of accounts that may become root.
    pub administrators: Vec<Address>,
    /// Of others.
    pub guests: Vec<Address>,
}

/// Looks for people, and remembers which processes are no SSH servers: there are many of them.
#[derive(Debug)]
pub struct Lookout {
    proc: PathBuf,
    /// Processes that were something else at the last full look.
    others: HashSet<u32>,
    looked_fully: Option<Instant>,
}

impl Lookout {
    /// A lookout on the processes under `proc`, which is `/proc`.
    pub fn new(proc: &Path) -> Self {
        Self { proc: proc.to_owned(), others: HashSet::new(), looked_fully: None }
    }

    /// Who is logged in now. What cannot be read (a process that just ended) is passed over. A
    /// process that was no SSH server is asked again only after a while: a pid that was just
    /// forked may still become one.
    pub fn look(&mut self) -> Presence {
        let mut seen = Presence::default();
        if self.looked_fully.is_none_or(|at| at.elapsed() > FULL_LOOK_EVERY) {
            self.others.clear();
            self.looked_fully = Some(Instant::now());
        }
        let Ok(entries) = fs::read_dir(&self.proc) else { return seen };
        let mut accounts = None;
        let own = pid_namespace(&self.proc.join("self"));
        for entry in entries.flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            if self.others.contains(&pid) {
                continue;
            }
            let folder = entry.path();
            if is_ssh_server(&folder) && pid_namespace(&folder) == own {
                seen.add(&folder, accounts.get_or_insert_with(Accounts::read));
            } else {
                self.others.insert(pid);
            }
        }
        seen.administrators.sort();
        seen.guests.sort();
        seen
    }
}

impl Presence {
    /// Adds the peers of a process of the SSH server, if it is past the login.
    fn add(&mut self, folder: &Path, accounts: &Accounts) {
        let Some(uid) = session_uid(folder, accounts) else { return };
        let list = match accounts.may_become_root(uid) {
            true => &mut self.administrators,
            false => &mut self.guests,
        };
        for address in peers(folder) {
            if !list.contains(&address) && list.len() < PRESENT_MAX {
                list.push(address);
            }
        }
    }
}

fn read_small(path: &Path) -> String {
    let mut text = Vec::new();
    if let Ok(file) = fs::File::open(path) {
        // A title may hold anything; it is cut where no part of it is of interest any more.
        let _ = file.take(4096).read_to_end(&mut text);
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// The pid namespace of a process, if it can be read.
fn pid_namespace(folder: &Path) -> Option<PathBuf> {
    fs::read_link(folder.join("ns/pid")).ok()
}

fn is_ssh_server(folder: &Path) -> bool {
    let name = read_small(&folder.join("comm"));
    matches!(name.trim_end(), "sshd" | "sshd-session" | "dropbear")
}

/// The account that a process of the SSH server serves, if it is past the login.
fn session_uid(folder: &Path, accounts: &Accounts) -> Option<u32> {
    let real = real_uid(folder)?;
    let login: u32 = read_small(&folder.join("loginuid")).trim().parse().unwrap_or(NO_LOGIN);
    let own_login = login != NO_LOGIN && inherited_login(folder) != Some(login);
    // The privileged half of sshd (`sshd: alice [priv]`) stays root; its title says nothing of
    // whether the login has succeeded, the login uid does.
    if own_login && (real == 0 || real == login) {
        return Some(login);
    }
    let title = read_small(&folder.join("cmdline"));
    accounts.uid_of(title_user(&title)?).filter(|uid| *uid == real)
}

/// The real uid of a process: the first number after `Uid:`.
fn real_uid(folder: &Path) -> Option<u32> {
    let status = read_small(&folder.join("status"));
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The login uid of the listening server: a server that was started by hand from a session
/// passes that on to every child, so it says nothing of who logged in to them.
fn inherited_login(folder: &Path) -> Option<u32> {
    let mut at = folder.to_path_buf();
    let mut top = None;
    for _ in 0..8 {
        let stat = read_small(&at.join("stat"));
        let parent = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.to_owned();
        at = folder.parent()?.join(parent);
        if !is_ssh_server(&at) {
            break;
        }
        top = read_small(&at.join("loginuid")).trim().parse().ok();
    }
    top
}

/// The user of a title such as `sshd: alice@pts/0`, `sshd-session: root@notty`, or `sshd: alice`
/// of a session that only forwards (`ssh -N`). Before the login the title ends in `[priv]`,
/// `[net]`, `[accepted]` or `[preauth]`, whatever the name, and a listener's has `[listener]`.
fn title_user(title: &str) -> Option<&str> {
    let title = title.trim_end_matches(['\0', ' ']);
    let rest = title.strip_prefix("sshd: ").or_else(|| title.strip_prefix("sshd-session: "))?;
    if rest.ends_with(']') {
        return None;
    }
    let Some((user, terminal)) = rest.rsplit_once('@') else {
        return (!rest.contains([' ', '['])).then_some(rest);
    };
    let is_session = matches!(terminal, "notty" | "internal-sftp") || terminal.starts_with("pts/");
    is_session.then_some(user)
}

/// The accounts of this machine: names, and who may become root.
struct Accounts {
    uids: HashMap<String, u32>,
    root_like: HashSet<u32>,
}

impl Accounts {
    fn read() -> Self {
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let group = fs::read_to_string("/etc/group").unwrap_or_default();
        Self::from_texts(&passwd, &group)
    }

    fn from_texts(passwd: &str, group: &str) -> Self {
        let mut accounts = Self { uids: HashMap::new(), root_like: HashSet::from([0]) };
        let mut root_groups = HashSet::from(["0"]);
        let mut members = HashSet::new();
        for line in group.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            if let [name, _, gid, list] = fields[..]
                && ROOT_GROUPS.contains(&name)
            {
                root_groups.insert(gid);
                members.extend(list.split(',').filter(|user| !user.is_empty()));
            }
        }
        for line in passwd.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            let (Some(name), Some(gid)) = (fields.first(), fields.get(3)) else { continue };
            let Some(uid) = fields.get(2).and_then(|uid| uid.parse().ok()) else { continue };
            accounts.uids.insert((*name).to_owned(), uid);
            if members.contains(name) || root_groups.contains(gid) {
                accounts.root_like.insert(uid);
            }
        }
        accounts
    }

    fn uid_of(&self, name: &str) -> Option<u32> {
        self.uids.get(name).copied()
    }

    fn may_become_root(&self, uid: u32) -> bool {
        self.root_like.contains(&uid)
    }
}

/// Remote ends of the connections that a session serves, by the socket tables of its own network
/// namespace. Its process has other sockets beside: the clients of a forwarded port (`ssh -R`) and
/// the targets of one (`ssh -L`, `-D`), and those are strangers.
///
/// Its own connection came in at a port where a server listens: sshd, or systemd or inetd for it.
/// A forwarded port is listened at by the session itself. Where no server listens any more (it was
/// stopped, or was given another port), it is the first socket that the process got.
fn peers(folder: &Path) -> Vec<Address> {
    let held = sockets(folder);
    if held.is_empty() {
        return Vec::new();
    }
    let mut served = HashSet::new();
    let mut connections = Vec::new();
    for table in ["net/tcp", "net/tcp6"] {
        let text = fs::read_to_string(folder.join(table)).unwrap_or_default();
        for socket in text.lines().skip(1).filter_map(socket) {
            match (socket.state, held.get(socket.inode)) {
                (LISTENS, None) => {
                    served.insert(socket.port);
                }
                (ESTABLISHED, Some(fd)) => connections
                    .extend(remote(socket.remote).map(|address| (*fd, socket.port, address))),
                _ => {}
            }
        }
    }
    let at_server = |(_, port, _): &&(u32, u16, Address)| served.contains(port);
    let found: Vec<Address> =
        connections.iter().filter(at_server).map(|(_, _, address)| *address).collect();
    if !found.is_empty() {
        return found;
    }
    connections
        .iter()
        .min_by_key(|(fd, _, _)| *fd)
        .map(|(_, _, address)| *address)
        .into_iter()
        .collect()
}

/// The sockets of a process: inode, as text, and lowest descriptor.
fn sockets(folder: &Path) -> HashMap<String, u32> {
    let mut held: HashMap<String, u32> = HashMap::new();
    for entry in fs::read_dir(folder.join("fd")).into_iter().flatten().flatten() {
        let fd = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let link = fs::read_link(entry.path()).ok();
        let inode = link
            .as_ref()
            .and_then(|link| link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']'));
        if let (Some(fd), Some(inode)) = (fd, inode) {
            let lowest = held.entry(inode.to_owned()).or_insert(fd);
            *lowest = fd.min(*lowest);
        }
    }
    held
}

/// What `/proc/net/tcp` calls a socket that waits for connections.
const LISTENS: &str = "0A";

/// And one that is a connection.
const ESTABLISHED: &str = "01";

/// A line of `/proc/net/tcp`.
struct Socket<'a> {
    port: u16,
    remote: &'a str,
    state: &'a str,
    inode: &'a str,
}

fn socket(line: &str) -> Option<Socket<'_>> {
    let mut fields = line.split_whitespace().skip(1);
    let (local, remote, state) = (fields.next()?, fields.next()?, fields.next()?);
    let port = u16::from_str_radix(local.split_once(':')?.1, 16).ok()?;
    Some(Socket { port, remote, state, inode: fields.nth(5)? })
}

/// An address of `/proc/net/tcp`, with its port.
fn remote(text: &str) -> Option<Address> {
    let (ip, _) = text.split_once(':')?;
    let word = |at: usize| u32::from_str_radix(ip.get(at * 8..at * 8 + 8)?, 16).ok();
    let ip = match ip.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?.to_ne_bytes())),
        32 => {
            let mut bytes = [0; 16];
            for at in 0..4 {
                bytes[at * 4..at * 4 + 4].copy_from_slice(&word(at)?.to_ne_bytes());
            }
            IpAddr::V6(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some(Address::new(ip))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_tells_of_a_session_only_after_the_login() {
        assert_eq!(title_user("sshd: alice@pts/0\0\0"), Some("alice"));
        assert_eq!(title_user("sshd-session: root@notty"), Some("root"));
        assert_eq!(title_user("sshd: a@b@pts/12"), Some("a@b"));
        assert_eq!(title_user("sshd: bob@internal-sftp"), Some("bob"));
        assert_eq!(title_user("sshd: root\0"), Some("root"), "ssh -N");
        assert_eq!(title_user("sshd-session: alice"), Some("alice"));
        for before in [
            "sshd: root [priv]",
            "sshd: root@pts/0 [net]",
            "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups",
            "sshd: unknown [priv]",
            "sshd: unknown [net]",
            "sshd: [accepted]",
            "sshd-session: [accepted]",
            "sshd: root [preauth]",
            "sshd: root [listener]  ",
            "sshd: /usr/sbin/sshd [listener] 1 of 10-100 startups",
            "bash: root@pts/0",
        ] {
            assert_eq!(title_user(before), None, "{before}");
        }
    }

    #[test]
    fn who_may_become_root_is_told_by_uid_and_groups() {
        let passwd = "root:x:0:0:::\ntoor:x:0:0:::\nalice:x:1000:1000:::\nbob:x:1001:27:::\neve:x:1002:1002:::\n";
        let accounts = Accounts::from_texts(passwd, "root:x:0:\nsudo:x:27:alice\neve:x:1002:\n");
        let may: Vec<bool> =
            [0, 1000, 1001, 1002].into_iter().map(|uid| accounts.may_become_root(uid)).collect();
        assert_eq!(may, [true, true, true, false]);
        assert_eq!(accounts.uid_of("eve"), Some(1002));
    }

    /// A folder as the kernel shows it of a process: uid, login uid and title.
    fn process(real: u32, login: Option<u32>, title: &str) -> tempfile::TempDir {
        let proc = tempfile::tempdir().unwrap();
        let write = |pid: &str, name: &str, text: &str| {
            fs::create_dir_all(proc.path().join(pid)).unwrap();
            fs::write(proc.path().join(pid).join(name), text).unwrap();
        };
        let login = login.unwrap_or(NO_LOGIN).to_string();
        for (pid, uid, login, title, parent) in
            [("1", 0, NO_LOGIN.to_string(), "init", "0"), ("9", real, login, title, "1")]
        {
            write(pid, "comm", if pid == "9" { "sshd\n" } else { "init\n" });
            write(pid, "status", &format!("Name:\tsshd\nUid:\t{uid}\t0\t0\t0\n"));
            write(pid, "stat", &format!("{pid} (sshd) S {parent} 0 0"));
            write(pid, "loginuid", &login);
            write(pid, "cmdline", title);
        }
        proc
    }

    #[test]
    fn a_process_that_only_calls_itself_a_session_is_none() {
        let passwd = "root:x:0:0:::\nalice:x:1000:1000:::\neve:x:1002:1002:::\n";
        let accounts = Accounts::from_texts(passwd, "sudo:x:27:alice\n");
        let served = |real, login, title| {
            session_uid(&process(real, login, title).path().join("9"), &accounts)
        };
        // A stranger's process with the title of an administrator's session, or her login uid.
        assert_eq!(served(1002, None, "sshd: root@notty"), None);
        assert_eq!(served(1002, None, "sshd: alice@pts/0"), None);
        assert_eq!(served(1002, Some(1000), "sshd: alice@pts/0"), None);
        assert_eq!(served(1002, Some(1002), "sshd: root@notty"), Some(1002));
        // True sessions, with a login uid and without.
        assert_eq!(served(0, None, "sshd: root@notty"), Some(0));
        assert_eq!(served(1000, None, "sshd: alice@internal-sftp"), Some(1000));
        assert_eq!(served(0, None, "sshd: root"), Some(0));
        assert_eq!(served(1002, None, "sshd: root"), None);
        assert_eq!(served(1000, Some(1000), "sshd: alice@pts/0"), Some(1000));
        assert_eq!(served(0, Some(1000), "sshd: alice [priv]"), Some(1000));
        // Before the login.
        assert_eq!(served(0, None, "sshd: alice [priv]"), None);
    }

    #[test]
    fn a_line_of_the_socket_table_is_read() {
        let line =
            "0: 050200C0:0016 010200C0:D2F0 01 00000000:00000000 00:00000000 00000000 0 0 77 1";
        let read = socket(line).unwrap();
        assert_eq!((read.port, read.state, read.inode), (22, ESTABLISHED, "77"));
        assert_eq!(remote(read.remote), Some("192.0.2.1".parse().unwrap()));
        let six = remote("B80D0120000000000000000001000000:D2F0");
        assert_eq!(six, Some("2001:db8::1".parse().unwrap()));
        for damaged in ["", "0: 050200C0 010200C0:D2F0 01", "sl local_address rem_address st"] {
            assert!(socket(damaged).is_none(), "{damaged}");
        }
        assert_eq!(remote("0102:D2F0"), None);
    }

    /// A session's process with these sockets, each with the number of its inode.
    fn with_sockets(table: &[(&str, &str, &str, u32)], fds: &[(u32, u32)]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("fd")).unwrap();
        fs::create_dir_all(folder.path().join("net")).unwrap();
        for (fd, inode) in fds {
            let link = folder.path().join("fd").join(fd.to_string());
            std::os::unix::fs::symlink(format!("socket:[{inode}]"), link).unwrap();
        }
        let mut text = "  sl  local_address rem_address   st\n".to_owned();
        for (local, remote, state, inode) in table {
            text.push_str(&format!("0: {local} {remote} {state} 0:0 00:0 0 0 0 {inode} 1\n"));
        }
        fs::write(folder.path().join("net/tcp"), text).unwrap();
        let mut found: Vec<String> = peers(folder.path()).iter().map(ToString::to_string).collect();
        found.sort();
        found
    }

    #[test]
    fn clients_and_targets_of_forwarded_ports_are_nobody_who_is_logged_in() {
        let connection = ("050200C0:0016", "010200C0:D2F0", "01", 70);
        let client = ("050200C0:1F98", "2C0071CB:D2F0", "01", 71);
        let target = ("050200C0:C001", "2D0071CB:01BB", "01", 72);
        let forwarded = ("00000000:1F98", "00000000:0000", "0A", 73);
        let server = ("00000000:0016", "00000000:0000", "0A", 60);
        // As of dropbear, which leaves low descriptors free.
        let fds = [(3, 72), (4, 73), (5, 70), (6, 70), (7, 71)];
        let table = [connection, client, target, forwarded, server];
        assert_eq!(with_sockets(&table, &fds), ["192.0.2.1"]);
        // The forwarded port is closed, its client goes on.
        assert_eq!(with_sockets(&[connection, client, target, server], &fds), ["192.0.2.1"]);
        // The server listens no more.
        let fds = [(3, 70), (4, 70), (7, 73), (8, 71), (9, 72)];
        assert_eq!(with_sockets(&[connection, client, target, forwarded], &fds), ["192.0.2.1"]);
        assert!(with_sockets(&[server], &[(3, 60)]).is_empty());
    }

    #[test]
    fn the_real_processes_are_looked_through() {
        let mut lookout = Lookout::new(Path::new("/proc"));
        assert_eq!(lookout.look(), lookout.look());
    }
}

//! The two machines: namespaces that vanish with this process.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tempfile::TempDir;

use crate::attacker::Attacker;
use crate::command::run;
use crate::memory::children;
use crate::trouble::{Tried, Trouble};

/// The server's addresses.
pub const SERVER_V4: &str = "192.0.2.1";
/// See [`SERVER_V4`].
pub const SERVER_V6: &str = "2001:db8:ffff:1::1";

/// The next router of the server: the attacker's side of the link. Attackers come from beyond.
const ROUTER_V4: &str = "192.0.2.2";
const ROUTER_V6: &str = "2001:db8:ffff:1::2";

/// Networks whose every address the attacker can use.
const BEYOND: &[&str] = &["198.51.100.0/24", "203.0.113.0/24", "2001:db8:a::/48"];

/// A server and an attacker, joined by a link.
pub struct World {
    /// Where the daemons and monban run.
    pub server: Machine,
    /// Where everybody else is.
    pub attacker: Attacker,
}

impl World {
    /// Makes both and joins them.
    pub fn new() -> Tried<Self> {
        let server = Machine::new()?;
        let attacker = Attacker::new()?;
        join(server.pid, attacker.pid())?;
        Ok(Self { server, attacker })
    }

    /// The server's address of the family of `from`.
    pub fn server_for(from: IpAddr) -> &'static str {
        if from.is_ipv4() { SERVER_V4 } else { SERVER_V6 }
    }
}

/// A machine with its own network, name, processes, `/etc`, `/dev`, `/run` and `/var/log`.
pub struct Machine {
    holder: Child,
    /// Process 1 of the machine, as the outside numbers it.
    pub pid: i32,
    /// Dropped last: the holder has to end before its folder can go.
    folder: TempDir,
}

impl Machine {
    /// Starts it; needs root.
    pub fn new() -> Tried<Self> {
        let folder = tempfile::Builder::new().prefix("monban-e2e-").tempdir()?;
        let flags =
            ["--net", "--uts", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
        let mut holder = Command::new("unshare")
            .args(flags)
            .args(["bash", "-c", include_str!("server.sh"), "server"])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(out) = holder.stdout.take() {
            BufReader::new(out).read_line(&mut line)?;
        }
        if line.trim() != "ready" {
            let status = holder.wait()?;
            return Err(Trouble(format!("the server's namespaces could not be made: {status}")));
        }
        let process = i32::try_from(holder.id()).unwrap_or(0);
        let pid = children(process).first().copied().ok_or("the server has no process 1")?;
        Ok(Self { holder, pid, folder })
    }

    /// A program that will run on it.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        let target = ["--target", &self.pid.to_string()];
        command.args(target).args(["--net", "--uts", "--mount", "--pid", "--"]);
        command.arg(program);
        command
    }

    /// Runs shell commands on it.
    pub fn shell(&self, script: &str) -> Tried<String> {
        Ok(run(self.command("bash").args(["-euc", script]))?.out)
    }

    /// Gives it a name of its own; until then it has that of the machine that runs the checks.
    pub fn call(&self, name: &str) -> Tried<()> {
        self.shell(&format!("echo {name} >/proc/sys/kernel/hostname")).map(drop)
    }

    /// Its folder; the path is the same inside and outside.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file of its `/var/log`, as the outside sees it.
    pub fn log(&self, name: &str) -> PathBuf {
        self.folder.path().join("log").join(name)
    }

    /// The text of a log, or nothing if it is not there.
    pub fn log_text(&self, name: &str) -> String {
        let bytes = fs::read(self.log(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Does something on a thread that is in its network.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> Tried<T> + Send) -> Tried<T> {
        inside(self.pid, work)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // `--kill-child` ends process 1 with its holder, and the kernel ends the rest with it.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// Does something on a thread of its own that is in the network of process `pid`.
pub fn inside<T: Send>(pid: i32, work: impl FnOnce() -> Tried<T> + Send) -> Tried<T> {
    let network = fs::File::open(format!("/proc/{pid}/ns/net"))?;
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))?;
            work()
        });
        worker.join().unwrap_or_else(|_| Err(Trouble("a thread panicked".to_owned())))
    })
}

fn join(server: i32, attacker: i32) -> Tried<()> {
    let (server, attacker) = (server.to_string(), attacker.to_string());
    let ends = ["link", "add", "eth0", "netns", &server, "type", "veth"];
    let peer = ["peer", "name", "eth0", "netns", &attacker];
    run(Command::new("ip").args(ends).args(peer))?;
    let mut script = format!(
        "ip link set lo up; ip address add {ROUTER_V4}/24 dev eth0\n\
         ip address add {ROUTER_V6}/64 dev eth0 nodad; ip link set eth0 up\n"
    );
    // For IPv6 a local route alone does not let a client bind to its addresses.
    script.push_str("echo 1 >/proc/sys/net/ipv6/ip_nonlocal_bind\n");
    for network in BEYOND {
        // Every address of such a network is the attacker's own, without naming each.
        script.push_str(&format!("ip route add local {network} dev lo\n"));
    }
    in_network(&attacker, &script)?;
    let script = format!(
        "ip address add {SERVER_V4}/24 dev eth0\n\
         ip address add {SERVER_V6}/64 dev eth0 nodad; ip link set eth0 up\n\
         ip route add default via {ROUTER_V4}; ip -6 route add default via {ROUTER_V6}\n"
    );
    in_network(&server, &script)
}

fn in_network(pid: &str, script: &str) -> Tried<()> {
    let enter = ["--target", pid, "--net", "--", "bash", "-euc", script];
    run(Command::new("nsenter").args(enter)).map(drop)
}

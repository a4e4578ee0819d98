//! The other end of the link: clients that choose the address they come from.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{self, AddressFamily, SocketFlags, SocketType, ipproto, sockopt};

use crate::command::{Ran, run_within};
use crate::machine::{World, inside};
use crate::trouble::{Tried, Trouble, must};

/// How long a client waits for an answer. A dropped packet is never answered.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a daemon may think about a password: PAM and dovecot wait on purpose.
const ANSWER: Duration = Duration::from_secs(30);

/// The network of the attacker. Its process ends when this value goes, or with this process.
pub struct Attacker {
    holder: Child,
}

/// How a connection attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knock {
    /// Somebody answered.
    Open,
    /// The port is closed, and somebody said so.
    Refused,
    /// Nobody said anything.
    NoAnswer,
}

impl Attacker {
    /// Makes its network; needs root.
    pub fn new() -> Tried<Self> {
        let mut holder = Command::new("unshare")
            .args(["--net", "bash", "-c", "echo ready; read -r _"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut word = [0_u8; 5];
        if let Some(mut out) = holder.stdout.take() {
            out.read_exact(&mut word)?;
        }
        Ok(Self { holder })
    }

    /// A process in its network.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.holder.id()).unwrap_or(0)
    }

    /// Tries to connect to a port of the server.
    pub fn knock(&self, from: &str, port: u16) -> Tried<Knock> {
        match self.connect(from, port) {
            Ok(_) => Ok(Knock::Open),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(Knock::NoAnswer),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(Knock::Refused),
            Err(error) => Err(error.into()),
        }
    }

    /// A connection to the server that comes from an address.
    pub fn connect(&self, from: &str, port: u16) -> io::Result<TcpStream> {
        let bad = |_| io::Error::new(io::ErrorKind::InvalidInput, from.to_owned());
        let from: IpAddr = from.parse().map_err(bad)?;
        let to: IpAddr = World::server_for(from).parse().map_err(bad)?;
        let mut result = Err(io::ErrorKind::Other.into());
        let tried = inside(self.pid(), || {
            result = connect(SocketAddr::new(from, 0), SocketAddr::new(to, port));
            Ok(())
        });
        tried.map_err(|trouble| io::Error::other(trouble.0))?;
        result
    }

    /// A dialog in lines: what is waited for at the start of a line, and what is then sent.
    /// Everything that the server said comes back; it ends early when the server hangs up.
    pub fn talk(&self, from: &str, port: u16, dialog: &[(&str, &str)]) -> Tried<String> {
        let mut stream = self.connect(from, port)?;
        stream.set_read_timeout(Some(ANSWER))?;
        let mut heard = String::new();
        for (wanted, answer) in dialog {
            if !hear(&mut stream, wanted, &mut heard)? {
                return Ok(heard);
            }
            if !answer.is_empty() && stream.write_all(answer.as_bytes()).is_err() {
                return Ok(heard);
            }
        }
        Ok(heard)
    }

    /// Asks a web server for a path; the status, or `None` if there was no answer.
    pub fn get(&self, from: &str, path: &str) -> Tried<Option<u16>> {
        self.get_with(from, path, "")
    }

    /// The same with further header lines, each with its end.
    pub fn get_with(&self, from: &str, path: &str, headers: &str) -> Tried<Option<u16>> {
        let request =
            format!("GET {path} HTTP/1.0\r\nHost: server\r\nUser-Agent: check\r\n{headers}\r\n");
        let mut stream = match self.connect(from, 80) {
            Ok(stream) => stream,
            Err(error) if error.kind() == io::ErrorKind::TimedOut => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        // A block in the middle of an answer ends in a time-out: there is no status then.
        let _ = stream.read_to_end(&mut answer);
        let text = String::from_utf8_lossy(&answer);
        Ok(text.split(' ').nth(1).and_then(|status| status.parse().ok()))
    }

    /// One wrong password over ssh; fails unless the server says that it is wrong.
    pub fn ssh_wrong(&self, from: &str, user: &str) -> Tried<()> {
        let ran = self.ssh(from, user, "wrong", "true")?;
        must(ran.err.contains("Permission denied"), || format!("a wrong password: {ran:?}"))
    }

    /// One ssh login with one password; what the client and the remote command said.
    pub fn ssh(&self, from: &str, user: &str, password: &str, remote: &str) -> Tried<Ran> {
        let mut command = self.ssh_command(from, user, password, remote)?;
        run_within(&mut command, Duration::from_secs(60))
    }

    /// The ssh client, not yet started.
    pub fn ssh_command(
        &self,
        from: &str,
        user: &str,
        password: &str,
        remote: &str,
    ) -> Tried<Command> {
        let ip: IpAddr = from.parse().map_err(|_| Trouble(format!("{from}: no address")))?;
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.pid().to_string(), "--net", "--"]);
        command.args(["sshpass", "-e", "ssh", "-F", "/dev/null", "-b", from, "-l", user]);
        for option in [
            "UserKnownHostsFile=/dev/null",
            "StrictHostKeyChecking=no",
            "PubkeyAuthentication=no",
            "PreferredAuthentications=password",
            "NumberOfPasswordPrompts=1",
            "ConnectTimeout=4",
            // Whoever is shut out in the middle of a login gives up by himself.
            "ServerAliveInterval=10",
            "ServerAliveCountMax=1",
            "LogLevel=ERROR",
        ] {
            command.args(["-o", option]);
        }
        command.args([World::server_for(ip), remote]);
        command.env("SSHPASS", password);
        Ok(command)
    }

    /// One ssh login with a key; fails unless it succeeds.
    pub fn ssh_by_key(&self, from: &str, user: &str, key: &Path) -> Tried<()> {
        let ip: IpAddr = from.parse().map_err(|_| Trouble(format!("{from}: no address")))?;
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.pid().to_string(), "--net", "--"]);
        command.args(["ssh", "-F", "/dev/null", "-b", from, "-l", user, "-i"]).arg(key);
        for option in [
            "UserKnownHostsFile=/dev/null",
            "StrictHostKeyChecking=no",
            "BatchMode=yes",
            "IdentitiesOnly=yes",
            "ConnectTimeout=4",
            "LogLevel=ERROR",
        ] {
            command.args(["-o", option]);
        }
        command.args([World::server_for(ip), "true"]).env_remove("SSH_AUTH_SOCK");
        run_within(&mut command, Duration::from_secs(60))?.good().map(drop)
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

fn connect(from: SocketAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let family = if to.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = net::socket_with(family, SocketType::STREAM, flags, Some(ipproto::TCP))?;
    net::bind(&socket, &from)?;
    match net::connect(&socket, &to) {
        Ok(()) | Err(rustix::io::Errno::INPROGRESS) => {}
        Err(error) => return Err(error.into()),
    }
    let wait = Timespec { tv_sec: PATIENCE.as_secs().cast_signed(), tv_nsec: 0 };
    let mut polled = [PollFd::new(&socket, PollFlags::OUT)];
    if poll(&mut polled, Some(&wait))? == 0 {
        return Err(io::ErrorKind::TimedOut.into());
    }
    sockopt::socket_error(&socket)??;
    let stream = TcpStream::from(socket);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// Reads lines until one begins with `wanted`; `false` if the server hung up before.
fn hear(stream: &mut TcpStream, wanted: &str, heard: &mut String) -> Tried<bool> {
    loop {
        let mut line = Vec::new();
        let mut byte = [0_u8];
        while !line.ends_with(b"\n") {
            match stream.read(&mut byte) {
                Ok(1) => line.push(byte[0]),
                // A server that blocks us in the middle of a dialog says nothing any more.
                _ => return Ok(false),
            }
        }
        let line = String::from_utf8_lossy(&line);
        heard.push_str(&line);
        if line.starts_with(wanted) {
            return Ok(true);
        }
    }
}

//! The attacker's network namespace, and the cable between it and the server's.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// The server's address and port, and the attacker's address: all of them documentation ranges.
pub const SERVER: &str = "192.0.2.1";
/// See [`SERVER`].
pub const ATTACKER: &str = "192.0.2.66";
/// How long the attacker waits for an answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether the programs of util-linux and iproute2 that this needs are there.
pub fn tools_are_there() -> bool {
    let there = |name: &str| {
        ["/usr/bin", "/bin", "/usr/sbin", "/sbin"]
            .iter()
            .any(|dir| Path::new(dir).join(name).exists())
    };
    ["unshare", "nsenter", "ip"].into_iter().all(there)
}

/// The attacker's side. His namespace ends with this.
pub struct Cable {
    attacker: Child,
    listener: Option<std::thread::JoinHandle<()>>,
}

impl Cable {
    /// Makes the attacker's namespace, joins it to this one, and listens on port 22 here.
    ///
    /// # Errors
    /// If a step fails, with what the program said.
    pub fn lay() -> io::Result<Self> {
        // `cat` waits for its input, which ends with this process.
        let attacker = Command::new("unshare")
            .args(["--net", "--", "cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        let pid = attacker.id().to_string();
        let mut cable = Self { attacker, listener: None };
        cable.wait_for_namespace()?;
        ip(&["link", "set", "lo", "up"])?;
        ip(&["link", "add", "cable0", "type", "veth", "peer", "name", "cable1", "netns", &pid])?;
        ip(&["address", "add", &format!("{SERVER}/24"), "dev", "cable0"])?;
        ip(&["link", "set", "cable0", "up"])?;
        let there = |args: &[&str]| {
            let all = [&["-t", pid.as_str(), "-n", "ip"], args].concat();
            program("nsenter", &all)
        };
        there(&["address", "add", &format!("{ATTACKER}/24"), "dev", "cable1"])?;
        there(&["link", "set", "cable1", "up"])?;
        let listener = TcpListener::bind((SERVER, 22))?;
        cable.listener = Some(std::thread::spawn(move || while listener.accept().is_ok() {}));
        Ok(cable)
    }

    /// Whether the attacker gets an answer from port 22.
    ///
    /// # Errors
    /// If his program cannot be started.
    pub fn attacker_gets_through(&self) -> io::Result<bool> {
        // By its own path: `/proc/self/exe` would be nsenter there.
        let monban = std::env::current_exe()?;
        let status = Command::new("nsenter")
            .args(["-t", &self.attacker.id().to_string(), "-n"])
            .arg(monban)
            .arg("demo")
            .env("MONBAN_DEMO_CONNECT", format!("{SERVER}:22"))
            .status()?;
        Ok(status.success())
    }

    /// The child has its own namespace only once `unshare` has run.
    fn wait_for_namespace(&self) -> io::Result<()> {
        let mine = std::fs::read_link("/proc/self/ns/net")?;
        let theirs = format!("/proc/{}/ns/net", self.attacker.id());
        let deadline = Instant::now() + Duration::from_secs(5);
        while std::fs::read_link(&theirs).map_or(true, |net| net == mine) {
            if Instant::now() > deadline {
                return Err(io::Error::other("no second network namespace"));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        let _ = self.attacker.kill();
        let _ = self.attacker.wait();
    }
}

/// The attacker's one try: exits 0 if the server answers.
pub fn connect_once(address: &str) -> ExitCode {
    let Ok(address) = address.parse::<SocketAddr>() else { return ExitCode::FAILURE };
    match TcpStream::connect_timeout(&address, PATIENCE) {
        Ok(_) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn ip(args: &[&str]) -> io::Result<()> {
    program("ip", args)
}

fn program(name: &str, args: &[&str]) -> io::Result<()> {
    let output = Command::new(name).args(args).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(io::Error::other(format!("{name} {}: {said}", args.join(" "))))
}

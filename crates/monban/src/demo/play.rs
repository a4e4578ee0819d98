//! The play, act by act. It takes less than a minute.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jiff::Zoned;
use monban_views::Say;

use super::cable::{ATTACKER, Cable};
use super::curtain::{self, Ending};

/// A breath between two tries, so that a person can follow.
const BREATH: Duration = Duration::from_millis(1200);

/// Names that the attacker tries: the commonest of every honeypot.
const NAMES: [&str; 5] = ["root", "admin", "test", "oracle", "ubuntu"];

/// Plays it.
pub fn run(say: &Say, inside: bool) -> io::Result<()> {
    let stage = Stage::set(say, inside)?;
    println!("\n{}\n", say.text("demo-intro", &[]));
    if stage.cable.is_none() {
        println!("{}\n", say.text("demo-intro-observe", &[]));
    }
    let mut daemon = Daemon::start(&stage)?;
    daemon.wait_until_ready(&stage)?;
    stage.try_door("demo-open")?;
    for (number, name) in NAMES.into_iter().enumerate() {
        let values = [("address", ATTACKER), ("user", name)];
        println!("{}", say.text("demo-attack", &values));
        stage.log_failure(number, name)?;
        stage.ending.wait(BREATH)?;
    }
    stage.try_door("demo-dropped")?;
    stage.show(&["bans"])?;
    stage.show(&["why", ATTACKER])?;
    stage.show(&["free", ATTACKER])?;
    stage.try_door("demo-freed")?;
    drop(daemon);
    println!("\n{}", say.text("demo-end", &[]));
    Ok(())
}

struct Stage<'a> {
    say: &'a Say,
    folder: PathBuf,
    cable: Option<Cable>,
    ending: Ending,
}

impl<'a> Stage<'a> {
    fn set(say: &'a Say, inside: bool) -> io::Result<Self> {
        let ending = Ending::watch()?;
        // From here on its drop removes the folder.
        let mut stage = Self { say, folder: curtain::folder()?, cable: None, ending };
        File::create(stage.log())?;
        if inside {
            stage.cable = Some(Cable::lay()?);
        }
        Ok(stage)
    }

    fn log(&self) -> PathBuf {
        self.folder.join("auth.log")
    }

    fn monban(&self, args: &[&str]) -> io::Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(args).arg("--state").arg(self.folder.join("state"));
        command.args(["--lang", self.say.tongue().name()]);
        command.env_remove(super::INSIDE);
        Ok(command)
    }

    /// What sshd would write about a wrong password.
    fn log_failure(&self, number: usize, name: &str) -> io::Result<()> {
        let time = Zoned::now().strftime("%b %e %H:%M:%S").to_string();
        let (pid, port) = (4000 + number, 50_000 + number);
        let line = format!(
            "{time} demo sshd[{pid}]: Failed password for {name} from {ATTACKER} port {port} ssh2\n"
        );
        let mut log = OpenOptions::new().append(true).open(self.log())?;
        log.write_all(line.as_bytes())
    }

    /// The attacker knocks; without a cable there is no door.
    fn try_door(&self, expected: &str) -> io::Result<()> {
        let Some(cable) = &self.cable else { return Ok(()) };
        let through = cable.attacker_gets_through()?;
        if through == (expected == "demo-dropped") {
            return Err(io::Error::other("the firewall did not do what it should"));
        }
        println!("{}", self.say.text(expected, &[("address", ATTACKER)]));
        self.ending.wait(BREATH)
    }

    fn show(&self, args: &[&str]) -> io::Result<()> {
        println!("\n{}", self.say.text("demo-run", &[("command", &args.join(" "))]));
        self.monban(args)?.status()?;
        println!();
        self.ending.wait(BREATH)
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The daemon of the play.
struct Daemon(Child);

impl Daemon {
    fn start(stage: &Stage<'_>) -> io::Result<Self> {
        let nothing = stage.folder.join("monban.toml");
        File::create(&nothing)?;
        let mut command = stage.monban(&["run"])?;
        command.arg("--log").arg(stage.log()).arg("--config").arg(nothing);
        Ok(Self(curtain::tied(&mut command).stdin(Stdio::null()).spawn()?))
    }

    fn wait_until_ready(&mut self, stage: &Stage<'_>) -> io::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let mut status = stage.monban(&["status", "--json"])?;
            if status.stdout(Stdio::null()).stderr(Stdio::null()).status()?.success() {
                return Ok(());
            }
            if self.0.try_wait()?.is_some() || Instant::now() > deadline {
                return Err(io::Error::other("the daemon does not come up"));
            }
            stage.ending.wait(Duration::from_millis(50))?;
        }
    }
}

impl Drop for Daemon {
    /// Asked to end, as a service manager would.
    fn drop(&mut self) {
        if let Some(pid) = rustix::process::Pid::from_raw(self.0.id() as i32) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.0.wait();
    }
}

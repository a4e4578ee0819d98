//! How each daemon is started, in a network of its own and with a folder of its own, so that
//! nobody is banned on this machine and nobody's state is touched.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::processes::{cpu_s, end};
use super::{Setting, needed};
use crate::usage::wrong;

/// How long a daemon may take to be ready.
const START: Duration = Duration::from_secs(30);

/// What a daemon is started with.
pub struct Plan {
    program: PathBuf,
    arguments: Vec<String>,
    folder: PathBuf,
    /// Where it says what it does.
    said: PathBuf,
    /// What it says when it is ready.
    ready: &'static str,
    /// What it says before an address that it bans.
    bans: &'static str,
}

/// monban with its own rules; it observes, so that it does all but the block.
pub fn monban(setting: &Setting, folder: &Path, log: &Path) -> io::Result<Plan> {
    let config = folder.join("monban.toml");
    fs::write(&config, "")?;
    let state = folder.join("state");
    let text = |path: &Path| path.display().to_string();
    let arguments = ["run", "--observe", "--state", &text(&state), "--config", &text(&config)];
    let mut arguments = arguments.map(str::to_owned).to_vec();
    arguments.extend(["--log".to_owned(), text(log), "--lang".to_owned(), "en".to_owned()]);
    Ok(Plan {
        program: setting.binary.clone(),
        arguments,
        folder: folder.to_owned(),
        said: folder.join("said"),
        ready: "ready\n",
        bans: "would block ",
    })
}

/// fail2ban with its jail for sshd as it comes, and an action without commands.
pub fn fail2ban(setting: &Setting, folder: &Path, log: &Path) -> io::Result<Plan> {
    let (server, config) = needed(setting.peers.fail2ban_server.as_ref(), "fail2ban")?;
    let own = folder.join("fail2ban");
    let copied = Command::new("cp").arg("-r").arg(config).arg(&own).status()?;
    if !copied.success() {
        return Err(wrong(format!("{} was not copied", config.display())));
    }
    // Of the distribution: it would replace what stands in jail.conf.
    let _ = fs::remove_file(own.join("jail.d/defaults-debian.conf"));
    let said = folder.join("fail2ban.log");
    let at = folder.display();
    fs::write(
        own.join("fail2ban.local"),
        format!(
            "[DEFAULT]\nlogtarget = {}\nsocket = {at}/sock\npidfile = {at}/pid\n\
             dbfile = {at}/db.sqlite3\n",
            said.display()
        ),
    )?;
    fs::write(own.join("action.d/none.conf"), "[Definition]\nactionban =\nactionunban =\n")?;
    let log = log.display();
    fs::write(
        own.join("jail.local"),
        format!("[sshd]\nenabled = true\nlogpath = {log}\naction = none\nusedns = no\n"),
    )?;
    let own = own.display().to_string();
    let arguments = ["-c", &own, "-f", "-x", "start"].map(str::to_owned).to_vec();
    let (program, folder) = (server.clone(), folder.to_owned());
    Ok(Plan { program, arguments, folder, said, ready: "Jail 'sshd' started", bans: " Ban " })
}

/// fail2ban-rs with the two of its expressions for sshd that such a log has, and a command that
/// does nothing.
pub fn fail2ban_rs(setting: &Setting, folder: &Path, log: &Path) -> io::Result<Plan> {
    let program = needed(setting.peers.fail2ban_rs.as_ref(), "fail2ban-rs")?.clone();
    let config = folder.join("config.toml");
    let (at, log) = (folder.display(), log.display());
    fs::write(
        &config,
        format!(
            "[global]\nstate_file = \"{at}/state.bin\"\nsocket_path = \"{at}/sock\"\n\
             [jail.sshd]\nenabled = true\nlog_path = \"{log}\"\ndate_format = \"syslog\"\n\
             filter = ['sshd\\[\\d+\\]: Failed password for .* from <HOST>',\n\
             'sshd\\[\\d+\\]: Invalid user .* from <HOST>']\n\
             max_retry = 5\nfind_time = \"10m\"\nban_time = \"1h\"\n\
             [jail.sshd.backend.script]\nban_cmd = \"true\"\nunban_cmd = \"true\"\n"
        ),
    )?;
    let arguments = vec!["--config".to_owned(), config.display().to_string(), "run".to_owned()];
    let (folder, said) = (folder.to_owned(), folder.join("said"));
    Ok(Plan { program, arguments, folder, said, ready: "jail=sshd", bans: "banned ip=" })
}

/// sshguard's parser behind `tail -n 0 -F`, as sshguard starts it; tail is no process below it, and
/// ends with it.
pub fn sshguard(setting: &Setting, folder: &Path, log: &Path) -> io::Result<Plan> {
    let parser = needed(setting.peers.sshguard_parser.as_ref(), "sshguard")?;
    let tail = "mkfifo \"$1\"; (tail -n 0 -F --pid=$$ \"$2\" >\"$1\" 2>/dev/null &); \
                exec \"$3\" <\"$1\"";
    let text = |path: &Path| path.display().to_string();
    let words = ["-c", tail, "sh", &text(&folder.join("lines")), &text(log), &text(parser)];
    Ok(Plan {
        program: PathBuf::from("sh"),
        arguments: words.map(str::to_owned).to_vec(),
        folder: folder.to_owned(),
        said: folder.join("said"),
        // It says nothing.
        ready: "",
        // The number of the service.
        bans: "100 ",
    })
}

/// A daemon that runs; it is killed when this value goes.
pub struct Daemon {
    child: Child,
    plan: Plan,
}

impl Daemon {
    /// Starts it and waits until it says that it is ready, and has nothing more to do.
    pub fn start(plan: Plan) -> io::Result<Self> {
        let output = fs::File::create(plan.folder.join("said"))?;
        let child = Command::new("unshare")
            .args(["--net", "sh", "-c", "ip link set lo up; exec \"$@\"", "sh"])
            .arg(&plan.program)
            .args(&plan.arguments)
            .env("TZ", "UTC")
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()?;
        let mut daemon = Self { child, plan };
        let start = Instant::now();
        while !daemon.said().contains(daemon.plan.ready) {
            if let Some(status) = daemon.child.try_wait()? {
                return Err(wrong(format!("it ended with {status}: {}", daemon.said())));
            }
            if start.elapsed() > START {
                return Err(wrong(format!("it was not ready in time: {}", daemon.said())));
            }
            sleep(Duration::from_millis(20));
        }
        daemon.settle();
        Ok(daemon)
    }

    /// Its process.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap_or(0)
    }

    /// Waits until it has used no time for a second; half a minute at most.
    pub fn settle(&self) {
        let mut last = cpu_s(self.pid());
        for _ in 0..30 {
            sleep(Duration::from_secs(1));
            let now = cpu_s(self.pid());
            if now == last {
                return;
            }
            last = now;
        }
    }

    /// Whether it has banned an address.
    pub fn has_banned(&self, address: &str) -> bool {
        self.said().contains(&format!("{}{address}", self.plan.bans))
    }

    /// Everyone whom it has banned.
    pub fn banned(&self) -> Vec<String> {
        let said = self.said();
        let words = said.split(self.plan.bans).skip(1);
        let ends = |c: char| c.is_whitespace() || c == '"';
        let mut all: Vec<String> =
            words.filter_map(|rest| rest.split(ends).next()).map(str::to_owned).collect();
        all.sort();
        all.dedup();
        all
    }

    fn said(&self) -> String {
        let bytes = fs::read(&self.plan.said).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        end(self.pid());
        let _ = self.child.wait();
    }
}

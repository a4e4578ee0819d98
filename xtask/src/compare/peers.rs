//! The programs that monban is compared with: installed, unpacked or built where they are missing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::machine::said;
use crate::packages;
use crate::part::Report;

/// The newest that was published when the comparison was written.
const FAIL2BAN_RS: &str = "1.5.4";

/// Those of them that are there.
#[derive(Debug, Default)]
pub struct Peers {
    /// ripgrep.
    pub rg: Option<PathBuf>,
    /// fail2ban-regex, and fail2ban's filter of sshd.
    pub fail2ban_regex: Option<(PathBuf, PathBuf)>,
    /// fail2ban's server, and its configuration.
    pub fail2ban_server: Option<(PathBuf, PathBuf)>,
    /// The parser of sshguard.
    pub sshguard_parser: Option<PathBuf>,
    /// fail2ban-rs.
    pub fail2ban_rs: Option<PathBuf>,
}

impl Peers {
    /// Finds them or gets them, and says which are missing.
    pub fn get(report: &mut Report, folder: &Path) -> Self {
        packages::install_these(report, &["fail2ban", "gzip", "ripgrep"]);
        let found = |path: &str| Some(PathBuf::from(path)).filter(|path| path.exists());
        let config = found("/etc/fail2ban");
        let filter = found("/etc/fail2ban/filter.d/sshd.conf");
        let peers = Self {
            rg: found("/usr/bin/rg"),
            fail2ban_regex: found("/usr/bin/fail2ban-regex").zip(filter),
            fail2ban_server: found("/usr/bin/fail2ban-server").zip(config),
            sshguard_parser: sshguard(report, folder),
            fail2ban_rs: fail2ban_rs(report, folder),
        };
        for (name, is_there) in [
            ("ripgrep", peers.rg.is_some()),
            ("fail2ban-regex", peers.fail2ban_regex.is_some()),
            ("fail2ban-server", peers.fail2ban_server.is_some()),
            ("sshguard", peers.sshguard_parser.is_some()),
            ("fail2ban-rs", peers.fail2ban_rs.is_some()),
        ] {
            if !is_there {
                report.leave_out(name, "it is not here and could not be had");
            }
        }
        peers
    }

    /// Their versions, for the head of the data.
    pub fn versions(&self, root: &Path, binary: &Path) -> Vec<(String, String)> {
        let mut versions = vec![("monban".to_owned(), said(binary, &["--version"], root))];
        let mut add = |name: &str, version: String| versions.push((name.to_owned(), version));
        if let Some(rg) = &self.rg {
            add("ripgrep", said(rg, &["--version"], root));
        }
        if let Some((regex, _)) = &self.fail2ban_regex {
            add("fail2ban", said(regex, &["--version"], root));
        }
        if self.sshguard_parser.is_some() {
            // Its parser does not tell.
            let known = ["show", "--no-all-versions", "sshguard"];
            let known = Command::new("apt-cache").args(known).output();
            let known = known.map(|output| output.stdout).unwrap_or_default();
            let known = String::from_utf8_lossy(&known).into_owned();
            let version = known.lines().find_map(|line| line.strip_prefix("Version: "));
            add("sshguard", version.unwrap_or("unknown").to_owned());
        }
        if let Some(program) = &self.fail2ban_rs {
            add("fail2ban-rs", said(program, &["--version"], root));
        }
        versions
    }
}

/// Its package is unpacked and not installed: only the parser is wanted, and no daemon of it.
fn sshguard(report: &mut Report, folder: &Path) -> Option<PathBuf> {
    let installed = PathBuf::from("/usr/libexec/sshguard/sshg-parser");
    let unpacked = folder.join("sshguard").join("usr/libexec/sshguard/sshg-parser");
    if let Some(path) = [&installed, &unpacked].into_iter().find(|path| path.exists()) {
        return Some(path.clone());
    }
    if !packages::is_installed("apt-get") {
        return None;
    }
    let mut command = Command::new("sh");
    let script = "apt-get download -qq sshguard && dpkg-deb -x sshguard_*.deb sshguard";
    command.args(["-c", script]).current_dir(folder);
    report.run("sshguard", Duration::from_secs(120), command);
    Some(unpacked).filter(|path| path.exists())
}

/// Built from its package into the folder.
fn fail2ban_rs(report: &mut Report, folder: &Path) -> Option<PathBuf> {
    let built = folder.join("fail2ban-rs");
    let program = built.join("bin/fail2ban-rs");
    if program.exists() {
        return Some(program);
    }
    fs::create_dir_all(&built).ok()?;
    let mut command = Command::new("cargo");
    command.args(["install", "fail2ban-rs", "--locked", "--version", FAIL2BAN_RS, "--root"]);
    command.arg(&built).env("CARGO_TARGET_DIR", built.join("target"));
    // Not where a configuration of this repository would change how it is built.
    command.current_dir(&built);
    report.run("fail2ban-rs", Duration::from_secs(1200), command);
    Some(program).filter(|path| path.exists())
}

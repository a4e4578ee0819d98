//! The Debian packages that the end-to-end checks need.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::part::Report;

/// What has to be there: the daemons, their clients, and the tools that make namespaces.
const PACKAGES: &[&str] = &[
    "apache2-bin",
    "dovecot-imapd",
    "dovecot-pop3d",
    "dropbear-bin",
    "fail2ban",
    "iproute2",
    "ipset",
    "iptables",
    "logrotate",
    "nftables",
    "nginx-light",
    "openssh-client",
    "openssh-server",
    "pamtester",
    "postfix",
    "python3-systemd",
    "python3-venv",
    "rsyslog",
    "sshpass",
    "sudo",
    "systemd",
    "util-linux",
    "valgrind",
];

/// Package scripts ask this program whether they may start a daemon (Debian policy 9.3.3.1).
const POLICY: &str = "/usr/sbin/policy-rc.d";
/// Its answer: no (invoke-rc.d(8)).
const REFUSE: &str = "#!/bin/sh\nexit 101\n";

/// Installs what the checks need.
pub fn install(report: &mut Report) {
    install_these(report, PACKAGES);
}

/// Installs what is missing, if we are root and this is Debian; else says what is left out.
pub fn install_these(report: &mut Report, packages: &[&str]) {
    if !is_installed("apt-get") {
        report.leave_out("packages", "there is no apt-get; checks without their daemon are too");
        return;
    }
    let missing: Vec<&str> = packages.iter().copied().filter(|name| !is_there(name)).collect();
    if missing.is_empty() {
        return;
    }
    if !is_root() {
        report.leave_out("packages", &format!("only root installs {}", missing.join(" ")));
        return;
    }
    let _quiet = match Quiet::new(Path::new(POLICY)) {
        Ok(quiet) => quiet,
        Err(error) => {
            // Without it the packages would start their daemons on this machine.
            report.leave_out("packages", &format!("{POLICY}: {error}"));
            return;
        }
    };
    let mut update = Command::new("apt-get");
    update.args(["update", "-qq"]);
    report.run("package lists", Duration::from_secs(300), update);
    let mut install = Command::new("apt-get");
    install.args(["install", "-y", "-qq", "--no-install-recommends"]).args(missing);
    // Another run of apt may be busy; wait for it instead of failing.
    install.args(["-o", "DPkg::Lock::Timeout=300"]).env("DEBIAN_FRONTEND", "noninteractive");
    report.run("packages", Duration::from_secs(900), install);
}

/// Whether this process is root.
pub fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    // Real, effective, saved and file system uid; the effective one counts.
    uids.and_then(|uids| uids.split_whitespace().nth(1)) == Some("0")
}

/// Whether a program is in one of the usual folders.
pub fn is_installed(program: &str) -> bool {
    ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        .iter()
        .any(|folder| Path::new(folder).join(program).exists())
}

fn is_there(package: &str) -> bool {
    let query = ["-W", "-f=${db:Status-Status}", package];
    let output = Command::new("dpkg-query").args(query).output();
    output.is_ok_and(|output| output.stdout == b"installed")
}

/// While it lives, package scripts start nothing. What was there before comes back after it.
struct Quiet {
    path: PathBuf,
    before: Option<(Vec<u8>, fs::Permissions)>,
}

impl Quiet {
    fn new(path: &Path) -> io::Result<Self> {
        let before = match fs::metadata(path) {
            Ok(metadata) => Some((fs::read(path)?, metadata.permissions())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let quiet = Self { path: path.to_owned(), before };
        fs::write(path, REFUSE)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
        Ok(quiet)
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let restored = match &self.before {
            None => fs::remove_file(&self.path),
            Some((text, permissions)) => fs::write(&self.path, text)
                .and_then(|()| fs::set_permissions(&self.path, permissions.clone())),
        };
        if let Err(error) = restored {
            eprintln!("{} is not as it was: {error}", self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_comes_back() {
        let name = format!("xtask-policy-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        drop(Quiet::new(&path).unwrap());
        assert!(!path.exists());
        fs::write(&path, "before").unwrap();
        let quiet = Quiet::new(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), REFUSE);
        drop(quiet);
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
        fs::remove_file(&path).unwrap();
    }
}

//! moto, a server that behaves as AWS's services, for the checks that speak with those. Debian has
//! no package of it: it comes from PyPI into a virtual environment below the target folder.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::part::{Report, limited};

/// The version that the checks were written against.
const WANTED: &str = "moto[server]==5.2.5";

const NAME: &str = "moto";

/// Installs it where it is missing; says why not where that cannot be done.
pub fn install(report: &mut Report) {
    // The checks look in the same two places.
    let folder = report.root().join("target/moto");
    if std::env::var_os("MONBAN_MOTO").is_some() || folder.join("bin/moto_server").is_file() {
        return;
    }
    println!("== {NAME}");
    let mut environment = Command::new("python3");
    environment.args(["-m", "venv"]).arg(&folder);
    let mut install = Command::new(folder.join("bin/pip"));
    install.args(["install", "--quiet", "--disable-pip-version-check", "--retries=2", WANTED]);
    for (command, seconds) in [(environment, 120), (install, 600)] {
        let status = limited(command, Duration::from_secs(seconds)).status();
        if !status.is_ok_and(|status| status.success()) {
            report.leave_out(NAME, &format!("{WANTED} cannot be installed"));
            forget(&folder);
            return;
        }
    }
}

/// Half of it would be taken for the whole.
fn forget(folder: &Path) {
    if let Err(error) = std::fs::remove_dir_all(folder)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        println!("{}: {error}", folder.display());
    }
}

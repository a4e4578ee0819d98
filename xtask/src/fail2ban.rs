//! What fail2ban's users need: its filters judged, and compared with the installed fail2ban.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::part::Report;

/// The folder of test data that is no part of the repository: `MONBAN_CORPUS`, or beside it.
pub fn corpus(report: &Report) -> PathBuf {
    outside(report, "MONBAN_CORPUS", "../shared/corpus")
}

fn outside(report: &Report, variable: &str, default: &str) -> PathBuf {
    // Tests run in the folder of their crate, so that a relative path would not be found.
    let path = std::env::var_os(variable).map_or_else(|| default.into(), PathBuf::from);
    report.root().join(path)
}

/// The program that judges a filter by its samples: `MONBAN_JUDGE`, or beside the repository.
fn judge(report: &Report) -> PathBuf {
    outside(report, "MONBAN_JUDGE", "../shared/judge/fail2ban_samples.py")
}

/// All annotated sample lines of fail2ban's filters, with a built binary.
pub fn samples(report: &mut Report, binary: &Path) {
    const NAME: &str = "fail2ban samples";
    let folder = corpus(report).join("fail2ban");
    let judge = judge(report);
    if let Some(missing) = [&judge, &folder.join("config"), &folder.join("logs")]
        .into_iter()
        .find(|path| !path.exists())
    {
        report.leave_out(NAME, &format!("{} is missing", missing.display()));
        return;
    }
    let mut command = Command::new("python3");
    command.arg(judge).arg("--monban").arg(binary);
    command.arg("--config").arg(folder.join("config")).arg(folder.join("logs"));
    report.run(NAME, Duration::from_secs(300), command);
}

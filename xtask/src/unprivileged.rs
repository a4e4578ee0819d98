//! `cargo test` as somebody without rights, as a newcomer runs it.

use std::process::Command;
use std::time::Duration;

use crate::packages::{is_installed, is_root};
use crate::part::Report;

const NAME: &str = "tests without root";

/// Tests without rights and with no network but loopback. Root steps into a user namespace in
/// which he is somebody else: there he has no capability, and only what his files allow.
pub fn test(report: &mut Report) {
    let tests = "exec cargo test --offline --workspace -- --show-output";
    let mut command = Command::new("sh");
    if !is_root() {
        command.args(["-c", tests]);
    } else if is_installed("unshare") && is_installed("ip") {
        let somebody = "unshare --user --map-user=1000 --map-group=1000";
        let script = format!("ip link set lo up; exec {somebody} sh -c '{tests}'");
        command = Command::new("unshare");
        command.args(["--net", "sh", "-c", &script]);
    } else {
        report.leave_out(NAME, "unshare and ip are not installed");
        return;
    }
    let target = report.root().join("target/show-unprivileged");
    command.current_dir(report.root()).env("CARGO_TARGET_DIR", target);
    report.run(NAME, Duration::from_secs(1800), command);
}

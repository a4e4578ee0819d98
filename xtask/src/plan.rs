//! Which parts a verb has, in their order.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::cost::Keep;
use crate::part::Report;
use crate::{compare, cost, fail2ban, growth, moto, packages, unprivileged};

const MINUTE: Duration = Duration::from_secs(60);

/// A clean release build has to be done within this, on two cores.
const RELEASE_MAX: Duration = Duration::from_secs(6 * 60);

/// Everything that has to hold for a change; at most an hour in all.
pub fn test(report: &mut Report) {
    packages::install(report);
    moto::install(report);
    report.run("format", MINUTE, cargo(report, &["fmt", "--all", "--", "--check", "-l"]));
    let clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    report.run("clippy", 15 * MINUTE, cargo(report, &clippy));
    // `--show-output` lets a test say what it left out.
    let tests = ["test", "--workspace", "--", "--show-output"];
    report.run("tests", 20 * MINUTE, cargo(report, &tests));
    fuzz(report, "4", 10 * MINUTE);
    cost(report, Keep::Nothing);
    report.run("release build", 10 * MINUTE, cargo(report, &["build", "--release"]));
    let binary = target(report).join("release/monban");
    fail2ban::samples(report, &binary);
    end_to_end(report, binary, &[], 25 * MINUTE);
}

/// The whole list of what the guard shows, with the full counts.
pub fn show_guard(report: &mut Report) {
    packages::install(report);
    let clean = target(report).join("show");
    if let Err(error) = fs::remove_dir_all(&clean)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        report.leave_out("clean build", &format!("{}: {error}", clean.display()));
        return;
    }
    let mut build = cargo(report, &["build", "--release"]);
    build.env("CARGO_TARGET_DIR", &clean);
    report.run("clean release build", RELEASE_MAX, build);
    unprivileged::test(report);
    let options = ["--full", "--but", "fail2ban-", "--but", "jails-"];
    end_to_end(report, clean.join("release/monban"), &options, 90 * MINUTE);
}

/// The whole list of what is shown of running fail2ban's configurations, with the full counts.
pub fn show_fail2ban(report: &mut Report) {
    packages::install(report);
    report.run("release build", 10 * MINUTE, cargo(report, &["build", "--release"]));
    fail2ban::samples(report, &target(report).join("release/monban"));
    let searches = ["test", "--release", "-p", "monban-pyre", "--", "--show-output"];
    report.run("Python's re", 30 * MINUTE, cargo(report, &searches));
    let tests = ["test", "--release", "-p", "monban-fail2ban", "--", "--show-output"];
    let mut tests = cargo(report, &tests);
    tests.env("MONBAN_FILTER_LINES", "500000").env("MONBAN_DATES_LINES", "500000");
    report.run("fail2ban 1.0.2", 90 * MINUTE, tests);
    let bench = ["bench", "-p", "monban-fail2ban", "--bench", "filter"];
    report.run("time of a line", 10 * MINUTE, cargo(report, &bench));
    let many = ["bench", "-p", "monban-fail2ban", "--bench", "many"];
    report.run("all filters beside ten", 10 * MINUTE, cargo(report, &many));
    let jails = ["test", "--release", "-p", "monban-jails", "--", "--show-output"];
    let mut jails = cargo(report, &jails);
    jails.env("MONBAN_STEPS", "20000");
    report.run("counting", 30 * MINUTE, jails);
    let binary = target(report).join("release/monban");
    let options = ["--full", "fail2ban-", "jails-"];
    end_to_end(report, binary, &options, 90 * MINUTE);
    fuzz(report, "600", 60 * MINUTE);
}

/// The whole list of what is shown of messages, with the full counts.
pub fn show_messages(report: &mut Report) {
    packages::install(report);
    moto::install(report);
    report.run("release build", 10 * MINUTE, cargo(report, &["build", "--release"]));
    let binary = target(report).join("release/monban");
    let checks = [
        "login-message",
        "alarm-walk",
        "mail-pictures",
        "mail-trouble",
        "message-flood",
        "aws-logs",
        "pam-hook",
        "pam-hook-services",
        "pam-hook-logins",
        "pam-user-environment",
    ];
    let options: Vec<&str> = ["--full"].into_iter().chain(checks).collect();
    end_to_end(report, binary, &options, 30 * MINUTE);
}

/// monban's costs beside those of its peers.
pub fn compare(report: &mut Report, options: &compare::Options) {
    report.run("release build", 30 * MINUTE, cargo(report, &["build", "--release"]));
    let binary = target(report).join("release/monban");
    compare::run(report, &binary, options);
}

/// Instructions for a line, against their bounds.
pub fn cost(report: &mut Report, keep: Keep) {
    packages::install_these(report, &["valgrind"]);
    let (target, folder) = (target(report), target(report).join("cost"));
    let read = ["build", "--release", "-p", "monban-rules", "--example", "read"];
    report.run("build of read", 10 * MINUTE, cargo(report, &read));
    // It stands where the release stands, so the release has to be built again after it.
    let unconfined = ["build", "--release", "--features", "monban/unconfined"];
    report.run("build of scan", 15 * MINUTE, cargo(report, &unconfined));
    let programs = cost::Programs {
        monban: folder.join("monban"),
        read: target.join("release/examples/read"),
    };
    let moved = fs::create_dir_all(&folder)
        .and_then(|()| fs::rename(target.join("release/monban"), &programs.monban));
    match moved {
        Ok(()) => cost::run(report, &folder, &programs, keep),
        Err(error) => report.judge("instructions", Duration::ZERO, Err(error.to_string())),
    }
}

/// What a line costs as rules and attackers become more.
pub fn growth(report: &mut Report) {
    report.run("release build", 30 * MINUTE, cargo(report, &["build", "--release"]));
    let binary = target(report).join("release/monban");
    let folder = target(report).join("growth");
    growth::run(report, &binary, &folder);
}

/// Mixed logs, rotations and floods as fast as monban reads them, for so many minutes. The samples
/// are kept under `benches/runs`.
pub fn soak(report: &mut Report, minutes: &str) {
    let Ok(number) = minutes.parse::<f64>() else {
        return report.leave_out("soak", &format!("`{minutes}` is no number of minutes"));
    };
    packages::install(report);
    report.run("release build", 10 * MINUTE, cargo(report, &["build", "--release"]));
    let runs = report.root().join("benches/runs");
    if let Err(error) = fs::create_dir_all(&runs) {
        return report.leave_out("soak", &format!("{}: {error}", runs.display()));
    }
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let series = runs.join(format!("soak-{}.csv", since.as_secs()));
    let run = ["run", "--quiet", "--release", "--package", "monban-e2e", "--", "--soak", minutes];
    let mut command = cargo(report, &run);
    command.arg("--series").arg(series);
    command.arg("--binary").arg(target(report).join("release/monban"));
    let at_most = Duration::from_secs_f64(number.clamp(0.0, 1e6) * 60.0) + 5 * MINUTE;
    report.run("soak", at_most, command);
}

/// Texts by chance for the readers of fail2ban's configuration and lines, so many seconds for
/// each of the four.
fn fuzz(report: &mut Report, seconds: &str, at_most: Duration) {
    let run = ["run", "--quiet", "--profile", "fuzz", "--package", "monban-fuzz", "--"];
    let mut command = cargo(report, &run);
    command.args(["--seconds", seconds, "--executions", "1000000000"]);
    report.run("fuzz", at_most, command);
}

fn end_to_end(report: &mut Report, binary: PathBuf, options: &[&str], at_most: Duration) {
    let mut command = cargo(report, &["run", "--quiet", "--package", "monban-e2e", "--"]);
    command.arg("--binary").arg(binary).args(options);
    report.run("end to end", at_most, command);
}

fn cargo(report: &Report, arguments: &[&str]) -> Command {
    // Inside of `cargo xtask` this names the very cargo that runs us.
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(report.root());
    // Tests say themselves what they leave out without it.
    command.env("MONBAN_CORPUS", fail2ban::corpus(report));
    command
}

fn target(report: &Report) -> PathBuf {
    let elsewhere = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    report.root().join(elsewhere.unwrap_or_else(|| "target".into()))
}

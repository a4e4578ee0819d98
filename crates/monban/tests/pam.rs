//! `monban pam install`, `check` and `remove` on folders of their own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "all of it is test code")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// `/etc/pam.d` of a Debian, as far as sessions go.
const DEBIAN: &[(&str, &str)] = &[
    ("sshd", "@include common-auth\n@include common-session\nsession required pam_limits.so\n"),
    ("su", "session required pam_limits.so\n@include common-session"),
    ("su-l", "auth include su\nsession optional pam_keyinit.so force revoke\nsession include su\n"),
    ("sudo", "session required pam_limits.so\n@include common-session-noninteractive\n"),
    ("cron", "@include common-session-noninteractive\n"),
    ("common-auth", "auth [success=1 default=ignore] pam_unix.so nullok\n"),
    ("common-session", "session [default=1] pam_permit.so\nsession requisite pam_deny.so\n"),
    ("common-session-noninteractive", "session [default=1] pam_permit.so\nsession required a.so\n"),
];

struct Machine(TempDir);

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("pam.d")).unwrap();
        fs::write(folder.path().join("sshd_config"), "UsePAM yes\n").unwrap();
        let machine = Self(folder);
        DEBIAN.iter().for_each(|(name, text)| fs::write(machine.file(name), text).unwrap());
        machine
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join("pam.d").join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap()
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_monban"));
        command.arg("--state").arg(self.0.path().join("state")).arg("pam").args(args);
        command.arg("--pam-dir").arg(self.0.path().join("pam.d"));
        if args[0] != "remove" {
            // Of no sshd the file alone is read.
            command.arg("--sshd").arg(self.0.path().join("sshd"));
            command.arg("--sshd-config").arg(self.0.path().join("sshd_config"));
        }
        command.env("LANG", "C.UTF-8").env_remove("LC_ALL").output().unwrap()
    }

    fn json(&self, args: &[&str]) -> Value {
        let output = self.run(&[args, &["--json"]].concat());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }

    /// `SERVICE STATE` of each service of an answer.
    fn states(answer: &Value) -> Vec<String> {
        let state = |one: &Value| format!("{} {}", text(one, "service"), text(one, "state"));
        answer["services"].as_array().unwrap().iter().map(state).collect()
    }

    /// Codes of findings, without what is of where the tests run.
    fn codes(answer: &Value) -> Vec<String> {
        let findings = answer["findings"].as_array().unwrap().iter();
        let codes = findings.map(|one| text(one, "code"));
        codes.filter(|code| !code.starts_with("program-") && code != "sshd-unread").collect()
    }
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

/// Whether the program under test may be put in: it is refused where others may change it.
fn can_install() -> bool {
    let dry = Machine::new().json(&["install", "--dry-run"]);
    let flaws = dry["findings"].as_array().unwrap().iter().map(|one| text(one, "code"));
    let flaw = flaws.into_iter().find(|code| code.starts_with("program-"));
    if let Some(flaw) = &flaw {
        println!("left out: the program lies where others than root may write ({flaw})");
    }
    flaw.is_none()
}

#[test]
fn a_dry_run_shows_a_diff_and_changes_nothing() {
    let machine = Machine::new();
    let output = machine.run(&["install", "--dry-run"]);
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    for wanted in ["+++ ", "+session optional pam_exec.so quiet seteuid type=open_session "] {
        assert!(shown.contains(wanted), "{shown}");
    }
    assert!(shown.contains("UsePAM is no") && shown.contains("reverse shell"), "{shown}");
    for (name, before) in DEBIAN {
        assert_eq!(machine.text(name), *before);
    }
    assert!(!machine.0.path().join("state").exists());
}

#[test]
fn nobody_to_ask_and_no_yes_changes_nothing() {
    let machine = Machine::new();
    let output = machine.run(&["install"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(machine.text("sshd"), DEBIAN[0].1);
}

#[test]
fn what_is_put_in_is_checked_kept_and_taken_out() {
    if !can_install() {
        return;
    }
    let machine = Machine::new();
    fs::set_permissions(machine.file("sshd"), fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(Machine::codes(&machine.json(&["check"])), ["absent"; 4]);
    let done = machine.json(&["install", "--yes"]);
    let expected = ["sshd hooked", "su hooked", "sudo hooked", "su-l hooked"];
    let mut states = Machine::states(&done);
    states.sort();
    let mut sorted = expected.map(str::to_owned);
    sorted.sort();
    assert_eq!((states, &done["written"]), (sorted.to_vec(), &Value::Bool(true)));
    // By way of su, so that su-l is not told twice.
    assert_eq!(machine.text("su-l"), DEBIAN[2].1);
    assert!(
        machine
            .text("su")
            .starts_with("session required pam_limits.so\n@include common-session\n#")
    );
    assert_eq!(fs::metadata(machine.file("sshd")).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(machine.text("cron"), DEBIAN[4].1);
    assert_eq!(fs::read_dir(machine.0.path().join("pam.d")).unwrap().count(), DEBIAN.len());
    let again = machine.json(&["install", "--yes"]);
    assert_eq!(
        (again["changes"].as_array().unwrap().len(), &again["written"]),
        (0, &Value::Bool(false))
    );
    let check = machine.json(&["check"]);
    assert_eq!((Machine::codes(&check), &check["ok"]), (vec![], &Value::Bool(true)), "{check}");

    // Somebody takes one out, and changes another.
    fs::write(machine.file("sshd"), DEBIAN[0].1).unwrap();
    let changed =
        machine.text("su").replace(" seteuid", "").replace("optional pam_e", "required pam_e");
    fs::write(machine.file("su"), changed).unwrap();
    let mut codes = Machine::codes(&machine.json(&["check"]));
    codes.sort();
    codes.dedup();
    assert_eq!(codes, ["gone", "not-optional", "other-arguments"]);
    machine.json(&["install", "--yes"]);
    assert_eq!(machine.json(&["check"])["ok"], true);

    assert_eq!(machine.json(&["remove", "--yes"])["written"], true);
    for (name, before) in DEBIAN {
        assert_eq!(machine.text(name).trim_end(), before.trim_end(), "{name}");
    }
    assert_eq!(Machine::codes(&machine.json(&["check"])), ["absent"; 4]);
    let kept = fs::read_dir(machine.0.path().join("state/pam-backup")).unwrap();
    assert!(kept.count() >= 6);
}

/// Cases 1 to 3 of the articles.
#[test]
fn a_script_that_mails_stays_or_is_replaced_and_never_both() {
    if !can_install() {
        return;
    }
    let machine = Machine::new();
    let script = machine.0.path().join("login-mail.sh");
    fs::write(
        &script,
        "#!/bin/sh\nsubject=\"[$(hostname)] Login from ${PAM_RHOST}\"\n\
         [ \"$PAM_TYPE\" = \"open_session\" ] || exit\n\
         /usr/bin/echo -e \"To:${to}\\nSubject:${subject}\\n\\nUser: ${PAM_USER}\" | sendmail -t\n",
    )
    .unwrap();
    let line = format!("session optional pam_exec.so {}\n", script.display());
    let before = format!("{}{line}", DEBIAN[0].1);
    fs::write(machine.file("sshd"), &before).unwrap();
    fs::write(machine.0.path().join("sshd_config"), "# UsePAM yes\n").unwrap();
    let kept = machine.json(&["install", "--service", "sshd", "--yes"]);
    assert_eq!(
        (Machine::states(&kept), machine.text("sshd")),
        (vec!["sshd foreign".to_owned()], before.clone())
    );
    let codes = Machine::codes(&kept);
    for code in [
        "foreign-instead",
        "no-type",
        "fails-at-logout",
        "waits-for-message",
        "interprets-values",
        "usepam-unset",
    ] {
        assert!(codes.iter().any(|found| found == code), "{code}: {codes:?}");
    }
    let replaced = machine.json(&["install", "--service", "sshd", "--yes", "--replace"]);
    assert_eq!(Machine::states(&replaced), ["sshd hooked"]);
    let text = machine.text("sshd");
    assert!(text.contains(&format!("#replaced-by-monban# {line}")), "{text}");
    machine.json(&["remove", "--yes"]);
    assert_eq!(machine.text("sshd"), before);
}

#[test]
fn a_service_under_two_names_is_changed_once() {
    if !can_install() {
        return;
    }
    let machine = Machine::new();
    symlink("sudo", machine.file("sudo-i")).unwrap();
    let done = machine.json(&["install", "--service", "sudo", "--service", "sudo-i", "--yes"]);
    assert_eq!(done["changes"].as_array().unwrap().len(), 1, "{done}");
    assert!(fs::symlink_metadata(machine.file("sudo-i")).unwrap().is_symlink());
    assert_eq!(machine.text("sudo").matches("pam-hook").count(), 1);
    assert_eq!(machine.json(&["check"])["ok"], true);
}

#[test]
fn a_service_that_is_not_there_stops_all() {
    let machine = Machine::new();
    let output = machine.run(&["install", "--service", "sshd", "--service", "nosuch", "--yes"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(machine.text("sshd"), DEBIAN[0].1);
    let output = machine.run(&["check", "--service", "../passwd"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_file_outside_of_the_folder_is_not_taken_for_one_of_its_name_within() {
    let machine = Machine::new();
    let outside = machine.0.path().join("elsewhere");
    fs::create_dir(&outside).unwrap();
    let outside = outside.join("common-session");
    machine.run(&["install", "--service", "sudo", "--yes"]);
    let line = machine.text("sudo").lines().last().unwrap().to_owned();
    // It has our line, with an argument that is no longer ours.
    let before = format!("session required a.so\n{} --folder /old\n", line);
    fs::write(&outside, &before).unwrap();
    let sshd = format!("session required b.so\n@include {}\n", outside.display());
    fs::write(machine.file("sshd"), &sshd).unwrap();
    let within = machine.text("common-session");

    let answer = machine.json(&["install", "--service", "sshd", "--yes"]);
    assert_eq!(Machine::states(&answer), ["sshd hooked"], "{answer}");
    let text = fs::read_to_string(&outside).unwrap();
    assert!(text.contains(&line) && !text.contains("/old"), "{text}");
    assert_eq!((machine.text("sshd"), machine.text("common-session")), (sshd, within.clone()));

    machine.run(&["remove", "--yes"]);
    let text = fs::read_to_string(&outside).unwrap();
    assert!(!text.contains("pam-hook"), "{text}");
    assert_eq!(machine.text("common-session"), within);
}

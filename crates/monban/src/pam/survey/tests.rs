//! Services as they come: hooked, changed by hand, passed over, with scripts of others.

use super::*;
use tempfile::TempDir;

const PROGRAM: &str = "/usr/bin/monban";

struct Folder(TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        Self(folder)
    }

    fn dir(&self) -> PamDir {
        PamDir::of(self.0.path())
    }

    /// A service's state and the codes with their lines.
    fn look(&self, service: &str, is_recorded: bool) -> (State, Vec<(&'static str, u32)>) {
        let expected = Expected { is_recorded, ..unrecorded(service, Path::new(PROGRAM)) };
        let found = super::service(&self.dir(), &expected);
        (found.state, found.findings.iter().map(|one| (one.code, one.line)).collect())
    }
}

fn line() -> String {
    our_line(Path::new(PROGRAM))
}

#[test]
fn our_line_is_compared_with_what_was_put_in() {
    let ours = line();
    for (text, state, codes) in [
        (format!("session required a.so\n{ours}\n"), State::Hooked, vec![]),
        (format!("-{ours} # ours\n"), State::Hooked, vec![]),
        (ours.replace("optional", "required"), State::Changed, vec![("not-optional", 1)]),
        (ours.replace("/usr/bin", "/tmp"), State::Changed, vec![("other-program", 1)]),
        (ours.replace(" seteuid", ""), State::Changed, vec![("other-arguments", 1)]),
        (format!("{ours} --folder /tmp"), State::Changed, vec![("other-arguments", 1)]),
        (format!("{ours}\n{ours}"), State::Hooked, vec![("twice", 2)]),
        (format!("#{ours}"), State::Absent, vec![("absent", 0)]),
        (ours.replace("session", "auth"), State::Absent, vec![("absent", 0)]),
        (format!("session required a.so\r\n{ours}\n"), State::Hooked, vec![("crlf", 1)]),
    ] {
        let text = format!("{text}\nsession required z.so");
        let folder = Folder::new(&[("sshd", &text)]);
        assert_eq!(folder.look("sshd", false), (state, codes), "{text}");
    }
    let folder = Folder::new(&[("sshd", "auth required a.so"), ("su", "session a.so \\\n")]);
    let no_rules = ("no-rules", 0);
    assert_eq!(folder.look("sshd", true), (State::Absent, vec![no_rules, ("gone", 0)]));
    assert_eq!(folder.look("su", false), (State::Absent, vec![("unended", 1), ("absent", 0)]));
    assert_eq!(folder.look("login", true), (State::NoFile, vec![("no-file", 0)]));
}

#[test]
fn what_may_pass_over_our_line_is_named() {
    for (before, is_passed_over) in [
        ("session [success=ok ignore=ignore default=bad] a.so", false),
        ("session [default=1] a.so", true),
        ("session [default=1] a.so\nsession optional b.so", false),
        ("session [success=2 default=ignore] a.so\nsession optional b.so", true),
        ("session sufficient a.so", true),
        ("session requisite a.so", false),
        ("session [success=done default=ignore] a.so", true),
        ("session substack other", false),
        ("session include other", true),
    ] {
        let text = format!("session required z.so\n{before}\n{}\n", line());
        let folder = Folder::new(&[("sshd", &text), ("other", "session sufficient x.so\n")]);
        let (state, codes) = folder.look("sshd", false);
        assert_eq!(codes.iter().any(|(code, _)| *code == "passed-over"), is_passed_over, "{text}");
        assert_eq!(state == State::Changed, is_passed_over, "{text}");
    }
}

#[test]
fn one_login_is_not_told_twice_over_an_include() {
    let ours = line();
    let sshd = format!("@include common\n{ours}\n");
    let ours = format!("{ours}\nsession required a.so\n");
    let folder =
        Folder::new(&[("sshd", &sshd), ("common", &ours), ("su", "session include common")]);
    assert_eq!(folder.look("sshd", false), (State::Hooked, vec![("twice", 2)]));
    assert_eq!(folder.look("su", false), (State::Hooked, vec![]));
}

/// Case 2 and 3 of the articles.
#[test]
fn a_script_that_mails_already_is_recognised_with_its_defects() {
    let folder = Folder::new(&[]);
    let script = folder.0.path().join("login-mail.sh");
    fs::write(
        &script,
        "#!/bin/sh\n[ \"$PAM_TYPE\" = \"open_session\" ] || exit\n\
         /usr/bin/echo -e \"User: ${PAM_USER}\" | sendmail -t\n",
    )
    .unwrap();
    let foreign = format!("session optional pam_exec.so {}\n", script.display());
    fs::write(folder.0.path().join("sshd"), &foreign).unwrap();
    assert_eq!(folder.look("sshd", false), (State::Foreign, vec![("foreign-instead", 0)]));
    let codes: Vec<_> = programs(&folder.dir()).iter().map(|found| found.code).collect();
    for code in ["no-type", "fails-at-logout", "waits-for-message", "interprets-values"] {
        assert!(codes.contains(&code), "{code}: {codes:?}");
    }
    assert!(codes.contains(&"program-not-executable"), "{codes:?}");
    fs::write(folder.0.path().join("sshd"), format!("{foreign}{}\n", line())).unwrap();
    assert_eq!(folder.look("sshd", false), (State::Hooked, vec![("two-messages", 1)]));
    // At a logout only, there are no two messages of a login.
    let other = foreign.replace("pam_exec.so", "pam_exec.so type=close_session");
    fs::write(folder.0.path().join("sshd"), format!("{other}{}\n", line())).unwrap();
    assert_eq!(folder.look("sshd", false), (State::Hooked, vec![]));
}

//! The forms that rules have in the wild, and includes that lead nowhere.

use super::*;

fn one(text: &str) -> Rule {
    let stack = Stack::read(text);
    assert_eq!((stack.rules.len(), stack.odd.len()), (1, 0), "{text:?}: {stack:?}");
    stack.rules[0].clone()
}

#[test]
fn every_form_of_a_rule_is_read() {
    for (text, control, module, args) in [
        ("session optional pam_mail.so", "optional", "pam_mail.so", vec![]),
        ("-Session\tOPTIONAL pam_mail.so nopen # why", "optional", "pam_mail.so", vec!["nopen"]),
        (
            "session [success=1 default=ignore] pam_succeed_if.so [user = a] quiet",
            "success=1 default=ignore",
            "pam_succeed_if.so",
            vec!["user = a", "quiet"],
        ),
        (
            "session optional \\\n  pam_exec.so \\\n /x y",
            "optional",
            "pam_exec.so",
            vec!["/x", "y"],
        ),
        ("session include su", "include", "su", vec![]),
        ("@include common-session", "include", "common-session", vec![]),
        ("session required pam_x.so [a\\]b]", "required", "pam_x.so", vec!["a]b"]),
        ("session required pam_x.so\r", "required", "pam_x.so\r", vec![]),
    ] {
        let rule = one(text);
        let expected = (control, module, args.iter().map(|arg| (*arg).to_owned()).collect());
        assert_eq!((rule.control.as_str(), rule.module.as_str(), rule.args), expected, "{text}");
    }
}

#[test]
fn lines_are_counted_over_comments_and_joins() {
    let text = "# a\n\nauth required pam_unix.so\n# session optional pam_exec.so /x\n\
                session optional \\\n  pam_motd.so\nwhat is this\nsession alone\nsession a b";
    let stack = Stack::read(text);
    let lines: Vec<_> = stack.rules.iter().map(|rule| (rule.line, rule.lines)).collect();
    assert_eq!(lines, [(3, 1), (5, 2), (9, 1)]);
    assert_eq!(stack.odd, [7, 8]);
}

/// As Linux-PAM 1.5.2 does it: pamtester calls the module of no line behind such a join.
#[test]
fn neither_empty_lines_nor_comments_end_a_join() {
    for between in ["", "\n", "# c\n", " \t\n#\n\n"] {
        let rule = one(&format!("session required \\\n{between}a.so\n"));
        assert_eq!((rule.line, rule.module.as_str()), (1, "a.so"), "{between:?}");
    }
    assert_eq!(one("session optional pam_x.so # \\").lines, 1);
    for text in ["session optional pam_x.so \\", "session optional pam_x.so \\\n\n# x\n"] {
        let stack = Stack::read(text);
        assert_eq!((stack.rules.len(), stack.unended), (0, Some(1)), "{text:?}");
    }
    for text in ["", "\n#\n \t\n", "# \\"] {
        assert_eq!(Stack::read(text), Stack::default(), "{text:?}");
    }
}

#[test]
fn the_program_is_the_first_argument_with_a_slash() {
    let rule = one("session optional pam_exec.so quiet type=open_session /usr/bin/x a type=auth");
    assert_eq!(rule.runs(), Some(("/usr/bin/x", &["a".to_owned(), "type=auth".to_owned()][..])));
    assert_eq!((rule.only_type(), rule.has_option("quiet")), (Some("open_session"), true));
    assert_eq!(
        one("session optional /lib/security/pam_exec.so /x").runs().map(|r| r.0),
        Some("/x")
    );
    assert_eq!(one("session optional pam_exec.so quiet").runs(), None);
    assert_eq!(one("session optional pam_echo.so /x").runs(), None);
}

#[test]
fn a_session_takes_in_what_is_included() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("su-l", "auth include su\nsession optional a.so\nsession include su\n");
    write("su", "session required b.so\n@include common\nsession include lost\n");
    write("common", "auth required no.so\nsession required c.so\nsession substack loop\n");
    write("loop", "session required d.so\nsession include loop\n");
    let session = PamDir::of(folder.path()).session("su-l");
    let modules: Vec<_> =
        session.rules.iter().map(|one| (one.rule.module.as_str(), one.substacks)).collect();
    assert_eq!(modules, [("a.so", 0), ("b.so", 0), ("c.so", 0), ("d.so", 1)]);
    let missing: Vec<_> = session.missing.iter().map(|(_, line, name)| (*line, &**name)).collect();
    assert_eq!(missing, [(2, "loop"), (3, "lost")]);
    assert_eq!(PamDir::of(folder.path()).session("none").missing.len(), 1);
}

#[test]
fn files_that_include_each_other_often_end() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..20 {
        let line = format!("session include f{}\n", number + 1).repeat(20);
        std::fs::write(folder.path().join(format!("f{number}")), line).unwrap();
    }
    std::fs::write(folder.path().join("f20"), "session required x.so\n").unwrap();
    let start = std::time::Instant::now();
    let session = PamDir::of(folder.path()).session("f0");
    assert!(!session.missing.is_empty());
    assert!(start.elapsed() < std::time::Duration::from_secs(20), "{:?}", start.elapsed());
}

//! Programs that PAM runs with variables that the user wrote.
//!
//! `pam_env.so user_readenv=1` takes variables from `~/.pam_environment` (pam_env(8)), and
//! `pam_exec.so` gives all of them to what it runs (pam_exec(8)). `LD_PRELOAD` among them makes the
//! user root, and `PAM_TYPE` another login of this one. So the hook stands before the first such
//! rule of the session, and is not put in where one of `auth` has read them before.

use monban_model::Severity;

use super::edit::is_ours;
use super::finding::Finding;
use super::stack::{Kind, PamDir, Placed, Rule, Rules, may_jump_over};

/// The code of what is found about the hook itself.
pub const OF_HOOK: &str = "hook-user-environment";
const OF_SCRIPT: &str = "script-user-environment";

/// What is found about our own line.
pub fn of_hook(dir: &PamDir, service: &str) -> Vec<Finding> {
    exposed(dir, service, OF_HOOK, is_ours)
}

/// What is found about programs of others.
pub fn of_others(dir: &PamDir, service: &str) -> Vec<Finding> {
    exposed(dir, service, OF_SCRIPT, |rule| !is_ours(rule))
}

/// The line of a service's own file over which ours has to stand: that of the first rule that
/// reads a user's variables, or of one before it that may jump over ours, which would have it
/// jump less far. `None` if there is no such rule.
pub fn own_line_before(session: &Rules) -> Option<u32> {
    let rules = &session.rules;
    let start = |own_line: u32| rules.iter().position(|one| one.own_line == own_line).unwrap_or(0);
    let mut at = start(first_reader(session)?.own_line);
    let jumps = |from: usize, at: usize| may_jump_over(&rules[from].rule.control, at - from);
    while let Some(from) = (0..at).find(|from| jumps(*from, at)) {
        at = start(rules[from].own_line);
    }
    Some(rules[at].own_line)
}

fn exposed(dir: &PamDir, service: &str, code: &'static str, of: fn(&Rule) -> bool) -> Vec<Finding> {
    let (auth, session) = (dir.rules(Kind::Auth, service), dir.session(service));
    let mut findings = Vec::new();
    // Whoever authenticates sets its variables before a session opens (pam_setcred(3)).
    for (rules, mut reader) in [(&auth, None), (&session, first_reader(&auth))] {
        for one in &rules.rules {
            reader = reader.or(Some(one).filter(|one| reads(&one.rule)));
            let Some((program, _)) = one.rule.runs().filter(|_| of(&one.rule)) else { continue };
            // As the session closes, all of its rules have been gone through once.
            let at_close = || first_reader(rules).filter(|_| runs_at_close(&one.rule));
            let Some(reader) = reader.or_else(at_close) else { continue };
            let found = Finding::of(code, Severity::Critical, &one.file).at(one.rule.line);
            let place = format!("{}:{}", reader.file.display(), reader.rule.line);
            findings.push(found.with("program", program).with("reader", place));
        }
    }
    findings
}

fn first_reader(rules: &Rules) -> Option<&Placed> {
    rules.rules.iter().find(|one| reads(&one.rule))
}

/// Whether a rule takes variables from a file of the user's. The last of the same option counts,
/// and as a number as atoi(3) reads it.
fn reads(rule: &Rule) -> bool {
    let mut options = rule.args.iter().filter_map(|arg| arg.strip_prefix("user_readenv="));
    let is_on = |value: &str| value.trim_start_matches(['+', '-', '0']).starts_with(is_digit);
    let is_env = rule.module.rsplit('/').next() == Some("pam_env.so");
    is_env && options.next_back().is_some_and(is_on)
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

fn runs_at_close(rule: &Rule) -> bool {
    rule.kind == Kind::Session && rule.only_type().is_none_or(|only| only == "close_session")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::edit::{our_line, put};
    use super::*;

    const READS: &str = "session required pam_env.so user_readenv=1 envfile=/etc/default/locale\n";

    fn dir(files: &[(&str, &str)]) -> PamDir {
        let mut dir = PamDir::of(Path::new("/pam"));
        let own = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        dir.changed = files.iter().map(own).collect();
        dir
    }

    #[test]
    fn the_hook_stands_before_the_first_rule_that_reads_what_a_user_wrote() {
        let ours = our_line(Path::new("/usr/bin/monban"));
        let common = format!("session required a.so\n{READS}");
        let jumped =
            format!("session [success=1 default=ignore] a.so\n{READS}session required b.so\n");
        let far = format!(
            "session [success=2 default=ignore] a.so\nsession [default=1] b.so\n{READS}session c.so x\n"
        );
        let rows: &[(&str, Option<u32>)] = &[
            ("session required a.so\nsession required pam_env.so\n", None),
            ("session required pam_env.so user_readenv=1 user_readenv=0\n", None),
            ("session required pam_env.so user_readenv=00\n", None),
            ("session required pam_env.so user_readenv=0 user_readenv=01\n", Some(1)),
            (
                "session required a.so\n-session optional /lib/security/pam_env.so user_readenv=2\n",
                Some(2),
            ),
            ("session required a.so\n@include common\nsession required b.so\n", Some(2)),
            ("session required a.so\nsession substack common\n", Some(2)),
            (&jumped, Some(1)),
            (&far, Some(1)),
        ];
        for (text, before) in rows {
            let mut dir = dir(&[("sshd", text), ("common", &common)]);
            assert_eq!(own_line_before(&dir.session("sshd")), *before, "{text}");
            dir.changed.insert("sshd".to_owned(), put(text, &ours, *before));
            assert_eq!(of_hook(&dir, "sshd"), [], "{text}");
            dir.changed.insert("sshd".to_owned(), put(text, &ours, None));
            assert_eq!(of_hook(&dir, "sshd").len(), usize::from(before.is_some()), "{text}");
        }
    }

    #[test]
    fn what_is_run_with_variables_of_a_user_is_found() {
        let reader = "auth required pam_env.so user_readenv=1\n";
        let script = "session optional pam_exec.so /usr/local/bin/x.sh\n";
        let opens = "session optional pam_exec.so type=open_session /usr/local/bin/x.sh\n";
        let asks = "auth required pam_exec.so /usr/local/bin/ask\n";
        let rows = [
            (format!("{opens}{READS}"), None),
            (format!("{READS}{opens}"), Some("/pam/sshd:1")),
            // It runs once more as the session closes.
            (format!("{script}{READS}"), Some("/pam/sshd:2")),
            (format!("{opens}{reader}"), Some("/pam/sshd:2")),
            (format!("{asks}{reader}"), None),
            (format!("{reader}{asks}"), Some("/pam/sshd:1")),
            (format!("{asks}{READS}"), None),
        ];
        for (text, place) in rows {
            let dir = dir(&[("sshd", &text)]);
            let found = of_others(&dir, "sshd");
            let places: Vec<&str> = found.iter().map(|one| one.values[1].1.as_str()).collect();
            assert_eq!(places, Vec::from_iter(place), "{text}");
            assert!(found.iter().all(|one| one.is_wrong()));
        }
    }
}

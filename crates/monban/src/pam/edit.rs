//! Our line in the text of a file of `/etc/pam.d`: put in, found, taken out.

use std::path::Path;

use super::stack::{Rule, Stack};

/// The comment over our line, for whoever reads the file.
const COMMENT: &str = "# A message at every login; taken out by: monban pam remove";
/// What stands before a line that ours replaced, so that `pam remove` brings it back.
const REPLACED: &str = "#replaced-by-monban# ";

/// The line that calls this program. It is optional, so that its end changes no login; without
/// `type=` it would also be called at each logout; with `seteuid` the kernel calls it root's
/// when a user calls su.
pub fn our_line(program: &Path) -> String {
    let program = program.display();
    format!("session optional pam_exec.so quiet seteuid type=open_session {program} pam-hook")
}

/// Whether a rule calls our hook, whatever else stands in it.
pub fn is_ours(rule: &Rule) -> bool {
    let is_hook = |args: &[String]| args.first().is_some_and(|arg| arg.trim() == "pam-hook");
    rule.runs().is_some_and(|(_, args)| is_hook(args))
}

/// Puts the line in where there is none: over the rule that begins on the line `before` and the
/// comments that stand on it, else at the end. Nothing can be put behind a rule that goes on there
/// ([`Stack::unended`]).
pub fn put(text: &str, line: &str, before: Option<u32>) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let at = before.map_or(lines.len(), |before| (before as usize - 1).min(lines.len()));
    let is_comment = |line: &&&str| before.is_some() && line.trim_start().starts_with('#');
    let comments = lines[..at].iter().rev().take_while(is_comment).count();
    let (above, below) = lines.split_at(at - comments);
    let (mut above, below) = (above.concat(), below.concat());
    if !above.is_empty() && !above.ends_with('\n') {
        above.push('\n');
    }
    format!("{above}{COMMENT}\n{line}\n{below}")
}

/// Takes out our line and its comment.
pub fn take_out(text: &str) -> String {
    let rules = Stack::read(text).rules;
    let ours = lines_of(rules.iter().filter(|rule| is_ours(rule)));
    let kept = |(at, line): &(usize, &str)| !ours.contains(at) && line.trim_end() != COMMENT;
    numbered(text).filter(kept).map(|(_, line)| line).collect()
}

/// Makes comments of these rules.
pub fn replace(text: &str, rules: &[Rule]) -> String {
    let lines = lines_of(rules.iter());
    let mark = |at| if lines.contains(&at) { REPLACED } else { "" };
    numbered(text).map(|(at, line)| format!("{}{line}", mark(at))).collect()
}

/// Makes rules again of what [`replace`] made comments of.
pub fn restore(text: &str) -> String {
    numbered(text).map(|(_, line)| line.strip_prefix(REPLACED).unwrap_or(line)).collect()
}

/// The lines with their ends, and their numbers from 1.
fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.split_inclusive('\n'))
}

fn lines_of<'a>(rules: impl Iterator<Item = &'a Rule>) -> Vec<usize> {
    rules.flat_map(|rule| (rule.line..rule.line + rule.lines).map(|line| line as usize)).collect()
}

/// The unified diff of two texts that share a beginning and an end, as these changes do; empty if
/// they are the same.
pub fn diff(name: &str, old: &str, new: &str) -> String {
    const AROUND: usize = 3;
    if old == new {
        return String::new();
    }
    let (before, after): (Vec<&str>, Vec<&str>) =
        (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let same = |pairs: &mut dyn Iterator<Item = (&&str, &&str)>| {
        pairs.take_while(|(one, other)| one == other).count()
    };
    let head = same(&mut before.iter().zip(&after));
    let (old_rest, new_rest) = (&before[head..], &after[head..]);
    let tail = same(&mut old_rest.iter().rev().zip(new_rest.iter().rev()));
    let start = head.saturating_sub(AROUND);
    let end = |lines: &[&str]| (lines.len() - tail + AROUND).min(lines.len());
    let (old_end, new_end) = (end(&before), end(&after));
    let at = |end: usize| if end > start { start + 1 } else { start };
    let mut text = format!(
        "--- {name}\n+++ {name}\n@@ -{},{} +{},{} @@\n",
        at(old_end),
        old_end - start,
        at(new_end),
        new_end - start
    );
    let mut say = |mark: char, lines: &[&str]| {
        for line in lines {
            text.push(mark);
            text.push_str(line);
            if !line.ends_with('\n') {
                text.push_str("\n\\ No newline at end of file\n");
            }
        }
    };
    say(' ', &before[start..head]);
    say('-', &old_rest[..old_rest.len() - tail]);
    say('+', &new_rest[..new_rest.len() - tail]);
    say(' ', &before[before.len() - tail..old_end]);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SSHD: &str = "# PAM\n@include common-auth\nsession required pam_limits.so\n";
    const MAIL: &str = "session optional pam_exec.so /usr/local/bin/login-mail.sh\n";

    fn line() -> String {
        our_line(Path::new("/usr/bin/monban"))
    }

    #[test]
    fn what_is_put_in_and_taken_out_leaves_the_text_as_it_was() {
        let texts = [
            SSHD.to_owned(),
            String::new(),
            "session required a.so\r\nsession required b.so\r\n".to_owned(),
            format!("{SSHD}{MAIL}\n\n# end\n"),
        ];
        for text in texts {
            let with = put(&text, &line(), None);
            assert!(with.ends_with(&format!("{}\n", line())), "{with}");
            assert_eq!(take_out(&with), text);
            let rules = Stack::read(&with).rules;
            assert_eq!(rules.iter().filter(|rule| is_ours(rule)).count(), 1);
            assert!(is_ours(rules.last().unwrap()));
        }
    }

    #[test]
    fn our_line_stands_over_a_rule_and_what_is_said_of_it() {
        let text = "session a.so\n\n# one\n  # two\nsession required b.so \\\n x\nsession c.so\n";
        let with = put(text, &line(), Some(5));
        let over = format!("session a.so\n\n{COMMENT}\n{}\n# one\n", line());
        assert!(with.starts_with(&over), "{with}");
        assert_eq!(take_out(&with), text);
    }

    #[test]
    fn our_line_stands_alone_whatever_stands_around_it() {
        let pieces = [
            "session required a.so",
            " \\\n",
            "\n",
            "#",
            "\r\n",
            "[default=1] ",
            "@include x",
            "-session include su",
            "門",
            "\t",
            "]",
            "\\]",
            MAIL,
            "auth ",
            "pam-hook",
        ];
        let mut seed = 7_u64;
        let mut tried = 0;
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..8 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                text.push_str(pieces[(seed >> 33) as usize % pieces.len()]);
            }
            let before = Stack::read(&text);
            if before.unended.is_some() {
                continue;
            }
            tried += 1;
            let text = take_out(&text);
            let before = Stack::read(&text);
            let place = before.rules.get(tried % 3).map(|rule| rule.line);
            let after = Stack::read(&put(&text, &line(), place)).rules;
            let (ours, mut others): (Vec<_>, Vec<_>) = after.into_iter().partition(is_ours);
            assert_eq!((ours.len(), ours[0].lines), (1, 1), "{text:?}");
            // What stands below has moved down by our line and its comment.
            others.iter_mut().filter(|rule| rule.line > ours[0].line).for_each(|it| it.line -= 2);
            assert_eq!(others, before.rules, "{text:?}");
        }
        assert!(tried > 10_000, "{tried}");
    }

    #[test]
    fn one_that_was_changed_by_hand_is_ours_as_well() {
        let by_hand = "session required \\\n pam_exec.so /opt/monban pam-hook --folder /x\n";
        let text = format!("{SSHD}{by_hand}session optional b.so\n");
        assert_eq!(take_out(&text), format!("{SSHD}session optional b.so\n"));
        assert_eq!(take_out(&format!("{SSHD}{MAIL}")), format!("{SSHD}{MAIL}"));
    }

    #[test]
    fn what_is_replaced_comes_back() {
        let text = format!("{SSHD}session optional pam_exec.so \\\n  /usr/local/bin/x.sh\n# end\n");
        let rules = Stack::read(&text).rules;
        let without = replace(&text, &rules[2..]);
        assert_eq!(Stack::read(&without).rules, rules[..2]);
        assert_eq!(restore(&take_out(&put(&without, &line(), None))), text);
    }

    #[test]
    fn a_diff_shows_what_changes_with_its_neighbours() {
        let old = "a\nb\nc\nd\ne\n";
        let expected = "--- f\n+++ f\n@@ -2,4 +2,5 @@\n b\n c\n d\n-e\n+x\n+y\n";
        assert_eq!(diff("f", old, "a\nb\nc\nd\nx\ny\n"), expected);
        assert_eq!(diff("f", old, old), "");
        let expected = "--- f\n+++ f\n@@ -1,1 +1,2 @@\n-a\n\\ No newline at end of file\n+a\n+b\n";
        assert_eq!(diff("f", "a", "a\nb\n"), expected);
        assert_eq!(diff("f", "", "b\n"), "--- f\n+++ f\n@@ -0,0 +1,1 @@\n+b\n");
        let expected = "--- f\n+++ f\n@@ -1,5 +1,6 @@\n a\n b\n+x\n c\n d\n e\n";
        assert_eq!(diff("f", old, "a\nb\nx\nc\nd\ne\n"), expected);
    }
}

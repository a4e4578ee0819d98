//! What is told by a script that somebody else has PAM run, and what is wrong with it.
//!
//! The defects are those of scripts that are passed on from page to page. They are looked for in
//! the text line by line; a script that does the same in other words is not understood.

/// What a script does, as far as its text says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// The first line that sends a message, and with what.
    pub tells: Option<(u32, &'static str)>,
    /// The first line that ends with a failure at a logout.
    pub fails_at_logout: Option<u32>,
    /// The first line that has `echo -e` interpret what a stranger typed.
    pub interprets: Option<u32>,
    /// Whether it looks at `PAM_TYPE` at all.
    pub knows_type: bool,
}

/// Programs that send messages, by the words that call them.
const SENDERS: &[&str] = &[
    "sendmail",
    "mail",
    "mailx",
    "s-nail",
    "mutt",
    "msmtp",
    "ssmtp",
    "nullmailer-inject",
    "swaks",
    "exim",
    "exim4",
    "curl",
    "wget",
    "smtplib",
    "nc",
    "ntfy",
    "telegram-send",
];

/// Reads a script.
pub fn read(text: &str) -> Script {
    let mut script = Script::default();
    for (number, line) in (1..).zip(text.lines()) {
        let code = if line.trim_start().starts_with('#') { "" } else { line };
        script.knows_type |= code.contains("PAM_TYPE");
        if let Some(sender) = words(code).find_map(sender) {
            script.tells.get_or_insert((number, sender));
        }
        if code.contains("PAM_TYPE") && ends_with_failure(code) {
            script.fails_at_logout.get_or_insert(number);
        }
        if interprets(code) {
            script.interprets.get_or_insert(number);
        }
    }
    script
}

/// The words of a line of shell, a program without its folder.
fn words(code: &str) -> impl Iterator<Item = &str> {
    let parts = code.split(|c: char| !(c.is_ascii_alphanumeric() || "-_./=:@".contains(c)));
    parts.filter(|part| !part.is_empty())
}

fn sender(word: &str) -> Option<&'static str> {
    let name = word.rsplit('/').next().unwrap_or(word);
    SENDERS.iter().copied().find(|sender| *sender == name)
}

/// `[ "$PAM_TYPE" = "open_session" ] || exit`: the shell exits with what the test came to, which
/// is 1 (POSIX, `exit`).
fn ends_with_failure(code: &str) -> bool {
    let Some((_, behind)) = code.split_once("||") else { return false };
    let mut words = behind.split([' ', '\t', ';', '}', '{']).filter(|word| !word.is_empty());
    words.next() == Some("exit") && words.next().is_none_or(|code| code != "0")
}

/// `echo -e` with a value of PAM's: a `\n` or `\c` in a name is carried out.
fn interprets(code: &str) -> bool {
    let mut words = words(code).skip_while(|word| word.rsplit('/').next() != Some("echo"));
    words.next().is_some()
        && words.next().is_some_and(|option| option.starts_with('-') && option.contains('e'))
        && code.contains("PAM_")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The form in which it is passed on (case 3 of the articles).
    const LOGIN_MAIL: &str = "#!/bin/sh\nto=a@example.com\nfrom=b@example.com\n\
        subject=\"[$(hostname)] Login from ${PAM_RHOST}\"\n\
        [ \"$PAM_TYPE\" = \"open_session\" ] || exit\n\
        /usr/bin/echo -e \"To:${to}\\nUser: ${PAM_USER}\" | sendmail -t\n";

    #[test]
    fn every_defect_of_the_script_is_found() {
        let expected = Script {
            tells: Some((6, "sendmail")),
            fails_at_logout: Some(5),
            interprets: Some(6),
            knows_type: true,
        };
        assert_eq!(read(LOGIN_MAIL), expected);
    }

    #[test]
    fn the_repaired_one_has_none() {
        let text = "#!/bin/sh\n# echo -e $PAM_USER | mail\n\
            [ \"$PAM_TYPE\" = open_session ] || exit 0\n\
            if [ x != y ] || { [ $PAM_TYPE = a ] || exit 0; }; then :; fi\n\
            printf '%s\\n' \"$PAM_USER\" | logger -t logins\n";
        assert_eq!(read(text), Script { knows_type: true, ..Script::default() });
    }

    #[test]
    fn senders_are_words_and_not_parts_of_words() {
        for (line, expected) in [
            ("mail -s login root", Some("mail")),
            ("echo x | /usr/sbin/sendmail -t &", Some("sendmail")),
            ("curl -d x https://hooks.example/1", Some("curl")),
            ("mailbox=$HOME; emails=3", None),
            ("import smtplib", Some("smtplib")),
            ("nice", None),
        ] {
            assert_eq!(read(line).tells.map(|(_, sender)| sender), expected, "{line}");
        }
    }

    #[test]
    fn text_of_any_kind_is_read_in_time() {
        for text in ["|| ".repeat(80_000), "echo -".repeat(40_000), "\0\u{1b}門\n".repeat(40_000)]
        {
            let _ = read(&text);
        }
    }
}

//! `monban fail2ban check` on a configuration as it is pasted from a web page.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// A filter with the defects of pasted ones: the old group, a group that a web page ate, lines
/// without their indentation, and expressions that hit good logins too.
const FILTER: &str = "[Definition]

failregex = .*(?:imap-login|pop3-login):.*(?:Login refused|Gave up \\(bad password).*from=(?P<host>\\S*),.*
    imap-login: Gave up \\(bad password, 1 tries\\): from=(?P\\S*), to
    auth: Debug: pam\\(.*,<HOST>\\): lookup service=dovecot
    reject: RCPT from (.*)\\[<HOST>\\]: 554
auth: pam\\(.*,<HOST>\\): no such user
";

/// Jails with the header and a key on one line, typographic quotes, and two keys in one line.
const JAILS: &str = "[mail] enabled = true
filter = mail
action = nftables-multiport[name=mail, port=\u{201d}smtp,imap\u{201d}, protocol=tcp] mailto[dest=me] logpath = /dev/null
maxretry = 5

[post]
enabled = true
filter = mail
action = nftables-multiport[name=post, port=\"smtp,imap\", protocol=tcp]
         mailto[dest=me]
logpath = /dev/null
findtime = 1200
bantime = 1200
ignoreip = 127.0.0.1 10.0.0.0/8 192.168.0.0/16 172.16.0.0/16
";

fn made() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let ban = "[Definition]\nactionban = nft add element inet f2b-table x \\{ <ip> \\}\n\
               actionunban = nft delete element inet f2b-table x \\{ <ip> \\}\n";
    for (name, text) in [
        ("filter.d/mail.conf", FILTER),
        ("jail.local", JAILS),
        ("action.d/nftables-multiport.conf", ban),
        ("action.d/mailto.conf", "[Definition]\nactionban = mail <dest>\n"),
    ] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }
    folder
}

fn check(folder: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_monban"));
    command.args(["fail2ban", "check"]).arg(folder).args(more);
    command.output().expect("monban runs")
}

#[test]
fn what_people_paste_is_explained_in_both_languages() {
    let folder = made();
    for (lang, words) in [
        ("en", ["differs here", "web page ate", "ban", "from=<HOST>", "not at all"]),
        ("ja", ["違いがある", "ウェブページ", "害のない", "from=<HOST>", "jail"]),
    ] {
        let found = check(folder.path(), &["--lang", lang]);
        assert_eq!(found.status.code(), Some(2));
        let text = String::from_utf8(found.stdout).expect("text");
        for word in words {
            assert!(text.contains(word), "{word} is not in:\n{text}");
        }
    }
}

#[test]
fn machines_get_each_finding_with_its_line() {
    let folder = made();
    let found = check(folder.path(), &["--json"]);
    let json: serde_json::Value = serde_json::from_slice(&found.stdout).expect("JSON");
    let kinds: Vec<&str> = json["problems"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|problem| problem["kind"].as_str())
        .collect();
    for kind in [
        "header-tail",
        "lost-indent",
        "private-network",
        "regex-wrong",
        "old-host",
        "injectable-behind",
        "bans-harmless",
        "takes-names",
    ] {
        assert!(kinds.contains(&kind), "{kind} is not among {kinds:?}");
    }
    let jail = &json["jails"][0];
    assert_eq!((jail["name"].as_str(), jail["verdict"].as_str()), (Some("post"), Some("differs")));
    assert_eq!(jail["line"], 6);
    let problems = json["problems"].as_array().expect("a list");
    let is_it = |one: &&serde_json::Value| one["kind"] == "injectable-behind" && one["line"] == 6;
    let forged = problems.iter().find(is_it).expect("it");
    assert!(forged["values"]["line"].as_str().is_some_and(|line| line.contains("198.51.100.9")));
}

/// The configuration of a user's article, if one is at hand: it must be explained and not fail.
#[test]
fn a_wrong_value_of_a_hundred_jails_is_told_once() {
    let folder = made();
    let jail = |number: u32| format!("[j{number}]\nenabled = true\n");
    let jails: String = (0..100).map(jail).collect();
    let own = "filter = mail\naction = mailto\nlogpath = /dev/null\nmaxretry = three\n";
    let text = format!("[DEFAULT]\n{own}{jails}");
    fs::write(folder.path().join("jail.local"), text).expect("written");
    let told = String::from_utf8(check(folder.path(), &["--lang", "en"]).stdout).expect("text");
    assert_eq!(told.matches("no whole number: three").count(), 1, "{told}");
    assert_eq!(told.matches("note: in 100 jails: j0, j1, j2, ...").count(), 1, "{told}");
    assert!(told.contains("jail.local:5:1"), "{told}");
    let output = check(folder.path(), &["--json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let problems = json["problems"].as_array().expect("a list").iter();
    let wrong: Vec<_> = problems.filter(|problem| problem["kind"] == "bad-number").collect();
    let [wrong] = wrong[..] else { panic!("{} times", wrong.len()) };
    let jails = wrong["jails"].as_array().expect("a list");
    assert_eq!((jails.len(), &jails[99], &wrong["line"]), (100, &"j99".into(), &5.into()));
}

#[test]
fn a_folder_of_an_article_is_explained() {
    let Ok(folder) = std::env::var("MONBAN_PASTED_FAIL2BAN") else {
        println!("left out: MONBAN_PASTED_FAIL2BAN names no folder");
        return;
    };
    let found = check(Path::new(&folder), &["--lang", "en"]);
    assert_eq!(found.status.code(), Some(2));
    assert!(!found.stdout.is_empty());
}

fn said(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_monban"));
    let output = command.args(arguments).args(["--lang", "en"]).output().expect("monban runs");
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn what_is_not_there_and_what_is_swapped_is_said() {
    let folder = made();
    let path = folder.path().display().to_string();
    let gone = said(&["fail2ban", "import", "--dry-run", &format!("{path}/gone")]);
    assert!(gone.contains("there is no such folder"), "{gone}");
    fs::write(folder.path().join("jail.local"), "").expect("written");
    let none = said(&["fail2ban", "import", "--dry-run", &path]);
    assert!(none.contains("There is no jail in") && !none.contains("--all"), "{none}");
    let log = format!("{path}/log");
    fs::write(&log, "x\n").expect("written");
    for filter in ["mail", "filter.d/mail.conf"] {
        let swapped = said(&["filter", "test", &log, filter]);
        assert!(swapped.contains(&format!("monban filter test 'mail' {log}")), "{swapped}");
    }
    let none = said(&["filter", "test", "none", &log, "--fail2ban", &path]);
    assert!(none.contains("there is no filter none") && !none.contains("this jail"), "{none}");
}

mod samples;

use monban_model::{Event, Letter, Stamp};
use proptest::prelude::*;
use samples::{FOUND, envelope, here, known, letters, login, record};

use super::*;
use crate::{Known, LetterWriter};

fn problems(text: &str) -> Vec<String> {
    let found = OwnTexts::read([("/t/en.toml", text)]).err().unwrap_or_default();
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn each_mistake_has_its_line_its_reason_and_what_to_write() {
    for (text, expected) in [
        (
            "letter-logn = \"x\"",
            "/t/en.toml:1: unknown key `letter-logn` in the file (it would have no effect); \
             did you mean `letter-login`?",
        ),
        (
            "start-version = \"x\"",
            "/t/en.toml:1: `start-version` stands in no message (only texts of messages can be \
             written anew); `monban notify texts` shows all texts of messages",
        ),
        (
            "\nletter-login = \"{usr} {from}\"",
            "/t/en.toml:2: `letter-login` has the unknown placeholder `{usr}` (there is nothing to \
             put in its place); did you mean `{user}`?",
        ),
        (
            "letter-login = \"{0}\"",
            "/t/en.toml:1: `letter-login` has the unknown placeholder `{0}` (there is nothing to \
             put in its place); known here: {user}, {from}, {service}",
        ),
        (
            "letter-never = \"{user}\"",
            "/t/en.toml:1: `letter-never` has the unknown placeholder `{user}` (there is nothing to \
             put in its place); this text has no placeholders",
        ),
        (
            "letter-login = \"login {user\"",
            "/t/en.toml:1: a placeholder of `letter-login` has no end (a brace begins a \
             placeholder, and no other brace closes this one); known here: {user}, {from}, {service}",
        ),
        (
            "letter-logins = \"{count:login}\"",
            "/t/en.toml:1: `letter-logins` has no singular and plural behind `count:` (the count \
             chooses between two words); write {count:thing|things}",
        ),
        (
            "letter-login = \"login:\\nBcc: {user}\"",
            "/t/en.toml:1: `letter-login` has more than one line (a subject is one line, and so \
             is every entry of a message)",
        ),
        (
            "letter-login = \"\\u202E{user}\"",
            "/t/en.toml:1: `letter-login` has the character U+202E, which is not shown (it would \
             stand there as an escape); leave it out, also a tab",
        ),
        (
            "letter-login = \"  \"",
            "/t/en.toml:1: `letter-login` is empty (a message without words tells nobody anything)",
        ),
        (
            "letter-login = 7",
            "/t/en.toml:1: `letter-login` is no text in quotes (a message has texts); write \
             letter-login = \"...\"",
        ),
    ] {
        assert_eq!(problems(text), [expected]);
    }
}

#[test]
fn what_would_make_a_message_too_long_is_refused() {
    let (long, braces) = ("x".repeat(2001), "{user} ".repeat(17));
    for (text, expected) in [
        (&long, "has more than 2000 bytes (it stands in every such message)"),
        (&braces, "has more than 16 placeholders (a message would become as long as one likes)"),
    ] {
        let expected = format!("/t/en.toml:1: `letter-login` {expected}");
        assert_eq!(problems(&format!("letter-login = \"{text}\"")), [expected]);
    }
    let limit = format!("letter-login = \"{}{}\"", "{user}".repeat(16), "x".repeat(2000 - 96));
    assert!(problems(&limit).is_empty());
}

#[test]
fn all_mistakes_are_told_at_once_and_in_japanese() {
    let text = "letter-login = \"{a}{b:c}{user:d}\"\nx = \"\n[letter]\nlogin = \"{user}\"";
    let found = OwnTexts::read([("/t/en.toml", text), ("/t/fr.toml", "")]).unwrap_err();
    assert!(found.len() >= 6, "{found:#?}");
    let lines: Vec<u32> = found.iter().map(|one| one.line).collect();
    assert!([1, 2, 3].iter().all(|line| lines.contains(line)), "{found:#?}");
    let wrong = "letter-login = \"{usr}\u{7f}\\n{user\"\nletter-logins = \"{count:|}\"\n\
                 start-version = \"\"\nletter-to = 1\nletter-user = \"\"\nletter-from = 2\n";
    let found = OwnTexts::read([("/t/en.toml", wrong), ("/t/fr.toml", "")]).unwrap_err();
    for problem in Say::new(Tongue::Japanese).problems(&found) {
        for sentence in [&problem.what, &problem.why, &problem.hint] {
            let is_english = sentence.split([' ', '`']).any(|word| {
                ["the", "is", "has", "a", "it", "there", "did", "write"].contains(&word)
            });
            // What TOML itself complains about is English.
            assert!(!is_english || problem.why.contains("TOML"), "{problem}");
        }
    }
}

fn letter(own: &OwnTexts, tongue: Tongue, user: &[u8]) -> Letter {
    let writer = LetterWriter::new(own.say(tongue), here(true));
    writer.write(&[record(login(user))], &envelope(0), &Known::default(), Stamp(0))
}

#[test]
fn a_message_says_what_the_operator_wrote_in_each_language() {
    let files = [
        ("/t/en.toml", "letter-login = \"{service} {user}@{from}\"\nletter-user = \"Account\"\n"),
        ("/t/ja.toml", "letter-login = '入室 {user}（{from}）'"),
    ];
    let own = OwnTexts::read(files).unwrap();
    let english = letter(&own, Tongue::English, b"alice");
    assert_eq!(english.subject, "[web1] sshd alice@203.0.113.9, first login on record");
    assert_eq!(english.facts[0].label, "Account");
    let japanese = letter(&own, Tongue::Japanese, b"alice");
    assert!(japanese.subject.starts_with("[web1] 入室 alice（203.0.113.9）"), "{japanese:?}");
    // What is not written anew stays.
    assert_eq!(english.facts[1].label, Say::new(Tongue::English).text("letter-from", &[]));
    assert_eq!(Say::new(Tongue::English).text("letter-user", &[]), "User");
}

/// What the guide shows.
#[test]
fn the_subjects_of_the_guide_come_out_as_written() {
    for (tongue, text, expected) in [
        (
            Tongue::English,
            "letter-login = \"{service} login {user} ({from})\"\nletter-new-place = \" - NEW PLACE\"",
            "[web1] sshd login alice (203.0.113.9 (JP, OCN)) - NEW PLACE",
        ),
        (
            Tongue::Japanese,
            "letter-login = \"{service} に {user} が入りました ({from})\"\n\
             letter-new-place = \"【初めての場所】\"",
            "[web1] sshd に alice が入りました (203.0.113.9 (JP, OCN))【初めての場所】",
        ),
    ] {
        let file = format!("/t/{}.toml", tongue.name());
        let own = OwnTexts::read([(file.as_str(), text)]).unwrap();
        let mut event = login(b"alice");
        if let Event::Entered(login) = &mut event {
            login.earlier.ever = Some(Stamp(7));
        }
        let writer = LetterWriter::new(own.say(tongue), here(true));
        let letter = writer.write(&[record(event)], &envelope(0), &known(), Stamp(0));
        assert_eq!(letter.subject, expected);
    }
}

/// Every text that a message takes from the tables can be written anew: with a sign before each
/// text of messages, nothing in a message lacks it.
#[test]
fn no_text_of_a_message_is_left_out() {
    for tongue in [Tongue::English, Tongue::Japanese] {
        let file = format!("/t/{}.toml", tongue.name());
        let all = OwnTexts::default().all(tongue);
        let signed: String = all
            .iter()
            .map(|text| format!("{} = {:?}\n", text.key, format!("§{}", text.text)))
            .collect();
        let own = OwnTexts::read([(file.as_str(), signed.as_str())]).unwrap();
        let letters = letters(&own.say(tongue));
        assert!(letters.len() >= 100, "{}", letters.len());
        for letter in letters {
            let subject = letter.subject.strip_prefix("[web1] ").unwrap();
            assert!(subject.contains('§'), "{letter:#?}");
            assert!(letter.lead.contains('§'), "{letter:#?}");
            // A sentence, and within or behind it the table that is its reason.
            let signs = letter.lead.matches('§').count();
            assert!(signs >= 2 || !letter.lead.contains("[[origin]]"), "{letter:#?}");
            for label in letter.facts.iter().map(|fact| &fact.label) {
                assert!(label.starts_with('§'), "{label}: {letter:#?}");
            }
            let unconfirmed = letter.facts.iter().find(|fact| fact.value.contains("host.example"));
            assert!(unconfirmed.is_none_or(|fact| fact.value.starts_with('§')), "{letter:#?}");
            for title in letter.passages.iter().map(|passage| &passage.title) {
                assert!(title.starts_with('§'), "{title}: {letter:#?}");
            }
        }
    }
}

#[test]
fn what_is_said_beside_a_finding_can_be_written_anew_too() {
    for (key, end) in
        FOUND.iter().flat_map(|(key, _)| ["", "-more", "-why", "-hint"].map(|end| (key, end)))
    {
        let key = format!("{key}{end}");
        let is_text = Tongue::English.texts().contains_key(&*key);
        assert!(is_of_messages(&key) || !is_text, "{key}");
        assert!(is_text || !end.is_empty(), "{key}");
    }
    for key in ["pam-severity-info", "pam-state-absent", "pam-absent", "pam-no-type-why"] {
        assert!(!is_of_messages(key), "{key} is of the terminal alone");
    }
}

#[test]
fn every_key_of_the_list_is_in_the_table() {
    for key in KEYS {
        let texts = Tongue::English.texts();
        assert!(texts.contains_key(key) || texts.contains_key(&*format!("of-jail-{key}")), "{key}");
    }
    let texts = OwnTexts::default().all(Tongue::Japanese);
    let longest = texts.iter().map(|text| text.text.len()).max().unwrap();
    assert!(longest * 3 <= OWN_TEXT_BYTES_MAX, "{longest}");
}

/// Values are put in as they are told, never read: neither braces nor lines of a name count.
#[test]
fn a_name_stays_a_value_in_every_text() {
    let templates = [
        "<b>{user}</b>",
        "*{user}* [a]({from})",
        "`{user}`",
        "{user}{user}{from}",
        "{from}: {user}",
    ];
    let names: [&[u8]; 6] = [
        b"{from}{user}",
        b"a\r\nBcc: x@example.com",
        b"<script>alert(1)</script>",
        b"](https://example.com) *x*",
        "\u{202e}x".as_bytes(),
        b"\" from 192.0.2.1",
    ];
    for template in templates {
        let own = OwnTexts::read([("en.toml", &*format!("letter-login = {template:?}"))]).unwrap();
        for name in names {
            let letter = letter(&own, Tongue::English, name);
            let user = crate::quoted(name);
            let text = template.replace("{user}", "\0").replace("{from}", "203.0.113.9");
            let expected = text.replace('\0', &user);
            assert_eq!(letter.subject, format!("[web1] {expected}, first login on record"));
            assert!(!letter.subject.chars().any(char::is_control), "{letter:?}");
        }
    }
}

proptest! {
    /// Whatever stands in a file is read or refused; what is read makes one line of a message.
    #[test]
    fn any_file_is_read_or_refused(text in "[a-z{}:|\\\\\"'=\n \t-]{0,200}", name in ".{0,40}") {
        let file = format!("letter-login = \"{name}\"\n{text}");
        for text in [&text, &file] {
            if let Ok(own) = OwnTexts::read([("/t/en.toml", text.as_str())]) {
                let letter = letter(&own, Tongue::English, name.as_bytes());
                prop_assert!(!letter.subject.chars().any(char::is_control));
            }
        }
    }
}

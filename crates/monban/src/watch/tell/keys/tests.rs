use monban_model::limits::{AUTHORIZED_KEYS_LINE_MAX, KEY_COMMENT_MAX};
use monban_model::{Earlier, Seq, Severity, Stamp, Standing, Theme, ToldBy};
use proptest::prelude::*;

use super::*;

/// Made by ssh-keygen, and its fingerprints by `ssh-keygen -l`.
const ALICE: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICfxQtogL1CODfK4xQ+Y68q3KKQD4IOdWOG21a3OGCMS";
const ALICE_PRINT: &str = "9JjjX/gq6eoE2M6FqqbmqbesaO2HhKxYKWuUUfLIlIY";
const BOB: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBHfYZof7\
    4YjvkTiYLHorl1qR+seUnqzby2x3NwT2zXdJ4JatRYbgYuWbqjA4f9QS6wXW9vl6lz63TdLczMpoaDw=";
const BOB_PRINT: &str = "bYRhBgLbofasmlCErCSFXrmQeLlODi6mwqa2TF/3izA";

/// The comment of the key with this fingerprint.
fn comment_of(files: &[u8], wanted: &str) -> Option<String> {
    keys_in(files).find_map(|(print, comment)| (print == wanted).then_some(comment))
}

#[test]
fn the_comment_is_that_of_the_key_with_the_fingerprint() {
    let file = format!("# keys\n\n  {ALICE} alice@laptop  \r\n{BOB} bob (old phone) <x>\n{BOB} x");
    assert_eq!(comment_of(file.as_bytes(), ALICE_PRINT).as_deref(), Some("alice@laptop"));
    assert_eq!(comment_of(file.as_bytes(), BOB_PRINT).as_deref(), Some("bob (old phone) <x>"));
    assert_eq!(comment_of(file.as_bytes(), "x"), None);
    assert_eq!(comment_of(ALICE.as_bytes(), ALICE_PRINT), None, "it has none");
}

#[test]
fn options_before_a_key_are_skipped_as_sshd_does() {
    for options in [
        "restrict",
        "from=\"192.0.2.0/24,*.example.org\",no-pty",
        "command=\"echo \\\"ssh-ed25519 AAAA x\\\"  # no\",environment=\"A=b c\"",
        "command=\"a \\\\\\\"b\"",
    ] {
        let line = format!("{options} \t{ALICE} alice");
        assert_eq!(comment_of(line.as_bytes(), ALICE_PRINT).as_deref(), Some("alice"), "{options}");
    }
    let unended = format!("command=\"x {ALICE} alice");
    assert_eq!(comment_of(unended.as_bytes(), ALICE_PRINT), None);
}

#[test]
fn only_what_is_a_key_gives_its_comment() {
    let (kind, encoded) = ALICE.split_once(' ').unwrap();
    for line in [
        format!("ssh-rsa {encoded} of another kind"),
        format!("{kind} {encoded}x damaged"),
        kind.to_owned(),
        format!("root:$6${encoded}:19000:0:99999:7::: {encoded}"),
        format!("#{ALICE} a comment"),
        format!("a b {ALICE} no options"),
    ] {
        assert_eq!(comment_of(line.as_bytes(), ALICE_PRINT), None, "{line}");
    }
    let hostile = format!("{ALICE} \u{1b}[2Ja\u{202e}b\0{}", "x".repeat(500));
    let shown = comment_of(hostile.as_bytes(), ALICE_PRINT).unwrap();
    assert!(!shown.contains(['\u{1b}', '\u{202e}', '\0']) && shown.len() <= KEY_COMMENT_MAX);
    let long = format!("{ALICE} {}", "x".repeat(AUTHORIZED_KEYS_LINE_MAX));
    assert_eq!(comment_of(long.as_bytes(), ALICE_PRINT), None);
}

proptest! {
    #[test]
    fn text_of_any_kind_is_read(file in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = comment_of(&file, ALICE_PRINT);
    }

    #[test]
    fn lines_that_are_nearly_keys_are_read(
        before in "[ a-z=\\\\\",]{0,40}", cut in 0usize..80, after in "[ -~]{0,20}"
    ) {
        let key = &ALICE[..cut.min(ALICE.len())];
        let _ = comment_of(format!("{before}{key}{after}").as_bytes(), ALICE_PRINT);
    }
}

fn record(user: &str, key: &str) -> Record {
    let login = Login {
        user: Some(user.as_bytes().to_vec()),
        by: None,
        address: None,
        subject: None,
        service: "sshd".to_owned(),
        method: None,
        key: Some(key.as_bytes().to_vec()),
        terminal: None,
        told_by: ToldBy::Log,
        earlier: Earlier::default(),
        failures: 0,
        evidence: Vec::new(),
    };
    Record { seq: Seq(1), time: Stamp(0), event: Event::Entered(Box::new(login)) }
}

fn deliver() -> Deliver {
    Deliver {
        id: "1".to_owned(),
        subscription: "me".to_owned(),
        topic: "default".to_owned(),
        items: vec![Seq(1)],
        more: 0,
        reason: monban_notify::Reason::First,
        severity: Severity::Notice,
        theme: Theme::Login,
        standing: Standing::Once,
        thread: "login:alice".to_owned(),
        attempt: 1,
        made: Stamp(0),
        since: Stamp(0),
        service: None,
    }
}

#[test]
fn a_message_waits_for_the_files_and_no_longer_than_a_moment() {
    let mut keys = Keys::default();
    let told = record("alice", &format!("ED25519 SHA256:{ALICE_PRINT}"));
    keys.ask(login_of(&told).unwrap());
    assert_eq!(keys.questions(), [("alice".to_owned(), None)]);
    let records = [told];
    assert!(keys.hold(deliver(), &records).is_none());
    assert!(keys.due().is_empty() && keys.wake_at().is_some());
    let (here, there) = rustix::pipe::pipe().unwrap();
    rustix::fs::fcntl_setfl(&here, rustix::fs::OFlags::NONBLOCK).unwrap();
    keys.come("alice", Some(here));
    keys.read();
    assert!(keys.due().is_empty());
    rustix::io::write(&there, format!("{ALICE} alice@laptop\n").as_bytes()).unwrap();
    drop(there);
    keys.read();
    assert_eq!(keys.due().len(), 1);
    let key = format!("ED25519 SHA256:{ALICE_PRINT}").into_bytes();
    assert_eq!(keys.comments(&records), [(key, "alice@laptop".to_owned())].into());
    // It is known now, and of another nothing comes.
    keys.ask(login_of(&records[0]).unwrap());
    let other = [record("bob", "ED25519 SHA256:x")];
    keys.ask(login_of(&other[0]).unwrap());
    assert_eq!(keys.questions(), [("bob".to_owned(), None)]);
    assert!(keys.hold(deliver(), &records).is_some());
    assert!(keys.hold(deliver(), &other).is_none());
    std::thread::sleep(PATIENCE);
    assert_eq!(keys.due().len(), 1);
    keys.come("bob", None);
    assert!(keys.hold(deliver(), &other).is_some());
    // A log that names no key asks for nothing.
    keys.ask(login_of(&record("carol", "RSA")).unwrap());
    assert!(keys.questions().is_empty());
}

#[test]
fn a_flood_of_keys_takes_bounded_memory() {
    let mut keys = Keys::default();
    for number in 0..10 * KEPT {
        let told = record(&format!("u{number}"), "ED25519 SHA256:x");
        keys.ask(login_of(&told).unwrap());
    }
    assert!(keys.asked.len() <= KEPT && keys.open.len() <= OPEN_MAX);
}

//! Whatever stands in the files, reading them ends and never panics.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use monban_fail2ban::config::{
    Configuration, Formula, Ini, Place, Reading, Reference, Span, split_references,
};
use proptest::prelude::*;

/// Text out of the pieces that mean something.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("[".to_owned()),
        Just("]".to_owned()),
        Just("\n".to_owned()),
        Just("\n  ".to_owned()),
        Just(" = ".to_owned()),
        Just("%(".to_owned()),
        Just(")s".to_owned()),
        Just("%%".to_owned()),
        Just("<".to_owned()),
        Just(">".to_owned()),
        Just("/".to_owned()),
        Just(" ; #".to_owned()),
        Just("\"".to_owned()),
        Just(",".to_owned()),
        Just("[j]\nenabled = 1\nfilter = f\n".to_owned()),
        Just("[Definition]\nfailregex = ".to_owned()),
        Just("[INCLUDES]\nbefore = jail.conf\n".to_owned()),
        Just("known/".to_owned()),
        Just("\u{feff}\u{3000}\u{201c}\r".to_owned()),
        "[a-f]{1,2}",
        "\\PC{1,3}",
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn read(folder: &Path) -> Configuration {
    Configuration::read(folder, &Reading { all: true, ..Reading::default() })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_file_is_read(text in pieces()) {
        let ini = Ini::parse("f", &text);
        for section in &ini.sections {
            for (_, value) in section.options.iter() {
                let lines = value.as_str().matches('\n').count() + 1;
                prop_assert_eq!(value.lines().count(), lines);
            }
        }
    }

    #[test]
    fn any_reference_is_read(text in pieces()) {
        let _ = Reference::parse(&text, &Place::default());
        let mut before = 0;
        for (at, one) in split_references(&text) {
            prop_assert!(at >= before && !one.is_empty());
            before = at + one.len();
        }
    }

    #[test]
    fn any_expression_is_read(text in "[0-9a-z*+/%<>().,= -]{0,40}", free in "\\PC{0,40}") {
        for text in [text, free] {
            let _ = Span::parse(&text);
            if let Ok(formula) = Formula::parse(&text) {
                prop_assert!(formula.eval(600.0, 3, 1.0) >= 600.0);
            }
        }
    }

    #[test]
    fn any_configuration_is_read(jail in pieces(), filter in pieces(), action in pieces()) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("filter.d")).expect("made");
        fs::create_dir(path("action.d")).expect("made");
        let jail = format!("[j]\nenabled = 1\nfilter = f\naction = a[x=1]\n[DEFAULT]\n{jail}");
        fs::write(path("jail.conf"), jail).expect("written");
        fs::write(path("filter.d/f.conf"), filter).expect("written");
        fs::write(path("action.d/a.conf"), action).expect("written");
        let _ = read(folder.path()).commands();
    }
}

#[test]
fn exploding_configurations_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("filter.d")).expect("made");
    // 2^20 files, values of 200^9 characters, tags of 9^24 characters, a list that never closes.
    for number in 0..20 {
        let next = format!("x{}.conf", number + 1);
        let text = format!("[INCLUDES]\nbefore = {next}\n  {next}\n");
        fs::write(path(&format!("x{number}.conf")), text).expect("written");
    }
    fs::write(path("x20.conf"), "[DEFAULT]\nq=1\n").expect("written");
    let level = |n: usize| format!("k{n} = {}\n", format!("%(k{})s", n + 1).repeat(200));
    let values: String = (0..9).map(level).collect();
    let tags: String =
        (0..24).map(|n| format!("t{n} = {}\n", format!("<t{}>", n + 1).repeat(9))).collect();
    let filter = format!("[Definition]\nfailregex = <t0>\n{tags}t24 = xx\n");
    fs::write(path("filter.d/f.conf"), filter).expect("written");
    let open = format!("a[{}", "b=\"c\",d='e' ".repeat(8000));
    let jail = format!(
        "[INCLUDES]\nbefore = x0.conf\n[DEFAULT]\n{values}k9 =\nfilter = f\nenabled = 1\n\
         [a]\nfindtime = %(k0)s\n[b]\n[c]\nfilter = {open}\n[d]\naction = {open}\nfailregex = x\nfilter =\n"
    );
    fs::write(path("jail.conf"), jail).expect("written");
    let begun = Instant::now();
    let found = read(folder.path());
    let kinds: Vec<&str> = found.complaints.list().iter().map(|found| found.kind).collect();
    for kind in ["too-many-includes", "value-too-long", "bad-reference"] {
        assert!(kinds.contains(&kind), "{kind} is not among {kinds:?}");
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("jail.conf")).expect("made");
    fs::write(folder.path().join("jail.local"), b"[a]\nx = \xff\n").expect("written");
    let found = read(folder.path());
    let list = found.complaints.list();
    assert!(list.iter().any(|found| found.kind == "unreadable"));
    let bad = list.iter().find(|found| found.kind == "not-utf8").expect("found");
    assert_eq!((bad.place.line, bad.column), (2, 5));
    let none = read(&folder.path().join("none"));
    assert_eq!(none.complaints.list().first().map(|found| found.kind), Some("no-folder"));
}

/// Found by chance: the space behind each place was gone through again at each place.
#[test]
fn much_space_in_a_value_takes_little_time() {
    let space = " ".repeat(300_000);
    let started = Instant::now();
    let text = format!("[a]\nenabled = yes\nfilter = c{space}x[mode=a]\nbackend = a{space}b\n");
    let ini = Ini::parse("f", &text);
    assert_eq!(ini.sections.len(), 1);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

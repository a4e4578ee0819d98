//! Any words, and what strangers put into ids.

use std::fs;

use monban_fail2ban::client::{Server, Value, answer, beautify, dispatch, question, reply};
use monban_fail2ban::config::{Configuration, Reading};
use monban_fail2ban::filter::Id;
use proptest::prelude::*;

use super::double::Double;
use super::lines;
use super::oracle::write_folder;

fn server() -> Double {
    let folder = tempfile::tempdir().unwrap();
    write_folder(folder.path(), lines::JAILS);
    let server = Double::of(&Configuration::read(folder.path(), &Reading::default()));
    fs::remove_dir_all(folder.path()).unwrap();
    server
}

/// Words that mean something, and others.
fn any_word() -> impl Strategy<Value = String> {
    let known: Vec<String> = lines::LINES.split_whitespace().map(str::to_owned).collect();
    prop_oneof![
        6 => proptest::sample::select(known),
        1 => ".{0,12}",
        1 => "-?[0-9]{1,25}",
        1 => Just("web".to_owned()),
        1 => Just("set".to_owned()),
        1 => Just("get".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn any_words_have_an_answer(
        commands in proptest::collection::vec(proptest::collection::vec(any_word(), 0..7), 1..120)
    ) {
        let mut server = server();
        for words in commands {
            let result = reply(&answer(&question(&words), &mut server)).unwrap();
            let _ = match result {
                Ok(value) => beautify(&words, &value),
                Err(error) => error.shown(),
            };
        }
    }

    #[test]
    fn any_bytes_have_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        prop_assert!(reply(&answer(&bytes, &mut Double::default())).is_some());
        let _ = reply(&bytes);
    }

    #[test]
    fn any_value_is_shown(words in proptest::collection::vec(any_word(), 0..5),
                          number in any::<i64>(), text in ".{0,20}") {
        let text = Value::text(text);
        let pair = Value::Tuple(vec![text.clone(), Value::Int(number)]);
        let table = Value::Dict(vec![("a".to_owned(), pair.clone())]);
        for value in [
            Value::None,
            text.clone(),
            Value::List(vec![]),
            Value::List(vec![pair.clone(), table.clone()]),
            Value::Tuple(vec![text, pair]),
            table,
        ] {
            let _ = beautify(&words, &value);
        }
    }
}

#[test]
fn an_id_of_a_stranger_is_one_line_in_the_status() {
    let mut server = server();
    let id = Id::Text("x\n`- Status\u{1b}[2J\u{202e}".to_owned());
    server.ban("web", &[id]).unwrap();
    let words = ["status", "web"].map(str::to_owned);
    let told = beautify(&words, &dispatch(&words, &mut server).unwrap());
    let line = "   `- Banned IP list:\tx\\x0a`- Status\\x1b[2J\\u202e";
    assert_eq!(told.lines().last(), Some(line));
}

#[test]
fn all_jails_are_shown_as_by_newer_versions() {
    let mut server = server();
    server.ban("web", &[Id::of_text("192.0.2.1")]).unwrap();
    for jail in ["mail", "journal"] {
        server.stop_jail(jail).unwrap();
    }
    let words = ["status", "--all", "short"].map(str::to_owned);
    let told = beautify(&words, &dispatch(&words, &mut server).unwrap());
    let told: Vec<&str> = told.lines().filter(|line| !line.contains("File list")).collect();
    let expected = "\
Status
|- Number of jail:\t2
|- Jail list:\tBare, web
`- Status for the jails:
   |- Jail: Bare
   |  |- Filter
   |  |  |- Currently failed:\t0
   |  |  |- Total failed:\t0
   |  `- Actions
   |     |- Currently banned:\t0
   |     `- Total banned:\t0
   `- Jail: web
      |- Filter
      |  |- Currently failed:\t0
      |  |- Total failed:\t0
      `- Actions
         |- Currently banned:\t1
         `- Total banned:\t1";
    assert_eq!(told.join("\n"), expected);
    server.stop_jail("web").unwrap();
    server.stop_jail("Bare").unwrap();
    let words = ["stats".to_owned()];
    assert_eq!(beautify(&words, &dispatch(&words, &mut server).unwrap()), "No jails found.");
}

#[test]
fn a_hundred_thousand_bans_are_told_in_time() {
    let mut server = server();
    let ids: Vec<Id> = (0..100_000u32)
        .map(|number| Id::of_text(&std::net::Ipv4Addr::from(0x0a00_0000 + number).to_string()))
        .collect();
    server.fill("web", &ids);
    let words = ["status", "web"].map(str::to_owned);
    let started = std::time::Instant::now();
    let bytes = answer(&question(&words), &mut server);
    let told = beautify(&words, &reply(&bytes).unwrap().unwrap());
    println!("{} bytes on the way, {:?}", bytes.len(), started.elapsed());
    assert_eq!(told.split('\t').next_back().unwrap().split(' ').count(), ids.len());
    server.fill("web", &[Id::Text("x".repeat(17 << 20))]);
    let refused = reply(&answer(&question(&words), &mut server)).unwrap().unwrap_err();
    assert_eq!(refused.shown(), "the answer is too long");
}

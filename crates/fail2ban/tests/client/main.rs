//! `fail2ban-client`: the same command lines to the installed fail2ban and to ours.
#![allow(clippy::unwrap_used, clippy::panic, reason = "all of it is test code")]

mod double;
mod hostile;
mod lines;
mod log;
mod oracle;
#[path = "../python/mod.rs"]
mod python;

use monban_fail2ban::client::{answer, beautify, question, reply, split_words};
use monban_fail2ban::config::{Configuration, Reading, Version};

use double::Double;
use oracle::{Oracle, Told, write_folder};

/// What our server and client make of it.
fn ours(words: &[String], server: &mut Double) -> Told {
    let result = reply(&answer(&question(words), server)).expect("an answer");
    match result {
        Ok(value) => Told { code: 0, out: beautify(words, &value) + "\n", err: String::new() },
        Err(error) => Told { code: 255, out: error.shown() + "\n", err: error.logged() + "\n" },
    }
}

/// Without what is of the moment: dates, and the head of each line of the log.
fn comparable(told: &Told) -> Told {
    let digits =
        |text: &str| text.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    let masked = |line: &str| -> String {
        let mut out: Vec<String> = line.split(' ').map(str::to_owned).collect();
        for word in &mut out {
            let shape: String = digits(word);
            if shape.trim_start_matches('\t') == "9999-99-99" || shape.starts_with("99:99:99") {
                *word = shape;
            }
        }
        out.join(" ")
    };
    let message = |line: &str| match line.split_once("ERROR   ") {
        Some((_, message)) => message.to_owned(),
        None => line.to_owned(),
    };
    // 1.0.2 has another form of IPv6 addresses than 1.1, which is ours.
    let newer = told.out.replace("?|::){1,7}", "?|:){1,7}");
    let mut out: Vec<String> = newer.lines().map(masked).collect();
    if newer.starts_with("These IP addresses") {
        // Single addresses are a set there, in the order of its hashes.
        out = out.iter().map(|line| line.replace("`-", "|-")).collect();
        out.sort();
    }
    let err: Vec<String> = told.err.lines().map(message).collect();
    Told { code: told.code, out: out.join("\n"), err: err.join("\n") }
}

#[test]
fn the_same_words_give_the_same_texts_and_exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    write_folder(folder.path(), lines::JAILS);
    let Some(mut oracle) = Oracle::start(folder.path(), "web") else { return };
    let reading = Reading { version: Version::V1_0, ..Reading::default() };
    let configuration = Configuration::read(folder.path(), &reading);
    let mut server = Double::of(&configuration);
    let (mut count, mut different) = (0, Vec::new());
    for line in lines::LINES.lines().filter(|line| !line.is_empty()) {
        if line == "# wait" {
            oracle.wait(1.2);
        }
        if line.starts_with('#') {
            continue;
        }
        let line = line.replace("FOLDER", &folder.path().display().to_string());
        let words = split_words(&line).expect("words");
        let theirs = comparable(&oracle.ask(&words));
        let ours = comparable(&ours(&words, &mut server));
        count += 1;
        if theirs != ours {
            different.push(format!("{line}\n  theirs {theirs:?}\n  ours   {ours:?}"));
        }
    }
    println!("{count} commands, {} different", different.len());
    assert!(different.is_empty(), "{}", different.join("\n"));
}

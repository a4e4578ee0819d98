//! An operator's own texts, through the binary: printed, checked, in messages, over a reload.
#![allow(clippy::unwrap_used, reason = "all of it is test code")]

mod running;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use running::Running;
use serde_json::Value;

fn monban(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_monban"));
    command.args(arguments).arg("--state").arg(folder.join("state"));
    command.arg("--config").arg(folder.join("monban.toml")).output().unwrap()
}

fn said(ran: &Output) -> String {
    String::from_utf8_lossy(&[&*ran.stdout, &*ran.stderr].concat()).into_owned()
}

#[test]
fn texts_are_printed_as_a_file_that_is_taken_and_marked() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("texts")).unwrap();
    fs::write(folder.join("monban.toml"), "").unwrap();
    for lang in ["en", "ja"] {
        let file = folder.join(format!("texts/{lang}.toml"));
        let printed = monban(folder, &["notify", "texts", "--lang", lang]).stdout;
        fs::write(&file, &printed).unwrap();
        let check = monban(folder, &["config", "check", "--lang", lang]);
        assert!(check.status.success(), "{}", said(&check));
        assert_eq!(monban(folder, &["notify", "texts", "--lang", lang]).stdout, printed);

        fs::write(&file, "letter-login = \"{user}!\"").unwrap();
        let json = monban(folder, &["notify", "texts", "letter-log*", "--lang", lang, "--json"]);
        let json: Value = serde_json::from_slice(&json.stdout).unwrap();
        let texts = json["texts"].as_array().unwrap();
        assert!(texts.iter().all(|text| text["key"].as_str().unwrap().starts_with("letter-log")));
        let own: Vec<&Value> = texts.iter().filter(|text| text["own"] == true).collect();
        assert_eq!((own.len(), own[0]["text"].as_str()), (1, Some("{user}!")));

        fs::write(&file, "letter-login = \"{usr}\"\nletter-lgin = \"\"\n").unwrap();
        let check = monban(folder, &["config", "check", "--lang", lang]);
        assert_eq!(check.status.code(), Some(2));
        let check = said(&check);
        for wanted in ["toml:1:16", "{user}", "toml:2:1", "`letter-login`"] {
            assert!(check.contains(wanted), "{wanted}: {check}");
        }
        assert_eq!(monban(folder, &["notify", "texts"]).status.code(), Some(1));
        fs::remove_file(&file).unwrap();
    }
    let none = monban(folder, &["notify", "texts", "nope*", "--lang", "en"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(said(&none).contains("no text of a message has a key that fits nope*"));
}

/// Programs run as root only, and a namespace is for root.
fn is_root_with_namespaces() -> bool {
    let inside = ["-n", "ip", "link", "set", "lo", "up"];
    let made = Command::new("unshare").args(inside).stderr(Stdio::null()).status();
    let may = made.is_ok_and(|status| status.success()) && rustix::process::geteuid().is_root();
    if !may {
        println!("left out: no right to make a namespace, no ip, or not root");
    }
    may
}

fn started(folder: &Path) -> Running {
    let mut command = Command::new("unshare");
    let inside = "ip link set lo up; exec \"$0\" \"$@\"";
    command.args(["-n", "sh", "-c", inside, env!("CARGO_BIN_EXE_monban"), "run", "--observe"]);
    command
        .arg("--state")
        .arg(folder.join("state"))
        .arg("--config")
        .arg(folder.join("monban.toml"));
    command.arg("--log").arg(folder.join("auth.log"));
    let running = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    wait(|| monban(folder, &["status"]).status.success().then_some(()));
    running
}

fn wait<T>(mut until: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = until() {
            return found;
        }
        assert!(Instant::now() < end, "nothing came");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The subject of the next test message.
fn subject(folder: &Path) -> String {
    let file = folder.join("told");
    let _ = fs::remove_file(&file);
    monban(folder, &["notify", "test"]);
    let letter = wait(|| serde_json::from_slice::<Value>(&fs::read(&file).ok()?).ok());
    letter["subject"].as_str().unwrap().to_owned()
}

#[test]
fn messages_have_the_texts_of_the_last_good_file() {
    if !is_root_with_namespaces() {
        return;
    }
    // A program in a folder that others may write is refused.
    let folder = tempfile::tempdir_in("/root").unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("texts")).unwrap();
    fs::write(folder.join("auth.log"), "").unwrap();
    let (tell, told) = (folder.join("tell"), folder.join("told"));
    let told = told.display();
    fs::write(&tell, format!("#!/bin/sh\ncat > {told}.new && mv {told}.new {told}\n")).unwrap();
    fs::set_permissions(&tell, fs::Permissions::from_mode(0o755)).unwrap();
    let config = format!("[[subscription]]\nname = \"c\"\nlang = \"ja\"\ncommand = [{tell:?}]\n");
    fs::write(folder.join("monban.toml"), config).unwrap();
    let file = folder.join("texts/ja.toml");
    fs::write(&file, "letter-test = \"<b>試し</b> {topic}\"").unwrap();

    let _running = started(folder);
    assert!(subject(folder).ends_with("] <b>試し</b> default"));
    fs::write(&file, "letter-test = \"{tpic}\"").unwrap();
    let refused = monban(folder, &["reload", "--lang", "en"]);
    assert!(!refused.status.success());
    assert!(said(&refused).contains("did you mean `{topic}`?"), "{}", said(&refused));
    assert!(subject(folder).ends_with("] <b>試し</b> default"));
    fs::remove_file(&file).unwrap();
    assert!(monban(folder, &["reload"]).status.success());
    let shipped = subject(folder);
    assert!(shipped.contains("default") && !shipped.contains("<b>"), "{shipped}");
}

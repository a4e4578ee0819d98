//! What a start does with a folder of jails: milliseconds of each part, the best of so many rounds:
//! `cargo bench -p monban-jails --bench start -- FOLDER ROUNDS [PART]`, where a part is `disk`,
//! `held`, `plan` or `reach`. Without words it measures `/etc/fail2ban`, if that is there.

use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::tz::TimeZone;
use monban_fail2ban::action::reach;
use monban_fail2ban::config::{Configuration, Files, Reading};
use monban_fail2ban::dates::Zone;
use monban_jails::{Jails, Setup};
use monban_model::Stamp;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let folder = words.first().map_or("/etc/fail2ban", String::as_str);
    let folder = Path::new(folder);
    if !folder.is_dir() {
        println!("left out: there is no {}", folder.display());
        return;
    }
    let rounds = words.get(1).and_then(|word| word.parse().ok()).unwrap_or(20);
    let part = words.get(2).map(String::as_str);
    let is_wanted = |name: &str| part.is_none_or(|part| part == name);
    let reading = Reading::default();
    let read = |files: Files| Configuration::read_within(folder, files, &reading);
    let (configuration, files) = read(Files::of_disk());
    println!("{} jails", configuration.jails.len());
    if is_wanted("disk") {
        measure("disk", rounds, || drop(read(Files::of_disk())));
    }
    if is_wanted("held") {
        measure("held", rounds, || {
            let texts = files.texts();
            let texts = texts.map(|(path, text)| (PathBuf::from(path), text.to_owned()));
            drop(read(Files::held(texts)));
        });
    }
    if is_wanted("reach") {
        measure("reach", rounds, || {
            configuration
                .jails
                .iter()
                .flat_map(|jail| &jail.actions)
                .for_each(|spec| drop(reach(spec)))
        });
    }
    if is_wanted("plan") {
        measure("plan", rounds, || {
            let mut jails = Jails::new(Zone::utc(), TimeZone::UTC, 1, 1);
            let file = |_: &str| None;
            let now = Stamp(1_765_350_000_000);
            let setup = Setup { configuration: &configuration, file: &file, guards: true, now };
            match jails.plan(&setup) {
                Ok(plan) => jails.set_up(plan),
                Err(lacks) => println!("{} jails cannot be", lacks.len()),
            }
        });
    }
}

fn measure(name: &str, rounds: usize, mut work: impl FnMut()) {
    let took = (0..rounds).map(|_| {
        let begun = Instant::now();
        work();
        begun.elapsed()
    });
    println!("{name}: {:.1} ms", took.min().unwrap_or_default().as_secs_f64() * 1e3);
}

//! Somebody looks for holes in the web server.

use std::time::Duration;

use crate::checks::config;
use crate::guard::Guard;
use crate::kernel::{elements, wait_blocked};
use crate::machine::World;
use crate::runner::Setting;
use crate::trouble::{Tried, must};
use crate::web;

const SCANNER: &str = "198.51.100.50";
const GUESSER: &str = "198.51.100.51";
const VISITOR: &str = "203.0.113.50";

/// What scanners ask for everywhere.
const HOLES: &[&str] = &[
    "/.env",
    "/.git/config",
    "/wp-login.php",
    "/phpmyadmin/index.php",
    "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
    "/cgi-bin/luci/;stok=/locale",
    "/.aws/credentials",
    "/boaform/admin/formLogin",
    "/wp-content/plugins/x/shell.php",
    "/config.php.bak",
];

/// At nginx.
pub fn nginx(setting: &Setting) -> Tried<String> {
    let world = World::new()?;
    web::start(&world)?;
    attacks(setting, &world, "nginx")
}

/// At apache.
pub fn apache(setting: &Setting) -> Tried<String> {
    let world = World::new()?;
    web::start_apache(&world)?;
    attacks(setting, &world, "apache2")
}

/// A scanner asks for holes and somebody guesses a password; a visitor reads a page with a broken
/// picture and no icon, and mistypes his password twice.
fn attacks(setting: &Setting, world: &World, folder: &str) -> Tried<String> {
    let logs = [format!("{folder}/access.log"), format!("{folder}/error.log")];
    let plan = setting.plan(&world.server, &config("10m"), &[&logs[0], &logs[1]]);
    let guard = Guard::start(&world.server, plan)?;
    for _ in 0..4 {
        for (path, status) in [("/", 200), ("/picture.jpg", 404), ("/favicon.ico", 404)] {
            let got = world.attacker.get(VISITOR, path)?;
            must(got == Some(status), || format!("the visitor's GET {path}: {got:?}"))?;
        }
    }
    for (login, status) in [(web::WRONG, 401), (web::WRONG, 401), (web::RIGHT, 200)] {
        let got = world.attacker.get_with(VISITOR, "/private/", login)?;
        must(got == Some(status), || format!("the visitor's login: {got:?}"))?;
    }
    let scanned = until_silent(world, SCANNER, HOLES.iter().map(|path| (*path, "")))?;
    let guessed = until_silent(world, GUESSER, [("/private/", web::WRONG); 12])?;
    let why = guard.monban(&["why", GUESSER])?.out;
    must(guessed >= 5, || format!("blocked after {guessed} wrong passwords: {why}"))?;
    for from in [SCANNER, GUESSER] {
        guard.why_names(
            from,
            &logs.each_ref().map(|log| world.server.log_text(log)).concat(),
            5,
        )?;
    }
    let blocked = elements(&world.server)?;
    must(blocked.len() == 2, || format!("blocked are {blocked:?}"))?;
    let got = world.attacker.get(VISITOR, "/")?;
    must(got == Some(200), || format!("the visitor's last GET: {got:?}"))?;
    Ok(format!(
        "answers until silence: scanner {scanned}, guesser {guessed}; the visitor with 8 times \
         404 and 2 mistypes is not blocked"
    ))
}

/// Asks until there is no answer; how many there were.
fn until_silent<'a>(
    world: &World,
    from: &str,
    asked: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Tried<usize> {
    let mut answers = 0;
    for (path, headers) in asked {
        if world.attacker.get_with(from, path, headers)?.is_none() {
            wait_blocked(&world.server, from, Duration::from_secs(5))?;
            return Ok(answers);
        }
        answers += 1;
    }
    // It was faster than monban.
    wait_blocked(&world.server, from, Duration::from_secs(5))?;
    let silent = world.attacker.get(from, "/")?;
    must(silent.is_none(), || format!("{from} is blocked and got an answer: {silent:?}"))?;
    Ok(answers)
}

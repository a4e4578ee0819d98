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

/// A scanner asks for holes; a visitor reads a page with a broken picture and no icon.
pub fn scanner(setting: &Setting) -> Tried<String> {
    let world = World::new()?;
    web::start(&world)?;
    let logs = ["nginx/access.log", "nginx/error.log"];
    let plan = setting.plan(&world.server, &config("10m"), &logs);
    let _guard = Guard::start(&world.server, plan)?;
    for _ in 0..4 {
        for (path, status) in [("/", 200), ("/picture.jpg", 404), ("/favicon.ico", 404)] {
            let got = world.attacker.get(VISITOR, path)?;
            must(got == Some(status), || format!("the visitor's GET {path}: {got:?}"))?;
        }
    }
    let mut asked = 0;
    for path in HOLES {
        if world.attacker.get(SCANNER, path)?.is_none() {
            break;
        }
        asked += 1;
    }
    wait_blocked(&world.server, SCANNER, Duration::from_secs(5))?;
    let blocked = elements(&world.server)?;
    must(blocked.len() == 1, || format!("blocked are {blocked:?}"))?;
    let got = world.attacker.get(VISITOR, "/")?;
    must(got == Some(200), || format!("the visitor's last GET: {got:?}"))?;
    let silent = world.attacker.get(SCANNER, "/")?;
    must(silent.is_none(), || format!("the scanner's last GET: {silent:?}"))?;
    Ok(format!("the scanner got {asked} answers; the visitor with 8 times 404 is not blocked"))
}

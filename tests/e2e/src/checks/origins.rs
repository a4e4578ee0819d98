//! Somebody is answered because of where he is: `[[origin]]`, by a database that the check makes.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::attacker::Knock;
use crate::checks::ssh;
use crate::guard::Guard;
use crate::kernel::{elements, subject, wait_blocked};
use crate::lines::{Log, failed_password};
use crate::machine::{Machine, World};
use crate::mmdb::Value::{Map, Number, Text};
use crate::mmdb::{country, database};
use crate::runner::Setting;
use crate::sshd;
use crate::trouble::{Tried, must};
use crate::waiting::until_true;

/// In the country that is shut out.
const UNWANTED: &str = "198.51.100.20";
const UNWANTED_SIX: &str = "2001:db8:a:5::20";
const EARLY: &str = "198.51.100.21";
const LISTED: &str = "198.51.100.99";
/// In the network there that is allowed.
const SPARED: &str = "203.0.113.5";
/// In the country that is told of, and in none of those.
const TOLD: &str = "203.0.113.150";
const OTHER: &str = "203.0.113.200";
/// Administrators in the country that is shut out; one logs in while no table is in force.
const ADMIN_FROM: &str = "198.51.100.30";
const GUEST_FROM: &str = "198.51.100.31";

/// How long a moment is in which nothing is to happen: longer than a login from there waits until
/// it is known whose it is.
const MOMENT: Duration = Duration::from_secs(9);

const TABLES: &str = r#"
[policy.default]
block = "10m"

[[origin]]
as = ["AS64496"]
then = "allow"

[[origin]]
countries = ["CN"]
then = "block"
logins = "block"
block = "1h"

[[origin]]
countries = ["RU"]
then = "alarm"
"#;

/// Without a database nobody is blocked, and that is said. With one, an address of a country that
/// is shut out is blocked at its first failure; one of the allowed network never is; of another it
/// is told. Whoever is logged in as an administrator stays, and so does whom the allow list has.
pub fn by_country_and_network(setting: &Setting) -> Tried<String> {
    let world = ssh::server()?;
    let server = &world.server;
    let mut made = Log::open(&server.log("made.log"))?;
    let plan = setting.plan(server, TABLES, &["auth.log", "made.log"]);
    let guard = Guard::start(server, plan)?;
    without_a_database(&guard, server, &mut made)?;
    let file = server.folder().join("places.mmdb");
    fs::write(&file, places())?;
    let path = file.display().to_string();
    guard.monban(&["geo", "install", &path])?.good()?;
    guard.monban(&["reload"])?.good()?;
    let trouble = guard.json(&["status"])?["origins_trouble"].clone();
    must(trouble == Value::Null, || format!("still without effect: {trouble}"))?;
    let took_ms = first_failure_blocks(&world, &guard)?;
    allowed_is_never_blocked(&guard, &mut made)?;
    others_are_counted_or_told(&guard, server, &mut made)?;
    administrators_stay(&world, &guard)?;
    Ok(format!(
        "no database: said, nobody blocked; the first wrong password from CN: blocked {took_ms} \
         ms after its client started, also over IPv6; 20 of an allowed AS there: never; RU: told; \
         an administrator and the allow list there: never"
    ))
}

fn places() -> Vec<u8> {
    let spared = Map(vec![("country_code", Text("CN")), ("asn", Number(64_496))]);
    database(
        "test",
        &[
            ("198.51.100.0/24", country("CN")),
            ("2001:db8:a::/48", country("CN")),
            ("203.0.113.0/25", spared),
            ("203.0.113.128/26", country("RU")),
            ("203.0.113.192/26", country("JP")),
        ],
    )
}

fn without_a_database(guard: &Guard<'_>, server: &Machine, made: &mut Log) -> Tried<()> {
    let said = "[[origin]] is without effect: there is no database of places";
    guard.wait_said(said, Duration::from_secs(5))?;
    until_true("status knows it", Duration::from_secs(5), || {
        Ok(guard.json(&["status"])?["origins_trouble"] == "origin-no-database")
    })?;
    let status = guard.monban(&["status"])?;
    must(status.out.contains(said), || format!("status does not say it: {status:?}"))?;
    made.write(&failed_password(100, EARLY))?;
    guard.wait_counted(EARLY, 1)?;
    let blocked = elements(server)?;
    must(blocked.is_empty(), || format!("blocked without a database: {blocked:?}"))
}

/// From both families. Gives how long it took.
fn first_failure_blocks(world: &World, guard: &Guard<'_>) -> Tried<u128> {
    let mut took = Duration::ZERO;
    for from in [UNWANTED, UNWANTED_SIX] {
        let mut client = world.attacker.ssh_command(from, "root", "wrong", "true")?;
        let mut client = client.stderr(Stdio::null()).spawn()?;
        took = took.max(wait_blocked(&world.server, from, Duration::from_secs(20))?);
        client.kill()?;
        client.wait()?;
        let knock = world.attacker.knock(from, 22)?;
        must(knock == Knock::NoAnswer, || format!("the 2nd connection of {from}: {knock:?}"))?;
        let why = guard.monban(&["why", from])?;
        let rule = "from CN by [[origin]] 2 at ";
        must(why.out.contains(rule), || format!("why {from}: {why:?}"))?;
        guard.why_names(from, &world.server.log_text("auth.log"), 1)?;
    }
    let rules = world.server.shell("nft list table inet monban")?;
    must(rules.contains("expires 59m"), || format!("not as long as the table says: {rules}"))?;
    let bans = guard.monban(&["bans"])?;
    must(bans.out.contains("from CN by [[origin]] 2"), || format!("bans: {bans:?}"))?;
    Ok(took.as_millis())
}

fn allowed_is_never_blocked(guard: &Guard<'_>, made: &mut Log) -> Tried<()> {
    guard.monban(&["allow", LISTED])?.good()?;
    for pid in 200..220 {
        made.write(&failed_password(pid, SPARED))?;
        made.write(&failed_password(pid + 100, LISTED))?;
    }
    let is_spared = |address: &str, because: &str| {
        until_true(&format!("why {address} says: {because}"), Duration::from_secs(5), || {
            let why = guard.monban(&["why", address])?;
            Ok(why.out.contains("not blocked") && why.out.contains(because))
        })
    };
    is_spared(SPARED, "from CN, AS64496 by [[origin]] 1 at ")?;
    let json = guard.json(&["why", SPARED])?;
    let told = (&json["origin"]["then"], &json["origin"]["rule"], &json["blocked"]);
    must(told == (&Value::from("allow"), &Value::from(1), &Value::from(false)), || {
        format!("why {SPARED} --json: {json}")
    })?;
    is_spared(LISTED, "198.51.100.99 is on the allow list").map(drop)
}

fn others_are_counted_or_told(guard: &Guard<'_>, server: &Machine, made: &mut Log) -> Tried<()> {
    made.write(&failed_password(400, TOLD))?;
    guard.wait_said("root was tried from RU: 203.0.113.150 (sshd)", Duration::from_secs(5))?;
    made.write(&failed_password(401, OTHER))?;
    guard.wait_counted(OTHER, 1)?;
    for spared in [TOLD, OTHER, SPARED, LISTED, EARLY] {
        let blocked = elements(server)?.contains(&subject(spared));
        must(!blocked, || format!("{spared} is blocked"))?;
    }
    Ok(())
}

/// Two administrators log in from there: one goes again at once, and is blocked, since the table
/// says so of logins; the session of the other stays, whatever fails beside it.
fn administrators_stay(world: &World, guard: &Guard<'_>) -> Tried<()> {
    let log_in = |from: &str, remote: &str| {
        world.attacker.ssh_command(from, sshd::ADMIN, sshd::PASSWORD, remote)
    };
    let mut session = log_in(ADMIN_FROM, "echo in; cat")?
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let told = format!("{} came in from CN: {ADMIN_FROM} (sshd)", sshd::ADMIN);
    guard.wait_said(&told, Duration::from_secs(20))?;
    let _ = log_in(GUEST_FROM, "true")?.stderr(Stdio::null()).status()?;
    for _ in 0..3 {
        world.attacker.ssh_wrong(ADMIN_FROM, sshd::ADMIN)?;
    }
    wait_blocked(&world.server, GUEST_FROM, Duration::from_secs(20))?;
    std::thread::sleep(MOMENT);
    let blocked = elements(&world.server)?;
    must(!blocked.contains(ADMIN_FROM), || "the administrator is locked out".to_owned())?;
    let knock = world.attacker.knock(ADMIN_FROM, 22)?;
    must(knock == Knock::Open, || format!("the administrator's knock: {knock:?}"))?;
    must(session.try_wait()?.is_none(), || "the administrator's session ended".to_owned())?;
    let why = guard.monban(&["why", ADMIN_FROM])?;
    must(why.out.contains("administrator"), || format!("why {ADMIN_FROM}: {why:?}"))?;
    drop(session.stdin.take());
    session.wait()?;
    Ok(())
}

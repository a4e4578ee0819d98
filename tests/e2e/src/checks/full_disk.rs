//! The disk of the ledger fills up.

use std::time::{Duration, SystemTime};

use crate::checks::config;
use crate::guard::Guard;
use crate::kernel::{elements, wait_blocked};
use crate::lines::{Log, failed_password, iso_time};
use crate::machine::World;
use crate::mailbox::Mail;
use crate::runner::Setting;
use crate::sink::{Manner, Sink};
use crate::trouble::{Tried, Trouble, must};
use crate::waiting::until_true;

const BEFORE: &str = "198.51.100.94";
const DURING: &str = "198.51.100.95";
const OPEN: &str = "198.51.100.96";
const OTHER: &str = "198.51.100.97";
const PORT: u16 = 2525;

/// Blocks go on from memory and people are told, and after the disk has room again the ledger has
/// all of it.
pub fn goes_on_from_memory(setting: &Setting) -> Tried<String> {
    let world = World::new()?;
    let server = &world.server;
    let mut log = Log::open(&server.log("auth.log"))?;
    let sink = Sink::start(server, PORT, Manner::Good)?;
    let config = format!(
        "{}[mail]\nfrom = \"monban@localhost\"\nserver = \"127.0.0.1:{PORT}\"\n\
         security = \"plain\"\n[[topic]]\nname = \"default\"\nthemes = [\"login\", \"notice\"]\n\
         [[subscription]]\ntopic = \"default\"\nname = \"owner\"\nmail = \"owner@localhost\"\n\
         confirm = false\nlang = \"en\"\n",
        config("10m")
    );
    let plan = setting.plan(server, &config, &["auth.log"]);
    let state = plan.state.display().to_string();
    server.shell(&format!("mkdir {state}; mount -t tmpfs -o size=4m,mode=755 tmpfs {state}"))?;
    let guard = Guard::start(server, plan.clone())?;
    let mut pids = 100..;
    let mut fail = |address: &str, count: usize| -> Tried<()> {
        pids.by_ref().take(count).try_for_each(|pid| log.write(&failed_password(pid, address)))
    };
    fail(BEFORE, 5)?;
    wait_blocked(server, BEFORE, Duration::from_secs(5))?;
    server.shell(&format!("head -c 5M /dev/zero >{state}/fill 2>/dev/null || true"))?;
    fail(OPEN, 4)?;
    fail(DURING, 5)?;
    wait_blocked(server, DURING, Duration::from_secs(5))?;
    guard.wait_said("the ledger cannot be written", Duration::from_secs(10))?;
    let time = iso_time(SystemTime::now());
    Log::open(&server.log("auth.log"))?.write(&format!(
        "{time} server sshd[4999]: Accepted publickey for intruder from {OTHER} port 40022 ssh2: \
         ED25519 SHA256:abc\n"
    ))?;
    for told in ["the ledger cannot be written", "intruder"] {
        until_true("a mail", Duration::from_secs(20), || {
            Ok(sink.mails().iter().any(|mail| mail.subject().contains(told)))
        })
        .map_err(|trouble| {
            let subjects: Vec<String> = sink.mails().iter().map(Mail::subject).collect();
            Trouble(format!("{trouble} about `{told}`: {subjects:?}"))
        })?;
    }
    for command in [&["status"][..], &["why", DURING], &["bans"]] {
        let ran = guard.monban(command)?;
        let told = format!("{}{}", ran.out, ran.err);
        must(told.contains("older than what monban knows"), || {
            format!("{command:?} says: {told}")
        })?;
    }
    let status = guard.json(&["status"])?;
    let trouble = &status["troubles"][0]["notice"];
    must(trouble == "ledger-behind", || format!("status --json: {status}"))?;
    server.shell(&format!("rm {state}/fill"))?;
    guard.wait_said("the ledger is written again", Duration::from_secs(10))?;
    guard.wait_counted(OPEN, 4)?;
    guard.why_names(DURING, &server.log_text("auth.log"), 5)?;
    let status = guard.json(&["status"])?;
    must(status["troubles"] == serde_json::json!([]), || format!("afterwards: {status}"))?;
    guard.stop()?;
    let guard = Guard::start(server, plan)?;
    guard.wait_counted(OPEN, 4)?;
    fail(OPEN, 1)?;
    wait_blocked(server, OPEN, Duration::from_secs(5))?;
    let blocked = elements(server)?;
    must(blocked.len() == 3, || format!("blocked are {blocked:?}"))?;
    Ok("blocked on a full disk, said so, also by mail, as of a login then; with room again the \
        ledger has 5 lines of the block and 4 open failures, also after a restart"
        .to_owned())
}

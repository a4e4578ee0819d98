//! The article's walk: a metric filter, an alarm, `ssh root@localhost`, and the mail.

use std::time::{Duration, Instant, SystemTime};

use crate::checks::ssh;
use crate::command::run_within;
use crate::guard::Guard;
use crate::kernel::{elements, wait_blocked};
use crate::machine::{Machine, World};
use crate::mailbox::Mailbox;
use crate::runner::Setting;
use crate::trouble::{Tried, Trouble, must};
use crate::waiting::until;
use crate::{mail, sshd};

/// The alarm's name, as the article has it.
const NAME: &str = "変なSSHアクセスがありましたよ。";
/// Tries without a key, in the article's minute.
const TRIES: usize = 6;
/// Somebody else who does the same.
const STRANGER: &str = "203.0.113.66";

const CONFIG: &str = r#"
[[metric]]
name = "preauth"
sources = ["sshd"]
pattern = '"[preauth]"'
default = 0
[[alarm]]
name = "変なSSHアクセスがありましたよ。"
metric = "preauth"
statistic = "Sum"
comparison = ">="
threshold = 1
period = "{period}s"
missing = "missing"
semantics = "aws"
[mail]
from = "monban@localhost"
server = "127.0.0.1:25"
security = "plain"
[[topic]]
name = "default"
themes = ["alarm"]
[[subscription]]
topic = "default"
name = "myTopic"
mail = "visitor@localhost"
confirm = false
lang = "en"
resolved = false
"#;

/// All of it, with the real sshd, rsyslogd and postfix.
pub fn walk(setting: &Setting) -> Tried<String> {
    let world = ssh::server()?;
    let server = &world.server;
    mail::start_mailboxes(server)?;
    // What the daemons said at their start would be datapoints of 0.
    server.shell(": >/var/log/auth.log")?;
    // The article's minute, or less of it.
    let period_s = setting.sized(10, 60);
    let changes = Duration::from_secs(3 * period_s + 5);
    let config = CONFIG.replace("{period}", &period_s.to_string());
    let guard = Guard::start(server, setting.plan(server, &config, &["auth.log"]))?;
    let first = state(&guard)?;
    must(first == "INSUFFICIENT_DATA", || format!("it begins as {first}"))?;

    // All tries are in one period.
    until("a period begins", Duration::from_secs(period_s + 1), || {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Ok((since.as_secs() % period_s < 3).then_some(()))
    })?;
    for _ in 0..TRIES {
        knock(&world, true)?;
    }
    let tried = Instant::now();
    let mailbox = Mailbox::of(server, sshd::VISITOR);
    let mails =
        mailbox.wait(1, changes).map_err(|trouble| format!("{trouble}; {}", guard.said()))?;
    let took_s = tried.elapsed().as_secs_f64();
    let (subject, body) = (mails[0].subject(), mails[0].body());
    let words = [
        NAME,
        "INSUFFICIENT_DATA -> ALARM",
        "Threshold Crossed: 1 out of the last 1 datapoints [6.0 (",
        "was greater than or equal to the threshold (1.0)",
        "[preauth]",
        "127.0.0.1",
    ];
    let missing = words.into_iter().find(|word| !body.contains(word));
    must(subject.contains(NAME) && missing.is_none(), || {
        format!("{missing:?} is not in: {subject}\n{body}")
    })?;
    // As in the article's mail, in its order.
    let facts = ["Name:", "State change:", "Reason:", "Time:"].map(|fact| body.find(fact));
    must(facts.iter().all(Option::is_some) && facts.is_sorted(), || format!("{facts:?}: {body}"))?;
    let is_plain = mails[0].text.split(|byte| *byte == b'\n').all(<[u8]>::is_ascii);
    must(is_plain, || "the mail is not plain ASCII on its way".to_owned())?;
    let blocked = elements(server)?;
    must(blocked.is_empty(), || format!("loopback is blocked: {blocked:?}"))?;
    let calm_s = back_to_ok(&guard, server, changes)?;
    must(mailbox.mails()?.len() == 1, || "there is a second mail".to_owned())?;

    for _ in 0..5 {
        knock(&world, false)?;
    }
    wait_blocked(server, STRANGER, Duration::from_secs(10))?;
    let reason = body.split("Threshold Crossed: ").nth(1).and_then(|rest| rest.lines().next());
    Ok(format!(
        "mail {took_s:.1} s after the last of {TRIES} tries: Threshold Crossed: {}; OK {calm_s:.0} s \
         later; loopback was not blocked, a stranger who did the same was",
        reason.unwrap_or_default()
    ))
}

/// A client without a key and without a password, by loopback or from the stranger.
fn knock(world: &World, is_local: bool) -> Tried<()> {
    let mut command = match is_local {
        true => world.server.command("ssh"),
        false => {
            let mut command = std::process::Command::new("nsenter");
            command.args(["--target", &world.attacker.pid().to_string(), "--net", "--"]);
            command.args(["ssh", "-b", STRANGER]);
            command
        }
    };
    for option in [
        "UserKnownHostsFile=/dev/null",
        "StrictHostKeyChecking=no",
        "BatchMode=yes",
        "PubkeyAuthentication=no",
        "ConnectTimeout=4",
    ] {
        command.args(["-o", option]);
    }
    let host = if is_local { "root@127.0.0.1" } else { "root@192.0.2.1" };
    let ran = run_within(command.args(["-F", "/dev/null", host, "true"]), Duration::from_secs(20))?;
    must(ran.err.contains("Permission denied"), || format!("without a key: {ran:?}"))
}

/// Lines without `[preauth]` are datapoints of 0, and the alarm ends; after how many seconds.
fn back_to_ok(guard: &Guard<'_>, server: &Machine, within: Duration) -> Tried<f64> {
    let start = Instant::now();
    let mut said = String::new();
    until("OK", within, || {
        server.shell("logger -p auth.info -t 'sshd[77]' 'Server listening on 0.0.0.0 port 22.'")?;
        std::thread::sleep(Duration::from_millis(500));
        said = state(guard)?;
        Ok((said == "OK").then_some(()))
    })
    .map_err(|trouble| format!("{trouble}: it is {said}"))?;
    Ok(start.elapsed().as_secs_f64())
}

/// The state of the alarm, as `monban alarms` has it.
fn state(guard: &Guard<'_>) -> Tried<String> {
    let told = guard.json(&["alarms"])?;
    let found = told["alarms"].as_array().into_iter().flatten();
    let alarm = found.into_iter().find(|alarm| alarm["alarm"] == NAME);
    let state = alarm.and_then(|alarm| alarm["state"].as_str());
    state.map(str::to_owned).ok_or_else(|| Trouble(format!("no such alarm: {}", told)))
}

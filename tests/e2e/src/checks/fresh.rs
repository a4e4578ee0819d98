//! The first minutes with monban.

use std::time::{Duration, Instant};

use crate::command::run_within;
use crate::machine::Machine;
use crate::runner::Setting;
use crate::trouble::{Tried, must};

/// A machine with an empty `/var/log` and no journal.
pub fn without_a_log(setting: &Setting) -> Tried<String> {
    let machine = Machine::new()?;
    let mut command = machine.command("timeout");
    command.args(["--signal=INT", "10"]).arg(&setting.binary).args(["run", "--lang", "en"]);
    command.arg("--state").arg(machine.folder().join("state"));
    let ran = run_within(&mut command, Duration::from_secs(30))?;
    let said = format!("{}{}", ran.out, ran.err);
    for word in ["/var/log/auth.log", "monban demo"] {
        must(said.contains(word), || format!("`{word}` is not in: {said}"))?;
    }
    Ok(format!("{} lines, exit {:?}", said.lines().count(), ran.code))
}

/// The demo from its start to its end.
pub fn demo(setting: &Setting) -> Tried<String> {
    let machine = Machine::new()?;
    let mut command = machine.command("timeout");
    command.arg("180").arg(&setting.binary).args(["demo", "--lang", "en"]);
    let start = Instant::now();
    let ran = run_within(&mut command, Duration::from_secs(200))?.good()?;
    let took_s = start.elapsed().as_secs_f64();
    must(took_s < 120.0, || format!("the demo took {took_s:.0} s"))?;
    for word in ["why", "free"] {
        must(ran.out.contains(word), || format!("`{word}` is not in: {}", ran.out))?;
    }
    Ok(format!("{} lines in {took_s:.0} s", ran.out.lines().count()))
}

//! The real rsyslogd, listening on the server's own `/dev/log`.

use std::fs;
use std::time::Duration;

use crate::command::run;
use crate::machine::Machine;
use crate::trouble::Tried;
use crate::waiting::until_true;

/// Debian's files for the facilities, in the format that its `rsyslog.conf` sets.
const CONF: &str = r#"
module(load="imuxsock")
module(load="builtin:omfile" template="RSYSLOG_TraditionalFileFormat")
auth,authpriv.*         /var/log/auth.log
mail.*                  -/var/log/mail.log
*.*;auth,authpriv,mail.none  -/var/log/syslog
"#;

/// Starts it on the machine.
pub fn start(machine: &Machine) -> Tried<()> {
    start_with(machine, CONF)
}

/// The same with times of a millionth of a second, as Debian's has it from version 13 on.
pub fn start_precise(machine: &Machine) -> Tried<()> {
    start_with(machine, &CONF.replace("Traditional", ""))
}

fn start_with(machine: &Machine, text: &str) -> Tried<()> {
    fs::write(machine.folder().join("rsyslog.conf"), text)?;
    let conf = machine.folder().join("rsyslog.conf");
    run(machine.command("rsyslogd").arg("-f").arg(conf).args(["-i", "/run/rsyslogd.pid"]))?;
    until_true("rsyslogd opens /dev/log", Duration::from_secs(10), || {
        Ok(machine.folder().join("dev").exists() && machine.shell("test -S /dev/log").is_ok())
    })?;
    Ok(())
}

/// Rotates a log as Debian's logrotate does it: rename, create, tell rsyslogd.
pub fn rotate(machine: &Machine, name: &str) -> Tried<()> {
    machine.shell(&format!(
        "mv /var/log/{name} /var/log/{name}.1; : >/var/log/{name}\n\
         kill -HUP $(cat /run/rsyslogd.pid)"
    ))?;
    Ok(())
}

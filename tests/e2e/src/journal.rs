//! The real systemd-journald, listening on the server's own `/dev/log`.

use std::time::Duration;

use crate::machine::Machine;
use crate::trouble::Tried;
use crate::waiting::until_true;

/// Starts it on the machine. Its journal lies below `/run`, as on a machine that keeps none.
pub fn start(machine: &Machine) -> Tried<()> {
    machine.shell(
        "[ -s /etc/machine-id ] || tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id\n\
         folder=/run/log/journal/$(cat /etc/machine-id)\n\
         mkdir -p /run/systemd/journal \"$folder\"\n\
         chgrp -R systemd-journal /run/log/journal; chmod 2755 \"$folder\"\n\
         ln -s /run/systemd/journal/dev-log /dev/log\n\
         setsid /lib/systemd/systemd-journald </dev/null >/run/journald.said 2>&1 &",
    )?;
    until_true("journald opens /dev/log", Duration::from_secs(10), || {
        Ok(machine.shell("test -S /run/systemd/journal/stdout").is_ok())
    })?;
    Ok(())
}

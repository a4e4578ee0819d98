//! Another program throws away what the actions of jails have made.

use std::time::{Duration, Instant};

use super::{Folder, answer, held, wait_held};
use crate::guard::Guard;
use crate::lines::{Log, failed_password};
use crate::machine::Machine;
use crate::runner::Setting;
use crate::trouble::{Tried, must};
use crate::waiting::until_true;

const JAILS: &str = "
[tables]
enabled = true
filter = sshd
port = ssh
logpath = /var/log/auth.log
banaction = nftables-multiport
[chains]
enabled = true
filter = sshd
port = ssh
logpath = /var/log/auth.log
action = iptables-multiport[name=chains, port=ssh]
";

const BANNED: u8 = 20;
/// The first repair comes at once, one after it after a moment; iptables is a program.
const REPAIR_MAX: Duration = Duration::from_secs(8);

/// Every ban is back soon, though nobody fails.
pub fn of_what_others_removed(setting: &Setting) -> Tried<String> {
    let machine = Machine::new()?;
    let folder = Folder::new(&machine, JAILS)?;
    let mut log = Log::open(&machine.log("auth.log"))?;
    let guard = Guard::start(&machine, folder.plan(setting, &machine))?;
    for number in 1..=BANNED {
        let address = format!("198.51.100.{number}");
        (0..3).try_for_each(|pid| log.write(&failed_password(1000 + pid, &address)))?;
    }
    wait_held(&guard, &machine, "tables", "198.51.100.20")?;
    let banned = || -> Tried<bool> {
        let chain =
            machine.shell("iptables -n -L f2b-chains 2>/dev/null | grep -c REJECT || true")?;
        let jump =
            machine.shell("iptables -n -L INPUT 2>/dev/null | grep -c f2b-chains || true")?;
        let chains = (chain.trim().parse(), jump.trim().parse()) == (Ok(BANNED), Ok(1_u8));
        Ok(chains && held(&machine, "tables")?.len() == usize::from(BANNED))
    };
    until_true("all are banned", Duration::from_secs(20), banned)?;
    let mut longest = Duration::ZERO;
    for removal in [
        "nft flush ruleset",
        "nft delete table inet f2b-table",
        "iptables -D INPUT -p tcp -m multiport --dports ssh -j f2b-chains",
        "iptables -F INPUT",
    ] {
        // What is removed while a repair goes on may be its own.
        std::thread::sleep(Duration::from_millis(500));
        machine.shell(removal)?;
        let removed = Instant::now();
        until_true(removal, Duration::from_secs(30), banned)
            .map_err(|trouble| format!("{trouble}; it said: {}", guard.said()))?;
        longest = longest.max(removed.elapsed());
    }
    must(longest <= REPAIR_MAX, || format!("a repair took {longest:?}"))?;
    let totals = answer(&guard, &["status", "tables"])?;
    must(totals.contains("Total banned:\t20"), || totals)?;
    Ok(format!("{BANNED} bans in nftables and in iptables back at most {longest:.1?} after"))
}

//! The mails of `smtp.py` over the real postfix, which lets nobody send who has no password.

use std::time::Duration;

use super::{Folder, wait_held};
use crate::guard::Guard;
use crate::lines::{Log, failed_password};
use crate::machine::World;
use crate::runner::Setting;
use crate::trouble::{Tried, must};
use crate::waiting::until_true;
use crate::{mail, sshd, syslog};

const ATTACKER: &str = "198.51.100.50";

/// With and without a password, and with a wrong one.
pub fn over_postfix(setting: &Setting) -> Tried<String> {
    let world = World::new()?;
    let server = &world.server;
    syslog::start(server)?;
    sshd::add_people(server)?;
    mail::start(&world)?;
    // Only who logs in may send, also from here.
    server.shell(
        "postconf -e mynetworks= smtpd_recipient_restrictions=permit_sasl_authenticated,reject && \
         postfix reload 2>&1",
    )?;
    let to = format!("{}@example.com", sshd::VISITOR);
    let jail = |name: &str, password: &str| {
        format!(
            "[{name}]\nenabled = true\nfilter = sshd\nlogpath = /var/log/tries.log\nmaxretry = 1\n\
             action = smtp.py[host=\"127.0.0.1:25\", {password}sender=\"f2b@example.com\", \
             dest=\"{to}\", matches=\"matches\"]\n\
             \x20        nftables-multiport[name={name}, port=ssh]\n"
        )
    };
    let login = |word: &str| format!("user=\"{}\", password=\"{word}\", ", sshd::ADMIN);
    let jails = [jail("right", &login(sshd::PASSWORD)), jail("wrong", &login("guessed"))];
    let folder = Folder::new(server, &[&jails[..], &[jail("none", "")]].concat().concat())?;
    let mut log = Log::open(&server.log("tries.log"))?;
    let guard = Guard::start(server, folder.plan(setting, server))?;
    log.write(&failed_password(1, ATTACKER))?;
    for name in ["right", "wrong", "none"] {
        wait_held(&guard, server, name, ATTACKER)?;
    }
    let inbox = || server.shell(&format!("cat /var/mail/{} 2>/dev/null || true", sshd::VISITOR));
    let subject = format!("Subject: [Fail2Ban] right: banned {ATTACKER} from ");
    until_true("the mail comes", Duration::from_secs(30), || Ok(inbox()?.contains(&subject)))
        .map_err(|trouble| format!("{trouble}; {}", guard.said()))?;
    let text = inbox()?;
    let line = format!("Failed password for root from {ATTACKER} port 40022 ssh2");
    must(text.contains(&line) && text.contains("From: Fail2Ban <f2b@example.com>"), || {
        text.clone()
    })?;
    must(!text.contains("] wrong:") && !text.contains("] none:"), || text.clone())?;
    // What failed is said with the server's words.
    guard.wait_said("535 5.7.8", Duration::from_secs(20))?;
    guard.wait_said("554 5.7.1", Duration::from_secs(20))?;
    let mails = text.matches("\nSubject: ").count();
    Ok(format!("{mails} mails with the right password, none with a wrong one or without"))
}

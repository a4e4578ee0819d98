//! The hook in PAM and the logs confirm each other: that one of them is silent is told, and that
//! the hook's line is gone.

use std::time::{Duration, Instant};

use super::logins::plan;
use crate::checks::{pam_hook, ssh};
use crate::guard::Guard;
use crate::machine::Machine;
use crate::mailbox::{Mail, Mailbox};
use crate::runner::Setting;
use crate::trouble::{Tried, must};
use crate::waiting::until;
use crate::{mail, sshd, syslog};

const FROM: &str = "203.0.113.41";
/// The files are looked at every ten seconds, and mail takes a moment.
const NOTICED: Duration = Duration::from_secs(25);
/// A witness is waited for, 30 s.
const MISSED: Duration = Duration::from_secs(45);

/// Logins of every kind with both at work; then the line is taken out, the program is opened to
/// all, both are put back, a line is forged, and the log is silenced.
pub fn is_missed(setting: &Setting) -> Tried<String> {
    let world = ssh::precise_server()?;
    let server = &world.server;
    mail::start_mailboxes(server)?;
    pam_hook::install(setting, server, "sshd --service su")?;
    let plan = plan(setting, server);
    pam_hook::note_installed(server, &plan)?;
    let _guard = Guard::start(server, plan)?;
    let findings = Findings { mailbox: Mailbox::of(server, sshd::VISITOR), known: 0 };
    let mut findings = findings;

    // A command, sftp, a tunnel, su by somebody and by root.
    let (attacker, user) = (&world.attacker, sshd::ADMIN);
    attacker.ssh(FROM, user, sshd::PASSWORD, "true")?.good()?;
    let mut sftp = attacker.ssh_command(FROM, user, sshd::PASSWORD, "-s")?;
    crate::command::run(sftp.arg("sftp"))?;
    let mut tunnel = attacker.ssh_command(FROM, user, sshd::PASSWORD, "-N")?.spawn()?;
    server.shell(&format!(
        "runuser -u {} -- bash -c \"echo '{}' | su {user} -c id\" >/dev/null 2>&1\n\
         su {user} -c id >/dev/null",
        sshd::VISITOR,
        sshd::PASSWORD
    ))?;
    std::thread::sleep(MISSED);
    tunnel.kill()?;
    tunnel.wait()?;
    findings.are_none(server)?;

    server.shell("cp /etc/pam.d/sshd /run/kept; sed -i /pam-hook/d /etc/pam.d/sshd")?;
    let gone_s = findings.next("is not there any more", NOTICED, server)?;
    server.shell("chmod 777 /run/bin/monban")?;
    let open_s = findings.next("others may write to", NOTICED, server)?;
    server.shell("cp /run/kept /etc/pam.d/sshd; chmod 755 /run/bin/monban")?;
    findings.next("is again as it was installed", NOTICED, server)?;

    server.shell(&format!(
        "logger -p auth.info -t sshd --id=77 \
         'Accepted password for {user} from 203.0.113.77 port 7 ssh2'"
    ))?;
    let forged_s = findings.next("but the hook in PAM did not tell of it", MISSED, server)?;

    server.shell("kill $(cat /run/rsyslogd.pid); sleep 1; rm -f /run/rsyslogd.pid")?;
    attacker.ssh(FROM, user, sshd::PASSWORD, "true")?.good()?;
    let silent_s = findings.next("but no log has a line of it", MISSED, server)?;
    syslog::start_precise(server)?;
    attacker.ssh(FROM, user, sshd::PASSWORD, "true")?.good()?;
    findings.are_none(server)?;
    Ok(format!(
        "no word of logins that both told; the line gone is told after {gone_s:.0} s, a program that \
         others may write to after {open_s:.0} s, a forged line after {forged_s:.0} s, a silent log \
         after {silent_s:.0} s"
    ))
}

struct Findings {
    mailbox: Mailbox,
    /// How many mails of findings were expected so far.
    known: usize,
}

impl Findings {
    fn all(&self) -> Tried<Vec<Mail>> {
        let mut mails = self.mailbox.mails()?;
        mails.retain(|mail| mail.field("X-Monban-Theme") == "finding");
        Ok(mails)
    }

    /// Waits for one more that says this; how long that took, in seconds.
    fn next(&mut self, words: &str, at_most: Duration, server: &Machine) -> Tried<f64> {
        let start = Instant::now();
        let one_more = || Ok(self.all()?.get(self.known).cloned());
        let (mail, _) = until(words, at_most, one_more)?;
        self.known += 1;
        let body = mail.body();
        must(body.contains(words), || {
            format!("{}\n{body}\n{}", mail.subject(), server.log_text("auth.log"))
        })?;
        Ok(start.elapsed().as_secs_f64())
    }

    /// Fails if there is one more.
    fn are_none(&self, server: &Machine) -> Tried<()> {
        let more = self.all()?.get(self.known).map(Mail::body);
        must(more.is_none(), || format!("{more:?}\n{}", server.log_text("auth.log")))
    }
}

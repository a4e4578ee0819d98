//! A login is told to its account's owner within a second, once, by log and hook together.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::Spread;
use crate::checks::{pam_hook, ssh};
use crate::command::run;
use crate::guard::{Guard, Plan};
use crate::lines::time_of;
use crate::machine::{Machine, World};
use crate::mailbox::{Mail, Mailbox};
use crate::runner::Setting;
use crate::trouble::{Tried, must};
use crate::waiting::until_true;
use crate::{mail, sshd};

/// The address of a login. One is that of ten logins: of more in a row the others are gathered.
fn from(number: usize) -> String {
    format!("203.0.113.{}", 20 + number / 10)
}

/// What the owner calls the key.
const COMMENT: &str = "admin (laptop)";

/// Logins while monban does not run.
const UNHEARD: usize = 5;
/// A second message of the same login would come within this.
const SECOND_ONE: Duration = Duration::from_secs(3);
const ARRIVES: Duration = Duration::from_secs(20);

/// Real logins by key, `su` and `sudo -i`, with postfix as the server of mail.
pub fn are_told(setting: &Setting) -> Tried<String> {
    let world = ssh::precise_server()?;
    let server = &world.server;
    mail::start_mailboxes(server)?;
    server.shell("echo '%sudo ALL=(ALL:ALL) ALL' >/etc/sudoers; chmod 440 /etc/sudoers")?;
    pam_hook::install(setting, server, "sshd --service su --service sudo --service sudo-i")?;
    let key = Key::new(&world)?;
    let plan = plan(setting, &world.server);
    pam_hook::note_installed(server, &plan)?;
    let guard = Guard::start(server, plan)?;
    let mailbox = Mailbox::of(server, sshd::VISITOR);

    let count = setting.sized(20, 100);
    let listening_s = key.logins(&world, 0..count)?;
    let mails = settled(&mailbox, count)?;
    let log = server.log_text("auth.log");
    let delays_s = delays(&log, &mails)?;
    (0..count).try_for_each(|number| key.is_told(&mails, number, &log))?;
    let told = Spread::of(delays_s);

    let became = becoming(&world, &mailbox, count)?;

    let plan = guard.plan();
    guard.stop()?;
    let stopped_s = key.logins(&world, count..count + UNHEARD)?;
    let _guard = Guard::start(server, plan)?;
    let all = settled(&mailbox, count + became + UNHEARD)?;
    let log = server.log_text("auth.log");
    (count..count + UNHEARD).try_for_each(|number| key.is_told(&all, number, &log))?;

    let (listening, stopped) = (Spread::of(listening_s), Spread::of(stopped_s));
    let is_met = told.median_s <= 1.0 && told.max_s <= 5.0;
    let is_unhindered = stopped.median_s <= listening.median_s * 1.5 + 0.1;
    setting.goal(
        is_met && is_unhindered,
        format!(
            "{count} logins by key, one mail each, from `Accepted` to the mailbox {told}; su and \
             sudo -i one each; a login takes {:.2} s with monban and {:.2} s without (medians), \
             {UNHEARD} without are told once each after its start; goal 1 s and 5 s",
            listening.median_s, stopped.median_s
        ),
    )
}

/// A guard that hears the hook, and mails all of it to somebody.
pub(super) fn plan(setting: &Setting, server: &Machine) -> Plan {
    let config = format!(
        "[mail]\nfrom = \"monban@localhost\"\nserver = \"127.0.0.1:25\"\nsecurity = \"plain\"\n\
         [[subscription]]\ntopic = \"default\"\nname = \"owner\"\nmail = \"{}@localhost\"\n\
         confirm = false\nrate = \"none\"\nlang = \"en\"\n",
        sshd::VISITOR
    );
    let hook = Some(PathBuf::from("/run/monban"));
    Plan { hook, ..setting.plan(server, &config, &["auth.log"]) }
}

/// A key by which the administrator may log in.
struct Key {
    path: PathBuf,
    fingerprint: String,
}

impl Key {
    fn new(world: &World) -> Tried<Self> {
        let path = world.server.folder().join("key");
        let shown = path.display();
        let user = sshd::ADMIN;
        world.server.shell(&format!(
            "ssh-keygen -q -t ed25519 -N '' -C '{COMMENT}' -f {shown}\n\
             install -d -m 700 -o {user} -g {user} ~{user}/.ssh\n\
             {{ echo '# keys'; echo -n 'environment=\"A=b c\",no-pty '; cat {shown}.pub; }} >{shown}.all
             install -m 600 -o {user} -g {user} {shown}.all ~{user}/.ssh/authorized_keys"
        ))?;
        let said = world.server.shell(&format!("ssh-keygen -l -f {shown}.pub"))?;
        let fingerprint = said.split(' ').nth(1).unwrap_or_default().to_owned();
        must(fingerprint.starts_with("SHA256:"), || format!("ssh-keygen: {said}"))?;
        Ok(Self { path, fingerprint })
    }

    /// These logins, one after the other; how long each took, in seconds.
    fn logins(&self, world: &World, which: Range<usize>) -> Tried<Vec<f64>> {
        let login = |number| {
            let start = Instant::now();
            world.attacker.ssh_by_key(&from(number), sshd::ADMIN, Path::new(&self.path))?;
            Ok(start.elapsed().as_secs_f64())
        };
        which.map(login).collect()
    }

    /// Fails unless one mail tells of a login all that somebody wants to know.
    fn is_told(&self, mails: &[Mail], number: usize, log: &str) -> Tried<()> {
        let line = accepted(log).nth(number).unwrap_or_default();
        let of_it: Vec<&Mail> = mails.iter().filter(|mail| is_of(mail, line)).collect();
        must(of_it.len() == 1, || format!("{} mails of `{line}`", of_it.len()))?;
        let (subject, body) = (of_it[0].subject(), of_it[0].body());
        let key = format!("{} ({COMMENT})", self.fingerprint);
        let words = [sshd::ADMIN, &from(number), "publickey", &key, "sshd"];
        let missing = words.into_iter().find(|word| !body.contains(word));
        let is_whole = subject.contains(sshd::ADMIN) && missing.is_none();
        must(is_whole, || format!("{missing:?}: {subject}\n{body}"))
    }
}

fn accepted(log: &str) -> impl Iterator<Item = &str> {
    log.lines().filter(|line| line.contains(": Accepted "))
}

/// Whether a mail has this line of sshd in it: its port and key are that connection's.
fn is_of(mail: &Mail, line: &str) -> bool {
    let told = line.split_once(": Accepted ").map_or(line, |(_, told)| told);
    !told.is_empty() && mail.body().contains(told)
}

/// `su` by somebody and `sudo -i`; how many logins that are.
fn becoming(world: &World, mailbox: &Mailbox, before: usize) -> Tried<usize> {
    let steps = [
        (sshd::VISITOR, "su", format!("echo '{}' | su {} -c id", sshd::PASSWORD, sshd::ADMIN)),
        (
            sshd::ADMIN,
            "sudo",
            format!("printf '%s\\nid\\n' '{}' | sudo -S -k -p '' -i", sshd::PASSWORD),
        ),
    ];
    let count = steps.len();
    for (number, (user, service, command)) in steps.into_iter().enumerate() {
        let as_user = ["-u", user, "--", "bash", "-c", &command];
        run(world.server.command("runuser").args(as_user))?;
        let mails = settled(mailbox, before + number + 1)?;
        let (subject, body) =
            mails.last().map(|mail| (mail.subject(), mail.body())).unwrap_or_default();
        must(subject.contains(user) && body.contains(service), || {
            format!("of {service}: {subject}\n{body}\n{}", world.server.log_text("auth.log"))
        })?;
    }
    Ok(count)
}

/// Waits for so many mails of logins, and that there are not more, nor any of findings: both
/// witnesses confirm each other.
fn settled(mailbox: &Mailbox, count: usize) -> Tried<Vec<Mail>> {
    let logins = || -> Tried<Vec<Mail>> {
        let mut mails = mailbox.mails()?;
        mails.retain(|mail| ["login", "finding"].contains(&mail.field("X-Monban-Theme").as_str()));
        Ok(mails)
    };
    let waited = until_true("mail of each login", ARRIVES, || Ok(logins()?.len() >= count));
    if waited.is_ok() {
        thread::sleep(SECOND_ONE);
    }
    let mails = logins()?;
    must(mails.len() == count, || {
        let subjects: Vec<String> = mails.iter().map(Mail::subject).collect();
        format!("{} mails of {count} logins: {subjects:?}", mails.len())
    })?;
    Ok(mails)
}

/// From each of sshd's lines to the mail of that login, in seconds.
fn delays(log: &str, mails: &[Mail]) -> Tried<Vec<f64>> {
    let delay = |line: &str| {
        let mail = mails.iter().find(|mail| is_of(mail, line))?;
        // A mail before the line would be of something else.
        Some(mail.arrived.duration_since(time_of(line)?).ok()?.as_secs_f64())
    };
    let delays: Vec<f64> = accepted(log).filter_map(delay).collect();
    must(delays.len() == mails.len(), || format!("{} are known of\n{log}", delays.len()))?;
    Ok(delays)
}

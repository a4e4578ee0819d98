//! Servers of mail that misbehave, and parts of monban that are killed: no message is lost.

use std::collections::BTreeSet;
use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::guard::{Guard, Killed};
use crate::lines::{Dice, Log, iso_time};
use crate::machine::Machine;
use crate::mailbox::Mail;
use crate::runner::Setting;
use crate::sink::{Manner, Sink};
use crate::trouble::{Tried, Trouble, must};
use crate::waiting::until_true;

/// Where the servers listen.
pub(super) const PORT: u16 = 2525;
/// Tries are made after 5 and further 30 seconds.
const DELIVERED: Duration = Duration::from_secs(50);
/// Logins around the kills.
const DELIVERIES: usize = 30;

/// All of it at once, each on a machine of its own.
pub fn is_outlived(setting: &Setting) -> Tried<String> {
    let parts: [fn(&Setting) -> Tried<String>; 5] = [down, refusing, slow, hanging_up, killed];
    thread::scope(|scope| {
        let running: Vec<_> =
            parts.into_iter().map(|part| scope.spawn(move || part(setting))).collect();
        let ended = running.into_iter().map(|part| {
            part.join().unwrap_or_else(|_| Err(Trouble("a thread panicked".to_owned())))
        });
        // All are waited for, whichever fails.
        let ended: Vec<Tried<String>> = ended.collect();
        ended.into_iter().collect::<Tried<Vec<String>>>().map(|told| told.join("; "))
    })
}

fn down(setting: &Setting) -> Tried<String> {
    let machine = Machine::new()?;
    let scene = Scene::new(setting, &machine, "owner@localhost", "")?;
    let down_s = setting.sized(20, 600);
    scene.log_in(0..3)?;
    thread::sleep(Duration::from_secs(down_s));
    let sink = Sink::start(&machine, PORT, Manner::Good)?;
    let back = Instant::now();
    // The pauses between tries get longer, up to the time that it was down.
    scene.wait_all_within(&sink, 3, DELIVERED + Duration::from_secs(down_s))?;
    let doubled = Tally::of(&sink.mails()).doubled;
    must(doubled == 0, || format!("{doubled} are doubled"))?;
    Ok(format!("down {down_s} s: all {:.0} s after", back.elapsed().as_secs_f64()))
}

fn refusing(setting: &Setting) -> Tried<String> {
    let spare = "fallback = \"spare\"\n[[topic]]\nname = \"none\"\nthemes = [\"finding\"]\n\
        [[subscription]]\ntopic = \"none\"\nname = \"spare\"\nmail = \"here@localhost\"\n\
        confirm = false\nlang = \"en\"\n";
    let machine = Machine::new()?;
    let scene = Scene::new(setting, &machine, "gone@localhost", spare)?;
    let sink = Sink::start(&machine, PORT, Manner::Refusing)?;
    scene.log_in(0..3)?;
    scene.wait_all(&sink, 3)?;
    let is_spare = |mail: &Mail| String::from_utf8_lossy(&mail.text).contains("here@localhost");
    must(sink.mails().iter().all(is_spare), || "not all are the fallback's".to_owned())?;
    scene.is_said("550 5.1.1")?;
    Ok("550: all by the fallback, and it is said".to_owned())
}

fn slow(setting: &Setting) -> Tried<String> {
    let machine = Machine::new()?;
    let scene = Scene::new(setting, &machine, "owner@localhost", "")?;
    let sink = Sink::start(&machine, PORT, Manner::Slow(Duration::from_secs(5)))?;
    let start = Instant::now();
    scene.log_in(0..2)?;
    scene.wait_all(&sink, 2)?;
    let took_s = start.elapsed().as_secs_f64();
    let doubled = Tally::of(&sink.mails()).doubled;
    Ok(format!("5 s a reply: all in {took_s:.0} s, {doubled} doubled"))
}

fn hanging_up(setting: &Setting) -> Tried<String> {
    let machine = Machine::new()?;
    let scene = Scene::new(setting, &machine, "owner@localhost", "")?;
    let sink = Sink::start(&machine, PORT, Manner::HangingUp(2))?;
    scene.log_in(0..2)?;
    scene.wait_all(&sink, 2)?;
    let doubled = Tally::of(&sink.mails()).doubled;
    must(doubled == 0, || format!("{doubled} are doubled"))?;
    Ok(format!("2 connections cut within a message: all by {}", sink.connections()))
}

/// Parts are killed while messages are delivered, then all at once.
fn killed(setting: &Setting) -> Tried<String> {
    let machine = Machine::new()?;
    let mut scene = Scene::new(setting, &machine, "owner@localhost", "")?;
    let sink = Sink::start(&machine, PORT, Manner::Good)?;
    let mut dice = Dice::new(5);
    let mut pause = || thread::sleep(Duration::from_millis(50 + dice.below(400) as u64));
    scene.log_in(0..1)?;
    for number in 1..DELIVERIES {
        scene.log_in(number..number + 1)?;
        pause();
        match number % 6 {
            2 => scene.guard()?.kill_watcher()?,
            5 => scene.guard()?.kill_courier()?,
            _ => {}
        }
    }
    scene.wait_all(&sink, DELIVERIES)?;
    let of_roles = Tally::of(&sink.mails()).doubled;
    for number in DELIVERIES..2 * DELIVERIES {
        scene.log_in(number..number + 1)?;
        if number % 10 == 5 {
            pause();
            scene.kill_all()?;
        }
    }
    scene.wait_all(&sink, 2 * DELIVERIES)?;
    let of_all = Tally::of(&sink.mails()).doubled - of_roles;
    setting.goal(
        of_roles == 0 && of_all <= 1,
        format!(
            "{DELIVERIES} while watcher or courier is killed 10 times: none lost, {of_roles} \
             doubled; {DELIVERIES} while all are killed 3 times: none lost, {of_all} doubled; \
             goal 0 and 1"
        ),
    )
}

/// monban, which mails the logins of a log.
struct Scene<'a> {
    machine: &'a Machine,
    guard: Option<Guard<'a>>,
}

impl<'a> Scene<'a> {
    /// `more` stands below the subscription of the reader.
    fn new(setting: &Setting, machine: &'a Machine, reader: &str, more: &str) -> Tried<Self> {
        let config = format!(
            "[mail]\nfrom = \"monban@localhost\"\nserver = \"127.0.0.1:{PORT}\"\n\
             security = \"plain\"\n[[topic]]\nname = \"default\"\nthemes = [\"login\"]\n\
             [[subscription]]\ntopic = \"default\"\nname = \"owner\"\nmail = \"{reader}\"\n\
             confirm = false\nrate = \"none\"\nlang = \"en\"\n{more}"
        );
        Log::open(&machine.log("auth.log"))?;
        let guard = Guard::start(machine, setting.plan(machine, &config, &["auth.log"]))?;
        Ok(Self { machine, guard: Some(guard) })
    }

    fn guard(&self) -> Tried<&Guard<'a>> {
        self.guard.as_ref().ok_or_else(|| Trouble("monban does not run".to_owned()))
    }

    fn kill_all(&mut self) -> Tried<()> {
        let guard = self.guard.take().ok_or("monban does not run")?;
        self.guard = Some(guard.kill_and_restart(Killed::Both)?);
        Ok(())
    }

    /// Logs the logins of these users, each from an address of his own.
    fn log_in(&self, users: Range<usize>) -> Tried<()> {
        let mut log = Log::open(&self.machine.log("auth.log"))?;
        let time = iso_time(SystemTime::now());
        users.into_iter().try_for_each(|number| {
            let pid = 5000 + number;
            log.write(&format!(
                "{time} server sshd[{pid}]: Accepted publickey for u{number}u from \
                 203.0.113.{number} port 40022 ssh2: ED25519 SHA256:abc\n"
            ))
        })
    }

    /// Waits until the server has a message of each of so many users.
    fn wait_all(&self, sink: &Sink, users: usize) -> Tried<()> {
        self.wait_all_within(sink, users, DELIVERED)
    }

    fn wait_all_within(&self, sink: &Sink, users: usize, within: Duration) -> Tried<()> {
        let known = || Tally::of(&sink.mails()).users;
        until_true("a message of each", within, || Ok(known() >= users)).map_err(|trouble| {
            let said = self.guard.as_ref().map(Guard::said).unwrap_or_default();
            Trouble(format!("{trouble}: {} of {users}; {said}", known()))
        })?;
        // A second one would come soon.
        thread::sleep(Duration::from_secs(1));
        Ok(())
    }

    fn is_said(&self, text: &str) -> Tried<()> {
        self.guard()?.wait_said(text, Duration::from_secs(5)).map(drop)
    }
}

/// What a server has.
struct Tally {
    /// Users of whom there is at least one message.
    users: usize,
    /// Messages that came again, by their names.
    doubled: usize,
}

impl Tally {
    fn of(mails: &[Mail]) -> Self {
        let ids: BTreeSet<String> = mails.iter().map(Mail::id).collect();
        let subjects = mails.iter().map(Mail::subject);
        let user = |subject: String| {
            let mut words = subject.split([' ', ',']).map(str::to_owned);
            words.find(|word| word.starts_with('u') && word.ends_with('u'))
        };
        let users: BTreeSet<String> = subjects.filter_map(user).collect();
        Self { users: users.len(), doubled: mails.len() - ids.len() }
    }
}

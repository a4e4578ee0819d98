//! The actor's life: the role that runs the commands of fail2ban's actions.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use monban_model::limits::{
    FAIL2BAN_REQUESTS_BYTES_MAX, FAIL2BAN_REQUESTS_MAX, JAIL_QUESTIONS_MAX, JAILS_END_S,
};
use monban_model::wire::{FromActor, ToActor, ToWatcher};
use monban_model::{JailAnswer, JailJob, JailOrder, JailOutcome, JailResult};

use super::ends::Ends;
use super::jails::Checks;
use super::settling::Settling;
use super::{FRAMES_A_TURN, Keeper, RESTART_FIRST};
use crate::{Channel, Received, memory_file};

/// The longest wait before an actor that ended is started again; one that lived for longer is
/// started at once.
const RESTART_LONGEST: Duration = Duration::from_secs(30);

/// When the daemon stops, all bans of jails are taken back, at most for so long.
const END_LONGEST: Duration = Duration::from_secs(JAILS_END_S);

/// It is said if that takes longer than this.
const END_QUIET: Duration = Duration::from_secs(2);

/// What is known of the actor.
#[derive(Debug)]
pub(super) struct Staff {
    /// A file that is there while bans of jails may be in the kernel.
    mark: PathBuf,
    /// It was brought to a configuration.
    begun: bool,
    actor: Option<Actor>,
    /// The number of the table that it has.
    table: u32,
    /// It has said which jails of that are started; before, nothing is asked of it.
    is_ready: bool,
    restart_at: Option<Instant>,
    pub(super) checks: Checks,
    restart_wait: Duration,
    /// Orders whose outcome did not come yet.
    open: BTreeMap<u64, Open>,
    open_bytes: usize,
    /// Questions for an `ignorecommand` whose answer did not come yet.
    questions: BTreeSet<u64>,
}

#[derive(Debug)]
struct Actor {
    child: Child,
    channel: Channel,
    started: Instant,
    settling: Settling,
    /// It was told to end.
    leaves: bool,
}

#[derive(Debug)]
struct Open {
    jail: u32,
    job: JailJob,
    bytes: usize,
}

/// Whether bans of jails of an earlier run may be in the kernel.
pub fn may_have_left(state: &Path) -> bool {
    mark(state).exists()
}

fn mark(state: &Path) -> PathBuf {
    state.join("jails-run")
}

impl Staff {
    /// Nobody yet; what is to be remembered over a kill lies in the state folder.
    pub(super) fn new(state: &Path) -> Self {
        Self {
            mark: mark(state),
            begun: false,
            actor: None,
            table: 0,
            is_ready: false,
            restart_at: None,
            checks: Checks::default(),
            restart_wait: RESTART_FIRST,
            open: BTreeMap::new(),
            open_bytes: 0,
            questions: BTreeSet::new(),
        }
    }

    /// Where it speaks, and whether frames wait for room.
    pub(super) fn fd(&self) -> Option<(BorrowedFd<'_>, bool)> {
        self.actor.as_ref().map(|actor| (actor.channel.as_fd(), actor.channel.is_behind()))
    }

    #[cfg(test)]
    pub(super) const fn runs(&self) -> bool {
        self.actor.is_some()
    }

    pub(super) const fn restart_at(&self) -> Option<Instant> {
        self.restart_at
    }

    /// Whether the outcome of an order did not come yet.
    pub(super) fn is_open(&self, order: u64) -> bool {
        self.open.contains_key(&order)
    }

    /// Whether it takes orders.
    pub(super) fn is_ready(&self) -> bool {
        self.is_ready && self.actor.as_ref().is_some_and(|actor| !actor.leaves)
    }

    /// The number of the table that it has.
    pub(super) const fn table(&self) -> u32 {
        self.table
    }

    /// Notes an order; false if too many are open.
    fn open(&mut self, order: &JailOrder) -> bool {
        let bytes = order.ticket.len();
        let full = self.open.len() >= FAIL2BAN_REQUESTS_MAX
            || self.open_bytes + bytes > FAIL2BAN_REQUESTS_BYTES_MAX;
        if !full {
            let open = Open { jail: order.jail, job: order.job, bytes };
            self.open_bytes += bytes;
            self.close(order.id);
            self.open.insert(order.id, open);
            if let Some(actor) = self.actor.as_mut().filter(|_| order.job == JailJob::Start) {
                actor.settling.begun = true;
            }
            if order.job == JailJob::Check {
                self.checks.begin(order.id);
            }
        }
        !full
    }

    /// Notes whether the watcher has more orders of a table than it has given.
    pub(super) fn expect(&mut self, table: u32, more: bool) {
        if let Some(actor) = self.actor.as_mut().filter(|_| table == self.table) {
            actor.settling.more = more;
        }
        self.settle();
    }

    /// What ends with its jails or with the actor is not made again.
    fn settle(&mut self) {
        if let Some(actor) = self.actor.as_mut().filter(|actor| !actor.leaves)
            && self.open.is_empty()
        {
            actor.settling.rest();
        }
    }

    fn close(&mut self, order: u64) -> bool {
        self.checks.end(order);
        let closed = self.open.remove(&order);
        self.open_bytes -= closed.as_ref().map_or(0, |open| open.bytes);
        closed.is_some()
    }
}

impl Keeper<'_> {
    /// Whether the actions of jails run.
    pub(super) fn acts(&self) -> bool {
        self.load.jails && self.guards()
    }

    /// The actor is told the first configuration when the logs are read, or after a second where
    /// there is much to read: what reads them comes first.
    pub(super) fn begin_actor(&mut self) {
        if !self.staff.begun && !self.stopping {
            self.settle_actor();
        }
    }

    /// Brings the actor to the configuration in force: it is started, told of it, or ended. Whether
    /// jails may be ending with that.
    pub(super) fn settle_actor(&mut self) -> bool {
        self.staff.begun = true;
        let ran = self.staff.actor.is_some();
        match (self.acts(), self.staff.actor.is_some()) {
            (true, true) => self.send_table(),
            (true, false) => self.start_actor(),
            (false, true) => {
                self.post_actor(&ToActor::Stop);
                if let Some(actor) = &mut self.staff.actor {
                    actor.leaves = true;
                }
            }
            (false, false) => self.staff.restart_at = None,
        }
        ran && self.staff.actor.is_some()
    }

    fn start_actor(&mut self) {
        self.staff.restart_at = None;
        let again = self.staff.mark.exists();
        if let Err(error) = std::fs::write(&self.staff.mark, "") {
            self.note("actor-failed", vec![("error", error.to_string())]);
        }
        match self.host.start_actor(again) {
            Ok((child, channel)) => {
                let channel = Channel::over(channel);
                let (started, settling) = (Instant::now(), Settling::after(again));
                self.staff.actor = Some(Actor { child, channel, started, settling, leaves: false });
                self.send_table();
            }
            Err(error) => {
                self.note("actor-failed", vec![("error", error.to_string())]);
                self.restart_actor_later();
            }
        }
    }

    /// Starts it again if it is time.
    pub(super) fn restart_actor_if_due(&mut self) {
        if self.staff.restart_at.is_some_and(|at| at <= Instant::now()) {
            self.staff.restart_at = None;
            self.settle_actor();
        }
    }

    fn restart_actor_later(&mut self) {
        self.staff.restart_at = Some(Instant::now() + self.staff.restart_wait);
        self.staff.restart_wait = (self.staff.restart_wait * 2).min(RESTART_LONGEST);
    }

    fn send_table(&mut self) {
        match memory_file(&self.load.bundle) {
            Ok(fd) => {
                (self.staff.table, self.staff.is_ready) = (self.in_force, false);
                let frame = ToActor::Table { reload: self.in_force };
                if let Some(actor) = &mut self.staff.actor {
                    actor.settling.begun = false;
                    if actor.channel.post(&frame, Some(fd)).is_err() {
                        self.lose_actor();
                    }
                }
            }
            Err(error) => {
                self.note("actor-failed", vec![("error", error.to_string())]);
                self.lose_actor();
            }
        }
    }

    /// A new watcher does not know which jails are started.
    pub(super) fn ask_fresh(&mut self) {
        self.post_actor(&ToActor::AskFresh);
    }

    fn post_actor(&mut self, frame: &ToActor) {
        if let Some(actor) = &mut self.staff.actor
            && actor.channel.post(frame, None).is_err()
        {
            self.lose_actor();
        }
    }

    /// Hands on orders that nothing stands against; what came of the others is told at once.
    /// The numbers of jails are those of one configuration; in that of another they may be others.
    pub(super) fn hand_on(
        &mut self,
        reload: u32,
        orders: Vec<JailOrder>,
        mut outcomes: Vec<JailOutcome>,
    ) {
        let runs = self.staff.is_ready() && reload == self.staff.table;
        let mut wanted = Vec::with_capacity(orders.len());
        for order in orders {
            let result = match runs {
                true if self.staff.open(&order) => {
                    wanted.push(order);
                    continue;
                }
                true => JailResult::failed("too many orders wait for the commands of actions"),
                false => JailResult::Lost,
            };
            outcomes.push(outcome(&order, result));
        }
        self.tell_outcomes(outcomes);
        for part in JailOrder::frames(wanted) {
            self.post_actor(&ToActor::Orders(part));
        }
    }

    pub(super) fn tell_outcomes(&mut self, outcomes: Vec<JailOutcome>) {
        for part in JailOutcome::frames(outcomes) {
            self.post(&ToWatcher::Jailed(part), None);
        }
    }

    /// Asks `ignorecommand` of a jail; nobody is spared where it cannot be asked.
    pub(super) fn ask_ignore_command(&mut self, reload: u32, id: u64, jail: u32, who: Vec<u8>) {
        let has_room = self.staff.questions.len() < JAIL_QUESTIONS_MAX;
        if !self.acts() || !has_room {
            self.answer_jail(id, JailAnswer::Ignored(false));
        } else if self.staff.is_ready() && reload == self.staff.table {
            self.staff.questions.insert(id);
            self.post_actor(&ToActor::AskCommand { id, jail, ticket: who });
        } else {
            self.answer_jail(id, JailAnswer::Lost);
        }
    }

    fn answer_jail(&mut self, id: u64, answer: JailAnswer) {
        self.post(&ToWatcher::JailAnswer { id, answer }, None);
    }

    /// Takes what the actor says, a bounded number of frames.
    pub(super) fn hear_actor(&mut self) {
        for _ in 0..FRAMES_A_TURN {
            let Some(actor) = &mut self.staff.actor else { return };
            if actor.channel.flush().is_err() {
                return self.lose_actor();
            }
            match actor.channel.receive::<FromActor>() {
                Ok(Received::Frame(frame, _)) => self.take_from_actor(frame),
                Ok(Received::Nothing) => return,
                Ok(Received::End) | Err(_) => return self.lose_actor(),
            }
        }
    }

    fn take_from_actor(&mut self, frame: FromActor) {
        match frame {
            // Of an older table the numbers mean other jails.
            FromActor::Fresh { reload, jails } if reload == self.staff.table => {
                self.staff.is_ready = true;
                if let Some(actor) = &mut self.staff.actor {
                    actor.settling.begun = jails.is_empty();
                }
                self.post(&ToWatcher::Actions { reload, fresh: jails }, None);
            }
            FromActor::Fresh { .. } => {}
            FromActor::Outcomes(mut outcomes) => {
                outcomes.retain(|outcome| self.staff.close(outcome.order));
                self.staff.settle();
                for outcome in outcomes.iter().filter(|outcome| outcome.job == JailJob::Stop) {
                    self.clients.release(Ends::Order(outcome.order));
                }
                self.tell_outcomes(outcomes);
            }
            FromActor::Ended { reload } => self.clients.release(Ends::Table(reload)),
            FromActor::Ignored { id, yes } => {
                if self.staff.questions.remove(&id) {
                    self.answer_jail(id, JailAnswer::Ignored(yes));
                }
            }
        }
    }

    /// The actor is gone: another is started. What was asked of it is asked for again when the new
    /// one has said that it has no jail started.
    pub(super) fn lose_actor(&mut self) {
        let Some(mut actor) = self.staff.actor.take() else { return };
        // The end of one that leaves closes its channel: it is as good as over.
        for _ in 0..100 {
            if !actor.leaves || !matches!(actor.child.try_wait(), Ok(None)) {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = actor.child.kill();
        let status = actor.child.wait();
        let was_well = status.as_ref().is_ok_and(ExitStatus::success);
        if !self.stopping && !actor.leaves {
            let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
            self.note("actor-ended", vec![("how", how)]);
        }
        let open = std::mem::take(&mut self.staff.open);
        self.staff.open_bytes = 0;
        self.staff.checks.end_all();
        let lost = open.into_iter().map(|(order, Open { jail, job, .. })| JailOutcome {
            order,
            jail,
            job,
            result: JailResult::Lost,
        });
        self.tell_outcomes(lost.collect());
        // What it had begun to end it has ended, or its successor clears it away.
        self.clients.release_all();
        for id in std::mem::take(&mut self.staff.questions) {
            self.answer_jail(id, JailAnswer::Lost);
        }
        self.staff.is_ready = false;
        self.post(&ToWatcher::NoActions, None);
        if actor.leaves && was_well && actor.settling.leaves_nothing() {
            let _ = std::fs::remove_file(&self.staff.mark);
        }
        if actor.leaves || actor.started.elapsed() > RESTART_LONGEST {
            self.staff.restart_wait = RESTART_FIRST;
        }
        self.restart_actor_later();
    }

    /// Has all bans of jails taken back, and waits for it, but not for ever.
    pub(super) fn stop_actor(&mut self) {
        self.post_actor(&ToActor::Stop);
        let begun = Instant::now();
        let mut said = false;
        while let Some(actor) = &mut self.staff.actor {
            let runs = matches!(actor.child.try_wait(), Ok(None));
            if !runs || begun.elapsed() > END_LONGEST {
                let _ = actor.child.kill();
                let was_well = actor.child.wait().is_ok_and(|status| status.success());
                if was_well && actor.settling.leaves_nothing() {
                    let _ = std::fs::remove_file(&self.staff.mark);
                }
                self.staff.actor = None;
                if runs {
                    let seconds = END_LONGEST.as_secs().to_string();
                    self.note("jails-not-ended", vec![("seconds", seconds)]);
                }
                return;
            }
            // Nobody is there to hear it any more.
            while let Ok(Received::Frame::<FromActor>(..)) = actor.channel.receive() {}
            let _ = actor.channel.flush();
            if !said && begun.elapsed() > END_QUIET {
                said = true;
                self.note("jails-ending", vec![("seconds", END_LONGEST.as_secs().to_string())]);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

pub(super) fn outcome(order: &JailOrder, result: JailResult) -> JailOutcome {
    JailOutcome { order: order.id, jail: order.jail, job: order.job, result }
}

//! Does requests: the commands of a jail in order, those of several jails beside each other.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use monban_model::JailJob;
use monban_model::limits::FAIL2BAN_COMMANDS_AT_ONCE_MAX;

use super::jail::JailActions;
use super::kernel::{Kernel, Refused};
use super::lanes::{Lanes, Load, Waiting};
use super::machine::Execute;
use super::mail::{Mail, Mailer};
use super::native::Fed;
use super::place::Place;
use super::run::{self, Environment, Outcome};
use super::shell::Shell;
use super::table::{Done, Request, Table};
use super::template::Template;
use super::ticket::Time;

/// Bans of one jail that are made at once where no command of a shell runs for each of them.
const AT_ONCE: usize = 16_384;

/// A start or a stop of a jail waits so long at most for that of another, which takes milliseconds
/// where both are of a firewall.
const ALONE_PATIENCE: Duration = Duration::from_secs(3);

/// Where one does: others want a thread as well.
const AT_ONCE_WITH_SHELL: usize = 64;

/// There is no room for more work, or no such jail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many requests wait for the commands of actions")
    }
}

impl std::error::Error for Full {}

/// What came of a request.
#[derive(Clone, Debug)]
pub struct Report {
    /// The number that it came with.
    pub id: u64,
    /// What was asked for.
    pub request: Request,
    /// What came of it; `None` if its jail was stopped or ended before.
    pub done: Option<Done>,
    /// The names of the actions that failed.
    pub names: Vec<String>,
    /// Commands that ran.
    pub commands: u32,
    /// The command on which an action failed, for those that failed on one: the number of the
    /// action, and how the command ended. Of many requests that were made at once it is the first.
    pub failures: BTreeMap<u32, Outcome>,
}

/// Runs what requests ask for, out of a table.
pub struct Actor {
    lanes: Lanes<String, Work>,
    jails: Vec<Arc<Post>>,
    /// Bans of all jails that are kept.
    bans: Arc<AtomicUsize>,
    /// Whether the actor before this one died.
    again: bool,
}

/// A jail while its actions stay the same.
struct Post {
    name: String,
    templates: Mutex<Arc<[Template]>>,
    state: Mutex<JailActions>,
    /// Whether its start was asked for.
    started: AtomicBool,
    /// Whether nothing is to be done any more but its end.
    ended: AtomicBool,
    /// Stops that wait: what waits before one of them is not done.
    stops: AtomicUsize,
}

enum Work {
    Do { id: u64, post: Arc<Post>, request: Box<Request> },
    End(Arc<Post>, Arc<Ending>),
}

/// The ends of jails that began together. The last of them drops it.
struct Ending(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(tell) = self.0.take() {
            tell();
        }
    }
}

impl Actor {
    /// Starts its threads. `report` is called once for each request, from any of them.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub fn new(
        table: Table,
        environment: Environment,
        report: impl Fn(Report) + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        Self::after_another(table, environment, None, false, report)
    }

    /// As [`Actor::new`]; elements of sets go through the `kernel`, if there is one, and not
    /// through a program. With `again` the one before may have left its bans in the kernel: what
    /// native actions keep there is taken away before they start, and all others are asked for
    /// ends of bans that they did not make here.
    ///
    /// # Errors
    /// As [`Actor::new`].
    pub fn after_another(
        table: Table,
        environment: Environment,
        kernel: Option<Box<dyn Kernel>>,
        again: bool,
        report: impl Fn(Report) + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let kernel = kernel.map(Mutex::new);
        let worker = Worker { environment, kernel, again, alone: Mutex::new(()), report };
        let work = move |_: &String, waiting: &mut Waiting<Work>| worker.work(waiting);
        let lanes = Lanes::new(FAIL2BAN_COMMANDS_AT_ONCE_MAX, work)?;
        let mut actor = Self { lanes, jails: Vec::new(), bans: Arc::default(), again };
        actor.take_over(table, || ());
        Ok(actor)
    }

    /// Goes over to another table. A jail of the same name with the same actions goes on; every
    /// other one that was there is ended, with the actions that it had. `ended` is called, from
    /// any thread, once that is done; at once where there is none.
    pub fn take_over(&mut self, table: Table, ended: impl FnOnce() + Send + Sync + 'static) {
        let mut before = std::mem::take(&mut self.jails);
        for (name, templates) in table.into_jails() {
            let same = before.iter().position(|post| post.name == name && post.is_as(&templates));
            let post = match same.map(|at| before.swap_remove(at)) {
                Some(post) => {
                    *lock(&post.templates) = templates.into();
                    post
                }
                None => Arc::new(Post {
                    name,
                    templates: Mutex::new(templates.into()),
                    state: Mutex::new(JailActions::after_another(
                        Arc::clone(&self.bans),
                        self.again,
                    )),
                    started: AtomicBool::new(false),
                    ended: AtomicBool::new(false),
                    stops: AtomicUsize::new(0),
                }),
            };
            self.jails.push(post);
        }
        self.end(before, Ending(Some(Box::new(ended))));
    }

    /// The numbers of the jails that are not started.
    pub fn fresh(&self) -> Vec<u32> {
        let fresh = (0..).zip(&self.jails);
        let fresh = fresh.filter(|(_, post)| !post.started.load(Ordering::Relaxed));
        fresh.map(|(number, _)| number).collect()
    }

    /// Takes a request. `id` comes back with its report.
    ///
    /// # Errors
    /// Too many wait, or there is no such jail.
    pub fn submit(&self, id: u64, request: Request) -> Result<(), Full> {
        let jail = usize::try_from(request.jail).ok();
        let post = jail.and_then(|jail| self.jails.get(jail)).ok_or(Full)?;
        let (job, bytes) = (request.job, request.ticket.size());
        let request = Box::new(request);
        let work = Work::Do { id, post: Arc::clone(post), request };
        if job == JailJob::Stop {
            post.started.store(false, Ordering::Relaxed);
            post.stops.fetch_add(1, Ordering::Relaxed);
            self.lanes.push_always(post.name.clone(), work);
            return Ok(());
        }
        self.lanes.push(post.name.clone(), bytes, work).map_err(|_| Full)?;
        if job == JailJob::Start {
            post.started.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// How much there is to do.
    pub fn load(&self) -> Load {
        self.lanes.load()
    }

    /// Waits until all is done.
    pub fn finish(self) -> Load {
        self.lanes.finish()
    }

    /// Ends all jails and waits until that is done. What waits is not done any more.
    pub fn end_all(mut self) {
        let all = std::mem::take(&mut self.jails);
        self.end(all, Ending(None));
        self.finish();
    }

    fn end(&self, posts: Vec<Arc<Post>>, ending: Ending) {
        let ending = Arc::new(ending);
        for post in posts {
            post.ended.store(true, Ordering::Relaxed);
            let lane = post.name.clone();
            self.lanes.push_always(lane, Work::End(post, Arc::clone(&ending)));
        }
    }
}

impl Post {
    fn is_as(&self, templates: &[Template]) -> bool {
        let own = lock(&self.templates);
        own.len() == templates.len() && own.iter().zip(templates).all(|(one, two)| one.is_as(two))
    }
}

/// What all threads share.
struct Worker<R> {
    environment: Environment,
    kernel: Option<Mutex<Box<dyn Kernel>>>,
    again: bool,
    /// Held while something is made or taken away that jails may share.
    alone: Mutex<()>,
    report: R,
}

impl<R: Fn(Report)> Worker<R> {
    /// Does the first of what waits, and what can be done together with it.
    fn work(&self, waiting: &mut Waiting<Work>) {
        match waiting.pop_front() {
            Some((_, Work::End(post, _ending))) => self.end(&post),
            Some((_, Work::Do { id, post, request })) => {
                let templates = Arc::clone(&lock(&post.templates));
                let mut group = vec![(id, *request)];
                // What it takes to know that is made for a ban, and not for each start.
                let most = if is_ban(&group[0].1) { most_at_once(&templates) } else { 1 };
                while group.len() < most {
                    let is_next = |one: &mut (usize, Work)| match &one.1 {
                        Work::Do { post: other, request, .. } => {
                            Arc::ptr_eq(other, &post) && is_ban(request)
                        }
                        Work::End(..) => false,
                    };
                    let next = waiting.pop_front_if(is_next);
                    let Some((_, Work::Do { id, request, .. })) = next else { break };
                    group.push((id, *request));
                }
                self.perform(&post, &templates, group);
            }
            None => {}
        }
    }

    fn perform(&self, post: &Post, templates: &[Template], group: Vec<(u64, Request)>) {
        let stops = matches!(group[..], [(_, Request { job: JailJob::Stop, .. })]);
        let is_over = post.stops.load(Ordering::Relaxed) > 0 && !stops;
        if stops {
            post.stops.fetch_sub(1, Ordering::Relaxed);
        }
        if is_over || post.ended.load(Ordering::Relaxed) {
            for (id, request) in group {
                let (names, failures) = (Vec::new(), BTreeMap::new());
                (self.report)(Report { id, request, done: None, names, commands: 0, failures });
            }
            return;
        }
        let mut runner = self.runner();
        // Never waited for: a lane is worked on by one thread at a time.
        let mut state = lock(&post.state);
        let requests: Vec<&Request> = group.iter().map(|(_, request)| request).collect();
        let done = match requests[..] {
            [one] if one.job == JailJob::Stop => {
                vec![self.end_with(&mut state, templates, &mut runner)]
            }
            [one] if !is_ban(one) => {
                if one.job == JailJob::Start && self.again {
                    state.clean(templates, now(), &mut runner);
                    runner = self.runner();
                }
                vec![state.perform(templates, one, now(), &mut runner)]
            }
            _ => state.perform_all(templates, &requests, now(), &mut runner),
        };
        drop(state);
        let Runner { commands, failures, .. } = runner;
        for ((id, request), done) in group.into_iter().zip(done) {
            let of_it = |number: &u32| done.failed.iter().any(|(failed, _)| failed == number);
            let failures = failures.iter().filter(|(number, _)| of_it(number));
            let failures = failures.map(|(number, outcome)| (*number, outcome.clone())).collect();
            let names = names(&done, templates);
            let done = Some(done);
            (self.report)(Report { id, request, done, names, commands, failures });
        }
    }

    fn end(&self, post: &Post) {
        let templates = Arc::clone(&lock(&post.templates));
        self.end_with(&mut lock(&post.state), &templates, &mut self.runner());
    }

    fn end_with(
        &self,
        state: &mut JailActions,
        templates: &[Template],
        runner: &mut Runner<'_>,
    ) -> Done {
        if self.again && !state.is_clean() {
            // It ends before it began, and nobody will look again for what was left behind.
            state.clean(templates, now(), &mut self.runner());
        }
        state.end(templates, now(), runner)
    }

    fn runner(&self) -> Runner<'_> {
        let Self { environment, kernel, alone, .. } = self;
        let kernel = kernel.as_ref();
        let (last, failures) = (None, BTreeMap::new());
        Runner { environment, kernel, alone, commands: 0, last, failures }
    }
}

struct Runner<'a> {
    environment: &'a Environment,
    kernel: Option<&'a Mutex<Box<dyn Kernel>>>,
    alone: &'a Mutex<()>,
    commands: u32,
    /// The last command that failed of the action that is at work.
    last: Option<Outcome>,
    failures: BTreeMap<u32, Outcome>,
}

impl Execute for Runner<'_> {
    fn execute(&mut self, shell: &Shell, timeout: Duration) -> bool {
        let outcome = run::run(shell, timeout, self.environment);
        self.commands += 1;
        let ok = outcome.is_ok();
        if !ok {
            self.last = Some(outcome);
        }
        ok
    }

    fn execute_alone(&mut self, shell: &Shell, timeout: Duration) -> bool {
        let alone = self.alone;
        let _held = lock_soon(alone);
        self.execute(shell, timeout)
    }

    fn send(&mut self, mailer: &Mailer, mail: &Mail) -> bool {
        let sent = mailer.send(mail);
        if let Err(why) = &sent {
            self.last = Some(Outcome::not_started(why));
        }
        sent.is_ok()
    }

    fn feed(&mut self, fed: &Fed, timeout: Duration) -> bool {
        if let Some((kernel, elements)) = self.kernel.zip(fed.elements.as_ref()) {
            match lock(kernel).elements(elements) {
                Ok(()) => return true,
                Err(Refused::BySet) => return false,
                Err(Refused::Unable) => {}
            }
        }
        self.commands += 1;
        // Its failure is told by the commands that follow it.
        run::run_fed(fed, timeout, self.environment).is_ok()
    }

    fn is_gone(&mut self, place: &Place, timeout: Duration) -> bool {
        let asked = self.kernel.zip(place.set.as_ref());
        if let Some(has) = asked.and_then(|(kernel, set)| lock(kernel).has(set)) {
            return !has;
        }
        place.is_gone_by(|fed| {
            self.commands += 1;
            run::run_fed(fed, timeout, self.environment).is_ok()
        })
    }

    fn ended(&mut self, action: u32, ok: bool) {
        if let Some(outcome) = self.last.take().filter(|_| !ok) {
            self.failures.entry(action).or_insert(outcome);
        }
    }
}

fn names(done: &Done, templates: &[Template]) -> Vec<String> {
    let template = |number: u32| templates.get(usize::try_from(number).ok()?);
    let name = |number| template(number).map_or_else(String::new, |one| one.actname.clone());
    done.failed.iter().map(|(number, _)| name(*number)).collect()
}

const fn is_ban(request: &Request) -> bool {
    matches!(request.job, JailJob::Ban | JailJob::Unban | JailJob::Reban { .. })
}

fn most_at_once(templates: &[Template]) -> usize {
    match templates.iter().all(|template| template.is_native() || template.is_silent()) {
        true => AT_ONCE,
        false if templates.iter().any(Template::is_native) => AT_ONCE_WITH_SHELL,
        false => 1,
    }
}

/// The lock, or none after a while: a start that hangs holds up no other jail.
fn lock_soon(mutex: &Mutex<()>) -> Option<MutexGuard<'_, ()>> {
    let begun = Instant::now();
    loop {
        match mutex.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if begun.elapsed() > ALONE_PATIENCE => return None,
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::Fraction(since.as_secs_f64())
}

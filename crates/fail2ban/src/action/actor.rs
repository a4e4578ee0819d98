//! Does requests: the commands of a jail in order, those of several jails beside each other.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use monban_model::limits::FAIL2BAN_COMMANDS_AT_ONCE_MAX;

use super::lanes::{Full, Lanes, Load};
use super::machine::Execute;
use super::run::{self, Environment, Outcome};
use super::shell::Shell;
use super::table::{Done, JailActions, Request, Table};
use super::ticket::Time;

/// What came of a request.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was asked for.
    pub request: Request,
    /// What came of it.
    pub done: Done,
    /// Commands that ran.
    pub commands: u32,
    /// Those of them that failed, with what was run.
    pub failures: Vec<(Shell, Outcome)>,
}

/// Runs what requests ask for, out of a table that is fixed.
pub struct Actor {
    lanes: Lanes<Request>,
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
        let states: Vec<Mutex<JailActions>> =
            (0..table.len()).map(|_| Mutex::new(JailActions::default())).collect();
        let (table, states) = (Arc::new(table), Arc::new(states));
        let count = table.len();
        let work = move |lane: usize, request: Request| {
            let (Some(templates), Some(state)) = (table.templates(request.jail), states.get(lane))
            else {
                return;
            };
            let mut runner =
                Runner { environment: &environment, commands: 0, failures: Vec::new() };
            // Never waited for: a lane is worked on by one thread at a time.
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            let done = state.perform(templates, &request, now(), &mut runner);
            drop(state);
            let Runner { commands, failures, .. } = runner;
            report(Report { request, done, commands, failures });
        };
        let lanes = Lanes::new(count, FAIL2BAN_COMMANDS_AT_ONCE_MAX, work)?;
        Ok(Self { lanes })
    }

    /// Takes a request.
    ///
    /// # Errors
    /// Too many wait, or there is no such jail. It is counted.
    pub fn submit(&self, request: Request) -> Result<(), Full> {
        let lane = usize::try_from(request.jail).unwrap_or(usize::MAX);
        self.lanes.push(lane, request.ticket.size(), request)
    }

    /// How much there is to do.
    pub fn load(&self) -> Load {
        self.lanes.load()
    }

    /// Waits until all is done.
    pub fn finish(self) -> Load {
        self.lanes.finish()
    }
}

struct Runner<'a> {
    environment: &'a Environment,
    commands: u32,
    failures: Vec<(Shell, Outcome)>,
}

impl Execute for Runner<'_> {
    fn execute(&mut self, shell: &Shell, timeout: Duration) -> bool {
        let outcome = run::run(shell, timeout, self.environment);
        self.commands += 1;
        let ok = outcome.is_ok();
        if !ok {
            self.failures.push((shell.clone(), outcome));
        }
        ok
    }
}

fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::Fraction(since.as_secs_f64())
}
